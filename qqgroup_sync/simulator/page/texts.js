// What the page says, in the language that is set. {0}, {1} and {name} are filled in.

import { language } from "./settings.js";
import { en } from "./texts/en.js";
import { zh } from "./texts/zh.js";

export function t(key, ...values) {
  const text = (language.value === "zh" ? zh : en)[key] ?? key;
  const named = typeof values[0] === "object" && values[0] !== null ? values[0] : null;
  return text.replace(/\{(\w+)\}/g, (_, name) => (named ? named[name] : values[name]) ?? "");
}

export function has(key) {
  return Object.hasOwn(en, key);
}

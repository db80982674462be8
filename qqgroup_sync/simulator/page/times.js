// Times as people read them, in the language that is set.

import { language } from "./settings.js";
import { control } from "./store.js";
import { t } from "./texts.js";

const formats = new Map();

function format(name, options) {
  const key = `${language.value} ${name}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", options));
  return formats.get(key);
}

export const platformNow = () => Date.now() + control.value.clock.ahead * 1000;

export function clockTime(seconds) {
  return format("minutes", { hour: "2-digit", minute: "2-digit", hour12: false }).format(seconds * 1000);
}

export function exactTime(seconds) {
  return format("millis", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false }).format(seconds * 1000);
}

export function fullTime(seconds) {
  return format("full", { dateStyle: "long", timeStyle: "medium", hour12: false }).format(seconds * 1000);
}

export const dayOf = (seconds) => new Date(seconds * 1000).toDateString();

export function dayName(seconds) {
  const now = platformNow();
  if (dayOf(seconds) === new Date(now).toDateString()) return t("today");
  if (dayOf(seconds) === new Date(now - 86_400_000).toDateString()) return t("yesterday");
  return format("day", { weekday: "short", year: "numeric", month: "long", day: "numeric" }).format(seconds * 1000);
}

export function shortTime(seconds) {
  if (dayOf(seconds) === new Date(platformNow()).toDateString()) return clockTime(seconds);
  return format("date", { month: "numeric", day: "numeric" }).format(seconds * 1000);
}

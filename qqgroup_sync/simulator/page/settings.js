// What the browser remembers: language, colours, which panels are open.

import { effect, signal } from "./lib.js";

function read(key, fallback) {
  try { return localStorage.getItem(`qq-simulator-${key}`) ?? fallback; } catch { return fallback; }
}

function kept(key, fallback, allowed) {
  const found = read(key, fallback);
  const made = signal(allowed.includes(found) ? found : fallback);
  effect(() => {
    const { value } = made;
    try { localStorage.setItem(`qq-simulator-${key}`, value); } catch { /* storage is switched off */ }
  });
  return made;
}

export const language = kept("language", navigator.language.startsWith("zh") ? "zh" : "en", ["zh", "en"]);
export const theme = kept("theme", "auto", ["auto", "light", "dark"]);
export const dock = kept("dock", window.innerWidth > 1100 ? "members" : "", ["", "members", "inspector", "faults", "load"]);

export const dockWidth = signal(Number(read("dock-width", "0")) || 0); // pixels; 0 as the panel likes it
effect(() => {
  const { value } = dockWidth;
  try { localStorage.setItem("qq-simulator-dock-width", String(value)); } catch { /* storage is switched off */ }
});

effect(() => { document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en"; });
effect(() => { document.documentElement.dataset.theme = theme.value; });

export function nextTheme() {
  theme.value = { auto: "light", light: "dark", dark: "auto" }[theme.value];
}

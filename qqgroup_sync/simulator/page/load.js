// The figures of a load while it runs, as lines.

import { html } from "./lib.js";
import { points } from "./store.js";
import { t } from "./texts.js";

const WIDTH = 340, HEIGHT = 120, LEFT = 44, BOTTOM = 18;
const MOST = 400; // points of a line

export function Load() {
  const found = points.value;
  if (found.length === 0) return html`<p class="empty">${t("loadHint")}</p>`;
  const latest = (key) => found.findLast((one) => Number.isFinite(one[key]))?.[key];
  return html`<div class="load-panel scroll">
    <dl class="numbers">${[["p50", latest("p50"), "ms"], ["p95", latest("p95"), "ms"], ["p99", latest("p99"), "ms"], [t("loadLost"), latest("lost"), ""], [t("loadDoubled"), latest("doubled"), ""]].map(([name, value, unit]) => html`
      <div><dt>${name}</dt><dd>${number(value)}<small>${unit}</small></dd></div>`)}</dl>
    <${Chart} title=${t("loadLatency")} points=${found} lines=${[["p99", "p99"], ["p95", "p95"], ["p50", "p50"]]} />
    <${Chart} title=${t("loadRate")} points=${found} lines=${[["rate", "msg/s"]]} />
    <${Chart} title=${t("loadUsage")} points=${found.map((one) => ({ ...one, rss: one.rss / 1_048_576 }))} lines=${[["cpu", "CPU %"], ["rss", "MB"]]} /></div>`;
}

function number(value) {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1);
}

function Chart({ title, points: all, lines }) {
  const step = Math.ceil(all.length / MOST);
  const shown = all.filter((_, index) => index % step === 0 || index === all.length - 1);
  const from = shown[0].t, to = Math.max(shown[shown.length - 1].t, from + 1);
  const values = shown.flatMap((one) => lines.map(([key]) => one[key])).filter(Number.isFinite);
  const top = nice(Math.max(1, ...values));
  const x = (value) => LEFT + ((value - from) / (to - from)) * (WIDTH - LEFT - 6);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 8);
  const path = (key) => shown.filter((one) => Number.isFinite(one[key])).map((one, index) => `${index ? "L" : "M"}${x(one.t).toFixed(1)} ${y(one[key]).toFixed(1)}`).join("");
  return html`<figure class="chart"><figcaption>${title}<span>${lines.map(([, name], index) => html`<i class=${`line${index}`}></i>${name} `)}</span></figcaption>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${title}>
      ${[0, 0.5, 1].map((part) => html`<g class="grid"><path d=${`M${LEFT} ${y(top * part)}H${WIDTH - 6}`} /><text x=${LEFT - 6} y=${y(top * part) + 4} text-anchor="end">${number(top * part)}</text></g>`)}
      <text x=${LEFT} y=${HEIGHT - 4}>${number(from)} s</text><text x=${WIDTH - 6} y=${HEIGHT - 4} text-anchor="end">${number(to)} s</text>
      ${lines.map(([key], index) => html`<path class=${`line line${index}`} d=${path(key)} />`)}</svg></figure>`;
}

function nice(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((times) => times * unit).find((one) => one >= value);
}

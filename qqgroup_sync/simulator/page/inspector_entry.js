// One line of the inspector, and what unfolds below it: decisions, explanation, payloads.

import { html, useState } from "./lib.js";
import { icon } from "./icons.js";
import { Tree } from "./json_tree.js";
import { copy } from "./server.js";
import { language } from "./settings.js";
import { bots } from "./store.js";
import { t } from "./texts.js";
import { exactTime } from "./times.js";

const open = new Set(); // numbers of the entries that are unfolded

export function Entry({ entry, hold }) {
  const [unfolded, setUnfolded] = useState(open.has(entry.seq));
  if (entry.kind === "gap") return html`<li class="gap">${t("skipped", entry.skipped)}</li>`;
  const toggle = () => {
    if (unfolded) open.delete(entry.seq); else open.add(entry.seq);
    hold();
    setUnfolded(!unfolded);
  };
  const way = t(entry.direction === "in" ? "fromBot" : "toBot");
  return html`<li class=${`traffic-entry ${entry.kind} ${entry.direction} ${entry.failed ? "failed" : ""}`} data-seq=${entry.seq}>
    <button type="button" class="traffic-line" aria-expanded=${unfolded} onClick=${toggle}>
      <span class="way" title=${way} aria-label=${way}>${entry.direction === "in" ? "↑" : "↓"}</span>
      <span class="what"><span><b>${title(entry)}</b>${badges(entry)}</span>
        <span><small>${entry.notes[0] && sentence(entry.notes[0])}</small><span class="ms">${figures(entry)}<time>${exactTime(entry.time)}</time></span></span></span></button>
    ${unfolded && html`<${Details} entry=${entry} />`}</li>`;
}

function title(entry) {
  if (entry.kind === "connection") return t(entry.title);
  if (entry.kind === "api") return `${entry.method} ${entry.path.replace(/^\/v2/, "").replace(/\b[0-9A-F]{32}\b/g, (id) => `${id.slice(0, 4)}…`).replace(/ROBOT1\.0_[^/]{8,}/, "ROBOT1.0_…")}`;
  return entry.title;
}

function badges(entry) {
  return html`${entry.kind === "event" && html`<span class="badge bad">${t("undelivered")}</span>`}
    ${entry.status !== undefined && html`<span class=${`badge ${entry.failed ? "bad" : "good"}`}>${entry.status ?? "—"}</span>`}
    ${entry.code ? html`<span class="badge bad">${entry.code}</span>` : null}`;
}

function figures(entry) {
  if (entry.ms !== undefined) return `${entry.ms} ms  `;
  return entry.kind === "frame" && entry.payload?.s !== undefined ? `s=${entry.payload.s}  ` : "";
}

// What the platform decided, as a sentence.
function sentence([word, values]) {
  const shown = { ...values };
  for (const [key, value] of Object.entries(shown)) if (Array.isArray(value)) shown[key] = key === "shard" ? JSON.stringify(value) : value.join(", ");
  if (word === "closed") {
    const text = t(`note_${word}`, { code: values.code ?? t("noCode"), by: t(values.ours ? "byPlatform" : "byBot") });
    return `${text}: ${closeReason(values.code)}`;
  }
  return t(`note_${word}`, shown);
}

function closeReason(code) {
  if (code === null) return t("close_none");
  const key = code >= 4900 && code <= 4913 ? "close_49" : `close_${code}`;
  const text = t(key);
  return text === key ? "" : text;
}

function Details({ entry }) {
  const explained = entry.explained?.[language.value];
  const bot = bots.value.find((one) => one.appid === entry.appid);
  const { notes, explained: _, ...rest } = entry;
  return html`<div class="details">
    <p class="about">${[bot?.name ?? entry.appid, entry.session && `session ${entry.session.slice(0, 8)}`, entry.trace && `trace ${entry.trace.slice(0, 12)}`].filter(Boolean).join(" · ")}</p>
    ${notes.map((note) => html`<p class="decision">${sentence(note)}</p>`)}
    ${explained && html`<div class="explained"><p><b>${t("cause")}</b> ${explained.cause}</p><p><b>${t("remedy")}</b> ${explained.remedy}</p></div>`}
    ${part(t("request"), entry.request)}${part(t("response"), entry.response)}${part(t("payload"), entry.payload)}
    <div class="copying"><button type="button" onClick=${() => copy(JSON.stringify(rest, null, 2))}>${icon("copy")}${t("copyJson")}</button>
      ${entry.kind === "api" && html`<button type="button" onClick=${() => copy(curl(entry))}>${icon("copy")}${t("copyCurl")}</button>`}</div></div>`;
}

function part(name, value) {
  if (value === undefined || value === null) return null;
  return html`<section><h3>${name}</h3>${typeof value === "string" ? html`<pre>${value}</pre>` : html`<${Tree} value=${value} />`}</section>`;
}

// Without the token: whoever runs it puts it into QQ_TOKEN.
function curl({ method, path, request }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -X ${method} ${quoted(location.origin + path)}`];
  if (!path.startsWith("/app/")) parts.push("-H \"Authorization: QQBot $QQ_TOKEN\"");
  if (request !== null && request !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(request))}`);
  return parts.join(" \\\n  ");
}

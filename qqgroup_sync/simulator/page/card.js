// Ark cards (templates 23, 24 and 37) and whatever else a bot sends that is no text, readable.

import { html } from "./lib.js";
import { safeLink } from "./markdown.js";
import { Tree } from "./json_tree.js";
import { t } from "./texts.js";

export function Card({ card }) {
  const pairs = all(card.kv);
  const values = new Map(pairs.map((pair) => [pair.key, pair.value]));
  const first = (...keys) => keys.map((key) => values.get(key)).find((value) => value && typeof value !== "object");
  const title = first("#TITLE#", "#METATITLE#", "#DESC#", "#PROMPT#");
  const lines = [first("#METADESC#", "#METASUBTITLE#"), first("#SUBTITLE#")].filter(Boolean);
  const list = all(pairs.find((pair) => pair.key === "#LIST#")?.obj);
  const address = first("#LINK#", "#METAURL#");
  const image = first("#IMG#", "#METACOVER#");
  return html`<div class="card">
    <p class="card-kind">${t("card")} ${card.template_id ?? card.custom_template_id ?? ""}</p>
    ${title && html`<p class="card-title">${address ? safeLink(address, title) : title}</p>`}
    ${lines.map((line) => html`<p>${line}</p>`)}
    ${list.length > 0 && html`<ul>${list.map((one) => html`<li>${entry(one)}</li>`)}</ul>`}
    ${image && html`<p class="missing">[${t("media1")}] ${image}</p>`}
    ${!title && !list.length && html`<${Tree} value=${card} />`}</div>`;
}

// A bot may send anything in a card: what is no list of objects is none.
const all = (value) => (Array.isArray(value) ? value.filter((one) => one !== null && typeof one === "object") : []);

function entry({ obj_kv: pairs }) {
  const values = new Map(all(pairs).map((pair) => [pair.key, pair.value]));
  return values.has("link") ? safeLink(values.get("link"), values.get("desc")) : values.get("desc");
}

// A JSON value that can be folded, with long lists drawn only when they are opened.

import { html, useState } from "./lib.js";

const AT_ONCE = 100;

export function Tree({ value, name, depth = 0 }) {
  const [open, setOpen] = useState(depth < 3);
  const label = name === undefined ? null : html`<span class="json-key">${name}</span>: `;
  if (value === null || typeof value !== "object") return html`<div class="json-leaf">${label}${leaf(value)}</div>`;
  const list = Array.isArray(value);
  const entries = Object.entries(value);
  const brackets = list ? "[]" : "{}";
  if (entries.length === 0) return html`<div class="json-leaf">${label}${brackets}</div>`;
  return html`<details class="json" open=${open} onToggle=${(event) => { event.stopPropagation(); setOpen(event.currentTarget.open); }}>
    <summary>${label}${brackets[0]}${open ? "" : `…${brackets[1]} `}<small>${open ? "" : entries.length}</small></summary>
    ${open && entries.slice(0, AT_ONCE).map(([key, one]) => html`<${Tree} key=${key} name=${key} value=${one} depth=${depth + 1} />`)}
    ${open && entries.length > AT_ONCE && html`<div class="json-leaf">… ${entries.length - AT_ONCE}</div>`}
    ${open && html`<div class="json-end">${brackets[1]}</div>`}
  </details>`;
}

function leaf(value) {
  const kind = value === null ? "null" : typeof value;
  return html`<span class=${`json-${kind}`}>${kind === "string" ? JSON.stringify(value) : String(value)}</span>`;
}

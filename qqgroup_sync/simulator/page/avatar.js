// The pictures of people, groups and bots: an initial on a colour of their own.

import { html } from "./lib.js";

export function Avatar({ id, name, kind = "person" }) {
  const colour = parseInt(id?.slice(0, 4), 16) % 10 || 0;
  return html`<span class=${`avatar ${kind} c${colour}`} aria-hidden="true">${[...(name ?? "")][0]?.toUpperCase() ?? "?"}</span>`;
}

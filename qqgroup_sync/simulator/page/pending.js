// The files that the next message will carry, as small pictures that can be taken out again.

import { html } from "./lib.js";
import { IconButton, icon } from "./icons.js";
import { inUnits } from "./media.js";
import { mediaAddress } from "./server.js";
import { t } from "./texts.js";

export function Pending({ files, remove }) {
  if (files.length === 0) return null;
  return html`<ul class="pending">${files.map((file) => html`<li key=${file.file}>
    ${file.type === 1 ? html`<img src=${mediaAddress(file.file)} alt=${file.name} />` : html`<span class="file-icon">${icon(file.type === 3 ? "voice" : "file")}</span>`}
    <span class="file-text"><b>${file.type === 3 ? t("media3") : file.name}</b><small>${inUnits(file.size)}</small></span>
    <${IconButton} name="close" label=${`${t("remove")} ${file.name}`} onClick=${() => remove(file)} /></li>`)}</ul>`;
}

// Chooses who of the group speaks: one click for the first few, a list for the others.

import { html } from "./lib.js";
import { Avatar } from "./avatar.js";
import { chat, current, sender, senders } from "./store.js";
import { t } from "./texts.js";

const QUICK = 5;

export function speakAs(id) {
  senders.value = { ...senders.value, [current.value]: id };
}

export function SpeakAs() {
  const members = chat.value?.members ?? [];
  const chosen = members.find((member) => member.id === sender.value);
  return html`<div class="speak-as" role="radiogroup" aria-label=${t("speakAs")}>
    ${members.slice(0, QUICK).map((member) => html`<button type="button" key=${member.id} class=${`who ${member.id === sender.value ? "on" : ""}`} role="radio"
      aria-checked=${member.id === sender.value} aria-label=${`${t("speakAs")} ${member.name}`} title=${`${t("speakAs")} ${member.name}`} onClick=${() => speakAs(member.id)}><${Avatar} id=${member.id} name=${member.name} /></button>`)}
    ${members.length > QUICK
      ? html`<select id="sender" aria-label=${t("speakAs")} value=${sender.value} onChange=${(event) => speakAs(event.target.value)}>${members.map((member) => html`<option value=${member.id}>${member.name}</option>`)}</select>`
      : html`<b class="speaker" id="speaker">${chosen?.name}</b>`}</div>`;
}

// Completes an @ in the text box with members and bots, and turns names into what QQ sends.

import { html } from "./lib.js";
import { Avatar } from "./avatar.js";
import { t } from "./texts.js";

const MOST = 8;
const OPEN = /(?:^|\s)@([^\s@]{0,20})$/u;

// Returns what is being completed at the cursor: { from, found: [{ id, name, bot, appid }] }, or null.
export function completion(text, cursor, people) {
  const match = OPEN.exec(text.slice(0, cursor));
  if (!match) return null;
  const wanted = match[1].toLowerCase();
  const found = people.filter((one) => one.name.toLowerCase().includes(wanted)).slice(0, MOST);
  return found.length ? { from: cursor - match[1].length - 1, found } : null;
}

export function peopleOf(chat, bots) {
  if (!chat?.group) return [];
  const inside = new Set(chat.bots.map((bot) => bot.appid));
  return [
    ...bots.filter((bot) => inside.has(bot.appid)).map((bot) => ({ ...bot, bot: true })),
    ...chat.members.map((member) => ({ ...member, bot: false })),
  ];
}

// A bot's @ goes where QQ keeps it, beside the text; a member's becomes markup inside it.
export function withMentions(text, people) {
  const at = [];
  const mentions = [];
  let sent = text;
  for (const person of [...people].sort((a, b) => b.name.length - a.name.length)) {
    const mark = `@${person.name}`;
    if (!sent.includes(mark)) continue;
    if (person.bot) at.push(person.appid);
    else mentions.push(person.id);
    sent = sent.replaceAll(`${mark} `, mark).replaceAll(mark, person.bot ? "" : `<@${person.id}> `);
  }
  return { text: sent.trim(), at, mentions };
}

export function CompletionList({ found, chosen, choose }) {
  return html`<ul class="completion" id="completion" role="listbox" aria-label=${t("mentionList")}>
    ${found.map((one, index) => html`<li key=${one.id} id=${`completion-${index}`} role="option" aria-selected=${index === chosen}
      onMouseDown=${(event) => { event.preventDefault(); choose(one); }}>
      <${Avatar} id=${one.id} name=${one.name} kind=${one.bot ? "bot" : "person"} /><span>${one.name}</span>
      ${one.bot ? html`<span class="tag bot">${t("bot")}</span>` : one.role !== "member" && html`<span class="tag">${t(one.role)}</span>`}</li>`)}</ul>`;
}

// One message: who said it and when, what it quotes, what it carries, and what can be done with it.

import { html, useState } from "./lib.js";
import { Avatar } from "./avatar.js";
import { Card } from "./card.js";
import { IconButton } from "./icons.js";
import { Keyboard } from "./keyboard.js";
import { Markdown } from "./markdown.js";
import { FileView } from "./media.js";
import { ask, copy } from "./server.js";
import { bots, chat, names, quoted, sender } from "./store.js";
import { t } from "./texts.js";
import { clockTime, fullTime } from "./times.js";

const RANKS = ["member", "admin", "owner"];
const MARKS = /\*{1,3}|__|~~|`+|^#+ |^> |\u200b/gm; // of markdown, which a preview does without
const MENTION = /<@!?(\w+)>|<qqbot-at-everyone ?\/>/g;

export function Message({ message, jump }) {
  const [near, setNear] = useState(false); // the buttons are made when somebody may want them
  if (message.recalled) return html`<p class="note">${t("recalledBy", message.name)}</p>`;
  const side = message.bot ? "from-bot" : "from-person";
  const bare = message.files.length === 1 && !message.text && !message.quote && [1, 2].includes(message.files[0].type);
  const kinds = `bubble ${bare ? "bare" : ""} ${message.streaming ? "streaming" : ""}`;
  return html`<article class=${`message ${side}`} tabindex="-1" onPointerEnter=${() => setNear(true)} onPointerLeave=${() => setNear(false)} onFocus=${() => setNear(true)}>
    <${Avatar} id=${message.sender} name=${message.name} kind=${message.bot ? "bot" : "person"} />
    <div class="said">
      <header><b>${message.name}</b>${message.bot && html`<span class="tag bot">${t("bot")}</span>`}<${Tags} message=${message} />
        <time datetime=${new Date(message.time * 1000).toISOString()} title=${fullTime(message.time)}>${clockTime(message.time)}</time></header>
      <div class=${kinds} aria-busy=${message.streaming}>${parts(message, jump)}</div>
      <${Keyboard} message=${message} />
      ${near && html`<${Tools} message=${message} />`}
    </div></article>`;
}

function Tags({ message }) {
  return html`${message.proactive && message.bot && html`<span class="tag warn">${t("proactive")}</span>`}
    ${message.audit && html`<span class="tag warn">${t("audit")}</span>`}
    ${!message.heard && html`<span class="tag dim">${t("unheard")}</span>`}`;
}

function parts(message, jump) {
  return html`${message.quote && html`<${Quote} quote=${message.quote} jump=${jump} />`}
    ${message.files.map((file) => html`<${FileView} key=${file.id} file=${file} />`)}
    ${message.card && html`<${Card} card=${message.card} />`}
    ${message.text && (message.markdown
      ? html`<${Markdown} text=${message.text} pictures=${message.pictures} dropped=${message.dropped} />`
      : html`<p class="plain"><${Addressed} message=${message} />${message.bot ? message.text : withMentions(message.text)}</p>`)}
    ${!message.text && (message.at.length > 0 || message.everyone) && !message.files.length && html`<${Addressed} message=${message} />`}`;
}

// The bots that were addressed; before a bot's answer, whom QQ shows it answers.
function Addressed({ message }) {
  const at = message.bot ? [message.answers].filter(Boolean) : message.at.map((appid) => bots.value.find((bot) => bot.appid === appid)?.name ?? appid);
  return at.map((name) => html`<span class="at">@${name} </span>`);
}

function withMentions(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(MENTION)) {
    found.push(text.slice(end, match.index), html`<span class="at">@${match[1] ? names.value.get(match[1]) ?? match[1] : t("everyone")}</span>`);
    end = match.index + match[0].length;
  }
  return [...found, text.slice(end)];
}

export function inShort({ text, markdown, kinds = [], card }) {
  const plain = markdown ? text.replace(MARKS, "") : text;
  const words = [...kinds.map((kind) => `[${t(`media${kind}`)}]`), card ? `[${t("card")}]` : "", plain.replace(MENTION, (_, id) => `@${names.value.get(id) ?? t("everyone")}`)];
  return words.filter(Boolean).join(" ");
}

function Quote({ quote, jump }) {
  const text = quote.recalled ? t("recalledBy", quote.name) : inShort(quote);
  return html`<button type="button" class="quote" title=${t("jump")} onClick=${() => jump(quote.id)}><b>${quote.name}</b><span>${text}</span></button>`;
}

function Tools({ message }) {
  const members = chat.value?.members ?? [];
  const rank = (id) => RANKS.indexOf(members.find((member) => member.id === id)?.role ?? "member");
  const own = message.sender === sender.value;
  const may = own || (members.length > 0 && rank(sender.value) > (message.bot ? 0 : rank(message.sender)));
  const quote = () => {
    quoted.value = message;
    document.getElementById("text")?.focus();
  };
  const recall = () => ask("recall", { message: message.id, sender: sender.value });
  return html`<div class="tools" role="toolbar" aria-label=${t("more")}>
    <${IconButton} name="quote" label=${t("quote")} onClick=${quote} />
    ${message.text && html`<${IconButton} name="copy" label=${t("copy")} onClick=${() => copy(message.text)} />`}
    ${may && html`<${IconButton} name="recall" label=${t("recall")} onClick=${recall} />`}
  </div>`;
}

// The list of groups and private chats, with what was said last and what is unread; bots below.

import { html } from "./lib.js";
import { Avatar } from "./avatar.js";
import { open } from "./feed.js";
import { IconButton } from "./icons.js";
import { inShort } from "./message.js";
import { language, nextTheme, theme } from "./settings.js";
import { bots, chats, current, dialog, last, link, pane, unread } from "./store.js";
import { t } from "./texts.js";
import { shortTime } from "./times.js";

export function Chats() {
  return html`<nav class="chats" aria-label=${t("chats")}>
    <header class="bar"><img class="logo" src="simulator/page/icon.svg" alt="" /><h1>${t("title")}</h1>
      <i class=${`lamp ${link.value}`} role="status" aria-label=${t(link.value === "open" ? "connected" : link.value)} title=${t(link.value === "open" ? "connected" : link.value)}></i></header>
    <div class="scroll">
      <${Section} title=${t("groups")} list=${chats.value.filter((one) => one.group)} add="group" label=${t("addGroup")} />
      <${Section} title=${t("privates")} list=${chats.value.filter((one) => !one.group)} add="user" label=${t("addUser")} />
    </div>
    <${Bots} />
    <footer class="bar">
      <button type="button" class="quiet" id="language" title=${t("languageSwitch")} onClick=${() => { language.value = language.value === "zh" ? "en" : "zh"; }}>${language.value === "zh" ? "English" : "中文"}</button>
      <span class="space"></span>
      <${IconButton} name=${theme.value} label=${t(`theme${theme.value}`)} onClick=${nextTheme} id="theme" />
    </footer></nav>`;
}

function Section({ title, list, add, label }) {
  return html`<section><h2>${title}<${IconButton} name="plus" label=${label} onClick=${() => { dialog.value = add; }} /></h2>
    <ul>${list.map((chat) => html`<li key=${chat.id}><${Entry} chat=${chat} newest=${last.value[chat.id]} count=${unread.value[chat.id] ?? 0} chosen=${chat.id === current.value} /></li>`)}</ul></section>`;
}

function Entry({ chat, newest, count, chosen }) {
  const show = () => {
    pane.value = "chat";
    if (!chosen) open(chat.id);
  };
  const words = newest && (newest.recalled ? t("recalledBy", newest.name) : `${chat.group ? `${newest.name}: ` : ""}${inShort(newest)}`);
  return html`<button type="button" class="entry" aria-current=${chosen} onClick=${show}>
    <${Avatar} id=${chat.id} name=${chat.name} kind=${chat.group ? "group" : "person"} />
    <span class="entry-text"><b>${chat.name}</b><small>${words ?? ""}</small></span>
    <span class="entry-side">${newest && html`<time>${shortTime(newest.time)}</time>`}${count > 0 && html`<span class="count">${count > 99 ? "99+" : count}</span>`}</span></button>`;
}

function Bots() {
  if (bots.value.length === 0) return null;
  return html`<section class="bots" aria-label=${t("bots")}><ul>${bots.value.slice(0, 4).map((bot) => html`<li key=${bot.appid} title=${`${bot.appid}: ${t(bot.online ? "online" : "offline")}`}>
    <${Avatar} id=${bot.id} name=${bot.name} kind="bot" /><span>${bot.name}</span><i class=${`lamp ${bot.online ? "open" : "away"}`}></i><small>${t(bot.online ? "online" : "offline")}</small></li>`)}</ul></section>`;
}

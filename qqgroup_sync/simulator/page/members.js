// Who is in the chat: members with their roles, bots with what they may do, and what can be changed.

import { html } from "./lib.js";
import { Avatar } from "./avatar.js";
import { IconButton, icon } from "./icons.js";
import { Menu } from "./menu.js";
import { ask } from "./server.js";
import { speakAs } from "./speak_as.js";
import { bots, chat, dialog, sender } from "./store.js";
import { t } from "./texts.js";

export function Members() {
  const here = chat.value;
  if (!here) return null;
  return html`<div class="members scroll">
    <section><h2>${t("bots")}</h2><ul>${bots.value.map((bot) => html`<${BotEntry} key=${bot.appid} bot=${bot} chat=${here} />`)}</ul>
      ${here.group && html`<label class="switch" title=${t("fullModeHint")}><input type="checkbox" checked=${here.full_mode} onChange=${(event) => act({ action: "full_mode", chat: here.id, on: event.target.checked })} /><span>${t("fullMode")}</span></label>`}
    </section>
    ${here.group
      ? html`<section><h2>${t("members")} · ${here.members.length}<${IconButton} name="plus" label=${t("addMember")} onClick=${() => { dialog.value = "member"; }} /></h2>
          <ul>${here.members.map((member) => html`<${MemberEntry} key=${member.id} member=${member} chat=${here} />`)}</ul></section>`
      : html`<section><button type="button" class="wide" onClick=${() => ask("remove", { chat: here.id })}>${t("dropFriend")}</button></section>`}</div>`;
}

const act = (body) => ask("control", body);

function MemberEntry({ member, chat: here }) {
  const role = (value) => ask("member", { chat: here.id, name: member.name, role: value });
  const about = { chat: here.id, member: member.id };
  const choices = [
    [t("speakAsThis"), () => speakAs(member.id)],
    [t(member.muted ? "unmute" : "mute"), () => ask("mute", { ...about, seconds: member.muted ? 0 : 600 })],
    member.role !== "owner" && [t(member.role === "admin" ? "makeMember" : "makeAdmin"), () => role(member.role === "admin" ? "member" : "admin")],
    member.role !== "owner" && [t("removeMember"), () => ask("remove", about)],
  ].filter(Boolean);
  return html`<li class="person-row"><button type="button" class="entry" aria-current=${member.id === sender.value} onClick=${() => speakAs(member.id)}>
      <${Avatar} id=${member.id} name=${member.name} /><span class="name">${member.name}</span>
      ${member.muted && html`<span class="muted" title=${t("mutedTag")}>${icon("muted")}</span>`}
      ${member.role !== "member" && html`<span class=${`tag ${member.role}`}>${t(member.role)}</span>`}</button>
    <${Menu} label=${`${t("more")}: ${member.name}`} choices=${choices} /></li>`;
}

function BotEntry({ bot, chat: here }) {
  const state = here.bots.find((one) => one.appid === bot.appid);
  const change = (changes) => ask("bot", { chat: here.id, appid: bot.appid, ...changes });
  const inside = here.group ? Boolean(state) : true;
  const choices = [
    inside && [t(state?.push ? "denyPush" : "allowPush"), () => change({ push: !state?.push })],
    here.group && inside && [t(state.muted ? "unmute" : "muteBot"), () => change({ muted: !state.muted })],
    here.group && inside && [t(state.role === "admin" ? "makeMember" : "makeAdmin"), () => change({ role: state.role === "admin" ? "member" : "admin" })],
    here.group && [t(inside ? "botOut" : "botIn"), () => change({ inside: !inside })],
  ].filter(Boolean);
  return html`<li class="person-row"><div class="entry"><${Avatar} id=${bot.id} name=${bot.name} kind="bot" /><span class="name">${bot.name}</span>
      ${state?.muted && html`<span class="muted" title=${t("mutedTag")}>${icon("muted")}</span>`}
      ${state && !state.push && html`<span class="tag warn">${t("noPushTag")}</span>`}
      ${state?.role === "admin" && html`<span class="tag admin">${t("admin")}</span>`}
      <i class=${`lamp ${bot.online ? "open" : "away"}`} title=${t(bot.online ? "online" : "offline")}></i></div>
    <${Menu} label=${`${t("more")}: ${bot.name}`} choices=${choices} /></li>`;
}

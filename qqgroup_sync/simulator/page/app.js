// The whole page: chats, the conversation, the panels beside it, and what lies above them.

import { html, useState } from "./lib.js";
import { Avatar } from "./avatar.js";
import { Chats } from "./chats.js";
import { Composer } from "./composer.js";
import { AddDialog, ConfirmDialog } from "./dialogs.js";
import { Dock, DockButtons } from "./dock.js";
import { IconButton } from "./icons.js";
import { Lightbox } from "./media.js";
import { Messages } from "./messages.js";
import { dock, dockWidth } from "./settings.js";
import { bots, chat, link, pane, toast } from "./store.js";
import { t } from "./texts.js";

export function App() {
  const panel = dock.value;
  return html`<div class=${`app ${panel ? `with-dock dock-${panel}` : ""}`} data-pane=${pane.value} style=${dockWidth.value ? { "--dock": `${dockWidth.value}px` } : {}}>
    <${Chats} /><${Conversation} /><${Dock} />
    <${AddDialog} /><${ConfirmDialog} /><${Lightbox} /><${Toast} /></div>`;
}

function Conversation() {
  const [over, setOver] = useState(false);
  const [dropped, setDropped] = useState(null);
  const carriesFiles = (event) => event.dataTransfer.types.includes("Files");
  const dragged = (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const left = (event) => { if (!event.currentTarget.contains(event.relatedTarget)) setOver(false); };
  const drop = (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    setOver(false);
    setDropped([...event.dataTransfer.files]);
  };
  return html`<main class=${over ? "over" : ""} onDragOver=${dragged} onDragLeave=${left} onDrop=${drop}>
    <${Head} /><${Notices} /><${Messages} /><${Composer} dropped=${dropped} />
    ${over && html`<p class="drop-here">${t("dropHere")}</p>`}</main>`;
}

function Head() {
  const here = chat.value;
  document.title = here ? `${here.name} · ${t("title")}` : t("title");
  return html`<header class="bar head"><${IconButton} name="back" label=${t("chats")} className="phone-only" onClick=${() => { pane.value = "chats"; }} id="back" />
    ${here && html`<${Avatar} id=${here.id} name=${here.name} kind=${here.group ? "group" : "person"} />`}
    <div class="head-text"><h2 id="title">${here?.name ?? ""}</h2>${here?.group && html`<small>${t("people", here.members.length)}</small>`}</div>
    <${DockButtons} /></header>`;
}

function Notices() {
  const away = bots.value.filter((bot) => !bot.online).map((bot) => bot.name);
  const nobody = bots.value.every((bot) => !bot.online);
  if (link.value === "lost") return html`<p class="notice bad" id="lost" role="status">${t("lost")}</p>`;
  if (!nobody) return null;
  const command = navigator.userAgent.includes("Windows") ? `$env:QQ_SIMULATOR = "${location.origin}"; python bot.py` : `QQ_SIMULATOR=${location.origin} python bot.py`;
  return html`<div class="notice" id="offline" role="status"><strong>${away.length ? t("botAway", away.join(", ")) : t("noBot")}</strong> ${t("howTo")}<code>${command}</code></div>`;
}

function Toast() {
  const shown = toast.value;
  return html`<div class="toasts" role="status" aria-live="polite">${shown && html`<p class=${`toast ${shown.bad ? "bad" : ""}`}>${shown.text}</p>`}</div>`;
}

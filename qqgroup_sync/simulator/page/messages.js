// The conversation: messages, day separators and notes, the newest at the bottom.

import { html, useEffect, useErrorBoundary, useRef, useState } from "./lib.js";
import { openEarlier } from "./feed.js";
import { icon } from "./icons.js";
import { Message } from "./message.js";
import { current, items, revision, sent, tell, typing } from "./store.js";
import { t } from "./texts.js";
import { dayName, dayOf } from "./times.js";
import { VirtualList } from "./virtual_list.js";

const MARKED = 1600; // milliseconds a message is marked that was jumped to

export function Messages() {
  const list = useRef(null);
  const [following, setFollowing] = useState(true);
  const [marked, setMarked] = useState(null);
  const seen = useRef(null); // the newest item when the end was last in view
  const chat = current.value;
  const count = revision.value;
  useEffect(() => { list.current?.toEnd(); }, [chat, sent.value]);
  if (following) seen.current = items.list.at(-1);
  const at = items.list.lastIndexOf(seen.current);
  const fresh = at < 0 ? 0 : items.list.length - 1 - at;

  const { current: jump } = useRef((id) => { // the same one always, so that no message is drawn again for it
    if (!list.current.show(id)) return tell(t("gone"));
    setMarked(id);
    setTimeout(() => setMarked(null), MARKED);
    return undefined;
  });
  const row = (item, before) => html`<${Row} key=${item.key} data=${item.data} day=${!before || dayOf(before.data.time) !== dayOf(item.data.time)} marked=${marked === item.key} jump=${jump} />`;

  return html`<div class="conversation" onKeyDown=${walk}>
    <${VirtualList} handle=${list} items=${items.list} revision=${count} row=${row} guess=${72} className="messages" label=${t("messages")} role="log"
      empty=${t("empty")} onTop=${openEarlier} onFollow=${setFollowing} />
    ${!following && html`<button type="button" class="to-end" onClick=${() => list.current.toEnd()}>${icon("down")}${fresh ? t("down", fresh) : t("toEnd")}</button>`}
    <${Typing} /></div>`;
}

// The arrows go from message to message, whose buttons the tab key reaches then.
function walk(event) {
  if (!["ArrowUp", "ArrowDown"].includes(event.key) || !event.target.matches(".messages, .message")) return;
  const all = [...event.currentTarget.querySelectorAll(".message")];
  const at = all.indexOf(event.target);
  const next = at < 0 ? all[all.length - 1] : all[at + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Row({ data, day, marked, jump }) {
  return html`<li class=${marked ? "marked" : ""} data-id=${data.id}>
    ${day && html`<p class="day"><span>${dayName(data.time)}</span></p>`}
    ${data.note ? html`<p class="note bad" title=${data.call}>${t("refused", data.code, data.message)}</p>` : html`<${Guarded} message=${data} jump=${jump} />`}</li>`;
}

// A message that cannot be drawn must not take the page along: its text is shown as it is.
function Guarded({ message, jump }) {
  const [failed] = useErrorBoundary((error) => console.error(error));
  return failed ? html`<p class="note bad">${t("notDrawn", message.name, message.text)}</p>` : html`<${Message} message=${message} jump=${jump} />`;
}

function Typing() {
  const now = typing.value;
  if (!now || now.chat !== current.value) return null;
  return html`<p class="typing" role="status">${t("typing", now.name)}<i></i><i></i><i></i></p>`;
}

// The chat page: shows what the simulator tells, posts what the user does. No frameworks, no build.

import { element, link, markdown } from "./markdown.js";
import { choose, has, language, say } from "./texts.js";
import { fileNode, imageNode } from "./media.js";

const MOST_NODES = 400; // older messages leave the page, so that it stays quick
const ACK_WAIT = 3000;
const FAILURE_SHOWN = 8000;
const NEAR = 80; // pixels from the end that still count as the end
const $ = (id) => document.getElementById(id);

let overview = { bots: [], chats: [] };
let current = null; // openid of the chat that is shown
let loading = 0; // number of the newest load; an older one that comes late is dropped
let held = null; // what happened while a load was under way
let stream = null;
const shown = new Map(); // message id -> node
const unread = new Map(); // chat -> count
const senders = new Map(); // chat -> openid of the member who writes
const clicks = new Map(); // interaction id -> button label
let fresh = []; // nodes for the next frame
let following = true; // whether the newest message is in view, and stays so
let failing = 0; // timer that takes the failure away
let pending = []; // files that the next message will carry
let typing = 0; // timer that takes the typing notice away

// ------------------------------------------------------------------ the server

async function ask(path, body) {
  const options = {};
  if (body !== undefined) {
    const bytes = body instanceof Blob;
    options.method = "POST";
    options.headers = { "Content-Type": bytes ? "application/octet-stream" : "application/json" };
    options.body = bytes ? body : JSON.stringify(body);
  }
  try {
    const response = await fetch(`simulator/${path}`, options);
    const answer = await response.json();
    if (!response.ok) return fail(has(answer.error) ? say(answer.error) : say("error", answer.message));
    $("failure").hidden = true;
    return answer;
  } catch {
    return fail(say("unreachable"));
  }
}

function fail(text) {
  $("failure").textContent = text;
  $("failure").hidden = false;
  clearTimeout(failing);
  failing = setTimeout(() => { $("failure").hidden = true; }, FAILURE_SHOWN);
  return null;
}

function connect() {
  stream = new EventSource("simulator/live");
  stream.onmessage = (event) => receive(JSON.parse(event.data));
  stream.onerror = () => {
    $("lost").hidden = false;
    // Normally the browser tries again by itself; after an answer it did not like it gives up.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

function receive(told) {
  if (told.kind === "hello") load(current);
  else if (held !== null) held.push(told);
  else HAPPENED[told.kind]?.(told);
}

const HAPPENED = {
  overview: (told) => { overview = told; showOverview(); },
  message: ({ message }) => arrived(message),
  stream: ({ message }) => streamed(message),
  typing: (told) => { if (told.chat === current) showTyping(told.name, told.for); },
  recall: ({ id }) => recalled(shown.get(id)),
  refused: (told) => { if (told.chat === null || told.chat === current) refused(told); else count(told.chat); },
  ack: ({ id, code }) => {
    if (clicks.has(id)) note(say("acked", clicks.get(id), code));
    clicks.delete(id);
  },
};

async function load(chat) {
  const number = loading += 1;
  held ??= [];
  const state = await ask(chat === null ? "state" : `state?chat=${encodeURIComponent(chat)}`);
  if (number !== loading) return;
  const missed = held;
  held = null;
  if (state === null) return;
  $("lost").hidden = true;
  overview = state;
  current = state.chat;
  showTyping("", 0);
  unread.delete(current);
  shown.clear();
  fresh = [];
  $("messages").replaceChildren();
  showOverview();
  following = true;
  for (const one of [...state.messages, ...state.refused].sort((a, b) => a.time - b.time)) {
    if (one.kind === "refused") refused(one); else add(one);
  }
  flush();
  missed.forEach(receive);
}

// ------------------------------------------------------------------ messages

function arrived(message) {
  if (message.chat !== current) return count(message.chat);
  if (message.bot) showTyping("", 0);
  return add(message);
}

function streamed(message) {
  const node = shown.get(message.id);
  if (!node || node.classList.contains("recalled")) return;
  node.classList.toggle("streaming", message.streaming);
  node.querySelector(".bubble").replaceChildren(...content(message));
  if (following) toEnd();
}

function showTyping(name, seconds) {
  clearTimeout(typing);
  $("typing").hidden = seconds <= 0;
  $("typing").textContent = say("typing", name);
  typing = setTimeout(() => { $("typing").hidden = true; }, seconds * 1000);
}

function count(chat) {
  unread.set(chat, (unread.get(chat) ?? 0) + 1);
  showChats();
}

function add(message) {
  if (shown.has(message.id)) return;
  const node = messageNode(message);
  shown.set(message.id, node);
  queueNode(node);
}

function note(text, title = "") {
  const node = element("li", { className: "note", title }, text);
  queueNode(node);
  return node;
}

function refused({ id, call, code, message }) {
  if (!shown.has(id)) shown.set(id, note(say("refused", code, message), call)).get(id).dataset.id = id;
}

function queueNode(node) {
  if (fresh.length === 0) requestAnimationFrame(flush);
  fresh.push(node);
  if (fresh.length > MOST_NODES) drop(fresh.shift()); // no frames come while the tab is hidden
}

function drop(node) {
  shown.delete(node.dataset.id);
  node.remove();
}

function flush() {
  const list = $("messages");
  list.append(...fresh);
  if (fresh.length > 0 && !following) $("down").hidden = false;
  fresh = [];
  while (list.childElementCount > MOST_NODES) drop(list.firstElementChild);
  if (following) toEnd();
}

function toEnd() {
  $("messages").scrollTop = $("messages").scrollHeight;
}

function messageNode(message) {
  const chat = chatOf(message.chat);
  const unheard = chat?.group && !message.bot && message.at.length === 0 && !chat.full_mode;
  const node = element("li", { className: message.bot ? "message from-bot" : "message" },
    avatar(message.name, message.sender),
    element("div", { className: "head" },
      element("b", {}, message.name),
      message.bot ? tag("bot") : null,
      message.proactive ? tag("proactive") : null,
      unheard ? tag("unheard") : null,
      element("time", { title: moment(message.time, true) }, moment(message.time, false))),
    element("div", { className: "bubble" }, ...content(message)));
  node.dataset.id = message.id;
  node.classList.toggle("streaming", message.streaming);
  if (message.recalled) recalled(node);
  return node;
}

function content(message) {
  const parts = [];
  if (message.quote) parts.push(element("blockquote", {}, `${message.quote.name}: ${message.quote.text}`));
  for (const name of message.at) parts.push(element("span", { className: "at" }, `@${name} `));
  for (const file of message.files) parts.push(fileNode(file, view));
  if (message.card) parts.push(element("span", { className: "media" }, `[${say("card")}]`), element("pre", {}, message.card));
  if (message.text) parts.push(message.markdown ? markdown(message.text, { nameOf, fill, picture: say("media1"), image: pictureOf(message) }) : message.text);
  for (const row of message.keyboard) {
    parts.push(element("div", { className: "keys" }, ...row.buttons.map((button) => key(message, button))));
  }
  return parts;
}

function pictureOf({ pictures, dropped }) {
  return (address, label, size) => {
    if (dropped.includes(address)) return element("span", { className: "media" }, `[${say("lostPicture")}] ${label}`);
    return Object.hasOwn(pictures, address) ? imageNode(pictures[address], label, view, size) : null;
  };
}

function view(address, label) {
  $("viewed").src = address;
  $("viewed").alt = label;
  $("viewer").showModal();
}

function key(message, { id, render_data: look, action }) {
  const data = String(action.data ?? "");
  if (action.type === 0 && link(data, look.label).href) return element("a", { href: link(data, "").href, target: "_blank", rel: "noopener noreferrer", className: "key" }, look.label);
  const button = element("button", { type: "button", className: look.style === 0 ? "key" : "key blue", disabled: ![1, 2].includes(action.type) }, look.label);
  button.addEventListener("click", () => {
    if (action.type === 1) click(message, id, look.label);
    else command(data, action.enter === true);
  });
  return button;
}

function command(text, enter) {
  $("at").checked = true;
  showAt();
  fill(text);
  if (enter) send();
}

async function click(message, button, label) {
  const answer = await ask("click", { message: message.id, button: button ?? "", sender: sender() });
  if (answer === null) return;
  clicks.set(answer.interaction, label);
  setTimeout(() => { if (clicks.has(answer.interaction)) note(say("unacked", label)); }, ACK_WAIT);
}

function recalled(node) {
  if (!node) return;
  node.classList.add("recalled");
  node.querySelector(".bubble").replaceChildren(say("recalled"));
}

function tag(key) {
  return element("span", { className: `tag ${key}` }, say(key));
}

function avatar(name, openid) {
  const colour = parseInt(openid.slice(0, 4), 16) % 8;
  return element("span", { className: `avatar c${colour}`, "aria-hidden": "true" }, [...name][0] ?? "?");
}

function moment(seconds, full) {
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString(language(), { hour12: false });
  return full || !today ? `${date.toLocaleDateString(language())} ${time}` : time;
}

// ------------------------------------------------------------------ people and bots

const chatOf = (id) => overview.chats.find((chat) => chat.id === id);

function nameOf(openid) {
  return chatOf(current)?.members.find((member) => member.id === openid)?.name ?? openid;
}

function sender() {
  const members = chatOf(current)?.members ?? [];
  const chosen = senders.get(current);
  return members.some((member) => member.id === chosen) ? chosen : members[0]?.id ?? current;
}

function showOverview() {
  const chat = chatOf(current);
  $("title").textContent = chat?.name ?? say("title");
  document.title = `${chat?.name ?? ""} · ${say("title")}`;
  document.body.classList.toggle("private", !chat?.group);
  showBots();
  showChats();
  showMembers(chat);
}

function showBots() {
  $("bots").replaceChildren(...overview.bots.map((bot) => element("li",
    { className: bot.online ? "online" : "", title: `${bot.appid}: ${say(bot.online ? "online" : "offline")}` }, bot.name)));
  const away = overview.bots.filter((bot) => !bot.online).map((bot) => bot.name);
  const nobody = overview.bots.every((bot) => !bot.online);
  $("offline").hidden = !nobody;
  $("offline").replaceChildren(
    element("strong", {}, away.length ? say("botAway", away.join(", ")) : say("noBot")), " ", say("howTo"),
    element("code", {}, navigator.userAgent.includes("Windows")
      ? `$env:QQ_SIMULATOR = "${location.origin}"; python bot.py`
      : `QQ_SIMULATOR=${location.origin} python bot.py`));
}

function showChats() {
  for (const [list, group] of [["groups", true], ["privates", false]]) {
    $(list).replaceChildren(...overview.chats.filter((chat) => chat.group === group).map((chat) => {
      const button = entry(chat, chat.id === current, () => {
        document.body.classList.remove("menu");
        load(chat.id);
      });
      if (unread.has(chat.id)) button.append(element("span", { className: "count" }, String(unread.get(chat.id))));
      return element("li", {}, button);
    }));
  }
}

function showMembers(chat) {
  const members = chat?.members ?? [];
  $("members").replaceChildren(...members.map((member) => {
    const button = entry(member, member.id === sender(), () => writeAs(member.id));
    if (member.role !== "member") button.append(tag(member.role));
    return element("li", {}, button);
  }));
  $("sender").replaceChildren(...members.map(({ id, name }) => element("option", { value: id }, name)));
  $("sender").value = sender();
  showAt();
}

function entry({ id, name }, chosen, act) {
  const button = element("button", { type: "button", className: "entry", "aria-current": String(chosen) },
    avatar(name, id), element("span", { className: "name" }, name));
  button.addEventListener("click", act);
  return button;
}

function writeAs(openid) {
  senders.set(current, openid);
  document.body.classList.remove("menu");
  showMembers(chatOf(current));
}

function showAt() {
  const chat = chatOf(current);
  $("at-hint").textContent = chat?.group && !chat.full_mode && !$("at").checked ? say("hintUnheard") : "";
}

// ------------------------------------------------------------------ writing

function fill(text) {
  $("text").value = text;
  grow();
  $("text").focus();
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = `${Math.min($("text").scrollHeight + 2, 200)}px`;
}

async function send() {
  const text = $("text").value;
  const files = pending;
  if ((!text.trim() && files.length === 0) || current === null) return;
  fill("");
  showPending([]);
  const ids = files.map((file) => file.file);
  const message = await ask("say", { chat: current, sender: sender(), text, at: $("at").checked, files: ids });
  if (message !== null) return arrived(message); // which the stream tells as well, if it is connected
  if ($("text").value === "") fill(text);
  return showPending([...files, ...pending]);
}

async function attach(files) {
  for (const file of files) {
    const kept = await ask(`file?name=${encodeURIComponent(file.name)}`, file);
    if (kept !== null) showPending([...pending, kept]);
  }
  $("text").focus();
}

function showPending(files) {
  pending = files;
  $("pending").hidden = files.length === 0;
  $("pending").replaceChildren(...files.map((file) => {
    const remove = element("button", { type: "button", title: say("remove"), "aria-label": say("remove") }, "×");
    remove.addEventListener("click", () => showPending(pending.filter((one) => one !== file)));
    return element("li", {}, `[${say(`media${file.type}`)}] ${file.name} `, remove);
  }));
}

function askName(what) {
  $("adding").dataset.what = what;
  $("adding-title").textContent = say(`add${what[0].toUpperCase()}${what.slice(1)}`);
  $("role-label").hidden = what !== "member";
  $("name").value = "";
  $("adding").showModal();
}

async function addNamed(event) {
  event.preventDefault();
  const { what } = $("adding").dataset;
  $("adding").close();
  const answer = await ask(what, { chat: current, name: $("name").value, role: $("role").value });
  if (answer === null) return;
  if (answer.member) senders.set(current, answer.member);
  document.body.classList.remove("menu");
  load(answer.chat ?? current);
}

function speak(name) {
  choose(name);
  document.documentElement.lang = language();
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    node.title = say(node.dataset.label);
  }
  $("text").placeholder = say("text");
  $("messages").dataset.empty = say("empty");
  $("language").textContent = language() === "zh" ? "EN" : "中文";
}

// ------------------------------------------------------------------ start

$("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("text").addEventListener("keydown", (event) => {
  // While an input method composes, Enter takes its proposal.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});
$("text").addEventListener("input", grow);
$("text").addEventListener("paste", (event) => {
  if (event.clipboardData.files.length === 0) return;
  event.preventDefault();
  attach([...event.clipboardData.files]);
});
$("attach").addEventListener("click", () => $("files").click());
$("files").addEventListener("change", () => {
  attach([...$("files").files]);
  $("files").value = "";
});
for (const name of ["dragover", "drop"]) {
  document.querySelector("main").addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (name === "drop") attach([...event.dataTransfer.files]);
  });
}
$("viewer").addEventListener("click", () => $("viewer").close());
$("at").addEventListener("change", showAt);
$("sender").addEventListener("change", () => writeAs($("sender").value));
$("messages").addEventListener("scroll", ({ target }) => {
  following = target.scrollHeight - target.scrollTop - target.clientHeight < NEAR;
  if (following) $("down").hidden = true;
});
new ResizeObserver(() => { if (following) toEnd(); }).observe($("messages"));
for (const name of ["load", "loadedmetadata"]) { // a picture has its size only now
  $("messages").addEventListener(name, () => { if (following) toEnd(); }, true);
}
$("down").addEventListener("click", toEnd);
document.querySelector("main").addEventListener("click", () => document.body.classList.remove("menu"));
$("menu").addEventListener("click", () => document.body.classList.toggle("menu"));
$("language").addEventListener("click", () => {
  speak(language() === "zh" ? "en" : "zh");
  try { localStorage.setItem("language", language()); } catch { /* storage is switched off */ }
  load(current);
});
for (const button of document.querySelectorAll("[data-add]")) {
  button.addEventListener("click", () => askName(button.dataset.add));
}
$("adding").addEventListener("submit", addNamed);
$("cancel").addEventListener("click", () => $("adding").close());

let wanted = null;
try { wanted = localStorage.getItem("language"); } catch { /* storage is switched off */ }
speak(wanted ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
connect();
$("text").focus();

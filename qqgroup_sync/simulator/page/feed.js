// Takes in what the simulator tells: every kind of notice, and what it changes.

import { batch } from "./lib.js";
import { ask, listen } from "./server.js";
import * as store from "./store.js";

const ACK_WAIT = 3000;

let wanted = null; // the chat that is shown, or will be as soon as it has come
let loading = 0; // number of the newest load; an older one that comes late is dropped
let held = null; // what happened while a load was under way
let typingEnds = 0;

export async function open(chat) {
  const number = loading += 1;
  wanted = chat;
  held ??= [];
  const state = await ask(chat === null ? "state" : `state?chat=${encodeURIComponent(chat)}`);
  if (number !== loading) return;
  const missed = held;
  held = null;
  if (state !== null) store.showChat(state);
  wanted = store.current.value;
  receive(missed);
}

export async function openEarlier() {
  const first = store.items.list.find((item) => !item.data.note);
  if (!first || !store.earlier.value) return;
  store.earlier.value = false; // asked for once
  const { byId } = store.items;
  const found = await ask(`history?chat=${store.current.value}&before=${encodeURIComponent(first.key)}`);
  if (byId !== store.items.byId) return; // another chat is shown
  if (found === null) store.earlier.value = true;
  else store.addEarlier(found);
}

const HAPPENED = {
  hello: () => open(wanted),
  overview: (told) => store.showOverview(told),
  message: ({ message }) => arrived(message),
  stream: ({ message }) => { if (!store.items.byId.get(message.id)?.data.recalled) store.change(message.id, message); },
  typing: (told) => showTyping(told),
  recall: (told) => recalled(told),
  refused: (told) => { if (told.chat === null || told.chat === store.current.value) store.add({ ...told, note: true }); else count(told.chat); },
  click: ({ id, message, button }) => waitFor(id, `${message}/${button}`),
  ack: ({ id, message, button, code, late }) => acknowledged(id, `${message}/${button}`, code, late),
  control: (told) => { store.control.value = told; },
  traffic: (told) => { store.traffic.value = told.last; },
  load: ({ point }) => addPoint(point),
};

export function receive(told) {
  batch(() => {
    for (const one of told) {
      if (held !== null && one.kind !== "hello") held.push(one);
      else HAPPENED[one.kind]?.(one);
    }
    showCounts();
  });
}

// What changes with every message of every chat is put together first.
let lately = { last: {}, unread: {} };

function showCounts() {
  const { last, unread } = lately;
  if (Object.keys(last).length > 0) store.last.value = { ...store.last.value, ...last };
  const counted = Object.keys(unread);
  if (counted.length > 0) {
    const sums = Object.fromEntries(counted.map((chat) => [chat, (store.unread.value[chat] ?? 0) + unread[chat]]));
    store.unread.value = { ...store.unread.value, ...sums };
  }
  lately = { last: {}, unread: {} };
}

function arrived(message) {
  if (message.chat === store.current.value) {
    store.add(message);
    if (message.bot) showTyping({ chat: message.chat, for: 0 });
  } else count(message.chat);
  const kinds = message.files.map((file) => file.type);
  const { id, name, text, time, markdown } = message;
  lately.last[message.chat] = { id, name, text: text.slice(0, 80), markdown, kinds, card: Boolean(message.card), time, recalled: message.recalled };
}

function recalled({ chat, id }) {
  if (chat === store.current.value) store.change(id, { recalled: true });
  const newest = lately.last[chat] ?? store.last.value[chat];
  if (newest?.id === id) lately.last[chat] = { ...newest, recalled: true };
}

// The message itself comes by the feed alone: an answer may be older, or newer, than what was told there.
export function sent() {
  store.sent.value += 1;
}

function count(chat) {
  lately.unread[chat] = (lately.unread[chat] ?? 0) + 1;
}

function showTyping({ chat, name, for: seconds }) {
  clearTimeout(typingEnds);
  store.typing.value = seconds > 0 ? { chat, name } : null;
  if (seconds > 0) typingEnds = setTimeout(() => { store.typing.value = null; }, seconds * 1000);
}

export function waitFor(interaction, key) {
  const known = store.clicks.value[key];
  if (known?.interaction === interaction) return;
  store.clicked(key, { state: "waiting", interaction });
  setTimeout(() => {
    const now = store.clicks.value[key];
    if (now?.interaction === interaction && now.state === "waiting") store.clicked(key, { ...now, state: "late" });
  }, ACK_WAIT);
}

function acknowledged(interaction, key, code, late) {
  if (late) return;
  store.clicked(key, { state: code === 0 ? "done" : "failed", code, interaction });
}

function addPoint(point) {
  const known = store.points.value;
  const again = known.length > 0 && point.t < known[known.length - 1].t;
  store.points.value = again ? [point] : [...known.slice(-3599), point];
}

export async function start() {
  listen(receive);
  const load = await ask("load");
  const begin = store.points.value[0]?.t ?? Infinity; // of what the feed has told meanwhile
  if (load !== null) store.points.value = [...load.points.filter((point) => point.t < begin), ...store.points.value];
}

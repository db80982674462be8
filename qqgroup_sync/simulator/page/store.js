// What the page knows, as signals: whoever reads one is drawn again when it changes.

import { batch, computed, signal } from "./lib.js";

const MOST_ITEMS = 10_000; // of the chat that is shown; older ones leave the page

export const link = signal("connecting"); // to the simulator: connecting, open, lost
export const bots = signal([]);
export const chats = signal([]);
export const current = signal(null); // openid of the chat that is shown
export const items = { list: [], byId: new Map() }; // messages and notes of that chat, oldest first
export const revision = signal(0); // counts the changes of items
export const earlier = signal(false); // whether older messages can be asked for
export const unread = signal({}); // chat -> count
export const last = signal({}); // chat -> its newest message in short
export const senders = signal({}); // chat -> openid of the member who speaks
export const typing = signal(null); // { chat, name } of the bot that types
export const clicks = signal({}); // "message/button" -> { state, code, interaction }
export const sent = signal(0); // counts what was sent from this page
export const quoted = signal(null); // the message that the next one quotes
export const draft = signal(null); // { text, send, quote }: what a command button puts into the box, or sends
export const control = signal({ armed: [], clock: { speed: 1, ahead: 0 } });
export const traffic = signal(0); // number of the inspector's newest entry
export const points = signal([]); // of the load
export const toast = signal(null); // { text, bad }
export const pane = signal("chat"); // on a phone: chats, chat or dock
export const picture = signal(null); // { address, label } in the lightbox
export const question = signal(null); // { text, yes, no, answer(bool) }: what a button asks first
export const dialog = signal(null); // what is asked for: group, user, member

export const chat = computed(() => chats.value.find((one) => one.id === current.value) ?? null);

export const sender = computed(() => {
  const members = chat.value?.members ?? [];
  const chosen = senders.value[current.value];
  return members.some((member) => member.id === chosen) ? chosen : members[0]?.id ?? current.value;
});

// openid -> name, of everybody who can be mentioned in the chat that is shown
export const names = computed(() => new Map([
  ...bots.value.map((bot) => [bot.id, bot.name]),
  ...(chat.value?.members ?? []).map((member) => [member.id, member.name]),
]));

let toasting = 0;

export function tell(text, bad = false) {
  toast.value = { text, bad };
  clearTimeout(toasting);
  toasting = setTimeout(() => { toast.value = null; }, bad ? 8000 : 3000);
}

export function showOverview(found) {
  bots.value = found.bots;
  chats.value = found.chats;
}

// The same chat is asked for again when notices were missed: what one reads and quotes stays then.
export function showChat(state) {
  const again = state.chat === current.value && items.byId.has(state.messages[0]?.id);
  batch(() => {
    // The feed tells bots and chats; an answer may be older, or of a moment the feed never tells of.
    if (!chats.value.some((one) => one.id === state.chat)) showOverview(state);
    current.value = state.chat;
    last.value = state.last;
    traffic.value = state.traffic;
    typing.value = null;
    const { [state.chat]: _, ...others } = unread.value;
    unread.value = others;
    if (!again) {
      earlier.value = state.earlier;
      quoted.value = null;
      clicks.value = {};
      items.list = [];
      items.byId = new Map();
    }
    const notes = state.refused.map((one) => ({ ...one, note: true }));
    for (const one of [...state.messages, ...notes].sort((a, b) => a.time - b.time)) {
      change(one.id, one);
      add(one);
    }
    revision.value += 1;
  });
}

// An item is drawn again when its data are another object.
export function add(data) {
  const known = items.byId.get(data.id);
  if (known) return;
  const item = { key: data.id, data, px: 0 };
  items.byId.set(data.id, item);
  items.list.push(item);
  if (items.list.length > MOST_ITEMS * 1.05) {
    for (const old of items.list.splice(0, items.list.length - MOST_ITEMS)) items.byId.delete(old.key);
    earlier.value = true;
  }
  revision.value += 1;
}

export function addEarlier({ messages, earlier: more }) {
  batch(() => {
    const fresh = messages.filter((one) => !items.byId.has(one.id)).map((data) => ({ key: data.id, data, px: 0 }));
    for (const item of fresh) items.byId.set(item.key, item);
    items.list = [...fresh, ...items.list];
    earlier.value = more && fresh.length > 0 && items.list.length < MOST_ITEMS;
    revision.value += 1;
  });
}

export function change(id, changes) {
  const item = items.byId.get(id);
  if (!item) return;
  item.data = { ...item.data, ...changes };
  revision.value += 1;
}

export function clicked(key, found) {
  clicks.value = { ...clicks.value, [key]: found };
}

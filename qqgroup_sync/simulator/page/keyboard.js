// The buttons under a bot's message: links, callbacks that wait for the bot, commands.

import { html } from "./lib.js";
import { waitFor } from "./feed.js";
import { safeLink } from "./markdown.js";
import { ask } from "./server.js";
import { clicks, draft, question, sender } from "./store.js";
import { t } from "./texts.js";

const LINK = 0, CALLBACK = 1, COMMAND = 2;

export function Keyboard({ message }) {
  if (message.template) return html`<p class="template">${t("keyboardTemplate", message.template)}</p>`;
  if (!message.keyboard.length) return null;
  return html`<div class="keyboard">${message.keyboard.map((row) => html`
    <div class="keys">${row.buttons.map((button) => html`<${Key} message=${message} button=${button} row=${message.keyboard} />`)}</div>`)}</div>`;
}

function Key({ message, button, row }) {
  const { render_data: look, action } = button;
  const click = clicks.value[`${message.id}/${button.id}`];
  const style = `key style${look.style ?? 0} ${click?.state ?? ""}`;
  const label = click && click.state !== "waiting" && look.visited_label ? look.visited_label : look.label;
  const data = String(action.data ?? "");
  if (action.type === LINK) {
    const made = safeLink(data, look.label);
    return typeof made === "string" ? html`<button type="button" class=${style} disabled>${label}</button>` : html`<a class=${style} href=${made.props.href} target="_blank" rel="noopener noreferrer">${label}</a>`;
  }
  const press = () => (action.type === CALLBACK ? call(message, button) : command(message, action, data));
  const off = ![CALLBACK, COMMAND].includes(action.type) || click?.state === "waiting" || greyed(message, button, row);
  const told = click ? stateText(click) : "";
  return html`<button type="button" class=${style} disabled=${off} aria-busy=${click?.state === "waiting"} title=${told} onClick=${press}>
    <span>${label}</span>${click && html`<small class="key-state" role="status" aria-label=${told}></small>`}</button>`;
}

function stateText({ state, code }) {
  if (state === "waiting") return t("clickWaiting");
  return state === "late" ? t("clickLate") : t(`clickCode${code}`);
}

// Buttons of one group can be clicked once between them (5.4).
function greyed(message, button, rows) {
  if (!button.group_id) return false;
  return rows.some((row) => row.buttons.some((other) => other.group_id === button.group_id && clicks.value[`${message.id}/${other.id}`]?.state === "done"));
}

async function call(message, button) {
  const { modal } = button.action;
  if (modal?.content && !await confirmed(modal)) return;
  const answer = await ask("click", { message: message.id, button: button.id ?? "", sender: sender.value });
  if (answer !== null) waitFor(answer.interaction, `${message.id}/${button.id}`);
}

function confirmed({ content: text, confirm_text: yes, cancel_text: no }) {
  return new Promise((answer) => { question.value = { text, yes, no, answer }; });
}

function command(message, action, text) {
  draft.value = { text, send: action.enter === true, quote: action.reply ? message : null };
}

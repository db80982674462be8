// Asks for the name of a new group, friend or member, and what a button wants to have confirmed.

import { html, useEffect, useRef } from "./lib.js";
import { open } from "./feed.js";
import { ask } from "./server.js";
import { speakAs } from "./speak_as.js";
import { current, dialog, pane, question } from "./store.js";
import { t } from "./texts.js";

const TITLES = { group: "addGroup", user: "addUser", member: "addMember" };

export function AddDialog() {
  const what = dialog.value;
  const box = useRef(null);
  useEffect(() => { if (what && !box.current.open) box.current.showModal(); }, [what]);
  if (!what) return null;
  const close = () => { dialog.value = null; };
  const add = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    close();
    const answer = await ask(what, { chat: current.value, name: form.get("name"), role: form.get("role") ?? "member" });
    if (answer === null) return;
    if (answer.member) speakAs(answer.member);
    if (answer.chat) {
      pane.value = "chat";
      open(answer.chat);
    }
  };
  return html`<dialog class="asking" ref=${box} onClose=${close} aria-labelledby="asking-title"><form onSubmit=${add}>
    <h2 id="asking-title">${t(TITLES[what])}</h2>
    <label>${t("name")}<input name="name" id="name" maxlength="40" autocomplete="off" required autofocus /></label>
    ${what === "member" && html`<label>${t("role")}<select name="role" id="role">${["member", "admin", "owner"].map((role) => html`<option value=${role}>${t(role)}</option>`)}</select></label>`}
    <footer><button type="button" onClick=${close}>${t("cancel")}</button><button type="submit" class="main">${t("add")}</button></footer></form></dialog>`;
}

export function ConfirmDialog() {
  const asked = question.value;
  const box = useRef(null);
  useEffect(() => { if (asked && !box.current.open) box.current.showModal(); }, [asked]);
  if (!asked) return null;
  const close = (yes) => {
    question.value = null;
    asked.answer(yes);
  };
  return html`<dialog class="asking" id="confirm" ref=${box} onClose=${() => close(false)} aria-label=${asked.text}><p>${asked.text}</p>
    <footer><button type="button" onClick=${() => close(false)}>${asked.no || t("cancel")}</button>
      <button type="button" class="main" autofocus onClick=${() => close(true)}>${asked.yes || t("ok")}</button></footer></dialog>`;
}

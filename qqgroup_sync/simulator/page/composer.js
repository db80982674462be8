// Where messages are written: who speaks, whom it is for, what it carries and quotes, and the text.

import { html, useEffect, useRef, useState } from "./lib.js";
import { CompletionList, completion, peopleOf, withMentions } from "./completion.js";
import { sent as shown } from "./feed.js";
import { IconButton, icon } from "./icons.js";
import { inShort } from "./message.js";
import { Pending } from "./pending.js";
import { canRecord, RecordButton, Recorder } from "./recorder.js";
import { ask } from "./server.js";
import { bots, chat, current, draft, quoted, sender } from "./store.js";
import { SpeakAs } from "./speak_as.js";
import { t } from "./texts.js";

const HIGHEST = 200; // pixels of the box

export function Composer({ dropped }) {
  const box = useRef(null);
  const files = useRef(null);
  const texts = useRef({}); // chat -> what was not sent yet
  const [text, setText] = useState("");
  const [atBot, setAtBot] = useState(true);
  const [pending, setPending] = useState([]);
  const [recording, setRecording] = useState(false);
  const [offer, setOffer] = useState(null); // what an @ is completed with
  const here = chat.value;
  const people = peopleOf(here, bots.value);

  const write = (value) => {
    setText(value);
    texts.current[current.value] = value;
  };
  useEffect(() => {
    setText(texts.current[current.value] ?? "");
    setOffer(null);
    if (matchMedia("(hover: hover)").matches) box.current?.focus();
  }, [current.value]);
  useEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(box.current.scrollHeight + 2, HIGHEST)}px`;
  }, [text]);
  useEffect(() => { if (dropped) attach(dropped); }, [dropped]);
  useEffect(() => {
    const wanted = draft.value;
    if (!wanted) return;
    draft.value = null;
    if (wanted.send) say(wanted.text, true, wanted.quote); // what is half written stays
    else {
      setAtBot(true);
      if (wanted.quote) quoted.value = wanted.quote;
      write(wanted.text);
      box.current.focus();
    }
  }, [draft.value]);

  async function attach(list) {
    for (const file of list) {
      const kept = await ask(`file?name=${encodeURIComponent(file.name)}`, file);
      if (kept !== null) setPending((now) => [...now, kept]);
    }
    box.current?.focus();
  }

  async function send() {
    if ((!text.trim() && pending.length === 0) || !here) return;
    const quote = quoted.value;
    write("");
    setPending([]);
    setOffer(null);
    quoted.value = null;
    if (await say(text, atBot, quote, pending)) return;
    // What was not sent goes back to its own chat, before what was written there since.
    texts.current[here.id] = text + texts.current[here.id];
    setPending((now) => [...pending, ...now]);
    if (current.value !== here.id) return;
    setText(texts.current[here.id]);
    quoted.value ??= quote;
  }

  // Returns whether it was sent. Whom the text addresses is meant before "at".
  async function say(written, addressed, quote = null, carried = []) {
    const { text: sent, at, mentions } = withMentions(written, people);
    const body = { chat: here.id, sender: sender.value, text: sent, mentions, quote: quote?.id ?? null, files: carried.map((file) => file.file) };
    const message = await ask("say", { ...body, at: at.length ? at : addressed });
    if (message !== null) shown();
    return message !== null;
  }

  const look = (value, cursor) => {
    const found = completion(value, cursor, people);
    setOffer(found && { ...found, chosen: 0 });
  };
  const complete = (person) => {
    const cursor = box.current.selectionStart;
    const made = `${text.slice(0, offer.from)}@${person.name} `;
    write(made + text.slice(cursor));
    setOffer(null);
    requestAnimationFrame(() => box.current.setSelectionRange(made.length, made.length));
  };
  const typed = (event) => {
    write(event.target.value);
    look(event.target.value, event.target.selectionStart);
  };
  const pressed = (event) => {
    // While an input method composes, Enter takes its proposal.
    if (event.isComposing || event.keyCode === 229) return;
    if (offer && chooseByKey(event, offer, setOffer, complete)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape" && quoted.value) quoted.value = null;
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    send();
  };
  const pasted = (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    attach([...event.clipboardData.files]);
  };
  const recorded = (file) => {
    setRecording(false);
    if (file) attach([file]);
  };

  const unheard = here?.group && !here.full_mode && !atBot && !people.some((one) => one.bot && text.includes(`@${one.name}`));
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); send(); }}>
    ${offer && html`<${CompletionList} found=${offer.found} chosen=${offer.chosen} choose=${complete} />`}
    <div class="composer-bar">
      ${here?.group && html`<${SpeakAs} />`}
      ${here?.group && html`<button type="button" class=${`chip ${atBot ? "on" : ""}`} aria-pressed=${atBot} id="at" title=${t("hintUnheard")} onClick=${() => setAtBot(!atBot)}>${t("atBot")}</button>`}
      ${unheard && html`<small class="hint">${t("hintUnheard")}</small>`}
      <span class="space"></span>
      <${IconButton} name="attach" label=${t("attach")} onClick=${() => files.current.click()} id="attach" />
      ${canRecord() && html`<${RecordButton} onClick=${() => setRecording(true)} />`}
      <input ref=${files} id="files" type="file" multiple hidden aria-label=${t("attach")} onChange=${(event) => { attach([...event.target.files]); event.target.value = ""; }} />
    </div>
    ${quoted.value && html`<div class="quoting"><span><b>${t("quoting", quoted.value.name)}</b> ${inShort({ ...quoted.value, kinds: quoted.value.files.map((file) => file.type) })}</span>
      <${IconButton} name="close" label=${t("cancel")} onClick=${() => { quoted.value = null; }} /></div>`}
    <${Pending} files=${pending} remove=${(file) => setPending((now) => now.filter((one) => one !== file))} />
    ${recording && html`<${Recorder} done=${recorded} />`}
    <div class="writing">
      <textarea id="text" ref=${box} rows="1" maxlength="20000" disabled=${!here} value=${text} placeholder=${t("text")} aria-label=${`${t("text")}: ${t("textHint")}`} title=${t("textHint")}
        role="combobox" aria-expanded=${Boolean(offer)} aria-controls="completion" aria-activedescendant=${offer ? `completion-${offer.chosen}` : undefined}
        onInput=${typed} onKeyDown=${pressed} onPaste=${pasted} onBlur=${() => setOffer(null)}></textarea>
      <button type="submit" class="main send" id="send" aria-label=${t("send")} disabled=${!text.trim() && pending.length === 0}>${icon("send")}<span>${t("send")}</span></button>
    </div></form>`;
}

// Returns whether the key was for the list.
function chooseByKey(event, offer, setOffer, complete) {
  const { found, chosen } = offer;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : found.length - 1;
    setOffer({ ...offer, chosen: (chosen + step) % found.length });
  } else if (event.key === "Enter" || event.key === "Tab") complete(found[chosen]);
  else if (event.key === "Escape") setOffer(null);
  else return false;
  return true;
}

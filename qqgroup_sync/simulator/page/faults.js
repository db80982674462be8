// The fault panel: what is armed, and everything that can be made to go wrong.

import { html, useState } from "./lib.js";
import { icon } from "./icons.js";
import { ask } from "./server.js";
import { bots, chat, control, tell } from "./store.js";
import { t } from "./texts.js";
import { fullTime, platformNow } from "./times.js";

async function act(action, fields = {}, name = action) {
  // What is armed now comes by the live feed alone: an answer may be older than what was told there.
  if (await ask("control", { action, ...fields }) !== null) tell(t("done", t(name)));
}

export function Faults() {
  const [times, setTimes] = useState(1);
  const [code, setCode] = useState(4009);
  const [seconds, setSeconds] = useState(5);
  const [path, setPath] = useState("");
  const [appid, setAppid] = useState("");
  const one = appid ? { appid } : {};
  const armed = { times, path };
  const live = (name, hint, fields = {}, action = name) => html`<${Do} name=${name} hint=${hint} run=${() => act(action, { ...one, ...fields }, name)} />`;
  return html`<div class="faults-panel scroll">
    <${Armed} />
    ${bots.value.length > 1 && html`<label class="field">${t("which")}<select value=${appid} onChange=${(event) => setAppid(event.target.value)}>
      <option value="">${t("everyBot")}</option>${bots.value.map((bot) => html`<option value=${bot.appid}>${bot.name}</option>`)}</select></label>`}
    <fieldset><legend>${t("secConnection")}</legend><div class="does">
      ${live("drop", "dropHint")}${live("reset", "resetHint")}${live("silence", "silenceHint")}${live("unsilence", "")}
      ${live("reconnect", "reconnectHint")}${live("invalid1", "invalid1Hint", { resumable: true }, "invalid")}${live("invalid0", "invalid0Hint", { resumable: false }, "invalid")}
      ${live("heartbeat", "heartbeatHint")}${live("expire", "expireHint")}</div>
      <div class="field-row"><${Number_} label=${t("code")} value=${code} set=${setCode} list="close-codes" />
        <button type="button" onClick=${() => act("close", { ...one, code }, "closeWith")}>${t("closeWith")}</button>
        <datalist id="close-codes">${[4004, 4006, 4007, 4008, 4009, 4014, 4900, 4902, 4914, 4915].map((one) => html`<option value=${one} />`)}</datalist></div>
    </fieldset>
    <fieldset><legend>${t("secNext")} · ${t("secRequests")} · ${t("secEvents")}</legend>
      <div class="field-row"><${Number_} label=${t("times")} value=${times} set=${setTimes} /><${Number_} label=${t("seconds")} value=${seconds} set=${setSeconds} />
        <label class="field grow">${t("path")}<input value=${path} placeholder=${t("pathHint")} onInput=${(event) => setPath(event.target.value)} /></label></div>
      <div class="does">
        <${Do} name="fail401" run=${() => act("fail", { ...armed, status: 401 }, "fail401")} /><${Do} name="fail429" run=${() => act("fail", { ...armed, status: 429 }, "fail429")} />
        <${Do} name="fail500" run=${() => act("fail", { ...armed, status: 500 }, "fail500")} /><${Do} name="slow" run=${() => act("slow", { ...armed, seconds })} />
        <${Do} name="slowAfter" run=${() => act("slow", { ...armed, seconds, after: true }, "slowAfter")} /><${Do} name="cut" run=${() => act("cut", armed)} />
        <${Do} name="cutAfter" run=${() => act("cut", { ...armed, after: true }, "cutAfter")} /><${Do} name="auditNext" run=${() => act("audit", { times }, "auditNext")} />
        <${Do} name="duplicate" run=${() => act("duplicate", { times })} /><${Do} name="reorder" run=${() => act("reorder", { times })} />
        ${control.value.webhooks && html`<${Do} name="forge" hint="forgeHint" run=${() => act("forge", { times })} />`}
        <${Do} name="refuse_resumes" run=${() => act("refuse_resumes", { times })} /><${Do} name="refuse_identifies" run=${() => act("refuse_identifies", { times })} />
        <${Do} name="refuse_connections" run=${() => act("refuse_connections", { times })} /></div>
    </fieldset>
    <${Rules} /><${Time} /></div>`;
}

function Do({ name, hint, run }) {
  return html`<button type="button" class="do" title=${hint ? t(hint) : t(name)} onClick=${run}><b>${t(name)}</b>${hint && html`<small>${t(hint)}</small>`}</button>`;
}

function Number_({ label, value, set, list }) {
  return html`<label class="field">${label}<input type="number" min="0" value=${value} list=${list} onInput=${(event) => set(Number(event.target.value))} /></label>`;
}

function Armed() {
  const { armed } = control.value;
  return html`<section class=${`armed ${armed.length ? "some" : ""}`} aria-label=${t("armed")} aria-live="polite">
    ${armed.length === 0 ? html`<p>${icon("check")}${t("nothingArmed")}</p>` : html`<ul>${armed.map((one) => html`<li>${armedText(one)}</li>`)}</ul>
      <button type="button" class="danger" id="clear-faults" onClick=${() => act("clear", {}, "clearAll")}>${t("clearAll")}</button>`}</section>`;
}

function armedText(one) {
  const how = one.how === 0 ? "RST" : one.how;
  return t(`armed_${one.what}`, { ...one, how });
}

function Rules() {
  const here = chat.value;
  const state = here?.bots[0];
  const listed = control.value.armed.some((one) => one.what === "whitelist");
  const bot = (changes) => ask("bot", { chat: here.id, ...changes });
  return html`<fieldset><legend>${t("secPlatform")}</legend>
    <${Switch} text=${t("whitelist")} on=${listed} set=${(on) => act("whitelist", { on })} />
    ${here?.group && html`<p class="about">${t("settingsOf", here.name)}</p>
      <${Switch} text=${t("fullMode")} on=${here.full_mode} set=${(on) => act("full_mode", { chat: here.id, on }, "fullMode")} />`}
    ${state && html`<${Switch} text=${t("pushOff")} on=${!state.push} set=${(on) => bot({ push: !on })} />`}
    ${here?.group && state && html`<${Switch} text=${t("muteBot")} on=${state.muted} set=${(on) => bot({ muted: on })} />`}</fieldset>`;
}

function Switch({ text, on, set }) {
  return html`<label class="switch"><input type="checkbox" checked=${on} onChange=${(event) => set(event.target.checked)} /><span>${text}</span></label>`;
}

function Time() {
  const { speed } = control.value.clock;
  const forward = (seconds) => act("advance", { seconds });
  return html`<fieldset><legend>${t("secTime")}</legend><p class="about">${t("now")}: ${fullTime(platformNow() / 1000)}</p>
    <div class="does">${[["minute1", 60], ["minute5", 300], ["hour1", 3600], ["day1", 86_400]].map(([name, seconds]) => html`<button type="button" class="do" onClick=${() => forward(seconds)}><b>+${t(name)}</b></button>`)}</div>
    <label class="field">${t("speed")}<select value=${String(speed)} onChange=${(event) => act("speed", { speed: Number(event.target.value) })}>
      ${[...new Set([0, 1, 10, 60, 600, speed])].map((one) => html`<option value=${String(one)}>×${one}</option>`)}</select></label></fieldset>`;
}

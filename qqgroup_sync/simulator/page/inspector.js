// The inspector: every frame and request between bots and platform, filtered, the newest below.

import { html, useEffect, useRef, useState } from "./lib.js";
import { IconButton, icon } from "./icons.js";
import { Entry } from "./inspector_entry.js";
import { bots, traffic } from "./store.js";
import { ask } from "./server.js";
import { t } from "./texts.js";
import { VirtualList } from "./virtual_list.js";

const KEPT = 5000;
const AT_FIRST = 2000; // entries that are asked for when the panel is opened

// Kept while the panel is folded away, so that it shows the same when it is opened again.
const kept = { list: [], sessions: [], last: 0, asking: null };

export function Inspector() {
  const [, redraw] = useState(0);
  const [paused, setPaused] = useState(false);
  const [filter, setFilter] = useState({ kind: "all", appid: "", text: "", errors: false, beats: false });
  const list = useRef(null);
  const [following, setFollowing] = useState(true);
  const newest = traffic.value;
  useEffect(() => {
    if (paused || newest === kept.last) return;
    kept.asking ??= fetchNew().finally(() => { kept.asking = null; });
    kept.asking.then(() => redraw((now) => now + 1));
  }, [newest, paused]);
  const change = (changes) => setFilter({ ...filter, ...changes });
  const items = kept.list.filter((item) => fits(item, filter));
  const row = (item) => html`<${Entry} key=${item.key} entry=${item.data} hold=${hold} />`;
  const { current: hold } = useRef(() => list.current.hold());
  const clear = () => {
    kept.list = [];
    redraw((now) => now + 1);
  };
  return html`<div class="inspector-panel">
    <div class="filters" role="search">
      <select aria-label=${t("filterKind")} value=${filter.kind} onChange=${(event) => change({ kind: event.target.value })}>
        <option value="all">${t("kindAll")}</option><option value="gateway">${t("kindGateway")}</option><option value="api">${t("kindApi")}</option></select>
      ${bots.value.length > 1 && html`<select aria-label=${t("bots")} value=${filter.appid} onChange=${(event) => change({ appid: event.target.value })}>
        <option value="">${t("allBots")}</option>${bots.value.map((bot) => html`<option value=${bot.appid}>${bot.name}</option>`)}</select>`}
      <input type="search" placeholder=${t("filterText")} aria-label=${t("filterText")} value=${filter.text} onInput=${(event) => change({ text: event.target.value })} />
      <${IconButton} name=${paused ? "play" : "pause"} label=${t(paused ? "resumeList" : "pauseList")} onClick=${() => setPaused(!paused)} className=${paused ? "on" : ""} />
      <${IconButton} name="clear" label=${t("clearList")} onClick=${clear} />
      <div class="filter-chips">
        <${Chip} on=${filter.errors} set=${(errors) => change({ errors })} text=${t("errorsOnly")} />
        <${Chip} on=${filter.beats} set=${(beats) => change({ beats })} text=${t("showHeartbeats")} />
        <span class="space"></span>${kept.sessions.slice(-3).map((one) => html`<${Session} key=${one.session} session=${one} />`)}</div>
    </div>
    <div class="traffic-box"><${VirtualList} handle=${list} items=${items} revision=${items.length} row=${row} guess=${44} className="traffic" label=${t("inspector")} role="list"
      onFollow=${setFollowing} empty=${kept.list.length ? t("nothingFits") : t("inspectorHint")} />
      ${!following && html`<button type="button" class="to-end" onClick=${() => list.current.toEnd()}>${icon("down")}${t("toEnd")}</button>`}</div></div>`;
}

function Session({ session: one }) {
  const text = t(one.live ? "sessionLive" : "sessionAway", { s: one.s, away: one.away });
  return html`<span class="session" title=${`${one.appid} · ${one.session} · shard ${one.shard.join("/")}`}><i class=${`lamp ${one.live ? "open" : "away"}`}></i>${text}</span>`;
}

function Chip({ on, set, text }) {
  return html`<button type="button" class=${`chip ${on ? "on" : ""}`} aria-pressed=${on} onClick=${() => set(!on)}>${text}</button>`;
}

// Until all is here that the feed told of: what came while it was asked must not wait for the next.
async function fetchNew() {
  let told;
  do {
    told = traffic.value;
    const found = await ask(`inspect?after=${kept.last}${kept.list.length ? "" : `&limit=${AT_FIRST}`}`);
    if (found === null) return;
    if (found.last < kept.last) { // another simulator: everything of it is new
      kept.list = [];
      kept.last = 0;
      told = null;
    } else take(found);
  } while (traffic.value !== told && traffic.value > kept.last);
}

function take(found) {
  kept.last = found.last;
  kept.sessions = found.sessions;
  const fresh = found.entries.map((data) => ({ key: data.seq, px: 0, data, words: null }));
  if (found.skipped > 0 && kept.list.length > 0) fresh.unshift({ key: `skipped${found.last}`, px: 0, data: { skipped: found.skipped, kind: "gap" }, words: "" });
  kept.list = [...kept.list, ...fresh].slice(-KEPT);
}

function fits(item, { kind, appid, text, errors, beats }) {
  const { data } = item;
  if (data.kind === "gap") return true;
  if (data.quiet && !beats) return false;
  if (kind !== "all" && (data.kind === "api") !== (kind === "api")) return false;
  if (errors && !data.failed) return false;
  if (appid && data.appid !== appid) return false;
  if (!text) return true;
  item.words ??= JSON.stringify(data).toLowerCase();
  return item.words.includes(text.toLowerCase());
}

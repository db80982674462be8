// The panels beside the chat, one at a time: members, inspector, faults, load.

import { html } from "./lib.js";
import { Faults } from "./faults.js";
import { IconButton, icon } from "./icons.js";
import { Inspector } from "./inspector.js";
import { Load } from "./load.js";
import { Members } from "./members.js";
import { dock, dockWidth } from "./settings.js";
import { control, pane } from "./store.js";
import { t } from "./texts.js";

export const PANELS = ["members", "inspector", "faults", "load"];

const SHOWN = { members: Members, inspector: Inspector, faults: Faults, load: Load };

const NARROWEST = 260;

// The left edge of the panel: dragged, moved with the arrow keys, or set back by a double click.
function Grip() {
  const set = (width) => { dockWidth.value = Math.round(Math.max(NARROWEST, Math.min(width, innerWidth - 560))); };
  const drag = (event) => {
    if (event.buttons === 1 && event.currentTarget.hasPointerCapture(event.pointerId)) set(innerWidth - event.clientX);
  };
  const pressed = (event) => {
    const step = { ArrowLeft: 24, ArrowRight: -24 }[event.key];
    if (step) set(event.currentTarget.parentElement.offsetWidth + step);
  };
  return html`<button type="button" class="grip" role="separator" aria-orientation="vertical" aria-label=${t("width")} title=${t("width")}
    onPointerDown=${(event) => event.currentTarget.setPointerCapture(event.pointerId)} onPointerMove=${drag} onKeyDown=${pressed} onDblClick=${() => { dockWidth.value = 0; }}></button>`;
}

export function Dock() {
  const panel = dock.value;
  if (!panel) return null;
  const close = () => {
    dock.value = "";
    pane.value = "chat";
  };
  return html`<aside class="dock" data-panel=${panel} aria-label=${t(panel)}><${Grip} />
    <header class="bar"><div class="tabs" role="tablist">${PANELS.map((name) => html`<button type="button" role="tab" key=${name} id=${`tab-${name}`} aria-selected=${name === panel} onClick=${() => { dock.value = name; }}>${t(name)}</button>`)}</div>
      <${IconButton} name="close" label=${t("close")} onClick=${close} /></header>
    <div class="panel" role="tabpanel" aria-labelledby=${`tab-${panel}`}><${SHOWN[panel]} /></div></aside>`;
}

// The buttons in the head of the chat that open them.
export function DockButtons() {
  const toggle = (name) => {
    const shut = dock.value === name && pane.value !== "chat";
    dock.value = dock.value === name && (shut || innerWidth > 760) ? "" : name;
    pane.value = dock.value ? "dock" : "chat";
  };
  const shown = (name) => dock.value === name && (pane.value === "dock" || innerWidth > 760);
  return html`<div class="dock-buttons">${PANELS.map((name) => html`<button type="button" key=${name} id=${`open-${name}`} class=${`icon-button ${shown(name) ? "on" : ""}`}
    aria-pressed=${shown(name)} aria-label=${t(name)} title=${t(name)} onClick=${() => toggle(name)}>${icon(name)}${name === "faults" && control.value.armed.length > 0 && html`<span class="count">${control.value.armed.length}</span>`}</button>`)}</div>`;
}

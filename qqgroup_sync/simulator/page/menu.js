// A small menu behind three dots.

import { html, useEffect, useRef, useState } from "./lib.js";
import { IconButton } from "./icons.js";

export function Menu({ label, choices }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const outside = (event) => { if (!box.current?.contains(event.target)) setOpen(false); };
    document.addEventListener("pointerdown", outside);
    box.current.querySelector("[role=menuitem]")?.focus();
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const pressed = (event) => {
    if (event.key === "Escape") {
      setOpen(false);
      box.current.querySelector("button")?.focus();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = [...box.current.querySelectorAll("[role=menuitem]")];
    const at = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : all.length - 1);
    all[at % all.length]?.focus();
  };
  const choose = (act) => {
    setOpen(false);
    act();
  };
  return html`<div class="menu" ref=${box} onKeyDown=${pressed}>
    <${IconButton} name="more" label=${label} onClick=${() => setOpen(!open)} aria-haspopup="menu" aria-expanded=${open} />
    ${open && html`<div class="menu-list" role="menu" aria-label=${label}>${choices.map(([text, act]) => html`<button type="button" role="menuitem" onClick=${() => choose(act)}>${text}</button>`)}</div>`}</div>`;
}

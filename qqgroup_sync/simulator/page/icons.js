// Small line drawings, in the colour of the text around them.

import { html } from "./lib.js";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  down: "M6 9l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  members: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.6-3.4 3.2-5.5 6.5-5.5s5.9 2.1 6.5 5.5M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.8c1.9.800 3.1 2.5 3.5 5.2",
  inspector: "M3 12h4l2.5-7 5 14 2.5-7h4",
  faults: "M13 2.5L4.5 13.5h6L10 21.5l9-11.5h-6.5z",
  load: "M4 4v16h16M7.5 15l4-5 3 2.5 5-6.5",
  light: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18M15 5.5v13M18 8v8",
  language: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c2.5 2.5 3.7 5.5 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.5-3.7-9S9.5 5.5 12 3z",
  attach: "M4.5 5h15v14h-15zM4.5 16l4.5-4.5 3.5 3.5 2.5-2.5 4.5 4.5M15.5 9.5h.01",
  voice: "M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  stop: "M7 7h10v10H7z",
  send: "M4 12l16-8-5 16-3.5-6.5z",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 5v14M16 5v14",
  file: "M6.5 3h7l4.5 4.5V21h-11.5zM13 3v5h5",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  quote: "M9 7L4 12l5 5M4 12h9c4 0 6.5 2 7 6",
  recall: "M4 7v5h5M4.5 12a8 8 0 1 1 2 5.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  clear: "M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13",
  check: "M5 12.5l4.5 4.5L19 7.5",
  muted: "M4 9.5v5h3.5l5 4v-13l-5 4zM16.5 9.5l5 5M21.5 9.5l-5 5",
};

export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

// A button that shows a drawing only, and says in words what it does.
export function IconButton({ name, label, onClick, className = "", ...rest }) {
  return html`<button type="button" class=${`icon-button ${className}`} aria-label=${label} title=${label} onClick=${onClick} ...${rest}>${icon(name)}</button>`;
}

// Pictures, voices, videos and files. They come from the simulator, never from elsewhere.

import { html, useEffect, useRef, useState } from "./lib.js";
import { icon } from "./icons.js";
import { mediaAddress } from "./server.js";
import { picture } from "./store.js";
import { t } from "./texts.js";

const UNITS = ["B", "KB", "MB", "GB"];
const LARGEST = 280; // pixels of a picture in a bubble

export function FileView({ file }) {
  const [missing, setMissing] = useState(false);
  const miss = () => setMissing(true);
  if (missing) return html`<span class="missing">[${t(`media${file.type}`)}] ${file.name}</span>`;
  if (file.type === 1) return html`<${Picture} file=${file} onError=${miss} />`;
  if (file.type === 2) return html`<video class="video" src=${mediaAddress(file.id)} controls preload="metadata" title=${file.name} onError=${miss}></video>`;
  if (file.type === 3) return html`<${Voice} file=${file} onError=${miss} />`;
  return html`<a class="file" href=${mediaAddress(file.id)} download=${file.name} title=${t("download")}>
    <span class="file-icon">${icon("file")}</span>
    <span class="file-text"><b>${file.name}</b><small>${inUnits(file.size)}</small></span>${icon("download")}</a>`;
}

// The place of a picture is kept free before it has loaded.
function Picture({ file, onError }) {
  const address = mediaAddress(file.id);
  const scale = Math.min(1, LARGEST / Math.max(file.width, file.height, 1));
  const size = file.width ? { width: Math.round(file.width * scale), height: Math.round(file.height * scale) } : {};
  return html`<button type="button" class="picture" aria-label=${`${t("viewPicture")} ${file.name}`} onClick=${() => { picture.value = { address, label: file.name }; }}>
    <img src=${address} alt=${file.name || t("media1")} ...${size} onError=${onError} /></button>`;
}

function Voice({ file, onError }) {
  const audio = useRef(null);
  const [playing, setPlaying] = useState(false);
  const [length, setLength] = useState(0);
  const [at, setAt] = useState(0);
  const address = file.decoded ? `${mediaAddress(file.id)}?wav=1` : mediaAddress(file.id);
  useEffect(() => () => audio.current?.pause(), []);
  const toggle = () => (playing ? audio.current.pause() : audio.current.play().catch((error) => { if (error.name !== "AbortError") onError(); }));
  const shown = playing || at > 0 ? at : length;
  return html`<button type="button" class=${`voice ${playing ? "playing" : ""}`} aria-label=${`${t(playing ? "pause" : "play")} ${t("media3")} ${seconds(length)}`} onClick=${toggle}
      style=${{ width: `${Math.min(260, 110 + length * 8)}px` }}>
    <audio ref=${audio} src=${address} preload="metadata" onError=${onError}
      onLoadedMetadata=${(event) => setLength(event.target.duration)} onTimeUpdate=${(event) => setAt(event.target.currentTime)}
      onPlay=${() => setPlaying(true)} onPause=${() => setPlaying(false)} onEnded=${() => { setPlaying(false); setAt(0); }}></audio>
    ${icon(playing ? "pause" : "play")}<span class="wave" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i><i></i><i></i></span><span>${seconds(shown)}</span></button>`;
}

const seconds = (value) => `${Math.max(value > 0 ? 1 : 0, Math.round(value))}″`;

export function inUnits(size) {
  const unit = size < 1 ? 0 : Math.min(3, Math.floor(Math.log(size) / Math.log(1024)));
  return `${(size / 1024 ** unit).toFixed(unit && 1)} ${UNITS[unit]}`;
}

export function Lightbox() {
  const shown = picture.value;
  const dialog = useRef(null);
  useEffect(() => { if (shown && !dialog.current.open) dialog.current.showModal(); }, [shown]);
  if (!shown) return null;
  const close = () => { picture.value = null; };
  return html`<dialog class="lightbox" ref=${dialog} onClose=${close} onClick=${close} aria-label=${shown.label || t("media1")}>
    <img src=${shown.address} alt=${shown.label} /><p>${shown.label}</p></dialog>`;
}

// Shows pictures, voices, videos and files. They come from the simulator, never from elsewhere.

import { element } from "./markdown.js";
import { say } from "./texts.js";

const UNITS = ["B", "KB", "MB", "GB"];

const addressOf = (id) => `simulator/media/${encodeURIComponent(id)}`;

export function fileNode({ id, type, name, size, decoded }, view) {
  const address = addressOf(id);
  if (type === 1) return imageNode(id, name, view);
  if (type === 2) return player("video", address, type, name);
  if (type === 3) return player("audio", decoded ? `${address}?wav=1` : address, type, name);
  return element("a", { className: "file", href: address, download: name },
    element("span", {}, name), element("small", {}, inUnits(size)));
}

// size: width and height in pixels, when they are known
export function imageNode(id, label, view, [width, height] = []) {
  const address = addressOf(id);
  const image = element("img", { src: address, alt: label || say("media1"), title: label });
  if (width && height) Object.assign(image, { width, height });
  const button = element("button", { type: "button", className: "picture" }, image);
  button.addEventListener("click", () => view(address, image.alt));
  image.addEventListener("error", () => button.replaceWith(missing(1, label)));
  return button;
}

function player(tag, address, type, name) {
  const made = element(tag, { src: address, controls: true, preload: "metadata", title: name });
  made.addEventListener("error", () => made.replaceWith(missing(type, name)));
  return made;
}

function missing(type, name) {
  return element("span", { className: "media" }, `[${say(`media${type}`)}] ${name}`);
}

function inUnits(size) {
  const unit = size < 1 ? 0 : Math.min(3, Math.floor(Math.log(size) / Math.log(1024)));
  return `${(size / 1024 ** unit).toFixed(unit && 1)} ${UNITS[unit]}`;
}

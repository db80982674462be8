// Asks the simulator, and hears what it tells.

import { link, tell } from "./store.js";
import { has, t } from "./texts.js";

export async function ask(path, body) {
  const options = {};
  if (body !== undefined) {
    const bytes = body instanceof Blob;
    options.method = "POST";
    options.headers = { "Content-Type": bytes ? "application/octet-stream" : "application/json" };
    options.body = bytes ? body : JSON.stringify(body);
  }
  try {
    const response = await fetch(`simulator/${path}`, options);
    const answer = await response.json();
    if (response.ok) return answer;
    tell(has(answer.error) ? t(answer.error) : t("error", answer.message), true);
  } catch {
    tell(t("unreachable"), true);
  }
  return null;
}

// receive gets a list of what happened, at most once per frame.
export function listen(receive) {
  let waiting = [];
  let frame = 0;
  let timer = 0; // no frame is drawn of a tab that is hidden, or just then becomes so
  const deliver = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    const batch = waiting;
    waiting = [];
    receive(batch);
  };
  const connect = () => {
    const stream = new EventSource("simulator/live");
    stream.onopen = () => { link.value = "open"; };
    stream.onmessage = (event) => {
      const planned = waiting.length > 0;
      waiting.push(...JSON.parse(event.data));
      if (planned) return;
      frame = requestAnimationFrame(deliver);
      timer = setTimeout(deliver, 200);
    };
    stream.onerror = () => {
      link.value = "lost";
      if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(connect, 1000);
    };
  };
  connect();
}

export const mediaAddress = (id) => `simulator/media/${encodeURIComponent(id)}`;

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell(t("copied"));
  } catch {
    tell(t("error", "clipboard"), true);
  }
}

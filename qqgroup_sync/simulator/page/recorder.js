// Records a voice with the microphone, as a WAV that the simulator makes SILK of.

import { html, useEffect, useRef, useState } from "./lib.js";
import { IconButton, icon } from "./icons.js";
import { tell } from "./store.js";
import { t } from "./texts.js";

const RATE = 24_000; // samples a second, what QQ records with
const LONGEST = 60; // seconds

export const canRecord = () => Boolean(window.MediaRecorder && navigator.mediaDevices?.getUserMedia);

// Shows the time while it records; done(file) gets the WAV, or null when it was discarded.
export function Recorder({ done }) {
  const recorder = useRef(null);
  const [seconds, setSeconds] = useState(0);
  const kept = useRef(true);
  const stop = (keep) => {
    kept.current = keep;
    if (recorder.current === null) done(null); // the microphone has not come yet
    else if (recorder.current.state === "recording") recorder.current.stop();
  };
  useEffect(() => {
    let gone = false;
    let timer = 0;
    const end = (file) => { if (!gone) done(file); }; // another one may record by then
    begin(() => kept.current && !gone, end).then((made) => {
      recorder.current = made;
      if (gone) {
        made.stop();
        return;
      }
      timer = setInterval(() => setSeconds((now) => {
        if (now + 1 >= LONGEST) stop(true);
        return now + 1;
      }), 1000);
    }).catch(() => {
      if (!gone) tell(t("noMicrophone"), true);
      end(null);
    });
    return () => {
      gone = true;
      clearInterval(timer);
      if (recorder.current?.state === "recording") recorder.current.stop();
    };
  }, []);
  return html`<div class="recorder" role="status">
    <i class="pulse"></i><span>${t("recording")} ${seconds}″</span>
    <button type="button" class="quiet" onClick=${() => stop(false)}>${t("discard")}</button>
    <button type="button" class="main" onClick=${() => stop(true)}>${icon("check")}${t("stopRecording")}</button></div>`;
}

async function begin(keep, done) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false } });
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  recorder.onstop = async () => {
    for (const track of stream.getTracks()) track.stop();
    if (!keep()) return done(null);
    try {
      return done(await toWav(new Blob(pieces, { type: recorder.mimeType })));
    } catch {
      tell(t("noMicrophone"), true);
      return done(null);
    }
  };
  recorder.start();
  return recorder;
}

async function toWav(recorded) {
  const context = new AudioContext();
  const decoded = await context.decodeAudioData(await recorded.arrayBuffer());
  context.close();
  const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(decoded.duration * RATE)), RATE);
  const source = offline.createBufferSource();
  source.buffer = decoded;
  source.connect(offline.destination);
  source.start();
  const samples = (await offline.startRendering()).getChannelData(0);
  return new File([header(samples.length), pcm(samples)], "voice.wav", { type: "audio/wav" });
}

function pcm(samples) {
  const made = new Int16Array(samples.length);
  for (let at = 0; at < samples.length; at += 1) made[at] = Math.max(-1, Math.min(1, samples[at])) * 32_767;
  return made.buffer;
}

function header(length) {
  const view = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + length * 2, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, length * 2, true);
  return view.buffer;
}

export function RecordButton({ onClick }) {
  return html`<${IconButton} name="voice" label=${t("record")} onClick=${onClick} id="record" />`;
}

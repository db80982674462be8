// The libraries of the page, in one place: Preact draws, htm is its markup, signals hold the state.

import { Component, createElement, render } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export { useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from "./vendor/preact-hooks.mjs";
export { batch, computed, effect, signal, useComputed, useSignal } from "./vendor/signals.mjs";
export { Component, render };

export const html = htm.bind(createElement);

// The chat page of the simulator: starts it. See vendor/README.md for the libraries.

import { App } from "./app.js";
import { start } from "./feed.js";
import { html, render } from "./lib.js";

render(html`<${App} />`, document.getElementById("app"));
start();

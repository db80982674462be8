// A bot's markdown, as QQ draws it. markdown-it reads it; its tokens become nodes, never HTML text.
//
// QQ's own: <@id> and <qqbot-at-user/>, command links, pictures with a size (![alt #30px #30px]),
// __bold and underlined__.

import { html } from "./lib.js";
import { draft, names, picture } from "./store.js";
import { mediaAddress } from "./server.js";
import { t } from "./texts.js";
import MarkdownIt from "./vendor/markdown-it.mjs";

const SIZE = /\s*#(\d+)px/g;
const MENTION = /^<@!?(\w+)>|^<qqbot-at-user\s+id="(\w+)"\s*\/>/;
const COMMAND = /^<qqbot-(at-everyone|cmd-input|cmd-enter)\b([^>]{0,2000}?)\/?>/;
const DEPTH = 20;

const reader = new MarkdownIt({ html: false, linkify: false, breaks: true, maxNesting: DEPTH });

reader.inline.ruler.before("autolink", "qq", (state, silent) => {
  if (state.src[state.pos] !== "<") return false;
  const rest = state.src.slice(state.pos, state.pos + 2200);
  const found = MENTION.exec(rest) ?? COMMAND.exec(rest);
  if (!found) return false;
  if (!silent) {
    const token = state.push("qq", "", 0);
    token.meta = MENTION.test(rest) ? { what: "mention", id: found[1] ?? found[2] } : { what: found[1], attributes: found[2] };
  }
  state.pos += found[0].length;
  return true;
});

export function Markdown({ text, pictures = {}, dropped = [] }) {
  const context = { pictures, dropped, names: names.value };
  const tokens = reader.parse(text.replaceAll("\r", "\n"), {});
  return html`<div class="markdown">${blocks(tokens, context)}</div>`;
}

// Tokens come as a flat list, in which opening and closing ones enclose what is inside.
function blocks(tokens, context) {
  const stack = [{ children: [] }];
  for (const token of tokens) {
    const top = stack[stack.length - 1];
    if (token.nesting === 1) stack.push({ token, children: [] });
    else if (token.nesting === -1) {
      stack.pop();
      const made = enclose(top.token, top.children);
      stack[stack.length - 1].children.push(made);
    } else top.children.push(single(token, context));
  }
  return stack[0].children;
}

const TAGS = new Set(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "strong", "em", "s", "table", "thead", "tbody", "tr", "th", "td"]);

function enclose(token, children) {
  if (token.type === "link_open") return link(token.attrGet("href"), children);
  if (token.type === "paragraph_open" && token.hidden) return children;
  if (token.type === "strong_open" && token.markup === "__") return html`<strong><u>${children}</u></strong>`;
  if (token.type === "ordered_list_open") return html`<ol start=${token.attrGet("start") ?? 1}>${children}</ol>`;
  return TAGS.has(token.tag) ? html`<${token.tag}>${children}<//>` : children;
}

function single(token, context) {
  switch (token.type) {
    case "inline": return blocks(token.children, context);
    case "text": return token.content;
    case "softbreak":
    case "hardbreak": return html`<br />`;
    case "code_inline": return html`<code>${token.content}</code>`;
    case "fence":
    case "code_block": return html`<pre><code>${token.content.replace(/\n$/, "")}</code></pre>`;
    case "hr": return html`<hr />`;
    case "image": return image(token, context);
    case "qq": return qq(token.meta, context);
    default: return token.content;
  }
}

function link(address, children) {
  let url = null;
  try { url = new URL(address); } catch { /* no address: shown as text */ }
  if (url === null || !["http:", "https:"].includes(url.protocol)) return children;
  return html`<a href=${url.href} target="_blank" rel="noopener noreferrer">${children}</a>`;
}

function image(token, { pictures, dropped }) {
  const address = token.attrGet("src");
  const label = token.content.replace(SIZE, "");
  const [width, height] = [...token.content.matchAll(SIZE)].map((size) => Number(size[1]));
  if (dropped.some((one) => one === address || encodeURI(one) === address)) return html`<span class="missing">[${t("lostPicture")}] ${label}</span>`;
  const known = Object.keys(pictures).find((one) => one === address || encodeURI(one) === address);
  if (!known) return link(address, `[${t("media1")}] ${label}`);
  const own = mediaAddress(pictures[known]);
  return html`<button type="button" class="picture" aria-label=${`${t("viewPicture")} ${label}`} onClick=${() => { picture.value = { address: own, label }; }}>
    <img src=${own} alt=${label} width=${width} height=${height} /></button>`;
}

function qq({ what, id, attributes }, context) {
  if (what === "mention") return html`<span class="at">@${context.names.get(id) ?? id}</span>`;
  if (what === "at-everyone") return html`<span class="at">@${t("everyone")}</span>`;
  const text = attribute(attributes, "text");
  const send = what === "cmd-enter";
  return html`<button type="button" class="command" onClick=${() => { draft.value = { text, send }; }}>${attribute(attributes, "show") || text}</button>`;
}

function attribute(attributes, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  try { return decodeURIComponent(value); } catch { return value; }
}

export { link as safeLink };

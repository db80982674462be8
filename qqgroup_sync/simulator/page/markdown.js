// Renders a bot's markdown as DOM nodes. Text only ever becomes text nodes: nothing is parsed as HTML.

const DEPTH = 8;
const BLOCK = /^(?:(#{1,6})\s+(.*)|>\s?(.*)|\s*[-*+]\s+(.*)|\s*(\d+)[.)]\s+(.*)|(\*{3,}|-{3,})\s*)$/;
const SIZE = /\s*#\d+px/g; // of a picture
const INLINE = new RegExp([
  "`([^`\\n]+)`", // 1 code
  "(!?)\\[([^\\]\\n]*)\\]\\(((?:[^()\\s]|\\([^()\\s]*\\))+)\\)", // 2 picture, 3 text, 4 address
  "<(https?:\\/\\/[^>\\s]+)>", // 5 address
  "<@!?(\\w+)>|<qqbot-at-user id=\"(\\w+)\" *\\/>", // 6, 7 openid
  "<qqbot-(at-everyone|cmd-input|cmd-enter)\\b([^>]*)\\/>", // 8 what, 9 attributes
  "\\*\\*\\*(.+?)\\*\\*\\*", // 10 bold and italic
  "\\*\\*(.+?)\\*\\*|__(.+?)__", // 11, 12 bold
  "\\*([^*\\n]+)\\*|(?<!\\w)_([^_\\n]+)_(?!\\w)", // 13, 14 italic
  "~~(.+?)~~", // 15 struck through
].join("|"), "gs");

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made) made[name] = value; else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function link(address, label) {
  let url = null;
  try { url = new URL(address); } catch { /* no address: shown as text */ }
  if (url === null || !["http:", "https:"].includes(url.protocol)) return document.createTextNode(label);
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, label);
}

// options: nameOf(openid) -> name; fill(text) puts a text into the box; picture: the word for one;
// image(address, label) -> node for a picture, null when there is only its address
export function markdown(text, options) {
  const box = element("div", { className: "markdown" });
  const lines = text.replaceAll("\r", "\n").split("\n");
  let open = null; // the paragraph, list or quote that the next line may continue
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at].startsWith("```")) {
      const end = lines.findIndex((line, index) => index > at && line.startsWith("```"));
      const code = lines.slice(at + 1, end < 0 ? lines.length : end).join("\n");
      box.append(element("pre", {}, element("code", {}, code)));
      at = end < 0 ? lines.length : end;
      open = null;
      continue;
    }
    open = line(box, open, lines[at], options);
  }
  return box;
}

function line(box, open, text, options) {
  const [, marks, heading, quote, bullet, number, item, rule] = BLOCK.exec(text) ?? [];
  if (rule) box.append(element("hr"));
  else if (marks) box.append(element(`h${Math.min(6, marks.length + 2)}`, {}, ...inline(heading, options)));
  else if (bullet !== undefined || number !== undefined) {
    const list = within(box, open, bullet === undefined ? "ol" : "ul");
    list.append(element("li", number ? { value: number } : {}, ...inline(bullet ?? item, options)));
    return list;
  } else if (quote !== undefined || text.trim()) {
    const block = within(box, open, quote === undefined ? "p" : "blockquote");
    if (block.hasChildNodes()) block.append(element("br"));
    block.append(...inline(quote ?? text, options));
    return block;
  }
  return null;
}

function within(box, open, tag) {
  if (open?.localName === tag) return open;
  const block = element(tag);
  box.append(block);
  return block;
}

function inline(text, options, depth = 0) {
  if (depth > DEPTH) return [text];
  const found = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) found.push(text.slice(end, match.index));
    found.push(...span(match, options, (inner) => inline(inner, options, depth + 1)));
    end = match.index + match[0].length;
  }
  found.push(text.slice(end));
  return found;
}

function span(match, options, inner) {
  const [whole, code, picture, label, address, bare, old, user, what, attributes] = match;
  const [both, bold, bolder, italic, italics, struck] = match.slice(10);
  if (code) return [element("code", {}, code)];
  const image = picture ? options.image?.(address, label.replace(SIZE, ""), [...label.matchAll(/#(\d+)px/g)].map((size) => Number(size[1]))) : null;
  if (image) return [image];
  if (address) return [link(address, picture ? `[${options.picture}] ${label.replace(SIZE, "")}` : label || address)];
  if (bare) return [link(bare, bare)];
  if (old || user) return [element("span", { className: "at" }, `@${options.nameOf(old ?? user)}`)];
  if (what === "at-everyone") return [element("span", { className: "at" }, "@all")];
  if (what) return [command(attributes, options)];
  if (both) return [element("strong", {}, element("em", {}, ...inner(both)))];
  if (bold || bolder) return [element("strong", {}, ...inner(bold ?? bolder))];
  if (italic || italics) return [element("em", {}, ...inner(italic ?? italics))];
  return struck ? [element("s", {}, ...inner(struck))] : [whole];
}

function command(attributes, options) {
  const text = attribute(attributes, "text");
  const button = element("button", { type: "button", className: "command" }, attribute(attributes, "show") || text);
  button.addEventListener("click", () => options.fill(text));
  return button;
}

function attribute(attributes, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  try { return decodeURIComponent(value); } catch { return value; }
}

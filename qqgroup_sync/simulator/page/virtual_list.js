// A list that draws only what is near the view. Rows may have any height; the end is followed.
//
// What stands above and below is blank space of the heights that were measured, or guessed. The row
// at the top edge is the anchor: after every change it is put back where it stood.

import { Component, html } from "./lib.js";

const NEAR = 48; // pixels from the end that still count as the end
const SPARE = 400; // pixels that are drawn beyond either edge
const SPARE_AT_END = 120; // the same while the end is followed: nobody scrolls

// props: items [{ key, px, ... }], revision, row(item, before) -> vnode, guess, onTop, following(bool),
// handle (gets the list as its current), and what the element gets: className, label, role, empty
export class VirtualList extends Component {
  constructor(props) {
    super(props);
    this.following = true;
    this.anchor = null; // { key, offset }: a row and where its top stands, from the top of the view
    this.range = [0, 0];
    this.drawn = []; // the items of that range, as they were then
    this.height = 600;
    this.take = (element) => { this.element = element; };
    this.takeRows = (element) => { this.rows = element; };
    this.scrolled = () => this.look();
  }

  shouldComponentUpdate() {
    return true;
  }

  componentDidMount() {
    if (this.props.handle) this.props.handle.current = this;
    this.observer = new ResizeObserver(() => this.settle());
    this.observer.observe(this.element);
    this.observer.observe(this.rows);
    this.settle();
  }

  componentWillUnmount() {
    this.observer.disconnect();
  }

  componentDidUpdate() {
    this.settle();
  }

  heightOf(item) {
    return item.px || this.props.guess;
  }

  indexOf(key) {
    const { items } = this.props;
    const near = Math.min(this.range[0], items.length - 1);
    for (let at = 0; at < items.length; at += 1) { // from where it was, in both directions
      if (items[near + at]?.key === key) return near + at;
      if (items[near - at]?.key === key) return near - at;
    }
    return -1;
  }

  reach(from, step, pixels) {
    const { items } = this.props;
    let at = from;
    for (let left = pixels; left > 0 && at >= 0 && at < items.length; at += step) left -= this.heightOf(items[at]);
    return at;
  }

  choose() {
    const { items } = this.props;
    const anchor = this.following || !this.anchor ? -1 : this.indexOf(this.anchor.key);
    if (anchor < 0) {
      this.following = true;
      return [Math.max(0, this.reach(items.length - 1, -1, this.height + SPARE_AT_END) + 1), items.length];
    }
    const start = Math.max(0, this.reach(anchor, -1, SPARE));
    return [start, Math.min(items.length, this.reach(anchor, 1, this.height + SPARE) + 1)];
  }

  space(from, to) {
    const { items } = this.props;
    let sum = 0;
    for (let at = from; at < to; at += 1) sum += this.heightOf(items[at]);
    return sum;
  }

  // Measure what was drawn and put the view where it belongs.
  settle() {
    if (!this.element) return;
    const height = this.element.clientHeight;
    if (height && Math.abs(height - this.height) > 1) {
      const grown = height > this.height;
      this.height = height;
      if (grown) this.forceUpdate();
    }
    let changed = false;
    const rows = this.rows.children;
    for (let at = 0; at < rows.length; at += 1) {
      const item = this.drawn[at];
      const px = rows[at].offsetHeight;
      if (item && px && item.px !== px) {
        item.px = px;
        changed = true;
      }
    }
    if (this.following) this.element.scrollTop = this.element.scrollHeight;
    else this.restore();
    if (changed) this.fill();
  }

  restore() {
    const row = this.anchor && this.rowOf(this.anchor.key);
    if (!row) return;
    const off = this.topOf(row) - this.anchor.offset;
    if (Math.abs(off) > 0.5) this.element.scrollTop += off;
  }

  rowOf(key) {
    return this.rows.children[this.drawn.findIndex((item) => item.key === key)] ?? null;
  }

  topOf(row) {
    return row.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
  }

  // Draw more when the blank space comes into view.
  fill() {
    const [start, end] = this.choose();
    if (start < this.range[0] || end > this.range[1]) this.forceUpdate();
  }

  look() {
    const { element } = this;
    this.following = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    const edge = element.getBoundingClientRect().top;
    const rows = this.rows.children;
    let found = null;
    for (let at = 0; at < rows.length && !found; at += 1) {
      const box = rows[at].getBoundingClientRect();
      if (box.bottom > edge && box.top < edge + this.height && this.drawn[at]) found = { key: this.drawn[at].key, offset: box.top - edge };
    }
    this.anchor = found ?? this.anchorAt(element.scrollTop);
    const top = this.rows.offsetTop - element.scrollTop;
    const bottom = top + this.rows.offsetHeight;
    const short = (top > -SPARE / 3 && this.range[0] > 0) || (bottom < this.height + SPARE / 3 && this.range[1] < this.props.items.length);
    if (short || !found) this.forceUpdate();
    if (element.scrollTop < SPARE) this.props.onTop?.();
    this.props.onFollow?.(this.following);
  }

  anchorAt(scrollTop) {
    const { items } = this.props;
    let top = 0;
    for (const item of items) {
      const px = this.heightOf(item);
      if (top + px > scrollTop) return { key: item.key, offset: top - scrollTop };
      top += px;
    }
    return null;
  }

  toEnd() {
    this.following = true;
    this.props.onFollow?.(true);
    this.forceUpdate();
  }

  // Stay where the view is, also at the end: somebody looks at a row that grows.
  hold() {
    this.look();
    this.following = false;
    this.props.onFollow?.(false);
  }

  // Bring a row into view; return whether it is there.
  show(key) {
    if (this.indexOf(key) < 0) return false;
    this.following = false;
    this.anchor = { key, offset: this.height / 3 };
    this.props.onFollow?.(false);
    this.forceUpdate();
    return true;
  }

  render({ items, row, className, label, role, empty }) {
    this.range = this.choose();
    const [start, end] = this.range;
    this.drawn = items.slice(start, end);
    const rows = this.drawn.map((item, at) => row(item, items[start + at - 1]));
    return html`
      <div class=${`virtual ${className}`} ref=${this.take} onScroll=${this.scrolled} tabindex="0" aria-label=${label}>
        ${items.length === 0 && html`<p class="empty">${empty}</p>`}
        <div style=${{ height: `${this.space(0, start)}px` }}></div>
        <ol class="rows" role=${role} ref=${this.takeRows}>${rows}</ol>
        <div style=${{ height: `${this.space(end, items.length)}px` }}></div>
      </div>`;
  }
}

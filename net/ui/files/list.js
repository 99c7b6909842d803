// The list of groups: pages of a cursor on demand, and elements for those rows only that are in sight.

import { el } from "./dom.js";
import { ago, ageSeconds, bytes, moment, short } from "./format.js";

const kAround = 8;  // rows beyond the edges
export const kPage = 200;

const kColumns = [
  { sort: "key", text: "Group" },
  { sort: "last_push", text: "Last push" },
  { sort: "last_failure", text: "Last failure", optional: true },
  { sort: "series", text: "Series", number: true },
  { sort: "bytes", text: "Size", number: true, optional: true },
];

export function labelPairs(labels) {
  const names = ["job", ...Object.keys(labels).filter((name) => name !== "job")].filter((name) => name in labels);
  return names.map((name) => el("span", { class: "pair" }, el("span", null, `${name}=`), el("b", null, labels[name])));
}

export const isStale = (group, seconds) => !group.failed && group.last_push !== null && seconds > 0 && ageSeconds(group.last_push) > seconds;

export class GroupGrid {
  // `more()` loads the next page; `open(group)`; `sort(name)`.
  constructor({ more, open, sort }) {
    this.handlers = { more, open, sort };
    this.groups = [];
    this.total = 0;
    this.active = -1;
    this.shown = new Map();  // index to element
    this.lines = el("div", { class: "lines", role: "rowgroup" });
    this.head = el("div", { class: "head", role: "row", "aria-rowindex": 1 }, kColumns.map((column) => this.headCell(column)));
    this.element = el("div", {
      class: "grid", role: "grid", tabindex: "0", "aria-label": "Groups", "aria-colcount": kColumns.length,
      onscroll: () => this.paint(), onkeydown: (event) => this.key(event),
    }, el("div", { role: "rowgroup" }, this.head), this.lines);
    new ResizeObserver(() => this.paint(true)).observe(this.element);
  }

  headCell(column) {
    return el("div", { role: "columnheader", class: `${column.number ? "number" : ""} ${column.optional ? "optional" : ""}` },
      el("button", { type: "button", "data-sort": column.sort, onclick: () => this.handlers.sort(column.sort) }, column.text));
  }

  showSort(sort, order) {
    for (const button of this.head.querySelectorAll("button")) {
      const is = button.dataset.sort === sort;
      button.parentNode.setAttribute("aria-sort", !is ? "none" : order === "asc" ? "ascending" : "descending");
      button.textContent = kColumns.find((column) => column.sort === button.dataset.sort).text + (!is ? "" : order === "asc" ? " ▲" : " ▼");
    }
  }

  // `keep`: the same list as before, where the reader is stays in sight.
  show(groups, total, staleSeconds, keep) {
    this.groups = groups;
    this.total = total;
    this.staleSeconds = staleSeconds;
    if (!keep) {
      this.element.scrollTop = 0;
      this.active = -1;
    }
    this.active = Math.min(this.active, groups.length - 1);
    this.element.setAttribute("aria-rowcount", total + 1);
    this.paint(true);
  }

  rowHeight() {
    const style = getComputedStyle(document.documentElement);
    return parseFloat(style.getPropertyValue("--row")) * parseFloat(style.fontSize);
  }

  paint(anew) {
    if (anew) {
      this.height = this.rowHeight();
      this.lines.style.height = `${this.height * this.groups.length}px`;
      for (const line of this.shown.values()) line.remove();
      this.shown.clear();
    }
    const from = Math.max(0, Math.floor(this.element.scrollTop / this.height) - kAround);
    const to = Math.min(this.groups.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.height) + kAround);
    for (const [index, line] of this.shown) {
      if (index >= from && index < to) continue;
      line.remove();
      this.shown.delete(index);
    }
    for (let index = from; index < to; ++index) {
      if (this.shown.has(index)) continue;
      const line = this.line(this.groups[index], index);
      this.shown.set(index, line);
      this.lines.append(line);
    }
    if (to + kPage / 2 > this.groups.length) this.handlers.more();
    this.markActive();
  }

  line(group, index) {
    const stale = isStale(group, this.staleSeconds);
    const mark = group.failed ? el("span", { class: "badge failed" }, "failed") : stale ? el("span", { class: "badge stale" }, "stale") : null;
    const line = el("div", {
      class: `line ${group.failed ? "failed" : stale ? "stale" : ""}`, role: "row", id: `row-${index}`, "aria-rowindex": index + 2,
      onclick: () => this.handlers.open(group),
    },
    el("div", { role: "gridcell", class: "labels", title: group.error || null }, mark, labelPairs(group.labels),
      group.failed && group.error && el("span", { class: "why" }, group.error)),
    el("div", { role: "gridcell", class: "when", title: moment(group.last_push) }, ago(group.last_push)),
    el("div", { role: "gridcell", class: "optional", title: moment(group.last_failure) }, group.last_failure === null ? "" : ago(group.last_failure)),
    el("div", { role: "gridcell", class: "number" }, short(group.series)),
    el("div", { role: "gridcell", class: "number optional" }, bytes(group.bytes)));
    line.style.top = `${index * this.height}px`;
    return line;
  }

  markActive() {
    for (const [index, line] of this.shown) {
      line.classList.toggle("active", index === this.active);
      line.setAttribute("aria-selected", index === this.active ? "true" : "false");
    }
    if (this.shown.has(this.active)) this.element.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.target !== this.element) return;
    if (event.key === "Enter" && this.groups[this.active]) {
      this.handlers.open(this.groups[this.active]);
    } else if (event.key in steps && this.groups.length) {
      this.active = Math.min(Math.max(this.active + steps[event.key], 0), this.groups.length - 1);
      const head = this.head.offsetHeight;
      const top = this.active * this.height;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      else if (top + this.height + head > this.element.scrollTop + this.element.clientHeight) {
        this.element.scrollTop = top + this.height + head - this.element.clientHeight;
      }
      this.paint();
    } else {
      return;
    }
    event.preventDefault();
  }
}

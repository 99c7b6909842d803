// The view of all groups: search, filters, the list, and deletion of what matches.

import { deleteMatching, get, wipe } from "./api.js";
import { ask, el, setText } from "./dom.js";
import { bytes, whole } from "./format.js";
import { GroupGrid, kPage } from "./list.js";

const kTypingMs = 50;
const kRefreshMsMin = 4500;  // below the pace of the figures, with which it goes
const kRefreshMsMax = 120000;

// A list costs the gateway a look at every group: the more there are, the rarer it is asked for by itself. 100,000
// groups every 30 s are some tens of milliseconds of processor time a minute.
export const paceMs = (stats) => Math.min(Math.max(stats.groups * 0.3, kRefreshMsMin), kRefreshMsMax);

// Without storage, as in a window that keeps nothing, the choice lasts as long as the page.
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Nothing to be done.
  }
}

export class GroupsView {
  // `app`: {stats(), open(hash), say(text)}.
  constructor(app) {
    this.app = app;
    this.filter = { q: "", "match[]": "", failed: "", older_than: "" };
    this.sort = "key";
    this.order = "asc";
    this.loaded = [];
    this.next = null;
    this.listedAt = -Infinity;
    this.build();
  }

  build() {
    const changed = () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.reload(), kTypingMs);
    };
    this.search = el("input", { type: "search", id: "q", placeholder: "part of a label, such as etl or zone=eu", autocomplete: "off", spellcheck: "false", oninput: changed });
    this.selector = el("input", { id: "match", class: "mono", placeholder: '{job="etl",zone!~"eu-.*"}', autocomplete: "off", spellcheck: "false", oninput: changed });
    this.failed = el("input", { type: "checkbox", id: "failed", onchange: changed });
    this.older = el("select", { id: "older", onchange: changed },
      [["", "any time"], ["15m", "15 minutes ago"], ["1h", "1 hour ago"], ["1d", "1 day ago"], ["7d", "7 days ago"]].map(([value, text]) => el("option", { value }, text)));
    this.stale = el("select", { id: "stale", onchange: () => { remember("stale", this.stale.value); this.paint(true); } },
      [["0", "never"], ["900", "15 minutes"], ["3600", "1 hour"], ["86400", "1 day"], ["604800", "7 days"]].map(([value, text]) => el("option", { value }, text)));
    this.stale.value = remembered("stale") ?? "86400";
    this.count = el("p", { role: "status" });
    this.problem = el("p", { class: "error", role: "alert", hidden: true });
    this.remove = el("button", { type: "button", class: "danger", id: "delete-matching", hidden: true, onclick: () => this.deleteAll() }, "Delete matching…");
    // Without the heads of the columns, on a phone.
    this.sorts = el("select", { id: "sort", onchange: () => this.sortBy(this.sorts.value) },
      [["key", "group"], ["last_push", "last push"], ["last_failure", "last failure"], ["series", "series"], ["bytes", "size"]].map(([value, text]) => el("option", { value }, text)));
    this.grid = new GroupGrid({
      more: () => this.more(), open: (group) => this.app.open(`group/${group.id}`), sort: (name) => this.sortBy(name),
    });
    this.element = el("section", { "aria-label": "Groups", class: "groups" },
      el("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        el("label", { class: "wide" }, "Search", this.search), el("label", { class: "wide" }, "Label matchers", this.selector),
        el("label", null, "Last push before", this.older), el("label", null, "Stale after", this.stale), el("label", { class: "only-narrow" }, "Sort by", this.sorts),
        el("label", { class: "inline" }, this.failed, "failed only")),
      this.problem, el("div", { class: "summary" }, this.count, this.remove), this.grid.element);
    this.grid.showSort(this.sort, this.order);
  }

  readFilter() {
    return {
      q: this.search.value.trim(), "match[]": this.selector.value.trim(), failed: this.failed.checked ? "true" : "", older_than: this.older.value,
    };
  }
  filtered() {
    return Object.values(this.filter).some((value) => value !== "");
  }

  focus() { this.search.focus({ preventScroll: true }); }

  showJob(job) {
    this.selector.value = `{job=${JSON.stringify(job)}}`;
    this.search.value = "";
    this.reload();
  }

  sortBy(name) {
    if (this.sort === name) this.order = this.order === "asc" ? "desc" : "asc";
    else [this.sort, this.order] = [name, name === "key" ? "asc" : "desc"];
    this.sorts.value = this.sort;
    this.grid.showSort(this.sort, this.order);
    this.reload();
  }

  parameters() {
    return { ...this.filter, sort: this.sort, order: this.order, limit: kPage };
  }

  // The first page; with `keep`, of the list that is shown already.
  async reload(keep = false) {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const began = performance.now();
    this.listedAt = began;
    if (!keep) this.filter = this.readFilter();
    try {
      const page = await get("groups", this.parameters(), signal);
      this.mutations = this.app.stats()?.mutations;
      this.loaded = page.groups;
      this.next = page.next;
      this.page = page;
      this.problem.hidden = true;
      this.paint(keep);
      performance.measure("groups", { start: began });
    } catch (error) {
      if (error.name === "AbortError") return;
      setText(this.problem, error.message);
      this.problem.hidden = false;
    }
    this.loading = false;
  }

  async more() {
    if (this.next === null || this.loading) return;
    this.loading = true;
    const { signal } = this.abort;
    try {
      const page = await get("groups", { ...this.parameters(), cursor: this.next }, signal);
      this.loaded = this.loaded.concat(page.groups);
      this.next = page.next;
      this.paint(true);
    } catch (error) {
      if (error.name !== "AbortError") this.app.say(error.message);
    } finally {
      this.loading = false;
    }
  }

  paint(keep) {
    if (!this.page) return;
    const { matched, total, matched_failed: failed, matched_series: series, matched_bytes: size } = this.page;
    const of = this.filtered() ? `${whole(matched)} of ${whole(total)} groups` : `${whole(total)} groups`;
    setText(this.count, `${of}, ${whole(failed)} failed, ${whole(series)} series, ${bytes(size)}`);
    this.remove.hidden = !this.app.stats()?.admin_api || matched === 0;
    setText(this.remove, this.filtered() ? `Delete ${whole(matched)} matching…` : "Wipe everything…");
    this.grid.show(this.loaded, matched, Number(this.stale.value), keep);
  }

  refresh(stats) {
    const due = performance.now() - this.listedAt >= paceMs(stats);
    if (!due || stats.mutations === this.mutations || this.loaded.length > kPage || this.loading) {
      if (this.page) this.remove.hidden = !stats.admin_api || this.page.matched === 0;
      return;
    }
    this.reload(true);
  }

  async deleteAll() {
    const { matched, total } = this.page;
    const count = this.filtered() ? matched : total;
    const word = this.filtered() ? String(count) : "wipe";
    const text = this.filtered()
      ? `${whole(count)} groups match now. Groups that are made or replaced meanwhile stay, and nothing is deleted when more match by then.`
      : `All ${whole(count)} groups go.`;
    if (!(await ask({ title: this.filtered() ? "Delete all matching groups?" : "Wipe everything?", text, action: "Delete", expected: word }))) return;
    try {
      if (this.filtered()) this.app.say(`${whole(await deleteMatching(this.filter, count))} groups deleted.`);
      else {
        await wipe();
        this.app.say("Everything was deleted.");
      }
    } catch (error) {
      this.app.say(error.message, true);
    }
    await this.reload();
  }
}

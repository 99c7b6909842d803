// One group: what it holds, what went wrong with it, and how to be rid of it.

import { curlDelete, curlPush, curlShow, deleteGroup, get } from "./api.js";
import { histogram } from "./charts.js";
import { ask, el, setText, table } from "./dom.js";
import { ago, bytes, moment, whole } from "./format.js";
import { labelPairs } from "./list.js";

const kPage = 500;     // metrics
const kChartsMax = 24;  // of a family on one page

const labelText = (labels, leave) => Object.entries(labels).filter(([name, value]) => leave[name] !== value && value !== "")
  .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");

function familyPart(family, groupLabels) {
  const caption = (metric) => labelText(metric.labels, groupLabels) || "(no further labels)";
  const withBuckets = family.metrics.filter((metric) => metric.buckets);
  const charts = withBuckets.slice(0, kChartsMax).map((metric) => histogram(metric, caption(metric)));
  const plain = family.metrics.filter((metric) => !metric.buckets);
  const value = (metric) => {
    if (!metric.quantiles) return metric.value;
    const quantiles = Object.entries(metric.quantiles).map(([q, v]) => `${q}: ${v}`);
    return [`count ${metric.count}`, `sum ${metric.sum}`, ...quantiles].join(", ");
  };
  const to = family.first + family.metrics.length;
  const part = family.first > 0 || to < family.series ? ` (${whole(family.first + 1)} to ${whole(to)} shown)` : "";
  return el("section", { class: "family", "aria-label": family.name },
    el("h3", { class: "mono" }, family.name, el("span", { class: "badge kind" }, family.type.toLowerCase().replace("_", " ")),
      el("span", { class: "size" }, `${whole(family.series)} series${part}, pushed ${ago(family.time_stamp)}`)),
    family.help && el("p", null, family.help),
    charts.length > 0 && el("div", { class: "charts" }, charts),
    withBuckets.length > kChartsMax && el("p", { class: "quiet" }, `and ${whole(withBuckets.length - kChartsMax)} more histograms`),
    plain.length > 0 && table(`Metrics of ${family.name}`, ["Labels", { text: "Value", number: true }], plain.map((metric) => [caption(metric), value(metric)])));
}

export class DetailView {
  constructor(app) {
    this.app = app;
    this.element = el("section", { "aria-label": "Group" });
  }

  // `again`: what is shown stays until there is something newer, and where more has been loaded.
  async show(id, again = false) {
    if (again && this.paged) return;
    this.id = id;
    this.paged = false;
    if (!again) this.element.replaceChildren(el("p", { class: "quiet" }, "Loading…"));
    try {
      const group = await get(`groups/${encodeURIComponent(id)}`, { limit: kPage });
      if (this.id !== id) return;
      this.element.replaceChildren(...this.parts(group));
    } catch (error) {
      this.element.replaceChildren(el("p", { class: "error", role: "alert" }, error.message), el("p", null, el("a", { href: "#groups" }, "All groups")));
    }
  }

  parts(group) {
    this.group = group;
    const copy = (text, what) => el("button", { type: "button", onclick: () => this.copy(text) }, what);
    const facts = [
      ["Last push", `${moment(group.last_push)} (${ago(group.last_push)})`],
      group.last_failure !== null && ["Last failure", `${moment(group.last_failure)} (${ago(group.last_failure)})`],
      group.client !== undefined && ["Client of the failed push", group.client],
      group.content_type && ["Content type of the failed push", group.content_type],
      ["Size", `${whole(group.family_count)} families, ${whole(group.series)} series, ${whole(group.samples)} samples, ${bytes(group.bytes)}`],
      ["Id", group.id],
    ].filter(Boolean);
    this.families = el("div");
    this.more = el("button", { type: "button", onclick: () => this.loadMore() }, "More metrics");
    this.copied = el("span", { role: "status", class: "quiet" });
    this.addFamilies(group);
    return [
      el("p", null, el("a", { href: "#groups" }, "All groups")),
      el("h2", null, group.failed && el("span", { class: "badge failed" }, "failed"), labelPairs(group.labels)),
      group.error !== undefined && el("p", { class: "error" }, group.error),
      el("dl", null, facts.map(([name, value]) => [el("dt", null, name), el("dd", null, value)])),
      el("div", { class: "buttons" },
        copy(curlShow(group.id), "Copy as curl"), copy(curlPush(group.labels), "Copy a push as curl"), copy(curlDelete(group.labels), "Copy deletion as curl"),
        el("button", { type: "button", class: "danger", id: "delete-group", onclick: () => this.remove() }, "Delete group…"), this.copied),
      this.families, this.more,
    ].filter(Boolean);
  }

  addFamilies(group) {
    this.families.append(...group.families.map((family) => familyPart(family, this.group.labels)));
    this.next = group.next;
    this.more.hidden = this.next === null;
  }

  async loadMore() {
    this.paged = true;
    try {
      this.addFamilies(await get(`groups/${this.group.id}`, { limit: kPage, cursor: this.next }));
    } catch (error) {
      this.app.say(error.message, true);
    }
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      setText(this.copied, "Copied.");
    } catch {
      // Without HTTPS there is no clipboard: the text is shown, to be taken by hand.
      this.copied.replaceChildren(el("code", null, text));
    }
  }

  async remove() {
    if (!(await ask({ title: "Delete this group?", text: Object.entries(this.group.labels).map(([n, v]) => `${n}="${v}"`).join(", "), action: "Delete" }))) return;
    try {
      await deleteGroup(this.group.labels);
      this.app.say("The group was deleted.");
      this.app.open("groups");
    } catch (error) {
      this.app.say(error.message, true);
    }
  }
}

// What is not about single groups: figures with their last minutes, jobs, refused pushes, the status.

import { base, get } from "./api.js";
import { sparkline } from "./charts.js";
import { el, setText, table } from "./dom.js";
import { ago, bytes, moment, short, whole } from "./format.js";
import { labelPairs } from "./list.js";

const last = (values) => (values.length ? values[values.length - 1] : 0);

export class Tiles {
  constructor() {
    this.tiles = [
      { name: "Groups", value: (s) => whole(s.groups), line: "groups" },
      { name: "Series", value: (s) => whole(s.series), line: "series" },
      { name: "Pushes", value: (s) => `${short(last(s.history.pushes_per_second))}/s`, line: "pushes_per_second" },
      { name: "Refused pushes", value: (s) => `${short(last(s.history.rejects_per_second))}/s`, line: "rejects_per_second", bad: true },
      { name: "Scrapes", value: (s) => `${short(last(s.history.scrapes_per_second) * 60)}/min`, line: "scrapes_per_second" },
      { name: "Pushed", value: (s) => `${bytes(last(s.history.push_bytes_per_second))}/s`, line: "push_bytes_per_second" },
      { name: "Scraped", value: (s) => `${bytes(last(s.history.scrape_bytes_per_second))}/s`, line: "scrape_bytes_per_second" },
    ].map((tile) => ({ ...tile, text: el("div", { class: "value" }), chart: el("div", { class: "chart-of" }) }));
    this.element = el("ul", { class: "tiles", "aria-label": "Figures of the gateway, with their last ten minutes" },
      this.tiles.map((tile) => el("li", null, el("div", { class: "name" }, tile.name), tile.text, tile.chart)));
  }
  show(stats) {
    for (const tile of this.tiles) {
      setText(tile.text, tile.value(stats));
      tile.chart.replaceChildren(sparkline(stats.history[tile.line], tile.bad));
    }
  }
}

class TableView {
  constructor(label) {
    this.body = el("div");
    this.element = el("section", { "aria-label": label }, el("h2", null, label), this.body);
  }
  async show() {
    try {
      this.body.replaceChildren(...await this.load());
    } catch (error) {
      this.body.replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
    }
  }
}

export class JobsView extends TableView {
  constructor(app) {
    super("Jobs");
    this.app = app;
  }
  async load() {
    const { jobs, next } = await get("jobs", {});
    const link = (job) => el("a", { href: "#groups", onclick: () => this.app.showJob(job) }, job);
    const rows = jobs.map((job) => [
      link(job.job), whole(job.groups), job.failed ? el("span", { class: "badge failed" }, `${whole(job.failed)} failed`) : "0",
      whole(job.series), bytes(job.bytes), ago(job.last_push), ago(job.oldest_push),
    ]);
    const heads = ["Job", { text: "Groups", number: true }, { text: "Failed", number: true }, { text: "Series", number: true }, { text: "Size", number: true }, "Last push", "Oldest push"];
    return [table(`${whole(jobs.length)} jobs`, heads, rows), next !== null && el("p", { class: "quiet" }, "There are more; the API has them all.")].filter(Boolean);
  }
}

export class RejectsView extends TableView {
  constructor() {
    super("Refused pushes");
  }
  async load() {
    const { errors } = await get("errors", {});
    if (!errors.length) return [el("p", null, "None since the gateway was started.")];
    const rows = errors.map((one) => [
      el("span", { title: moment(one.time) }, ago(one.time)), `${one.method} ${one.code}`, one.labels ? labelPairs(one.labels) : one.path,
      one.reason, whole(one.count), one.client,
    ]);
    return [table("The last ones; equal ones are counted together", ["When", "Answer", "Group", "Reason", { text: "Times", number: true }, "Last client"], rows)];
  }
}

const kStats = [
  ["Version", (s) => `${s.version} ${s.revision}`], ["Started", (s) => `${moment(s.start_time)} (${ago(s.start_time)})`],
  ["Backend", (s) => s.backend], ["Kernel of the parser", (s) => s.kernel], ["Workers", (s) => s.workers],
  ["Memory", (s) => `${bytes(s.resident_bytes)} resident, ${bytes(s.store_bytes)} of it groups`], ["Processor time", (s) => `${s.cpu_seconds} s`],
  ["Open files", (s) => s.open_fds], ["Since the start", (s) => `${whole(s.pushes)} pushes, ${whole(s.rejects)} refused, ${whole(s.deletes)} deletions, ${whole(s.scrapes)} scrapes`],
  ["Consistency check", (s) => (s.consistency_check ? "on" : "off")],
  ["Durability", (s) => (!s.durability.enabled ? "none: groups are in memory only" : s.durability.refuses ? "changes are refused: the log cannot be written" : s.durability.ready ? "on" : "recovering")],
];

export class StatusView extends TableView {
  constructor(app) {
    super("Status");
    this.element.className = "status";
    this.app = app;
  }
  async load() {
    const status = await get("status", {});
    const stats = this.app.stats() ?? await get("stats", {});
    const pairs = (object) => Object.entries(object).map(([name, value]) => [name, String(value)]);
    return [
      el("dl", null, kStats.map(([name, value]) => [el("dt", null, name), el("dd", null, String(value(stats)))])),
      stats.durability.metrics && table("Durability", ["Metric", { text: "Value", number: true }], pairs(stats.durability.metrics)),
      table("Build", ["Fact", "Value"], pairs(status.build_information).filter(([, value]) => value !== "")),
      table("Flags", ["Flag", "Value"], pairs(status.flags)),
      table("Limits", ["Limit", { text: "Value", number: true }], Object.entries(stats.limits).map(([name, value]) => [name.replaceAll("_", " "), whole(value)])),
    ].filter(Boolean);
  }
}

export class HelpView {
  constructor() {
    const url = new URL(".", base).href.replace(/\/$/, "");
    const host = base.host;
    const bare = base.pathname === "/" && base.protocol === "http:";  // what Python's library makes of a name
    const path = base.pathname === "/" ? "" : `\n    metrics_path: ${base.pathname}metrics`;
    const scheme = base.protocol === "https:" ? "\n    scheme: https" : "";
    const part = (title, text) => [el("h3", null, title), el("pre", { tabindex: "0" }, text)];
    this.element = el("section", { "aria-label": "Help" },
      el("h2", null, "Pushing to this gateway"),
      el("p", null, "A group is all metrics that were pushed with the same job and labels. PUT replaces a group, POST those families that it brings, DELETE removes it."),
      part("curl", `cat <<'END' | curl --data-binary @- ${url}/metrics/job/my_batch/instance/host-1\n# TYPE my_batch_duration_seconds gauge\n# HELP my_batch_duration_seconds How long the last run took.\nmy_batch_duration_seconds 42.5\nEND\n\ncurl -X DELETE ${url}/metrics/job/my_batch/instance/host-1`),
      part("Python", `from prometheus_client import CollectorRegistry, Gauge, push_to_gateway\n\nregistry = CollectorRegistry()\nGauge("my_batch_duration_seconds", "How long the last run took.", registry=registry).set(42.5)\npush_to_gateway("${bare ? host : url}", job="my_batch", grouping_key={"instance": "host-1"}, registry=registry)`),
      part("Go", `duration := prometheus.NewGauge(prometheus.GaugeOpts{\n\tName: "my_batch_duration_seconds", Help: "How long the last run took."})\nduration.Set(42.5)\nerr := push.New("${url}", "my_batch").Collector(duration).Grouping("instance", "host-1").Push()`),
      part("Node", `const client = require("prom-client");\n\nconst registry = new client.Registry();\nnew client.Gauge({ name: "my_batch_duration_seconds", help: "How long the last run took.", registers: [registry] }).set(42.5);\nawait new client.Pushgateway("${url}", {}, registry).push({ jobName: "my_batch", groupings: { instance: "host-1" } });`),
      part("Prometheus", `scrape_configs:\n  - job_name: pushgateway\n    honor_labels: true${scheme}${path}\n    static_configs:\n      - targets: ["${host}"]`),
      el("h3", null, "The API"),
      el("ul", null, [["api/v1/groups", "groups, searched and sorted"], ["api/v1/jobs", "totals of jobs"], ["api/v1/stats", "figures and their last minutes"],
        ["api/v1/errors", "refused pushes"], ["api/v1/openapi.json", "the description of these"], ["api/v1/metrics", "everything, as the Pushgateway has it"]]
        .map(([to, what]) => el("li", null, el("a", { href: new URL(to, base).href }, to), `: ${what}`))));
  }
  show() {}
}

// What the parts of the test share: a browser, checks that become lines of JSON, and short words for what they look at.
// tests/e2e/page.py reads the lines: {check, ok, detail}, {measured, value}, {failed, complaints}.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

// {plain, prefixed, outer, large: URLs; groups, browser, modules, shots, seconds}
export const options = JSON.parse(process.argv[2]);
const { chromium } = await import(join(options.modules, "playwright-core", "index.mjs"));
const axe = readFileSync(join(options.modules, "axe-core", "axe.min.js"), "utf8");

export const complaints = [];  // errors in the console, requests to elsewhere
export const print = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
export const check = (what, ok, detail = "") => print({ check: what, ok: Boolean(ok), detail: String(detail) });
export const equal = (what, got, wanted) =>
  check(what, JSON.stringify(got) === JSON.stringify(wanted), `got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);

// Whatever hangs ends here, with what was found until then.
setTimeout(() => {
  print({ failed: "the run took too long", complaints });
  process.exit(1);
}, options.seconds * 1000).unref();

export const push = (base, path, body, method = "PUT") => fetch(`${base}metrics/${path}`, { method, body }).then((answer) => answer.status);
export const groups = async (base, query = "") => (await (await fetch(`${base}api/v1/groups?${query}`)).json()).data;

export const browser = await chromium.launch({ executablePath: options.browser, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });

// A tab of its own. With `clock` the test moves its timers on; `before(page)` comes before the page is loaded.
export async function open(base, { clock, before, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...more });
  context.setDefaultTimeout(120000);  // a busy machine
  const page = await context.newPage();
  if (clock) await page.clock.install();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // What the test itself provokes is no complaint: answers other than 200.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base.replace(/status$/, ""))) complaints.push(`asked for ${request.url()}`);
  });
  await before?.(page);
  await page.goto(base);
  return page;
}

export const waitForSummary = (page, start) => page.waitForFunction(
  (text) => document.querySelector(".groups .summary p")?.textContent.startsWith(text), start);

export async function show(page, view) {
  await page.click(`nav a[href="#${view}"]`, { noWaitAfter: true });
  await page.waitForSelector({ groups: ".line", help: "pre" }[view] ?? "tbody tr");
}

export const shot = (page, name) => page.screenshot({ path: join(options.shots, `page-${name}.png`) });

export async function axeProblems(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

// 40 groups of two jobs with a counter and a histogram; the push of one of them has failed since.
export async function fill(base) {
  const buckets = [[0.05, 3], [0.1, 9], [0.25, 40], [0.5, 71], [1, 80], ["+Inf", 82]].map(([le, n]) => `run_seconds_bucket{le="${le}"} ${n}\n`).join("");
  for (let i = 0; i < 40; ++i) {
    const body = `# HELP rows_total Rows that were read.\n# TYPE rows_total counter\nrows_total{table="orders"} ${1000 + i}\nrows_total{table="users"} ${i}\n` +
      `# HELP run_seconds How long a run took.\n# TYPE run_seconds histogram\n${buckets}run_seconds_sum 21.5\nrun_seconds_count 82\n`;
    await push(base, `job/${i % 4 ? "etl" : "backup"}/instance/host-${String(i).padStart(2, "0")}/zone/${i % 2 ? "eu-1" : "us-1"}`, body);
  }
  await push(base, "job/etl/instance/host-05/zone/eu-1", "rows_total 1 1\n", "POST");
}

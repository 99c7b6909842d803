// Drives a browser through the page of running gateways and prints one JSON object a line: {check, ok, detail},
// {measured, value} or {failed}. tests/e2e/page.py starts the gateways and reads the lines.
//
//   node browse.mjs '{"plain": URL, "prefixed": URL, "large": URL, "groups": N, "browser": PATH, "modules": FOLDER, "shots": FOLDER}'

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const options = JSON.parse(process.argv[2]);
const { chromium } = await import(join(options.modules, "playwright-core", "index.mjs"));
const axe = readFileSync(join(options.modules, "axe-core", "axe.min.js"), "utf8");

const complaints = [];
const print = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const check = (what, ok, detail = "") => print({ check: what, ok: Boolean(ok), detail: String(detail) });
const equal = (what, got, wanted) => check(what, JSON.stringify(got) === JSON.stringify(wanted), `got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);

const push = (base, path, body, method = "PUT") => fetch(`${base}metrics/${path}`, { method, body }).then((answer) => answer.status);
const groups = async (base, query = "") => (await (await fetch(`${base}api/v1/groups?${query}`)).json()).data;

// Whatever hangs ends here, with what was found until then.
setTimeout(() => {
  print({ failed: "the run took too long", complaints });
  process.exit(1);
}, options.seconds * 1000).unref();

const browser = await chromium.launch({ executablePath: options.browser, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });

async function open(base, more = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...more });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // What the test itself provokes is no complaint: answers other than 200.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(base).origin)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(base);
  return page;
}

const summary = (page) => page.locator(".groups .summary p").textContent();
const waitForSummary = (page, start) => page.waitForFunction(
  (text) => document.querySelector(".groups .summary p")?.textContent.startsWith(text), start);

async function axeProblems(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

const kHostile = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>";

async function fill(base) {
  const buckets = [[0.05, 3], [0.1, 9], [0.25, 40], [0.5, 71], [1, 80], ["+Inf", 82]].map(([le, n]) => `run_seconds_bucket{le="${le}"} ${n}\n`).join("");
  for (let i = 0; i < 40; ++i) {
    const body = `# HELP rows_total Rows that were read.\n# TYPE rows_total counter\nrows_total{table="orders"} ${1000 + i}\nrows_total{table="users"} ${i}\n` +
      `# HELP run_seconds How long a run took.\n# TYPE run_seconds histogram\n${buckets}run_seconds_sum 21.5\nrun_seconds_count 82\n`;
    await push(base, `job/${i % 4 ? "etl" : "backup"}/instance/host-${String(i).padStart(2, "0")}/zone/${i % 2 ? "eu-1" : "us-1"}`, body);
  }
  await push(base, "job/etl/instance/host-05/zone/eu-1", "rows_total 1 1\n", "POST");
}

async function testGroups(base) {
  const page = await open(base);
  await waitForSummary(page, "40 groups, 1 failed");
  equal("the failed one is marked", await page.locator(".line.failed").count(), 1);
  check("its error is shown", (await page.locator(".line.failed").textContent()).includes("must not have timestamps"));
  await page.screenshot({ path: join(options.shots, "page-groups.png") });
  await page.fill("#q", "BACK");
  await waitForSummary(page, "10 of 40 groups");
  equal("rows of a search", await page.locator(".line").count(), 10);
  await page.fill("#q", "");
  await page.fill("#match", '{zone="eu-1",instance=~"host-0.*"}');
  await waitForSummary(page, "5 of 40 groups");
  await page.fill("#match", "{zone=");
  await page.waitForSelector(".groups .error:not([hidden])");
  check("a wrong selector says why", (await page.locator(".groups .error").textContent()).includes("a value wants quotes"));
  await page.fill("#match", "");
  await page.check("#failed");
  await waitForSummary(page, "1 of 40 groups, 1 failed");
  await page.uncheck("#failed");
  await waitForSummary(page, "40 groups");
  // Sorted by a click on a head; aria-sort says so.
  await page.click('button[data-sort="series"]');
  await page.waitForSelector('[aria-sort="descending"]');
  await page.click('button[data-sort="key"]');
  await page.waitForSelector('[aria-sort="ascending"]');
  // By keyboard alone: a slash leads to the search, the arrows through the list, Enter into a group.
  await page.locator("main").focus();
  await page.keyboard.press("/");
  equal("the slash", await page.evaluate(() => document.activeElement.id), "q");
  await page.locator(".grid").focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press("ArrowDown");
  equal("the active row", await page.locator(".grid").getAttribute("aria-activedescendant"), "row-2");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".family");
  check("Enter opens it", (await page.locator("h2").textContent()).includes("instance=host-08"), await page.locator("h2").textContent());
  equal("its histogram is drawn", await page.locator(".chart rect").count(), 6);
  check("and described", (await page.locator(".chart").getAttribute("aria-label")).includes("count 82, sum 21.5"));
  await page.screenshot({ path: join(options.shots, "page-group.png") });
  await page.context().close();
}

async function testHostile(base) {
  const label = Buffer.from(kHostile).toString("base64url");
  await push(base, `job@base64/${label}/zone@base64/${label}`,
    `# HELP hostile ${kHostile.replaceAll("\\", "\\\\")}\n# TYPE hostile gauge\nhostile{x="${kHostile.replaceAll('"', '\\"')}"} 1\n`);
  await push(base, `job@base64/${label}`, `broken ${kHostile}\n`);
  const page = await open(base);
  await page.fill("#q", "onerror");
  await waitForSummary(page, "1 of 41 groups");
  check("the row shows it as text", (await page.locator(".line").textContent()).includes(kHostile));
  await page.click(".line");
  await page.waitForSelector(".family");
  check("the family shows it as text", (await page.locator(".family").textContent()).includes(kHostile));
  await page.goto(`${base}#rejects`);
  await page.waitForSelector("tbody tr");
  check("so do refused pushes", (await page.locator("tbody").textContent()).includes(kHostile));
  await page.goto(`${base}#jobs`);
  await page.waitForSelector("tbody tr");
  check("and jobs", (await page.locator("tbody").textContent()).includes(kHostile));
  await page.click(`tbody a >> text=onerror`);
  await waitForSummary(page, "1 of 41 groups");
  equal("nothing ran", await page.evaluate(() => [window.hacked === undefined, document.images.length, document.scripts.length]), [true, 0, 1]);
  // What is copied for a shell deletes exactly this group.
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click(".line");
  await page.click("text=Copy deletion as curl");
  await page.waitForSelector("text=Copied.");
  const command = await page.evaluate(() => navigator.clipboard.readText());
  execFileSync("sh", ["-c", command]);
  equal(`deleted by ${command}`, [(await groups(base, "q=onerror")).matched, (await groups(base)).total], [0, 40]);
  await page.context().close();
}

async function testNative(base) {
  const page = await open(base);
  await page.fill("#q", "native");
  await waitForSummary(page, "1 of ");
  await page.click(".line");
  await page.waitForSelector(".family");
  check("native histograms are drawn", await page.locator('svg[aria-label^="Native histogram"]').count() > 0);
  await page.context().close();
}

async function testChanges(base) {
  const page = await open(base);
  await waitForSummary(page, "40 groups");
  // Pushes and their failures appear without a reload.
  await push(base, "job/zzz-new", "x 1 1\n");
  await waitForSummary(page, "41 groups, 2 failed");
  await page.goto(`${base}#rejects`);
  await page.waitForSelector("tbody tr");
  await push(base, "job/later", "what is this\n");
  await page.waitForSelector('tbody tr:has-text("later")');
  check("a refused push appears with its reason", (await page.locator('tbody tr:has-text("later")').textContent()).includes("parsing error"));
  // One group.
  await page.goto(`${base}#groups`);
  await page.fill("#q", "zzz-new");
  await waitForSummary(page, "1 of 41");
  await page.click(".line");
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Cancel')");
  equal("cancelled", (await groups(base, "q=zzz")).matched, 1);
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Delete')");
  await page.waitForSelector("text=The group was deleted.");
  equal("one group is deleted", [(await groups(base, "q=zzz")).matched, (await groups(base)).total], [0, 40]);
  // What matches: only with the number typed.
  await page.fill("#q", "backup");
  await waitForSummary(page, "10 of 40");
  await page.click("#delete-matching");
  await page.fill("dialog input", "11");
  check("another number deletes nothing", await page.locator("dialog button.danger").isDisabled());
  await page.fill("dialog input", "10");
  await page.click("dialog button.danger");
  await page.waitForSelector("text=10 groups deleted.");
  equal("what matched is deleted", [(await groups(base, "q=backup")).matched, (await groups(base)).total], [0, 30]);
  await page.fill("#q", "");
  await waitForSummary(page, "30 groups");
  await page.click("#delete-matching");
  await page.fill("dialog input", "wipe");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=Everything was deleted.");
  await waitForSummary(page, "0 groups");
  equal("everything is deleted", (await groups(base)).total, 0);
  await page.context().close();
}

async function testLooks(base) {
  for (const scheme of ["light", "dark"]) {
    const page = await open(base, { colorScheme: scheme });
    await waitForSummary(page, "40 groups");
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    equal(`ground, ${scheme}`, ground, scheme === "dark" ? "rgb(18, 24, 30)" : "rgb(255, 255, 255)");
    equal(`axe, groups, ${scheme}`, await axeProblems(page), []);
    if (scheme === "dark") await page.screenshot({ path: join(options.shots, "page-groups-dark.png") });
    await page.click(".line.failed");
    await page.waitForSelector(".family");
    equal(`axe, a group, ${scheme}`, await axeProblems(page), []);
    await page.click("#delete-group");
    equal(`axe, a dialog, ${scheme}`, await axeProblems(page), []);
    await page.keyboard.press("Escape");
    for (const view of ["jobs", "rejects", "status", "help"]) {
      await page.goto(`${base}#${view}`);
      await page.waitForSelector(view === "help" ? "pre" : "tbody tr");
      equal(`axe, ${view}, ${scheme}`, await axeProblems(page), []);
      if (scheme === "light") await page.screenshot({ path: join(options.shots, `page-${view}.png`) });
    }
    check("help names this host", (await page.locator("pre").first().textContent().catch(() => "")).includes(new URL(base).host));
    await page.context().close();
  }
  const page = await open(base, { viewport: { width: 360, height: 720 } });
  await waitForSummary(page, "40 groups");
  for (const view of ["groups", "jobs", "rejects", "status", "help"]) {
    await page.goto(`${base}#${view}`);
    await page.waitForSelector(view === "help" ? "pre" : view === "groups" ? ".line" : "tbody tr");
    const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector("main").scrollWidth, document.querySelector("main").clientWidth]);
    check(`${view} fits a phone`, wide[0] <= 360 && wide[1] <= wide[2], wide);
  }
  await page.goto(`${base}#groups`);
  await page.waitForSelector(".line");
  await page.screenshot({ path: join(options.shots, "page-narrow.png") });
  equal("axe, narrow", await axeProblems(page), []);
  await page.context().close();
  const plain = await open(base, { javaScriptEnabled: false });
  const text = await plain.locator("noscript").textContent();
  check("without JavaScript it shows counts", text.includes("with 40 groups and ") && text.includes("/api/v1/groups"), text);
  await plain.context().close();
}

async function testHidden(base) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.clock.install();
  let asked = 0;
  page.on("request", (request) => { asked += request.url().includes("/api/") ? 1 : 0; });
  await page.goto(base);
  await waitForSummary(page, "40 groups");
  const hide = (hidden) => page.evaluate((is) => {
    Object.defineProperty(document, "hidden", { value: is, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  for (let i = 0; i < 3; ++i) {
    await Promise.all([page.waitForResponse((answer) => answer.url().includes("/api/v1/stats")), page.clock.runFor(6000)]);
  }
  await hide(true);
  await page.waitForLoadState("networkidle");
  const before = asked;
  await page.clock.runFor(600000);
  equal("a hidden tab asks for nothing", asked - before, 0);
  await Promise.all([page.waitForRequest((request) => request.url().includes("/api/v1/stats")), hide(false)]);
  await context.close();
}

async function testPrefix(base) {
  await push(base, "job/a/x/1", "m 1\n");
  await push(base, "job/b", "m 1\n");
  for (const path of [base, `${base}status`]) {
    const page = await open(path);
    await waitForSummary(page, "2 groups");
    check("no deletion of many without the admin API", await page.locator("#delete-matching").isHidden());
    await page.context().close();
  }
  const page = await open(base);
  await waitForSummary(page, "2 groups");
  await page.click(".line >> nth=0");
  await page.waitForSelector(".family");
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Delete')");
  await page.waitForSelector("text=The group was deleted.");
  equal("deleted below the prefix", (await groups(base)).groups.map((group) => group.labels.job), ["b"]);
  await page.goto(`${base}#help`);
  check("help names the prefix", (await page.locator("pre").first().textContent()).includes(`${base}metrics/job/`));
  await page.context().close();
}

// From the event of a key to the rows of its answer being painted.
async function testLarge(base, count) {
  const page = await open(base);
  await waitForSummary(page, count.toLocaleString("en-US"));
  check("rows in the document", await page.locator(".line").count() < 100);
  const height = await page.evaluate(() => document.querySelector(".grid .lines").offsetHeight);
  await page.evaluate(() => { const grid = document.querySelector(".grid"); grid.scrollTop = grid.scrollHeight; });
  await page.waitForFunction((was) => document.querySelector(".grid .lines").offsetHeight > was, height);
  check("rows in the document further down", await page.locator(".line").count() < 100);
  const times = [];
  for (let i = 0; i < 9; ++i) {
    const text = `n=${count - 2 - i * 7}`;
    times.push(await page.evaluate((typed) => new Promise((resolve) => {
      const field = document.querySelector("#q");
      const began = performance.now();
      field.value = typed;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      const look = () => {
        const lines = [...document.querySelectorAll(".line")];
        if (lines.length > 0 && lines.length < 12 && lines.every((line) => line.textContent.includes(typed))) {
          requestAnimationFrame(() => resolve(performance.now() - began));
        } else {
          requestAnimationFrame(look);
        }
      };
      look();
    }), text));
  }
  times.sort((a, b) => a - b);
  print({ measured: `search among ${count} groups, ms from the key to the painted rows: median, worst of ${times.length}`, value: [times[4], times[8]].map(Math.round) });
  await page.context().close();
}

try {
  await fill(options.plain);
  await testGroups(options.plain);
  await testLooks(options.plain);
  await testHidden(options.plain);
  await testHostile(options.plain);
  await testNative(options.large);
  await testChanges(options.plain);
  await testPrefix(options.prefixed);
  await testLarge(options.large, options.groups);
  equal("errors in the console, requests to elsewhere", complaints, []);
} catch (error) {
  print({ failed: `${error.stack}`, complaints });
}
await browser.close();

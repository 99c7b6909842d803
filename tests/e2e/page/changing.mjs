// What comes, fails and goes: hostile texts, pushes that fail meanwhile, deletion, wipe, prefixes, many groups.

import { execFileSync } from "node:child_process";
import { createServer, request as ask } from "node:http";
import { check, equal, groups, open, print, push, show, waitForSummary } from "./browser.mjs";

const kHostile = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>";

export async function testHostile(base) {
  const label = Buffer.from(kHostile).toString("base64url");
  await push(base, `job@base64/${label}/zone@base64/${label}`,
    `# HELP hostile ${kHostile.replaceAll("\\", "\\\\")}\n# TYPE hostile gauge\nhostile{x="${kHostile.replaceAll('"', '\\"')}"} 1\n`);
  await push(base, `job@base64/${label}`, `broken ${kHostile}\n`);
  // Names: of a metric, a label and a grouping label.
  const quoted = `"${kHostile.replaceAll('"', '\\"')}"`;
  await push(base, `job@base64/${label}/U___3c_named_3e_/1`, `{${quoted},${quoted}="1"} 1\n`);
  const page = await open(base);
  await page.fill("#q", "onerror");
  await waitForSummary(page, "2 of 42 groups");
  check("the row shows it as text", (await page.locator(".line >> nth=0").textContent()).includes(kHostile));
  await page.click(".line:has-text('named')");
  await page.waitForSelector(".family");
  const named = await page.locator(".family").textContent();
  check("names are text", named.split(kHostile).length === 4, named);
  await show(page, "groups");
  await page.click(".line:has-text('zone')");
  await page.waitForSelector(".family");
  const family = await page.locator(".family").textContent();
  check("help and values are text", family.includes(kHostile) && family.includes(JSON.stringify(kHostile)), family);
  await show(page, "rejects");
  check("so do refused pushes", (await page.locator("tbody").textContent()).includes(kHostile));
  await show(page, "jobs");
  check("and jobs", (await page.locator("tbody").textContent()).includes(kHostile));
  await page.click("tbody a >> text=onerror");
  await waitForSummary(page, "2 of 42 groups");
  equal("nothing ran, nothing was made of it", await page.evaluate(() => [window.hacked === undefined, document.querySelectorAll("main img").length, document.scripts.length]), [true, 0, 1]);
  // What is copied for a shell deletes exactly this group.
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  for (const [group, left] of [["named", 1], ["zone", 0]]) {
    await show(page, "groups");
    await page.click(`.line:has-text('${group}')`);
    await page.click("text=Copy deletion as curl");
    await page.waitForSelector("text=Copied.");
    const command = await page.evaluate(() => navigator.clipboard.readText());
    execFileSync("sh", ["-c", command], { stdio: "ignore" });
    equal(`deleted by ${command}`, (await groups(base, "q=onerror")).matched, left);
  }
  equal("and nothing else", (await groups(base)).total, 40);
  await page.context().close();
}

// What help shows works as it stands.
export async function testHelp(base) {
  const page = await open(base);
  await show(page, "help");
  const [curl, python, go, node] = await page.locator("pre").allTextContents();
  const { host } = new URL(base);
  check("the examples name this host", [curl, go, node].every((text) => text.includes(`http://${host}`)) && python.includes(`"${host}"`), python);
  const [pushed, deleted] = curl.split("\n\n");
  execFileSync("sh", ["-c", pushed], { stdio: "ignore" });
  equal("the example pushes", (await groups(base, "q=my_batch")).matched, 1);
  await show(page, "groups");
  await page.fill("#q", "my_batch");
  await waitForSummary(page, "1 of 41");
  await page.click(".line");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("text=Copy as curl");
  await page.waitForSelector("text=Copied.");
  const shown = JSON.parse(execFileSync("sh", ["-c", await page.evaluate(() => navigator.clipboard.readText())], { stdio: ["ignore", "pipe", "ignore"] }));
  equal("copied as curl, a group is shown", shown.data.labels, { instance: "host-1", job: "my_batch" });
  execFileSync("sh", ["-c", deleted], { stdio: "ignore" });
  equal("and deletes", (await groups(base)).total, 40);
  await page.context().close();
}

export async function testChanges(base) {
  const page = await open(base, { clock: true });
  const later = async (wanted) => {
    for (let i = 0; i < 20 && !(await wanted()); ++i) {
      await page.clock.runFor(6000);
      await page.waitForLoadState("networkidle");
    }
    return wanted();
  };
  await waitForSummary(page, "40 groups");
  // Pushes and their failures appear without a reload.
  await push(base, "job/zzz-new", "x 1 1\n");
  check("a failing push appears", await later(async () => (await page.locator(".groups .summary p").textContent()).startsWith("41 groups, 2 failed")));
  await show(page, "rejects");
  await push(base, "job/later", "what is this\n");
  const row = page.locator('tbody tr:has-text("later")');
  check("a refused push appears with its reason", await later(async () => await row.count() === 1 && (await row.textContent()).includes("parsing error")));
  // So do totals of jobs, and what a group holds.
  await show(page, "jobs");
  await push(base, "job/later/n/1", "x 1\n");
  await push(base, "job/later/n/2", "x 1\n");
  const total = page.locator('tbody tr:has-text("later")');
  check("a job's total goes up", await later(async () => await total.count() === 1 && /later\s+2\s/.test(await total.innerText())));
  await show(page, "groups");
  await page.fill("#q", "job=later");
  await page.clock.runFor(100);
  await waitForSummary(page, "2 of 43");
  await page.click(".line >> nth=0");
  await page.waitForSelector(".family");
  await push(base, "job/later/n/1", "x 4711\n");
  check("a group's values change", await later(async () => (await page.locator("main").innerText()).includes("4711")));
  // One group. The list is there again while there is something in it.
  await show(page, "groups");
  for (const number of [1, 2]) await fetch(`${base}metrics/job/later/n/${number}`, { method: "DELETE" });
  await page.fill("#q", "zzz-new");
  await page.clock.runFor(100);
  await waitForSummary(page, "1 of 41");
  await page.click(".line");
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Cancel')");
  equal("cancelled", (await groups(base, "q=zzz")).matched, 1);
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Delete')");
  await page.waitForSelector("text=The group was deleted.");
  equal("one group is deleted", [(await groups(base, "q=zzz")).matched, (await groups(base)).total], [0, 40]);
  await testDeletion(page, base);
  await page.context().close();
}

// What matches: only with the number typed, and only if no more match by then. Everything: with a word.
async function testDeletion(page, base) {
  await page.fill("#q", "backup");
  await page.clock.runFor(100);
  await waitForSummary(page, "10 of 40");
  await page.click("#delete-matching");
  await page.fill("dialog input", "11");
  check("another number deletes nothing", await page.locator("dialog button.danger").isDisabled());
  await push(base, "job/backup-new", "x 1\n");
  await page.fill("dialog input", "10");
  await page.click("dialog button.danger");
  await page.waitForSelector(".error:has-text('11 groups match now')");
  equal("more than were shown stay", (await groups(base)).total, 41);
  await page.waitForSelector("dialog", { state: "detached" });
  await waitForSummary(page, "11 of 41");
  await page.click("#delete-matching");
  await page.fill("dialog input", "11");
  await page.click("dialog button.danger");
  await page.waitForSelector("text=11 groups deleted.");
  equal("what matched is deleted", [(await groups(base, "q=backup")).matched, (await groups(base)).total], [0, 30]);
  await page.fill("#q", "");
  await page.clock.runFor(100);
  await waitForSummary(page, "30 groups");
  await page.click("#delete-matching");
  await page.fill("dialog input", "wipe");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=Everything was deleted.");
  await waitForSummary(page, "0 groups");
  equal("everything is deleted", (await groups(base)).total, 0);
}

// A proxy that shows the gateway below /outer/. Resolves to [URL, function that ends it].
export function startProxy(base) {
  const server = createServer((from, to) => {
    if (!from.url.startsWith("/outer/")) return to.writeHead(404).end();
    const { hostname, port } = new URL(base);
    const asked = ask({ hostname, port, method: from.method, path: from.url.slice("/outer".length), headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode, answer.headers);
      answer.pipe(to);
    });
    return from.pipe(asked);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve([`http://127.0.0.1:${server.address().port}/outer/`, () => server.closeAllConnections() ?? server.close()]));
  });
}

// Below a prefix of the gateway's own, and behind a proxy that takes a part of the path away.
export async function testPrefix(base) {
  await push(base, "job/a/x/1", "m 1\n");
  await push(base, "job/b", "m 1\n");
  const page = await open(`${base}status`);
  await waitForSummary(page, "2 groups");
  check("no deletion of many without the admin API", await page.locator("#delete-matching").isHidden());
  await page.goto(base);
  await waitForSummary(page, "2 groups");
  await page.click(".line >> nth=0");
  await page.waitForSelector(".family");
  await page.click("#delete-group");
  await page.click("dialog button:has-text('Delete')");
  await page.waitForSelector("text=The group was deleted.");
  equal("deleted below the prefix", (await groups(base)).groups.map((group) => group.labels.job), ["b"]);
  for (const view of ["jobs", "status"]) await show(page, view);
  await show(page, "help");
  const { pathname } = new URL(base);
  check("help says where to scrape", (await page.locator("pre").last().textContent()).includes(`metrics_path: ${pathname}metrics`));
  check("help names the prefix", (await page.locator("pre").first().textContent()).includes(`${base}metrics/job/`));
  await page.context().close();
}

// From the event of a key to the rows of its answer being painted.
export async function testLarge(base, count) {
  const page = await open(base);
  await waitForSummary(page, count.toLocaleString("en-US"));
  check("rows in the document", await page.locator(".line").count() < 100);
  const height = await page.evaluate(() => document.querySelector(".grid .lines").offsetHeight);
  await page.evaluate(() => { const grid = document.querySelector(".grid"); grid.scrollTop = grid.scrollHeight; });
  await page.waitForFunction((was) => document.querySelector(".grid .lines").offsetHeight > was, height);
  check("rows in the document further down", await page.locator(".line").count() < 100);
  const times = [];
  let asked = 0;
  page.on("request", (request) => { asked += request.url().includes("/api/v1/groups") ? 1 : 0; });
  for (let i = 0; i < 9; ++i) {
    times.push(await page.evaluate((typed) => new Promise((resolve, reject) => {
      const field = document.querySelector("#q");
      const began = performance.now();
      field.value = typed;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      const look = () => {
        const lines = [...document.querySelectorAll(".line")];
        if (lines.length > 0 && lines.length < 12 && lines.every((line) => line.textContent.includes(typed))) {
          requestAnimationFrame(() => resolve(performance.now() - began));
        } else if (performance.now() - began > 60000) {
          reject(new Error(`no rows of ${typed}`));
        } else {
          requestAnimationFrame(look);
        }
      };
      look();
    }), `n=${count - 2 - i * 7}`));
  }
  equal("requests of nine searches", asked, 9);
  times.sort((a, b) => a - b);
  print({ measured: `search among ${count} groups, ms from the key to the painted rows: median, worst of ${times.length}`, value: [times[4], times[8]].map(Math.round) });
  await page.context().close();
}

// What is shown, and how: search and filters, keyboard, a group, colours, a phone, no JavaScript, a hidden tab.

import { axeProblems, browser, check, equal, open, push, shot, show, waitForSummary } from "./browser.mjs";

export async function testGroups(base) {
  const page = await open(base);
  await waitForSummary(page, "40 groups, 1 failed");
  equal("the failed one is marked", await page.locator(".line.failed .badge.failed").count(), 1);
  check("its error is shown", (await page.locator(".line.failed").textContent()).includes("must not have timestamps"));
  await shot(page, "groups");
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
  await page.selectOption("#older", "1h");
  await waitForSummary(page, "0 of 40 groups");
  await page.selectOption("#older", "");
  await waitForSummary(page, "40 groups");
  // Sorted by a click on a head; aria-sort says so.
  await page.click('button[data-sort="series"]');
  await page.waitForSelector('[aria-sort="descending"]');
  // By keyboard alone: a slash leads to the search, Tab to the heads, the arrows through the list, Enter into a group.
  await page.locator("main").focus();
  await page.keyboard.press("/");
  equal("the slash", await page.evaluate(() => document.activeElement.id), "q");
  await page.locator(".grid").focus();
  await page.keyboard.press("Tab");
  equal("the first head", await page.evaluate(() => document.activeElement.dataset.sort), "key");
  await page.keyboard.press("Enter");
  await page.waitForSelector('[aria-sort="ascending"]');
  await waitForSummary(page, "40 groups");
  await page.locator(".grid").focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press("ArrowDown");
  equal("the active row", await page.locator(".grid").getAttribute("aria-activedescendant"), "row-2");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".family");
  check("Enter opens it", (await page.locator("h2").textContent()).includes("instance=host-08"), await page.locator("h2").textContent());
  const text = await page.locator("main").innerText();
  for (const part of ["rows_total", "counter", "Rows that were read.", 'table="orders"', "1008", "histogram", "How long a run took.", "2 families, 3 series"]) {
    check(`a group shows ${part}`, text.includes(part), text);
  }
  check("and nothing that is no text", !/false|undefined|null|NaN|\[object/.test(text), text);
  equal("its histogram is drawn", await page.locator(".chart rect").count(), 6);
  check("and described", (await page.locator(".chart").getAttribute("aria-label")).includes("count 82, sum 21.5; the most, 31, from 0.1 to 0.25"));
  await shot(page, "group");
  await page.context().close();
}

// A group is stale by the gateway's clock, so the answer is told to be from the day after tomorrow.
export async function testStale(base) {
  const before = (tab) => tab.route("**/api/v1/stats", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    body.data.time = new Date(Date.parse(body.data.time) + 2 * 86400e3).toISOString();
    await route.fulfill({ response: answer, json: body });
  });
  const page = await open(base, { before });
  await page.waitForSelector(".line.stale .badge.stale");
  equal("stale ones are marked, failed ones as failed", [await page.locator(".line.failed").count(), await page.locator(".line:not(.stale)").count()], [1, 1]);
  await page.selectOption("#stale", "604800");
  await page.waitForSelector(".line.stale", { state: "detached" });
  check("not by another measure", await page.locator(".line").count() > 10);
  await page.context().close();
}

// More metrics than one answer brings: the rest on demand. Native histograms.
export async function testDetail(base, native) {
  await push(base, "job/long", `# TYPE long gauge\n${Array.from({ length: 700 }, (_, i) => `long{i="${i}"} ${i}\n`).join("")}`);
  const page = await open(base);
  await page.fill("#q", "job=long");
  await waitForSummary(page, "1 of 41");
  await page.click(".line");
  await page.waitForSelector(".family");
  equal("the first ones", await page.locator(".family tbody tr").count(), 500);
  await page.click("text=More metrics");
  await page.waitForFunction(() => document.querySelectorAll(".family tbody tr").length === 700);
  check("no more", await page.locator("text=More metrics").isHidden());
  await fetch(`${base}metrics/job/long`, { method: "DELETE" });
  await page.context().close();
  const other = await open(native);
  await other.fill("#q", "job=native");
  await waitForSummary(other, "1 of ");
  await other.click(".line");
  await other.waitForSelector(".family");
  check("native histograms are drawn", await other.locator('svg[aria-label^="Native histogram"] rect').count() > 3);
  await other.context().close();
}

export async function testLooks(base) {
  const page = await open(base);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await show(page, "groups");
    await page.waitForSelector(".line.failed");
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    equal(`ground, ${scheme}`, ground, scheme === "dark" ? "rgb(18, 24, 30)" : "rgb(255, 255, 255)");
    equal(`axe, groups, ${scheme}`, await axeProblems(page), []);
    if (scheme === "dark") await shot(page, "groups-dark");
    await page.click(".line.failed");
    await page.waitForSelector(".family");
    equal(`axe, a group, ${scheme}`, await axeProblems(page), []);
    await page.click("#delete-group");
    equal(`axe, a dialog, ${scheme}`, await axeProblems(page), []);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    for (const view of ["jobs", "rejects", "status", "help"]) {
      await show(page, view);
      equal(`axe, ${view}, ${scheme}`, await axeProblems(page), []);
      if (scheme === "light") await shot(page, view);
    }
  }
  await testTables(page);
  await page.setViewportSize({ width: 360, height: 720 });
  for (const view of ["jobs", "rejects", "status", "help", "groups"]) {
    await show(page, view);
    const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector("main").scrollWidth, document.querySelector("main").clientWidth]);
    check(`${view} fits a phone`, wide[0] <= 360 && wide[1] <= wide[2], wide);
  }
  await shot(page, "narrow");
  await page.selectOption("#sort", "bytes");
  await page.waitForSelector('[aria-sort="descending"] [data-sort="bytes"]', { state: "attached" });
  await waitForSummary(page, "40 groups");
  equal("axe, narrow", await axeProblems(page), []);
  await page.context().close();
}

// By now the gateway has figures of some intervals.
async function testTables(page) {
  await show(page, "groups");
  await page.waitForFunction(() => document.querySelectorAll(".spark path.line-of").length === 7);
  await show(page, "jobs");
  const jobs = await page.locator("tbody").innerText();
  check("totals of jobs", /backup\s+10\s+0\s+30\s/.test(jobs) && /etl\s+30\s+1 failed\s+90\s/.test(jobs), jobs);
  await show(page, "status");
  const status = await page.locator("main").innerText();
  for (const part of ["Backend", "Kernel of the parser", "Durability", "web.enable-admin-api", "revision", "families per group"]) {
    check(`the status shows ${part}`, status.includes(part), status);
  }
}

export async function testWithoutJavaScript(base) {
  const page = await open(base, { javaScriptEnabled: false });
  const text = await page.locator("noscript").textContent();
  check("without JavaScript it shows counts", text.includes("with 40 groups and 120 pushed series"), text);
  const links = await page.locator("noscript a").evaluateAll((all) => all.map((one) => one.href)).catch(() => []);
  for (const link of links) equal(`its link ${link}`, (await fetch(link)).status, 200);
  check("it links to the API", links.includes(`${base}api/v1/groups`), links);
  await page.context().close();
}

export async function testHidden(base) {
  const context = await browser.newContext();
  context.setDefaultTimeout(120000);
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
  check("it asks again by itself", asked >= 4, asked);
  await hide(true);
  await page.waitForLoadState("networkidle");
  const before = asked;
  await page.clock.runFor(600000);
  equal("a hidden tab asks for nothing", asked - before, 0);
  await Promise.all([page.waitForRequest((request) => request.url().includes("/api/v1/stats")), hide(false)]);
  await context.close();
}

// One open page of a gateway, for tests/e2e/page_cost.py: says "ready", then does what lines of its input say.
//
//   node watch.mjs OPTIONS       {url, browser, modules}
//     shot PATH SELECTOR         waits for the selector and takes a picture
//     go HASH                    another view
//     dark                       another colour scheme

import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const options = JSON.parse(process.argv[2]);
const { chromium } = await import(join(options.modules, "playwright-core", "index.mjs"));
const browser = await chromium.launch({ executablePath: options.browser, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const page = await (await browser.newContext({ viewport: { width: 1120, height: 700 } })).newPage();
await page.goto(options.url);
await page.waitForSelector(".line");
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...rest] = line.split(" ");
  if (what === "dark") await page.emulateMedia({ colorScheme: "dark" });
  if (what === "go") await page.goto(`${options.url}${rest[0]}`);
  if (what === "click") await page.click(rest.join(" "));
  if (what === "shot") {
    await page.waitForSelector(rest.slice(1).join(" "));
    await page.screenshot({ path: rest[0] });
  }
  process.stdout.write(`${line}\n`);
}
await browser.close();

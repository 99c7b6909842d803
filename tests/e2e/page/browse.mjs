// Drives a browser through the page of running gateways; tests/e2e/page.py starts them and reads what this prints.
//
//   node browse.mjs OPTIONS      the JSON that browser.mjs describes

import { browser, complaints, equal, fill, options, print } from "./browser.mjs";
import { startProxy, testChanges, testHelp, testHostile, testLarge, testPrefix } from "./changing.mjs";
import { testDetail, testGroups, testHidden, testLooks, testStale, testWithoutJavaScript } from "./looking.mjs";

try {
  await fill(options.plain);
  await testGroups(options.plain);
  await testLooks(options.plain);
  await testStale(options.plain);
  await testDetail(options.plain, options.large);
  await testWithoutJavaScript(options.plain);
  await testHidden(options.plain);
  await testHostile(options.plain);
  await testHelp(options.plain);
  await testChanges(options.plain);
  await testPrefix(options.prefixed);
  const [outer, end] = await startProxy(options.outer);
  await testPrefix(outer);
  end();
  await testLarge(options.large, options.groups);
  equal("errors in the console, requests to elsewhere", complaints, []);
} catch (error) {
  print({ failed: `${error.stack}`, complaints });
}
await browser.close();

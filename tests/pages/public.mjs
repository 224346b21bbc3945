// The public page as a reader on a slow line, without scripts and on paper gets it; prints what was found as JSON.
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const LINE = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };  // 400 kbit/s
const [base, number, stale, ...sheets] = process.argv.slice(2);
const found = { asked: [], sheets: {} };
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

async function opened(javaScriptEnabled) {
  const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 360, height: 640 } });
  const page = await context.newPage();
  page.on("request", (one) => found.asked.push(one.url()));
  return [page, await context.newCDPSession(page)];
}

const shown = (page) => page.getByText(number).first().waitFor({ state: "visible" });

const [direct, slow] = await opened(false);
await slow.send("Network.enable");
await slow.send("Network.emulateNetworkConditions", LINE);
let begun = Date.now();
await direct.goto(`${base}/fr/69.html`, { waitUntil: "commit" });
await shown(direct);
found.direct = Date.now() - begun;
found.above = await direct.getByText(number).first().evaluate((one) => one.getBoundingClientRect().bottom);

const [home, again] = await opened(false);
await again.send("Network.enable");
await again.send("Network.emulateNetworkConditions", LINE);
await home.goto(`${base}/fr/index.html`);
begun = Date.now();
await home.locator("#iR ~ ul a").filter({ hasText: "Rhône (69)" }).first().click();
await shown(home);
found.click = Date.now() - begun;

for (const [name, scripts] of [["without", false], ["with", true]]) {
  const [page] = await opened(scripts);
  await page.goto(`${base}/${stale}`);
  found[`stale_${name}`] = await page.locator("#stale").isVisible();
}
const [paper] = await opened(false);
for (const path of sheets) {
  await paper.goto(`${base}/${path}`);
  found.sheets[path] = (await paper.pdf({ format: "A4", preferCSSPageSize: true })).toString("base64");
}
await browser.close();
console.log(JSON.stringify(found));

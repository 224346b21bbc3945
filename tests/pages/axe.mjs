// axe over the files given, as a phone and a desk show them, light and dark; prints one fault a line.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = [["light", 360], ["dark", 1200], ["light", 1200], ["dark", 360]];
const NARROWEST = 320;
const AT_ONCE = 2;

async function faults(browser, file) {
  const found = [];
  const page = await browser.newPage({ viewport: { width: VIEWS[0][1], height: 900 } });
  page.on("console", (said) => said.type() === "error" && found.push(`the browser says: ${said.text()}`));
  page.on("request", (asked) => /^https?:/.test(asked.url()) && found.push(`it asks for ${asked.url()}`));
  await page.goto(pathToFileURL(file).href);
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  await page.evaluate(AXE);
  for (const [colorScheme, width] of VIEWS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    const { violations } = await page.evaluate(
      (values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), TAGS);
    for (const { id, nodes: [{ target, failureSummary }, ...more] } of violations) {
      const times = more.length ? `, and ${more.length} more` : "";
      found.push(`${colorScheme} ${width}: ${id} at ${target}${times}: ${failureSummary.replace(/\s+/g, " ")}`);
    }
  }
  await page.setViewportSize({ width: NARROWEST, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > NARROWEST) found.push(`at ${NARROWEST} it scrolls sideways, to ${wide}`);
  await page.close();
  return found.map((fault) => `${file}: ${fault}`);
}

const waiting = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  for (let file; (file = waiting.shift());) {
    for (const fault of await faults(browser, file)) console.log(fault);
  }
}));
await browser.close();

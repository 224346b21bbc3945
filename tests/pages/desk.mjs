// An evening at the desk in a browser, with the script and without: write, approve, follow, correct. Every page is looked
// at by axe, light and dark, on a phone and at a desk. Prints one fault a line, and at the end `{measures}`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = [["light", 360], ["dark", 1200], ["dark", 360]];  // in turn: the styles of all pages are the same
const NARROWEST = 320;
const LARGEST_PAGE = 40_000;
const { BASE, ADA, BO, SCRIPT } = process.env;
const scripted = SCRIPT === "on";
let shot = 0;
let turn = 0;
const measures = { previews: [], pages: {} };
const fault = (page, said) => console.log(`${scripted ? "with" : "without"} script, ${page.url().replace(BASE, "")}: ${said}`);

async function officer(browser, token, quiet = false) {
  const context = await browser.newContext({ javaScriptEnabled: scripted, viewport: { width: 360, height: 900 }, locale: "en-GB" });
  const page = await context.newPage();
  page.on("console", (said) => said.type() === "error" && !quiet && fault(page, `the browser says: ${said.text()}`));
  page.on("pageerror", (error) => fault(page, `the script fails: ${error.message}`));
  page.on("request", (asked) => !asked.url().startsWith(BASE) && fault(page, `it asks for ${asked.url()}`));
  page.on("response", async (answer) => {
    if (answer.request().resourceType() !== "document" || answer.request().redirectedTo()) return;
    const size = Number(answer.headers()["content-length"] || 0);
    const name = new URL(answer.url()).pathname.replace(/[A-Z]{4}-\d+/, "ID");
    measures.pages[name] = Math.max(measures.pages[name] || 0, size);
    if (size > LARGEST_PAGE && name !== "/desk/alerts/ID") fault(page, `it has ${size} bytes`);
  });
  await page.goto(`${BASE}/desk`);
  await look(page);
  await page.fill("#token", token);
  await page.press("#token", "Enter");
  await page.waitForURL(`${BASE}/desk`);
  return page;
}

async function look(page) {
  if (scripted) {
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${String(shot++).padStart(2, "0")}.png`, fullPage: true });
    await page.evaluate(AXE);
    const [colorScheme, width] = VIEWS[turn++ % VIEWS.length];
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    const { violations } = await page.evaluate(
      (values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), TAGS);
    for (const { id, nodes: [{ target, failureSummary }, ...more] } of violations) {
      const times = more.length ? `, and ${more.length} more` : "";
      fault(page, `${colorScheme} ${width}: ${id} at ${target}${times}: ${failureSummary.replace(/\s+/g, " ")}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: NARROWEST, height: 900 });
  for (const size of ["", "200%"]) {
    const [wide, what] = await page.evaluate((text) => {
      document.documentElement.style.fontSize = text;
      const widest = [...document.querySelectorAll("body *")].filter(
        (one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".aside, .skip"));
      return [document.documentElement.scrollWidth, widest.slice(0, 2).map((one) => one.outerHTML.slice(0, 80)).join(" | ")];
    }, size);
    if (wide > NARROWEST) fault(page, `at ${NARROWEST} ${size} it scrolls sideways, to ${wide}: ${what}`);
  }
  if (scripted) await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
  await page.setViewportSize({ width: 1200, height: 900 });
}

async function focused(page) {
  if (!scripted) return;
  const where = await page.evaluate(() => document.activeElement?.tagName);
  if (where === "BODY" || !where) fault(page, "the focus is on the body");
}

async function press(page, name) {
  const button = page.getByRole("button", { name, exact: true }).first();
  await button.focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

const WORDS = {
  "f-where": "69, 42",
  "f-what_fails-fr": "15, 17 et 18 sur mobile", "f-what_fails-en": "15, 17 and 18 on mobiles",
  "f-what_works-fr": "fixes", "f-what_works-en": "landlines",
  "f-what_to_do-fr": "Appelez d’un fixe.", "f-what_to_do-en": "Call from a landline.",
};

async function preview(page, words) {
  if (!scripted) return;
  const began = Date.now();
  await page.waitForFunction((text) => document.querySelector("#preview").textContent.includes(text), words, { timeout: 5000, polling: 20 });
  measures.previews.push(Date.now() - began);
}

async function holding(ada, bo) {
  await ada.goto(`${BASE}/desk/write`);
  await look(ada);
  await press(ada, "Holding message");
  for (const [id, words] of Object.entries(WORDS)) {
    await ada.focus(`#${id}`);
    if (scripted) await ada.keyboard.insertText(words); else await ada.fill(`#${id}`, words);
    if (id.startsWith("f-what_fails")) await preview(ada, words);
    if (scripted && (await ada.evaluate(() => document.activeElement.id)) !== id) fault(ada, `typing in ${id} loses the focus`);
  }
  await preview(ada, "Call from a landline.");
  await look(ada);
  await press(ada, "Look at the texts");
  await look(ada);
  await focused(ada);
  const submit = () => press(ada, "Save and submit for approval");
  if (scripted) await appears(bo, submit);
  else await submit();
  await look(ada);
  return new URL(ada.url()).pathname.split("/").pop();
}

async function typedStays(page) {
  await page.locator("summary", { hasText: "Say how it stands" }).first().evaluate((one) => { one.parentElement.open = true; });
  const field = page.locator("input[name=confirmed_by]").first();
  await field.fill("SAMU 69");
  await page.waitForFunction(() => document.querySelector("main [data-live]").seen, null, { timeout: 15000 });
  await page.waitForTimeout(1500);
  const kept = await field.inputValue();
  const id = await page.evaluate(() => document.activeElement?.name);
  if (kept !== "SAMU 69") fault(page, `news take away what is typed: ${kept}`);
  if (id !== "confirmed_by") fault(page, `news take the focus away, to ${id}`);
}

// What waits appears on a page that is open, whatever page it is.
async function appears(page, act) {
  await page.goto(`${BASE}/desk/you`);
  await act();
  await page.waitForFunction(() => document.querySelector(".strip .mine"), null, { timeout: 15000 });
}

async function approve(bo, alert) {
  await bo.goto(`${BASE}/desk`);
  await look(bo);
  if (scripted) await typedStays(bo);
  await bo.getByRole("link", { name: alert }).first().click();
  await bo.waitForURL(`**/alerts/${alert}`);
  await look(bo);
  await bo.focus("#read");
  await bo.keyboard.press("Space");
  await press(bo, `Approve ${alert}`);
}

async function seen(page, words) {
  if (scripted) await page.waitForFunction((text) => document.body.textContent.includes(text), words, { timeout: 15000 });
  else for (let turn = 0; !(await page.content()).includes(words); turn++) {
    if (turn > 30) throw new Error(`never seen: ${words}`);
    await page.waitForTimeout(500);
    await page.reload();
  }
}

async function passkey(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", { options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true } });
  await page.goto(`${BASE}/desk/you`);
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Add a passkey on this device" }).click()]);
  await seen(page, "added");
  await look(page);
  await press(page, "Sign out");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Sign in with a passkey" }).click()]);
  await page.waitForURL(`${BASE}/desk`);
}

async function pagesOf(browser, places) {
  const bo = await officer(browser, BO);
  for (const place of places) {
    await bo.goto(BASE + place);
    await look(bo);
  }
}

// A link for somebody new, shown once; copied by a button where there is a script. And a word before the session ends.
async function team(browser, places) {
  const bo = await officer(browser, BO);
  for (const place of places) {
    await bo.goto(BASE + place);
    await look(bo);
  }
  await bo.goto(`${BASE}/desk/people`);
  await bo.fill("#name", "dana");
  await bo.getByLabel("approver").check();
  await press(bo, "Make the link");
  await look(bo);
  await focused(bo);
  if (!(await bo.inputValue("#invitation")).includes("/desk/in/")) fault(bo, "it shows no link");
  if (!scripted) return;
  await bo.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await bo.getByRole("button", { name: "Copy the link" }).click();
  await seen(bo, "Copied.");
  const copied = await bo.evaluate(() => navigator.clipboard.readText());
  if (copied !== await bo.inputValue("#invitation")) fault(bo, `it copies ${copied}`);
  let left = 1000;
  await bo.route("**/desk/left", (route) => route.fulfill({ json: { left } }));
  await bo.clock.install();
  await bo.goto(`${BASE}/desk/people`);
  await bo.focus("#name");
  await bo.clock.fastForward("25:30");
  await bo.waitForTimeout(300);
  if (await bo.isVisible("#idle")) fault(bo, "it warns although another page was used");
  left = 280;
  await bo.clock.fastForward("12:00");
  await bo.waitForSelector("#idle:not([hidden])", { timeout: 5000 });
  if ((await bo.evaluate(() => document.activeElement.id)) !== "name") fault(bo, "the warning takes the focus away");
  await look(bo);
  await bo.getByRole("button", { name: "Stay signed in" }).click();
  await bo.waitForSelector("#idle", { state: "hidden", timeout: 5000 });
  await focused(bo);
}

// The server goes away while a page is open, and comes back.
async function lost(browser) {
  const bo = await officer(browser, BO, true);
  await bo.waitForTimeout(1500);
  console.error("ready");
  await bo.waitForFunction(() => !document.getElementById("lost").hidden, null, { timeout: 5000 });
  const said = await bo.textContent("#lost");
  if (!/^Connection lost\. Last news at \d\d:\d\d:\d\d\.$/.test(said)) fault(bo, `it says: ${said}`);
  console.error("lost");
  await bo.waitForFunction(() => document.getElementById("lost").hidden, null, { timeout: 15000 });
}

// Milliseconds from the pause after each key until every preview stands; the script waits 150 of them for the next key.
async function typing(browser, place) {
  const ada = await officer(browser, ADA);
  await ada.goto(BASE + place);
  for (const [id, words] of Object.entries(WORDS)) if (await ada.locator(`#${id}`).count() && !(await ada.inputValue(`#${id}`))) await ada.fill(`#${id}`, words);
  await ada.waitForTimeout(2000);
  await ada.evaluate(() => {
    let began = 0;
    window.spent = [];
    document.querySelector("form[data-preview]").addEventListener("input", () => { began = performance.now() + 150; });
    new MutationObserver(() => { if (began) window.spent.push(performance.now() - began); began = 0; }).observe(document.querySelector("#preview"), { childList: true });
  });
  await ada.focus("#f-what_fails-fr");
  await ada.keyboard.press("End");
  for (let key = 1; key <= Number(process.env.KEYS); key++) {
    await ada.keyboard.type("abcdefghij"[key % 10]);
    await ada.waitForFunction((many) => window.spent.length >= many, key, { timeout: 15000, polling: 10 });
  }
  measures.previews = await ada.evaluate(() => window.spent);
}

async function evening(browser) {
  const [ada, bo] = [await officer(browser, ADA), await officer(browser, BO)];
  const first = await holding(ada, bo);
  await approve(bo, first);
  await seen(bo, scripted ? `${first} is published` : "Published");
  await look(bo);
  await ada.goto(`${BASE}/desk/alerts/${first}`);
  await press(ada, "Correction");
  await look(ada);
  await ada.fill("#f-what_was_wrong-fr", "fixes");
  await ada.fill("#f-what_was_wrong-en", "landlines");
  await ada.fill("#f-what_is_right-fr", "Les fixes ne marchent pas.");
  await ada.fill("#f-what_is_right-en", "Landlines do not work.");
  await press(ada, "Save as a draft");
  await look(ada);
  for (const place of ["/desk/deliveries", "/desk/you", "/desk"]) {
    await ada.goto(BASE + place);
    await look(ada);
  }
  await ada.goto(`${BASE}/desk/deliveries`);
  await press(ada, "■ Halt everything");
  await seen(ada, "Everything is halted");
  await look(ada);
  if (scripted) await passkey(bo);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
try {
  if (process.env.PLACES) await pagesOf(browser, JSON.parse(process.env.PLACES));
  else if (process.env.TEAM) await team(browser, JSON.parse(process.env.TEAM));
  else if (process.env.LOST) await lost(browser);
  else if (process.env.TYPING) await typing(browser, process.env.TYPING);
  else await evening(browser);
  console.log(JSON.stringify({ measures, done: true }));
} catch (error) {
  console.log(`it stops: ${error.message.split("\n").slice(0, 12).join(" / ")}`);
}
await browser.close();

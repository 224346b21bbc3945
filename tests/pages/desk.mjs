// An evening at the desk in a browser, with the script and without: write, approve, follow, correct. Every page is looked
// at by axe, light and dark, on a phone and at a desk. Prints one fault a line, and at the end `{measures}`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { outOfSight } from "./narrow.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = [["light", 360], ["dark", 1200], ["dark", 360]];  // in turn: the styles of all pages are the same
const NARROWEST = 320;
const LARGEST_PAGE = 40_000;
const { BASE, ADA, BO, CY, SCRIPT, NARROW } = process.env;  // NARROW: French on a small phone, without axe
const scripted = SCRIPT === "on";
let shot = 0;
let turn = 0;
const measures = { previews: [], pages: {}, loads: 0, keys: 0 };
const fault = (page, said) => console.log(`${scripted ? "with" : "without"} script, ${page.url().replace(BASE, "")}: ${said}`);

async function officer(browser, token, quiet = false) {
  const context = await browser.newContext({ javaScriptEnabled: scripted, viewport: { width: 360, height: 900 }, locale: NARROW ? "fr-FR" : "en-GB" });
  const page = await context.newPage();
  page.on("console", (said) => said.type() === "error" && !quiet && fault(page, `the browser says: ${said.text()}`));
  page.on("pageerror", (error) => fault(page, `the script fails: ${error.message}`));
  page.on("request", (asked) => !asked.url().startsWith(BASE) && fault(page, `it asks for ${asked.url()}`));
  page.on("response", async (answer) => {
    if (answer.request().resourceType() !== "document" || answer.status() === 303) return;
    if (answer.frame() === page.mainFrame()) measures.loads += 1;
    const size = Number(answer.headers()["content-length"] || 0);
    const name = pattern(answer.url());
    measures.pages[name] = Math.max(measures.pages[name] || 0, size);
    if (size > LARGEST_PAGE) fault(page, `it has ${size} bytes`);
  });
  await page.goto(`${BASE}/desk`);
  await look(page);
  measures.loads -= 1;  // counted is what follows the sign-in
  await fill(page, page.locator("#token"), token);
  await Promise.all([page.waitForURL(`${BASE}/desk`), page.keyboard.press("Enter")]);
  return page;
}
const pattern = (url) => new URL(url).pathname.replace(/[A-Z]{4}-\d+/, "ID").replace(/[A-Z]{4}/, "ID");

// --- what a page looks like -------------------------------------------------------------------------
const looked = {};
async function look(page, always = false) {
  const times = looked[pattern(page.url())] = (looked[pattern(page.url())] || 0) + 1;
  if (times > 2 && !always) return;
  if (scripted) {
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
    await skips(page);
    if (!NARROW) await page.evaluate(AXE);
    for (const view of NARROW ? [] : always ? VIEWS.slice(0, 2) : [VIEWS[turn++ % VIEWS.length]]) await axe(page, ...view);
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
    for (const lost of await page.evaluate(outOfSight)) fault(page, `at ${NARROWEST} ${size} ${lost}`);
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${String(++shot).padStart(3, "0")}${size ? "-large" : ""}.png`, fullPage: true });
  }
  if (scripted) await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
  await page.setViewportSize({ width: 1200, height: 900 });
}

// What axe cannot decide by itself, and why it is right all the same.
const EXPLAINED = [
  [/^color-contrast$/, /./, /only non-text characters/],  // a sign before words that say the same
  [/^heading-order$/, /./, /Unable to determine previous heading/],  // `skips` looks at all of them
  [/^color-contrast$/, /\.avatar/, /pseudo element/],  // the line of a thread begins below it
  [/^color-contrast$/, /\.(bubble|card|letter|text)\b/, /overlap/],  // words that break within a message
];
const explained = (id, { target, any }) => any.every(({ message }) =>
  EXPLAINED.some(([rule, place, said]) => rule.test(id) && place.test(target.join(" ")) && said.test(message)));
async function axe(page, colorScheme, width) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 900 });
  const { violations, incomplete } = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations", "incomplete"] }), TAGS);
  const open = incomplete.map((one) => ({ ...one, nodes: one.nodes.filter((node) => !explained(one.id, node)) }));
  for (const { id, nodes: [{ target, failureSummary, any }, ...more] } of [...violations, ...open.filter(({ nodes }) => nodes.length)]) {
    const times = more.length ? `, and ${more.length} more` : "";
    const why = failureSummary || any.map(({ message }) => message).join(" ");
    fault(page, `${colorScheme} ${width}: ${id} at ${target}${times}: ${why.replace(/\s+/g, " ")}`);
  }
}

async function skips(page) {
  const levels = await page.evaluate(() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((one) => one.checkVisibility() && !one.closest(".letter")).map((one) => Number(one.tagName[1])));
  if (levels[0] !== 1 || levels.some((level, at) => level > (levels[at - 1] ?? 0) + 1)) fault(page, `its headings skip a level: ${levels}`);
}

async function focused(page) {
  if (!scripted) return;
  const where = await page.evaluate(() => document.activeElement?.tagName);
  if (where === "BODY" || !where) fault(page, "the focus is on the body");
}

// --- the keyboard alone -----------------------------------------------------------------------------
async function key(page, name, times = 1) {
  measures.keys += times;
  for (; times > 0; times--) await page.keyboard.press(name);
}

// Press Tab until the focus is there.
async function reach(page, locator) {
  const target = locator.first();
  for (let turn = 0; turn < 6; turn++) {
    const steps = await target.evaluate((one) => {
      if (document.activeElement === one) return 0;
      const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, iframe")].filter((each) =>
        each.tabIndex >= 0 && !each.disabled && each.type !== "hidden" && each.checkVisibility() &&
        (each.type !== "radio" || each.checked || !document.querySelector(`input[name="${each.name}"]:checked`)));
      const now = document.activeElement;
      const passed = now === document.body ? 0 : all.filter((each) => each === now || now.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_PRECEDING).length;
      const place = all.indexOf(one);
      return place < 0 ? null : place - passed + 1;
    });
    if (steps === 0) return target;
    if (steps === null) await page.waitForTimeout(200);  // news are taking its place
    else await key(page, steps > 0 ? "Tab" : "Shift+Tab", steps > 0 ? steps : 1 - steps);
  }
  if (!await target.evaluate((one) => document.activeElement === one)) throw new Error(`the keyboard does not reach ${target}`);
  return target;
}
async function fill(page, locator, words) {
  await reach(page, locator);
  await key(page, "Control+A");
  measures.keys += words.length;
  await page.keyboard.insertText(words);
}
async function press(page, name) {
  await reach(page, page.getByRole("button", { name, exact: true }));
  await Promise.all([page.waitForNavigation(), key(page, "Enter")]);
}
async function follow(page, name) {
  await reach(page, page.getByRole("link", { name }));
  await Promise.all([page.waitForNavigation(), key(page, "Enter")]);
}

// --- the evening --------------------------------------------------------------------------------------
const WORDS = {
  "f-where": "29", "f-territories": "29", "f-services": "samu",
  "f-since": "14:00", "f-review_at": "20:00",
  "f-what_fails-fr": "15, 17 et 18 sur mobile", "f-what_fails-en": "15, 17 and 18 on mobiles",
  "f-what_works-fr": "fixes", "f-what_works-en": "landlines",
  "f-what_to_do-fr": "Appelez d’un fixe.", "f-what_to_do-en": "Call from a landline.",
};

async function preview(page, words) {
  if (!scripted) return;
  const began = Date.now();
  await page.waitForFunction((text) => document.querySelector("#preview").textContent.includes(text), words, { timeout: 15000, polling: 20 });
  measures.previews.push(Date.now() - began);
}

async function first(ada, bo) {
  await follow(ada, "Write");
  await look(ada);
  await press(ada, "Provisional numbers");
  for (const [id, words] of Object.entries(WORDS)) {
    const field = ada.locator(`#${id}`);
    if (!await field.count()) continue;
    if (!await field.isVisible()) {
      await reach(ada, ada.locator("summary", { hasText: "More can be said" }));
      await key(ada, "Enter");
    }
    await fill(ada, field, words);
    if (id.startsWith("f-what_fails")) await preview(ada, words);
    if (scripted && (await ada.evaluate(() => document.activeElement.id)) !== id) fault(ada, `typing in ${id} loses the focus`);
  }
  await look(ada);
  const submit = () => press(ada, "Save and submit for approval");
  if (scripted) await appears(bo, submit);
  else await submit();
  if (!(await ada.content()).includes("was submitted")) throw new Error(`it was not submitted: ${await ada.locator(".faults, .errors").allInnerTexts()}`);
  await look(ada);
  return new URL(ada.url()).pathname.split("/").pop();
}

// What waits appears on a page that is open, whatever page it is, and is said once to those who do not see it.
async function appears(page, act) {
  const loads = measures.loads;
  await page.goto(`${BASE}/desk/you`);
  await page.waitForFunction(() => document.querySelector(".strip").seen !== undefined, null, { timeout: 15000 });
  measures.loads = loads;
  await act();
  if (await page.locator("#lost").isVisible()) fault(page, "it believes that the connection is lost");
  await page.waitForFunction(() => document.querySelector(".strip .mine"), null, { timeout: 15000 });
  const said = await page.textContent("#said");
  if (!/^[A-Z]{4}-1 waits for you to approve it$/.test(said)) fault(page, `it says to readers: ${said}`);
}

async function typedStays(page) {
  await page.waitForFunction(() => document.querySelector("main [data-live]").seen !== undefined, null, { timeout: 15000 });
  await page.locator("summary", { hasText: "Say how it stands" }).first().evaluate((one) => { one.parentElement.open = true; });
  const field = page.locator("input[name=confirmed_by]").first();
  await field.pressSequentially("SAMU 69");
  await field.press("ArrowLeft");
  await page.evaluate(() => { const part = document.querySelector("main [data-live]"); part.seen = "other"; part.tag = ""; wanted(); function wanted() { dispatchEvent(new Event("offline")); } });
  await page.waitForFunction(() => document.querySelector("main [data-live]").seen !== "other", null, { timeout: 15000 });
  const [kept, id, cursor] = await page.evaluate(() => [document.querySelector("input[name=confirmed_by]").value, document.activeElement?.name, document.activeElement?.selectionStart]);
  if (kept !== "SAMU 69") fault(page, `news take away what is typed: ${kept}`);
  if (id !== "confirmed_by") fault(page, `news take the focus away, to ${id}`);
  if (cursor !== 6) fault(page, `news move the cursor, to ${cursor}`);
}

async function approve(people, alert) {
  for (const page of people) {
    const there = page.url() === `${BASE}/desk` && scripted;  // it appears by itself
    if (!there) await page.goto(`${BASE}/desk`);
    await page.getByRole("link", { name: alert }).first().waitFor();
    await look(page);
    if (!await page.getByRole("link", { name: alert }).count()) throw new Error(`${alert} is not on the desk`);
    await follow(page, alert);
    await look(page);
    if (!await page.locator("#read").count()) return;
    await reach(page, page.locator("#read"));
    await key(page, "Space");
    await press(page, `Approve ${alert}`);
    if (!await page.locator("main .verdict", { hasText: "lapses at" }).count()) return;
  }
}

async function seen(page, words) {
  if (scripted) {
    try {
      return await page.waitForFunction((text) => new RegExp(text).test(document.body.textContent), words.source || words, { timeout: 15000 });
    } catch {
      throw new Error(`never seen: ${words}, but ${(await page.innerText("main")).slice(0, 1500)}`);
    }
  }
  for (let turn = 0; !new RegExp(words).test(await page.content()); turn++) {
    if (turn > 30) throw new Error(`never seen: ${words}`);
    await page.waitForTimeout(500);
    await page.reload();
  }
}

// Begin what follows an alert, say what it needs, and let others approve it.
async function next(ada, people, alert, name, words = {}, accepted = {}) {
  await ada.goto(`${BASE}/desk/alerts/${alert}`);
  await press(ada, name);
  await look(ada);
  for (const [id, said] of Object.entries(words)) await fill(ada, ada.locator(`#${id}`), said);
  await press(ada, "Save and submit for approval");
  if (Object.keys(accepted).length) {
    for (const [rule, reason] of Object.entries(accepted)) await fill(ada, ada.locator(`#accept-${rule}`), reason);
    await press(ada, "Accept");
    await look(ada);
    await press(ada, /^Submit .* for approval$/);
  }
  if (!(await ada.content()).includes("was submitted")) throw new Error(`${name} was not submitted: ${await ada.locator(".faults, .errors").allInnerTexts()}`);
  await look(ada);
  const made = new URL(ada.url()).pathname.split("/").pop();
  await approve(people, made);
  await published(people[0], made);
  return made;
}
async function published(page, alert) {
  if (!page.url().endsWith(`/alerts/${alert}`)) await page.goto(`${BASE}/desk/alerts/${alert}`);
  await seen(page, /is published|Published/);
}

async function evening(browser) {
  const [ada, bo, cy] = [await officer(browser, ADA), await officer(browser, BO), await officer(browser, CY)];
  const alert = await first(ada, bo);
  if (scripted) await typedStaysOn(bo);
  await approve([bo, cy], alert);
  measures.first = { loads: measures.loads, keys: measures.keys };
  await published(bo, alert);
  await look(bo);
  await next(ada, [bo, cy], alert, "Nothing new");
  await next(ada, [bo, cy], alert, "Correction", {
    "f-what_was_wrong-fr": "fixes", "f-what_was_wrong-en": "landlines",
    "f-what_is_right-fr": "Les fixes ne marchent pas.", "f-what_is_right-en": "Landlines do not work." });
  await next(ada, [bo, cy], alert, "Withdraw its numbers");
  await over(ada);
  await next(ada, [bo, cy], alert, "End of the incident", {
    "f-what_works-fr": "tout", "f-what_works-en": "everything", "f-what_to_do-fr": "Appelez le 15.", "f-what_to_do-en": "Call 15." },
    { unconfirmed: "the SAMU said so on the telephone" });
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
async function typedStaysOn(bo) {
  const loads = measures.loads, keys = measures.keys;
  await bo.goto(`${BASE}/desk`);
  await typedStays(bo);
  Object.assign(measures, { loads, keys });
}
async function over(page) {
  await page.goto(`${BASE}/desk`);
  await reach(page, page.locator("summary", { hasText: "Say how it stands" }));
  await key(page, "Enter");
  await reach(page, page.locator("select[name=state]"));
  await page.keyboard.type("over");
  await fill(page, page.locator("input[name=confirmed_by]"), "SAMU 29");
  await press(page, /^Set the state of/);
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
    await look(bo, true);
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

// A first word from the page of an incident, by keyboard alone: a place is typed, ready words are taken, the rest stands there.
async function firstWord(browser, place) {
  const ada = await officer(browser, ADA);
  await ada.goto(BASE + place);
  measures.keys = 0;
  await past(ada);
  await press(ada, "First word");
  await past(ada);
  await reach(ada, ada.locator("#f-where"));
  await type(ada, "29");
  for (const id of ["f-what_fails-fr", "f-what_fails-en", "f-what_works-fr", "f-what_works-en", "f-what_to_do-fr", "f-what_to_do-en"]) {
    const ready = ada.locator(`details.ready:has([data-into="${id}"])`);
    await reach(ada, ready.locator("summary"));
    await key(ada, "Enter");
    await reach(ada, ready.locator("button"));
    await key(ada, "Enter");
    if (!await ada.inputValue(`#${id}`)) fault(ada, `nothing is taken into ${id}`);
  }
  await press(ada, "Save and submit for approval");
  if (!(await ada.content()).includes("was submitted")) throw new Error(`it was not submitted: ${await ada.locator(".faults, .errors").allInnerTexts()}`);
}
async function past(page) {
  await key(page, "Tab");
  await key(page, "Enter");
}
async function type(page, words) {
  measures.keys += words.length;
  await page.keyboard.type(words);
}

// Milliseconds from the pause after each key until every preview stands; the script waits 150 of them for the next key.
async function typing(browser, place) {
  const ada = await officer(browser, ADA);
  await ada.goto(BASE + place);
  for (const [id, words] of Object.entries(WORDS)) if (await ada.locator(`#${id}`).isVisible() && !(await ada.inputValue(`#${id}`))) await ada.fill(`#${id}`, words);
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

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
try {
  if (process.env.PLACES) await pagesOf(browser, JSON.parse(process.env.PLACES));
  else if (process.env.TEAM) await team(browser, JSON.parse(process.env.TEAM));
  else if (process.env.LOST) await lost(browser);
  else if (process.env.FIRST) await firstWord(browser, process.env.FIRST);
  else if (process.env.TYPING) await typing(browser, process.env.TYPING);
  else await evening(browser);
  console.log(JSON.stringify({ measures, done: true }));
} catch (error) {
  const where = error.stack.match(/desk\.mjs:\d+/g);
  console.log(`it stops at ${where}: ${error.message.split("\n").slice(0, 40).join(" / ")}`);
}
await browser.close();

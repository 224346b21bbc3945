// Takes pictures of pages of the desk, as SHOTS (JSON) lists them: whose token, where, how wide and high, what is typed, and
// which part stands at the top.
import { chromium } from "playwright-core";

const { BASE, CHROMIUM, SHOTS } = process.env;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
for (const shot of JSON.parse(SHOTS)) {
  const context = await browser.newContext({ viewport: { width: shot.width, height: shot.height },
    locale: "en-GB", colorScheme: shot.dark ? "dark" : "light", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(`${BASE}/desk`);
  await page.fill("#token", shot.token);
  await Promise.all([page.waitForURL(`${BASE}/desk`), page.keyboard.press("Enter")]);
  await page.goto(`${BASE}${shot.place}`);
  for (const [field, text] of Object.entries(shot.typed)) await page.fill(`[name="${field}"]`, text);
  if (Object.keys(shot.typed).length) await page.waitForTimeout(2000);  // the previews follow what is typed
  await page.evaluate((at) => {
    document.activeElement.blur();
    for (const one of document.querySelectorAll("textarea")) one.scrollTop = 0;
    scrollTo(0, 0);
    if (at) document.querySelector(at).scrollIntoView();
  }, shot.at);
  await page.screenshot({ path: shot.path });
  await context.close();
}
await browser.close();

// Opens pages of `whippet interpret --out` in headless Chromium, offline: they
// load without asking for anything, log nothing, fit narrow screens, and all
// controls work, by keyboard too. Screenshots go to FOLDER.
//
// usage: NODE_PATH=... node report.mjs FOLDER PAGE.html...
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { statSync } from "node:fs";
import assert from "node:assert/strict";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [folder, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// use opens a page and hands it to check, which must leave it without a problem.
async function use(file, look, options, check) {
  const context = await browser.newContext({ offline: true, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (m) => problems.push(m.text()));
  page.on("pageerror", (e) => problems.push(String(e)));
  page.on("request", (r) => /^(data|file):/.test(r.url()) || problems.push("asks for " + r.url()));
  const began = Date.now();
  await page.goto("file://" + resolve(file));
  const ms = Date.now() - began;
  await check(page);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wider <= 0, `${file}, ${look}: ${wider} pixels wider than the screen`);
  assert.deepEqual(problems, [], `${file}, ${look}: the console, or the network`);
  await page.screenshot({ path: join(folder, `${basename(file, ".html")}-${look}.png`), fullPage: true });
  await context.close();
  console.log(`${basename(file)}, ${look}: ok, loaded in ${ms} ms`);
}

const column = (page, n) => page.$$eval("#scores tbody tr", (rows, n) => rows.filter((r) => !r.hidden).map((r) => r.cells[n].dataset.v), n);

// keyboard goes through the page with keys alone.
async function keyboard(page) {
  const before = await column(page, 0);
  assert.ok(before.length >= 2);
  // Sort by F1: tab to the heading's button, then press it.
  await page.focus("#filter");
  for (let i = 0; i < 10 && !(await page.evaluate(() => document.activeElement.textContent === "F1")); i++) await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "F1", "Tab reaches the headings");
  await page.keyboard.press("Enter");
  const up = (await column(page, 3)).map(Number);
  assert.deepEqual(up, [...up].sort((a, b) => a - b), "ascending after Enter");
  await page.keyboard.press("Space");
  const down = (await column(page, 3)).map(Number);
  assert.deepEqual(down, [...down].sort((a, b) => b - a), "descending after a second press");
  assert.equal(await page.getAttribute("#scores th:nth-child(4)", "aria-sort"), "descending");
  assert.deepEqual([...(await column(page, 0))].sort(), [...before].sort(), "sorting keeps all classes");
  // Filter.
  await page.focus("#filter");
  await page.keyboard.type(before[0].slice(0, 6));
  const left = await column(page, 0);
  assert.ok(left.includes(before[0]) && left.every((n) => n.toLowerCase().includes(before[0].slice(0, 6).toLowerCase())), "the filter");
  for (let i = 0; i < 6; i++) await page.keyboard.press("Backspace");
  assert.equal((await column(page, 0)).length, before.length);
  // The matrix.
  await page.focus("#grid");
  const says = () => page.innerText("#cell");
  const first = await says();
  await page.keyboard.press("n");
  assert.match(await says(), /taken for/);
  assert.notEqual(await says(), first, "N goes to another kind of mistake");
  const shown = await page.$$eval("#cell-pictures figure", (f) => f.length);
  assert.ok(shown > 0, "N shows pictures");
  assert.ok(await page.$eval("#cell-pictures img", async (i) => (await i.decode(), i.naturalWidth > 0)), "they are pictures");
  await page.keyboard.press("p");
  for (let i = 0; i < before.length; i++) { await page.keyboard.press("ArrowUp"); await page.keyboard.press("ArrowLeft"); }
  assert.match(await says(), /: \d+ right/, "arrows reach the corner");
  await page.keyboard.press("Enter");
  assert.ok((await page.$$("#cell-pictures img")).length > 0, "Enter shows right pictures");
  await page.keyboard.press("End");
  assert.match(await says(), /taken for/);
  // Top losses.
  const look = page.locator(".look").first();
  if (await look.count()) {
    const heat = await look.locator("img").getAttribute("src");
    await look.focus();
    await page.keyboard.press("Enter");
    assert.equal(await look.getAttribute("aria-pressed"), "false");
    assert.ok((await page.$$eval(".look[aria-pressed=true]", (b) => b.length)) >= 1, "only one picture changes");
    await page.focus("#heat");
    await page.keyboard.press("Space");
    assert.equal(await page.$$eval(".look[aria-pressed=true]", (b) => b.length), 0, "the box switches all");
    await page.keyboard.press("Space");
    assert.equal(await look.locator("img").getAttribute("src"), heat);
  }
  await page.focus("details summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.$eval("details", (d) => d.open));
  for (const img of await page.$$("main img")) assert.ok(await img.evaluate((i) => (i.decode().catch(() => {}), i.alt !== "")), "every picture has a text");
}

// pointer picks the last cell of the matrix.
async function pointer(page) {
  const box = await page.locator("#grid").boundingBox();
  await page.locator("#grid").click({ position: { x: box.width - 10, y: box.height - 10 } });
  assert.match(await page.innerText("#cell"), /: \d+ right/);
  await page.check("#share");
}

for (const file of pages) {
  const size = statSync(file).size;
  assert.ok(size < 15e6, `${file} has ${size} bytes`);
  await use(file, "keyboard", { viewport: { width: 1200, height: 900 } }, keyboard);
  await use(file, "dark", { viewport: { width: 1200, height: 900 }, colorScheme: "dark" }, pointer);
  await use(file, "phone", { viewport: { width: 360, height: 740 }, isMobile: true, deviceScaleFactor: 2 }, async () => {});
}
await browser.close();

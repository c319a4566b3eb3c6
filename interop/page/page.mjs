// Drives the web page of `whippet serve` in headless Chromium: choosing,
// dropping and pasting a picture, the ranking, Grad-CAM, errors, the keyboard
// alone, a phone's screen, dark colors; and checks that the page loads nothing
// from elsewhere and logs no error. Screenshots go to FOLDER.
//
// usage: NODE_PATH=... node page.mjs ADDRESS PICTURE FOLDER
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";

const { chromium, devices } = createRequire(import.meta.url)("playwright-core");
const [address, picture, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const bytes = readFileSync(picture);

async function open(name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !/status of 4/.test(m.text()) && problems.push(m.text()));
  page.on("pageerror", (e) => problems.push(String(e)));
  page.on("request", (r) => r.url().startsWith(address) || /^(data|blob):/.test(r.url()) || problems.push("asks for " + r.url()));
  await page.goto(address, { waitUntil: "networkidle" });
  return {
    page,
    shot: (suffix) => page.screenshot({ path: join(folder, `${name}-${suffix}.png`), fullPage: true }),
    explained: () => page.waitForFunction(() => document.querySelector("#ranking button[aria-pressed=true]") && document.querySelector("#status").innerText === ""),
    async close() {
      assert.deepEqual(problems, [], `${name}: the console, or the network`);
      await context.close();
      console.log(`${name}: ok`);
    },
  };
}

// Hands a file to the page as a drop or a paste would.
async function hand(page, kind, name, type, content) {
  await page.evaluate(([kind, name, type, base64]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data }) : new DragEvent("drop", { dataTransfer: data, cancelable: true });
    dispatchEvent(event);
  }, [kind, name, type, content.toString("base64")]);
}

{
  const { page, shot, explained, close } = await open("desktop", { viewport: { width: 1200, height: 850 }, colorScheme: "light" });
  await shot("empty");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#choose")]);
  await chooser.setFiles(picture);
  await explained();
  await shot("chosen");
  const ranks = await page.$$eval("#ranking button", (all) => all.map((b) => b.innerText.split("\n")));
  assert.equal(await page.innerText("#answer"), ranks[0][0]);
  const before = await page.getAttribute("#view", "src");
  await page.click("#ranking li:nth-child(2) button");
  await page.waitForFunction(() => document.querySelector("#ranking li:nth-child(2) button[aria-pressed=true]"));
  assert.notEqual(await page.getAttribute("#view", "src"), before, "another class has another map");
  await page.click("#heat");
  assert.equal(await page.getAttribute("#heat", "aria-pressed"), "false");
  await shot("without-heat");
  await hand(page, "drop", "notes.txt", "text/plain", Buffer.from("hello, no picture"));
  await page.waitForSelector("#status.bad");
  await shot("error");
  await hand(page, "drop", "cat.jpg", "image/jpeg", bytes);
  await explained();
  assert.equal(await page.innerText("#status"), "");
  await close();
}
{
  const { page, shot, explained, close } = await open("dark", { viewport: { width: 1000, height: 800 }, colorScheme: "dark" });
  await hand(page, "paste", "cat.jpg", "image/jpeg", bytes);
  await explained();
  await shot("pasted");
  await close();
}
{
  const { page, shot, explained, close } = await open("phone", { ...devices["iPhone 13"], defaultBrowserType: undefined });
  await shot("empty");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.tap("#photo")]);
  assert.equal(await page.getAttribute("#camera", "capture"), "environment");
  await chooser.setFiles(picture);
  await explained();
  await shot("photo");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the screen");
  for (const b of await page.$$("button:visible")) assert.ok((await b.boundingBox()).height >= 44, "every button can be hit with a thumb");
  await close();
}
{
  const { page, shot, explained, close } = await open("keyboard", { viewport: { width: 900, height: 800 } });
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.label || document.activeElement.tagName);
  for (let i = 0; i < 5 && (await focus()) !== "choose"; i++) await page.keyboard.press("Tab");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  await chooser.setFiles(picture);
  await explained();
  assert.equal(await focus(), "answer", "the answer is where a screen reader goes on");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#ranking li:nth-child(2) button[aria-pressed=true]"));
  await shot("second-class");
  await close();
}
await browser.close();

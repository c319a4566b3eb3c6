// whippet clean from end to end: drawn pictures with a wrong label and a
// near-duplicate, a model, decisions by mouse and keyboard, a process that is
// killed and goes on, and training on the table.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser, expect, finish, shots, whippet } from './help.mjs';

const wrong = [], dir = mkdtempSync(join(tmpdir(), 'whippet-clean-'));
const photos = join(dir, 'photos'), csv = join(dir, 'cleaned.csv'), bin = process.env.WHIPPET || 'whippet';
execFileSync(process.env.PICTURES || 'pictures', [photos]);
const small = ['--size', '48', '--presize', '64', '--batch', '4', '--seed', '3', '--threads', '1', '--workers', '1'];
execFileSync(bin, ['train', '--data', photos, '--label', 'folder', '--valid', 'folder:train,valid', '--arch', 'squeezenet1_1', '--weights', 'none', '--epochs', '1', ...small, '--out', join(dir, 'run')]);

function digest(folder) {
  const h = createHash('sha256');
  for (const f of readdirSync(folder, { recursive: true }).sort()) {
    const p = join(folder, f);
    if (statSync(p).isFile()) h.update(f).update(readFileSync(p)).update(String(statSync(p).mtimeMs));
  }
  return h.digest('hex');
}
const before = digest(photos);
const rows = () => readFileSync(csv, 'utf8').trim().split('\n').slice(1).map((l) => l.split(','));
const args = ['clean', join(dir, 'run'), '--out', csv, '--top', '20', '--workers', '1'];

let run = whippet(args);
let url = await run.ready;
expect(wrong, 'the address has a key', /\?key=\w{20,}/.test(url));
expect(wrong, 'the table is there at once, with every picture', rows().length === 38);
const base = url.split('?')[0];
for (const [what, path, init] of [
  ['reading without the key', 'api/review', {}],
  ['a picture without the key', 'api/picture?i=0', {}],
  ['deciding without the key', 'api/decide', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
]) expect(wrong, what + ' is refused', (await fetch(base + path, init)).status === 403);

const b = await browser(wrong);
let page = await b.page({ viewport: { width: 1280, height: 860 } });
await page.goto(url);
await page.waitForSelector('.panel img');
const loaded = () => page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth > 0));
await loaded();
await page.screenshot({ path: join(shots, 'clean-doubt.png'), fullPage: true });
const counts = () => page.textContent('#counts');
const name = () => page.textContent('.panel h2');
const saved = (text) => page.waitForFunction((t) => document.getElementById('saved').textContent.includes(t), text);
const label = async (file) => rows().find((r) => r[0] === file)?.[1];

// By keyboard: drop the first, and take it back.
const first = await name();
await page.keyboard.press('d');
await saved('Saved: ' + first + ' dropped');
expect(wrong, 'D drops', (await label(first)) === undefined && rows().length === 37);
await page.waitForFunction((f) => document.querySelector('.panel h2').textContent !== f, first);
expect(wrong, 'the page goes on by itself', true);
await page.keyboard.press('u');
await saved('Taken back');
expect(wrong, 'U takes it back', rows().length === 38 && (await name()) === first);
await page.keyboard.press('k');
await saved('Saved: ' + first + ' kept');
await page.waitForFunction((f) => document.querySelector('.panel h2').textContent !== f, first);

// By mouse, with the picker: another label.
const second = await name();
const old = await label(second);
const other = await page.evaluate((o) => [...document.querySelectorAll('#classes option')].map((x) => x.value).find((v) => v !== o), old);
await page.fill('.panel input', other);
await page.keyboard.press('Enter');
await saved('is ' + other);
expect(wrong, 'a label can be chosen', (await label(second)) === other);
await page.waitForFunction((f) => document.querySelector('.panel h2').textContent !== f, second);
const typed = page.locator('.panel input');
await typed.fill('no such class');
await typed.press('Enter');
expect(wrong, 'a class that is none is refused', /not one of the model/.test(await page.textContent('#alert')));
await typed.fill('');
await typed.press('Escape');

// Killed: everything decided is there when it is started again.
run.process.kill('SIGKILL');
await run.exit;
page.quiet = true;
await page.keyboard.press('d');
await page.waitForFunction(() => /does not answer/.test(document.getElementById('alert').textContent));
expect(wrong, 'the page says when the command is gone', true);
await page.close();
run = whippet(args);
url = await run.ready;
page = await b.page({ viewport: { width: 1280, height: 860 } });
await page.goto(url);
await page.waitForSelector('.panel img');
expect(wrong, 'it goes on where it was', /^2 of \d+ entries decided; of 38 pictures, 1 kept, 1 relabeled, 0 dropped/.test(await counts()));

// The near-duplicates come last.
const total = +(await page.textContent('#total'));
let pair = null;
for (let i = 1; i <= total && !pair; i++) {
  await page.fill('#number', String(i));
  await page.press('#number', 'Enter');
  const names = await page.locator('.panel h2').allTextContents();
  if (names.length === 2 && names.some((n) => n.endsWith('twin.jpg'))) pair = names;
}
expect(wrong, 'the recompressed copy is found: ' + pair, pair !== null && pair[0].startsWith('train/') && pair[0].endsWith('01.jpg'));
await loaded();
await page.screenshot({ path: join(shots, 'clean-pair.png'), fullPage: true });
await page.click('h1');
await page.keyboard.press('v');
await saved('twin.jpg dropped');
expect(wrong, 'V drops the validation picture and keeps the other', (await label(pair[1])) === undefined && (await label(pair[0])) !== undefined);
await page.setViewportSize({ width: 360, height: 780 });
await page.waitForTimeout(400);
expect(wrong, 'no sideways scrolling on a phone', await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
await page.emulateMedia({ colorScheme: 'dark' });
await loaded();
await page.screenshot({ path: join(shots, 'clean-phone-dark.png'), fullPage: true });
await page.click('#finish');
await page.waitForSelector('#end:not([hidden])');
await page.screenshot({ path: join(shots, 'clean-end.png') });
expect(wrong, 'exit code 0', await run.exit === 0);
expect(wrong, 'it says how to train', run.text.includes(`--label csv:${csv} --valid column:is_valid`));
expect(wrong, 'no picture was touched', digest(photos) === before);
await b.close();
execFileSync(bin, ['train', '--data', photos, '--label', 'csv:' + csv, '--valid', 'column:is_valid', '--arch', 'squeezenet1_1', '--weights', 'none', '--epochs', '1', ...small, '--out', join(dir, 'again')]);
expect(wrong, 'train takes the table', existsSync(join(dir, 'again', 'model.safetensors')));
finish(wrong);

// whippet clean from end to end: drawn pictures with a wrong label and a
// near-duplicate, a model, decisions by mouse and keyboard, a process that is
// killed and goes on, and training on the table.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
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
// Names may hold commas and quotes; labels and is_valid do not.
const rows = () => readFileSync(csv, 'utf8').trim().split('\n').slice(1).map((l) => {
  const [, path, label, valid] = l.match(/^(.*),([^,]*),([^,]*)$/);
  return [path.replace(/^"(.*)"$/, (_, p) => p.replaceAll('""', '"')), label, valid];
});
const args = ['clean', join(dir, 'run'), '--out', csv, '--top', '20', '--workers', '1'];

let run = whippet(args);
let url = await run.ready;
expect(wrong, 'the address has a key', /\?key=\w{20,}/.test(url));
expect(wrong, 'the table is there at once, with every picture', rows().length === 39);
const base = url.split('?')[0];
for (const [what, path, init] of [
  ['reading without the key', 'api/review', {}],
  ['a picture without the key', 'api/picture?i=0', {}],
  ['deciding without the key', 'api/decide', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
]) expect(wrong, what + ' is refused', (await fetch(base + path, init)).status === 403);

// Another site's page, by its own name that points here, or by a form it posts.
const status = (headers, path = 'api/review', method = 'GET') => new Promise((resolve, reject) => {
  const r = request(base + path, { method, headers: { 'X-Whippet-Key': url.split('key=')[1], ...headers } }, (a) => { a.resume(); resolve(a.statusCode); });
  r.on('error', reject);
  r.end(method === 'POST' ? '{}' : undefined);
});
expect(wrong, 'the key opens it', await status({}) === 200);
expect(wrong, 'a name that was made to point here is refused', await status({ Host: 'evil.example' }) === 421);
expect(wrong, 'another origin cannot decide', await status({ Origin: 'http://evil.example', 'Content-Type': 'application/json' }, 'api/decide', 'POST') === 403);
expect(wrong, 'nor can it finish', await status({ 'Sec-Fetch-Site': 'cross-site' }, 'api/finish', 'POST') === 403);

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
expect(wrong, 'D drops', (await label(first)) === undefined && rows().length === 38);
await page.waitForFunction((f) => document.querySelector('.panel h2').textContent !== f, first);
expect(wrong, 'the page goes on by itself', true);
await page.keyboard.press('u');
await saved('Taken back');
expect(wrong, 'U takes it back', rows().length === 39 && (await name()) === first);
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
expect(wrong, 'it goes on where it was', /^2 of \d+ entries decided; of 39 pictures, 1 kept, 1 relabeled, 0 dropped/.test(await counts()));

// A second tab decides; the first, looked at again, knows.
const tab = await b.page();
await tab.goto(url);
await tab.waitForSelector('.panel img');
const third = await tab.textContent('.panel h2');
await tab.keyboard.press('k');
await tab.waitForFunction((t) => document.getElementById('saved').textContent.includes(t), third + ' kept');
await tab.close();
await page.evaluate(() => dispatchEvent(new Event('focus')));
await page.waitForFunction(() => /^3 of .* 2 kept/.test(document.getElementById('counts').textContent));
expect(wrong, 'a decision of another tab, closed since, is there', (await page.textContent('.panel .state')) === 'kept');

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
let mirrored = null;
for (let i = 1; i <= total && !mirrored; i++) {
  await page.fill('#number', String(i));
  await page.press('#number', 'Enter');
  const names = await page.locator('.panel h2').allTextContents();
  if (names.length === 2 && names[1].includes('mirrored')) mirrored = names;
}
expect(wrong, 'the mirrored part is found: ' + mirrored, mirrored !== null && mirrored[0].endsWith('02.jpg'));
expect(wrong, 'and said to be so', /one mirrored, cropped/.test(await page.textContent('#why')));
await loaded();
await page.screenshot({ path: join(shots, 'clean-mirrored.png'), fullPage: true });
await page.click('h1');
await page.keyboard.press('t');
await saved('dropped');
expect(wrong, 'T drops the training picture', (await label(mirrored[0])) === undefined && (await label(mirrored[1])) !== undefined);
for (let i = 1; i <= total; i++) {
  await page.fill('#number', String(i));
  await page.press('#number', 'Enter');
  const names = await page.locator('.panel h2').allTextContents();
  if (names.length === 2 && names[1] === pair[1]) break;
}
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

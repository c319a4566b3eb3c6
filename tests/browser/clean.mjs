// whippet clean from end to end: a wrong label and near-duplicates, decisions by
// mouse and keyboard, two tabs, strangers, a command that is killed and goes on, and
// training on the table.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { common } from './common.mjs';
import { numbers, unlabeled } from './labeling.mjs';
import { finished, whippet } from './processes.mjs';

// digest tells whether anything in a folder was changed.
function digest(folder) {
  const h = createHash('sha256');
  for (const f of readdirSync(folder, { recursive: true }).sort()) {
    const p = join(folder, f);
    if (statSync(p).isFile()) h.update(f).update(readFileSync(p)).update(String(statSync(p).mtimeMs));
  }
  return h.digest('hex');
}

// rows reads a table: fields are as they are, or quoted with quotes doubled.
const rows = (file) => readFileSync(file, 'utf8').trim().split('\n').slice(1).map((line) =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain));

export async function clean({ chromium, expect, dir, run: trained, settings }) {
  const photos = join(dir, 'photos'), table = join(dir, 'cleaned.csv'), before = digest(photos);
  const args = ['clean', trained, '--out', table, '--top', '20', '--workers', '1'];
  let run = whippet(...args);
  let url = await run.address;
  expect('the address has a key', /\?key=\w{20,}/.test(url));
  expect('the table is there at once, with every picture', rows(table).length === 51);
  await strangers(expect, url);

  let page = await chromium.page();
  await page.goto(url);
  const open = () => page.until('an entry', () => document.querySelector('.panel img'));
  await open();
  await page.images();
  const name = () => page.text('.panel h2');
  const saved = (text, p = page) => p.until('a decision saved: ' + text, (t) => document.getElementById('saved').textContent.replace(/[\u2068\u2069]/g, '').includes(t), text);
  const next = (from) => page.until('the next entry', (f) => document.querySelector('.panel h2').textContent !== f, from);
  const label = (file) => rows(table).find((r) => r[0] === file)?.[1];

  // By keyboard: drop the first, and take it back.
  const first = await name();
  await page.press('d');
  await saved('Saved: ' + first + ' dropped');
  expect('D drops', label(first) === undefined && rows(table).length === 50);
  await next(first);
  expect('the page goes on by itself', true);
  await page.press('u');
  await saved('Taken back');
  expect('U takes it back', rows(table).length === 51 && await name() === first);
  await page.press('k');
  await saved('Saved: ' + first + ' kept');
  await next(first);

  // By the field: another label.
  const second = await name(), old = label(second);
  const other = await page.run((o) => [...document.querySelectorAll('#classes option')].map((x) => x.value).find((v) => v !== o), old);
  await page.fill('.panel input', other);
  await page.press('Enter');
  await saved('is ' + other);
  expect('a label can be chosen', label(second) === other);
  await next(second);
  await page.fill('.panel input', 'no such class');
  await page.press('Enter');
  expect('a class that is none is refused', /not one of the model/.test(await page.text('#alert')));
  await page.fill('.panel input', '');
  await page.press('Escape');
  await page.images();
  await common(expect, page, 'doubt');

  // Killed: everything decided is there when it is started again.
  run.process.kill('SIGKILL');
  await run.exit;
  page.expected = /Failed to load resource/;
  await page.press('d');
  await page.until('the page misses the command', () => /does not answer/.test(document.getElementById('alert').textContent));
  expect('the page says when the command is gone', true);
  await page.close();
  run = whippet(...args);
  url = await run.address;
  page = await chromium.page();
  await page.goto(url);
  await open();
  const counts = await page.text('#counts');
  expect('it goes on where it was', /^2 of \d+ entries decided; of 51 pictures, 1 kept, 1 relabeled, 0 dropped/.test(counts), counts);

  // A second tab decides; the first, looked at again, knows.
  const tab = await chromium.page();
  await tab.goto(url);
  await tab.until('an entry', () => document.querySelector('.panel img'));
  const third = await tab.text('.panel h2');
  await tab.press('k');
  await saved(third + ' kept', tab);
  await tab.close();
  await page.run(() => dispatchEvent(new Event('focus')));
  await page.until('the decision of the other tab', () => /^3 of .* 2 kept/.test(document.getElementById('counts').textContent));
  expect('a decision of another tab, closed since, is there', await page.text('.panel .state') === 'kept');

  // The near-duplicates come last.
  const total = +await page.text('#total');
  const find = async (end) => {
    for (let i = total; i > 0; i--) {
      await page.fill('#number', String(i));
      await page.press('Enter');
      const names = await page.texts('.panel h2');
      if (names.length === 2 && names[1].endsWith(end)) { await page.click('h1'); return names; }
    }
    return [];
  };
  const pair = await find('twin.jpg');
  expect('the recompressed copy is found', pair[0] === 'train/2-01.jpg', pair);
  await page.images();
  await common(expect, page, 'pair');
  const mirrored = await find('1.jpg');
  expect('the mirrored part is found', mirrored[0] === 'train/1-02.jpg' && mirrored[1] === 'valid/it\'s "mirrored", ü 鏡 &..#1.jpg', mirrored);
  expect('and said to be so', /one mirrored, cropped/.test(await page.text('#why')));
  await page.press('t');
  await saved('dropped');
  expect('T drops the training picture', label(mirrored[0]) === undefined && label(mirrored[1]) !== undefined);
  await find('twin.jpg');
  await page.press('v');
  await saved('twin.jpg dropped');
  expect('V drops the validation picture and keeps the other', label(pair[1]) === undefined && label(pair[0]) !== undefined);

  await page.until('the next entry', () => !document.querySelector('.panel .state').textContent);
  await page.images();
  await page.click('#finish');
  await page.until('the end', () => !document.getElementById('end').hidden);
  await common(expect, page, 'end');
  expect('the command ends well', await run.exit === 0);
  expect('it says how to train', run.text.includes(`--label csv:${table} --valid column:is_valid`));
  expect('no picture was touched', digest(photos) === before);
  await page.close();
  await finished('train', '--data', photos, '--label', 'csv:' + table, '--valid', 'column:is_valid', ...settings, '--epochs', '1', '--out', join(dir, 'again'));
  expect('train takes the table', existsSync(join(dir, 'again', 'model.safetensors')));
  await several({ chromium, expect, dir, photos, settings });
  await unlabeled({ chromium, expect, dir, photos, trained, rows });
  await numbers({ chromium, expect, dir, photos, settings, rows });
}

// several goes through pictures that may have several labels: each is given and taken by a press.
async function several({ chromium, expect, dir, photos, settings }) {
  const model = join(dir, 'several'), table = join(dir, 'several.csv');
  await finished('train', '--data', photos, '--label', 'csv:labels.csv', '--label-delim', ';;;', '--valid', 'column:is_valid', ...settings, '--epochs', '1', '--out', model);
  const run = whippet('clean', model, '--out', table, '--top', '5', '--pairs', '0', '--workers', '1');
  const page = await chromium.page();
  await page.goto(await run.address);
  await page.until('an entry', () => document.querySelector('.panel .labels button'));
  await page.images();
  const name = await page.text('.panel h2'), labels = () => rows(table).find((r) => r[0] === name)[1];
  const had = labels();
  expect('a label of the picture is pressed', await page.text('.labels [aria-pressed=true]') === '✓ \u2068' + had + '\u2069');
  const changed = (n) => page.until('a change of labels', (n) => document.querySelectorAll('.labels [aria-pressed=true]').length === n, n);
  await page.click('.labels [aria-pressed=false]');
  await changed(2);
  const sep = [';', '|', ',', '/', '\t', ';;'].find((c) => !had.includes(c) && labels().includes(c));
  expect('a label is added, and the page stays', labels().split(sep).length === 2 && labels().split(sep).includes(had) && await page.text('.panel h2') === name, labels());
  await common(expect, page, 'several labels');
  await page.click('.labels [aria-pressed=true]');
  await changed(1);
  await page.click('.labels [aria-pressed=true]');
  await changed(0);
  expect('a picture may have none', labels() === '' && /none of the labels/.test(await page.text('.panel .state')), labels());
  await page.fill('.panel input', had);
  await page.press('Enter');
  await changed(1);
  expect('a label is added by its name; the labels that it had mean to keep it', labels() === had && await page.text('.panel .state') === 'kept');
  await page.press('d');
  await page.until('the next entry', (n) => document.querySelector('.panel h2').textContent !== n, name);
  expect('D drops it', !rows(table).some((r) => r[0] === name));
  await page.press('u');
  await page.until('the decision before', () => document.getElementById('saved').textContent.includes('Taken back'));
  expect('U gives back what was decided before', labels() === had);
  await page.click('#finish');
  expect('the command ends well', await run.exit === 0);
  expect('it says how to train with several labels', run.text.includes(`${table}:labels`) && run.text.includes('--label-delim'), run.text);
  await page.close();
}

// strangers are those without the key, and pages of other sites that reach this
// machine by a name of their own or by a form that they post.
async function strangers(expect, url) {
  const base = url.split('?')[0];
  for (const [what, path, init] of [
    ['reading without the key', 'api/review', {}],
    ['a picture without the key', 'api/picture?i=0', {}],
    ['deciding without the key', 'api/decide', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
  ]) expect(what + ' is refused', (await fetch(base + path, init)).status === 403);
  const status = (headers, path = 'api/review', method = 'GET') => new Promise((resolve, reject) => {
    const r = request(base + path, { method, headers: { 'X-Whippet-Key': url.split('key=')[1], ...headers } }, (a) => { a.resume(); resolve(a.statusCode); });
    r.on('error', reject);
    r.end(method === 'POST' ? '{}' : undefined);
  });
  expect('the key opens it', await status({}) === 200);
  expect('a name that was made to point here is refused', await status({ Host: 'evil.example' }) === 421);
  expect('another origin cannot decide', await status({ Origin: 'http://evil.example', 'Content-Type': 'application/json' }, 'api/decide', 'POST') === 403);
  expect('nor can it finish', await status({ 'Sec-Fetch-Site': 'cross-site' }, 'api/finish', 'POST') === 403);
}

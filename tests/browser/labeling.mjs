// The page of clean for pictures that have other things than one label each: none yet, as whippet next
// chooses them, or numbers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { common } from './common.mjs';
import { finished, whippet } from './processes.mjs';

// unlabeled gives pictures that have no label their first one.
export async function unlabeled({ chromium, expect, dir, photos, trained, rows }) {
  const table = join(dir, 'first.csv');
  const run = whippet('next', trained, join(photos, 'valid'), '--top', '4', '--page', table);
  const page = await chromium.page();
  await page.goto(await run.address);
  await page.until('an entry', () => document.querySelector('.panel img'));
  await page.images();
  const name = () => page.text('.panel h2'), first = await name();
  const next = (from) => page.until('the next entry', (f) => document.querySelector('.panel h2').textContent !== f, from);
  expect('nothing is in the table at first', rows(table).length === 0);
  expect('there is nothing to keep', await page.run(() => !document.querySelector('button.keep')));
  expect('the page says why the picture is there', /unsure of this picture/.test(await page.text('#why')));
  await common(expect, page, 'unlabeled');
  await page.press('k');
  expect('K does nothing', rows(table).length === 0 && await name() === first);
  await page.press('r');
  await next(first);
  expect('R takes what the model says', rows(table).length === 1 && rows(table)[0][0].endsWith(first));
  const second = await name();
  const other = await page.run(() => document.querySelector('#classes option').value);
  await page.fill('.panel input', other);
  await page.press('Enter');
  await next(second);
  expect('a label can be chosen', rows(table).some((r) => r[0].endsWith(second) && r[1] === other), readFileSync(table, 'utf8'));
  const third = await name();
  await page.press('d');
  await next(third);
  expect('what is dropped is not in the table', rows(table).length === 2);
  await page.press('u');
  await page.until('the decision taken back', () => document.getElementById('saved').textContent.includes('Taken back'));
  expect('U goes back to it', await name() === third && rows(table).length === 2);
  await page.click('#finish');
  expect('the command ends well', await run.exit === 0);
  expect('it counts what was labeled', /2 pictures are labeled/.test(run.text), run.text);
  await page.close();
}

// numbers mends a number.
export async function numbers({ chromium, expect, dir, photos, settings, rows }) {
  const given = join(dir, 'numbers.csv'), model = join(dir, 'numbers'), table = join(dir, 'mended.csv');
  const quoted = (v) => `"${v.replaceAll('"', '""')}"`;
  writeFileSync(given, 'path,age,</script>,is_valid\n' + rows(join(photos, 'labels.csv')).map((r, i) => `${quoted(r[0])},${i % 7},${i % 5},${r[2]}\n`).join(''));
  const flags = (file) => ['--data', photos, '--label', `csv:${file}:age,</script>`, '--task', 'regression', '--range', '-1,8', '--valid', 'column:is_valid', ...settings, '--epochs', '1'];
  await finished('train', ...flags(given), '--out', model);
  const run = whippet('clean', model, '--out', table, '--top', '5', '--pairs', '0', '--workers', '1');
  const page = await chromium.page();
  await page.goto(await run.address);
  await page.until('an entry', () => document.querySelector('.panel .numbers input'));
  await page.images();
  const first = await page.text('.panel h2'), row = (name) => rows(table).find((r) => r[0] === name);
  const had = row(first);
  expect('the page says what is in the table and what the model says', (await page.text('#why')).replace(/[\u2068\u2069]/g, '').startsWith(`In the table age ${had[1]}, </script> ${had[2]}; the model says age `), await page.text('#why'));
  await common(expect, page, 'numbers');
  await page.fill('.numbers input', '42.5');
  await page.press('Enter');
  await page.until('the number saved', () => document.querySelector('.panel .state').textContent.startsWith('changed'));
  expect('a number is changed, the other stays, and so does the page', row(first)[1] === '42.5' && row(first)[2] === had[2] && await page.text('.panel h2') === first, row(first));
  await page.fill('.numbers input', had[1]);
  await page.press('Enter');
  await page.until('the number kept', () => document.querySelector('.panel .state').textContent === 'kept');
  expect('the number that it had means to keep it', row(first)[1] === had[1]);
  await page.press('Escape');
  await page.press('d');
  await page.until('the next entry', (n) => document.querySelector('.panel h2').textContent !== n, first);
  expect('D drops it', !row(first));
  const second = await page.text('.panel h2');
  await page.press('r');
  await page.until('the next entry', (n) => document.querySelector('.panel h2').textContent !== n, second);
  expect('R takes what the model says', row(second).slice(1, 3).every((v) => Number.isFinite(+v) && !/^\d$/.test(v)), row(second));
  await page.click('#finish');
  expect('the command ends well', await run.exit === 0);
  expect('it says how to train with numbers', run.text.includes('--task regression --range -1,8'), run.text);
  await page.close();
  await finished('train', ...flags(table), '--out', join(dir, 'mended'));
  expect('train takes the table', existsSync(join(dir, 'mended', 'model.safetensors')));
}

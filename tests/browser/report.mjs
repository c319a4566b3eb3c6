// Pages of whippet interpret --out: they need no network, every control works, by
// keyboard too, and they can be printed. One is of a real model; those of 37 and 200
// classes are drawn by the tests of interpret/page.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { common } from './common.mjs';
import { names } from './names.mjs';
import { finished } from './processes.mjs';

export async function report({ chromium, expect, dir, run, drawn }) {
  const real = join(dir, 'report.html');
  await finished('interpret', run, '--out', real);
  const page = await chromium.page({ offline: true });
  await page.goto('file://' + real);
  await keyboard(expect, page);
  await pointer(expect, page);
  await page.run(() => { for (const d of document.querySelectorAll('details')) d.open = true; });
  await common(expect, page, 'real', { names, print: true });
  const { data } = await page.send('Page.printToPDF', {});
  expect('it can be printed', Buffer.from(data, 'base64').subarray(0, 5).toString() === '%PDF-');
  await page.close();

  const folder = await drawn;
  const files = readdirSync(folder);
  expect('there are pages of few and many classes', files.length === 3, files.join());
  for (const file of files) {
    const bytes = statSync(join(folder, file)).size;
    expect(`${file} is smaller than 15 MB`, bytes < 15e6, bytes);
    const page = await chromium.page({ offline: true });
    await page.goto('file://' + join(folder, file));
    if (!file.includes('200')) await keyboard(expect, page); // drawn anew with every key
    await common(expect, page, file.replace('.html', ''), { print: true });
    await page.close();
  }
}

const column = (page, n) => page.run((n) => [...document.querySelectorAll('#scores tbody tr')].filter((r) => !r.hidden).map((r) => r.cells[n].dataset.v), n);
const same = (a, b) => a.join('\n') === b.join('\n');

// keyboard goes through the page with keys alone.
async function keyboard(expect, page) {
  const before = await column(page, 0);
  await page.focus('#filter');
  for (let i = 0; i < 10 && await page.run(() => document.activeElement.textContent) !== 'F1'; i++) await page.press('Tab');
  await page.press('Enter');
  const up = (await column(page, 3)).map(Number);
  expect('Enter on a heading sorts', same(up, [...up].sort((a, b) => a - b)));
  await page.press('Space');
  const down = (await column(page, 3)).map(Number);
  expect('pressed again, it sorts the other way', same(down, [...down].sort((a, b) => b - a)));
  expect('and says so', await page.attribute('#scores th:nth-child(4)', 'aria-sort') === 'descending');
  expect('sorting keeps all classes', same([...await column(page, 0)].sort(), [...before].sort()));

  await page.fill('#filter', before[0].slice(0, 6));
  const left = await column(page, 0);
  expect('the filter shows what was typed', left.includes(before[0]) && left.every((n) => n.toLowerCase().includes(before[0].slice(0, 6).toLowerCase())), left.join());
  await page.fill('#filter', '');
  expect('without it all classes are there', (await column(page, 0)).length === before.length);

  await page.focus('#grid');
  const says = () => page.text('#cell');
  await page.press('n');
  expect('N goes to a kind of mistake and shows its pictures', /taken for/.test(await says()) && await page.count('#cell-pictures figure') > 0, await says());
  await page.images();
  await page.press('p');
  for (let i = 0; i < before.length; i++) { await page.press('ArrowUp'); await page.press('ArrowLeft'); }
  expect('the arrows reach the corner', /: \d+ right/.test(await says()), await says());
  await page.press('Enter');
  expect('Enter shows its pictures', await page.count('#cell-pictures figure') > 0 || /: 0 right/.test(await says()));
  await page.press('End');
  expect('End goes to the last column', /taken for/.test(await says()), await says());

  const on = () => page.count('.look[aria-pressed=true]'), all = await on();
  const source = () => page.attribute('.look img', 'src'), heat = await source();
  await page.focus('.look');
  await page.press('Enter');
  expect('a picture shows itself without the heat', await on() === all - 1 && await source() !== heat);
  await page.focus('#heat');
  await page.press('Space');
  expect('the box switches all off', await on() === 0);
  await page.press('Space');
  expect('and on', await on() === all && await source() === heat);
  await page.focus('details summary');
  await page.press('Enter');
  expect('the numbers open', await page.run(() => document.querySelector('details').open));
  expect('every picture has a text', await page.run(() => [...document.querySelectorAll('main img')].every((i) => i.alt !== '')));
}

// pointer picks the last cell of the matrix.
async function pointer(expect, page) {
  await page.click('#grid', ({ width, height }) => [width - 14, height - 14]);
  expect('a click picks a cell', /: \d+ right/.test(await page.text('#cell')), await page.text('#cell'));
  await page.click('#share');
  expect('the matrix shows shares', await page.run(() => document.getElementById('share').checked));
}

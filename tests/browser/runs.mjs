// The page of whippet runs --out: it needs no network, its table is sorted and filtered
// by keyboard, and it can be printed.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { common } from './common.mjs';
import { names } from './names.mjs';
import { finished } from './processes.mjs';

export async function runs({ chromium, expect, dir, run }) {
  const folder = join(dir, 'runs'), file = join(dir, 'runs.html');
  const odd = names.filter((n) => !n.includes('/')); // a folder's name cannot have one
  odd.forEach((n, i) => {
    const to = join(folder, n);
    cpSync(run, to, { recursive: true, filter: (f) => !f.endsWith('.safetensors') });
    const settings = JSON.parse(readFileSync(join(to, 'config.json')));
    writeFileSync(join(to, 'config.json'), JSON.stringify({ ...settings, lr: `${i + 1}e-3`, label: names[0] }));
  });
  await finished('runs', folder, run, '--sort', 'valid_loss', '--out', file);
  const page = await chromium.page({ offline: true });
  await page.goto('file://' + file);

  const column = (n) => page.run((n) => [...document.querySelectorAll('#scores tbody tr')].filter((r) => !r.hidden).map((r) => r.cells[n].dataset.v), n);
  const heading = (name) => page.run((name) => [...document.querySelectorAll('#scores thead th')].findIndex((h) => h.textContent === name), name);
  const lr = await heading('lr'), before = await column(0);
  expect('it lists all runs', before.length === odd.length + 1, before.join('\n'));
  expect('settings that differ are columns, others are not', lr > 0 && await heading('arch') < 0);
  await page.focus(`#scores th:nth-child(${lr + 1}) button`);
  await page.press('Enter');
  const up = await column(lr);
  expect('Enter on a heading sorts words', up.join() === [...up].sort((a, b) => a.localeCompare(b)).join(), up.join());
  await page.fill('#filter', 'lr=1e-3');
  expect('the filter finds settings', (await column(0)).length === 1);
  await page.fill('#filter', '');
  expect('every figure has a curve', await page.count('img.plot') >= 3);
  await page.images();
  await page.run(() => { for (const d of document.querySelectorAll('details')) d.open = true; });
  await common(expect, page, 'runs', { names: odd, print: true });
  await page.close();
}

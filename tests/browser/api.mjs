// The page of whippet serve that shows openapi.json to people: every request, its
// parameters, bodies and answers.
import { common } from './common.mjs';
import { whippet } from './processes.mjs';

export async function api({ chromium, expect, run }) {
  const service = whippet('serve', run, '--address', 'localhost:0');
  const address = await service.address;
  const page = await chromium.page();
  await page.goto(address.replace(/\/$/, '') + '/api');
  await page.until('the requests', () => document.querySelectorAll('details').length > 0);
  const described = await page.run(async () => {
    const { paths } = await (await fetch('openapi.json')).json();
    return Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
  });
  const shown = await page.run(() => [...document.querySelectorAll('summary')].map((s) => s.querySelector('.method').textContent + ' ' + s.querySelector('code').textContent));
  expect('it has every request of openapi.json', [...shown].sort().join('\n') === described.sort().join('\n'), shown.join('\n'));
  await common(expect, page, 'closed');
  await page.focus('summary');
  await page.press('Enter');
  expect('the keyboard opens a request', await page.run(() => document.querySelector('details').open));
  await page.run(() => { for (const d of document.querySelectorAll('details')) d.open = true; });
  const bare = await page.run(() => [...document.querySelectorAll('details')].filter((d) => !d.querySelector('.more').innerText.includes('200')).map((d) => d.innerText));
  expect('every request says what it answers', bare.length === 0, bare.join('\n'));
  const holes = await page.run(() => document.body.innerText.match(/undefined|\[object Object\]|NaN/g) || []);
  expect('nothing is left out', holes.length === 0, holes.join());
  await common(expect, page, 'open');
  await page.close();
  service.process.kill('SIGTERM');
  await service.exit;
}

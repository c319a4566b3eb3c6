// The live page of a short real training run: it fills, survives a reload and
// the loss of the page, works by keyboard, and says when training is over.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser, expect, finish, shots, whippet } from './help.mjs';

const wrong = [], out = join(mkdtempSync(join(tmpdir(), 'whippet-watch-')), 'run');
const run = whippet(['train', '--watch', '--size', '64', '--epochs', '2', '--threads', '1', '--workers', '1', '--seed', '1', '--out', out]);
const url = await run.ready;
const b = await browser(wrong);
let page = await b.page({ viewport: { width: 1200, height: 900 } });
await page.goto(url);
await page.waitForFunction(() => document.querySelectorAll('#pictures figure').length === 8, null, { timeout: 60000 });
await page.waitForFunction(() => document.querySelector('svg.chart path').getAttribute('d').split('L').length > 20);
expect(wrong, 'throughput is shown', /^[\d.]+$/.test(await page.textContent('#rate')));
expect(wrong, 'time left is shown', /^\d\d:\d\d$/.test(await page.textContent('#left')));
expect(wrong, 'three charts', await page.locator('svg.chart').count() === 3);
await page.screenshot({ path: join(shots, 'watch-early.png'), fullPage: true });
await page.reload();
await page.waitForFunction(() => document.querySelector('svg.chart path')?.getAttribute('d').split('L').length > 20);
expect(wrong, 'a reload has the history', true);
const second = await b.page({ viewport: { width: 360, height: 800 }, colorScheme: 'dark' });
await second.goto(url);
await second.waitForFunction(() => document.querySelectorAll('tbody tr').length >= 1, null, { timeout: 120000 });
expect(wrong, 'no sideways scrolling on a phone', await second.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
await second.screenshot({ path: join(shots, 'watch-phone-dark.png'), fullPage: true });
await second.close();
await page.keyboard.press('l');
expect(wrong, 'L makes the loss logarithmic', await page.isChecked('#log'));
await page.focus('svg.chart');
await page.keyboard.press('Home');
expect(wrong, 'the keyboard reads a curve', /at step 1,/.test(await page.getAttribute('svg.chart', 'aria-label')));
await page.waitForFunction(() => document.body.dataset.end === 'done', null, { timeout: 180000 });
expect(wrong, 'the page says that training is done', /Training is done/.test(await page.textContent('#stage')));
expect(wrong, 'exit code 0', await run.exit === 0);
await page.waitForTimeout(3000); // an ended page must not ask again
expect(wrong, 'it stays so', /Training is done/.test(await page.textContent('#stage')));
await page.screenshot({ path: join(shots, 'watch-done.png'), fullPage: true });
await b.close();
finish(wrong);

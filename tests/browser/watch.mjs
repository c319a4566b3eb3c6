// The live page of a training run: it fills, survives a reload and the loss of the
// page, works by keyboard, and says when training is over.
import { common } from './common.mjs';
import { sleep } from './page.mjs';
import { names } from './names.mjs';

export async function watch({ chromium, expect, training }) {
  const page = await chromium.page();
  await page.goto(await training.address);
  await page.until('pictures of the batch', () => document.querySelectorAll('#pictures figure').length === 8);
  const curve = () => document.querySelector('svg.chart path')?.getAttribute('d').split('L').length > 20;
  await page.until('a curve', curve);
  expect('throughput is shown', /^[\d.]+$/.test(await page.text('#rate')));
  expect('time left is shown', /^\d\d:\d\d$/.test(await page.text('#left')));
  expect('there are three charts', await page.count('svg.chart') === 3);
  await page.reload();
  await page.until('the history after a reload', curve);
  await page.until('an epoch', () => document.querySelectorAll('tbody tr').length > 0);
  await page.press('l');
  expect('L makes the loss logarithmic', await page.run(() => document.getElementById('log').checked));
  await page.focus('svg.chart');
  await page.press('Home');
  expect('the keyboard reads a curve', /at step 1,/.test(await page.attribute('svg.chart', 'aria-label')));
  await common(expect, page, 'training');
  await page.until('the end', () => document.body.dataset.end === 'done');
  expect('the page says that training is done', /Training is done/.test(await page.text('#stage')));
  expect('the command ends well', await training.exit === 0);
  await sleep(2000); // an ended page must not ask again
  expect('the page stays as it is', /Training is done/.test(await page.text('#stage')));
  expect('a class of the batch is shown by its name', (await page.texts('#pictures figcaption')).every((n) => names.includes(n)));
  await common(expect, page, 'done');
  await page.close();
}

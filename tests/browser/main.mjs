// Checks all local pages in a headless Chromium. WHIPPET is the command, DIR an
// empty folder with the drawn pictures in photos, PAGES a folder of report pages.
import { join } from 'node:path';
import { api } from './api.mjs';
import { Chromium } from './chromium.mjs';
import { clean } from './clean.mjs';
import { whippet } from './processes.mjs';
import { report } from './report.mjs';
import { runs } from './runs.mjs';
import { tryit } from './tryit.mjs';
import { watch } from './watch.mjs';

// pages are all that whippet shows in a browser. watch comes first: what it watches
// is the training of the model that the others show.
const pages = { watch, clean, report, runs, tryit, api };

let checks = 0;
const wrong = [];
// expecting returns what notes that something is, or is not, as it should be.
function expecting(page) {
  const expect = (what, ok, detail = '') => {
    checks++;
    if (process.env.VERBOSE) console.log(`${ok ? 'ok   ' : 'WRONG'} ${page}: ${what}`);
    if (!ok) wrong.push(`${page}: ${what}` + `${detail && '\n'}${detail}`.replaceAll('\n', '\n    '));
  };
  expect.page = page;
  return expect;
}

const only = process.argv.slice(2);
const chromium = new Chromium();
const dir = process.env.DIR, run = join(dir, 'run');
const settings = ['--arch', 'squeezenet1_1', '--weights', 'none', '--size', '48', '--presize', '64', '--batch', '8', '--seed', '3', '--threads', '1', '--workers', '1'];
const training = whippet('train', '--watch', '--data', join(dir, 'photos'), '--label', 'csv:' + join(dir, 'photos', 'labels.csv'), '--valid', 'column:is_valid', ...settings, '--epochs', '200', '--out', run); // about ten seconds, in which the page is loaded twice
const context = { chromium, dir, run, settings, training, drawn: process.env.PAGES };
const check = async (name) => {
  if (only.length && !only.includes(name)) return;
  const began = Date.now();
  try {
    await pages[name]({ ...context, expect: expecting(name) });
  } catch (e) {
    wrong.push(`${name}: ${e.stack}`);
  }
  if (process.env.VERBOSE) console.log(`${name} took ${((Date.now() - began) / 1000).toFixed(1)} s`);
};
await check('watch');
await training.exit;
await Promise.all(Object.keys(pages).filter((name) => name !== 'watch').map(check));
await chromium.close();
if (wrong.length) {
  console.error(wrong.join('\n'));
  process.exit(1);
}
console.log(`${(only.length ? only : Object.keys(pages)).join(', ')}: ${checks} checks pass`);
process.exit(0);

// The page of whippet serve on which people try a model: choosing, dropping and
// pasting a picture, the ranking, Grad-CAM, mistakes, a token, the keyboard alone
// and a phone.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { common } from './common.mjs';
import { names } from './names.mjs';
import { whippet } from './processes.mjs';

// hand gives a file to the page as a drop or a paste does.
function hand(page, kind, name, type, content) {
  return page.run((kind, name, type, base64) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', { clipboardData: data }) : new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  }, kind, name, type, content.toString('base64'));
}

const explained = (page, n = 1) => page.until('where the model looked', (n) => document.querySelector(`#ranking li:nth-child(${n}) button[aria-pressed=true]`) &&
  document.getElementById('status').textContent === '' && document.getElementById('view').complete, n);

export async function tryit({ chromium, expect, dir, run }) {
  const picture = join(dir, 'photos', 'train', '1-03.jpg'), bytes = readFileSync(picture);
  const token = 'correct-horse-battery-staple-1234567890';
  writeFileSync(join(dir, 'tokens'), token + '\n');
  const model = join(run, 'model.safetensors');
  const service = whippet('serve', 'first=' + model, 'second_model=' + model, '--address', 'localhost:0', '--tokens', join(dir, 'tokens'));
  const address = await service.address;

  const open = async (look) => {
    const page = await chromium.page(look);
    page.expected = /status of 4\d\d/; // without the token, and for what is no picture
    page.answer = token;
    await page.goto(address);
    await page.until('the models', () => document.querySelectorAll('#model option').length === 2);
    return page;
  };
  let page = await open({});
  await common(expect, page, 'empty');
  await page.choose(() => page.click('#choose'), picture);
  await explained(page);
  const ranks = await page.texts('#ranking .name');
  expect('the answer is the first of the ranking', await page.text('#answer') === ranks[0]);
  expect('the ranking has all classes by their names', [...ranks].sort().join() === [...names].sort().join(), ranks.join('\n'));
  const first = await page.attribute('#view', 'src');
  await page.click('#ranking li:nth-child(2) button');
  await explained(page, 2);
  expect('another class has another map', await page.attribute('#view', 'src') !== first);
  await common(expect, page, 'answered', { names });
  await page.click('#heat');
  expect('the map can be switched off', await page.attribute('#heat', 'aria-pressed') === 'false');
  await hand(page, 'drop', 'notes.txt', 'text/plain', Buffer.from('hello, no picture'));
  await page.until('a complaint', () => document.querySelector('#status.bad'));
  await common(expect, page, 'mistaken');
  await hand(page, 'drop', 'cat.jpg', 'image/jpeg', bytes);
  await explained(page);
  await hand(page, 'paste', 'cat.jpg', 'image/jpeg', bytes);
  await explained(page);
  expect('dropping and pasting show a picture', await page.text('#status') === '');
  await page.close();

  page = await open({ width: 390, height: 844, phone: true });
  expect('a phone opens its camera', await page.attribute('#camera', 'capture') === 'environment');
  await page.choose(() => page.click('#photo'), picture);
  await explained(page);
  const small = await page.run(() => [...document.querySelectorAll('button')].filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 44).map((b) => b.textContent));
  expect('every button can be hit with a thumb', small.length === 0, small.join(', '));
  await page.close();

  page = await open({});
  const focus = () => page.run(() => document.activeElement.id || document.activeElement.dataset.label);
  for (let i = 0; i < 5 && await focus() !== 'choose'; i++) await page.press('Tab');
  await page.choose(() => page.press('Enter'), picture);
  await explained(page);
  expect('a screen reader goes on with the answer', await focus() === 'answer');
  await page.press('Tab');
  await page.press('Tab');
  await page.press('Enter');
  await explained(page, 2);
  expect('the keyboard chooses a class', true);
  await page.close();

  service.process.kill('SIGTERM');
  expect('the service ends well', await service.exit === 0);
}

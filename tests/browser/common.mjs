// What must hold of every page, however it looks at the moment.
import { sleep } from './page.mjs';

const looks = [
  ['light', {}],
  ['dark', { dark: true }],
  ['phone', { width: 390, height: 844, phone: true }],
  ['phone, dark', { width: 390, height: 844, phone: true, dark: true }],
];

// tooWide returns what makes a page wider than the screen.
const tooWide = () => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > most + 1).slice(0, 3).map((e) => e.outerHTML.slice(0, 80));
};

// common checks a page in light and dark, on a wide screen and on a phone's: it has
// a title and a language, nothing is wider than the screen, all text can be read,
// every control has a name and is reached by keyboard, names in any script stand
// apart from the text around them. names are those that the page must show as they
// are. A page that is to be printed is looked at on paper, too.
export async function common(expect, page, state, { names = [], print = false } = {}) {
  for (const [look, options] of looks) {
    await page.look(options);
    await sleep(150); // charts and canvases are drawn anew
    const wide = await page.run(tooWide);
    expect(`${state}, ${look}: nothing is wider than the screen`, wide.length === 0, wide.join('\n'));
    const low = await page.run(() => lowContrast(false));
    expect(`${state}, ${look}: text can be read`, low.length === 0, low.slice(0, 8).join('\n'));
    await page.shot(`${expect.page}-${state}-${look}`.replace(/[^\w-]+/g, '-'));
  }
  if (print) {
    for (const dark of [false, true]) {
      await page.look({ width: 720, print: true, dark });
      await sleep(150);
      const low = await page.run(() => lowContrast(true));
      expect(`${state}: paper is light${dark ? ', in dark colors too' : ''}`, low.length === 0, low.slice(0, 8).join('\n'));
      const wide = await page.run(tooWide);
      expect(`${state}: nothing is wider than paper`, wide.length === 0, wide.join('\n'));
      const cut = await page.run(() => [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && e.clientWidth > 0 &&
        getComputedStyle(e).overflowY !== 'visible' && e.scrollHeight > e.clientHeight + 1).map((e) => e.outerHTML.slice(0, 60)));
      expect(`${state}: paper shows all of it`, cut.length === 0, cut.join('\n'));
    }
    await page.shot(`${expect.page}-${state}-paper`);
  }
  await page.look({});
  await sleep(50);

  expect(`${state}: it has a title and a language`, await page.run(() => document.title !== '' && document.documentElement.lang === 'en'));
  const { nodes } = await page.send('Accessibility.getFullAXTree');
  const nameless = nodes.filter((n) => !n.ignored && /^(button|link|textbox|searchbox|combobox|checkbox|spinbutton|image|img|application|progressbar|region)$/.test(n.role?.value) && !n.name?.value);
  expect(`${state}: controls and pictures have names`, nameless.length === 0, nameless.map((n) => n.role.value).join(', '));

  const shown = await page.run(() => document.body.innerText + [...document.querySelectorAll('[alt], [aria-label], option')].map((e) => ` ${e.alt} ${e.ariaLabel} ${e.value}`).join(''));
  const missing = names.filter((n) => !shown.includes(n));
  expect(`${state}: odd names are shown as they are`, missing.length === 0, missing.join('\n'));
  const mixed = await page.run(() => {
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n; (n = walk.nextNode());) {
      const e = n.parentElement;
      if (!/[\u0590-\u08ff]/.test(n.data) || /[\u2066-\u2069]/.test(n.data) || !e.checkVisibility() || /^(script|option)$/.test(e.localName)) continue;
      const alone = e.textContent.trim() === n.data.trim() && /^[^A-Za-z]*$/.test(n.data.trim());
      if (!alone || !/isolate|plaintext/.test(getComputedStyle(e).unicodeBidi)) found.push(e.outerHTML.slice(0, 100));
    }
    return found;
  });
  expect(`${state}: names from right to left stand alone`, mixed.length === 0, mixed.slice(0, 5).join('\n'));

  await keyboard(expect, page, state);
  expect(`${state}: no error, and no request to elsewhere`, page.problems.length === 0, page.problems.slice(0, 5).join('\n'));
}

// keyboard goes through the page with Tab alone.
async function keyboard(expect, page, state) {
  const n = await page.run(() => {
    const controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0);
    const tabbed = window.tabbed = { missed: new Set(controls), bare: new Set() };
    tabbed.listen = (event) => {
      const e = event.target, s = getComputedStyle(e);
      tabbed.missed.delete(e);
      if (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) === 0) tabbed.bare.add(e);
    };
    document.activeElement.blur();
    addEventListener('focusin', tabbed.listen);
    return controls.length;
  });
  for (let i = 0; i < n + 8 && await page.run(() => tabbed.missed.size); i++) await page.press('Tab');
  const [missed, bare] = await page.run(() => {
    removeEventListener('focusin', tabbed.listen);
    document.activeElement.blur();
    scrollTo(0, 0);
    return [[...tabbed.missed], [...tabbed.bare]].map((l) => l.map((e) => e.outerHTML.slice(0, 80)));
  });
  expect(`${state}: the keyboard reaches every control`, missed.length === 0, missed.slice(0, 5).join('\n'));
  expect(`${state}: what has the focus is marked`, bare.length === 0, bare.slice(0, 5).join('\n'));
}

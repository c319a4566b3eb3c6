// One tab: looks at it, uses it as people do, and notes what it should not do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { observe } from './contrast.mjs';

// keys are those that are not a character, with what Chromium wants to know.
const keys = {
  Tab: 9, Enter: 13, Escape: 27, Space: 32, End: 35, Home: 36, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Backspace: 8, Delete: 46,
};

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Page {
  constructor(send, dispose) {
    this.send = send;
    this.dispose = dispose;
    this.problems = []; // errors, warnings, requests to elsewhere, dialogs
    this.expected = /^$/; // of them, those that belong to what is tried
    this.answer = null; // to a question that the page asks
    this.chooser = null; // takes the next chooser of files
    this.loaded = null; // is told when the page is there
  }

  // start prepares the tab; offline takes the network away.
  async start({ offline, ...look }) {
    await Promise.all(['Page', 'Runtime', 'Log', 'Network', 'DOM', 'Accessibility'].map((d) => this.send(d + '.enable')));
    await this.send('Emulation.setFocusEmulationEnabled', { enabled: true });
    await this.send('Page.setInterceptFileChooserDialog', { enabled: true });
    await this.send('Page.addScriptToEvaluateOnNewDocument', { source: observe });
    if (offline) await this.send('Network.emulateNetworkConditions', { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await this.look(look);
  }

  // look sets the size of the window, whether it is a phone, and the colors that
  // the user prefers; or that the page is printed.
  async look({ width = 1200, height = 860, phone = false, dark = false, print = false }) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: phone ? 2 : 1, mobile: phone });
    await this.send('Emulation.setTouchEmulationEnabled', { enabled: phone });
    await this.send('Emulation.setEmulatedMedia', { media: print ? 'print' : '', features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
  }

  event(method, p) {
    const note = (text) => { if (!this.expected.test(text) && !/willReadFrequently/.test(text)) this.problems.push(text.slice(0, 300)); }; // it is contrast.mjs that reads canvases
    switch (method) {
      case 'Runtime.exceptionThrown':
        note('exception: ' + (p.exceptionDetails.exception?.description || p.exceptionDetails.text));
        break;
      case 'Runtime.consoleAPICalled':
        note(`console.${p.type}: ` + p.args.map((a) => a.value ?? a.description).join(' '));
        break;
      case 'Log.entryAdded':
        if (['warning', 'error'].includes(p.entry.level)) note(`${p.entry.level}: ${p.entry.text} ${p.entry.url || ''}`);
        break;
      case 'Network.requestWillBeSent':
        if (!this.#own(p.request.url)) note('request to elsewhere: ' + p.request.url);
        break;
      case 'Page.javascriptDialogOpening':
        if (this.answer === null) note('dialog: ' + p.message);
        this.send('Page.handleJavaScriptDialog', { accept: true, promptText: this.answer ?? '' });
        break;
      case 'Page.fileChooserOpened':
        this.chooser?.(p.backendNodeId);
        break;
      case 'Page.loadEventFired':
        this.loaded?.();
        break;
    }
  }

  // own reports whether an address belongs to the page: its own server's, or what it
  // carries in itself. A file has nothing but itself.
  #own(url) {
    return /^(data|blob):/.test(url) || (this.origin === 'null' ? url === this.url : new URL(url).origin === this.origin);
  }

  // goto loads an address and waits until it and what it names is there. From
  // then on requests may go to the same origin only.
  async goto(url) {
    this.url = url;
    this.origin = new URL(url).origin;
    const loaded = new Promise((resolve) => { this.loaded = resolve; });
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  async reload() {
    const loaded = new Promise((resolve) => { this.loaded = resolve; });
    await this.send('Page.reload');
    await loaded;
  }

  // run calls a function in the page and returns its result, which must be plain.
  async run(f, ...args) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression: `(${f})(...${JSON.stringify(args)})`, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description || exceptionDetails.text}`);
    return result.value;
  }

  // until waits for a function of the page to return something true, and returns it.
  async until(what, f, ...args) {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(25)) {
      const v = await this.run(f, ...args);
      if (v) return v;
    }
    throw new Error(`waited a minute in vain: ${what}`);
  }

  text(selector) { return this.run((s) => document.querySelector(s).textContent, selector); }
  texts(selector) { return this.run((s) => [...document.querySelectorAll(s)].map((e) => e.textContent), selector); }
  attribute(selector, name) { return this.run((s, n) => document.querySelector(s).getAttribute(n), selector, name); }
  count(selector) { return this.run((s) => document.querySelectorAll(s).length, selector); }
  focus(selector) { return this.run((s) => document.querySelector(s).focus(), selector); }
  // images waits until all pictures are there.
  images() { return this.until('pictures', () => [...document.images].every((i) => i.complete && i.naturalWidth > 0)); }

  // press presses a key and lets it go: a character, or a name of keys.
  async press(key) {
    const named = keys[key];
    const text = named ? { Enter: '\r', Space: ' ' }[key] : key;
    const event = { key: key === 'Space' ? ' ' : key, code: named ? key : '', windowsVirtualKeyCode: named || key.toUpperCase().charCodeAt(0), text };
    await this.send('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event, text: undefined });
  }

  // type writes text into what has the focus.
  type(text) { return this.send('Input.insertText', { text }); }

  // fill replaces what is in a field.
  async fill(selector, text) {
    await this.run((s) => { const e = document.querySelector(s); e.focus(); e.select(); }, selector);
    if (text) await this.type(text);
    else await this.press('Backspace');
  }

  // click clicks into the middle of an element, or at a place within it.
  async click(selector, at = null) {
    const box = await this.run((s) => {
      const e = document.querySelector(s);
      e.scrollIntoView({ block: 'center', behavior: 'instant' });
      const b = e.getBoundingClientRect();
      return { x: b.x, y: b.y, width: b.width, height: b.height };
    }, selector);
    const [dx, dy] = at ? at(box) : [box.width / 2, box.height / 2];
    const place = { x: box.x + dx, y: box.y + dy, button: 'left', clickCount: 1 };
    await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...place });
    await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...place });
  }

  // choose does what opens a chooser of files, and chooses one.
  async choose(act, file) {
    const opened = new Promise((resolve) => { this.chooser = resolve; });
    await act();
    const backendNodeId = await Promise.race([opened, sleep(30_000).then(() => { throw new Error('no chooser of files'); })]);
    await this.send('DOM.setFileInputFiles', { files: [file], backendNodeId });
  }

  // shot keeps a screenshot of the whole page where SHOTS says; nowhere if it does not.
  async shot(name) {
    if (!process.env.SHOTS) return;
    const { cssContentSize: { width, height } } = await this.send('Page.getLayoutMetrics');
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true, clip: { x: 0, y: 0, width, height: Math.min(height, 8000), scale: 1 } });
    writeFileSync(join(process.env.SHOTS, name + '.png'), Buffer.from(data, 'base64'));
  }

  close() { return this.dispose(); }
}

// A headless Chromium, driven by its DevTools protocol over a pair of pipes: what
// is written to file descriptor 3 are commands, what comes from 4 are answers and
// events, JSON ended by a zero byte. Nothing but Node.js is needed.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Page } from './page.mjs';
import { own } from './processes.mjs';

export class Chromium {
  constructor() {
    const flags = ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
      '--user-data-dir=' + mkdtempSync(join(tmpdir(), 'chromium-')),
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--disable-extensions',
      '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'];
    this.process = own(spawn(process.env.CHROMIUM || 'chromium', flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] }));
    this.input = this.process.stdio[3];
    this.last = 0;
    this.waiting = new Map(); // by the number of a command: what takes its answer
    this.sessions = new Map(); // by session: what takes its events
    this.process.on('exit', () => { for (const w of this.waiting.values()) w.reject(new Error('Chromium ended')); });
    this.input.on('error', () => {}); // it has ended, which every command says
    let rest = Buffer.alloc(0);
    this.process.stdio[4].on('data', (b) => {
      rest = Buffer.concat([rest, b]);
      for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) this.#take(JSON.parse(rest.subarray(0, end).toString()));
    });
  }

  #take(m) {
    if (!m.id) { this.sessions.get(m.sessionId)?.(m.method, m.params); return; }
    const w = this.waiting.get(m.id);
    this.waiting.delete(m.id);
    if (m.error) w.reject(new Error(`${w.method}: ${m.error.message}`));
    else w.resolve(m.result);
  }

  // send gives Chromium a command, of one page if a session is named, and returns
  // the answer.
  send(method, params = {}, sessionId = undefined) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, method });
      this.input.write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    });
  }

  // page opens a tab of its own, without cookies or storage of the others. Its
  // options are those of Page.look, and offline.
  async page(options = {}) {
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, params) => this.send(method, params, sessionId), () => this.send('Target.disposeBrowserContext', { browserContextId }));
    this.sessions.set(sessionId, (method, params) => page.event(method, params));
    await page.start(options);
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    await this.send('Browser.close').catch(() => {}); // it may end before it answers
    await ended;
  }
}

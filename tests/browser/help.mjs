// What the browser checks share: whippet as a process, Chromium, complaints.
import { createRequire } from 'node:module';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(import.meta.url)('playwright-core');

// whippet starts the command and waits until it prints an address.
export function whippet(args, options = {}) {
  const p = spawn(process.env.WHIPPET || 'whippet', args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const run = { text: '', url: null, process: p };
  run.exit = new Promise((resolve) => p.on('exit', (code) => resolve(code)));
  run.ready = new Promise((resolve, reject) => {
    const take = (b) => {
      run.text += b;
      const m = run.text.match(/http:\/\/[\d.]+:\d+\/\S*/);
      if (m && !run.url) { run.url = m[0]; resolve(run.url); }
    };
    p.stdout.on('data', take);
    p.stderr.on('data', take);
    p.on('exit', () => reject(new Error('whippet ended without an address:\n' + run.text)));
  });
  return run;
}

// browser opens Chromium. Every request that leaves the machine and every
// message of the console that is an error is collected in wrong.
export async function browser(wrong) {
  const b = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = async (options) => {
    const context = await b.newContext(options);
    const pg = await context.newPage();
    pg.on('console', (m) => { if (m.type() === 'error' && !pg.quiet) wrong.push('console: ' + m.text()); });
    pg.on('pageerror', (e) => wrong.push('page: ' + e.message));
    pg.on('request', (r) => { if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(r.url())) wrong.push('request: ' + r.url()); });
    return pg;
  };
  return { page, close: () => b.close() };
}

export const shots = process.env.SHOTS || mkdtempSync(join(tmpdir(), 'whippet-shots-'));

// expect notes what is not as it should be.
export function expect(wrong, what, ok) {
  console.log((ok ? 'ok    ' : 'WRONG ') + what);
  if (!ok) wrong.push(what);
}

export function finish(wrong) {
  console.log('screenshots in ' + shots);
  if (wrong.length) {
    console.error('WRONG:\n' + [...new Set(wrong)].slice(0, 20).join('\n'));
    process.exit(1);
  }
}

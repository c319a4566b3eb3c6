// The processes that the checks start: Chromium and whippet. None outlives them.
import { spawn } from 'node:child_process';

const running = new Set();

// own makes a process end with this one, however this one ends.
export function own(p) {
  running.add(p);
  p.on('exit', () => running.delete(p));
  return p;
}

process.on('exit', () => { for (const p of running) p.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// whippet starts the command. The result has the text that it has printed so far,
// a promise of the address in it, and one of its exit code.
export function whippet(...args) {
  const p = own(spawn(process.env.WHIPPET, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  const run = { text: '', process: p };
  run.exit = new Promise((resolve) => p.on('exit', resolve));
  run.address = new Promise((resolve, reject) => {
    const take = (b) => {
      run.text += b;
      const m = run.text.match(/http:\/\/[\w.]+:\d+[^\s"]*/);
      if (m) resolve(m[0]);
    };
    p.stdout.on('data', take);
    p.stderr.on('data', take);
    p.on('exit', () => reject(new Error(`whippet ${args[0]} ended without an address:\n${run.text}`)));
  });
  run.address.catch(() => {}); // not every command has one
  return run;
}

// finished runs the command to its end and returns what it printed.
export async function finished(...args) {
  const run = whippet(...args);
  const code = await run.exit;
  if (code !== 0) throw new Error(`whippet ${args.join(' ')} ended with ${code}:\n${run.text}`);
  return run.text;
}

'use strict';
// The page of a run in training. It gets server-sent events that say what is
// new, keeps the histories, and draws at most once a frame.

const $ = (id) => document.getElementById(id);
let points = [], rows = [], tip = null, status = null, batch = null, shown = 0, received = 0, lost = false, ended = false;
const charts = {};

function chart(name) { return charts[name] || (charts[name] = new Chart($('charts'), name)); }

function clock(s) {
  if (s === null || !isFinite(s)) return '–';
  s = Math.max(0, Math.round(s));
  const two = (n) => String(n).padStart(2, '0');
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

function take(u) {
  points.length = Math.min(points.length, u.curve.from);
  points.push(...u.curve.points);
  tip = u.curve.tip;
  rows.length = Math.min(rows.length, u.epochs.from);
  rows.push(...u.epochs.rows);
  status = u.status;
  batch = u.batch;
  received = Date.now();
  ended = status.stage === 'ended';
}

function say(text, end) {
  if ($('stage').textContent !== text) $('stage').textContent = text;
  document.body.dataset.end = end || '';
}

// numbers shows what changes every second.
function numbers() {
  if (!status) return;
  const s = status, since = ended ? 0 : (Date.now() - received) / 1000;
  const phase = (s.phases > 1 ? `phase ${s.phase + 1} of ${s.phases}, ` : '') + (s.frozen ? 'only the head trains' : 'all layers train');
  if (ended) say(s.text || 'Training has ended.', s.end || 'done');
  else if (lost) say('No answer from the run: it ended or is being restarted. Trying again…', 'lost');
  else if (s.stage === 'starting') say('Waiting for the first step');
  else say((s.stage === 'validating' ? 'Validating' : 'Training') + ': ' + phase);
  $('title').textContent = s.title || 'Training';
  $('epoch').textContent = s.epochs ? `${Math.min(s.epoch + 1, s.epochs)} of ${s.epochs}${s.size ? `, ${s.size}×${s.size}` : ''}` : '–';
  $('iter').textContent = s.iters ? `${s.iter} of ${s.iters}` : '–';
  $('rate').textContent = s.rate ? (s.rate < 100 ? s.rate.toFixed(1) : s.rate.toFixed(0)) : '–';
  $('elapsed').textContent = clock(s.elapsed + (lost ? 0 : since));
  $('left').textContent = ended ? '–' : s.left === null ? '–' : clock(s.left - (lost ? 0 : since));
  let share = s.total ? s.step / s.total : s.epochs * s.iters ? (s.epoch * s.iters + s.iter) / (s.epochs * s.iters) : 0;
  if (ended && s.end === 'done') share = 1;
  share = Math.min(share, 1);
  $('bar').firstElementChild.style.width = (100 * share).toFixed(1) + '%';
  $('bar').setAttribute('aria-valuenow', Math.round(100 * share));
  document.title = (ended ? (s.end === 'done' ? 'Done' : 'Ended') : lost ? '?' : Math.round(100 * share) + ' %') + ' · ' + (s.title || 'Whippet');
}

function curves() {
  const all = tip ? points.concat([tip]) : points;
  const end = Math.max(all.length ? all[all.length - 1][0] : 1, status ? status.step : 1);
  const marks = rows.map((r) => r.step);
  const log = $('log').checked;
  chart('Loss').set([
    { name: 'batch', color: '--faint', faint: true, points: all.map((p) => [p[0], p[1]]) },
    { name: 'training', color: '--a', points: all.map((p) => [p[0], p[2]]) },
    { name: 'validation', color: '--b', dots: true, points: rows.map((r) => [r.step, r.valid_loss]) },
  ], marks, end, log);
  chart('Learning rate').set([{ name: 'last layers', color: '--a', points: all.map((p) => [p[0], p[3]]) }], marks, end, false);
  (status ? status.metrics : []).forEach((m, i) => {
    const better = status.higher[i] ? 'validation (higher is better)' : 'validation (lower is better)';
    chart(m).set([{ name: better, color: '--c', dots: true, points: rows.map((r) => [r.step, i < r.metrics.length ? r.metrics[i] : null]) }], marks, end, false);
  });
}

function table() {
  $('history').hidden = !rows.length;
  if (!rows.length) return;
  const line = (tag, cells) => {
    const tr = document.createElement('tr');
    for (const c of cells) {
      const e = document.createElement(tag);
      if (tag === 'th') e.scope = 'col';
      e.textContent = c;
      tr.append(e);
    }
    return tr;
  };
  const six = (v) => v === null || v === undefined ? '–' : v.toFixed(6);
  document.querySelector('thead').replaceChildren(line('th', ['phase', 'epoch', 'train_loss', 'valid_loss', ...status.metrics, 'time']));
  document.querySelector('tbody').replaceChildren(...rows.slice().reverse().map((r) =>
    line('td', [r.phase + 1, r.epoch + 1, six(r.train_loss), six(r.valid_loss), ...r.metrics.map(six), clock(r.seconds)])));
}

function pictures() {
  if (ended || !batch || !batch.n || batch.n === shown) return; // an ended run answers no more
  shown = batch.n;
  const b = batch, image = new Image();
  image.src = 'batch.jpg?n=' + b.n;
  image.decode().then(() => {
    if (b.n !== shown) return;
    $('batchstep').textContent = b.step;
    $('pictures').replaceChildren(...b.labels.map((label, i) => {
      const f = document.createElement('figure'), d = document.createElement('div'), c = document.createElement('figcaption');
      const col = i % b.columns, row = Math.floor(i / b.columns);
      d.style.aspectRatio = `${b.width} / ${b.height}`;
      d.style.backgroundImage = `url("${image.src}")`;
      d.style.backgroundSize = `${100 * b.columns}% ${100 * b.rows}%`;
      d.style.backgroundPosition = `${b.columns > 1 ? 100 * col / (b.columns - 1) : 0}% ${b.rows > 1 ? 100 * row / (b.rows - 1) : 0}%`;
      d.setAttribute('role', 'img');
      d.setAttribute('aria-label', label || 'picture of the batch');
      c.textContent = label;
      f.append(d, c);
      return f;
    }));
    $('batch').hidden = false;
  }).catch(() => {}); // newer pictures come
}

let due = false, rowsDrawn = '';
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    numbers();
    if ($('hold').checked) return;
    curves();
    pictures();
    const key = rows.length + '/' + (rows.length ? rows[rows.length - 1].n : 0);
    if (key !== rowsDrawn) { rowsDrawn = key; table(); }
  });
}

const source = new EventSource('events');
source.onmessage = (e) => {
  lost = false;
  take(JSON.parse(e.data));
  if (ended) source.close();
  draw();
};
source.onopen = () => { points = []; rows = []; rowsDrawn = ''; shown = 0; }; // the server begins anew with each connection
source.onerror = () => { if (!ended) { lost = true; numbers(); if (!status) say('No answer from the run.', 'lost'); } };

setInterval(numbers, 1000);
addEventListener('resize', draw);
$('log').addEventListener('change', draw);
$('hold').addEventListener('change', draw);
addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const box = { l: 'log', p: 'hold' }[e.key.toLowerCase()];
  if (box) $(box).click();
});

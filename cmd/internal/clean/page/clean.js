'use strict';
// Goes through the entries of a review. Every decision is sent at once and
// counts only when the server says that it is saved.

const $ = (id) => document.getElementById(id);
const key = new URLSearchParams(location.search).get('key') || '';
let review = null, at = 0, active = 0, history = [], busy = false, advance = 0;

function make(tag, attrs, ...children) {
  const e = document.createElement(tag);
  Object.assign(e, attrs);
  e.append(...children);
  return e;
}

function alarm(text) {
  $('alert').textContent = text;
  $('alert').hidden = !text;
}

async function call(path, body) {
  const r = await fetch('api/' + path, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'X-Whippet-Key': key, 'Content-Type': 'application/json' } : { 'X-Whippet-Key': key },
    body: body && JSON.stringify(body),
  });
  const text = await r.text();
  if (!r.ok) throw new Error(text.trim() || `status ${r.status}`);
  return JSON.parse(text);
}

// apart keeps a name that runs from right to left from turning the text around it.
const apart = (name) => `\u2068${name}\u2069`;
const entry = () => review.entries[at];
const picture = (i) => review.pictures[i];
const same = (a, b) => a.length === b.length && a.every((v) => b.includes(v));
// called is labels, as names, in words.
const called = (names) => review.numbers ? names.map((v, k) => `${apart(review.vocab[k])} ${v}`).join(', ') : names.length ? names.map(apart).join(', ') : 'none of the labels';
const labelsOf = (p) => review.numbers ? p.numbers : p.labels.map((k) => review.vocab[k]);
const differ = (a, b) => review.numbers ? a.numbers.some((v, k) => v !== b.numbers[k]) : !same(a.labels, b.labels);
// now is the labels that a picture has as decided.
const now = (p) => p.decision && p.decision.action === 'relabel' ? labelsIn(p.decision) : labelsOf(p);
const labelsIn = (d) => review.numbers ? d.numbers : review.several ? d.labels || [] : [d.label];
const decided = (e) => e.pictures.every((i) => picture(i).decision);

// decide sends decisions [[picture, action, labels]], and goes on to the next entry unless it is to stay.
async function decide(list, { undoing, stay } = {}) {
  if (busy || review.over) return;
  busy = true;
  const before = list.map(([i]) => { const d = picture(i).decision; return [i, d ? d.action : '', d && d.action === 'relabel' ? labelsIn(d) : []]; });
  const decision = (action, labels) => action !== 'relabel' ? { action } : review.numbers ? { action, numbers: labels } : review.several ? { action, labels } : { action, label: labels[0] };
  try {
    review.counts = await call('decide', { decisions: list.map(([i, action, labels]) => ({ picture: i, ...decision(action, labels) })) });
    alarm('');
    for (const [i, action, labels] of list) picture(i).decision = action ? decision(action, labels) : null;
    if (!undoing) history.push({ at, before });
    $('saved').textContent = (undoing ? 'Taken back: ' : 'Saved: ') + list.map(([i]) => says(picture(i))).join('; ');
    show();
    if (!undoing && !stay && decided(entry())) {
      clearTimeout(advance);
      const from = at;
      advance = setTimeout(() => { if (at === from) undecided(); }, 250);
    }
  } catch (e) {
    alarm('Not saved. ' + (e instanceof TypeError ? 'The command does not answer: was it ended? Start it again to go on.' : e.message));
  } finally {
    busy = false;
  }
}

function says(p) {
  const d = p.decision;
  if (!d) return `${apart(p.name)} undecided`;
  return apart(p.name) + ' ' + { keep: 'kept', drop: 'dropped', relabel: 'is ' + called(d.action === 'relabel' ? labelsIn(d) : []) }[d.action];
}

function undo() {
  const h = history.pop();
  if (!h) { $('saved').textContent = 'There is nothing to take back in this sitting.'; return; }
  clearTimeout(advance);
  go(h.at);
  decide(h.before, { undoing: true });
}

function go(n) {
  clearTimeout(advance);
  at = Math.min(Math.max(n, 0), review.entries.length - 1);
  active = 0;
  show();
}

function undecided() {
  const n = review.entries.length;
  for (let k = 1; k <= n; k++) {
    const i = (at + k) % n;
    if (!decided(review.entries[i])) { go(i); return; }
  }
  $('saved').textContent = 'Every entry is decided. Press Finish, or look at some again.';
}

const counted = (c) => review.unlabeled ? `${c.relabeled} labeled, ${c.dropped} dropped` : `${c.kept} kept, ${c.relabeled} ${review.numbers ? 'changed' : 'relabeled'}, ${c.dropped} dropped`;

// suggestion is the labels that the model would give instead, null if it agrees.
function suggestion(p) {
  if (review.numbers) return p.opinion ? p.opinion.numbers : null;
  return p.opinion && (review.unlabeled || !same(p.opinion.answer, p.labels)) ? p.opinion.answer.map((k) => review.vocab[k]) : null;
}

// toggle gives a picture that may have several labels one more, or takes it away.
function toggle(i, name) {
  const p = picture(i), has = now(p);
  const labels = has.includes(name) ? has.filter((v) => v !== name) : review.vocab.filter((v) => v === name || has.includes(v));
  decide([!review.unlabeled && same(labels, labelsOf(p)) ? [i, 'keep'] : [i, 'relabel', labels]], { stay: true });
}

// boxes are the labels of a picture that may have several: those that it has, had, or may have by the model.
function boxes(i, k) {
  const p = picture(i), has = now(p);
  const may = new Set([...labelsOf(p), ...has, ...(p.opinion ? p.opinion.answer.concat(p.opinion.top.slice(0, 3).map((g) => g.class)).map((c) => review.vocab[c]) : [])]);
  const box = make('div', { className: 'labels', role: 'group' });
  box.setAttribute('aria-label', 'labels of ' + p.name);
  for (const name of review.vocab.filter((v) => may.has(v))) {
    const b = make('button', { className: 'label' }, (has.includes(name) ? '✓ ' : '+ ') + apart(name));
    b.setAttribute('aria-pressed', has.includes(name));
    b.addEventListener('click', () => { active = k; toggle(i, name); });
    box.append(b);
  }
  return box;
}

// fields are the numbers of a picture, to be mended.
function fields(i, k) {
  const p = picture(i), has = now(p), box = make('div', { className: 'numbers', role: 'group' });
  box.setAttribute('aria-label', 'numbers of ' + p.name);
  for (const [n, name] of review.vocab.entries()) {
    const input = make('input', { type: 'number', step: 'any', value: has[n], autocomplete: 'off' });
    input.setAttribute('aria-label', `${name} of ${p.name}`);
    input.addEventListener('change', () => {
      active = k;
      if (input.value === '') { alarm(`${apart(name)} needs a number.`); return; }
      const numbers = now(p).map((v, m) => m === n ? input.value : v);
      decide([numbers.every((v, m) => v === p.numbers[m]) ? [i, 'keep'] : [i, 'relabel', numbers]], { stay: true });
    });
    input.addEventListener('keydown', (e) => { if (e.key === 'Escape') input.blur(); });
    box.append(make('label', {}, apart(name) + ' ', input));
  }
  return box;
}

function panel(i, k) {
  const p = picture(i), d = p.decision;
  const img = make('img', { alt: review.unlabeled ? `${p.name}, without a label` : `${p.name}, ${review.numbers ? 'with' : 'labeled'} ${called(labelsOf(p))}`, src: `api/picture?i=${i}&key=${encodeURIComponent(key)}` });
  img.addEventListener('error', () => { if (!review.over) alarm(`${apart(p.name)} cannot be shown.`); });
  const side = make('div', {});
  const f = make('section', { className: 'panel' + (k === active ? ' active' : '') + (d && d.action === 'drop' ? ' dropped' : '') }, img, side);
  f.setAttribute('aria-label', p.name);
  f.dataset.picture = i;
  side.append(make('h2', {}, p.name));
  if (!review.unlabeled) side.append(make('p', {}, review.numbers ? 'in the table ' : 'labeled ', make('b', {}, called(labelsOf(p))), p.valid ? ', for validation' : ', for training'));
  if (p.opinion) {
    side.append(make('p', {}, (review.unlabeled ? `uncertainty ${p.opinion.uncertainty.toFixed(3)}` : `loss ${p.opinion.loss.toFixed(3)}`) + '; the model says'));
    const list = make('ol', {});
    for (const g of p.opinion.top) {
      const li = make('li', {}, make('span', {}, apart(review.vocab[g.class]) + (p.labels.includes(g.class) ? ' (its label)' : '')), make('span', {}, (100 * g.prob).toFixed(1) + ' %'));
      li.style.background = `linear-gradient(90deg, var(--bar) ${100 * g.prob}%, transparent 0)`;
      list.append(li);
    }
    if (review.numbers) for (const [n, v] of p.opinion.numbers.entries()) list.append(make('li', {}, make('span', {}, apart(review.vocab[n])), make('span', {}, v)));
    side.append(list);
  }
  const state = make('p', { className: 'state' }, d ? { keep: 'kept', drop: 'dropped', relabel: (review.unlabeled ? 'labeled: ' : review.numbers ? 'changed: ' : 'relabeled: ') + called(d.action === 'relabel' ? labelsIn(d) : []) }[d.action] : '');
  if (d) state.classList.add(d.action);
  side.append(state);
  const row = make('div', { className: 'do' });
  const button = (text, letter, cls, f) => {
    const b = make('button', { className: cls }, text + ' ', make('kbd', {}, letter));
    b.addEventListener('click', () => { active = k; f(); });
    row.append(b);
  };
  if (!review.unlabeled) button('keep', 'K', 'keep', () => decide([[i, 'keep']]));
  const s = suggestion(p);
  if (s !== null) button('it is ' + called(s), 'R', 'relabel', () => decide([[i, 'relabel', s]]));
  button('drop', 'D', 'drop', () => decide([[i, 'drop']]));
  if (review.several) side.append(boxes(i, k));
  const input = make('input', { placeholder: review.several ? 'add or remove a label' : review.unlabeled ? 'a label' : 'another label', autocomplete: 'off' });
  input.setAttribute('list', 'classes');
  input.setAttribute('aria-label', (review.unlabeled ? 'a label for ' : 'another label for ') + p.name);
  const choose = () => {
    if (!review.vocab.includes(input.value)) return;
    if (review.several) toggle(i, input.value); else decide([[i, 'relabel', [input.value]]]);
  };
  input.addEventListener('change', choose);
  input.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') input.blur();
    if (e.key === 'Enter' && !review.vocab.includes(input.value)) alarm(`“${apart(input.value)}” is not one of the model's classes.`);
  });
  if (review.numbers) side.append(fields(i, k)); else row.append(input);
  side.append(row);
  f.addEventListener('pointerdown', () => {
    active = k;
    document.querySelectorAll('.panel').forEach((e, n) => e.classList.toggle('active', n === k));
  });
  return f;
}

function show() {
  const e = entry(), n = review.entries.length, done = review.entries.filter(decided).length, c = review.counts;
  $('counts').textContent = `${done} of ${n} entries decided; of ${c.pictures} pictures, ${counted(c)}`;
  $('bar').firstElementChild.style.width = (n ? 100 * done / n : 100) + '%';
  $('bar').setAttribute('aria-valuemax', n);
  $('bar').setAttribute('aria-valuenow', done);
  if (!e) {
    $('why').textContent = 'There is nothing to look at: no picture was judged and no near-duplicates were found.';
    document.querySelector('nav').hidden = true;
    return;
  }
  const pair = e.pictures.length === 2;
  $('number').value = at + 1;
  $('number').max = $('total').textContent = n;
  $('both').hidden = !pair;
  $('panels').classList.toggle('pair', pair);
  if (pair) {
    const [a, b] = e.pictures.map(picture);
    $('why').textContent = `Near-duplicates in training and validation${e.how ? ', one ' + e.how : ''}${e.alike ? ` (edges ${Math.round(100 * e.alike)} % alike)` : ''}: the model is judged on what it has seen.` +
      (differ(a, b) ? ` Their ${review.numbers ? 'numbers' : 'labels'} differ.` : '');
  } else if (review.unlabeled) {
    $('why').textContent = 'The model is unsure of this picture, and it is unlike those before it.';
  } else {
    const p = picture(e.pictures[0]);
    $('why').textContent = review.numbers ? `In the table ${called(labelsOf(p))}; the model says ${called(suggestion(p))}.` : suggestion(p) !== null ? `Labeled ${called(labelsOf(p))}; the model says ${called(suggestion(p))}.` : 'The model agrees with the label, but is not sure.';
  }
  $('panels').replaceChildren(...e.pictures.map(panel));
  const after = review.entries[at + 1];
  if (after) for (const i of after.pictures) new Image().src = `api/picture?i=${i}&key=${encodeURIComponent(key)}`;
}

function pairDo(what) {
  const e = entry();
  if (e.pictures.length !== 2) return;
  const [t, v] = e.pictures;
  decide([[t, what === 'train' ? 'drop' : 'keep'], [v, what === 'valid' ? 'drop' : 'keep']]);
}

addEventListener('keydown', (e) => {
  if (!review || review.over || !review.entries.length || e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === 'INPUT') return;
  const i = entry().pictures[Math.min(active, entry().pictures.length - 1)], s = suggestion(picture(i));
  switch (e.key.toLowerCase()) {
    case 'k': if (!review.unlabeled) decide([[i, 'keep']]); break;
    case 'd': case 'delete': decide([[i, 'drop']]); break;
    case 'r': if (s !== null) decide([[i, 'relabel', s]]); break;
    case 'l': document.querySelectorAll('.panel')[active].querySelector('input').focus(); break;
    case 'u': undo(); break;
    case 'b': pairDo('both'); break;
    case 't': pairDo('train'); break;
    case 'v': pairDo('valid'); break;
    case 'n': undecided(); break;
    case 'arrowright': go(at + 1); break;
    case 'arrowleft': go(at - 1); break;
    case '1': case '2':
      active = Math.min(+e.key - 1, entry().pictures.length - 1);
      document.querySelectorAll('.panel').forEach((p, n) => p.classList.toggle('active', n === active));
      break;
    default: return;
  }
  e.preventDefault();
});
$('prev').addEventListener('click', () => go(at - 1));
$('next').addEventListener('click', () => go(at + 1));
$('open').addEventListener('click', undecided);
$('number').addEventListener('change', () => go((+$('number').value || 1) - 1));
for (const b of document.querySelectorAll('#both button')) b.addEventListener('click', () => pairDo(b.dataset.do));
$('finish').addEventListener('click', async () => {
  try {
    const c = await call('finish', {});
    review.over = true;
    clearTimeout(advance);
    $('summary').textContent = `${counted(c)}; ${c.rows} of ${c.pictures} pictures are in ${review.out}.`;
    $('main').hidden = true;
    $('end').hidden = false;
  } catch (e) {
    alarm('The command does not answer; what was decided is saved.');
  }
});

// Another tab may have decided meanwhile.
addEventListener('focus', async () => {
  if (!review || review.over || busy) return;
  const input = document.activeElement && document.activeElement.tagName === 'INPUT';
  try {
    const r = await call('review');
    if (busy || JSON.stringify(r.pictures) === JSON.stringify(review.pictures)) return;
    review.pictures = r.pictures;
    review.counts = r.counts;
    if (!input) show(); // else what is being typed would be lost
  } catch { /* a decision will say that the command is gone */ }
});

call('review').then((r) => {
  review = r;
  $('title').textContent = r.title;
  if (r.unlabeled) document.querySelectorAll('.labeled').forEach((e) => { e.hidden = true; });
  if (r.numbers) $('hint').textContent = 'change a number,';
  $('classes').append(...r.vocab.map((v) => make('option', { value: v })));
  $('main').hidden = false;
  const first = r.entries.findIndex((e) => !decided(e));
  at = Math.max(first, 0);
  show();
}).catch((e) => alarm(e.message));

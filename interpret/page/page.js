(() => {
const {data, $, jpeg} = page;
// Names may run from right to left: isolated, they leave the text around them alone.
const name = c => '\u2068' + data.classes[c] + '\u2069';
const percent = v => (100 * v).toFixed(1) + ' %';

// Pictures of the pairs and the top losses.
const rowOf = new Map(data.rows.filter(r => r.pic >= 0).map(r => [r.pic, r]));
const describe = r => r.a === r.p
  ? `${name(r.p)} (${percent(r.pp)})`
  : `${name(r.a)}, taken for ${name(r.p)} (${percent(r.pp)})`;
for (const img of document.querySelectorAll('img[data-pic]')) {
  const r = rowOf.get(Number(img.dataset.pic));
  if (r) { img.alt = describe(r); img.title = r.path; }
}

// The confusion matrix.
const C = data.classes.length;
const count = new Map(data.cells.map(([a, p, n]) => [a * C + p, n]));
const total = new Array(C).fill(0);
for (const [a, , n] of data.cells) total[a] += n;
const mistakes = data.cells.filter(([a, p]) => a !== p).sort((x, y) => y[2] - x[2] || x[0] - y[0] || x[1] - y[1]);
const shown = new Map();
for (const r of data.rows) {
  const k = r.a * C + r.p;
  if (!shown.has(k)) shown.set(k, []);
  shown.get(k).push(r);
}
const canvas = $('grid'), g = canvas.getContext('2d');
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let at = mistakes.length ? [mistakes[0][0], mistakes[0][1]] : [0, 0];
let cell, left, top, picked = false;

function fit(text, width) {
  if (g.measureText(text).width <= width) return text;
  const c = [...text];
  let n = c.length - 1;
  while (n > 1 && g.measureText(c.slice(0, Math.ceil(n / 2)).join('') + '…' + c.slice(-Math.floor(n / 2)).join('')).width > width) n--;
  return c.slice(0, Math.ceil(n / 2)).join('') + '…' + c.slice(-Math.max(1, Math.floor(n / 2))).join('');
}

// readable is the color of text on a color of the matrix, of which share lies over
// the color soft: black or white, whichever stands out more.
function readable(color, share, soft) {
  const [r, g, b] = color.split(',').map((v, i) => {
    const c = (share * v + (1 - share) * (parseInt(soft.slice(1), 16) >> (16 - 8 * i) & 255)) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff'; // both have a contrast of 4.6 there
}

function draw() {
  const wide = $('grid-frame').clientWidth;
  const named = C <= 80;
  const font = px => `${px}px system-ui, "Noto Sans", sans-serif`;
  g.font = font(13);
  const names = Math.min(wide < 500 ? 84 : 150, 14 + Math.ceil(Math.max(...data.classes.slice(0, 80).map(c => g.measureText(c).width))));
  left = named ? names : 8;
  cell = Math.max(named ? 15 : 4, Math.min(54, Math.floor((wide - left - 8) / C)));
  top = named ? names : 8;
  const w = left + C * cell + 8, h = top + C * cell + 8;
  const ratio = window.devicePixelRatio || 1;
  const scale = w * ratio > 8000 ? 1 : ratio; // browsers draw no larger canvas than 16000 or so
  canvas.width = w * scale;
  canvas.height = h * scale;
  canvas.style.width = w + 'px';
  canvas.style.height = h + 'px';
  g.setTransform(scale, 0, 0, scale, 0, 0);
  const ink = css('--ink'), line = css('--line'), right = css('--right'), wrong = css('--wrong'), soft = css('--soft');
  const opacity = (a, p, share) => a === p ? 0.12 + 0.78 * share : 0.15 + 0.8 * Math.sqrt(share);
  g.fillStyle = soft;
  g.fillRect(left, top, C * cell, C * cell);
  for (const [a, p, n] of data.cells) {
    g.fillStyle = `rgba(${a === p ? right : wrong},${opacity(a, p, n / total[a])})`;
    g.fillRect(left + p * cell, top + a * cell, cell, cell);
  }
  if (cell >= 8) {
    g.strokeStyle = line;
    g.lineWidth = 1;
    g.beginPath();
    for (let i = 0; i <= C; i++) {
      g.moveTo(left + i * cell + .5, top); g.lineTo(left + i * cell + .5, top + C * cell);
      g.moveTo(left, top + i * cell + .5); g.lineTo(left + C * cell, top + i * cell + .5);
    }
    g.stroke();
  }
  if (cell >= 15) {
    const share = $('share').checked;
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    for (const [a, p, n] of data.cells) {
      const text = share ? Math.round(100 * n / total[a]) + '' : n + '';
      g.font = font(Math.max(8, Math.min(14, (cell - 3) / Math.max(1.2, text.length * 0.62))));
      g.fillStyle = readable(a === p ? right : wrong, opacity(a, p, n / total[a]), soft);
      if (g.measureText(text).width <= cell - 1) g.fillText(text, left + (p + .5) * cell, top + (a + .5) * cell);
    }
  }
  if (named) {
    g.fillStyle = ink;
    g.font = font(Math.min(13, cell - 2));
    g.textBaseline = 'middle';
    for (let i = 0; i < C; i++) {
      const label = fit(data.classes[i], names - 12);
      g.textAlign = 'right';
      g.fillText(label, left - 6, top + (i + .5) * cell);
      g.save();
      g.translate(left + (i + .5) * cell, top - 6);
      g.rotate(-Math.PI / 2);
      g.textAlign = 'left';
      g.fillText(label, 0, 0);
      g.restore();
    }
  }
  g.strokeStyle = ink;
  g.lineWidth = picked ? 3 : 2;
  g.strokeRect(left + at[1] * cell - 1, top + at[0] * cell - 1, cell + 2, cell + 2);
}

function say() {
  const [a, p] = at, n = count.get(a * C + p) || 0;
  const share = total[a] ? ` (${percent(n / total[a])} of ${total[a]})` : '';
  $('cell').textContent = a === p ? `${name(a)}: ${n} right${share}` : `${name(a)} taken for ${name(p)}: ${n}${share}`;
}

function show() {
  picked = true;
  const [a, p] = at, n = count.get(a * C + p) || 0, list = shown.get(a * C + p) || [];
  const box = $('cell-pictures');
  box.textContent = '';
  for (const r of list) {
    const f = document.createElement('figure'), c = document.createElement('figcaption');
    if (r.pic >= 0) {
      const img = document.createElement('img');
      img.src = jpeg(data.pictures[r.pic]);
      img.alt = describe(r);
      f.append(img);
    }
    c.textContent = `\u2068${r.path}\u2069: ${name(r.p)} ${percent(r.pp)}` + (r.a === r.p ? '' : `, ${name(r.a)} ${percent(r.pa)}`) + `, loss ${r.loss}`;
    f.append(c);
    box.append(f);
  }
  if (list.length < n) {
    const more = document.createElement('p');
    more.className = 'faint';
    more.textContent = `${list.length} of ${n} are in this file`;
    box.append(more);
  }
  say();
  draw();
}

function move(a, p, open) {
  at = [Math.max(0, Math.min(C - 1, a)), Math.max(0, Math.min(C - 1, p))];
  picked = false;
  if (open) { show(); } else { draw(); say(); }
  const f = $('grid-frame'), x = left + at[1] * cell;
  if (x < f.scrollLeft || x + cell > f.scrollLeft + f.clientWidth) f.scrollLeft = x - f.clientWidth / 2;
}

function jump(step) {
  if (!mistakes.length) return;
  const i = mistakes.findIndex(([a, p]) => a === at[0] && p === at[1]);
  const next = i < 0 ? 0 : (i + step + mistakes.length) % mistakes.length;
  move(mistakes[next][0], mistakes[next][1], true);
}

canvas.addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const [a, p] = at;
  switch (e.key) {
  case 'ArrowUp': move(a - 1, p); break;
  case 'ArrowDown': move(a + 1, p); break;
  case 'ArrowLeft': move(a, p - 1); break;
  case 'ArrowRight': move(a, p + 1); break;
  case 'Home': move(a, 0); break;
  case 'End': move(a, C - 1); break;
  case 'Enter': case ' ': show(); break;
  case 'n': case 'N': jump(1); break;
  case 'p': case 'P': jump(-1); break;
  default: return;
  }
  e.preventDefault();
});
const under = e => {
  const b = canvas.getBoundingClientRect();
  const p = Math.floor((e.clientX - b.left - left) / cell), a = Math.floor((e.clientY - b.top - top) / cell);
  return a >= 0 && a < C && p >= 0 && p < C ? [a, p] : null;
};
canvas.addEventListener('mousemove', e => {
  const c = under(e);
  if (!c) return;
  const n = count.get(c[0] * C + c[1]) || 0;
  canvas.title = c[0] === c[1] ? `${name(c[0])}: ${n} right` : `${name(c[0])} taken for ${name(c[1])}: ${n}`;
});
canvas.addEventListener('click', e => {
  const c = under(e);
  if (c) move(c[0], c[1], true);
});
$('share').addEventListener('change', draw);
let width = 0;
window.addEventListener('resize', () => {
  if ($('grid-frame').clientWidth !== width) { width = $('grid-frame').clientWidth; draw(); }
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
window.addEventListener('beforeprint', draw); // paper is light
window.addEventListener('afterprint', draw);
draw();
say();
})();

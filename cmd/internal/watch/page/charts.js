'use strict';
// A small line chart as SVG: x is the training step, several lines, a cursor
// that is moved by pointer or keyboard.

const NS = 'http://www.w3.org/2000/svg';

function svg(tag, attrs, text) {
  const e = document.createElementNS(NS, tag);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  if (text !== undefined) e.textContent = text;
  return e;
}

// short writes a number for an axis or a caption.
function short(v) {
  if (v === null || v === undefined || !isFinite(v)) return '–';
  const a = Math.abs(v);
  if (a !== 0 && (a < 1e-3 || a >= 1e5)) return v.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e');
  return String(+v.toPrecision(4));
}

// ticks returns round values that cover lo to hi.
function ticks(lo, hi, log) {
  const out = [];
  if (log) {
    const first = Math.floor(lo), last = Math.ceil(hi), step = Math.max(1, Math.ceil((last - first) / 5));
    for (let e = first; e <= last; e += step) for (const m of hi - lo < 1.5 ? [1, 2, 5] : [1]) {
      const v = e + Math.log10(m);
      if (v >= lo - 1e-9 && v <= hi + 1e-9) out.push(v);
    }
    return out;
  }
  const raw = (hi - lo) / 4 || 1, p = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = p * [1, 2, 2.5, 5, 10].find((m) => m * p >= raw * 0.999);
  for (let i = Math.ceil(lo / step); i * step <= hi + step * 1e-9; i++) out.push(i * step);
  return out;
}

class Chart {
  constructor(parent, name) {
    this.name = name;
    this.figure = document.createElement('figure');
    this.caption = document.createElement('figcaption');
    this.svg = svg('svg', { class: 'chart', tabindex: 0, role: 'img', 'aria-label': name });
    this.figure.append(this.caption, this.svg);
    parent.append(this.figure);
    this.lines = [];
    this.marks = [];
    this.log = false;
    this.at = null; // step under the cursor, null for the newest
    const point = (e) => {
      const r = this.svg.getBoundingClientRect();
      this.at = this.x0 + (e.clientX - r.left - 46) / Math.max(1, r.width - 56) * (this.x1 - this.x0);
      this.draw();
    };
    this.svg.addEventListener('pointermove', point);
    this.svg.addEventListener('pointerdown', point);
    const leave = () => { this.at = null; this.draw(); };
    this.svg.addEventListener('pointerleave', leave);
    this.svg.addEventListener('blur', leave);
    this.svg.addEventListener('keydown', (e) => this.key(e));
  }

  key(e) {
    const xs = this.lines.length ? this.lines[0].points.map((p) => p[0]) : [];
    if (!xs.length) return;
    let i = this.at === null ? xs.length - 1 : nearest(xs, this.at);
    const jump = Math.max(1, Math.round(xs.length / 50)) * (e.shiftKey ? 5 : 1);
    switch (e.key) {
      case 'ArrowLeft': i -= jump; break;
      case 'ArrowRight': i += jump; break;
      case 'Home': i = 0; break;
      case 'End': i = xs.length - 1; break;
      case 'Escape': this.at = null; this.draw(); return;
      default: return;
    }
    e.preventDefault();
    this.at = xs[Math.min(Math.max(i, 0), xs.length - 1)];
    this.draw();
  }

  // set takes lines {name, color, points: [[x, y]], dots, width} and the steps
  // at which epochs ended.
  set(lines, marks, x1, log) {
    Object.assign(this, { lines, marks, x0: 0, x1: Math.max(x1, 1), log });
    this.draw();
  }

  draw() {
    const w = this.svg.clientWidth || 400, h = this.svg.clientHeight || 220;
    const L = 46, R = 10, T = 8, B = 22;
    const f = this.log ? (v) => Math.log10(v) : (v) => v;
    const ok = (v) => v !== null && isFinite(v) && (!this.log || v > 0);
    let lo = Infinity, hi = -Infinity;
    const all = [];
    for (const l of this.lines) for (const p of l.points) if (ok(p[1])) all.push(f(p[1]));
    // A few wild batches must not flatten the rest.
    const sorted = Float64Array.from(all).sort();
    if (sorted.length) {
      lo = sorted[0];
      hi = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.98))];
      for (const l of this.lines) if (!l.faint) for (const p of l.points) if (ok(p[1])) hi = Math.max(hi, f(p[1]));
    }
    this.svg.replaceChildren();
    this.svg.setAttribute('viewBox', `0 0 ${w} ${h}`);
    if (!(hi >= lo)) {
      this.svg.append(svg('text', { x: w / 2, y: h / 2, 'text-anchor': 'middle' }, 'nothing yet'));
      this.say(null);
      return;
    }
    if (hi === lo) { const d = Math.abs(hi) * 0.1 || 0.5; lo -= d; hi += d; }
    if (!this.log && lo > 0 && lo < hi * 0.5) lo = 0;
    const pad = (hi - lo) * 0.04;
    hi += pad;
    if (lo !== 0) lo -= pad;
    const X = (s) => L + (s - this.x0) / (this.x1 - this.x0) * (w - L - R);
    const Y = (v) => T + (hi - f(v)) / (hi - lo) * (h - T - B);
    for (const t of ticks(lo, hi, this.log)) {
      const y = T + (hi - t) / (hi - lo) * (h - T - B);
      this.svg.append(svg('line', { class: 'grid', x1: L, x2: w - R, y1: y, y2: y }));
      this.svg.append(svg('text', { x: L - 6, y: y + 4, 'text-anchor': 'end' }, short(this.log ? Math.pow(10, t) : t)));
    }
    for (const s of ticks(this.x0, this.x1, false)) {
      if (X(s) < w - R - 12) this.svg.append(svg('text', { x: X(s), y: h - 6, 'text-anchor': 'middle' }, String(Math.round(s))));
    }
    if (this.marks.length <= 60) {
      for (const s of this.marks) this.svg.append(svg('line', { class: 'epoch', x1: X(s), x2: X(s), y1: T, y2: h - B }));
    }
    for (const l of this.lines) {
      let d = '', pen = false;
      for (const p of l.points) {
        if (!ok(p[1])) { pen = false; continue; }
        d += (pen ? 'L' : 'M') + X(p[0]).toFixed(1) + ' ' + Math.max(T, Y(p[1])).toFixed(1);
        pen = true;
      }
      const path = svg('path', { d });
      path.style.stroke = `var(${l.color})`; // the page's policy forbids style attributes
      if (l.faint) path.style.strokeWidth = '1';
      this.svg.append(path);
      if (l.dots && l.points.length <= 80) {
        for (const p of l.points) {
          if (!ok(p[1])) continue;
          const dot = svg('circle', { cx: X(p[0]), cy: Y(p[1]), r: 3 });
          dot.style.fill = `var(${l.color})`;
          this.svg.append(dot);
        }
      }
    }
    if (this.at !== null) {
      const x = Math.min(Math.max(X(this.at), L), w - R);
      this.svg.append(svg('line', { class: 'cursor', x1: x, x2: x, y1: T, y2: h - B }));
    }
    this.say(this.at);
  }

  // say writes the values at a step, or the newest, into the caption.
  say(at) {
    const title = document.createElement('b');
    title.textContent = this.name + (at === null ? '' : ` at step ${Math.max(0, Math.round(at))}`);
    const parts = [title];
    for (const l of this.lines) {
      if (!l.points.length) continue;
      let p = l.points[l.points.length - 1];
      if (at !== null) {
        p = l.points[nearest(l.points.map((q) => q[0]), at)];
        // What is measured once an epoch: the value that was known then.
        if (l.dots) p = l.points.filter((q) => q[0] <= at + 0.5).pop() || [at, null];
      }
      const i = document.createElement('i');
      i.style.setProperty('--k', `var(${l.color})`);
      i.textContent = `${l.name} ${short(p[1])}`;
      parts.push(i);
    }
    this.caption.replaceChildren(...parts);
    this.svg.setAttribute('aria-label', parts.map((e) => e.textContent).join(', '));
  }
}

// nearest returns the index of the value of a sorted list that is closest to v.
function nearest(xs, v) {
  let lo = 0, hi = xs.length - 1;
  while (hi - lo > 1) {
    const m = (lo + hi) >> 1;
    if (xs[m] <= v) lo = m; else hi = m;
  }
  return Math.abs(xs[lo] - v) <= Math.abs(xs[hi] - v) ? lo : hi;
}

'use strict';
// What the page of classes and the page of labels have in common.
const page = (() => {
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const jpeg = s => 'data:image/jpeg;base64,' + s;

for (const img of document.querySelectorAll('img[data-pic]')) img.src = jpeg(data.pictures[Number(img.dataset.pic)]);

// Top losses: with or without the heat map, all or one.
const looks = [...document.querySelectorAll('button[data-look]')];
const look = (b, heat) => {
  const l = data.looked[Number(b.dataset.look)];
  b.setAttribute('aria-pressed', String(heat));
  b.firstElementChild.src = jpeg(heat ? l.heat : l.seen);
};
for (const b of looks) {
  look(b, true);
  b.addEventListener('click', () => look(b, b.getAttribute('aria-pressed') !== 'true'));
}
$('heat').addEventListener('change', e => looks.forEach(b => look(b, e.target.checked)));
if (!looks.length) $('heat').parentElement.parentElement.hidden = true;

// The table of classes or labels.
const table = $('scores'), body = table.tBodies[0], rows = [...body.rows];
const heads = [...table.tHead.rows[0].cells];
heads.forEach((th, col) => th.firstElementChild.addEventListener('click', () => {
  const up = th.getAttribute('aria-sort') === 'none' ? 'up' in th.dataset : th.getAttribute('aria-sort') === 'descending';
  heads.forEach(h => h.setAttribute('aria-sort', 'none'));
  th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const value = r => r.cells[col].dataset.v;
  const compare = col === 0 ? (a, b) => value(a).localeCompare(value(b)) : (a, b) => Number(value(a)) - Number(value(b));
  rows.sort((a, b) => up ? compare(a, b) : compare(b, a));
  body.append(...rows);
}));
$('filter').addEventListener('input', e => {
  const part = e.target.value.toLowerCase();
  let n = 0;
  for (const r of rows) {
    r.hidden = !r.cells[0].dataset.v.toLowerCase().includes(part);
    if (!r.hidden) n++;
  }
  $('filtered').textContent = part ? `${n} of ${rows.length}` : '';
});

return {data, $, jpeg};
})();

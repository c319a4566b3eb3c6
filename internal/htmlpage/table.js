'use strict';
// The table #scores: its headings sort it, and #filter hides rows. Rows without a value
// stay last; what #filter looks in is a row's data-find, or its first cell.
(() => {
const table = document.getElementById('scores'), body = table.tBodies[0], rows = [...body.rows];
const heads = [...table.tHead.rows[0].cells];
heads.forEach((th, col) => th.firstElementChild.addEventListener('click', () => {
  const up = th.getAttribute('aria-sort') === 'none' ? 'up' in th.dataset : th.getAttribute('aria-sort') === 'descending';
  heads.forEach(h => h.setAttribute('aria-sort', 'none'));
  th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const value = r => r.cells[col].dataset.v;
  const text = col === 0 || 'text' in th.dataset;
  const compare = text ? (a, b) => value(a).localeCompare(value(b)) : (a, b) => Number(value(a)) - Number(value(b));
  rows.sort((a, b) => (value(a) === '') - (value(b) === '') || (up ? compare(a, b) : compare(b, a)));
  body.append(...rows);
}));
document.getElementById('filter').addEventListener('input', e => {
  const part = e.target.value.toLowerCase();
  let n = 0;
  for (const r of rows) {
    r.hidden = !(r.dataset.find ?? r.cells[0].dataset.v).toLowerCase().includes(part);
    if (!r.hidden) n++;
  }
  document.getElementById('filtered').textContent = part ? `${n} of ${rows.length}` : '';
});
})();

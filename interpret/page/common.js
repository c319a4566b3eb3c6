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

return {data, $, jpeg};
})();

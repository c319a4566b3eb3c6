// Contrast of text against what is behind it, by WCAG 2: (L1+0.05)/(L2+0.05) of
// the relative luminances L of the two colors. Also of text that a script draws on
// a canvas, which no later look at the document can find.

const inPage = () => {
  const wanted = 4.5;
  const scratch = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const known = new Map();
  // rgba returns a CSS color as red, green and blue of 0 to 255, and alpha of 0 to 1.
  const rgba = (color) => {
    if (!known.has(color)) {
      scratch.clearRect(0, 0, 1, 1);
      scratch.fillStyle = color;
      scratch.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = scratch.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], back) => [r, g, b].map((v, i) => a * v + (1 - a) * back[i]);
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };

  // Text on a canvas is compared with the pixel in the middle of where it goes.
  const onCanvas = new Set();
  for (const kind of [CanvasRenderingContext2D]) {
    const draw = kind.prototype.fillText;
    kind.prototype.fillText = function (text, x, y, ...more) {
      if (this.canvas.isConnected) {
        const half = this.measureText(text).width / 2;
        const p = this.getTransform().transformPoint({ x: x + { right: -half, left: half }[this.textAlign] || x, y });
        const back = this.getImageData(p.x, p.y, 1, 1).data;
        const page = rgba(getComputedStyle(document.documentElement).getPropertyValue('background-color'));
        const body = over(rgba(getComputedStyle(document.body).backgroundColor), over(page, [255, 255, 255]));
        const b = over([back[0], back[1], back[2], back[3] / 255], body);
        const ratio = contrast(over(rgba(this.fillStyle), b), b);
        if (ratio < wanted) onCanvas.add(`“${text}” on the canvas has ${ratio.toFixed(1)}`);
      }
      return draw.call(this, text, x, y, ...more);
    };
  }

  // backs returns every color that may be behind an element: more than one where
  // there is a gradient. On paper no background is printed.
  const backs = (e, paper) => {
    const chain = [];
    for (let at = e; at; at = at.parentElement) chain.unshift(getComputedStyle(at));
    let under = [[255, 255, 255]];
    if (paper) return under;
    if (matchMedia('(prefers-color-scheme: dark)').matches && /dark/.test(document.querySelector('meta[name=color-scheme]')?.content)) under = [[18, 18, 18]];
    for (const s of chain) {
      under = under.map((u) => over(rgba(s.backgroundColor), u));
      const stops = s.backgroundImage.match(/rgba?\([^)]*\)|color\([^)]*\)/g);
      if (stops) under = stops.flatMap((c) => under.map((u) => over(rgba(c), u)));
    }
    return under;
  };
  const shows = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && e.getClientRects().length > 0;

  // low returns what has too little contrast.
  const low = (paper) => {
    const wrong = new Set(paper ? [] : onCanvas);
    onCanvas.clear();
    const look = (e, text, color) => {
      let opacity = 1;
      for (let at = e; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
      const [r, g, b, a] = rgba(color);
      for (const back of backs(e, paper)) {
        const ratio = contrast(over([r, g, b, a * opacity], back), back);
        if (ratio < wanted) wrong.add(`“${text.trim().slice(0, 40)}” in <${e.localName}${e.id && '#' + e.id}> has ${ratio.toFixed(1)}`);
      }
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n; (n = walk.nextNode());) {
      const e = n.parentElement;
      if (!n.data.trim() || /^(script|style|noscript|option|title)$/.test(e.localName) || !shows(e)) continue;
      const s = getComputedStyle(e);
      look(e, n.data, e instanceof SVGElement ? s.fill : s.color);
    }
    for (const e of document.querySelectorAll('input, select, textarea')) {
      if (!shows(e) || /^(checkbox|radio|range)$/.test(e.type)) continue;
      if (e.value) look(e, e.value, getComputedStyle(e).color);
      else if (e.placeholder) look(e, e.placeholder, getComputedStyle(e, '::placeholder').color);
    }
    return [...wrong];
  };
  window.lowContrast = low;
};

// observe is the script that every page gets before its own.
export const observe = `(${inPage})()`;

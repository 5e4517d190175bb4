// Texts of the page whose contrast to what is behind them is less than arguments[0], each with its ratio. Pictures, in
// which shapes lie behind texts, are left out: they are drawn on white.
const least = arguments[0];

function parse(color) {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}

const known = new Map();
function rgba(color) {
  if (!known.has(color)) known.set(color, parse(color));
  return known.get(color);
}

function over(front, back) {
  const a = front[3];
  return [0, 1, 2].map((i) => front[i] * a + back[i] * (1 - a)).concat(1);
}

function background(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const color = rgba(getComputedStyle(e).backgroundColor);
    layers.push(color);
    if (color[3] === 1) break;
  }
  return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255, 1]);
}

function luminance(color) {
  const [r, g, b] = color.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.data.trim();
  if (!text || element.closest("svg, script, style, .headerlink, .visually-hidden, noscript")) continue;
  if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
  const back = background(element);
  const [a, b] = [luminance(over(rgba(getComputedStyle(element).color), back)), luminance(back)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < least) found.push([text.slice(0, 60), ratio]);
}
return found;

// Run in a page by check.py: what is wrong with its panel.

const panel = document.querySelector('.panel');
const found = [];
const visible = (one) => one.checkVisibility({ visibilityProperty: true });

for (const { name } of performance.getEntriesByType('resource')) {
  if (new URL(name).origin !== location.origin) found.push(`loaded from elsewhere: ${name}`);
}

const luminance = (colour) => {
  const linear = (c) => (c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = colour.match(/[\d.]+/g).map((n) => linear(n / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (one) => {
  const colour = getComputedStyle(one).backgroundColor;
  return /, 0\)$/.test(colour) && one.parentElement ? ground(one.parentElement) : colour;
};
for (const one of panel.querySelectorAll('*')) {
  const own = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
  const text = own
    .map((node) => node.data)
    .join('')
    .trim();
  if (!text || !visible(one)) continue;
  if (/undefined|\[object|NaN/.test(text)) found.push(`words: ${text}`);
  const style = getComputedStyle(one);
  const colours = [one instanceof SVGElement ? style.fill : style.color, ground(one)];
  const [light, dark] = colours.map(luminance).sort((a, b) => b - a);
  if ((light + 0.05) / (dark + 0.05) < 4.5) found.push(`contrast: ${text}: ${colours}`);
}

for (const one of panel.querySelectorAll('input, button, a, [tabindex]')) {
  const labels = one.labels?.length ? [...one.labels] : [one];
  const name = one.getAttribute('aria-label') || labels.map((label) => label.textContent).join('');
  if (!name.trim()) found.push(`a control without a name: ${one.outerHTML}`);
}

const wide = document.documentElement.clientWidth;
const { scrollWidth } = document.documentElement;
if (scrollWidth > wide) found.push(`wider than the window: ${scrollWidth}`);
for (const one of panel.querySelectorAll('*')) {
  const { left, right, width } = one.getBoundingClientRect();
  const out = width && visible(one) && (left < -1 || right > wide + 1);
  if (out) found.push(`outside of the window: ${one.outerHTML.slice(0, 80)}`);
}
return found;

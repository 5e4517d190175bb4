// Elements, and words in the language of the page.

/** An element of HTML: attributes, listeners under names that begin with "on", children (nothing is left out). */
export const html = (tag, attributes, ...children) => made(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
  made(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

function made(element, attributes = {}, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== ''));
  return element;
}

export const korean = () => document.documentElement.lang.startsWith('ko');

/** Words from a table of pairs, [English, Korean]. */
export const words = (table) =>
  Object.fromEntries(Object.entries(table).map(([key, [en, ko]]) => [key, korean() ? ko : en]));

/** A number with so many digits after the point; minus signs as wide as plus signs; NaN and infinities by name. */
export function digits(number, count = 2) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? 'NaN' : number > 0 ? '∞' : '−∞';
  const text = Math.abs(number) >= 1e6 ? number.toExponential(1) : number.toFixed(count);
  return (Number(text) === 0 ? text.replace('-', '') : text).replaceAll('-', '−');
}

export const percent = (part) => `${digits(100 * part, 0)} %`;

/** Whether drawings have the width of a phone. */
export const narrow = () => document.documentElement.clientWidth < 560;

let count = 0;
/** An id that no other element of the page has. */
export const fresh = (word) => `panel-${word}-${(count += 1)}`;

/** Calls the function once before the next picture, however often it is asked for; a hidden page has no pictures. */
export function soon(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const now = () => {
      asked = false;
      act();
    };
    if (document.hidden) setTimeout(now);
    else requestAnimationFrame(now);
  };
}

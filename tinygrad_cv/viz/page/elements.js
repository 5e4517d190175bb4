"use strict";
// Elements and numbers as the page writes them. Words from the records only ever become text nodes.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "click") element.addEventListener("click", value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
/** An element, moved to a place. */
function moved(element, x, y) {
  element.setAttribute("transform", `translate(${x},${y})`);
  return element;
}

/** Sets the children of an element, in this order; those that stay are not touched. */
function arrange(parent, wanted) {
  const staying = new Set(wanted);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const element of wanted) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
}

const byId = (id) => document.getElementById(id);

/** A number with four digits; NaN and infinities as words. */
function numberText(number) {
  if (typeof number !== "number") return String(number ?? "");
  if (Number.isInteger(number) && Math.abs(number) < 1e15) return number.toLocaleString("en");
  const size = Math.abs(number);
  return size >= 1e5 || size < 1e-3 ? number.toExponential(2) : String(Number(number.toPrecision(4)));
}

function bytesText(bytes) {
  const units = ["", "Ki", "Mi", "Gi"];
  let power = 0;
  while (bytes >= 1024 && power < 3) [bytes, power] = [bytes / 1024, power + 1];
  return `${Number(bytes.toPrecision(3))} ${units[power]}B`;
}

function secondsText(seconds) {
  const [factor, unit] = seconds < 1e-3 ? [1e6, "µs"] : seconds < 1 ? [1e3, "ms"] : [1, "s"];
  return `${Number((seconds * factor).toPrecision(3))} ${unit}`;
}

/** The bars of a histogram as one path, in a box. */
function bars(counts, x, y, width, height) {
  const most = Math.max(...counts);
  if (!(most > 0)) return "";
  const step = width / counts.length;
  const gap = Math.min(1, step / 5);
  const bar = (count, i) => {
    const tall = count ? Math.max((count / most) * height, 0.75) : 0;
    return tall
      ? `M${(x + i * step).toFixed(2)},${y + height}v${-tall.toFixed(2)}h${(step - gap).toFixed(2)}v${tall.toFixed(2)}z`
      : "";
  };
  return counts.map(bar).join("");
}

// Arrays as pictures. Ink is a pixel's opacity, so a picture lies on the paper of either theme; the style sheet turns
// black ink white in the dark. Numbers with a sign are blue above zero and orange below.

import { html } from './dom.mjs';

const INK = [0, 0, 0];
const POSITIVE = [45, 101, 178];
const NEGATIVE = [194, 87, 12];

/** A picture of height x width cells. `paint(values, most)`: `most` is painted in full ink, by default the largest. */
export function picture(height, width, { label, signed = false } = {}) {
  const canvas = html('canvas', { width, height });
  const spoken = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
  const root = html('span', { class: signed ? 'pixels signed' : 'pixels ink', ...spoken }, canvas);
  const context = canvas.getContext('2d');
  return {
    root,
    /** Another size; what was painted is gone. */
    resize(h, w) {
      if (h !== height || w !== width) [canvas.height, canvas.width] = [height, width] = [h, w];
    },
    paint(values, most = largest(values)) {
      const image = context.createImageData(width, height);
      for (let i = 0; i < height * width; i++) {
        const value = most > 0 ? values[i] / most : 0;
        image.data.set(signed ? (value < 0 ? NEGATIVE : POSITIVE) : INK, 4 * i);
        image.data[4 * i + 3] = 255 * Math.min(Math.abs(value), 1);
      }
      context.putImageData(image, 0, 0);
    },
  };
}

export function largest(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** Pictures of the channels of an array C x H x W, side by side and in one scale. */
export function channels(count, height, width) {
  const all = Array.from({ length: count }, () => picture(height, width, { signed: true }));
  const size = height * width;
  return {
    root: html(
      'div',
      { class: 'tiles' },
      all.map(({ root }) => root),
    ),
    paint(values, most = largest(values)) {
      all.forEach((one, c) => one.paint(values.subarray(c * size, (c + 1) * size), most));
    },
  };
}

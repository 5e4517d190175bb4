// Strokes as pixels: what docs/panels/digits.py does with the strokes of its digits. Knows no document.

import { SIDE } from './images.mjs';

export const WIDTH = 2.4; // of the pen, in pixels
const BOX = 20; // the longer side of a fitted drawing

/** The strokes, lists of [x, y], moved to the middle and scaled so that the longer side is BOX long. */
export function fitted(strokes) {
  const points = strokes.flat();
  const middle = [0, 0];
  let longest = 1e-6;
  for (const axis of [0, 1]) {
    const low = Math.min(...points.map((p) => p[axis]));
    const high = Math.max(...points.map((p) => p[axis]));
    middle[axis] = (low + high) / 2;
    longest = Math.max(longest, high - low);
  }
  const scale = Math.min(BOX / longest, 1e3);
  return strokes.map((stroke) => stroke.map((p) => p.map((at, axis) => (at - middle[axis]) * scale + SIDE / 2)));
}

/** 28 x 28 pixels: 255 inside of a line of this width, falling to 0 over one pixel at its edge. */
export function ink(strokes, width = WIDTH) {
  const nearest = new Float64Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes) {
    for (let i = Math.min(1, stroke.length - 1); i < stroke.length; i++) {
      approach(nearest, stroke[Math.max(i - 1, 0)], stroke[i]);
    }
  }
  return Uint8Array.from(nearest, (d) => Math.floor(255 * Math.min(Math.max(width / 2 + 0.5 - d, 0), 1) + 0.5));
}

/** Distances of the pixels' middles to a segment, where they are less than those that stand there. */
function approach(nearest, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = Math.max(dx * dx + dy * dy, 1e-12);
  for (let at = 0, y = 0.5; y < SIDE; y++) {
    for (let x = 0.5; x < SIDE; x++, at++) {
      const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / square, 0), 1);
      nearest[at] = Math.min(nearest[at], Math.hypot(x - ax - along * dx, y - ay - along * dy));
    }
  }
}

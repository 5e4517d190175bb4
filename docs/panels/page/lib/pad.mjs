// A pad to draw on, with a finger, a pen or a mouse.

import { svg } from './dom.mjs';
import { SIDE } from './images.mjs';
import { fitted, ink, WIDTH } from './ink.mjs';

/** `on` is called while a stroke grows. Without strokes `pixels` is nothing. */
export function pad({ label, on }) {
  let strokes = [];
  const lines = svg('g', { 'stroke-width': WIDTH });
  const frame = svg('rect', { width: SIDE, height: SIDE, class: 'paper' });
  const root = svg(
    'svg',
    { viewBox: `0 0 ${SIDE} ${SIDE}`, class: 'pad', role: 'img', 'aria-label': label },
    frame,
    lines,
  );
  const at = (event) => {
    const box = root.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  const draw = () => {
    const text = (stroke) => (stroke.length > 1 ? stroke : [...stroke, stroke[0]]).map((p) => p.join()).join(' ');
    lines.replaceChildren(...strokes.map((stroke) => svg('polyline', { points: text(stroke) })));
  };
  root.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    event.preventDefault();
    root.setPointerCapture(event.pointerId);
    strokes.push([at(event)]);
    draw();
    on();
  });
  root.addEventListener('pointermove', (event) => {
    if (!root.hasPointerCapture(event.pointerId)) return;
    strokes.at(-1).push(...(event.getCoalescedEvents?.() ?? [event]).map(at));
    draw();
    on();
  });
  return {
    root,
    get pixels() {
      return strokes.length ? ink(fitted(strokes)) : undefined;
    },
    clear() {
      strokes = [];
      draw();
    },
  };
}

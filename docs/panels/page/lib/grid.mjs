// A map whose cells can be seen one by one: pixels, and over them marks that a style sheet colours.

import { html, svg } from './dom.mjs';
import { picture } from './pixels.mjs';

/** `on(row, column)`: somebody points at a cell, or moves over the cells with the arrow keys. */
export function grid({ label, signed, on }) {
  const image = picture(1, 1, { signed });
  const lines = svg('path', { class: 'lines' });
  const zeros = svg('path', { class: 'zeros', 'fill-rule': 'evenodd' });
  const seen = svg('path', { class: 'seen' });
  const crosses = svg('path', { class: 'crosses' });
  const picked = svg('rect', { class: 'picked', width: on ? 1 : 0, height: 1 });
  const keyboard = on && { tabindex: 0, role: 'application', 'aria-label': label };
  const over = svg(
    'svg',
    { class: 'over', ...(keyboard ?? { 'aria-hidden': 'true' }) },
    zeros,
    lines,
    seen,
    crosses,
    picked,
  );
  const root = html('div', { class: on ? 'grid picks' : 'grid' }, image.root, over);
  let [height, width, at] = [1, 1, [0, 0]];
  if (on) {
    const point = (event) => {
      const box = over.getBoundingClientRect();
      const cell = (place, start, size, count) => clamp(Math.floor(((place - start) / size) * count), count);
      on(cell(event.clientY, box.top, box.height, height), cell(event.clientX, box.left, box.width, width));
    };
    over.addEventListener('pointermove', (event) => (event.pointerType === 'mouse' || event.buttons) && point(event));
    over.addEventListener('pointerdown', point);
    over.addEventListener('keydown', (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      on(clamp(at[0] + move[0], height), clamp(at[1] + move[1], width));
    });
  }
  return {
    root,
    /** height x width numbers, of which the outer `padding` are zeros that were added. */
    paint(values, h, w, padding = 0) {
      if (h !== height || w !== width) {
        [height, width] = [h, w];
        image.resize(h, w);
        over.setAttribute('viewBox', `0 0 ${w} ${h}`);
        const across = Array.from({ length: h + 1 }, (_, y) => `M0 ${y}h${w}`);
        const down = Array.from({ length: w + 1 }, (_, x) => `M${x} 0v${h}`);
        lines.setAttribute('d', [...across, ...down].join(''));
      }
      const [y, x] = [h - 2 * padding, w - 2 * padding];
      zeros.setAttribute('d', `M0 0h${w}v${h}h${-w}zM${padding} ${padding}h${x}v${y}h${-x}z`);
      root.style.setProperty('--cells', w);
      image.paint(values);
    },
    /** Marks the cells whose number is not zero. */
    mark(values) {
      let path = '';
      for (let i = 0; i < height * width; i++) {
        if (values[i]) path += `M${i % width} ${Math.floor(i / width)}h1v1h-1z`;
      }
      seen.setAttribute('d', path);
    },
    /** Crosses out cells, by their rows and columns. */
    cross(cells) {
      crosses.setAttribute(
        'd',
        cells.map(([row, column]) => `M${column + 0.3} ${row + 0.3}l.4 .4m0 -.4l-.4 .4`).join(''),
      );
    },
    pick(row, column) {
      at = [row, column];
      picked.setAttribute('x', column);
      picked.setAttribute('y', row);
    },
  };
}

const clamp = (at, count) => Math.max(0, Math.min(at, count - 1));

// Bars of several kinds for each of a few values, around a line of zero, and marks for what they add up to.

import { digits, narrow, svg } from './dom.mjs';

const [HEIGHT, LEFT, BOTTOM] = [190, 44, 22];

/** `draw(kinds, series, marks)`: for each kind one number for each value; `marks`, if any, are drawn as diamonds. */
export function groupedBars({ label, names }) {
  const wide = narrow() ? 340 : 640;
  const axes = svg('g', { class: 'axes' });
  const content = svg('g');
  const root = svg(
    'svg',
    { class: 'plot wide', viewBox: `0 0 ${wide} ${HEIGHT}`, role: 'img', 'aria-label': label },
    axes,
    content,
  );
  const width = (wide - LEFT) / names.length;
  const middle = (HEIGHT - BOTTOM) / 2;
  const x = (i) => LEFT + (i + 0.5) * width;
  return {
    root,
    draw(kinds, series, marks = []) {
      const most = round(Math.max(1e-9, ...series.flat().map(Math.abs), ...marks.map(Math.abs)));
      const y = (value) => middle - (value / most) * (middle - 10);
      axes.replaceChildren(
        ...[-most, 0, most].map((tick) => svg('path', { d: `M${LEFT} ${y(tick)}H${wide}` })),
        ...[-most, 0, most].map((tick) =>
          svg('text', { x: LEFT - 6, y: y(tick) + 4, class: 'end' }, digits(tick, most < 0.1 ? 3 : most < 1 ? 2 : 1)),
        ),
        ...names.map((name, i) => svg('text', { x: x(i), y: HEIGHT - 5, class: 'middle' }, name)),
      );
      const thick = Math.min((0.72 * width) / kinds.length, 20);
      const bars = kinds.flatMap((kind, k) =>
        series[k].map((value, i) => {
          const left = x(i) + (k - kinds.length / 2) * thick;
          const top = Math.min(y(value), y(0));
          return svg('rect', {
            class: kind,
            x: left,
            y: top,
            width: thick - 1.5,
            height: Math.max(Math.abs(y(value) - y(0)), 0.5),
          });
        }),
      );
      const diamonds = marks.map((value, i) =>
        svg('path', { class: 'mark', d: `M${x(i)} ${y(value) - 6}l6 6l-6 6l-6 -6z` }),
      );
      content.replaceChildren(...bars, ...diamonds);
    },
  };
}

/** The next of 1, 2, 5 times a power of ten. */
function round(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 5, 10].find((factor) => factor * unit >= value * 0.999);
}

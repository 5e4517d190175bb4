// Lines over axes, as SVG: colours and fonts are the style sheet's.

import { html, svg } from './dom.mjs';

const [WIDTH, HEIGHT] = [360, 190];
const EDGE = { left: 34, right: 8, top: 8, bottom: 24 };

/** A plot of the ranges x and y = [low, high]. Ticks are numbers; `format` writes those of y. */
export function plot({ label, x, y, xTicks, yTicks, xLabel, format = String }) {
  const axes = svg('g', { class: 'axes' });
  const lines = svg('g', { class: 'lines' });
  const root = svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
    axes,
    lines,
  );
  const place = (value, [low, high], from, to) => from + ((value - low) / (high - low)) * (to - from);
  const px = (value) => place(value, x, EDGE.left, WIDTH - EDGE.right);
  const py = (value) => place(Math.min(Math.max(value, y[0]), y[1]), y, HEIGHT - EDGE.bottom, EDGE.top);

  function frame() {
    axes.replaceChildren(
      ...yTicks.map((tick) => svg('path', { d: `M${EDGE.left} ${py(tick)}H${WIDTH - EDGE.right}` })),
      ...yTicks.map((tick) => svg('text', { x: EDGE.left - 5, y: py(tick) + 4, class: 'end' }, format(tick))),
      ...xTicks(x).map((tick) =>
        svg('text', { x: px(tick), y: HEIGHT - 8, class: 'middle' }, `${tick}`.replace('-', '−')),
      ),
      svg('text', { x: WIDTH - EDGE.right, y: HEIGHT - 8, class: 'end' }, xLabel ?? ''),
    );
  }
  frame();
  return {
    root,
    /** Another range of x. */
    range(low, high) {
      if (high === x[1] && low === x[0]) return;
      x = [low, high];
      frame();
    },
    /** Series of points [x, y]; numbers that are not finite interrupt a line. */
    draw(series) {
      lines.replaceChildren(
        ...series.map(({ points, kind }) => {
          let [path, pen] = ['', 'M'];
          for (const [at, value] of points) {
            const there = Number.isFinite(value);
            if (there) path += `${pen}${px(at).toFixed(1)} ${py(value).toFixed(1)}`;
            pen = there ? 'L' : 'M';
          }
          return svg('path', { d: path, class: kind });
        }),
      );
    },
  };
}

/** Round numbers between the ends, about `count` of them, from 0. */
export const rounds =
  (count) =>
  ([, high]) => {
    const rough = high / count;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
    return Array.from({ length: Math.floor((0.86 * high) / step) + 1 }, (_, i) => i * step);
  };

/** Colours with names, under a plot. */
export const key = (entries) =>
  html(
    'p',
    { class: 'key' },
    entries.map(([kind, name]) => html('span', { class: kind }, name)),
  );

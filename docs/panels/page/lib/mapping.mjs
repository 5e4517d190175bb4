// Two number lines: values above that can be moved, and below what becomes of them.

import { digits, narrow, svg } from './dom.mjs';

const [HEIGHT, EDGE] = [168, 18];
const [ABOVE, BELOW] = [40, 128];

/** `on(values, chosen)`: a value was moved, or chosen. Values are in the range [low, high]. */
export function mapping({ range: [low, high], values, names, above, below, on }) {
  const wide = narrow() ? 340 : 640;
  const px = (value) => EDGE + ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (wide - 2 * EDGE);
  const band = svg('rect', { class: 'band', y: ABOVE - 16, height: 32 });
  const mean = svg('path', { class: 'mean-line' });
  const ties = values.map(() => svg('path', { class: 'tie' }));
  const ends = values.map(() => svg('circle', { class: 'end-dot', r: 5, cy: BELOW }));
  const dots = values.map((_, i) => {
    const spoken = { role: 'slider', 'aria-label': names[i], 'aria-valuemin': low, 'aria-valuemax': high };
    const room = svg('circle', { class: 'room', r: 14 }); // for a finger
    return svg('g', { class: 'dot', tabindex: 0, ...spoken }, room, svg('circle', { r: 9 }));
  });
  const root = svg(
    'svg',
    { class: 'plot wide mapping', viewBox: `0 0 ${wide} ${HEIGHT}` },
    axis(ABOVE, above),
    axis(BELOW, below),
    band,
    mean,
    ties,
    ends,
    dots,
  );

  function axis(y, name) {
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const under = y === ABOVE ? y - 24 : y + 30;
    return svg(
      'g',
      { class: 'axes' },
      svg('path', { d: `M${EDGE} ${y}H${wide - EDGE}` }),
      ticks.map((tick) => [
        svg('path', { d: `M${px(tick)} ${y - 4}v8` }),
        svg('text', { x: px(tick), y: under, class: 'middle' }, digits(tick, 0)),
      ]),
      svg('text', { x: 0, y: y + 5, class: 'name' }, name),
    );
  }

  const move = (i, value) => {
    values[i] = Math.round(Math.min(Math.max(value, low), high) * 100) / 100;
    on(i);
  };
  dots.forEach((dot, i) => {
    dot.addEventListener('focus', () => on(i));
    dot.addEventListener('keydown', (event) => {
      const by = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 }[
        event.key
      ];
      if (by) (event.preventDefault(), move(i, values[i] + by));
    });
    dot.addEventListener('pointerdown', (event) => (dot.setPointerCapture(event.pointerId), on(i)));
    dot.addEventListener('pointermove', (event) => {
      if (!dot.hasPointerCapture(event.pointerId)) return;
      const box = root.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * wide;
      move(i, low + ((at - EDGE) / (wide - 2 * EDGE)) * (high - low));
    });
  });
  return {
    root,
    draw(results, mu, sigma, chosen) {
      mean.setAttribute('d', `M${px(mu)} ${ABOVE - 18}v36`);
      band.setAttribute('x', px(mu - sigma));
      band.setAttribute('width', px(mu + sigma) - px(mu - sigma));
      values.forEach((value, i) => {
        const kind = i === chosen ? ' chosen' : '';
        dots[i].setAttribute('transform', `translate(${px(value)} ${ABOVE})`);
        dots[i].setAttribute('aria-valuenow', value);
        dots[i].setAttribute('class', `dot${kind}`);
        ends[i].setAttribute('cx', px(results[i]));
        ends[i].setAttribute('class', `end-dot${kind}`);
        ties[i].setAttribute('d', `M${px(value)} ${ABOVE}L${px(results[i])} ${BELOW}`);
        ties[i].setAttribute('class', `tie${kind}`);
      });
    },
  };
}

// Two number lines: values above that can be moved, and below what becomes of them.

import { digits, narrow, svg } from './dom.mjs';

const [HEIGHT, EDGE] = [168, 18];
const [ABOVE, BELOW] = [40, 128];
const REACH = 24; // of a pointer
const KEYS = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 };

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
    return svg('circle', { class: 'dot', r: 9, cy: ABOVE, tabindex: 0, ...spoken });
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
      const by = KEYS[event.key];
      if (!by) return;
      event.preventDefault();
      move(i, values[i] + by);
    });
  });

  const point = ({ clientX, clientY }) => {
    const box = root.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * wide, ((clientY - box.top) / box.height) * HEIGHT];
  };
  /** The value next to a point, or -1: a finger needs no aim. */
  const nearest = ([x, y]) => {
    const away = values.map((value) => Math.abs(px(value) - x));
    const least = Math.min(...away);
    return Math.max(least, Math.abs(y - ABOVE)) < REACH ? away.indexOf(least) : -1;
  };
  let held = -1;
  root.addEventListener('pointerdown', (event) => {
    held = nearest(point(event));
    if (held < 0) return;
    root.setPointerCapture(event.pointerId);
    dots[held].focus({ preventScroll: true });
    on(held);
  });
  root.addEventListener('pointermove', (event) => {
    if (held < 0 || !root.hasPointerCapture(event.pointerId)) return;
    move(held, low + ((point(event)[0] - EDGE) / (wide - 2 * EDGE)) * (high - low));
  });
  // A finger on a value does not scroll; the style sheet's touch-action would hold for the whole drawing.
  const stay = (event) => nearest(point(event.touches[0])) >= 0 && event.preventDefault();
  root.addEventListener('touchstart', stay, { passive: false });
  return {
    root,
    draw(results, mu, sigma, chosen) {
      mean.setAttribute('d', `M${px(mu)} ${ABOVE - 18}v36`);
      band.setAttribute('x', px(mu - sigma));
      band.setAttribute('width', px(mu + sigma) - px(mu - sigma));
      values.forEach((value, i) => {
        const kind = i === chosen ? ' chosen' : '';
        dots[i].setAttribute('cx', px(value));
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

// What a network answers: a bar for the probability of each class.

import { html, percent } from './dom.mjs';

export function answers() {
  const root = html('ol', { class: 'bars' });
  return {
    root,
    /** Without probabilities the bars are empty. */
    draw(names, probabilities) {
      const best = probabilities && Math.max(...probabilities);
      const row = (name, i) => {
        const part = probabilities?.[i];
        const bar = html('i', { style: `--part: ${part ?? 0}` });
        const number = html('b', {}, probabilities ? percent(part) : '–');
        return html('li', { class: probabilities && part === best && 'best' }, html('span', {}, name), bar, number);
      };
      root.replaceChildren(...names.map(row));
    },
  };
}

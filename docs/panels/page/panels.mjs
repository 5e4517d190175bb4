// The live panels of a page: every <div class="panel" data-panel="NAME"></div> is filled when it comes near the window.

import { html, words } from './lib/dom.mjs';

const PANELS = ['maps', 'convolution', 'pooling', 'training', 'batch_norm', 'gradient_check', 'drawings'];
const say = words({
  wait: ['Loading …', '불러오는 중 …'],
  failed: [
    'This panel did not load. It needs a recent browser.',
    '패널을 불러오지 못했습니다. 최신 브라우저가 필요합니다.',
  ],
});

const waiting = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) open(target);
  },
  { rootMargin: '400px' },
);

async function open(root) {
  waiting.unobserve(root);
  const name = root.dataset.panel;
  try {
    if (!PANELS.includes(name)) throw new RangeError(`no panel ${name}; there are ${PANELS.join(', ')}`);
    const { panel } = await import(`./panels/${name}.mjs`);
    root.replaceChildren(...[await panel()].flat(Infinity));
    root.dataset.ready = Math.round(performance.now());
  } catch (error) {
    root.replaceChildren(html('p', { role: 'alert' }, say.failed));
    throw error;
  }
}

for (const name of ['theme', 'places', 'controls', 'pictures', 'plots']) {
  const href = new URL(`styles/${name}.css`, import.meta.url).href;
  document.head.append(html('link', { rel: 'stylesheet', href }));
}
for (const root of document.querySelectorAll('.panel[data-panel]')) {
  root.append(html('p', { class: 'wait' }, say.wait));
  waiting.observe(root);
}

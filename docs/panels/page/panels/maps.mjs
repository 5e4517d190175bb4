// Draw a digit, or choose an image, and watch what each layer of a trained LeNet makes of it.

import { button, choice, figure, row } from '../lib/controls.mjs';
import { answers } from '../lib/answers.mjs';
import { clothing, compiled, images, weights } from '../lib/data.mjs';
import { html, soon, words } from '../lib/dom.mjs';
import { pad } from '../lib/pad.mjs';
import { channels, picture } from '../lib/pixels.mjs';

const say = words({
  network: ['Network', '신경망'],
  digits: ['Digits', '숫자'],
  clothing: ['Clothing', '의류'],
  draw: ['Draw here', '여기에 그려 보세요'],
  padLabel: [
    'Draw here with a finger or a mouse, or choose an image',
    '손가락이나 마우스로 그리거나 이미지를 고르세요',
  ],
  clear: ['Clear', '지우기'],
  choose: ['Or choose an image', '또는 이미지 선택'],
  input: ['Input', '입력'],
  filters: ['Filters of conv1', 'conv1의 필터'],
  conv1: ['conv1', 'conv1'],
  pool1: ['ReLU, pool1', 'ReLU, pool1'],
  conv2: ['conv2', 'conv2'],
  pool2: ['ReLU, pool2', 'ReLU, pool2'],
  answer: ['Softmax', '소프트맥스'],
  legend: [
    'Blue is above zero, orange below. Each row has its own scale.',
    '파란색은 양수, 주황색은 음수입니다. 행마다 눈금이 다릅니다.',
  ],
});

const ROWS = [
  ['conv1', 8, 28, 28],
  ['pool1', 8, 14, 14],
  ['conv2', 16, 14, 14],
  ['pool2', 16, 7, 7],
];
/** What each network has learned, and the image that is shown first. */
const KINDS = {
  digits: { names: [...'0123456789'], first: 3, images: 'digits', weights: 'lenet_digits' },
  clothing: { names: clothing(), first: 9, images: 'clothing_test', weights: 'lenet_clothing' },
};

export async function panel() {
  const kinds = Object.entries(KINDS).map(async ([kind, about]) => {
    return [kind, { ...about, set: await images(about.images), file: await weights(about.weights) }];
  });
  const [network, ...loaded] = await Promise.all([compiled('maps'), ...kinds]);
  const all = Object.fromEntries(loaded);

  const input = picture(28, 28, { label: say.input });
  const filters = channels(8, 5, 5);
  const maps = ROWS.map(([name, ...shape]) => [name, shape, channels(...shape)]);
  const bars = answers();

  let kind = 'digits';

  function show(pixels) {
    const results = network.step({ image: pixels });
    input.paint(pixels, 255);
    for (const [name, , row] of maps) row.paint(results[name]);
    bars.draw(all[kind].names, results.probabilities);
  }

  const drawn = soon(() => {
    if (!paper.pixels) return;
    gallery.set();
    show(paper.pixels);
  });
  const paper = pad({ label: say.padLabel, on: drawn });
  let gallery;
  const place = html('div');

  function load(chosen) {
    kind = chosen;
    const { file, first, names, set } = all[kind];
    network.restore(file);
    filters.paint(network.state('conv1.weight'));
    const options = names.map((name, i) => {
      const small = picture(28, 28);
      small.paint(set.image(i), 255);
      return [i, small.root, name];
    });
    const choose = (i) => {
      paper.clear();
      show(set.image(i));
    };
    gallery = choice({ label: say.choose, options, value: first, on: choose, kind: 'gallery' });
    place.replaceChildren(gallery.root);
    choose(first);
  }

  load(kind);
  const clear = button(say.clear, () => load(kind));
  const options = Object.keys(KINDS).map((name) => [name, say[name]]);
  const titled = (title, shape, picture) => figure([title, html('small', {}, ` ${shape.join(' × ')}`)], picture);
  return html(
    'div',
    { class: 'aside' },
    html(
      'div',
      { class: 'side' },
      choice({ label: say.network, options, value: kind, on: load }).root,
      figure(say.draw, paper.root),
      clear,
      place,
      figure(say.answer, bars.root),
    ),
    html(
      'div',
      { class: 'main' },
      row(
        titled(say.input, [1, 28, 28], input.root),
        titled(say.filters, [8, 5, 5], html('div', { class: 'small' }, filters.root)),
      ),
      maps.map(([name, shape, { root }]) => titled(say[name], shape, root)),
      html('p', { class: 'note' }, say.legend),
    ),
  );
}

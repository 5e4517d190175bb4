// Move kernel size, stride, padding and dilation; see the output's size, what an output sees, and which pixels are used.

import { choice, figure, readout, readouts, row, slider } from '../lib/controls.mjs';
import { backward, extent, forward, inner, pad, receptiveField, sizes, spread } from '../lib/convolution.mjs';
import { compiled, images } from '../lib/data.mjs';
import { html, words } from '../lib/dom.mjs';
import { grid } from '../lib/grid.mjs';
import { shrunk } from '../lib/images.mjs';
import { picture } from '../lib/pixels.mjs';

const say = words({
  size: ['Image H', '이미지 H'],
  kernel: ['Kernel K', '커널 K'],
  stride: ['Stride S', '스트라이드 S'],
  padding: ['Padding P', '패딩 P'],
  dilation: ['Dilation D', '팽창 D'],
  layers: ['Layers', '층 수'],
  weights: ['Weights', '가중치'],
  across: ['edges ↔', '가장자리 ↔'],
  down: ['edges ↕', '가장자리 ↕'],
  mean: ['mean', '평균'],
  image: ['Image', '이미지'],
  input: ['Padded image', '패딩한 이미지'],
  filter: ['Kernel', '커널'],
  map: ['Map', '특성 맵'],
  output: ['Output', '출력'],
  pick: ['Output: arrow keys choose a pixel', '출력: 화살표 키로 화소를 고르세요'],
  field: ['Receptive field', '수용 영역'],
  pixels: ['Pixels it sees', '보는 화소 수'],
  unused: ['Pixels no output sees', '아무 출력도 보지 않는 화소'],
  none: ['The kernel is larger than the padded image.', '커널이 패딩한 이미지보다 큽니다.'],
  note: [
    'Point at a pixel of the output. Marked is what it sees: the pixels at which its gradient is not zero. Crossed out are pixels that no output sees.',
    '출력의 화소를 가리켜 보세요. 표시된 곳이 그 화소가 보는 영역, 곧 기울기가 0이 아닌 화소들입니다. ×는 아무 출력도 보지 않는 화소입니다.',
  ],
});

const RANGES = { size: [5, 16], kernel: [1, 5], stride: [1, 4], padding: [0, 6], dilation: [1, 3], layers: [1, 3] };
const START = { size: 12, kernel: 3, stride: 1, padding: 1, dilation: 1, layers: 1 };

/** K x K weights that differ across, down, or not at all. */
const KERNELS = {
  across: (k) => Float32Array.from({ length: k * k }, (_, i) => slope(i % k, k)),
  down: (k) => Float32Array.from({ length: k * k }, (_, i) => slope(Math.floor(i / k), k)),
  mean: (k) => new Float32Array(k * k).fill(1 / (k * k)),
};
const slope = (at, k) => (k === 1 ? 1 : (2 * at - (k - 1)) / (k - 1) / k);

export async function panel() {
  const [compute, set] = await Promise.all([compiled('convolution'), images('digits')]);
  const step = (inputs) => compute.step(inputs);
  const setting = { ...START, weights: 'across', image: 3 };
  let picked = [5, 5];

  const change = (name) => (value) => {
    setting[name] = value;
    update();
  };
  const sliders = Object.fromEntries(
    Object.entries(RANGES).map(([name, [min, max]]) => {
      return [name, slider({ label: say[name], min, max, value: START[name], on: change(name) })];
    }),
  );
  const weights = choice({
    label: say.weights,
    options: Object.keys(KERNELS).map((name) => [name, say[name]]),
    value: setting.weights,
    on: change('weights'),
  });
  const shown = [0, 3, 4, 8].map((digit) => {
    const small = picture(28, 28);
    small.paint(set.image(digit), 255);
    return [digit, small.root, `${digit}`];
  });
  const gallery = choice({ label: say.image, options: shown, value: 3, on: change('image'), kind: 'gallery' });

  const formula = html('p', { class: 'formula', role: 'status' });
  const [field, pixels, unused] = [readout(say.field), readout(say.pixels), readout(say.unused)];
  const place = html('div', { class: 'row' });
  const filter = grid({ signed: true });
  let [grids, maps, side] = [[], [], []];

  /** New numbers everywhere. */
  function update() {
    const reach = Math.floor(extent(setting) / 2);
    sliders.padding.limit(0, reach);
    setting.padding = Math.min(setting.padding, reach);
    side = sizes(setting.size, setting.layers, setting);
    formula.textContent = formulaText(setting, side);
    if (!side.at(-1)) {
      for (const one of [field, pixels, unused]) one.write('–');
      return place.replaceChildren(html('p', {}, say.none));
    }
    maps = [shrunk(set.image(setting.image), setting.size)];
    const kernel = KERNELS[setting.weights](setting.kernel);
    for (let layer = 0; layer < setting.layers; layer++) {
      maps.push(forward(step, maps[layer], side[layer], kernel, setting));
    }
    if (grids.length !== maps.length) grids = maps.map((_, layer) => grid(looks(layer)));
    const [first, ...rest] = grids.map((one, layer) => titled(layer, one.root));
    const across = extent(setting);
    filter.paint(spread(kernel, setting), across, across);
    place.replaceChildren(first, sized(say.filter, across, filter.root), ...rest);
    grids.forEach((one, layer) => {
      const padding = layer < setting.layers ? setting.padding : 0;
      const wide = side[layer] + 2 * padding;
      one.paint(pad(maps[layer], side[layer], padding), wide, wide, padding);
    });
    const used = reached(new Float32Array(side.at(-1) ** 2).fill(1));
    const idle = [...used.keys()].filter((i) => used[i] === 0);
    const cell = (i) => [Math.floor(i / side[0]), i % side[0]].map((at) => at + setting.padding);
    grids[0].cross(idle.map(cell));
    unused.write(`${idle.length}`);
    pick(...picked);
  }

  /** The pixels that one output sees, in the image and in the maps between. */
  function pick(row, column) {
    picked = [row, column].map((at) => Math.min(at, side.at(-1) - 1));
    const upstream = new Float32Array(side.at(-1) ** 2);
    upstream[picked[0] * side.at(-1) + picked[1]] = 1;
    const times = reached(upstream, (layer, gradient) => grids[layer].mark(gradient));
    grids.at(-1).pick(...picked);
    const wide = receptiveField(setting.layers, setting);
    field.write(`${wide} × ${wide}`);
    pixels.write(`${times.filter((count) => count !== 0).length}`);
  }

  /** Goes back from the output to the image, with weights of 1: how often each pixel is read. */
  function reached(upstream, visit = () => {}) {
    const ones = new Float32Array(setting.kernel ** 2).fill(1);
    for (let layer = setting.layers - 1; layer >= 0; layer--) {
      const gradient = backward(step, side[layer], ones, setting, upstream);
      visit(layer, gradient);
      upstream = inner(gradient, side[layer], setting.padding);
    }
    return upstream;
  }

  /** The image is ink, maps have signs, and in the output one picks. */
  function looks(layer) {
    const output = layer === setting.layers && { label: say.pick, on: pick };
    return { signed: layer > 0, ...output };
  }

  function titled(layer, root) {
    const last = layer === setting.layers;
    const wide = side[layer] + (last ? 0 : 2 * setting.padding);
    const name = last ? say.output : layer ? `${say.map} ${layer}` : setting.padding ? say.input : say.image;
    return sized(name, wide, root);
  }

  update();
  return [
    html(
      'div',
      { class: 'sliders' },
      Object.values(sliders).map(({ root }) => root),
    ),
    row(weights.root, gallery.root),
    formula,
    place,
    readouts(field, pixels, unused),
    html('p', { class: 'note' }, say.note),
  ];
}

const sized = (name, wide, root) => figure([name, html('small', {}, ` ${wide} × ${wide}`)], root);

function formulaText({ stride: s, padding: p, kernel: k, dilation: d }, side) {
  const steps = side
    .slice(1)
    .map((size, i) => `⌊(${side[i]} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1 = ${size || '0'}`);
  return `H′ = ⌊(H + 2P − D(K − 1) − 1) / S⌋ + 1 = ${steps.join(',  ')}`;
}

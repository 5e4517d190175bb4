// Shift an image, and see how much max pooling and average pooling change.

import { choice, figure, row, slider } from '../lib/controls.mjs';
import { compiled, images } from '../lib/data.mjs';
import { digits, html, percent, words } from '../lib/dom.mjs';
import { SIDE, shifted } from '../lib/images.mjs';
import { picture } from '../lib/pixels.mjs';
import { key, plot } from '../lib/plot.mjs';

const say = words({
  image: ['Image', '이미지'],
  dots: ['dots', '점'],
  window: ['Window', '창 크기'],
  right: ['Shift right', '오른쪽으로 이동'],
  down: ['Shift down', '아래로 이동'],
  shifted: ['Shifted image', '이동한 이미지'],
  raw: ['pixels', '화소'],
  max: ['max pooling', '최대 풀링'],
  average: ['average pooling', '평균 풀링'],
  over: ['Change, by shift to the right', '오른쪽 이동에 따른 변화'],
  note: [
    'Beside each map is its change: blue what came, orange what went. The number is the norm of the change over the norm of the map without a shift. Both forget where in its window a dot is; the maximum keeps the height of the dot, the mean divides it by the size of the window.',
    '특성 맵 옆은 그 변화입니다. 파란색은 커진 값, 주황색은 작아진 값입니다. 백분율은 변화의 노름을 이동 전 노름으로 나눈 값입니다. 둘 다 점이 창 안의 어디에 있는지는 잊습니다. 최댓값은 점의 높이를 그대로 두고, 평균은 창의 크기로 나눕니다.',
  ],
});

const SHIFTS = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
const KINDS = ['raw', 'max', 'average'];

export async function panel() {
  const [pooling, numerals, clothing] = await Promise.all([
    compiled('pooling'),
    images('digits'),
    images('clothing_test'),
  ]);
  const shown = [dots(), numerals.image(3), numerals.image(8), clothing.image(5), clothing.image(8)];
  const sources = shown.map((pixels) => Float32Array.from(pixels, (value) => value / 255));
  const setting = { source: 0, size: 2, right: 1, down: 0 };

  const change = (name) => (value) => {
    setting[name] = value;
    update();
  };
  const gallery = shown.map((pixels, i) => {
    const small = picture(SIDE, SIDE);
    small.paint(pixels, 255);
    return [i, small.root, i ? `${i}` : say.dots];
  });
  const sliders = ['right', 'down'].map((name) => {
    return slider({
      label: say[name],
      min: -4,
      max: 4,
      value: setting[name],
      text: (v) => digits(v, 0),
      on: change(name),
    });
  });
  const windows = [2, 4].map((size) => [size, `${size} × ${size}`]);

  const input = picture(SIDE, SIDE);
  const outputs = Object.fromEntries(
    ['max', 'average'].map((kind) => [kind, { map: picture(1, 1), change: picture(1, 1, { signed: true }) }]),
  );
  const captions = Object.fromEntries(KINDS.map((kind) => [kind, html('b', {})]));
  const lines = plot({
    label: say.over,
    x: [-4, 4],
    y: [0, 1.5],
    xTicks: () => SHIFTS.filter((shift) => shift % 2 === 0),
    yTicks: [0, 0.5, 1, 1.5],
    format: percent,
  });

  function results(right, down) {
    const pixels = shifted(sources[setting.source], right, down);
    const pooled = pooling.step({ image: pixels });
    return { raw: pixels, max: pooled[`max${setting.size}`], average: pooled[`average${setting.size}`] };
  }

  function update() {
    const [before, now] = [results(0, 0), results(setting.right, setting.down)];
    const side = SIDE / setting.size;
    input.paint(now.raw, 1);
    for (const kind of KINDS) captions[kind].textContent = percent(distance(now[kind], before[kind]));
    for (const [kind, { map, change }] of Object.entries(outputs)) {
      for (const one of [map, change]) one.resize(side, side);
      map.paint(now[kind], 1);
      change.paint(
        now[kind].map((value, i) => value - before[kind][i]),
        1,
      );
    }
    const along = SHIFTS.map((right) => [right, results(right, setting.down)]);
    lines.draw([
      ...KINDS.map((kind) => ({
        kind,
        points: along.map(([right, all]) => [right, distance(all[kind], before[kind])]),
      })),
      {
        kind: 'cursor',
        points: [
          [setting.right, 0],
          [setting.right, 1.5],
        ],
      },
    ]);
  }

  update();
  const titled = (kind, name) => html('span', { class: kind }, name, ' ', captions[kind]);
  return [
    row(
      choice({ label: say.image, options: gallery, value: 0, on: change('source'), kind: 'gallery' }).root,
      choice({ label: say.window, options: windows, value: 2, on: change('size') }).root,
      sliders.map(({ root }) => root),
    ),
    row(
      figure(titled('raw', say.shifted), input.root),
      figure(titled('max', say.max), html('div', { class: 'pair' }, outputs.max.map.root, outputs.max.change.root)),
      figure(
        titled('average', say.average),
        html('div', { class: 'pair' }, outputs.average.map.root, outputs.average.change.root),
      ),
    ),
    figure(say.over, lines.root, key(KINDS.map((kind) => [kind, say[kind]]))),
    html('p', { class: 'note' }, say.note),
  ];
}

function distance(a, b) {
  const square = (sum, value) => sum + value * value;
  return Math.sqrt(a.map((value, i) => value - b[i]).reduce(square, 0) / b.reduce(square, 0));
}

/** Dots, each at the same place within its window of 4 x 4. */
function dots() {
  const pixels = new Uint8Array(SIDE * SIDE);
  for (const [row, column] of [
    [1, 1],
    [1, 4],
    [2, 2],
    [3, 5],
    [4, 1],
    [4, 3],
    [5, 4],
    [2, 5],
  ]) {
    pixels[4 * row * SIDE + 4 * column] = 255;
  }
  return pixels;
}

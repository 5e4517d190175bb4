// Push a value through batch normalization: mean, variance, output, and the three paths of its gradient.

import { button, choice, figure, readout, readouts, row, slider } from '../lib/controls.mjs';
import { groupedBars } from '../lib/bars.mjs';
import { compiled, random } from '../lib/data.mjs';
import { digits, html, words } from '../lib/dom.mjs';
import { mapping } from '../lib/mapping.mjs';
import { key } from '../lib/plot.mjs';

const say = words({
  push: ['Push a value: the batch x above, the output y below', '값을 밀어 보세요. 위는 배치 x, 아래는 출력 y'],
  value: ['value', '값'],
  loss: ['Loss', '손실'],
  one: ['L = y of the chosen value', 'L = 고른 값의 y'],
  all: ['L = Σ g y, g at random', 'L = Σ g y, g는 임의의 값'],
  another: ['Other g', '다른 g'],
  paths: ['The gradient of L, by paths', '경로별로 본 L의 기울기'],
  direct: ['direct', '직접 경로'],
  variance: ['through the variance', '분산을 거치는 경로'],
  mean: ['through the mean', '평균을 거치는 경로'],
  sum: ['the gradient, their sum', '기울기, 셋의 합'],
  mu: ['Mean μ', '평균 μ'],
  sigma: ['Variance σ²', '분산 σ²'],
  total: ['Sum of all gradients', '기울기의 총합'],
  note: [
    'The band is μ ± σ. A value that moves takes the mean and the variance along: so the gradient comes back on three paths, and adds up to zero over the batch.',
    '띠는 μ ± σ입니다. 값 하나를 움직이면 평균과 분산도 함께 움직입니다. 그래서 기울기는 세 경로로 되돌아오고, 배치 전체에서 더하면 0이 됩니다.',
  ],
});

const PATHS = ['direct', 'through_variance', 'through_mean'];
const KINDS = ['direct', 'variance', 'mean'];
const NAMES = [...'₁₂₃₄₅₆₇₈'].map((index) => `x${index}`);

export async function panel() {
  const norm = await compiled('batch_norm');
  const values = [-1.6, -0.9, -0.4, 0.1, 0.4, 0.9, 1.5, 2.6];
  const setting = { chosen: 7, loss: 'one', gamma: 1, beta: 0, seed: 1 };
  const change = (name) => (value) => {
    setting[name] = value;
    update();
  };

  const lines = mapping({
    range: [-4, 4],
    values,
    names: NAMES.map((name) => `${say.value} ${name}`),
    above: 'x',
    below: 'y',
    on: (i) => {
      setting.chosen = i;
      update();
    },
  });
  const bars = groupedBars({ label: say.paths, names: NAMES });
  const formula = html('p', { class: 'formula', role: 'status' });
  const [mu, sigma, total] = [readout(say.mu), readout(say.sigma), readout(say.total)];
  const loss = choice({
    label: say.loss,
    options: ['one', 'all'].map((name) => [name, say[name]]),
    value: 'one',
    on: change('loss'),
  });
  const another = button(say.another, () => {
    setting.seed += 1;
    update();
  });
  const sliders = ['gamma', 'beta'].map((name, i) => {
    return slider({
      label: 'γβ'[i],
      min: -2,
      max: 2,
      step: 0.1,
      value: setting[name],
      text: (v) => digits(v, 1),
      on: change(name),
    });
  });

  function update() {
    const { chosen, gamma, beta } = setting;
    const next = random(setting.seed);
    const upstream = values.map((_, i) => (setting.loss === 'one' ? +(i === chosen) : 4 * next() - 2));
    const found = norm.step({ x: values, upstream, gamma, beta });
    lines.draw(found.y, found.mean, Math.sqrt(found.variance), chosen);
    bars.draw(
      KINDS,
      PATHS.map((name) => [...found[name]]),
      [...found.gradient],
    );
    mu.write(digits(found.mean));
    sigma.write(digits(found.variance));
    total.write(digits(found.gradient.reduce((a, b) => a + b)));
    const parts = PATHS.map((name, i) => html('span', { class: `path ${KINDS[i]}` }, signed(found[name][chosen], i)));
    const name = NAMES[chosen];
    formula.replaceChildren(
      `y${name[1]} = ${digits(found.y[chosen])},  ∂L/∂${name} = `,
      ...parts,
      ` = ${digits(found.gradient[chosen])}`,
    );
    another.hidden = setting.loss === 'one';
  }

  update();
  return [
    figure(say.push, lines.root),
    readouts(mu, sigma, total),
    row(loss.root, html('div', { class: 'below' }, another)),
    html(
      'div',
      { class: 'sliders' },
      sliders.map(({ root }) => root),
    ),
    formula,
    figure(say.paths, bars.root, key([...KINDS.map((kind) => [kind, say[kind]]), ['mark', say.sum]])),
    html('p', { class: 'note' }, say.note),
  ];
}

/** A term of a sum, with its sign before it. */
function signed(value, i) {
  const minus = value < 0;
  const sign = i ? (minus ? ' − ' : ' + ') : minus ? '−' : '';
  return sign + digits(Math.abs(value));
}

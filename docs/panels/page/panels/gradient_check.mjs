// Write batch normalization's backward by choosing its terms; the gradient check says whether it is right, and what is not.

import { button, choice, figure, readout, readouts, row } from '../lib/controls.mjs';
import { groupedBars } from '../lib/bars.mjs';
import { difference, factors } from '../lib/blame.mjs';
import { compiled, random } from '../lib/data.mjs';
import { digits, html, korean, words } from '../lib/dom.mjs';
import { key } from '../lib/plot.mjs';

const say = words({
  terms: [
    '∂L/∂x is the sum of three terms. With s = √(σ² + ε) and g = ∂L/∂y:',
    '∂L/∂x는 세 항의 합입니다. s = √(σ² + ε), g = ∂L/∂y라 하면:',
  ],
  direct: ['The direct path', '직접 경로'],
  variance: ['The path through the variance', '분산을 거치는 경로'],
  mean: ['The path through the mean', '평균을 거치는 경로'],
  nothing: ['nothing', '없음'],
  right: ['All paths', '모든 경로'],
  noVariance: ['Drop the variance path', '분산 경로 빼기'],
  noMean: ['Drop the mean path', '평균 경로 빼기'],
  other: ['Other numbers', '다른 수'],
  yours: ['your backward', '직접 고른 역전파'],
  numeric: ['differences of L', 'L의 차분'],
  figure: [
    'Your backward, and (L(x + h) − L(x − h)) / 2h for each x',
    '직접 고른 역전파와 각 x의 (L(x + h) − L(x − h)) / 2h',
  ],
  largest: ['Largest difference', '가장 큰 차이'],
  verdict: ['Gradient check', '기울기 검사'],
  passed: ['passes', '통과'],
  failed: ['fails', '실패'],
  fine: ['Right: all three paths are there.', '맞습니다. 세 경로가 모두 있습니다.'],
  missing: ['is missing', '없습니다'],
  sign: ['has the wrong sign', '부호가 반대입니다'],
  count: ['is N times too large: a sum stands where a mean belongs', 'N배 큽니다. 평균 자리에 합이 있습니다'],
  gamma: ['lacks γ', 'γ가 빠졌습니다'],
  scale: ['is divided by s once too often', 's로 한 번 더 나누었습니다'],
  factor: ['is wrong by a factor of', '다음 배수만큼 틀렸습니다:'],
});

const COUNT = 8;
const GAMMA = 1.5;
const NAMES = [...'₁₂₃₄₅₆₇₈'].map((index) => `x${index}`);
/** What can be chosen for each path: the compiled function's name for it, and how it is written. */
const TERMS = {
  direct: [
    ['direct_without_gamma', 'g / s'],
    ['direct', 'γ g / s'],
    ['direct_squared', 'γ g / s²'],
  ],
  variance: [
    ['variance_sign', '+ x̂ mean(γ g x̂) / s'],
    ['variance_sum', '− x̂ Σ(γ g x̂) / s'],
    ['variance', '− x̂ mean(γ g x̂) / s'],
  ],
  mean: [
    ['mean', '− mean(γ g) / s'],
    ['mean_sign', '+ mean(γ g) / s'],
    ['mean_sum', '− Σ(γ g) / s'],
  ],
};
const RIGHT = { direct: 'direct', variance: 'variance', mean: 'mean' };
const PATHS = ['direct', 'variance', 'mean'];
const TOLERANCE = 1e-6;

export async function panel() {
  const [norm, written] = await Promise.all([compiled('batch_norm'), compiled('terms')]);
  let chosen = { ...RIGHT, variance: '' };
  let seed = 22;

  const choices = Object.fromEntries(
    PATHS.map((path) => {
      const options = [['', say.nothing], ...TERMS[path]];
      const on = (name) => {
        chosen[path] = name;
        update();
      };
      return [path, choice({ label: say[path], options, value: chosen[path], on, kind: `choice term ${path}` })];
    }),
  );
  const preset = (label, change) =>
    button(label, () => {
      chosen = { ...RIGHT, ...change };
      for (const path of PATHS) choices[path].set(chosen[path]);
      update();
    });
  const bars = groupedBars({ label: say.figure, names: NAMES });
  const [verdict, largest] = [readout(say.verdict), readout(say.largest)];
  const blame = html('p', { class: 'verdict', role: 'status' });

  function update() {
    const next = random(seed);
    const [x, upstream] = [0, 1].map(() => Array.from({ length: COUNT }, () => 4 * next() - 2));
    const { differences, variance } = norm.step({ x, upstream, gamma: GAMMA, beta: 0 });
    const terms = written.step({ x, upstream, gamma: GAMMA });
    const yours = x.map((_, i) => PATHS.reduce((sum, path) => sum + (chosen[path] ? terms[chosen[path]][i] : 0), 0));
    const off = difference(yours, differences);
    const passes = off.relative < TOLERANCE;
    bars.draw(['direct'], [yours], [...differences]);
    verdict.write(passes ? say.passed : say.failed);
    verdict.root.className = passes ? 'good' : 'bad';
    largest.write(off.largest < 1e-3 ? off.largest.toExponential(0).replace('-', '−') : digits(off.largest));
    const known = {
      [say.sign]: -1,
      [say.count]: COUNT,
      [say.gamma]: 1 / GAMMA,
      [say.scale]: 1 / Math.sqrt(variance + 1e-5),
    };
    const wrong = factors(
      yours,
      PATHS.map((path) => terms[path]),
    ).map((factor, i) => fault(say[PATHS[i]], factor, known));
    blame.textContent = passes ? say.fine : wrong.filter(Boolean).join(' ');
  }

  update();
  return [
    html('p', {}, say.terms),
    PATHS.map((path) => choices[path].root),
    row(
      preset(say.right, {}),
      preset(say.noVariance, { variance: '' }),
      preset(say.noMean, { mean: '' }),
      button(say.other, () => {
        seed += 1;
        update();
      }),
    ),
    readouts(verdict, largest),
    blame,
    figure(
      say.figure,
      bars.root,
      key([
        ['direct', say.yours],
        ['mark', say.numeric],
      ]),
    ),
  ];
}

/** What is said of a path that is there so many times. */
function fault(path, factor, known) {
  const near = (value) => Math.abs(factor - value) < 1e-6 * Math.max(1, Math.abs(value));
  if (near(1)) return '';
  const said = near(0) ? say.missing : Object.keys(known).find((name) => near(known[name]));
  return `${path}${korean() ? ': ' : ' '}${said ?? `${say.factor} ${digits(factor)}`}.`;
}

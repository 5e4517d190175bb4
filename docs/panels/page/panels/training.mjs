// Train a small LeNet on 1,000 images in the page, with a learning rate and a normalization of choice.

import { button, choice, figure, readout, readouts, row, slider } from '../lib/controls.mjs';
import { batch, compiled, images, LICENCE } from '../lib/data.mjs';
import { digits, html, percent, words } from '../lib/dom.mjs';
import { channels } from '../lib/pixels.mjs';
import { plot, rounds } from '../lib/plot.mjs';
import { Run } from '../lib/run.mjs';

const say = words({
  norm: ['Normalization', '정규화'],
  batch: ['batch', '배치'],
  layer: ['layer', '층'],
  instance: ['instance', '인스턴스'],
  group: ['group', '그룹'],
  none: ['none', '없음'],
  rate: ['Learning rate', '학습률'],
  start: ['Train', '학습'],
  pause: ['Pause', '일시 정지'],
  again: ['Start again', '처음부터'],
  loss: ['Loss of each batch', '배치별 손실'],
  accuracy: ['Accuracy on 200 images it has not seen', '학습에 쓰지 않은 이미지 200장의 정확도'],
  filters: ['Filters of conv1', 'conv1의 필터'],
  step: ['step', '스텝'],
  steps: ['Steps', '스텝'],
  epochs: ['Epochs', '에포크'],
  train: ['Training accuracy', '학습 정확도'],
  test: ['Test accuracy', '테스트 정확도'],
  time: ['A step takes', '스텝당 시간'],
  runs: ['Runs', '실행 기록'],
  diverged: [
    'The loss is no number any more: the learning rate is too high.',
    '손실이 더 이상 수가 아닙니다. 학습률이 너무 큽니다.',
  ],
  licence: ['Fashion-MNIST: © 2017 Zalando SE, MIT licence', 'Fashion-MNIST: © 2017 Zalando SE, MIT 라이선스'],
  note: [
    'Each step is one compiled function: forward, backward and SGD with momentum on 50 of 1,000 images of Fashion-MNIST. At 0.01, compare the first 20 steps with batch normalization and with none. Which of the five still learn at 0.2?',
    '한 스텝은 컴파일된 함수 하나입니다. Fashion-MNIST 이미지 1,000장 중 50장으로 순전파, 역전파, 모멘텀 SGD를 실행합니다. 학습률 0.01에서 배치 정규화를 쓸 때와 쓰지 않을 때의 처음 20스텝을 비교해 보세요. 학습률 0.2에서도 학습되는 것은 다섯 가지 중 무엇일까요?',
  ],
});

const NORMS = ['batch', 'layer', 'instance', 'group', 'none'];
const SLICE = 14; // milliseconds of steps between two pictures
const PAST = 5; // runs that stay in the picture

export async function panel() {
  const [data, unseen] = await Promise.all([images('clothing_train'), images('clothing_test')]);
  const tested = batch(unseen, [...unseen.labels.keys()]);
  const setting = { norm: 'batch', rate: 0.01 };
  const past = [];
  let [run, running, asked] = [undefined, false, 0];

  const say10 = (power) => digits(10 ** power, power < -1.99 ? 4 : 3).replace(/0+$/, '');
  const rate = slider({
    label: say.rate,
    min: -3,
    max: 0.5,
    step: 0.05,
    value: Math.log10(setting.rate),
    text: say10,
    on: (power) => {
      setting.rate = 10 ** power;
      run.rate = setting.rate;
    },
  });
  const norm = choice({
    label: say.norm,
    options: NORMS.map((name) => [name, say[name]]),
    value: setting.norm,
    on: async (name) => {
      setting.norm = name;
      await anew();
    },
  });
  const toggle = button(say.start, () => (running ? pause() : go()), { class: 'primary' });
  const again = button(say.again, () => anew());

  const ticks = { x: [0, 100], xTicks: rounds(5), xLabel: say.step };
  const losses = plot({ label: say.loss, y: [0, 2.5], yTicks: [0, 1, 2], ...ticks });
  const accuracy = plot({ label: say.accuracy, y: [0, 1], yTicks: [0, 0.5, 1], format: percent, ...ticks });
  const filters = channels(8, 5, 5);
  const numbers = ['steps', 'epochs', 'train', 'test', 'time'].map((name) => readout(say[name]));
  const verdict = html('p', { class: 'verdict', role: 'status' });
  const runs = html('ul', { class: 'runs' });

  function show() {
    const all = [...past, run];
    const end = Math.max(100, ...all.map((one) => one.losses.length * 1.1));
    for (const one of [losses, accuracy]) one.range(0, end);
    const kind = (one) => `${one.norm}${one === run ? '' : ' past'}`;
    losses.draw(all.map((one) => ({ kind: kind(one), points: one.smoothed })));
    accuracy.draw(all.map((one) => ({ kind: kind(one), points: one.tests })));
    filters.paint(run.filters);
    const steps = run.losses.length;
    const texts = [
      `${steps}`,
      digits(run.epochs, 1),
      steps ? percent(run.accuracy) : '–',
      percent(run.tests.at(-1)[1]),
      steps ? `${digits(run.time, 1)} ms` : '–',
    ];
    numbers.forEach((one, i) => one.write(texts[i]));
    verdict.textContent = run.diverged ? say.diverged : '';
    runs.replaceChildren(
      ...all.map((one) => {
        const rate = `${say.rate} ${say10(Math.log10(one.rate))}`;
        const text = [say[one.norm], rate, `${one.losses.length} ${say.steps.toLowerCase()}`].join(' · ');
        return html('li', { class: kind(one) }, `${text} · `, html('b', {}, percent(one.tests.at(-1)[1])));
      }),
    );
  }

  function frame() {
    if (!running) return;
    const end = performance.now() + SLICE;
    do run.step();
    while (performance.now() < end && !run.diverged);
    if (run.diverged) pause();
    show();
    requestAnimationFrame(frame);
  }

  function go() {
    running = true;
    toggle.textContent = say.pause;
    requestAnimationFrame(frame);
  }

  function pause() {
    running = false;
    toggle.textContent = say.start;
  }

  /** Another run; the last one stays in the picture. Of several that are asked for at once the last begins. */
  async function anew() {
    pause();
    const number = (asked += 1);
    const names = ['train', 'test'].map((kind) => `${kind}_${setting.norm}`);
    const functions = await Promise.all(names.map(compiled));
    if (number !== asked) return;
    if (run?.losses.length) past.push(run);
    if (past.length > PAST) past.shift();
    run = new Run(setting.norm, ...functions, data, tested);
    run.rate = setting.rate;
    show();
  }

  await anew();
  return [
    row(norm.root, rate.root),
    row(toggle, again),
    readouts(...numbers),
    verdict,
    html('div', { class: 'halves' }, figure(say.loss, losses.root), figure(say.accuracy, accuracy.root)),
    row(figure(say.filters, html('div', { class: 'small' }, filters.root)), figure(say.runs, runs)),
    html('p', { class: 'note' }, say.note, ' ', html('a', { href: LICENCE }, say.licence)),
  ];
}

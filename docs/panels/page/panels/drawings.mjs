// Train a network on the reader's own drawings of two or three things.

import { button, choice, figure, readout, readouts, row } from '../lib/controls.mjs';
import { answers } from '../lib/answers.mjs';
import { compiled, images, random } from '../lib/data.mjs';
import { digits, html, soon, words } from '../lib/dom.mjs';
import { PIXELS, shifted } from '../lib/images.mjs';
import { pad } from '../lib/pad.mjs';
import { picture } from '../lib/pixels.mjs';
import { plot, rounds } from '../lib/plot.mjs';

const say = words({
  draw: ['Draw here', '여기에 그려 보세요'],
  padLabel: ['Draw here with a finger or a mouse, or take an example', '손가락이나 마우스로 그리거나 예시를 쓰세요'],
  keep: ['Keep as', '다음으로 저장'],
  clear: ['Clear', '지우기'],
  example: ['Add an example', '예시 추가'],
  remove: ['Remove', '삭제'],
  train: ['Train', '학습'],
  more: ['Train on', '더 학습'],
  forget: ['Forget all', '모두 지우기'],
  loss: ['Loss', '손실'],
  step: ['step', '스텝'],
  steps: ['Steps', '스텝'],
  sees: ['What the network says of the drawing', '그림에 대한 신경망의 답'],
  drawings: ['Your drawings', '그린 그림'],
  few: [
    'Draw at least two things, each a few times: a star and a heart, or your initials.',
    '적어도 두 가지를 각각 몇 번씩 그려 보세요. 별과 하트, 이름의 첫 글자도 좋습니다.',
  ],
  ready: ['Now train, and then draw something new.', '이제 학습시킨 다음 새로운 그림을 그려 보세요.'],
});

const CLASSES = ['A', 'B', 'C'];
const BATCH = 16;
const STEPS = 60;
const SHIFT = 2; // pixels by which a drawing is moved at random when it is trained on

export async function panel() {
  const [training, answering, examples] = await Promise.all([
    compiled('drawings_train'),
    compiled('drawings_answer'),
    images('digits'),
  ]);
  const kept = CLASSES.map(() => []);
  const taken = CLASSES.map(() => 0);
  const losses = [];
  const next = random(1);
  let [left, shown] = [0, undefined];

  const status = html('p', { class: 'note', role: 'status' });
  const lists = CLASSES.map(() => html('div', { class: 'kept' }));
  const lossPlot = plot({
    label: say.loss,
    x: [0, STEPS],
    y: [0, 1.5],
    yTicks: [0, 0.5, 1, 1.5],
    xTicks: rounds(4),
    xLabel: say.step,
    format: (v) => digits(v, 1),
  });
  const bars = answers();
  const [steps, loss] = [readout(say.steps), readout(say.loss)];
  const paper = pad({ label: say.padLabel, on: soon(look) });
  const train = button(say.train, () => go(), { class: 'primary' });

  const classes = () => kept.filter((all) => all.length).length;

  function look() {
    shown = paper.pixels;
    answer();
  }

  function show() {
    train.disabled = classes() < 2 || left > 0;
    train.textContent = losses.length ? say.more : say.train;
    status.textContent = classes() < 2 ? say.few : losses.length ? '' : say.ready;
    lossPlot.range(0, Math.max(STEPS, losses.length));
    lossPlot.draw([{ kind: 'direct', points: losses.map((value, i) => [i, value]) }]);
    steps.write(`${losses.length}`);
    loss.write(losses.length ? digits(losses.at(-1), 3) : '–');
    answer();
  }

  const answer = () => bars.draw(CLASSES, shown && answering.step({ image: shown }));

  /** Adds a drawing to those of a class; a click on it removes it. */
  function keep(label, pixels) {
    kept[label].push(pixels);
    const small = picture(28, 28);
    small.paint(pixels, 255);
    const remove = () => {
      kept[label] = kept[label].filter((other) => other !== pixels);
      one.remove();
      show();
    };
    const name = `${say.remove}: ${CLASSES[label]} ${kept[label].length}`;
    const one = button(small.root, remove, { 'aria-label': name, title: say.remove });
    lists[label].append(one);
    show();
  }

  function clear() {
    paper.clear();
    look();
  }

  function keepDrawing(label) {
    if (!paper.pixels) return;
    shown = paper.pixels;
    keep(label, shown);
    paper.clear();
  }

  /** The next digit of those that the page embeds: 3, 5 and 8 stand for the three things. */
  function keepExample(label) {
    const digit = [3, 5, 8][label];
    shown = examples.image((10 * taken[label] + digit) % examples.count);
    keep(label, shown);
    taken[label] += 1;
  }

  /** Sixteen drawings, in turn from each class, moved at random. */
  function chosen() {
    const pixels = new Uint8Array(BATCH * PIXELS);
    const there = CLASSES.map((_, label) => label).filter((label) => kept[label].length);
    const labels = Int32Array.from({ length: BATCH }, (_, i) => there[i % there.length]);
    labels.forEach((label, i) => {
      const one = kept[label][Math.floor(next() * kept[label].length)];
      pixels.set(shifted(one, ...[0, 1].map(() => Math.floor(next() * (2 * SHIFT + 1)) - SHIFT)), i * PIXELS);
    });
    return { images: pixels, labels };
  }

  function go() {
    left = STEPS;
    requestAnimationFrame(frame);
  }

  function frame() {
    if (classes() < 2) left = 0;
    if (!left) return;
    losses.push(training.step(chosen()));
    left -= 1;
    for (const name in answering.about.state) answering.setState(name, training.state(name));
    show();
    if (left) requestAnimationFrame(frame);
  }

  function forget() {
    left = 0;
    losses.length = 0;
    shown = undefined;
    training.init();
    answering.init();
    for (const all of kept) all.length = 0;
    for (const list of lists) list.replaceChildren();
    paper.clear();
    show();
  }

  show();
  const buttons = CLASSES.map((name, label) =>
    button(name, () => keepDrawing(label), { 'aria-label': `${say.keep} ${name}` }),
  );
  return html(
    'div',
    { class: 'aside' },
    html(
      'div',
      { class: 'side' },
      figure(say.draw, paper.root),
      html('div', { class: 'keep' }, html('span', {}, say.keep), buttons),
      button(say.clear, clear),
      figure(say.sees, bars.root),
    ),
    html(
      'div',
      { class: 'main' },
      figure(
        say.drawings,
        CLASSES.map((name, label) =>
          html(
            'div',
            { class: 'class' },
            html('b', {}, name),
            lists[label],
            button(say.example, () => keepExample(label), { class: 'quiet', 'aria-label': `${say.example}: ${name}` }),
          ),
        ),
      ),
      status,
      row(train, button(say.forget, forget), readouts(steps, loss)),
      figure(say.loss, lossPlot.root),
    ),
  );
}

// One training run, from the start: the same weights and the same order of batches, whatever the setting. Touches no document.

import { batch, shuffled } from './data.mjs';

export const BATCH = 50;
const TEST_EVERY = 10;
const SMOOTH = 5; // batches over which a drawn loss is a mean
const TIMED = 51; // steps

export class Run {
  losses = [];
  smoothed = []; // points [step, mean of the last losses]
  tests = []; // points [step, accuracy]
  #right = []; // answers in each batch
  #times = [];
  #order = [];

  /** The two compiled functions, images to train on, and a batch of images to test on. */
  constructor(norm, training, testing, data, unseen) {
    Object.assign(this, { norm, training, testing, data, unseen });
    this.test();
  }

  get rate() {
    return this.training.state('lr')[0];
  }

  set rate(rate) {
    this.training.setState('lr', rate);
  }

  get filters() {
    return this.training.state('conv1.weight');
  }

  get diverged() {
    return this.losses.length > 0 && !Number.isFinite(this.losses.at(-1));
  }

  get epochs() {
    return (this.losses.length * BATCH) / this.data.count;
  }

  /** The part of right answers over the last epoch. */
  get accuracy() {
    const last = this.#right.slice(-this.data.count / BATCH);
    return last.reduce((a, b) => a + b, 0) / (BATCH * last.length);
  }

  /** Milliseconds that a step takes, a median. */
  get time() {
    const sorted = this.#times.slice(-TIMED).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** The numbers of the images of the next batch; every epoch has an order of its own. */
  next() {
    if (!this.#order.length) this.#order = shuffled(this.data.count, this.losses.length + 1);
    return this.#order.splice(0, BATCH);
  }

  step() {
    const chosen = batch(this.data, this.next());
    const from = performance.now();
    const { loss, correct } = this.training.step(chosen);
    this.#times.push(performance.now() - from);
    this.#right.push(correct);
    this.losses.push(loss);
    const last = this.losses.slice(-SMOOTH);
    this.smoothed.push([this.losses.length - 1, last.reduce((a, b) => a + b) / last.length]);
    if (this.losses.length % TEST_EVERY === 0) this.test();
  }

  /** Tests with the weights and statistics as they are now. */
  test() {
    for (const name in this.testing.about.state) this.testing.setState(name, this.training.state(name));
    const { correct } = this.testing.step(this.unseen);
    this.tests.push([this.losses.length, correct / this.unseen.labels.length]);
  }
}

"use strict";
// A training run: the slider, the loss, and the statistics of nodes at a step.

const LOSSES = { width: 160, height: 28 };

class Run {
  /** @param changed called when another step is chosen */
  constructor(steps, changed) {
    this.steps = steps;
    this.place = steps.length - 1;
    this.recorded = new Set(steps.flatMap(({ nodes }) => Object.keys(nodes).map(Number)));
    if (!steps.length) return;
    this.points = this.curve();
    byId("run").hidden = false;
    const slider = byId("step");
    slider.max = this.place;
    slider.value = this.place;
    slider.addEventListener("input", () => {
      this.place = Number(slider.value);
      this.show();
      changed();
    });
  }

  /** The statistics of a node at the step, or else those of its record. */
  factsOf({ number, statistics, gradient }) {
    return { statistics, gradient, ...this.steps[this.place]?.nodes[number] };
  }

  /** The positions of losses; one that is not finite is at the top. */
  curve() {
    const finite = this.steps.map(({ loss }) => loss).filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const across = LOSSES.width / Math.max(this.steps.length - 1, 1);
    const up = (loss) =>
      Number.isFinite(loss) ? ((LOSSES.height - 4) * (loss - low)) / (high - low || 1) : LOSSES.height - 4;
    return this.steps.map(({ loss }, i) => [i * across, LOSSES.height - 2 - up(loss)]);
  }

  show() {
    if (!this.steps.length) return;
    const { step, loss } = this.steps[this.place];
    const text = `${step} · ${word("loss")} ${numberText(loss)}`;
    byId("at").value = text;
    byId("step").setAttribute("aria-valuetext", text);
    const [x, y] = this.points[this.place];
    byId("losses").replaceChildren(
      svg("polyline", { points: this.points.join(" ") }),
      svg("circle", { cx: x, cy: y, r: 3 }),
    );
  }
}

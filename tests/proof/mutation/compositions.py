"""Random right functions of 2 to 12 operations: what a gradient check must not call wrong.

A composition is made by running it: a step that makes a number large, or too many numbers, is taken back and another
one tried. Each step with a kink knows how far its operand is from it, so that a verdict of "not differentiable" can be
judged as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F

Array = np.ndarray
Rng = np.random.Generator
Shape = tuple[int, ...]

SHAPES: tuple[Shape, ...] = ((4,), (2, 3), (3, 2), (2, 2, 2), (1, 2, 2, 3), (1, 2, 3, 2))
MOST, LARGEST, SMALLEST = 16, 30.0, 1e-3  # elements; and how large the largest of them may be, and must be


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        name: what it is.
        call: (y, *weights) -> the next y.
        weights: shapes of further inputs.
        margin: for a step with kinks, how far an operand is from the nearest.
    """

    name: str
    call: Callable[..., Any]
    weights: tuple[Shape, ...] = ()
    margin: Callable[..., float] | None = None


@dataclass(frozen=True)
class Composition:
    """A function of several tensors, and where it is differentiated."""

    seed: int
    steps: tuple[Step, ...]
    inputs: tuple[Array, ...]

    def f(self, x: Any, *weights: Any) -> Any:
        """The steps, one after another."""
        given = iter(weights)
        for step in self.steps:
            x = step.call(x, *(next(given) for _ in step.weights))
        return x

    def margin(self) -> float:
        """The smallest distance from a kink on the way, as a share of the operand's size."""
        x, *weights = map(tg.tensor, self.inputs)
        given, smallest = iter(weights), float("inf")
        for step in self.steps:
            operands = [x, *(next(given) for _ in step.weights)]
            if step.margin is not None:
                size = float(np.abs(x.numpy()).max(initial=0.0)) or 1.0
                smallest = min(smallest, step.margin(*(operand.numpy() for operand in operands)) / size)
            x = step.call(*operands)
        return smallest

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.inputs[0].shape}: {', '.join(step.name for step in self.steps)}"


def composition(seed: int) -> Composition:
    """A random one; the same for the same seed."""
    rng = np.random.default_rng(seed)
    shape = SHAPES[rng.integers(len(SHAPES))]
    x = rng.normal(size=shape)
    y, inputs, steps = tg.tensor(x), [x], list[Step]()
    count = rng.integers(2, 13)
    while len(steps) < count:
        maker = MAKERS[rng.integers(len(MAKERS))]
        step = maker(rng, y.shape)
        if step is None:
            continue
        weights = [np.asarray(rng.normal(size=shape)) for shape in step.weights]
        there = step.call(y, *map(tg.tensor, weights))
        size = np.abs(there.numpy()).max(initial=0.0)
        if SMALLEST < size < LARGEST and there.size <= MOST:
            y = there
            steps.append(step)
            inputs += weights
    return Composition(seed, tuple(steps), tuple(inputs))


# ---------------------------------------------------------------- distances from kinks


def gap(y: Array, axes: Any) -> float:
    """Between the largest and the second largest of each slice."""
    rest = [i for i in range(y.ndim) if i not in axes]
    table = np.sort(y.transpose(*rest, *axes).reshape(*(y.shape[i] for i in rest), -1), axis=-1)
    return float((table[..., -1] - table[..., -2]).min()) if table.shape[-1] > 1 else float("inf")


def from_points(*points: float) -> Callable[..., float]:
    return lambda y, *_: float(min(np.abs(y - point).min() for point in points))


# ---------------------------------------------------------------- the steps

Maker = Callable[[Rng, Shape], Step | None]


def plain(name: str, call: Callable[..., Any], *kinks: float) -> Maker:
    """A step for any shape."""
    step = Step(name, call, margin=from_points(*kinks) if kinks else None)
    return lambda rng, shape: step


def weighted(name: str, call: Callable[..., Any], margin: Callable[..., float] | None = None) -> Maker:
    """A step with a weight along the last axis."""
    return lambda rng, shape: Step(name, call, (shape[-1:],), margin) if shape else None


def along(name: str, call: Callable[[Any, int], Any], least: int = 1, kink: str = "") -> Maker:
    """A step along a random axis; ``kink`` where the maximum, or the minimum, changes hands."""

    def make(rng: Rng, shape: Shape) -> Step | None:
        if not shape or shape[axis := int(rng.integers(len(shape)))] < least:
            return None
        sign = {"max": 1, "min": -1}.get(kink)
        margin = (lambda y: gap(sign * y, (axis,))) if sign else None
        return Step(f"{name} {axis}", lambda y: call(y, axis), margin=margin)

    return make


def of_images(name: str, call: Callable[..., Any], *weights: Shape, kernel: int = 0) -> Maker:
    """A step for N x C x H x W, at least 2 x 2; ``kernel``, of a pooling by maxima."""

    def margin(y: Array) -> float:
        windows = np.lib.stride_tricks.sliding_window_view(y, (kernel, kernel), (2, 3))
        return gap(windows, (4, 5))

    def make(rng: Rng, shape: Shape) -> Step | None:
        if len(shape) != 4 or shape[1] != 2 or min(shape[2:]) < 2:
            return None
        return Step(name, call, weights, margin if kernel else None)

    return make


def of_rank(
    name: str, call: Callable[..., Any], *ranks: int, weights: Callable[[Shape], Any] = lambda shape: ()
) -> Maker:
    """A step for shapes of some ranks, with weights of shapes that follow from them."""
    return lambda rng, shape: Step(name, call, weights(shape)) if len(shape) in ranks and min(shape) > 1 else None


def permuted(rng: Rng, shape: Shape) -> Step:
    axes = tuple(map(int, rng.permutation(len(shape))))
    return Step(f"permute {axes}", lambda y: y.permute(*axes))


def masked(rng: Rng, shape: Shape) -> Step:
    mask = rng.random(shape) < 0.5
    return Step("where", lambda y: tg.where(mask, y, y.sin()))


def taken(rng: Rng, shape: Shape) -> Step | None:
    if not shape:
        return None
    index = rng.integers(0, shape[0], 3)
    return Step("gather", lambda y: y[index])


MAKERS: tuple[Maker, ...] = (
    plain("tanh", lambda y: y.tanh()),
    plain("sin", lambda y: y.sin()),
    plain("cos", lambda y: y.cos()),
    plain("erf", lambda y: y.erf()),
    plain("exp", lambda y: (0.5 * y).exp()),
    plain("log", lambda y: (1.5 + y * y).log()),
    plain("sqrt", lambda y: (0.5 + y.square()).sqrt()),
    plain("square", lambda y: 0.3 * y**2),
    plain("power", lambda y: (1.0 + y.sigmoid()) ** y.tanh()),
    plain("reciprocal", lambda y: y / (1.0 + y * y)),
    plain("residual", lambda y: y + (y * 0.5).sin()),
    plain("sigmoid", F.sigmoid),
    plain("softplus", F.softplus),
    plain("gelu", F.gelu),
    plain("silu", F.silu),
    plain("relu", F.relu, 0.0),
    plain("leaky_relu", lambda y: F.leaky_relu(y, 0.2), 0.0),
    plain("abs", lambda y: abs(y), 0.0),
    plain("clip", lambda y: y.clip(-0.8, 0.9), -0.8, 0.9),
    plain("elu", F.elu, 0.0),  # of its slope
    plain("reshape", lambda y: y.reshape(-1)),
    plain("expand", lambda y: y.expand(2, *y.shape)),
    plain("pad", lambda y: y.pad(((1, 0),) * y.ndim, 0.3)),
    plain("scale by the sum", lambda y: y / (1.0 + y.square().sum())),
    weighted("times a weight", lambda y, w: y * w),
    weighted("plus a weight", lambda y, w: y + w),
    weighted("minus a weight", lambda y, w: w - y),
    weighted("maximum", lambda y, w: y.maximum(w), lambda y, w: float(np.abs(y - w).min())),
    weighted("concatenate", lambda y, w: tg.concatenate([y, (y * w).tanh()], -1)),
    along("sum", lambda y, axis: y.sum(axis)),
    along("mean", lambda y, axis: y.mean(axis, keepdims=True)),
    along("var", lambda y, axis: y.var(axis), 2),
    along("std", lambda y, axis: y.std(axis, keepdims=True), 2),
    along("norm", lambda y, axis: y.norm(axis)),
    along("prod", lambda y, axis: y.prod(axis)),
    along("logsumexp", lambda y, axis: y.logsumexp(axis), 2),
    along("cumsum", lambda y, axis: y.cumsum(axis)),
    along("flip", lambda y, axis: y.flip(axis)),
    along("max", lambda y, axis: y.max(axis), 2, "max"),
    along("min", lambda y, axis: y.min(axis), 2, "min"),
    along("softmax", F.softmax, 2),
    along("log_softmax", F.log_softmax, 2),
    along("standardize", F.standardize, 3),
    of_rank("layer_norm", lambda y, w: F.layer_norm(y, y.shape[-1], w), 2, 3, weights=lambda shape: (shape[-1:],)),
    of_rank("batch_norm", lambda y, w: F.batch_norm(y, weight=w), 2, 3, 4, weights=lambda shape: (shape[1:2],)),
    of_rank("linear", F.linear, 2, weights=lambda shape: ((2, shape[1]), (2,))),
    of_rank("matmul", lambda y, w: y @ w, 2, 3, weights=lambda shape: ((shape[-1], 2),)),
    of_rank("slice", lambda y: y[:, ::2], 2, 3, 4),
    of_images("conv2d", lambda y, w: F.conv2d(y, w, padding=1, stride=(1, 2)), (1, 2, 2, 3)),
    of_images("conv2d in groups", lambda y, w: F.conv2d(y, w, groups=2), (2, 1, 2, 1)),
    of_images("conv_transpose2d", lambda y, w: F.conv_transpose2d(y, w), (2, 1, 2, 1)),
    of_images("avg_pool2d", lambda y: F.avg_pool2d(y, 2, 1, 1)),
    of_images("max_pool2d", lambda y: F.max_pool2d(y, 2, 1), kernel=2),
    of_images("instance_norm", F.instance_norm),
    of_images("group_norm", lambda y, w: F.group_norm(y, 1, w), (2,)),
    permuted,
    masked,
    taken,
)

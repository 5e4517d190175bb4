"""Losses."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import tinygrad_cv.functional as F
from tests.functional.agreement.row import Fixed, Row, Samples

REDUCTIONS: list[dict[str, Any]] = [{"reduction": name} for name in ("mean", "sum", "none")]


def rows() -> Iterator[Row]:
    found = [*regression(), *classification(), *binary(), *distributions(), *rankings(), *maps()]
    yield from found
    yield from older_arguments(found)


def older_arguments(found: list[Row]) -> Iterator[Row]:
    """The first row of each loss that has PyTorch's older arguments, with all that they can say."""
    seen = set()
    for row in found:
        if row.name in seen or "size_average" not in inspect.signature(getattr(F, row.name)).parameters:
            continue
        seen.add(row.name)
        for size_average, reduce in itertools.product((None, True, False), repeat=2):
            options = {**row.options, "reduction": "sum", "size_average": size_average, "reduce": reduce}
            yield replace(row, options=options)


def regression() -> Iterator[Row]:
    s = Samples("regression")
    for name, shape in itertools.product(("mse_loss", "l1_loss"), ((4, 3), (5,), ())):
        for options in REDUCTIONS:
            yield Row(name, (s.normal(*shape), s.normal(*shape)), options)
            yield Row(name, (s.normal(*shape), s.normal(*shape)), {**options, "weight": s.positive(*shape)})
    for shape in ((4, 3), (2, 3, 2), ()):
        for options, beta in itertools.product(REDUCTIONS, (0.0, 0.3, 1.0, 2.5)):
            yield Row("smooth_l1_loss", (s.normal(*shape), s.normal(*shape)), {**options, "beta": beta})
        for options, delta in itertools.product(REDUCTIONS, (0.3, 1.0, 2.5)):
            x, t = s.normal(*shape), s.normal(*shape)
            yield Row("huber_loss", (x, t), {**options, "delta": delta})
            yield Row("huber_loss", (x, t), {**options, "delta": delta, "weight": s.positive(*shape)})


def classification() -> Iterator[Row]:
    s = Samples("classification")
    shapes: list[tuple[int, ...]] = [(6, 5), (6, 5, 3), (2, 5, 3, 2), (2, 5, 2, 1, 2), (5,)]
    for shape, weighted in itertools.product(shapes, (False, True)):
        lead = shape[:-1] if len(shape) == 1 else (shape[0], *shape[2:])
        weight = Fixed(s.positive(5)) if weighted else None
        x, labels = s.normal(*shape, scale=3.0), s.labels(5, *lead)
        for options, ignore_index in itertools.product(REDUCTIONS, (-100, 2, 255)):
            y = np.where((labels == 1) & (ignore_index == 255), 255, labels)
            if (y == ignore_index).all() and options["reduction"] == "mean":
                continue  # the mean of nothing is NaN in PyTorch, here an error
            options = {"weight": weight, "ignore_index": ignore_index, **options}
            yield Row("nll_loss", (x, Fixed(y)), options)
            for label_smoothing in (0.0, 0.1, 1.0):
                yield Row("cross_entropy", (x, Fixed(y)), {**options, "label_smoothing": label_smoothing})
        for options, label_smoothing in itertools.product(REDUCTIONS, (0.0, 0.1, 1.0)):
            options = {"weight": weight, "label_smoothing": label_smoothing, **options}
            p = s.probabilities(*shape) if len(shape) > 1 else s.probabilities(1, 5)[0]
            yield Row("cross_entropy", (x, p), options, note="probabilities")
    once = "PyTorch has no second derivative of it"
    for shape, p, margin, weighted in itertools.product(((4, 5), (5,)), (1, 2), (1.0, 0.3), (False, True)):
        weight = Fixed(s.positive(5)) if weighted else None
        for options in REDUCTIONS:
            options = {"p": p, "margin": margin, "weight": weight, **options}
            yield Row(
                "multi_margin_loss", (s.normal(*shape), Fixed(s.labels(5, *shape[:-1]))), options, order=1, why=once
            )
    for shape, options in itertools.product(((4, 5), (5,)), REDUCTIONS):
        yield Row(
            "multilabel_margin_loss", (s.normal(*shape), Fixed(named_classes(s, *shape))), options, order=1, why=once
        )


def named_classes(s: Samples, *shape: int) -> np.ndarray:
    """Class numbers, none of them twice, then -1, then what does not count."""
    numbers = s.rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    ends = s.rng.integers(0, shape[-1] + 1, shape[:-1])
    return np.where(np.arange(shape[-1]) == ends[..., None], -1, numbers)


def binary() -> Iterator[Row]:
    s = Samples("binary")
    for options in REDUCTIONS:
        x = s.normal(4, 3, scale=10.0)
        for target in (Fixed(s.labels(2, 4, 3) * 1.0), s.probabilities(4, 3)):
            kind = "hard" if isinstance(target, Fixed) else "soft"
            for weight, pos_weight in itertools.product((None, (4, 3), (3,), (4, 1)), (None, (3,))):
                weights = {
                    "weight": weight and Fixed(s.positive(*weight)),
                    "pos_weight": pos_weight and Fixed(s.positive(*pos_weight)),
                }
                note = f"{kind} {weight} {pos_weight}"
                yield Row("binary_cross_entropy_with_logits", (x, target), {**weights, **options}, note=note)
            for weight, theirs in itertools.product((None, (4, 3), (3,), (4, 1)), (None, cross_entropy_of_two)):
                weights = {"weight": weight and Fixed(s.positive(*weight)), **options}
                note = f"{kind} {weight}{' by the formula' if theirs else ''}"
                yield likelihood((s.probabilities(4, 3), target), weights, theirs, note)
            for alpha, gamma in itertools.product((0.25, 0.9, -1), (0, 1, 2, 0.5, 3.5)):
                focal = {"alpha": alpha, "gamma": gamma, **options}
                yield Row("sigmoid_focal_loss", (s.normal(4, 3), target), focal, focal_loss, note=kind)
    for options, shape in itertools.product(REDUCTIONS, ((4, 3), (3,))):
        signs = Fixed(2.0 * s.labels(2, *shape) - 1.0)
        yield Row("soft_margin_loss", (s.normal(*shape), signs), options)
        for weight in (None, (3,)):
            weights = {"weight": weight and Fixed(s.positive(*weight))}
            target = Fixed(s.labels(2, *shape) * 1.0)
            yield Row("multilabel_soft_margin_loss", (s.normal(*shape), target), {**weights, **options})


def likelihood(arguments: Any, options: dict[str, Any], theirs: Any = None, note: str = "") -> Row:
    """A row of binary_cross_entropy."""
    why = "" if theirs else "PyTorch adds 10⁻¹² to the divisor of its second derivative"
    order = 1 if why else 2
    return Row("binary_cross_entropy", arguments, options, theirs, note, steepness=4.0, order=order, why=why)


def cross_entropy_of_two(T: Any, p: Any, t: Any, weight: Any, reduction: str) -> Any:
    """The formula, of probabilities that are neither 0 nor 1."""
    losses = -(t * p.log() + (1 - t) * (-p).log1p())
    return reduced(losses if weight is None else losses * weight, reduction)


def focal_loss(T: Any, x: Any, t: Any, alpha: float, gamma: float, reduction: str) -> Any:
    """torchvision's formula."""
    cross_entropy = T.binary_cross_entropy_with_logits(x, t, reduction="none")
    p = x.sigmoid()
    losses = (1 - (p * t + (1 - p) * (1 - t))) ** gamma * cross_entropy
    if alpha >= 0:
        losses = (alpha * t + (1 - alpha) * (1 - t)) * losses
    return reduced(losses, reduction)


def distributions() -> Iterator[Row]:
    s = Samples("distributions")
    for shape, log_target in itertools.product(((4, 3), (2, 3, 2), ()), (False, True)):
        for options in [*REDUCTIONS, {"reduction": "batchmean"}]:
            target = s.normal(*shape) if log_target else s.positive(*shape)
            yield Row("kl_div", (s.normal(*shape), target), {**options, "log_target": log_target})
    for log_input, full in itertools.product((True, False), repeat=2):
        for options, eps in itertools.product(REDUCTIONS, (1e-8, 0.1)):
            x = s.normal(4, 3) if log_input else s.positive(4, 3)
            counts = s.positive(4, 3) * 2.0
            options = {"log_input": log_input, "full": full, "eps": eps, **options}
            yield Row("poisson_nll_loss", (x, counts), options, steepness=4.0)
    shapes = (((4, 3), (4, 3)), ((4, 3), (4,)), ((4, 3), (4, 1)), ((2, 3, 2), (2, 1, 2)), ((3,), (3,)))
    for (shape, var), full, eps in itertools.product(shapes, (False, True), (1e-6, 0.9)):
        for options in REDUCTIONS:
            options = {"full": full, "eps": eps, **options}
            arguments = (s.normal(*shape), s.normal(*shape), s.positive(*var))
            yield Row("gaussian_nll_loss", arguments, options, note=f"{var}", steepness=4.0)
            yield Row(
                "gaussian_nll_loss", (s.normal(*shape), s.normal(*shape), 0.7), options, note=f"a number {shape} {var}"
            )


def rankings() -> Iterator[Row]:
    s = Samples("rankings")
    for options, margin in itertools.product(REDUCTIONS, (0, 0.5)):
        options = {"margin": margin, **options}
        for shape, target in (((4, 3), (4, 3)), ((4, 3), (1, 1)), ((4,), (4,)), ((4,), (1,)), ((), ())):
            signs = Fixed(2.0 * s.labels(2, *target) - 1.0)
            arguments = (s.normal(*shape), s.normal(*shape), signs)
            yield Row("margin_ranking_loss", arguments, options, note=f"target {target}")
            if margin:
                yield Row("hinge_embedding_loss", (s.positive(*shape), signs), options, note=f"target {target}")
        for shape, target in (((4, 3), (4,)), ((4, 3), (1,)), ((3,), ())):
            signs = Fixed(2.0 * s.labels(2, *target) - 1.0)
            arguments = (s.normal(*shape), s.normal(*shape), signs)
            yield Row("cosine_embedding_loss", arguments, options, note=f"target {target}", steepness=4.0)
    for axes, swap, p in itertools.product((2, 1), (False, True), (1, 2, 3, 1.5, np.inf)):
        triplet = [s.normal(*(4, 3)[-axes:]) for _ in range(3)]
        for options in REDUCTIONS:
            options = {"margin": 0.7, "p": p, "swap": swap, **options}
            yield Row("triplet_margin_loss", tuple(triplet), options, steepness=4.0)
        for options in REDUCTIONS if p == 2 else ():
            options = {"margin": 0.7, "swap": swap, **options}
            yield Row("triplet_margin_with_distance_loss", tuple(triplet), options, steepness=4.0)
            options["distance_function"] = squared
            yield Row("triplet_margin_with_distance_loss", tuple(triplet), options, note="squared")


def squared(a: Any, b: Any) -> Any:
    """A distance of one's own."""
    return ((a - b) * (a - b)).sum(-1)


def maps() -> Iterator[Row]:
    s = Samples("maps")
    for options, p, smooth in itertools.product(REDUCTIONS, (1, 2), (0.0, 1.0)):
        options = {"smooth": smooth, "p": p, **options}
        for shape in ((2, 3, 4), (2, 3, 3, 2)):
            x = s.probabilities(*shape)
            yield Row("dice_loss", (x, s.probabilities(*shape)), options, overlap)
            yield Row("dice_loss", (x, Fixed(s.labels(3, 2, *shape[2:]))), options, overlap, "classes")
    for options, shape in itertools.product(REDUCTIONS, ((2, 3, 4), (2, 3, 4, 5), (2, 1, 3, 2, 4))):
        yield Row("total_variation", (s.normal(*shape),), options, variation)


def overlap(T: Any, x: Any, t: Any, smooth: float, p: int, reduction: str) -> Any:
    """Dice's loss, with images and classes one by one."""
    if t.ndim < x.ndim:
        t = T.one_hot(t, x.shape[1]).movedim(-1, 1)
    losses = [
        1 - (2 * (a * b).sum() + smooth) / ((a**p).sum() + (b**p).sum() + smooth)
        for a, b in zip(x.flatten(0, 1), t.flatten(0, 1), strict=True)
    ]
    return reduced(T.torch.stack(losses).reshape(x.shape[:2]), reduction)


def variation(T: Any, x: Any, reduction: str) -> Any:
    return reduced(sum(x.diff(dim=axis).abs().flatten(1).sum(1) for axis in range(2, x.ndim)), reduction)


def reduced(losses: Any, reduction: str) -> Any:
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()

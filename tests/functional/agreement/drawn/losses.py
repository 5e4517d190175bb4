"""Losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.functional.agreement import losses, sequences
from tests.functional.agreement.drawn.draws import Draws
from tests.functional.agreement.row import Fixed, Row, exact

ONCE = "PyTorch has no second derivative of it"


def reduction(d: Draws) -> dict[str, Any]:
    return d.some(reduction=lambda: d.choice("mean", "sum", "none"))


def difference(d: Draws, name: str) -> Row:
    """Losses of the difference of two arrays."""
    shape = d.shape(0, 4)
    options = reduction(d)
    if name == "smooth_l1_loss":
        options |= d.some(beta=lambda: d.number(0, 2))
    elif name == "huber_loss":
        options |= d.some(delta=lambda: d.number(0.25, 2))
    if name != "smooth_l1_loss" and d.flag():
        options["weight"] = d.positive(*shape)
    return Row(name, (d.normal(*shape), d.normal(*shape)), options)


def scores(d: Draws) -> tuple[np.ndarray, tuple[int, ...]]:
    """Scores of classes, C or N x C x d1 x ..., and the shape of their labels."""
    classes = d.integer(1, 5)
    lead, rest = d.shape(0, 1, 1, 4), ()
    if lead:
        rest = d.shape(0, 3, 1, 3)
    return d.normal(*lead, classes, *rest, scale=3.0), (*lead, *rest)


def classification(d: Draws, name: str) -> Row:
    x, shape = scores(d)
    classes = x.shape[0 if not shape else 1]
    options = reduction(d)
    if d.flag():
        options["weight"] = Fixed(d.positive(classes))
    if name == "cross_entropy":
        options |= d.some(label_smoothing=lambda: d.number(0, 1))
        if d.flag():
            p = d.rng.uniform(0.1, 1.0, x.shape)
            return Row(
                name, (x, d.ordered(exact(p / p.sum(1 if shape else 0, keepdims=True)))), options, note="probabilities"
            )
    labels = np.asarray(d.labels(classes, *shape)).astype(np.int64)
    if classes > 1 and d.flag():
        options["ignore_index"] = 0
        labels.reshape(-1)[:1] = 1  # the mean of nothing is NaN in PyTorch, here an error
    return Row(name, (x, Fixed(labels)), options)


def multi_margin(d: Draws) -> Row:
    shape = (*d.shape(0, 1), d.integer(1, 5))
    options = {**reduction(d), **d.some(p=lambda: d.choice(1, 2), margin=lambda: d.number(0.25, 2))}
    if d.flag():
        options["weight"] = Fixed(d.positive(shape[-1]))
    labels = Fixed(np.asarray(d.labels(shape[-1], *shape[:-1])).astype(np.int64))
    return Row("multi_margin_loss", (d.normal(*shape), labels), options, order=1, why=ONCE)


def multilabel_margin(d: Draws) -> Row:
    shape = (*d.shape(0, 1), d.integer(1, 5))
    arguments = (d.normal(*shape), Fixed(losses.named_classes(d, *shape)))
    return Row("multilabel_margin_loss", arguments, reduction(d), order=1, why=ONCE)


def target(d: Draws, shape: tuple[int, ...]) -> Any:
    """Of two classes: 0 or 1, or a probability."""
    return Fixed(d.rng.integers(0, 2, shape) * 1.0) if d.flag() else exact(d.rng.uniform(0.1, 0.9, shape))


def stretched(d: Draws, shape: tuple[int, ...]) -> tuple[int, ...]:
    sizes = tuple(1 if d.integer(0, 2) == 2 else n for n in shape)
    return sizes[d.integer(0, len(sizes)) :]


def with_logits(d: Draws) -> Row:
    shape = d.shape(1, 3)
    options = reduction(d)
    for name in ("weight", "pos_weight"):
        if d.flag():
            options[name] = Fixed(d.positive(*stretched(d, shape)))
    x = d.normal(*shape, scale=d.choice(1.0, 10.0))
    return Row("binary_cross_entropy_with_logits", (x, target(d, shape)), options, steepness=4.0)


def likelihood(d: Draws) -> Row:
    shape = d.shape(1, 3)
    options = {
        "weight": Fixed(d.positive(*stretched(d, shape))) if d.flag() else None,
        "reduction": "mean",
        **reduction(d),
    }
    theirs = losses.cross_entropy_of_two if d.flag() else None
    return losses.likelihood((exact(d.rng.uniform(0.1, 0.9, shape)), target(d, shape)), options, theirs)


def focal(d: Draws) -> Row:
    shape = d.shape(1, 3)
    options = {
        "alpha": d.choice(0.25, 0.9, -1),
        "gamma": d.choice(0, 1, 2, 0.5, 3.5),
        "reduction": "mean",
        **reduction(d),
    }
    return Row("sigmoid_focal_loss", (d.normal(*shape), target(d, shape)), options, losses.focal_loss, steepness=4.0)


def soft_margin(d: Draws) -> Row:
    shape = d.shape(0, 4)
    return Row("soft_margin_loss", (d.normal(*shape), d.signs(*shape)), reduction(d))


def multilabel_soft_margin(d: Draws) -> Row:
    shape = d.shape(1, 3)
    options = reduction(d)
    if d.flag():
        options["weight"] = Fixed(d.positive(shape[-1]))
    return Row("multilabel_soft_margin_loss", (d.normal(*shape), Fixed(d.rng.integers(0, 2, shape) * 1.0)), options)


def divergence(d: Draws) -> Row:
    shape, log_target = d.shape(0, 4), d.flag()
    options: dict[str, Any] = {"log_target": log_target, "reduction": d.choice("mean", "sum", "none", "batchmean")}
    return Row("kl_div", (d.normal(*shape), d.normal(*shape) if log_target else d.positive(*shape)), options)


def poisson(d: Draws) -> Row:
    shape, log_input = d.shape(0, 4), d.flag()
    options = {"log_input": log_input, "full": d.flag(), "eps": d.choice(1e-8, 0.1), **reduction(d)}
    x = d.normal(*shape) if log_input else d.positive(*shape)
    return Row("poisson_nll_loss", (x, np.asarray(d.positive(*shape) * 2.0)), options, steepness=4.0)


def gaussian(d: Draws) -> Row:
    shape = d.shape(1, 3)
    var = d.choice(shape, shape[:-1], (*shape[:-1], 1))
    options = {"full": d.flag(), "eps": d.choice(1e-6, 0.9), **reduction(d)}
    given = d.positive(*var) if var else d.number(0.25, 2)
    return Row("gaussian_nll_loss", (d.normal(*shape), d.normal(*shape), given), options, note=f"{var}", steepness=4.0)


def ranking(d: Draws) -> Row:
    shape = d.shape(0, 3)
    options = {"margin": d.number(0.0, 1), **reduction(d)}
    arguments = (d.normal(*shape), d.normal(*shape), d.signs(*d.choice(shape, (1,) * len(shape))))
    return Row("margin_ranking_loss", arguments, options, note=f"target {arguments[2].array.shape}")


def hinge(d: Draws) -> Row:
    shape = d.shape(0, 3)
    options = {**d.some(margin=lambda: d.number(0.25, 2)), **reduction(d)}
    return Row("hinge_embedding_loss", (d.positive(*shape), d.signs(*shape)), options)


def cosine(d: Draws) -> Row:
    shape = d.shape(1, 2, 2)
    options = {**d.some(margin=lambda: d.number(-0.5, 0.75)), **reduction(d)}
    arguments = (d.normal(*shape), d.normal(*shape), d.signs(*shape[:-1]))
    return Row("cosine_embedding_loss", arguments, options, steepness=4.0)


def triplet(d: Draws, name: str) -> Row:
    shape = d.shape(1, 2)
    options = {"margin": d.number(0.25, 2), "swap": d.flag(), **reduction(d)}
    if name == "triplet_margin_loss":
        options |= d.some(p=lambda: d.choice(1, 2, 3, 1.5, math.inf), eps=lambda: d.choice(1e-6, 0.1))
    elif d.flag():
        options["distance_function"] = losses.squared
    return Row(name, tuple(d.normal(*shape) for _ in range(3)), options, steepness=4.0)


def dice(d: Draws) -> Row:
    n, classes, size = d.integer(1, 2), d.integer(1, 3), d.shape(1, 3)
    options = {"smooth": d.choice(0.5, 1.0), "p": d.choice(1, 2), "reduction": "mean", **reduction(d)}
    x = exact(d.rng.uniform(0.1, 0.9, (n, classes, *size)))
    given = Fixed(np.asarray(d.labels(classes, n, *size)).astype(np.int64)) if d.flag() else d.positive(*x.shape)
    return Row("dice_loss", (x, given), options, losses.overlap, "classes" if isinstance(given, Fixed) else "")


def variation(d: Draws) -> Row:
    shape = (*d.each(2, 1, 3), *d.shape(1, 3, 2))
    return Row("total_variation", (d.normal(*shape),), {"reduction": "mean", **reduction(d)}, losses.variation)


def ctc(d: Draws) -> Row:
    """Short sequences, of which every alignment can be listed, and none is too short for its labels."""
    n, classes, time = d.integer(1, 3), d.integer(2, 3), d.integer(1, 4)
    blank = d.integer(0, classes - 1)
    names = [c for c in range(classes) if c != blank]
    lengths = np.array([d.integer(0, (time + 1) // 2) for _ in range(n)])
    labels = np.array([[names[d.integer(0, len(names) - 1)] for _ in range(2)] for _ in range(n)])
    arguments = (d.normal(time, n, classes), Fixed(labels), Fixed(np.full(n, time)), Fixed(lengths))
    options = {"blank": blank, "zero_infinity": d.flag(), "reduction": "mean", **reduction(d)}
    return Row("ctc_loss", arguments, options, sequences.alignments, f"{labels.tolist()} {lengths.tolist()}")


DRAWN: dict[str, Callable[[Draws], Row]] = {
    **{name: partial(difference, name=name) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")},
    **{name: partial(classification, name=name) for name in ("nll_loss", "cross_entropy")},
    **{
        f"triplet_margin_{rest}": partial(triplet, name=f"triplet_margin_{rest}")
        for rest in ("loss", "with_distance_loss")
    },
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "binary_cross_entropy_with_logits": with_logits,
    "binary_cross_entropy": likelihood,
    "sigmoid_focal_loss": focal,
    "soft_margin_loss": soft_margin,
    "multilabel_soft_margin_loss": multilabel_soft_margin,
    "kl_div": divergence,
    "poisson_nll_loss": poisson,
    "gaussian_nll_loss": gaussian,
    "margin_ranking_loss": ranking,
    "hinge_embedding_loss": hinge,
    "cosine_embedding_loss": cosine,
    "dice_loss": dice,
    "total_variation": variation,
    "ctc_loss": ctc,
}

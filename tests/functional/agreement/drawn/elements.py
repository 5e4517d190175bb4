"""Activations, softmax, dropout, normalizations, distances."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.functional.agreement import activations, distances, dropouts, normalizations
from tests.functional.agreement.drawn.draws import Draws
from tests.functional.agreement.row import Fixed, Row, SameDraws

SAME = SameDraws()
NORMS = (1, 2.0, 3, 1.5, math.inf)

# of each activation: its options, and how it is spelled in PyTorch where that rounds, or has no second derivative
OPTIONS: dict[str, Callable[[Draws], dict[str, Any]]] = {
    **dict.fromkeys(
        ("relu", "relu6", "hardsigmoid", "hardswish", "sigmoid", "tanh", "silu", "logsigmoid"), lambda d: {}
    ),
    **dict.fromkeys(("tanhshrink", "mish", "softsign", "selu"), lambda d: {}),
    "celu": lambda d: d.some(alpha=lambda: d.number(0.25, 3)),
    "elu": lambda d: d.some(alpha=lambda: d.number(-1, 3)),
    "gelu": lambda d: d.some(approximate=lambda: d.choice("none", "tanh")),
    "hardshrink": lambda d: d.some(lambd=lambda: d.number(-1, 3)),
    "hardtanh": lambda d: d.some(min_val=lambda: d.number(-3, 0), max_val=lambda: d.number(0, 3)),
    "leaky_relu": lambda d: d.some(negative_slope=lambda: d.number(-2, 2)),
    "softplus": lambda d: d.some(beta=lambda: d.number(0.25, 2), threshold=lambda: d.number(-2, 2)),
    "softshrink": lambda d: d.some(lambd=lambda: d.number(0, 3)),
    "threshold": lambda d: {"threshold": d.number(-2, 2), "value": d.number(-2, 2)},
    "rrelu": lambda d: {"lower": d.number(0.125, 0.25), "upper": d.number(0.25, 0.5)} if d.flag() else {},
}
THEIRS = {"hardsigmoid": activations.hardsigmoid, "celu": activations.celu, "mish": activations.mish}


def activation(d: Draws, name: str) -> Row:
    """Of numbers around 0, none of them on a kink but by chance."""
    x = d.normal(*d.shape(0, 5, 0), scale=d.choice(0.01, 1.0, 3.0))
    options = OPTIONS[name](d)
    theirs = THEIRS.get(name)
    if name == "softplus" and "threshold" not in options:  # PyTorch's is the line above 20
        theirs = activations.softplus
    return Row(name, (x,), options, theirs, steepness=4.0)


def prelu(d: Draws) -> Row:
    shape = d.shape(0, 5)
    channels = shape[1] if len(shape) > 1 else 1
    return Row("prelu", (d.normal(*shape), d.normal(d.choice(1, channels))))


def glu(d: Draws) -> Row:
    shape = d.shape(1, 4)
    dim = d.axis(len(shape))
    shape = tuple(2 * n if i == dim % len(shape) else n for i, n in enumerate(shape))
    return Row("glu", (d.normal(*shape),), {"dim": dim})


def softmax(d: Draws, name: str) -> Row:
    shape = d.shape(0, 4, 0)
    x = d.normal(*shape, scale=d.choice(1.0, 3.0, 1e3))
    return Row(name, (x,), {"dim": d.axis(len(shape))})


def gumbel_softmax(d: Draws) -> Row:
    shape = d.shape(1, 3)
    tau = d.choice(0.5, 1.0, 2.0)
    options = {"tau": tau, "dim": d.axis(len(shape)), "generator": SAME, "hard": d.flag()}
    return Row("gumbel_softmax", (d.normal(*shape),), options, activations.gumbel, "", max(1.0, 1 / tau))


def dropped(d: Draws, name: str) -> Row:
    shape, axes = d.choice(*dropouts.SHAPES[name])
    mask = (*shape[:axes], *(1,) * (len(shape) - axes))
    options: dict[str, Any] = {"p": d.number(0.0, 0.9), "training": True, "generator": SAME}
    low = dropouts.FLOOR if "alpha" in name else 0.0
    return Row(name, (d.normal(*shape),), options, dropouts.dropped(mask, low), steepness=2.0)


def depth(d: Draws) -> Row:
    shape, mode = d.shape(1, 4), d.choice("batch", "row")
    mask = (shape[0] if mode == "row" else 1, *(1,) * (len(shape) - 1))
    options = {"p": d.number(0.0, 0.9), "mode": mode, "training": True, "generator": SAME}
    return Row("stochastic_depth", (d.normal(*shape),), options, dropouts.dropped(mask, 0.0))


def spread(d: Draws, *shape: int) -> np.ndarray:
    """Numbers for a normalization, of several sizes and not around 0."""
    return d.normal(*shape, scale=d.choice(0.5, 2.0)) + d.choice(0.0, 1.5)


def affine(d: Draws, *shape: int) -> tuple[Any, Any]:
    """Weight and bias, or the weight, or none: PyTorch has no second derivative with a bias alone."""
    weight = d.normal(*shape) if d.flag() else None
    return weight, (d.normal(*shape) if weight is not None and d.flag() else None)


def batch_norm(d: Draws) -> Row:
    x = spread(d, d.integer(2, 5), d.integer(1, 4), *d.shape(0, 3))
    channels, training, eps = x.shape[1], d.flag(), d.choice(1e-5, 0.1)
    kept = not training or d.flag()
    averages = (Fixed(d.normal(channels)), Fixed(d.positive(channels))) if kept else (None, None)
    weight, bias = affine(d, channels)
    options = {"weight": weight, "bias": bias, "training": training, "momentum": d.number(0, 1), "eps": eps}
    steep = normalizations.steepness(x, (0, *range(2, x.ndim)), eps)
    return Row("batch_norm", (x, *averages), options, steepness=2 * steep)


def instance_norm(d: Draws) -> Row:
    x = spread(d, d.integer(1, 3), d.integer(1, 3), *(n + 1 for n in d.shape(1, 3)))
    channels, used, eps = x.shape[1], d.flag(), d.choice(1e-5, 0.1)
    kept = not used or d.flag()
    averages = (Fixed(d.normal(channels)), Fixed(d.positive(channels))) if kept else (None, None)
    weight, bias = affine(d, channels)
    options = {"weight": weight, "bias": bias, "use_input_stats": used, "momentum": d.number(0, 1), "eps": eps}
    steep = normalizations.steepness(x, tuple(range(2, x.ndim)), eps)
    return Row("instance_norm", (x, *averages), options, steepness=2 * steep)


def group_norm(d: Draws) -> Row:
    groups, eps = d.integer(1, 3), d.choice(1e-5, 0.1)
    x = spread(d, d.integer(1, 3), groups * d.integer(2, 3), *d.shape(0, 3))
    steep = normalizations.steepness(x.reshape(len(x), groups, -1), 2, eps)
    weight, bias = affine(d, x.shape[1])
    options = {"weight": weight, "bias": bias, "eps": eps}
    return Row("group_norm", (x, groups), options, steepness=2 * steep)


def layer_norm(d: Draws) -> Row:
    size = (*d.shape(0, 2), d.integer(2, 5))
    x, eps = spread(d, *d.shape(0, 2), *size), d.choice(1e-5, 0.1)
    weight, bias = affine(d, *size)
    steep = normalizations.steepness(x, tuple(range(-len(size), 0)), eps)
    return Row(
        "layer_norm",
        (x, d.choice(tuple, list)(size)),
        {"weight": weight, "bias": bias, "eps": eps},
        None,
        "",
        2 * steep,
    )


def rms_norm(d: Draws) -> Row:
    size = d.shape(1, 3)
    x = spread(d, *d.shape(0, 2), *size)
    steep = normalizations.root_mean(x, tuple(range(-len(size), 0)))
    options = {"weight": affine(d, *size)[0], "eps": d.choice(1e-5, 0.1)}
    return Row("rms_norm", (x, size), options, None, "", 2 * steep)


def local_response_norm(d: Draws) -> Row:
    options = {"alpha": d.number(0.25, 2), "beta": d.choice(0.5, 0.75, 1.5), "k": d.number(0.5, 2)}
    x = d.normal(d.integer(1, 3), d.integer(1, 6), *d.shape(1, 3))
    return Row("local_response_norm", (x, d.integer(1, 7)), options, steepness=4.0)


def standardize(d: Draws) -> Row:
    size, eps = (*d.shape(0, 1), d.integer(2, 5)), d.choice(1e-5, 0.1)
    x, axes = spread(d, *d.shape(0, 2), *size), tuple(range(-len(size), 0))
    steep = normalizations.steepness(x, axes, eps)
    return Row(
        "standardize", (x, axes, eps, d.normal(*size), d.normal(*size)), {}, normalizations.standardize, "", 2 * steep
    )


def stretched(d: Draws, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one: some sizes 1, some first axes left out."""
    sizes = tuple(1 if d.integer(0, 3) == 3 else n for n in shape[:-1])
    return (*sizes[d.integer(0, len(sizes)) :], *shape[-1:])


def cosine_similarity(d: Draws) -> Row:
    shape = d.shape(1, 3)
    x, y = d.normal(*shape) + 2.0, d.normal(*stretched(d, shape)) + 2.0  # no length is below eps
    return Row("cosine_similarity", (x, y), {"dim": -1, "eps": d.choice(1e-8, 0.5)}, note=f"{y.shape}", steepness=2.0)


def normalize(d: Draws) -> Row:
    shape = d.shape(1, 3)
    options = {"p": d.choice(*NORMS), "dim": d.axis(len(shape)), "eps": d.choice(1e-12, 0.5)}
    return distances.row("normalize", (d.normal(*shape),), options, "")


def pairwise_distance(d: Draws) -> Row:
    shape = d.shape(0, 2)
    other = d.choice(shape, shape[-1:])
    options = {"p": d.choice(*NORMS), "eps": d.choice(1e-6, 0.1), "keepdim": d.flag()}
    return distances.row("pairwise_distance", (d.normal(*shape), d.normal(*other)), options, f"{other}")


def cdist(d: Draws) -> Row:
    lead, width = d.shape(0, 2, 1, 3), d.integer(1, 4)
    a, b = (*lead, d.integer(1, 4), width), (*stretched(d, (*lead, 1))[:-1], d.integer(1, 4), width)
    return distances.row(
        "cdist", (d.normal(*a), d.normal(*b)), {"p": d.choice(*NORMS)}, f"{b}", distances.by_differences
    )


def pdist(d: Draws) -> Row:
    x = d.normal(d.integer(2, 6), d.integer(1, 4))
    return distances.row("pdist", (x,), {"p": d.choice(*NORMS)}, "", distances.by_differences_of_pairs)


DRAWN: dict[str, Callable[[Draws], Row]] = {
    **{name: partial(activation, name=name) for name in OPTIONS},
    **{name: partial(softmax, name=name) for name in ("softmax", "log_softmax", "softmin")},
    **{name: partial(dropped, name=name) for name in dropouts.SHAPES},
    "prelu": prelu,
    "glu": glu,
    "gumbel_softmax": gumbel_softmax,
    "stochastic_depth": depth,
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "local_response_norm": local_response_norm,
    "standardize": standardize,
    "cosine_similarity": cosine_similarity,
    "normalize": normalize,
    "pairwise_distance": pairwise_distance,
    "cdist": cdist,
    "pdist": pdist,
}

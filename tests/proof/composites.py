"""Every differentiable function of ``functional``: derivatives of order 1 and 2, of normalizations up to order 4.

Each is held by ``gradcheck`` against differences of the order below, in float64, with random cotangents, which are
inputs of the next order. Inputs are distinct, so that no maximum has a tie and no kink is near.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import tinygrad_cv.functional as F
from tests.functional.agreement import table as calls
from tests.functional.agreement.compare import leaves_of, with_leaves
from tests.primitives.row import SEED
from tests.proof.outcome import Outcome, Wrong, attempt
from tests.proof.parallel import spread
from tinygrad_cv.check import Report, gradcheck
from tinygrad_cv.frontend.random import Generator
from tinygrad_cv.frontend.tensor import Tensor

Array = np.ndarray
ORDER, NORMALIZATION_ORDER = 2, 4


class Composite(NamedTuple):
    """A function and the arrays that it is differentiated by."""

    name: str
    function: Callable[..., Any]
    arrays: tuple[Array, ...]
    variant: str = ""

    @property
    def order(self) -> int:
        of_statistics = ("norm" in self.name and self.name != "normalize") or self.name == "standardize"
        return NORMALIZATION_ORDER if of_statistics else ORDER


def rows(seed: int = SEED) -> list[Composite]:
    """All of them, with inputs of a seed."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape)

    def distinct(*shape: int) -> Array:
        """No two numbers, and none and 0, nearer than 0.04."""
        n = math.prod(shape)
        return rng.permutation((np.arange(n) - n // 2 + 0.5) * 0.06 + rng.uniform(-0.01, 0.01, n)).reshape(shape)

    def share(*shape: int) -> Array:
        return rng.uniform(0.1, 0.9, shape)

    image, labels, maps = distinct(1, 2, 4, 3), np.array([2, 0, 1]), np.array([[2, 0], [1, 1]])
    weights, mean, var = (Tensor(x) for x in (rng.uniform(0.5, 2.0, 3), normal(3), rng.uniform(0.5, 2.0, 3)))
    targets = share(2, 3)
    norm, slope = normal(2, 2, 2), normal(2)
    own = [
        *spatial(distinct, normal),
        *rearranged(normal),
        Composite(
            "batch_norm",
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
            (normal(4, 2), slope, normal(2)),
        ),
        Composite("batch_norm", lambda x, w: F.batch_norm(x, None, None, w), (normal(2, 2, 2, 1), slope), "of images"),
        Composite(
            "batch_norm",
            lambda x, w, b: F.batch_norm(x, mean, var, w, b),
            (normal(2, 3), normal(3), normal(3)),
            "at test time",
        ),
        Composite("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, (normal(4), share(4))),
        Composite(
            "binary_cross_entropy_with_logits",
            lambda x, t: F.binary_cross_entropy_with_logits(x, t, weights, None, None, "none", weights * 2),
            (normal(2, 3), share(2, 3)),
            "weighted",
        ),
        Composite(
            "conv2d", lambda x, w, b: F.conv2d(x, w, b, (1, 2), 1), (normal(1, 2, 4, 3), normal(2, 2, 3, 2), normal(2))
        ),
        Composite(
            "conv2d",
            lambda x, w: F.conv2d(x, w, None, 2, 1, 1, 2),
            (normal(1, 2, 4, 3), normal(2, 1, 2, 2)),
            "in groups",
        ),
        Composite(
            "conv2d",
            lambda x, w: F.conv2d(x, w, None, 1, "same", 2),
            (normal(1, 1, 4, 3), normal(2, 1, 2, 2)),
            "dilated",
        ),
        Composite(
            "conv_transpose2d",
            lambda x, w: F.conv_transpose2d(x, w, None, 2, 1, 1),
            (normal(1, 2, 2, 2), normal(2, 1, 3, 3)),
        ),
        Composite("cross_entropy", lambda x: F.cross_entropy(x, labels), (normal(3, 4),)),
        Composite(
            "cross_entropy",
            lambda x: F.cross_entropy(x, maps, weights, None, 1, None, "none", 0.1),
            (normal(2, 3, 2),),
            "each, smoothed",
        ),
        Composite(
            "cross_entropy", lambda x, t: F.cross_entropy(x, t, weights), (normal(2, 3), targets), "of probabilities"
        ),
        Composite("dropout", lambda x: F.dropout(x * x, 0.5, generator=Generator(3)), (normal(6),)),
        Composite("dropout2d", lambda x: F.dropout2d(x * x, 0.5, generator=Generator(3)), (normal(2, 3, 1, 2),)),
        Composite("elu", lambda x: F.elu(x, 1.3), (image,)),
        Composite("gelu", F.gelu, (normal(5),)),
        Composite("gelu", lambda x: F.gelu(x, "tanh"), (normal(5),), "tanh"),
        Composite("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), (normal(1, 4, 2), normal(4), normal(4))),
        Composite("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (norm, slope, normal(2))),
        Composite("rms_norm", lambda x, w: F.rms_norm(x, 4, w, 1e-5), (normal(2, 4), normal(4))),
        Composite("local_response_norm", lambda x: F.local_response_norm(x, 3, 0.5), (norm,)),
        Composite("l1_loss", lambda x: F.l1_loss(x[0], x[1], reduction="none"), (distinct(2, 5),)),
        Composite("layer_norm", lambda x, w, b: F.layer_norm(x, 4, w, b), (normal(2, 4), normal(4), normal(4))),
        Composite("layer_norm", lambda x: F.layer_norm(x, (2, 2)), (norm,), "over two axes"),
        Composite("leaky_relu", lambda x: F.leaky_relu(x, 0.3), (image,)),
        Composite("linear", F.linear, (normal(3, 2), normal(4, 2), normal(4))),
        Composite("log_softmax", F.log_softmax, (normal(2, 4),)),
        Composite("mse_loss", F.mse_loss, (normal(3, 2), normal(3, 2))),
        Composite("nll_loss", lambda x: F.nll_loss(F.log_softmax(x, 1), labels, weights), (normal(3, 3),)),
        Composite("standardize", lambda x: F.standardize(x, 1), (normal(2, 4),)),
        Composite("hardshrink", lambda x: F.hardshrink(x, 0.3), (image,)),
        Composite("hardsigmoid", F.hardsigmoid, (image * 10,)),
        Composite("hardswish", F.hardswish, (image * 10,)),
        Composite("hardtanh", lambda x: F.hardtanh(x, -0.3, 0.3), (image,)),
        Composite("relu", F.relu, (image,)),
        Composite("relu6", F.relu6, (image * 10,)),
        Composite("rrelu", F.rrelu, (image,)),
        Composite("sigmoid", F.sigmoid, (normal(5),)),
        Composite("silu", F.silu, (normal(5),)),
        Composite("softmax", F.softmax, (normal(2, 4),)),
        Composite("softmax", lambda x: F.softmax(x, 0), (normal(4, 2),), "over rows"),
        Composite("softplus", F.softplus, (normal(5),)),
        Composite("softshrink", lambda x: F.softshrink(x, 0.3), (image,)),
        Composite("tanh", F.tanh, (normal(5),)),
        Composite("threshold", lambda x: F.threshold(x, 0.3, 0.1), (image,)),
    ]
    return [*own, *compared({row.name for row in own})]


def compared(named: set[str]) -> Iterator[Composite]:
    """Of each other function the first call that is compared with PyTorch, if it has a derivative."""
    for row in calls.rows():
        if row.name not in named and (leaves := leaves_of(row)):
            named.add(row.name)
            yield Composite(row.name, with_leaves(row), tuple(leaves))


def spatial(distinct: Callable[..., Array], normal: Callable[..., Array]) -> Iterator[Composite]:
    """The functions that are one implementation for one, two and three spatial axes."""
    for dims in (1, 2, 3):
        size = (4, 3, 2)[:dims]
        image, some, kernel = distinct(1, 2, *size), (3, 2, 2)[:dims], (2,) * dims
        places = np.arange(2 * math.prod(some)).reshape(1, 2, *some) % math.prod(some) * 3 // 2

        def row(
            name: str, *arguments: Any, variant: str = "", xs: Sequence[Array] = (image,), **options: Any
        ) -> Composite:
            function = getattr(F, name)
            return Composite(name, lambda *xs: function(*xs, *arguments, **options), tuple(xs), variant)

        yield row(f"max_pool{dims}d", 2, 1, 1)
        yield row(f"max_pool{dims}d", 2, 1, 0, (2, 1, 1)[:dims], True, variant="dilated")
        yield row(f"avg_pool{dims}d", 2, 2, 1, True, False)
        yield row(f"avg_pool{dims}d", 2, 1, variant="overlapping")
        yield row(f"lp_pool{dims}d", 2, 2, 1)
        yield row(f"lp_pool{dims}d", 3, 2, 2, True, xs=[abs(image)], variant="of cubes")
        yield row(f"adaptive_avg_pool{dims}d", some)
        yield row(f"adaptive_max_pool{dims}d", some)
        yield row(f"global_avg_pool{dims}d")
        yield row(f"global_max_pool{dims}d")
        yield row(f"max_unpool{dims}d", places, 2, xs=[normal(1, 2, *some)])
        linear = ("linear", "bilinear", "trilinear")[dims - 1]
        yield row("interpolate", (5, 2, 3)[:dims])
        yield row("interpolate", (5, 2, 3)[:dims], None, linear, variant=linear)
        yield row("upsample", None, 2, linear, True)
        if dims > 1:
            yield Composite(f"fractional_max_pool{dims}d", with_samples(dims, kernel, (*some[:-1], 1)), (image,))
        if dims != 2:
            xs = [normal(1, 2, *size), normal(2, 1, *kernel), normal(2)]
            yield row(f"conv{dims}d", 1, 1, 1, 2, xs=xs)
            xs = [normal(1, 2, *(2,) * dims), normal(2, 2, *kernel), normal(2)]
            yield row(f"conv_transpose{dims}d", 2, 1, 1, xs=xs)


def with_samples(dims: int, kernel: tuple[int, ...], counts: tuple[int, ...]) -> Callable[[Tensor], Any]:
    """Fractional pooling whose numbers are given, in the dtype of the image."""
    function, samples = getattr(F, f"fractional_max_pool{dims}d"), np.full((1, 2, dims), 0.4)
    return lambda x: function(x, kernel, counts, _random_samples=Tensor(samples).astype(x.dtype))


def rearranged(normal: Callable[..., Array]) -> Iterator[Composite]:
    """The functions that move elements."""
    yield Composite("channel_shuffle", lambda x: F.channel_shuffle(x, 2), (normal(1, 4, 2),))
    yield Composite("fold", lambda x: F.fold(x, (3, 4), 2, 1, 1, (1, 2)), (normal(1, 4, 12),))
    yield Composite("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), (normal(4, 2, 1),))
    yield Composite("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), (normal(1, 4, 2),))
    yield Composite("unfold", lambda x: F.unfold(x, 2, (1, 2), 1), (normal(1, 3, 3),))
    image = normal(1, 2, 3, 4)
    yield Composite("affine_grid", lambda x: F.affine_grid(x, (2, 1, 2, 3)), (normal(2, 2, 3),))
    positions = np.array([[[[-0.8, 0.3], [0.1, 0.9], [1.2, -0.2]]]])  # of 3 x 4 pixels, none on a pixel or an edge
    for mode in ("bilinear", "bicubic"):
        yield Composite(
            "grid_sample", lambda x, grid, mode=mode: F.grid_sample(x, grid, mode, "border"), (image, positions), mode
        )
    yield Composite(
        "grid_sample", lambda x: F.grid_sample(x, Tensor(positions).astype(x.dtype), "nearest"), (image,), "nearest"
    )
    for mode in ("constant", "reflect", "replicate", "circular"):
        yield Composite("pad", lambda x, mode=mode: F.pad(x, (2, 1, -1, 2), mode), (image,), mode)
    yield Composite("interpolate", lambda x: F.interpolate(x, (4, 3), None, "bicubic"), (image,), "bicubic")
    yield Composite("interpolate", lambda x: F.interpolate(x, 2, None, "lanczos", None, None, True), (image,), "smooth")


def missing(composites: list[Composite], only: str | None = None) -> Iterator[Outcome]:
    """The functions without a row."""
    named = {row.name for row in composites}
    named |= calls.without_derivative()
    for name in sorted(name for name in F.__all__ if name not in named and only in (None, name)):
        yield Outcome(name, "order 1", "", f"no row for {name}: add one in tests/proof/composites.py")


def outcomes(part: bool = False, seed: int = SEED, only: str | None = None, processes: int = 2) -> Iterator[Outcome]:
    """One check for each function, variant and order; the short form has order 1 of everything."""
    composites = rows(seed)
    yield from missing(composites, only)
    chosen = [(i, 1 if part else row.order, seed) for i, row in enumerate(composites) if only in (None, row.name)]
    for found in spread(_numbered, chosen, 1 if part or only else processes):
        yield from found


def _numbered(item: tuple[int, int, int]) -> list[Outcome]:
    """The checks of a row by its number: functions do not travel between processes."""
    i, order, seed = item
    return list(checks(rows(seed)[i], order, seed))


def checks(row: Composite, order: int, seed: int = SEED) -> Iterator[Outcome]:
    """One check an order."""

    @cache
    def report() -> Report:
        return gradcheck(row.function, row.arrays, order=order, seed=seed)

    def agrees(k: int) -> float:
        entries = [entry for entry in report().inputs if entry.order == k]
        worst = max(float(np.max(entry.error / entry.allowed)) for entry in entries)
        wrong = [str(entry) for entry in entries if entry.verdict != "correct"]
        if wrong:
            raise Wrong("; ".join(wrong), worst)
        return worst

    for k in range(1, order + 1):
        yield attempt(row.name, f"order {k}", row.variant, agrees, k)

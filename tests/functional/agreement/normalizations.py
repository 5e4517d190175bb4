"""Normalizations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.row import Fixed, Row, Samples


def rows() -> Iterator[Row]:
    s = Samples("normalizations")
    empty: list[tuple[str, tuple[int, ...], tuple[Any, ...]]] = [
        ("layer_norm", (2, 0), ((0,),)),
        ("layer_norm", (0, 3), ((3,),)),
        ("rms_norm", (2, 0), ((0,),)),
        ("group_norm", (2, 4, 0), (2,)),
        ("group_norm", (0, 4, 3), (2,)),
        ("instance_norm", (2, 4, 0), ()),
    ]
    for name, nothing, over in empty:
        yield Row(name, (s.normal(*nothing), *over), {}, note=f"nothing, {nothing}")
    for shape, eps in itertools.product(((6, 8), (3, 8, 5), (3, 8, 5, 3), (2, 8, 3, 2, 3)), (1e-5, 0.1)):
        x = s.normal(*shape, scale=2.0) + 1.5
        affine, averages = (s.normal(8), s.normal(8)), (Fixed(s.normal(8)), Fixed(s.positive(8)))
        spatial = tuple(range(2, x.ndim))
        steep = steepness(x, (0, *spatial), eps)
        for training in (True, False):
            options = {"training": training, "eps": eps}
            yield Row("batch_norm", (x, *averages, *affine), options, steepness=steep)
            yield Row("batch_norm", (x, *averages), options, note="no weight", steepness=steep)
        yield Row("batch_norm", (x, None, None, *affine), {"training": True, "eps": eps}, note="alone", steepness=steep)
        for groups in (1, 2, 8) if spatial else (1, 2):
            grouped = x.reshape(len(x), groups, -1)
            for given in (affine, ()):
                yield Row(
                    "group_norm",
                    (x, groups, *given),
                    {"eps": eps},
                    None,
                    f"G={groups} {len(given)}",
                    steepness(grouped, 2, eps),
                )
        if spatial:
            steep = steepness(x, spatial, eps)
            for pair in ((None, None), affine):
                note = "no weight" if pair[0] is None else ""
                rest = (*pair, True, 0.1, eps)
                yield Row("instance_norm", (x, *averages, *rest), note=f"averages {note} {eps}", steepness=steep)
                yield Row(
                    "instance_norm",
                    (x, None, None, *pair),
                    {"eps": eps},
                    note=f"alone {note}",
                    steepness=steep,
                )
                options = {"use_input_stats": False, "eps": eps}
                yield Row("instance_norm", (x, *averages, *pair), options, note=note, steepness=steep)
            for n, alpha, beta, k in (
                (1, 1e-4, 0.75, 1.0),
                (2, 0.5, 0.5, 2.0),
                (5, 1.0, 1.5, 1.0),
                (9, 2.0, 0.75, 0.1),
            ):
                options = {"alpha": alpha, "beta": beta, "k": k}
                yield Row("local_response_norm", (x, n), options, note=f"over {n} {eps}", steepness=k**-beta + 1.0)
        for last in range(1, x.ndim):
            size, axes = x.shape[-last:], tuple(range(-last, 0))
            steep, affine = steepness(x, axes, eps), (s.normal(*size), s.normal(*size))
            yield Row("layer_norm", (x, size, *affine), {"eps": eps}, None, f"over {last}", steep)
            yield Row("layer_norm", (x, size), {"eps": eps}, None, f"over {last}, no weight", steep)
            for weight in (None, affine[0]):
                for unit in (None, eps):
                    note = f"over {last}, {weight is None} {eps}"
                    yield Row("rms_norm", (x, size, weight, unit), note=f"{note} {unit}", steepness=root_mean(x, axes))
            yield Row("standardize", (x, axes, eps, *affine), {}, standardize, f"over {last} {eps}", steep)


def steepness(x: np.ndarray, axes: Any, eps: float) -> float:
    """The largest 1 / σ: a normalization divides by σ, and so do its gradients."""
    return max(1.0, 1.0 / np.sqrt(x.var(axes) + eps).min())


def root_mean(x: np.ndarray, axes: Any) -> float:
    """The largest reciprocal of √mean(x²)."""
    return max(1.0, 1.0 / np.sqrt(np.square(x).mean(axes)).min())


def standardize(T: Any, x: Any, axes: Any, eps: float, weight: Any, bias: Any) -> Any:
    """PyTorch has the formula by this name only for its own last axes."""
    return T.layer_norm(x, weight.shape, weight, bias, eps)

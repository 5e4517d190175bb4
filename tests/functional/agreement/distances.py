"""Distances between vectors, and angles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.row import Row, Samples

Shapes = tuple[tuple[int, ...], tuple[int, ...]]
NORMS = (2.0, 1.0, 0.0, 3.0, 1.5, 0.5, np.inf)


def rows() -> Iterator[Row]:
    s = Samples("distances")
    some: list[Shapes] = [((4, 3), (4, 3)), ((4, 3), (1, 3)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1))]
    for a, b in some:
        for dim, eps in itertools.product((0, 1, -1), (1e-8, 0.9)):
            x, y = s.normal(*a) + 2.0, s.normal(*b) + 2.0  # no length is below eps
            yield Row("cosine_similarity", (x, y), {"dim": dim, "eps": eps}, note=f"{b}")
    for axes, p, eps in itertools.product((2, 3), (*NORMS, -np.inf, -1.0), (1e-12, 0.7, 90.0)):
        for vectors in (0, 1, -1, (0, 1), (-1, 0)):
            yield row("normalize", (s.normal(*(2, 4, 3)[-axes:]),), {"p": p, "dim": vectors, "eps": eps}, "")
    some = [((4, 3), (4, 3)), ((4, 3), (3,)), ((3,), (3,))]
    for (a, b), p in itertools.product(some, (*NORMS, -np.inf, -1.0)):
        for eps, keepdim in itertools.product((1e-6, 0.1), (False, True)):
            options = {"p": p, "eps": eps, "keepdim": keepdim}
            yield row("pairwise_distance", (s.normal(*a), s.normal(*b)), options, f"{b}")
    for dim in (0, -1):  # numbers, which PyTorch takes for vectors of length 1
        yield Row("cosine_similarity", (np.array(3.0), np.array(-2.5)), {"dim": dim}, note="numbers")
        yield row("normalize", (np.array(3.0),), {"p": 2.0, "dim": dim}, "number")
    yield row("pairwise_distance", (s.normal(), s.normal()), {"p": 2.0, "keepdim": True}, "numbers")
    some = [((4, 3), (5, 3)), ((2, 4, 3), (2, 5, 3)), ((2, 1, 4, 3), (3, 5, 3))]
    for (a, b), p in itertools.product(some, NORMS):
        yield row("cdist", (s.normal(*a), s.normal(*b)), {"p": p}, f"{b}", by_differences)
        if p == 2:
            for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
                how: dict[str, Any] = {"p": p, "compute_mode": mode}
                yield row("cdist", (s.normal(*a), s.normal(*b)), how, f"{b}", by_differences)
    for n, p in itertools.product((2, 4, 6), NORMS):
        yield row("pdist", (s.normal(n, 3),), {"p": p}, "", by_differences_of_pairs)


def row(name: str, arguments: Any, options: dict[str, Any], note: str, theirs: Any = None) -> Row:
    """A row of a norm; a number of differences has no derivative."""
    count = "a count has no derivative" if options["p"] == 0 else ""
    return Row(name, arguments, options, theirs, note, steepness=4.0, order=0 if count else 2, why=count)


def by_differences(T: Any, a: Any, b: Any, p: float, compute_mode: str = "") -> Any:
    """PyTorch's norm of all differences: its cdist has no second derivative for every p."""
    a, b = a.unsqueeze(-2), b.unsqueeze(-3)
    return T.pairwise_distance(a, b, p, 0.0)


def by_differences_of_pairs(T: Any, x: Any, p: float) -> Any:
    """PyTorch's norm of the differences of pairs: its pdist has no second derivative."""
    first, second = np.triu_indices(len(x), 1)
    return T.pairwise_distance(x[first], x[second], p, 0.0)

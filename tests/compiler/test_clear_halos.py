"""Halos that are stored when a value takes up memory: others use the memory before and after."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.thresholds import BEYOND, crossed
from tinygrad_cv.compiler.schedule import clear
from tinygrad_cv.compiler.verify import VerificationError

SHAPES = ((2, 16, 24, 24), (16, 16, 3, 3), (16, 16, 5, 5), (16, 16, 1, 7))


def convolutions(x, *weights):
    """Each reads what the one before has computed, with a halo of its own; between them others use the memory."""
    for w in weights:
        x = F.conv2d(F.tanh(x), w * 0.1, padding=(w.shape[2] // 2, w.shape[3] // 2))
        x = x / x.square().mean((0, 2, 3), keepdims=True)
    return x


def compiled(large):
    with crossed({"compiler.schedule.clear.LARGE": large}):
        f = tg.jit(convolutions)
        tg.manual_seed(0)
        arguments = [tg.randn(*shape) for shape in SHAPES]
        results = [f(*arguments).numpy() for _ in range(2)]  # the second call finds the memory as the first left it
        return results, f.memory(*arguments), f.kernels(*arguments)


def test_memory_is_shared_with_what_has_another_halo_and_no_bit_changes():
    fixed, apart, _ = compiled(BEYOND)
    cleared, shared, kernels = compiled(0)
    for found, right in zip(cleared, fixed, strict=True):
        np.testing.assert_array_equal(found, right)
    assert shared.arena < 0.8 * apart.arena
    assert {row.kind for row in kernels} == {"halo", "contraction", "reduction", "elementwise"}


def test_a_side_that_is_forgotten_is_found(monkeypatch):
    every = clear.halo_nests
    monkeypatch.setattr(clear, "halo_nests", lambda value, layout: every(value, layout)[1:])
    with pytest.raises(VerificationError, match="elements are stored"):
        compiled(0)


def test_a_halo_that_is_stored_too_late_is_found(monkeypatch):
    lives_of = clear.lives_of
    monkeypatch.setattr(clear, "lives_of", lambda plan: {v: (a + 1, b) for v, (a, b) in lives_of(plan).items()})
    with pytest.raises(VerificationError, match="not stored yet"):
        compiled(0)

"""Random bits: a pure function of seed and counter, equal to NumPy's Philox, the same however they are drawn."""

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops.random import random_bits, words

pytestmark = pytest.mark.quick


def draw(seed, position, shape, bits):
    return eager(random_bits, [np.array([seed, position], np.uint64)], {"shape": shape, "bits": bits})


def test_words_of_numpys_philox():
    for seed in (0, 1, 2**32 + 5, 2**64 - 1):
        expected = np.random.Philox(key=seed).random_raw(50)
        np.testing.assert_array_equal(draw(seed, 0, (50,), 64), expected)
        halves = np.stack([expected & 0xFFFFFFFF, expected >> 32], 1).ravel()
        np.testing.assert_array_equal(draw(seed, 0, (99,), 32), halves[:99])


@pytest.mark.parametrize("bits", [1, 11, 24, 31, 32, 33, 53, 63, 64])
def test_bits_are_the_highest_of_a_word(bits):
    width = 32 if bits <= 32 else 64
    whole = draw(9, 0, (40,), width)
    few = draw(9, 0, (40,), bits)
    assert few.dtype == whole.dtype == f"u{width // 8}"
    assert few.tolist() == [word >> width - bits for word in whole.tolist()]


@pytest.mark.parametrize("position", [*range(9), 1001, 2**40 + 3])
def test_position_counts_words_of_the_stream(position):
    if position < 2000:
        expected = np.random.Philox(key=7).random_raw(position + 20)[position:]
    else:
        expected = np.random.Philox(key=7, counter=position // 4).random_raw(20 + position % 4)[position % 4 :]
    np.testing.assert_array_equal(draw(7, position, (4, 5), 64).ravel(), expected)


@pytest.mark.parametrize("bits", [24, 53])
def test_two_draws_are_one_draw(bits):
    """Where the first takes whole words, the second goes on exactly behind it."""
    for first in (0, 2, 6, 16):
        whole = draw(3, 5, (40,), bits)
        one = draw(3, 5, (first,), bits)
        two = draw(3, 5 + words((first,), bits), (40 - first,), bits)
        np.testing.assert_array_equal(np.concatenate([one, two]), whole)


def test_words_taken():
    assert [words(shape, 32) for shape in [(), (1,), (2,), (3, 3), (0, 5)]] == [1, 1, 1, 5, 0]
    assert [words(shape, 53) for shape in [(), (1,), (2,), (3, 3), (0, 5)]] == [1, 1, 2, 9, 0]


def test_shape_is_filled_in_row_major_order():
    np.testing.assert_array_equal(draw(1, 0, (3, 4), 32).ravel(), draw(1, 0, (12,), 32))
    assert draw(1, 0, (), 32).shape == () and draw(1, 3, (0, 2), 32).shape == (0, 2)


def test_generator_repeats_and_goes_on():
    a, b = tg.Generator(5), tg.Generator(5)
    for shape in [(3,), (2, 5), (), (7,)]:
        np.testing.assert_array_equal(a.uniform(shape).value, b.uniform(shape).value)
    state = a.state.numpy().copy()
    first = a.normal((4,)).value
    a.state.assign(state)
    np.testing.assert_array_equal(a.normal((4,)).value, first)
    assert not np.array_equal(a.normal((4,)).value, first)


def test_consecutive_draws_do_not_overlap():
    generator = tg.Generator(1)
    drawn = np.concatenate([generator.bits((n,), 53).value for n in (1, 2, 3, 5, 8)])
    assert len(set(drawn.tolist())) == len(drawn)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_is_uniform(dtype):
    """Every tenth of [0, 1) holds its share, within five standard deviations; 1 is never drawn; no correlation."""
    n = 20_000
    x = tg.Generator(17).uniform((n,), dtype).value
    assert x.dtype == dtype and 0 <= x.min() and x.max() < 1
    counts = np.bincount((x.astype(np.float64) * 10).astype(int), minlength=10)
    assert len(counts) == 10 and abs(counts - n / 10).max() < 5 * math.sqrt(n * 0.1 * 0.9)
    y = x.astype(np.float64) - 0.5
    assert abs((y[1:] * y[:-1]).mean()) < 5 / 12 / math.sqrt(n)


def test_normal_has_mean_0_and_variance_1():
    n = 20_000
    x = tg.Generator(4).normal((n,), np.float64).value
    assert abs(x.mean()) < 5 / math.sqrt(n)
    assert abs(x.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((x**4).mean() - 3) < 5 * math.sqrt(96 / n)
    assert np.isfinite(x).all()


def test_integers_fill_their_range():
    x = tg.Generator(2).integers(-3, 4, (5000,)).value
    assert x.dtype == np.int64 and set(x.tolist()) == set(range(-3, 4))


def test_a_draw_asks_the_system_for_nothing(monkeypatch):
    def refuse(count):
        raise AssertionError("random bytes of the system are no function of the state")

    monkeypatch.setattr("random._urandom", refuse)
    assert draw(1, 2, (4,), 32).shape == (4,)

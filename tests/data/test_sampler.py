"""Samplers: PyTorch's meaning, an order for each seed and epoch, and the frequencies that were asked for."""

import itertools
from collections import Counter

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import data
from tinygrad_cv.data.randomness import ordering

pytestmark = pytest.mark.any_python

RANDOM = {
    "RandomSampler": lambda generator=None: data.RandomSampler(range(40), generator=generator),
    "with replacement": lambda generator=None: data.RandomSampler(range(40), True, generator=generator),
    "SubsetRandomSampler": lambda generator=None: data.SubsetRandomSampler(range(5, 45), generator),
    "WeightedRandomSampler": lambda generator=None: data.WeightedRandomSampler(np.arange(50), 40, generator=generator),
}


def orders(sampler, seed, epochs):
    """What a loader gets of a sampler."""
    return [ordering(seed, epoch).run(list, sampler) for epoch in epochs]


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_in_a_loader_an_order_follows_from_seed_and_epoch(make):
    three = orders(make(), 7, range(3))
    assert len(set(map(tuple, three))) == 3
    assert orders(make(), 7, [2]) == three[2:] and orders(make(), 8, [2]) != three[2:]


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
@pytest.mark.parametrize("kind", [tg.Generator, np.random.default_rng])
def test_in_a_loader_a_generator_is_asked_for_one_seed(make, kind):
    three = orders(make(kind(1)), 7, range(3))
    assert orders(make(kind(1)), 8, [2]) == three[2:], (
        "the loader's seed does not matter, nor how often it was iterated"
    )
    assert orders(make(kind(2)), 7, [2]) != three[2:]


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_alone_each_pass_has_an_order_of_its_own(make):
    tg.manual_seed(0)
    sampler = make()
    two = [list(sampler), list(sampler)]
    tg.manual_seed(0)
    assert [list(sampler), list(sampler)] == two and two[0] != two[1]
    for kind in (tg.Generator, np.random.default_rng):
        own, same = make(kind(1)), make(kind(1))
        assert [list(own), list(own)] == (two := [list(same), list(same)]) and two[0] != two[1]


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize(
    "size, num_samples", [(7, None), (7, 3), (7, 7), (7, 20), (7, 21), (1, 5), (0, None), (9000, None)]
)
def test_random_sampler_gives_pytorchs_numbers_of_samples(size, num_samples, replacement):
    ours = data.RandomSampler(range(size), replacement, num_samples)
    drawn = list(ours)
    assert len(drawn) == len(ours) == ours.num_samples and all(type(i) is int for i in drawn)
    assert set(drawn) <= set(range(size))
    if size:  # PyTorch refuses an empty data set
        theirs = pytest.importorskip("torch").utils.data.RandomSampler(range(size), replacement, num_samples)
        assert len(drawn) == len(theirs) == len(list(theirs))
    if not replacement:
        for start in range(0, len(drawn), size or 1):  # one order after another
            assert len(set(drawn[start : start + size])) == len(drawn[start : start + size])


def within_six_deviations(counts, probabilities, draws):
    for i, p in enumerate(probabilities):
        assert abs(counts[i] - draws * p) <= 6 * np.sqrt(draws * p * (1 - p)), (i, counts[i], draws * p)


def test_weighted_sampler_draws_in_proportion():
    weights = np.array([0.2, 0.0, 0.4, 1.0]) * 1.5e308
    drawn = list(data.WeightedRandomSampler(weights, 20_000, generator=np.random.default_rng(0)))
    assert all(type(i) is int for i in drawn)
    within_six_deviations(Counter(drawn), [1 / 8, 0, 2 / 8, 5 / 8], 20_000)


def test_weighted_sampler_without_replacement_draws_from_those_that_are_left():
    """Probabilities of each order of two of three, by hand: p(a) p(b) / (1 - p(a))."""
    weights, draws = np.array([1.0, 2.0, 3.0]), 4000
    sampler = data.WeightedRandomSampler(weights, 2, replacement=False, generator=np.random.default_rng(0))
    counts = Counter(tuple(sampler) for _ in range(draws))
    pairs = list(itertools.permutations(range(3), 2))
    p = weights / 6
    within_six_deviations([counts[pair] for pair in pairs], [p[a] * p[b] / (1 - p[a]) for a, b in pairs], draws)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size, batch_size", [(10, 4), (8, 4), (3, 4), (0, 4), (5, 1)])
def test_batch_sampler_is_pytorchs(size, batch_size, drop_last):
    theirs = pytest.importorskip("torch").utils.data.BatchSampler(range(size), batch_size, drop_last)
    ours = data.BatchSampler(data.SequentialSampler(range(size)), batch_size, drop_last)
    assert list(ours) == list(theirs) and len(ours) == len(theirs)


class Bare(data.Sampler):
    """Nothing defined."""


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: data.RandomSampler("ab", num_samples=0), ValueError, "RandomSampler: num_samples is 0; .*at least 1"),
        (lambda: data.RandomSampler("ab", num_samples=True), ValueError, "num_samples is True"),
        (lambda: data.RandomSampler("ab", num_samples=1.5), ValueError, r"num_samples is 1\.5; .*whole number"),
        (lambda: data.RandomSampler("ab", replacement=2), ValueError, "replacement is 2; it must be True or False"),
        (lambda: data.RandomSampler("ab", generator=5), TypeError, r"RandomSampler: generator is a builtins\.int"),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError, r"weights of shape \(1, 1\)"),
        (lambda: data.WeightedRandomSampler([1.0, -1.0], 1), ValueError, "from -1 to 1; they must be N finite"),
        (lambda: data.WeightedRandomSampler([1.0, np.nan], 1), ValueError, "must be N finite"),
        (lambda: data.WeightedRandomSampler([0.0, 0.0], 1), ValueError, "0 of 2 weights are above 0; .*at least 1"),
        (lambda: data.WeightedRandomSampler([1, 1, 0], 3, False), ValueError, "2 of 3 weights.*without.*at least 3"),
        (lambda: data.BatchSampler(range(3), 0, False), ValueError, "BatchSampler: batch_size is 0"),
        (lambda: data.BatchSampler(range(3), 2, None), ValueError, "drop_last is None"),
        (lambda: list(Bare()), NotImplementedError, r"Bare: a Sampler must define __iter__\(\)"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()

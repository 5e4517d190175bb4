"""Random numbers by place: the same for the same place, others for any other, restarted by tg.manual_seed outside."""

import itertools
import threading

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.data.randomness import (
    batching,
    current,
    current_epoch,
    nth_sample,
    ordering,
    sample_generator,
    sample_generators,
    sampling,
    using,
    worker_generator,
)

pytestmark = pytest.mark.any_python


def word(generator):
    return int(generator.integers(0, 2**64, dtype=np.uint64))


def test_numbers_follow_from_the_place():
    numbers = [0, 1, 2, 2**32, 2**32 + 1, 2**63]
    words = {}
    for place in itertools.product(numbers, repeat=3):
        words[place] = word(sample_generator(*place))
        with sampling(*place):
            assert word(current()) == words[place]
        words[("order", *place[:2])] = ordering(*place[:2]).run(lambda: word(current()))
        words[("worker", *place)] = word(worker_generator(*place))
        with batching(*place, first=0):
            words[("batch", *place)] = word(current())
    assert len(set(words.values())) == len(words) == 3 * 6**3 + 6**2


def test_neighbours_are_independent():
    """Means and correlations of neighbouring samples: 6 standard deviations."""
    draws = np.array([sample_generator(0, 0, i).random(200) for i in range(500)])
    assert abs(draws.mean() - 0.5) < 6 / np.sqrt(12 * draws.size)
    for shifted in (draws[1:] - 0.5, draws[1:, ::-1] - 0.5):
        assert abs(((draws[:-1] - 0.5) * shifted).mean()) < 6 / 12 / np.sqrt(shifted.size)


def test_a_sample_goes_on_with_one_generator():
    with sampling(0, 0, 0):
        drawn = [current().random() for _ in range(3)]
        with sampling(0, 0, 1):
            inner = current().random()
        drawn.append(current().random())
    assert drawn == sample_generator(0, 0, 0).random(4).tolist() and inner == sample_generator(0, 0, 1).random()


def test_manual_seed_restarts_what_is_drawn_outside():
    tg.manual_seed(3)
    drawn = [current().random() for _ in range(4)]
    tg.manual_seed(3)
    assert [current().random() for _ in range(4)] == drawn and len(set(drawn)) == 4
    with sampling(0, 0, 0):
        tg.manual_seed(4)
        assert current().random() == sample_generator(0, 0, 0).random()


def test_an_error_leaves_the_place():
    with pytest.raises(KeyError), sampling(0, 0, 0):
        raise KeyError
    tg.manual_seed(3)
    outside = current().random()
    tg.manual_seed(3)
    assert current().random() == outside


def test_threads_have_places_of_their_own():
    seen = {}

    def make(index):
        with sampling(1, 2, index):
            barrier.wait()
            seen[index] = current().random()

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=make, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {index: sample_generator(1, 2, index).random() for index in range(2)}


def test_nth_sample_counts_from_the_batchs_first():
    with batching(1, 2, index=3, first=40):
        with nth_sample(5):
            assert current().random() == sample_generator(1, 2, 45).random()
        batch = current().random()
    with batching(1, 2, index=3, first=0):
        assert current().random() == batch
    tg.manual_seed(3)
    outside = current().random()
    tg.manual_seed(3)
    with nth_sample(5):
        assert current().random() == outside


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, None, "1"])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match=r"sample_generator: seed is .*whole number from 0 to 2\*\*64 - 1"):
        sample_generator(seed, 0, 0)


def test_the_generators_of_a_batch_are_those_of_its_samples():
    """They are used again: nothing is left of an earlier use, and what is in use is not given away."""
    for epoch in range(3):
        expected = [word(sample_generator(5, epoch, 16 + n)) for n in range(4)]
        with batching(5, epoch, 2, first=16), sample_generators(4) as outer, sample_generators(4) as inner:
            assert len({id(generator) for generator in (*outer, *inner)}) == 8
            assert [word(generator) for generator in outer] == [word(generator) for generator in inner] == expected
            for generator in outer:
                generator.integers(2**32, dtype=np.uint32)  # the other half of 64 bits stays for the next
    with sampling(0, 0, 3), sample_generators(2) as same:
        assert same[0] is same[1] is current()


def test_a_generator_takes_the_place_of_the_samples():
    mine = np.random.default_rng(0)
    with sampling(0, 7, 3):
        with using(mine):
            assert current() is mine and current_epoch() == 7
        assert word(current()) == word(sample_generator(0, 7, 3))
    with using(mine):
        assert current() is current() is mine

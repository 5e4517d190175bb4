"""Which samples are a rank's: together all are there, and the batches are those of one process."""

import itertools

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data.randomness import current, nth_sample, ordering

pytestmark = pytest.mark.any_python


class Noise(data.Dataset):
    """Samples with random numbers of their own."""

    def __len__(self):
        return 26

    def __getitem__(self, index):
        return self.__getitems__([index])[0]

    def __getitems__(self, indices):
        found = []
        for n, index in enumerate(indices):
            with nth_sample(n):
                found.append(np.array([index, current().integers(2**40)]))
        return found


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size, replicas", [(12, 3), (10, 3), (11, 3), (2, 5), (7, 1)])
def test_distributed_sampler_is_pytorchs(size, replicas, drop_last):
    torch = pytest.importorskip("torch")
    for rank in range(replicas):
        arguments = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
        theirs = torch.utils.data.DistributedSampler(range(size), **arguments)
        ours = data.DistributedSampler(range(size), **arguments)
        assert list(ours) == (list(theirs) if len(theirs) else []) and len(ours) == len(theirs)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("size, replicas", [(12, 3), (10, 3), (11, 3), (2, 5), (7, 1), (0, 2)])
def test_without_padding_each_sample_is_there_once(size, replicas, shuffle):
    samplers = [data.DistributedSampler(range(size), replicas, rank, shuffle, pad=False) for rank in range(replicas)]
    assert sorted(itertools.chain(*samplers)) == list(range(size))
    assert [len(sampler) for sampler in samplers] == [len(list(sampler)) for sampler in samplers]
    assert max(map(len, samplers)) - min(map(len, samplers)) <= 1


def test_distributed_samplers_share_an_order():
    def parts(epoch):
        found = []
        for rank in range(3):
            sampler = data.DistributedSampler(range(30), 3, rank, seed=5)
            sampler.set_epoch(epoch)
            found += [ordering(rank, epoch).run(list, sampler)]  # their loaders have other seeds
        return found

    assert sorted(itertools.chain(*parts(1))) == list(range(30)) and parts(1) != parts(2)


def test_set_epoch_reaches_the_sampler_of_a_batch_sampler():
    sampler = data.DistributedSampler(range(30), 3, 1)
    batches = data.DistributedBatchSampler(data.BatchSampler(sampler, 4, False), 2, 0)
    batches.set_epoch(3)
    assert sampler.epoch == 3
    data.DistributedBatchSampler([[1, 2]], 2, 0).set_epoch(3)


def test_alone_all_samples_are_this_process():
    assert list(data.DistributedSampler("abc", shuffle=False)) == [0, 1, 2]
    assert list(data.DistributedBatchSampler([[3, 1], [2]])) == [[3, 1], [2]]


def loader(ranks, rank, even=True, **options):
    dataset = Noise()
    batches = data.BatchSampler(data.RandomSampler(dataset), 6, drop_last=even)
    sampler = data.DistributedBatchSampler(batches, ranks, rank, even=even)
    return data.DataLoader(dataset, batch_sampler=sampler, seed=3, **options)


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("ranks", [1, 2, 3, 6])
@pytest.mark.parametrize("threads", [0, 2])
def test_ranks_have_the_samples_of_one_process_with_the_same_random_numbers(ranks, even, threads):
    """Order, batches and what each sample draws, in two epochs."""
    options = {"num_workers": threads, "workers": "threads"} if threads else {}
    alone = data.DataLoader(Noise(), 6, shuffle=True, drop_last=even, seed=3)
    loaders = [loader(ranks, rank, even, **options) for rank in range(ranks)]
    for _ in range(2):
        for batch, *shares in itertools.zip_longest(alone, *loaders, fillvalue=np.zeros((0, 2), int)):
            np.testing.assert_array_equal(np.concatenate(shares), batch)
    assert [len(loader) for loader in loaders] == [len(alone)] * ranks


@pytest.mark.parametrize("before, after", [(2, 3), (1, 2), (3, 1)])
def test_another_number_of_ranks_goes_on_in_the_middle_of_an_epoch(before, after):
    first = loader(before, 0)
    batches = iter(first)
    next(batches), next(batches)
    state = first.state_dict()
    rest = list(data.DataLoader(Noise(), 6, shuffle=True, drop_last=True, seed=3))[2:]
    found = []
    for rank in range(after):
        again = loader(after, rank)
        again.load_state_dict(state)
        found.append(list(again))
    np.testing.assert_array_equal([np.concatenate(shares) for shares in zip(*found, strict=True)], rest)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: data.DistributedSampler("ab", 2, 2), "DistributedSampler: rank is 2; it must be from 0 to 1"),
        (lambda: data.DistributedSampler("ab", 2, -1), "rank is -1; it must be from 0 to 1"),
        (lambda: data.DistributedSampler("ab", rank=1), "rank is 1; it must be from 0 to 0"),
        (lambda: data.DistributedSampler("ab", 2, 0, pad=3), "pad is 3; it must be True or False"),
        (lambda: data.DistributedSampler("ab", 2, 0, drop_last=True, pad=False), "pad=False beside drop_last=True"),
        (lambda: data.DistributedBatchSampler([[1]], 0), "DistributedBatchSampler: num_replicas is 0"),
        (lambda: list(data.DistributedBatchSampler([[1, 2], [3]], 2, 0)), "1 samples, which 2 ranks .*drop_last=True"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""The batches of a loader: PyTorch's, in one order, from the loop, threads and processes."""

import subprocess
import sys
import threading
import weakref
from collections import Counter

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import data
from tinygrad_cv.data.randomness import ordering, sample_generator

from .left_over import descriptors
from .samples import (
    QUICK,
    WAYS,
    GlobalNoise,
    Images,
    Marked,
    Noise,
    NoiseStream,
    Shared,
    Who,
    WhoStream,
    first_is_late,
    mark,
    plain,
)

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

OPTIONS = {
    "in order": {"batch_size": 4},
    "drop_last": {"batch_size": 4, "drop_last": True},
    "one by one": {},
    "too large": {"batch_size": 100},
    "too large, dropped": {"batch_size": 100, "drop_last": True},
    "no batches": {"batch_size": None},
    "sampler": {"batch_size": 3, "sampler": [5, 5, 1, 0, 22, 7, 7]},
    "sampler, no batches": {"batch_size": None, "sampler": [5, 1]},
    "batch_sampler": {"batch_sampler": [[3, 1], [], [4], [2, 2, 2]]},
}


def indices(loader):
    return [np.asarray(batch[0]).tolist() for batch in loader]


def joined(batches, part):
    return [value for batch in batches for value in batch[part]]


@pytest.mark.any_python
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_batches_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    if options.get("batch_sampler"):  # an empty batch is an error in both, from collating
        options = {"batch_sampler": [batch for batch in options["batch_sampler"] if batch]}
    ours, theirs = data.DataLoader(Noise(), **options), torch.utils.data.DataLoader(Noise(), **options)
    assert indices(ours) == indices(theirs) and len(ours) == len(theirs)


@pytest.mark.any_python
@pytest.mark.parametrize("options", list(OPTIONS.values())[:6], ids=list(OPTIONS)[:6])
def test_batches_of_a_stream_are_pytorchs(options):
    torch = pytest.importorskip("torch")

    class Stream(NoiseStream, torch.utils.data.IterableDataset):
        pass

    ours, theirs = data.DataLoader(NoiseStream(), **options), torch.utils.data.DataLoader(Stream(), **options)
    assert indices(ours) == indices(theirs) and len(ours) == len(theirs)


@pytest.mark.any_python
@pytest.mark.parametrize("size, batch_size, drop_last", [(8, 4, True), (3, 4, True), (0, 4, False), (2, 1, True)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_sizes(size, batch_size, drop_last, shuffle):
    rows = data.TensorDataset(np.zeros((size, 1, 2, 2), np.uint8), np.arange(size))
    loader = data.DataLoader(rows, batch_size, shuffle, drop_last=drop_last)
    sizes = [len(labels) for _, labels in loader]
    assert len(loader) == len(sizes) and sum(sizes) == (size - size % batch_size if drop_last else size)
    assert all(n == batch_size for n in sizes[:-1])


@pytest.mark.any_python
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_image_once_with_its_label(shuffle):
    images, seen = np.arange(44, dtype=np.uint8).reshape(11, 1, 2, 2), []
    for batch, labels in data.DataLoader(data.TensorDataset(images, np.arange(11)), 4, shuffle):
        assert batch.dtype == images.dtype and batch.shape[1:] == (1, 2, 2)
        np.testing.assert_array_equal(batch, images[labels])
        batch[:] = 99  # a copy
        seen.extend(labels)
    assert sorted(seen) == list(range(11)) and (seen != sorted(seen)) == shuffle


@pytest.mark.parametrize("way", ["loop", "threads", pytest.param("fork", id="fork"), "forkserver", "spawn"])
def test_order_and_numbers_are_the_same_however_batches_are_made(way):
    def epochs(dataset, **options):
        loader = data.DataLoader(dataset, 4, seed=3, **options)
        return [[plain(batch) for batch in loader] for _ in range(2)]

    persistent = {"persistent_workers": True} if way != "loop" else {}
    found = epochs(Noise(), shuffle=True, **WAYS[way], **persistent)
    order = [ordering(3, epoch).run(list, data.RandomSampler(range(23))) for epoch in range(2)]
    noise = [[sample_generator(3, epoch, n).random() for n in range(23)] for epoch in range(2)]
    for epoch in range(2):
        assert joined(found[epoch], 0) == order[epoch] and joined(found[epoch], 1) == noise[epoch]
    stream = epochs(NoiseStream(), **WAYS[way], **persistent)
    assert [joined(epoch, 0) for epoch in stream] == [list(range(23))] * 2
    assert [joined(epoch, 1) for epoch in stream] == noise


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK)
@pytest.mark.parametrize("dataset", [Noise(), NoiseStream()], ids=["by index", "stream"])
def test_without_batches_samples_have_their_numbers(dataset, way):
    expected = [(n, sample_generator(3, 0, n).random()) for n in range(23)]
    assert list(data.DataLoader(dataset, None, seed=3, **WAYS[way])) == expected


@pytest.mark.any_python
def test_order_follows_from_seed_and_epoch():
    def orders(epochs, **options):
        loader = data.DataLoader(Noise(50), 8, shuffle=True, **options)
        loader.epoch = epochs[0]
        return [indices(loader) for _ in epochs]

    three = orders(range(3), seed=3)
    assert orders(range(3), seed=3) == three != orders(range(3), seed=4)
    assert orders([2], seed=3) == three[2:] and three[0] != three[1] != three[2]
    for kind in (tg.Generator, np.random.default_rng):
        assert (
            orders([0, 1], generator=kind(1)) == orders([0, 1], generator=kind(1)) != orders([0, 1], generator=kind(2))
        )


@pytest.mark.any_python
def test_an_epoch_left_early_is_an_epoch():
    loader, whole = (data.DataLoader(Noise(50), 8, shuffle=True) for _ in range(2))
    next(iter(loader))
    indices(whole)
    assert indices(loader) == indices(whole) and loader.epoch == whole.epoch == 2


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK)
def test_an_image_that_comes_twice_is_augmented_in_two_ways(way):
    loader = data.DataLoader(Noise(), 4, sampler=[7] * 8, **WAYS[way])
    assert Counter(value for batch in loader for value in batch[1]).most_common(1)[0][1] == 1


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK)
def test_arrays_come_as_they_were_made(way):
    expected = [data.default_collate([Images()[i] for i in range(start, min(start + 4, 11))]) for start in (0, 4, 8)]
    for batch, wanted in zip(data.DataLoader(Images(), 4, **WAYS[way]), expected, strict=True):
        assert batch.keys() == wanted.keys() and batch["name"] == wanted["name"]
        for name in ("image", "turned", "label", "boxes"):
            assert batch[name].dtype == wanted[name].dtype and batch[name].flags.writeable
            np.testing.assert_array_equal(batch[name], wanted[name])
            batch[name][:] = 0


@pytest.mark.any_python
def test_batches_of_processes_stay_when_their_workers_are_gone():
    batches = list(data.DataLoader(Images(), 4, **WAYS["fork"]))
    assert [batch["image"].max() for batch in batches] == [3, 7, 10]


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK)
def test_a_batch_is_held_by_the_loop_alone(way):
    loader = data.DataLoader(data.TensorDataset(np.zeros((8, 4))), 2, **WAYS[way])
    for (batch,) in loader:
        gone = weakref.ref(batch)
        del batch
        assert gone() is None


@pytest.mark.parametrize("workers", [1, 2])
def test_generators_of_other_libraries_differ_in_processes_and_repeat(workers):
    def drawn(seed):
        loader = data.DataLoader(GlobalNoise(), 3, num_workers=workers, multiprocessing_context="fork", seed=seed)
        return [tuple(map(tuple, map(np.ravel, batch))) for _ in range(2) for batch in loader]

    assert drawn(1) == drawn(1) and len({value for batch in drawn(1) for kind in batch for value in kind}) == 72
    assert not set(drawn(1)) & set(drawn(2))


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK[1:])
def test_workers_know_who_they_are(way):
    found = list(data.DataLoader(Who(), None, seed=5, **WAYS[way]))
    assert {(number, seed) for _, number, _, seed, _ in found} <= {(0, 5), (1, 6)}
    assert {(total, same) for _, _, total, _, same in found} == {(2, True)}
    pids = {pid for pid, *_ in found}
    assert (len(pids) == 2) == (way == "fork") and data.get_worker_info() is None
    assert len({entry[1:] for entry in data.DataLoader(WhoStream(), None, **WAYS[way])}) == 1
    assert next(iter(data.DataLoader(WhoStream(), None, **WAYS[way])))[1:] == (0, 1)


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK[1:])
def test_worker_init_fn_is_called_in_each_worker(way):
    found = set(data.DataLoader(Marked(), None, worker_init_fn=mark, **WAYS[way]))
    assert found and found <= {10, 11}
    assert list(data.DataLoader(Marked(), None, worker_init_fn=mark)) == [None] * 12


@pytest.mark.parametrize("way", QUICK[1:])
def test_workers_persist(way):
    loader = data.DataLoader(Who(), None, persistent_workers=True, **WAYS[way])
    pids = [{pid for pid, *_ in loader} for _ in range(3)]
    iterator = iter(loader)
    next(iterator)
    iterator.close()
    pids.append({pid for pid, *_ in loader})
    assert len(set.union(*pids)) == (2 if way == "fork" else 1)


@pytest.mark.parametrize("way", QUICK)
def test_two_passes_at_one_time(way):
    for dataset in (Noise(9), NoiseStream(9)):
        persistent = {"persistent_workers": True} if way != "loop" else {}
        loader = data.DataLoader(dataset, 2, **WAYS[way], **persistent)
        both = list(zip(loader, loader, strict=True))
        assert [plain(one[0]) for one, _ in both] == [plain(two[0]) for _, two in both] == indices(loader)
        assert all((one[1] != two[1]).all() for one, two in both)


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK[1:])
def test_out_of_order_nobody_waits_for_a_late_batch(way, tmp_path, monkeypatch):
    monkeypatch.setenv("LATE", str(tmp_path / "late"))
    loader = data.DataLoader(Noise(8), 1, collate_fn=first_is_late, in_order=False, prefetch_factor=3, **WAYS[way])
    found = []
    for index in loader:
        found.append(index)
        if index == 3:
            (tmp_path / "late").touch()
    assert sorted(found) == list(range(8)) and found.index(0) > found.index(3)


@pytest.mark.any_python
def test_prefetching_makes_so_many_batches_ahead_and_not_more():
    made = threading.Semaphore(0)

    class Counted(Noise):
        def __getitem__(self, index):
            made.release()
            return index

    for workers, expected in ((2, 7), (0, 1)):
        threads = {"num_workers": 2, "prefetch_factor": 3, "workers": "threads"} if workers else {}
        iterator = iter(data.DataLoader(Counted(), **threads))
        next(iterator)
        assert all(made.acquire(timeout=60) for _ in range(expected)), "fewer than the window"
        assert not made.acquire(timeout=0.05)
        iterator.close()


def test_arrays_of_a_data_set_are_in_memory_once_and_each_worker_may_write():
    loader, opened = data.DataLoader(Shared(), None, **WAYS["forkserver"]), descriptors()
    before, files = {}, set()
    for pid, written, file in loader:
        before.setdefault(pid, []).append(written)
        files.add(file)
    assert len(files) == 1 and descriptors() == opened
    assert [flags[0] for flags in before.values()] == [False] * len(before), "another worker's write was seen"
    assert all(all(flags[1:]) for flags in before.values()) and not loader.dataset.array.any()


@pytest.mark.any_python
def test_a_sampler_is_told_the_epoch():
    sampler = data.DistributedSampler(range(23), 2, 1)
    loader = data.DataLoader(Noise(), 4, sampler=sampler)
    indices(loader)
    assert indices(loader) and sampler.epoch == 1


def test_workers_need_no_compiler():
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
sys.modules["llvmlite"] = None
from tests.data.loader.samples import WAYS, Noise
from tinygrad_cv.data import DataLoader
assert len(list(DataLoader(Noise(), **WAYS["fork"]))) == 23
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)


@pytest.mark.any_python
def test_a_stream_that_is_left_is_let_go():
    left = threading.Event()

    class Stream(data.IterableDataset):
        def __iter__(self):
            try:
                yield from range(10**6)
            finally:
                left.set()

    loader = data.DataLoader(Stream(), 2, num_workers=1, workers="threads", persistent_workers=True)
    for _ in loader:
        break
    assert left.wait(60)

"""What every rank checks of a training on ranks. The oracle is one process with the whole batches, in float64."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import data, distributed, nn, optim, training
from tinygrad_cv.data.randomness import nth_sample
from tinygrad_cv.data.transforms import RandomHorizontalFlip
from tinygrad_cv.mpi import waiting
from tinygrad_cv.training.ranks import Ranks

STEPS, BATCH, EPOCHS = 5, 12, 2


class Images(data.Dataset):
    """Images that are flipped at random."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.labels = rng.integers(0, 3, STEPS * BATCH + 1)
        self.images = rng.normal(size=(len(self.labels), 1, 4, 4)) + self.labels[:, None, None, None]

    def __len__(self):
        return len(self.labels)

    def __getitems__(self, indices):
        found = []
        for n, index in enumerate(indices):
            with nth_sample(n):
                found.append((RandomHorizontalFlip()(self.images[index]), self.labels[index]))
        return found


def loader(ranks, rank, even=True):
    images = Images()
    order = data.RandomSampler(images) if even else data.SequentialSampler(images)
    batches = data.BatchSampler(order, BATCH, drop_last=even)
    return data.DataLoader(images, batch_sampler=data.DistributedBatchSampler(batches, ranks, rank, even=even), seed=7)


def trained(together, **options):
    """(history, model) of a training, by all ranks or by this one alone."""
    tg.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)).to("float64")
    place = (distributed.get_world_size(), distributed.get_rank()) if together else (1, 0)
    parts = {
        "epochs": EPOCHS,
        "optimizer": optim.Adam(model, lr=0.03),
        "metrics": {"matrix": training.MulticlassConfusionMatrix(3), "accuracy": training.MulticlassAccuracy(3)},
        "clip_norm": 0.7,
        "ema": 0.5,
        "jit": False,
        **options,
    }
    wrapped = nn.parallel.DistributedDataParallel(model) if together else model
    return training.fit(wrapped, loader(*place), loader(*place, even=False), **parts), model


def assert_equal(found, expected):
    (history, model), (other, reference) = found, expected
    names = set(other.names()) - {"seconds", "waiting"}
    assert len(names) >= 5 and len(history) == len(other) == EPOCHS
    for name in names:
        np.testing.assert_allclose(history.column(name), other.column(name), 1e-12, 1e-12, err_msg=name)
    for name, value in reference.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], value, 1e-12, 1e-12, err_msg=name)


def check_curves_and_weights_are_those_of_one_process():
    """Augmentation, clipping, the average and metrics among them."""
    assert_equal(trained(True), trained(False))


def check_compiled_steps():
    assert_equal(trained(True, jit=True), trained(False))


def check_accumulated_batches():
    """Three batches of five make an update; two are left at the end of each epoch."""
    for jit in (False, True):
        assert_equal(trained(True, accumulate=3, jit=jit), trained(False, accumulate=3))


def check_what_one_rank_stops_all_stop():
    last = distributed.get_world_size() - 1

    def after_step(state):
        if state.step == 4 and distributed.get_rank() == last:
            state.stop("enough")

    steps = []
    history, _ = trained(True, after_step=[after_step, lambda state: steps.append(state.step)])
    assert steps == [1, 2, 3, 4] and not len(history)


def check_resumed_by_another_number_of_ranks():
    """Stopped by all in the middle of an epoch, it goes on in one process; and the other way round."""
    folders = [None]
    if distributed.get_rank() == 0:
        folders[0] = tempfile.mkdtemp()
    distributed.broadcast_object_list(folders)
    expected = trained(False)

    def stop(state):
        if state.step == 8:
            state.stop("enough")

    first, second = (Path(folders[0], name) for name in "ab")
    trained(True, folder=first, after_step=stop)
    if distributed.get_rank() == 0:
        trained(False, folder=second, after_step=stop)
        assert_equal(trained(False, folder=first, resume=True), expected)
    assert_equal(trained(True, folder=second, resume=True), expected)


def check_an_evaluation_counts_each_sample_once():
    tg.manual_seed(1)
    model, images = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).to("float64"), Images()
    sampler = data.DistributedSampler(images, shuffle=False, pad=False)
    matrix = training.MulticlassConfusionMatrix(3)
    parallel = nn.parallel.DistributedDataParallel(model)
    mine = data.DataLoader(data.TensorDataset(images.images, images.labels), 7, sampler=sampler)
    found = training.evaluate(parallel, mine, metrics={"matrix": matrix})
    whole = [(images.images, images.labels)]
    expected = training.evaluate(model, whole, metrics={"matrix": training.MulticlassConfusionMatrix(3)})
    np.testing.assert_array_equal(found["matrix"], expected["matrix"])
    np.testing.assert_allclose(found["loss"], expected["loss"], 1e-12)
    assert found["matrix"].sum() == len(images)


def check_each_rank_drops_other_units():
    parallel = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).to("float64"))
    tg.manual_seed(9)
    place = (distributed.get_world_size(), distributed.get_rank())
    training.fit(parallel, loader(*place), epochs=0, optimizer=optim.SGD(parallel, lr=0.1))
    drawn = [None] * distributed.get_world_size()
    distributed.all_gather_object(drawn, tg.rand(4).tolist())
    assert len(set(map(tuple, drawn))) == len(drawn)
    tg.manual_seed(9)
    assert drawn[0] == tg.rand(4).tolist()


def check_a_rank_that_is_slow_is_named():
    model = nn.parallel.DistributedDataParallel(nn.Linear(2, 2))
    together, last = Ranks("fit", model), distributed.get_world_size() - 1
    name = together.slow(9.0 if distributed.get_rank() == last else 4.0 + 0.1 * distributed.get_rank())
    assert name is not None and name.startswith(f"rank {last} on ") and "9.0 s" in name
    assert together.slow(4.0 + 0.1 * distributed.get_rank()) is None
    assert together.slow(0.001 if distributed.get_rank() else 0.1) is None


def check_calls_of_mpi_are_timed():
    before = waiting.seconds
    distributed.barrier()
    assert waiting.seconds > before and waiting.since is None

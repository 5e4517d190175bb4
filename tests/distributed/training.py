"""A small training on ranks, of which a kill can hit any part; run under the launcher, it goes on where it was.

    python -m tinygrad_cv launch -n 2 -- -m tests.distributed.training FOLDER [RANK MOMENT FAULT NUMBER]

At a moment, when that comes for the NUMBER-th time, the rank has its fault, and FOLDER/fault says when.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import data, distributed, nn, optim, training

STEPS, EPOCHS, BATCH = 5, 2, 12


def model():
    """Dropout and an average: random numbers and buffers are part of what must go on."""
    tg.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def samples():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, STEPS * BATCH)
    return data.TensorDataset((rng.normal(size=(len(labels), 6)) + labels[:, None]).astype(np.float32), labels)


def loader(dataset, even=True):
    order = data.RandomSampler(dataset) if even else data.SequentialSampler(dataset)
    batches = data.BatchSampler(order, BATCH, drop_last=even)
    return data.DataLoader(dataset, batch_sampler=data.DistributedBatchSampler(batches, even=even), seed=1)


def train(folder, **options):
    """Train, or go on; rank 0 leaves the weights in ``weights.npz``."""
    net, found = model(), samples()
    history = training.fit(
        nn.parallel.DistributedDataParallel(net),
        loader(found),
        loader(data.Subset(found, range(37)), even=False),
        epochs=EPOCHS,
        optimizer=optim.Adam(net, lr=0.01),
        metrics={"accuracy": training.MulticlassAccuracy(average="micro")},
        **{"folder": folder, "resume": True, "save_every": 1, "jit": False, "ema": 0.9, **options},
    )
    if distributed.get_rank() == 0:
        np.savez(Path(folder) / "weights.npz", **net.state_dict())
    return history


class Fault:
    """What happens to a rank at a moment."""

    def __init__(self, folder, moment, kind, number):
        self.folder, self.moment, self.kind, self.left = folder, moment, kind, int(number)

    def __call__(self, moment):
        self.left -= moment == self.moment
        if moment != self.moment or self.left:
            return
        (self.folder / "fault").write_text(repr(time.time()))
        if self.kind == "raise":
            raise RuntimeError(f"a fault: {moment}")
        if self.kind == "full":  # what is written from now on does not fit
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        else:
            os.kill(os.getpid(), getattr(signal, self.kind))

    def __enter__(self):
        """Meet the moments."""
        from tinygrad_cv.distributed import gradients

        self("start")
        reduce, replace = gradients.reduce_in_place, os.replace

        def reducing(*arguments):
            self("collective")
            reduce(*arguments)

        def replacing(*arguments):
            self("saving")
            replace(*arguments)

        gradients.reduce_in_place, os.replace = reducing, replacing
        return self

    def loss(self, outputs, targets):
        """The cross-entropy, whose passes are moments."""
        fault = self

        class Passing(tg.CustomFunction):
            @staticmethod
            def forward(ctx, x):
                fault("forward")
                return x + 0

            @staticmethod
            def backward(ctx, g):
                fault("backward")
                return g

        return tg.functional.cross_entropy(Passing.apply(outputs), targets)

    def __exit__(self, *error):
        pass


def main(folder, rank=None, *fault):
    """Train, with a fault if this is its rank."""
    if rank != os.environ.get("PMI_RANK"):
        train(folder)
        return
    with Fault(Path(folder), *fault) as met:
        train(folder, loss=met.loss)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Data sets and functions for tests of the loader: at the top level of a module, where processes find them."""

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import data
from tinygrad_cv.data.randomness import current

WAYS = {
    "loop": {},
    "threads": {"num_workers": 2, "workers": "threads"},
    "fork": {"num_workers": 2, "multiprocessing_context": "fork"},
    "forkserver": {"num_workers": 3, "multiprocessing_context": "forkserver"},
    "spawn": {"num_workers": 1, "multiprocessing_context": "spawn"},
}
QUICK = ("loop", "threads", "fork")  # start in milliseconds


def plain(batch):
    """A batch as Python values."""
    if isinstance(batch, (tuple, list)):
        return [plain(part) for part in batch]
    return batch.tolist() if isinstance(batch, np.ndarray) else batch


class Noise(data.Dataset):
    """(index, random number) by index."""

    def __init__(self, size=23):
        self.size = size

    def __getitem__(self, index):
        return index, current().random()

    def __len__(self):
        return self.size


class NoiseStream(data.IterableDataset):
    """(number, random number), one after the other."""

    def __init__(self, size=23):
        self.size = size

    def __iter__(self):
        return ((number, current().random()) for number in range(self.size))

    def __len__(self):
        return self.size


class Images(data.Dataset):
    """Arrays of several dtypes, in a dict, also without elements and not contiguous."""

    def __getitem__(self, index):
        image = np.full((3, 32, 40), index, np.uint8)
        return {"image": image, "turned": image.T, "label": index, "name": f"image {index}", "boxes": np.zeros((0, 4))}

    def __len__(self):
        return 11


class GlobalNoise(data.Dataset):
    """Numbers from generators that know nothing of samples."""

    def __getitem__(self, index):
        return random.random(), np.random.random(), tg.rand(1).numpy()

    def __len__(self):
        return 12


class Who(data.Dataset):
    """Which worker makes a sample."""

    def __getitem__(self, index):
        info = data.get_worker_info()
        return os.getpid(), info.id, info.num_workers, info.seed, info.dataset is self

    def __len__(self):
        return 40


class WhoStream(data.IterableDataset):
    """Which worker reads the stream."""

    def __iter__(self):
        info = data.get_worker_info()
        return iter([(os.getpid(), info.id, info.num_workers)] * 5)


class Shared(data.Dataset):
    """Where a large array is, and whether a write to it is seen by others."""

    def __init__(self):
        self.array = np.zeros(1 << 20)

    def __getitem__(self, index):
        before = self.array.any()
        self.array[:] = 1
        return os.getpid(), bool(before), self._file()

    def _file(self):
        """Which file the array is in."""
        address = self.array.ctypes.data
        for line in Path("/proc/self/maps").read_text().splitlines():
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            if first <= address < last:
                return tuple(line.split()[3:5])
        raise LookupError(address)

    def __len__(self):
        return 30


class Odd(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def crash():
    """End as native code does that reads where nothing is."""
    import ctypes

    ctypes.string_at(0)


may_go_on = threading.Event()

WRONG = {
    "ValueError": lambda: int("thirteen"),
    "Odd": lambda: _raise(Odd("this", "that")),
    "SystemExit": lambda: sys.exit(3),
    "KeyboardInterrupt": lambda: _raise(KeyboardInterrupt()),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGSEGV": crash,
    "os._exit": lambda: os._exit(7),
    "shape": lambda: np.zeros((2, 3)),
    "function": lambda: lambda: 0,
    "sleep": lambda: time.sleep(3600),
    "wait": lambda: may_go_on.wait() and np.zeros((2, 2)),
}


class Failing(data.Dataset):
    """What goes wrong at index 13."""

    def __init__(self, how):
        self.how = how

    def __getitem__(self, index):
        return WRONG[self.how]() if index == 13 else np.zeros((2, 2))

    def __len__(self):
        return 23


class FailsAtStart(Noise):
    """Cannot be unpickled in a worker."""

    def __setstate__(self, state):
        raise LookupError("no such file here")


compiled = tg.jit(lambda x: ((x @ x).relu() * 2.0).sum())


class Threaded(data.Dataset):
    """Uses the library's threads and BLAS where it makes a sample."""

    def __getitem__(self, index):
        x = np.full((300, 300), 0.01 * index, np.float32)
        return compiled(tg.tensor(x)).item(), float((x @ x).sum())

    def __len__(self):
        return 4


def _raise(error):
    raise error


def first(samples):
    """A collate function."""
    return samples[0]


def first_is_late(samples):
    """A collate function that takes its time for the first batch, until the loop has had a later one."""
    late, index, end = Path(os.environ["LATE"]), samples[0][0], time.monotonic() + 60
    while index == 0 and not late.exists() and time.monotonic() < end:
        time.sleep(0.001)
    return index


def mark(worker):
    """A worker_init_fn."""
    data.get_worker_info().dataset.marked = 10 + worker


class Marked(data.Dataset):
    """Whether the worker_init_fn was called."""

    marked = None

    def __getitem__(self, index):
        return self.marked

    def __len__(self):
        return 12


def fail_to_begin(worker):
    """A worker_init_fn."""
    raise LookupError(f"no file for worker {worker}")

"""Workers that are killed at any moment: ``python -m tests.data.loader.campaign --kills 100 --way fork``.

Each time a thread kills one worker after a random while. The loop must get all batches, each as it was made, or the
error that a worker was killed; and no process, open file or shared memory may stay. A short form is a test.
"""

import argparse
import contextlib
import gc
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import numpy as np

from tinygrad_cv import data

from .left_over import descriptors, processes, shared_memory
from .samples import WAYS

LIMIT = 60.0  # seconds for a batch: a hang


class Numbers(data.Dataset):
    """Arrays that take a while to send."""

    def __getitem__(self, index):
        return np.full(20_000, index)

    def __len__(self):
        return 240


def one_kill(way, delay, which):
    """Iterate once, and kill a worker so many seconds after the first batch; whether the loop noticed."""
    loader, killers = data.DataLoader(Numbers(), 4, timeout=LIMIT, **WAYS[way]), []

    def kill(pid):
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(pid, signal.SIGKILL)

    expected = 0
    try:
        for batch in loader:
            if not killers:
                victims = sorted(child.pid for child in multiprocessing.active_children())
                killers.append(threading.Thread(target=kill, args=(victims[which],)))
                killers[0].start()
            assert batch.shape == (4, 20_000) and (batch.T == expected + np.arange(4)).all()
            expected += 4
    except RuntimeError as error:
        if "was killed by SIGKILL" not in str(error):
            raise
        return True
    finally:
        for killer in killers:
            killer.join()
    assert expected == 240
    return False


def campaign(way, kills, seed=0):
    """So many kills; how many the loop noticed."""
    rng, noticed, loader = random.Random(seed), 0, data.DataLoader(Numbers(), 4, **WAYS[way])
    times = [time.monotonic() for _ in loader]
    takes = times[-1] - times[0]
    for _ in range(kills):
        before = processes(), shared_memory(), descriptors()
        noticed += one_kill(way, rng.uniform(0, 1.2 * takes), rng.randrange(WAYS[way]["num_workers"]))
        gc.collect()
        assert (processes(), shared_memory(), descriptors()) == before
    return noticed


def main():
    """Read the command line, and kill."""
    parser = argparse.ArgumentParser(prog="python -m tests.data.loader.campaign", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--way", choices=["fork", "forkserver", "spawn"], default="fork")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    noticed = campaign(arguments.way, arguments.kills, arguments.seed)
    print(f"{arguments.kills} kills of workers: {noticed} were errors in the loop, the others came after its end")
    return 0


if __name__ == "__main__":
    sys.exit(main())

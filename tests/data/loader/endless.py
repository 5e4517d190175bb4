"""A program that iterates over a loader for ever: ``python -m tests.data.loader.endless WAY``; tests end it."""

import signal
import sys
import time

from tinygrad_cv import data

from .samples import WAYS


class Slow(data.Dataset):
    """Samples that take their time, so that a worker is busy at any moment; each is the number of its worker."""

    def __getitem__(self, index):
        time.sleep(0.05)
        return data.get_worker_info().id

    def __len__(self):
        return 10**6


def main(way, persistent=""):
    """Say when all workers are at work, and go on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background programs ignore it
    options = {"persistent_workers": True} if persistent else {}
    loader, missing = data.DataLoader(Slow(), 4, **WAYS[way], **options), set(range(WAYS[way]["num_workers"]))
    for batch in loader:
        if missing and not (missing := missing - set(batch.tolist())):
            print("going", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

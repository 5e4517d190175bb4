"""One process of `benchmarks.ranks`: training steps of ResNet-20, or sums over processes. Rank 0 prints the figures."""

import json
import os
import sys
import time

PARAMETERS = 1_000_000  # floats of a sum


def timed(call, count, together):
    """Milliseconds of each call; all processes begin together."""
    found = []
    for _ in range(count):
        together()
        start = time.perf_counter()
        call()
        found.append(1e3 * (time.perf_counter() - start))
    return found


def data(rank, share):
    import numpy as np

    rng = np.random.default_rng(rank)
    return rng.normal(size=(share, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, share)


def ours(settings):
    """Compiled steps with and without DistributedDataParallel, in turns, and sums with and without this package."""
    if settings["threads"] == 1:
        _take_core(int(os.environ.get("PMI_RANK", 0)))
    import numpy as np

    import tinygrad_cv as tg
    from benchmarks.workers.networks import resnet20
    from tinygrad_cv import distributed, nn, optim

    rank, size = distributed.get_rank(), distributed.get_world_size()
    tg.set_num_threads(settings["threads"])
    batch = data(rank, settings["batch"] // size)

    def step_of(wrap):
        tg.manual_seed(0)
        model = wrap(resnet20(nn))
        opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x, y):
            opt.zero_grad()
            loss = tg.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            return loss.detach()

        return tg.jit(step)

    calls = {"ddp": step_of(nn.parallel.DistributedDataParallel)}
    if size == 1:
        calls["plain"] = step_of(lambda model: model)
    figures = {name: [] for name in calls}
    for step in calls.values():
        for _ in range(3):
            step(*batch)
    for _ in range(settings["turns"]):
        for name, step in calls.items():
            figures[name] += timed(lambda step=step: step(*batch), 5, distributed.barrier)
    if size > 1:
        from mpi4py import MPI

        array, tensor = np.zeros(PARAMETERS, np.float32), tg.zeros(PARAMETERS)
        sums = {
            "mpi4py": lambda: MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, array),
            "all_reduce": lambda: distributed.all_reduce(tensor),
        }
        for call in sums.values():
            timed(call, 10, distributed.barrier)
        for name in sums:
            figures[name] = []
        for _ in range(settings["turns"]):
            for name, call in sums.items():
                figures[name] += timed(call, 20, distributed.barrier)
    if rank == 0:
        print(json.dumps(figures), flush=True)


def _take_core(rank):
    """A core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[rank % len(cores)]})


def theirs(settings):
    """Steps of PyTorch's DistributedDataParallel over gloo, one thread a process, in the faster layout of the two."""
    import torch.multiprocessing

    torch.multiprocessing.start_processes(_theirs, (settings,), nprocs=2, start_method="spawn")


def _theirs(rank, settings):
    import torch
    from torch import distributed

    from benchmarks.workers.networks import resnet20

    _take_core(rank)
    torch.set_num_threads(1)
    where = f"file://{settings['file']}"
    distributed.init_process_group("gloo", init_method=where, rank=rank, world_size=2)
    figures = {}
    x, y = map(torch.tensor, data(rank, settings["batch"] // 2))
    for layout, name in ((torch.contiguous_format, "torch"), (torch.channels_last, "torch channels_last")):
        torch.manual_seed(0)
        model = torch.nn.parallel.DistributedDataParallel(resnet20(torch.nn).to(memory_format=layout))
        opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        images = x.contiguous(memory_format=layout)

        def step(model=model, opt=opt, images=images):
            opt.zero_grad()
            torch.nn.functional.cross_entropy(model(images), y).backward()
            opt.step()

        for _ in range(3):
            step()
        figures[name] = timed(step, 5 * settings["turns"], distributed.barrier)
    if rank == 0:
        print(json.dumps(figures), flush=True)
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    {"ours": ours, "theirs": theirs}[sys.argv[1]](json.loads(sys.argv[2]))

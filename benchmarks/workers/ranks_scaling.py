"""One rank of `benchmarks.ranks_scaling`: what sums over ranks take, and training steps. Rank 0 prints the figures."""

import json
import os
import sys
import time


def main(settings):
    """Measure.

    Args:
        settings: bytes: of the sums; batches: of each rank; rounds; cores: those that ranks are put on in turn.
    """
    if settings["cores"]:
        rank = int(os.environ.get("PMI_RANK", 0))
        os.sched_setaffinity(0, {settings["cores"][rank % len(settings["cores"])]})
    import numpy as np

    import tinygrad_cv as tg
    from tinygrad_cv import distributed, nn, optim
    from tinygrad_cv.mpi import arrays
    from tinygrad_cv.mpi.world import world

    group, rounds = world("benchmark"), settings["rounds"]

    def timed(call, count):
        """Seconds of a call on the rank that takes longest: the least of all rounds."""
        call()
        found = []
        for _ in range(rounds):
            distributed.barrier()
            start = time.perf_counter()
            for _ in range(count):
                call()
            found.append(max(arrays.gather_objects(group, (time.perf_counter() - start) / count)))
        return min(found)

    sums = {}
    for size in settings["bytes"] if group.size > 1 else ():
        array = np.zeros(size // 4, np.float32)
        sums[size] = timed(lambda array=array: arrays.reduce_in_place(group, array), 3 if size > 1 << 19 else 10)

    steps, exchanged = {}, []
    for batch in settings["batches"]:
        tg.manual_seed(0)
        model = nn.parallel.DistributedDataParallel(tg.models.resnet20())
        exchanged = [sum(t.numpy().nbytes for t in found) for found in (model.parameters(), model.buffers())]
        optimizer = optim.SGD(model, lr=0.1, momentum=0.9)
        rng = np.random.default_rng(group.rank)
        images, labels = rng.normal(size=(batch, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, batch)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = tg.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        compiled = tg.jit(step)
        compiled(images, labels)
        steps[batch] = timed(lambda x=images, y=labels, call=compiled: call(x, y), 5)
    if group.rank == 0:
        print(json.dumps({"ranks": group.size, "sums": sums, "steps": steps, "exchanged": exchanged}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

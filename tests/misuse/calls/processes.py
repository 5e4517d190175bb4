"""What works between processes, on one that is alone."""

from __future__ import annotations

from collections.abc import Iterator

import tinygrad_cv as tg
from tests.misuse.walk import Call
from tinygrad_cv import distributed as dist
from tinygrad_cv import nn
from tinygrad_cv.nn.parallel import DistributedDataParallel


def calls() -> Iterator[tuple[str, Call]]:
    """Calls of the functions of ``tg.distributed``, and of what is made of them."""
    given = {
        "init_process_group": dict,
        "all_reduce": lambda: {"tensor": tg.ones(2)},
        "broadcast": lambda: {"tensor": tg.ones(2)},
        "all_gather": lambda: {"tensor_list": [tg.ones(2)], "tensor": tg.ones(2)},
        "all_gather_object": lambda: {"object_list": [None], "obj": 1},
        "broadcast_object_list": lambda: {"object_list": [1]},
    }
    for name, arguments in given.items():
        yield f"distributed.{name}", Call(getattr(dist, name), arguments, name, kept=("obj",))
    model = {"module": nn.Linear(2, 1)}
    yield "nn.parallel.DistributedDataParallel", Call(DistributedDataParallel, lambda: model, "DistributedDataParallel")
    convert = nn.SyncBatchNorm.convert_sync_batchnorm
    yield "SyncBatchNorm.convert_sync_batchnorm", Call(convert, lambda: {"module": nn.BatchNorm1d(2)}, convert.__name__)

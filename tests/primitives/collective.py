"""The row of what processes compute together, in a group of processes that are all alike: one can be all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.primitives.draws import of, real
from tests.primitives.movement import linear
from tests.primitives.row import use
from tinygrad_cv.mpi import world

TWICE = (0, 0)  # rank 0 stands there twice: no group of users is like that


class Alike:
    """The communicator of a process and its doubles, which all hold what it holds."""

    def Get_rank(self) -> int:  # noqa: N802 (mpi4py's name)
        return 0

    def Get_size(self) -> int:  # noqa: N802 (mpi4py's name)
        return len(TWICE)

    def Allreduce(self, sent: np.ndarray, received: np.ndarray) -> None:  # noqa: N802 (mpi4py's name)
        received[...] = 0
        for _ in TWICE:
            received += sent

    def Sendrecv(self, sent: np.ndarray, dest: int, recvbuf: np.ndarray, source: int) -> None:  # noqa: N802 (mpi4py's name)
        recvbuf[...] = sent


world.groups[TWICE] = world.Group(Alike())


def added(*arrays: np.ndarray, group: tuple[int, ...], ordered: bool) -> Any:
    x = arrays[0]
    return np.array([2 * number for number in x.ravel().tolist()]).reshape(x.shape)


ROWS = [
    linear(
        "all_reduce",
        lambda x, group, ordered: x.all_reduce(group, ordered),
        added,
        [
            *(
                (shape, {"group": TWICE, "ordered": ordered})
                for shape in ((), (5,), (1, 3, 1), (0, 2), (2, 3, 2))
                for ordered in (False, True)
            ),
        ],
        uses=(use(lambda x: x.all_reduce(TWICE), of(real, 2, 3)),),
    ),
]

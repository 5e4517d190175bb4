"""Compiled programs that cannot touch what is not theirs: each buffer lies at a page that nobody may read or write.

With ``behind``, every input, constant, output and intermediate value ends where such a page begins; with ``before``, it
begins where one ends. Inputs and constants cannot be written at all. Who does it all the same ends the process, so this
is a command:

    python -m tests.compiler.guarded behind programs 0 60      # random programs 0 to 59, see WORK for others
    python -m tests.compiler.guarded both programs 0 60        # on each side; compiled once

It names each piece of work before it begins; what a program computes is compared elsewhere.
"""

from __future__ import annotations

import ctypes
import faulthandler
import math
import mmap
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler import agreement, architectures, networks, recorded
from tests.compiler.campaign import REGRESSIONS, Case
from tests.compiler.programs import parse
from tinygrad_cv import models, optim
from tinygrad_cv.compiler import cache, image, pipeline, program
from tinygrad_cv.compiler.image import Buffer, Image
from tinygrad_cv.compiler.runtime.target import Target
from tinygrad_cv.compiler.schedule.kernel import Plan
from tinygrad_cv.ir.graph import Builder, Graph, Value

Array = np.ndarray
SIDES = ("before", "behind")  # where the page is that nobody may touch
PAGE = mmap.PAGESIZE
NOTHING, READING = 0, 1  # what mprotect allows


class Place:
    """Bytes between pages that nobody may touch, right at one of them.

    Attributes:
        data: the bytes, zeros at first.
    """

    def __init__(self, nbytes: int, side: str):
        self._length = -(-nbytes // PAGE) * PAGE
        pages = np.frombuffer(mmap.mmap(-1, self._length + 2 * PAGE), np.uint8)  # they live as long as an array in them
        self._address = pages.ctypes.data
        start = PAGE if side == "before" else PAGE + self._length - nbytes
        self.data = pages[start : start + nbytes]
        self._allow(0, PAGE, NOTHING)
        self._allow(PAGE + self._length, PAGE, NOTHING)

    def array(self, shape: Sequence[int], dtype: np.dtype) -> Array:
        """The bytes as an array; there may be more of them, for a halo."""
        return self.data[: math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)

    def freeze(self) -> None:
        """Nobody may write any more."""
        self._allow(PAGE, self._length, READING)

    def _allow(self, start: int, length: int, what: int) -> None:
        address, size = ctypes.c_void_p(self._address + start), ctypes.c_size_t(length)
        if ctypes.CDLL(None).mprotect(address, size, what):
            raise OSError("mprotect: the system does not protect these pages.")


def frozen(array: Array, side: str) -> Array:
    """A copy that nobody can change, at a page that nobody may touch."""
    place = Place(array.nbytes, side)
    copy = place.array(array.shape, array.dtype)
    copy[...] = array
    place.freeze()
    return copy


# ---------------------------------------------------------------- programs


@dataclass(frozen=True)
class SizedBuffer(Buffer):
    """A buffer in the arena that knows how many bytes are its own, its halo included."""

    nbytes: int = 0


def _sized(graph: Graph, plan: Plan) -> tuple[dict[Value, int], list[Buffer], int]:
    numbers, buffers, arena = _buffers(graph, plan)
    for value, number in numbers.items():
        buffer = buffers[number]
        if buffer.kind == "arena" and value not in plan.aliases:
            layout = plan.layouts[value]
            nbytes = layout.size * layout.dtype.itemsize
            buffers[number] = SizedBuffer(buffer.kind, buffer.place, buffer.shape, buffer.dtype, nbytes=nbytes)
    return numbers, buffers, arena


_buffers = image._buffers


class GuardedProgram(program.NativeProgram):
    """A program whose buffers lie apart, each at a page that nobody may touch."""

    side = "behind"

    def __init__(self, image: Image, parts: int):
        self._places = {
            number: Place(buffer.nbytes, self.side)
            for number, buffer in enumerate(image.buffers)
            if isinstance(buffer, SizedBuffer)
        }
        self._constants = [frozen(array, self.side) for array in image.constants]
        super().__init__(image, parts)

    def _address_of(self, number: int) -> int:
        buffer = self.image.buffers[number]
        if buffer.kind == "part":
            return self._address_of(buffer.whole) + buffer.place
        if buffer.kind == "arena":
            return int(self._places[number].data.ctypes.data)
        return int(self._constants[buffer.place].ctypes.data) if buffer.kind == "constant" else 0

    def _array(self, number: int, arrays: Sequence[Array], outputs: Sequence[Array]) -> Array:
        buffer = self.image.buffers[number]
        if buffer.kind == "arena":
            return self._places[number].array(buffer.shape, buffer.dtype)
        return super()._array(number, arrays, outputs)

    def _fresh(self) -> list[Array]:
        return [Place(math.prod(shape) * dtype.itemsize, self.side).array(shape, dtype) for shape, dtype in self._made]

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        given = [(array.shape, array.dtype) for array in arrays]
        assert given == [(b.shape, b.dtype) for b in map(self.image.buffers.__getitem__, self.image.inputs)]
        return super().__call__([frozen(array, self.side) for array in arrays])


class Images:
    """What one side has compiled, for the other, which compiles the same in the same order."""

    def __init__(self) -> None:
        self._made: list[tuple[str, Image]] = []
        self._next = 0

    def make(self, graph: Graph, target: Target, threads: int, *rest: Any) -> Image:
        """The image of a graph, as by the function of this name."""
        key = f"{graph} {target} {threads}"
        if self._next == len(self._made):
            self._made.append((key, _make(graph, target, threads, *rest)))
        known, image = self._made[self._next]
        assert known == key, "the other side has compiled another graph"
        self._next += 1
        return image

    def rewind(self) -> None:
        """Begin anew with the first."""
        self._next = 0


_make = pipeline.make


@contextmanager
def guarded(side: str, images: Images) -> Iterator[None]:
    """What is compiled, is compiled anew and guarded."""
    kind = type("GuardedProgram", (GuardedProgram,), {"side": side})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "find", lambda key: None)
        patch.setattr(cache, "store", lambda key, image: None)
        patch.setattr(pipeline, "make", images.make)
        patch.setattr(image, "_buffers", _sized)
        for module in (program, agreement):
            patch.setattr(module, "NativeProgram", kind)
        yield


# ---------------------------------------------------------------- work


def _golden(number: int) -> None:
    graph = recorded.recorded(recorded.PROGRAMS[number])
    pipeline.compile(graph)[0](recorded.drawn(graph))


def _program(seed: int) -> None:
    """With gradients or without, for the machine that :class:`Case` has for it."""
    case = Case.of(seed)
    made = case.program()
    agreement.MACHINES[case.machine](made.graph())(made.arrays())


def _network(seed: int) -> None:
    networks.compiled(architectures.generate(seed))


MODELS: Sequence[tuple[Callable[[], tg.nn.Module], tuple[int, ...]]] = (
    (models.lenet5, (1, 28, 28)),
    (models.vgg_small, (3, 32, 32)),
    (models.resnet20, (3, 32, 32)),
)


def _model(number: int) -> None:
    """Two steps of training."""
    make, shape = MODELS[number]
    model = make()
    opt = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    @tg.jit
    def step(x: tg.Tensor, y: tg.Tensor) -> tg.Tensor:
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
        return loss

    for _ in range(2):
        step(tg.randn(3, *shape), tg.tensor(np.arange(3)))


NUMBERS = (0, -1, 4, 5, -5, -6, 63, -64, 2**31, 2**63 - 1, -(2**63))  # of rows, of which there are 5
ROWS: Sequence[tuple[int, ...]] = ((), (3,), (16,), (40,), (2, 5))


def _numbers(case: int) -> None:
    """A gather and a scattered sum whose numbers are anything: nothing checks them before they are used."""
    row = ROWS[case]
    index = np.resize(np.array(NUMBERS), (7, 9))
    builder = Builder()
    x, places = builder.input(0, (5, *row), np.dtype("float32")), builder.input(1, index.shape, index.dtype)
    taken = builder.make("gather", (x, places), {})
    summed = builder.make("scatter_add", (builder.make("square", (taken,), {}), places), {"size": 5})
    graph = Graph(builder, [x, places], [taken, summed])
    pipeline.compile(graph)[0]([np.ones(x.shape, x.dtype), index])


LENGTHS = (1, 5, 8, 9, 16, 17, 40, 60)  # of an axis along which a table's places lie, up to its ends


def _tables(case: int) -> None:
    """A gather of places that are near one another, and its adjoint: vectors are read that hold more than these."""
    n, builder = LENGTHS[case], Builder()
    x, g = (builder.input(i, (3, m), np.dtype("float32")) for i, m in enumerate((n, 19)))
    places = builder.constant(np.arange(19) * n // 19)
    rows, terms = (builder.make("permute", (value,), {"axes": (1, 0)}) for value in (x, g))
    taken = builder.make("gather", (rows, places), {})
    summed = builder.make("scatter_add", (terms, places), {"size": n})
    outputs = [builder.make("permute", (value,), {"axes": (1, 0)}) for value in (taken, summed)]
    pipeline.compile(Graph(builder, [x, g], outputs))[0]([np.ones(v.shape, v.dtype) for v in (x, g)])


def _regression(number: int) -> None:
    """A program that once went wrong, on each machine."""
    made = parse(sorted(REGRESSIONS.glob("*.txt"))[number].read_text())
    for machine in agreement.MACHINES.values():
        machine(made.graph())(made.arrays())


WORK = {
    "numbers": _numbers,
    "tables": _tables,
    "regressions": _regression,
    "goldens": _golden,
    "programs": _program,
    "networks": _network,
    "models": _model,
}


def main(arguments: Sequence[str]) -> None:
    """The command: the side or both, the work, the number of the first piece, and how many."""
    side, work, first, count = arguments
    faulthandler.enable()
    for number in range(int(first), int(first) + int(count)):
        images = Images()
        for one in SIDES if side == "both" else (side,):
            print(one, work, number, flush=True)
            with guarded(one, images), np.errstate(all="ignore"):
                WORK[work](number)
            images.rewind()


if __name__ == "__main__":
    main(sys.argv[1:])

"""One block of memory for all that an exported function needs: arguments, state, results, intermediate values.

Its size is known, nothing grows, and everything in it has a place. State that kernels may write over lies in one place;
other state is computed elsewhere and copied at the end, when all else is done. So a call whose results are not valid
changes nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..compiler.image import Image
from .interface import Interface

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


class Result(NamedTuple):
    """A result that no kernel stores for itself, since it is an argument, a constant, or another result."""

    buffer: int
    place: int
    nbytes: int


class Commit(NamedTuple):
    """The next value of state, and the place where the next call reads it."""

    origin: int
    place: int
    nbytes: int


class Block(NamedTuple):
    """Where everything lies: offsets in bytes. Arguments come first, then state, then results, in order.

    Attributes:
        places: of the image's buffers, by number, but for constants, which are part of the program.
        inputs, outputs: of the graph's, by number.
        state: of the interface's.
        copied: results to copy before state is written over.
        commits: state to copy at the end.
        work: where arguments, state and results end.
        size: of everything
    """

    places: dict[int, int]
    inputs: dict[int, int]
    outputs: dict[int, int]
    state: list[int]
    copied: list[Result]
    commits: list[Commit]
    work: int
    size: int


def block(image: Image, interface: Interface) -> Block:
    """The places of everything."""
    size = 0

    def room(nbytes: int) -> int:
        nonlocal size
        start = size
        size += aligned(nbytes)
        return start

    buffers = image.buffers
    bytes_of = [math.prod(buffer.shape) * buffer.dtype.itemsize for buffer in buffers]
    inputs = dict.fromkeys(range(len(image.inputs)), -1)
    outputs = dict.fromkeys(range(len(image.outputs)), -1)
    for port in interface.inputs:
        inputs[port.number] = room(bytes_of[image.inputs[port.number]])
    state = []
    for tensor in interface.state:
        state.append(room(tensor.array.nbytes))
        if tensor.input >= 0:
            inputs[tensor.input] = state[-1]
        else:
            outputs[tensor.output] = state[-1]
    for port in interface.outputs:
        outputs[port.number] = room(bytes_of[image.outputs[port.number]])
    work = size
    outputs.update({number: inputs[place] for number, place in image.places.items() if place >= 0})
    for numbers, found in ((image.inputs, inputs), (image.outputs, outputs)):
        found.update({i: room(bytes_of[numbers[i]]) for i, place in found.items() if place < 0})
    places = {number: inputs[i] for i, number in enumerate(image.inputs)}
    copied: list[Result] = []
    for i, number in enumerate(image.outputs):
        if buffers[number].kind == "output" and number not in places:
            places[number] = outputs[i]
        else:
            copied.append(Result(number, outputs[i], bytes_of[number]))
    arena = room(image.arena)
    for number, buffer in enumerate(buffers):
        if buffer.kind == "arena":
            places[number] = arena + buffer.place
    for number, buffer in enumerate(buffers):
        if buffer.kind == "part" and buffer.whole in places:
            places[number] = places[buffer.whole] + buffer.place
    commits = [
        Commit(outputs[tensor.output], place, tensor.array.nbytes)
        for tensor, place in zip(interface.state, state, strict=True)
        if tensor.output >= 0 and outputs[tensor.output] != place
    ]
    return Block(places, inputs, outputs, state, copied, commits, work, size)


def aligned(nbytes: int) -> int:
    """The next multiple of a cache line."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT

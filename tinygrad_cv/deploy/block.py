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
    """Where everything lies: offsets in bytes.

    Attributes:
        places: of the image's buffers, by number, but for constants, which are part of the program.
        inputs, outputs: of the graph's, by number.
        state: of the interface's.
        copied: results to copy before state is written over.
        commits: state to copy at the end.
        size: of everything
    """

    places: dict[int, int]
    inputs: list[int]
    outputs: list[int]
    state: list[int]
    copied: list[Result]
    commits: list[Commit]
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
    places = {number: room(bytes_of[number]) for number in image.inputs}
    inputs = [places[number] for number in image.inputs]
    over = {image.outputs[output]: inputs[place] for output, place in image.places.items() if place >= 0}
    outputs: list[int] = []
    copied: list[Result] = []
    for number in image.outputs:
        own = buffers[number].kind == "output" and number not in places
        place = over[number] if number in over else room(bytes_of[number])
        if own:
            places[number] = place
        else:
            copied.append(Result(number, place, bytes_of[number]))
        outputs.append(place)
    arena = room(image.arena)
    for number, buffer in enumerate(buffers):
        if buffer.kind == "arena":
            places[number] = arena + buffer.place
    for number, buffer in enumerate(buffers):
        if buffer.kind == "part" and buffer.whole in places:
            places[number] = places[buffer.whole] + buffer.place
    state, commits = [], []
    for tensor in interface.state:
        place = inputs[tensor.input] if tensor.input >= 0 else outputs[tensor.output]
        if tensor.output >= 0 and outputs[tensor.output] != place:
            commits.append(Commit(outputs[tensor.output], place, tensor.array.nbytes))
        state.append(place)
    return Block(places, inputs, outputs, state, copied, commits, size)


def aligned(nbytes: int) -> int:
    """The next multiple of a cache line."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT

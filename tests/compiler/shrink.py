"""A smaller program that goes wrong in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from tests.compiler.programs import LITERAL, Node, Program, input_, parse

Fails = Callable[[Program], bool]


def shrink(program: Program, fails: Fails, attempts: int = 600) -> Program:
    """Take smaller programs as long as they fail: fewer outputs, fewer lines, smaller sizes, plainer values.

    The smallest candidates come first: they are quick to try, and one that fails saves many steps.
    """
    tried: set[str] = set()
    smaller = True
    while smaller:
        smaller = False
        for candidate in sorted(_candidates(program), key=_size):
            if _size(candidate) >= _size(program) or len(tried) >= attempts:
                break
            text = str(candidate)
            if text in tried:
                continue
            tried.add(text)
            if _holds(candidate, fails):
                program, smaller = candidate, True
                break
    return program


def _holds(candidate: Program, fails: Fails) -> bool:
    try:
        return fails(candidate)
    except Exception:  # a program without meaning
        return False


def _size(program: Program) -> tuple[int, ...]:
    """What is smaller: first the number of outputs and lines, then shapes, then how plain the text is."""
    lines = sum(not node.drawn and node.op != LITERAL for node in program.nodes)
    elements = sum(int(np.prod(node.params["shape"])) for node in program.nodes if node.drawn)
    plain = sum(node.params["draw"] not in ("few", "positive") for node in program.nodes if node.drawn)
    return len(program.outputs) + 2 * lines, len(program.nodes), elements, plain, len(str(program))


def _candidates(program: Program) -> Iterator[Program]:
    yield from _fewer_outputs(program)
    yield from _fewer_lines(program)
    yield from _smaller_sizes(program)
    yield from _plainer(program)


def _fewer_outputs(program: Program) -> Iterator[Program]:
    outputs = program.outputs
    if len(outputs) > 1:
        for output in outputs:
            yield Program(program.nodes, (output,)).used()
        for output in outputs:
            yield Program(program.nodes, tuple(o for o in outputs if o != output)).used()


def _fewer_lines(program: Program) -> Iterator[Program]:
    """A line becomes one of its arguments, or an input of its shape; an output becomes its argument."""
    avals = [(value.shape, value.dtype) for value in _values(program)]
    for i in range(len(program.nodes)):
        node = program.nodes[i]
        if node.drawn or node.op == LITERAL:
            continue
        yield _with(program, i, input_(*avals[i], "few", i)).used()
        if avals[i][1].kind in "iu":
            yield _with(program, i, input_(*avals[i], "below 2", i)).used()
        if avals[i][1].kind == "f":
            yield _with(program, i, input_(*avals[i], "normal", i)).used()
    for i in reversed(range(len(program.nodes))):
        for arg in program.nodes[i].args:
            if avals[arg] == avals[i]:
                yield _redirected(program, i, arg).used()
        if i in program.outputs:
            for arg in program.nodes[i].args:
                yield Program(program.nodes, tuple(arg if o == i else o for o in program.outputs)).used()


def _values(program: Program) -> list:
    """The graph's value of every line."""
    everything = Program(program.nodes, tuple(range(len(program.nodes))))
    return list(everything.graph().outputs)


def _with(program: Program, i: int, node: Node) -> Program:
    return Program((*program.nodes[:i], node, *program.nodes[i + 1 :]), program.outputs)


def _redirected(program: Program, old: int, new: int) -> Program:
    nodes = [Node(n.op, tuple(new if a == old else a for a in n.args), n.params) for n in program.nodes]
    return Program(tuple(nodes), tuple(new if o == old else o for o in program.outputs))


def _smaller_sizes(program: Program) -> Iterator[Program]:
    """A number that occurs in shapes becomes a smaller one, wherever it occurs."""
    text = str(program)
    drawn = [node.params for node in program.nodes if node.drawn]
    for n in sorted({n for params in drawn for n in params["shape"] if n > 1}, reverse=True):
        for new in dict.fromkeys((1, 2, 3, n // 4, n // 2, n - 1)):
            if 0 < new < n:
                yield from _parsed(re.sub(rf"(?<![\w.]){n}(?![\w.])", str(new), text))
    for i, node in enumerate(program.nodes):  # one axis of one input, by itself
        if node.drawn:
            for k, n in enumerate(node.params["shape"]):
                if n > 1:
                    shape = (*node.params["shape"][:k], 1, *node.params["shape"][k + 1 :])
                    yield _with(program, i, Node(node.op, (), {**node.params, "shape": shape}))


def _parsed(text: str) -> Iterator[Program]:
    try:
        yield parse(text)
    except Exception:
        return


def _plainer(program: Program) -> Iterator[Program]:
    for i, node in enumerate(program.nodes):
        if node.drawn and node.params["draw"] in ("normal", "special"):
            for draw in ("few", "positive", "normal"):
                if draw != node.params["draw"]:
                    yield _with(program, i, Node(node.op, (), {**node.params, "draw": draw}))
        if node.op == "constant":
            yield _with(program, i, Node("input", (), node.params))

"""The machine that a pickle is a program for, without what makes it dangerous: in it a name is nothing but text.

A pickle may name any function, call it, and set attributes of any object it can reach; Python's own unpickler, even one
that finds only chosen names, hands out the functions and classes themselves. Here the stream gets the values that a
:class:`World` gives for names, and only the world does something with them.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from ..core.errors import CheckpointError

KEYS = (str, int, float, bool, bytes, type(None))  # what can be hashed at no cost


class World(Protocol):
    """What names mean. Each method may raise, to refuse."""

    def named(self, name: str) -> Any:
        """What the stream gets for a name, with its module before it."""

    def called(self, function: Any, args: tuple[Any, ...]) -> Any:
        """The result of a call."""

    def built(self, target: Any, state: Any) -> None:
        """Set the state of an object."""

    def persistent(self, key: Any) -> Any:
        """What is outside of the stream, under a key."""


class Stream(Protocol):
    """What a pickle is read from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self) -> bytes: ...


class Malformed(ValueError):
    """A stream that is no pickle, or uses what is not needed for data."""


def run(stream: Stream, world: World) -> Any:
    """The object that a pickle describes; the stream is then behind its end.

    Raises:
        Malformed: the stream is no pickle, or uses what is not needed for data.
    """
    try:
        return _run(_WithoutEscapes(stream), _Machine(world))
    except (Malformed, CheckpointError):
        raise
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, ValueError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None


class _WithoutEscapes:
    """A stream whose lines have no escape sequences: since protocol 1 data have none, and damaged ones warn."""

    def __init__(self, stream: Stream):
        self.read = stream.read
        self._stream = stream

    def readline(self) -> bytes:
        line = self._stream.readline()
        if b"\\" in line:
            raise Malformed("a line with an escape sequence")
        return line


def _run(stream: Any, machine: _Machine) -> Any:
    for opcode, arg, _ in pickletools.genops(stream):
        if opcode.name == "STOP":
            return machine.stack.pop()
        if opcode.name in _CONSTANTS:
            machine.stack.append(arg)
        elif opcode.name in _OPERATIONS:
            _OPERATIONS[opcode.name](machine, arg)
        elif opcode.name not in ("PROTO", "FRAME"):
            raise Malformed(f"the opcode {opcode.name} is not needed for data")
    raise Malformed("it has no end")


class _Machine:
    def __init__(self, world: World):
        self.world = world
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}

    def to_mark(self) -> list[Any]:
        """What was pushed since the last mark."""
        items, self.stack = self.stack, self.outer.pop()
        return items

    def top(self, kind: type) -> Any:
        """The object on top, which must be of a type."""
        if type(self.stack[-1]) is not kind:
            raise Malformed(f"a {type(self.stack[-1]).__name__} is treated as a {kind.__name__}")
        return self.stack[-1]

    def put(self, pairs: list[Any]) -> None:
        """Keys and values, in turn, into the dict on top."""
        target = self.top(dict)
        if len(pairs) % 2:
            raise Malformed("a key without a value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[checked_key(key)] = value

    def call(self, function: Any, args: Any) -> None:
        if type(args) is not tuple:
            raise Malformed("a call without a tuple of arguments")
        self.stack.append(self.world.called(function, args))


def checked_key(key: Any) -> Any:
    """A key of a dict."""
    if type(key) not in KEYS:
        raise Malformed(f"a {type(key).__name__} as a key")
    return key


def _pop(m: _Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.to_mark()


def _pop_mark(m: _Machine) -> None:
    m.to_mark()


def _dict(m: _Machine) -> None:
    pairs = m.to_mark()
    m.stack.append({})
    m.put(pairs)


def _list(m: _Machine) -> None:
    items = m.to_mark()
    m.stack.append(items)


def _tuple(m: _Machine) -> None:
    items = tuple(m.to_mark())
    m.stack.append(items)


def _setitem(m: _Machine) -> None:
    value, key = m.stack.pop(), m.stack.pop()
    m.put([key, value])


def _append(m: _Machine) -> None:
    value = m.stack.pop()
    m.top(list).append(value)


def _appends(m: _Machine) -> None:
    items = m.to_mark()
    m.top(list).extend(items)


def _add(m: _Machine) -> None:
    items = m.to_mark()
    m.top(set).update(map(checked_key, items))


def _setitems(m: _Machine) -> None:
    items = m.to_mark()
    m.put(items)


def _last(m: _Machine, count: int) -> None:
    items = m.stack[-count:]
    if len(items) < count:
        raise IndexError("pop from empty list")
    m.stack[-count:] = [tuple(items)]


def _mark(m: _Machine) -> None:
    m.outer.append(m.stack)
    m.stack = []


def _global(m: _Machine, name: str) -> None:
    m.stack.append(m.world.named(name))


def _stack_global(m: _Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise Malformed("a name that is no text")
    _global(m, f"{module}.{name}")


def _reduce(m: _Machine) -> None:
    args, function = m.stack.pop(), m.stack.pop()
    m.call(function, args)


def _inst(m: _Machine, name: str) -> None:
    args = tuple(m.to_mark())
    m.call(m.world.named(name.replace(" ", ".", 1)), args)


def _obj(m: _Machine) -> None:
    function, *args = m.to_mark()
    m.call(function, tuple(args))


def _build(m: _Machine) -> None:
    state = m.stack.pop()
    m.world.built(m.stack[-1], state)


_CONSTANTS = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    ]
)
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "TUPLE1": lambda m, _: _last(m, 1),
    "TUPLE2": lambda m, _: _last(m, 2),
    "TUPLE3": lambda m, _: _last(m, 3),
    "TUPLE": lambda m, _: _tuple(m),
    "LIST": lambda m, _: _list(m),
    "DICT": lambda m, _: _dict(m),
    "APPEND": lambda m, _: _append(m),
    "APPENDS": lambda m, _: _appends(m),
    "SETITEM": lambda m, _: _setitem(m),
    "SETITEMS": lambda m, _: _setitems(m),
    "ADDITEMS": lambda m, _: _add(m),
    "MARK": lambda m, _: _mark(m),
    "POP": lambda m, _: _pop(m),
    "POP_MARK": lambda m, _: _pop_mark(m),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), lambda m, i: m.memo.__setitem__(i, m.stack[-1])),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, i: m.stack.append(m.memo[i])),
    "MEMOIZE": lambda m, _: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    "GLOBAL": lambda m, name: _global(m, name.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda m, _: _stack_global(m),
    "REDUCE": lambda m, _: _reduce(m),
    "NEWOBJ": lambda m, _: _reduce(m),
    "INST": _inst,
    "OBJ": lambda m, _: _obj(m),
    "BUILD": lambda m, _: _build(m),
    "PERSID": lambda m, key: m.stack.append(m.world.persistent(key)),
    "BINPERSID": lambda m, _: m.stack.append(m.world.persistent(m.stack.pop())),
}


class _Anything:
    """A world in which every name is taken, and nothing happens."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def named(self, name: str) -> Any:
        self.names.append(name)
        return object()

    def called(self, function: Any, args: tuple[Any, ...]) -> Any:
        return object()

    def built(self, target: Any, state: Any) -> None:
        pass

    def persistent(self, key: Any) -> Any:
        return object()


def names_in(stream: Stream) -> list[str]:
    """The names of functions and classes in a pickle, as far as it can be followed."""
    world = _Anything()
    with suppress(Malformed):
        run(stream, world)
    return list(dict.fromkeys(world.names))

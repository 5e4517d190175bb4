"""WebAssembly modules from LLVM's object files, without a linker.

An object file is a module that waits to be linked: it imports its memory, lists symbols and relocations in sections of
its own, and exports nothing. Where it is the only object, and its data begin at address 0, the numbers that LLVM has
written in the places of relocations are those that a linker would write; :func:`module` compares each of them. What is
left to do is to give it a memory and exports, and to drop what only a linker reads.

The formats: section 5 of the WebAssembly core specification 2.0, and "WebAssembly Object File Linking", one of its tool
conventions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEADER = b"\0asm\1\0\0\0"
PAGE = 1 << 16  # bytes
STACK = 1 << 16  # bytes
ALIGNMENT = 64
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT = range(13)
ORDER = (TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, DATA_COUNT, CODE, DATA)
FUNCTIONS, TABLES, MEMORIES, GLOBALS = range(4)  # kinds of imports and exports
I32_CONST, END, I32, MUTABLE = 0x41, 0x0B, 0x7F, 1
LIMITED, SHARED = 1, 3  # kinds of memories, both with a greatest size
SYMBOL_TABLE, UNDEFINED, NAMED = 8, 0x10, 0x40
SYMBOL_FUNCTION, SYMBOL_DATA, SYMBOL_GLOBAL, SYMBOL_SECTION = range(4)
# relocations: the places that hold the index of a function, type or global, and those that hold an address
INDICES, ADDRESSES, TYPE_INDEX = (0, 7, 13), (3, 4, 5), 6
SIGNED, FIXED = (4,), (5,)  # addresses as signed numbers, and as four bytes


class Module(NamedTuple):
    """A file, and the size of its memory in pages of 64 KiB."""

    code: bytes
    pages: int


class Import(NamedTuple):
    """What an object file expects from outside."""

    name: str
    kind: int


class Symbol(NamedTuple):
    """A line of a symbol table. ``number``: of a function or global; of data, that of its segment."""

    kind: int
    name: str
    number: int
    offset: int
    undefined: bool


class Reader:
    """Reads the encodings of the format, one after the other."""

    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self) -> int:
        """A number in LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self) -> int:
        """A number in LEB128, whose last bit is its sign."""
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def bytes(self) -> bytes:
        """Bytes after their count."""
        count = self.unsigned()
        self.at += count
        return self.data[self.at - count : self.at]

    def name(self) -> str:
        return self.bytes().decode()

    @property
    def more(self) -> bool:
        return self.at < len(self.data)


def unsigned(number: int) -> bytes:
    """A number in LEB128."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def signed(number: int) -> bytes:
    """A number in LEB128, whose last bit is its sign."""
    out = bytearray()
    while not -64 <= number < 64:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number & 127])


def _name(text: str) -> bytes:
    return unsigned(len(text.encode())) + text.encode()


def module(code: bytes, exported: Sequence[str], extra: int = 0, threads: int = 1) -> Module:
    """The module of an object file. It exports some of its functions, and more:

        memory   of as many bytes as it needs; several threads import it instead, as ``env.memory``, and share it
        base     a constant: the first address that neither its data nor stacks need
        stack    for several threads, if they need stacks: where that of an instance begins, growing down

    Args:
        extra: bytes that the memory holds from ``base`` on.
        threads: how many instances share the memory. Each writes the same data into it.

    Raises:
        ValueError: it calls functions that it does not define, or is no object file that can be used alone.
    """
    parts = list(_sections(code))
    custom = {Reader(body).name(): body for kind, body in parts if kind == CUSTOM}
    symbols = list(_symbols(custom["linking"]))
    segments = [segment for kind, body in parts if kind == DATA for segment in _segments(body)]
    imports = [found for kind, body in parts if kind == IMPORT for found in _imports(body)]
    outside = [found.name for found in imports if found.kind == FUNCTIONS]
    if outside:
        raise ValueError(f"it calls {', '.join(outside)}, which nothing defines")
    if sum(found.kind == GLOBALS for found in imports) > 1:
        raise ValueError("it has global variables besides the pointer to its stack")
    _check_relocations(parts, custom, symbols, segments)
    end = max((offset + size for offset, size in segments), default=0)
    stack = any(found.kind == GLOBALS for found in imports)
    top = _aligned(end + STACK * threads) if stack else _aligned(end)
    pages = -(-(top + extra) // PAGE)
    new = {kind: body for kind, body in parts if kind not in (CUSTOM, IMPORT)}
    limits = unsigned(pages) * 2  # at least and at most
    if threads == 1:
        new[MEMORY] = unsigned(1) + bytes([LIMITED]) + limits
    else:
        new[IMPORT] = unsigned(1) + _name("env") + _name("memory") + bytes([MEMORIES, SHARED]) + limits
    globals_ = [bytes([I32, 0, I32_CONST]) + signed(top) + bytes([END])]  # the base
    if stack:
        globals_.insert(0, bytes([I32, MUTABLE, I32_CONST]) + signed(top) + bytes([END]))
    new[GLOBAL] = unsigned(len(globals_)) + b"".join(globals_)
    indices = {symbol.name: symbol.number for symbol in symbols if symbol.kind == SYMBOL_FUNCTION}
    exports = [_name("base") + bytes([GLOBALS, len(globals_) - 1])]
    exports += [_name("memory") + bytes([MEMORIES, 0])] if threads == 1 else []
    exports += [_name("stack") + bytes([GLOBALS, 0])] if threads > 1 and stack else []
    exports += [_name(name) + bytes([FUNCTIONS]) + unsigned(indices[name]) for name in exported]
    new[EXPORT] = unsigned(len(exports)) + b"".join(exports)
    body = b"".join(bytes([kind]) + unsigned(len(new[kind])) + new[kind] for kind in ORDER if kind in new)
    return Module(HEADER + body, pages)


def _aligned(address: int) -> int:
    return -(-address // ALIGNMENT) * ALIGNMENT


def _sections(code: bytes) -> Iterator[tuple[int, bytes]]:
    if code[: len(HEADER)] != HEADER:
        raise ValueError("it is no WebAssembly")
    reader = Reader(code, len(HEADER))
    while reader.more:
        yield reader.byte(), reader.bytes()


def _imports(body: bytes) -> Iterator[Import]:
    reader = Reader(body)
    for _ in range(reader.unsigned()):
        reader.name()
        found = Import(reader.name(), reader.byte())
        if found.kind == FUNCTIONS:
            reader.unsigned()
        elif found.kind == GLOBALS:
            reader.at += 2
        else:  # limits, those of a table after the type of its elements
            reader.at += found.kind == TABLES
            for _ in range(1 + (reader.byte() & 1)):
                reader.unsigned()
        yield found


def _segments(body: bytes) -> Iterator[tuple[int, int]]:
    """The address and the size of each."""
    reader = Reader(body)
    for _ in range(reader.unsigned()):
        if reader.unsigned() != 0 or reader.byte() != I32_CONST:
            raise ValueError("it has data without an address")
        address = reader.signed()
        reader.byte()
        yield address, len(reader.bytes())


def _symbols(body: bytes) -> Iterator[Symbol]:
    """The symbol table in the section "linking"."""
    outer = Reader(body)
    outer.name()
    outer.unsigned()  # the version
    while outer.more:
        kind, reader = outer.byte(), Reader(outer.bytes())
        for _ in range(reader.unsigned() if kind == SYMBOL_TABLE else 0):
            what, flags = reader.byte(), reader.unsigned()
            undefined = bool(flags & UNDEFINED)
            name, index, offset = "", 0, 0
            if what == SYMBOL_DATA:
                name = reader.name()
                if not undefined:
                    index, offset, _ = reader.unsigned(), reader.unsigned(), reader.unsigned()
            else:
                index = reader.unsigned()
                if what != SYMBOL_SECTION and (not undefined or flags & NAMED):
                    name = reader.name()
            yield Symbol(what, name, index, offset, undefined)


def _check_relocations(
    parts: list[tuple[int, bytes]],
    custom: dict[str, bytes],
    symbols: list[Symbol],
    segments: list[tuple[int, int]],
) -> None:
    """Refuse an object in which a place holds another number than a linker would write."""
    for name in ("reloc.CODE", "reloc.DATA"):
        if name not in custom:
            continue
        reader = Reader(custom[name])
        reader.name()
        body = parts[reader.unsigned()][1]
        for _ in range(reader.unsigned()):
            kind, at, index = reader.byte(), reader.unsigned(), reader.unsigned()
            if kind in ADDRESSES:
                symbol, addend = symbols[index], reader.signed()
                right = segments[symbol.number][0] + symbol.offset + addend if not symbol.undefined else None
            elif kind in INDICES:
                right = symbols[index].number
            elif kind == TYPE_INDEX:
                right = index
            else:
                raise ValueError(f"it has a relocation of type {kind}, which is not known here")
            place = Reader(body, at)
            if kind in FIXED:
                there = int.from_bytes(body[at : at + 4], "little")
            else:
                there = place.signed() if kind in SIGNED else place.unsigned()
            if there != right:
                raise ValueError(f"{name} at {at}: {there} stands where a linker would write {right}")

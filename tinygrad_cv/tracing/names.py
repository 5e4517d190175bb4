"""The names in a function's code: globals and the attributes that are read from them, imports, strings."""

from __future__ import annotations

import dis
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from types import CodeType
from typing import Any, NamedTuple

from ..core.floor import uses

WORD = re.compile(r"[A-Za-z_]\w*")
HEADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
STORES = ("STORE_ATTR", "STORE_GLOBAL", "STORE_NAME", "STORE_DEREF")


class Names(NamedTuple):
    """The names in a function's code, including functions defined in it.

    Attributes:
        words: all names, and the words in strings, which may be names of attributes.
        chains: variables from outside, each with the attributes that are read directly: ("np", "random", "beta").
        imports: what the code imports itself: (module, level, names).
        strings: the strings.
        exact: whether chains and imports come from instructions. If not, both are all names, one by one: each may be a
            variable from outside, an attribute of any other, or an imported module.
    """

    words: frozenset[str]
    chains: tuple[tuple[str, ...], ...]
    imports: tuple[tuple[str, int, tuple[str, ...]], ...]
    strings: frozenset[str]
    exact: bool = True


@cache
def words_of(code: CodeType) -> frozenset[str]:
    """The names in the code and in functions defined in it, and the words in their strings."""
    words = {*code.co_names, *(word for text in _strings(code.co_consts) for word in WORD.findall(text))}
    inner = (words_of(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return frozenset(words.union(*inner))


@cache
def names_of(code: CodeType) -> Names:
    """The names in the code, read from its instructions if they may be used."""
    if not uses("bytecode"):
        return _listed(code)
    strings = set(_strings(code.co_consts))
    chains: dict[tuple[str, ...], None] = {}
    imports: dict[tuple[str, int, tuple[str, ...]], None] = {}
    chain: tuple[str, ...] = ()
    constants: list[Any] = [0, None]
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if chain and name in ATTRIBUTES:
            chain = (*chain, value)
            continue
        if chain:
            chains[chain] = None
        chain = (value,) if name in HEADS and value.isidentifier() else ()  # test runners add others
        if name == "IMPORT_NAME":
            level, wanted = constants[-2:]
            imports[value, level if isinstance(level, int) else 0, wanted if isinstance(wanted, tuple) else ()] = None
        elif instruction.opcode in dis.hasconst or name == "LOAD_SMALL_INT":
            constants.append(value)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = names_of(constant)
            strings |= inner.strings
            chains.update(dict.fromkeys(inner.chains))
            imports.update(dict.fromkeys(inner.imports))
    return Names(words_of(code), tuple(chains), tuple(imports), frozenset(strings))


def _listed(code: CodeType) -> Names:
    """The same from the lists of names alone: more than the code reads, since attributes are among them."""
    codes = list(_with_inner(code))
    named = dict.fromkeys(name for inner in codes for name in inner.co_names + inner.co_freevars)
    strings = frozenset(string for inner in codes for string in _strings(inner.co_consts))
    variables = tuple((name,) for name in named if name.isidentifier())  # test runners add others
    return Names(words_of(code), variables, tuple((name, 0, ()) for name in named), strings, exact=False)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _strings(constants: Iterable[Any]) -> Iterator[str]:
    for constant in constants:
        if type(constant) is str:
            yield constant
        elif isinstance(constant, (tuple, frozenset)):
            yield from _strings(constant)


def imported(name: str, level: int, package: str) -> str:
    """The full name of a module that code of a package imports."""
    try:
        return resolve_name("." * level + name, package)
    except ImportError:
        return name


def lines(codes: Iterable[CodeType], name: str, stored: bool = False) -> list[str]:
    """Where code reads a variable or an attribute, or, if ``stored``, assigns to it: file and line."""
    if not uses("bytecode"):
        return _functions(codes, name)
    wanted = STORES if stored else HEADS + ATTRIBUTES
    found: dict[str, None] = {}
    for code in codes:
        for number, instruction in _numbered(code):
            if instruction.opname in wanted and instruction.argval == name:
                found[f"{code.co_filename}:{number}"] = None
        inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
        found.update(dict.fromkeys(lines(inner, name, stored)))
    return list(found)


def _functions(codes: Iterable[CodeType], name: str) -> list[str]:
    """The functions that have the name, without the line."""
    inner = [code for outer in codes for code in _with_inner(outer)]
    naming = [code for code in inner if name in code.co_names + code.co_freevars + code.co_cellvars]
    return list(dict.fromkeys(f"{code.co_filename}, in {code.co_name}" for code in naming))


def _numbered(code: CodeType) -> Iterator[tuple[int, dis.Instruction]]:
    starts = dict(dis.findlinestarts(code))
    number: int | None = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        number = starts.get(instruction.offset, number)
        yield number or code.co_firstlineno, instruction

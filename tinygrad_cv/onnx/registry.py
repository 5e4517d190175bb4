"""The operators that there are: each a function of tensors, for every version of it that means something else.

A function's signature says what it takes. Positional parameters are the operator's inputs:

- ``Tensor``: on the tape
- ``Statistics``: a running average, which training updates in place and no gradient reaches
- ``Numbers``: known numbers that decide about shapes and axes, as a NumPy array
- ``Text``: an array of Python's strings, which is always known
- ``Any``: whatever it is, a sequence or what may be missing among them

Parameters by keyword are attributes, of the types ``int``, ``float``, ``bool``, ``str``, ``Integers``, ``Floats``,
``Strings``, ``np.ndarray``, ``DType`` and ``Body``; their defaults are the schema's. Two more are no attributes:
``training`` is the node's mode, and ``outputs`` the number of outputs that the file asks for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..frontend.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
Statistics = Tensor
Numbers = np.ndarray
Text = np.ndarray
DType = np.dtype
Body = Callable[..., tuple[Any, ...]]
Integers = tuple[int, ...]
Floats = tuple[float, ...]
Strings = tuple[str, ...]
Trained = Callable[[dict[str, Any], int, list[np.ndarray | None]], bool]  # attributes, outputs, known inputs
TRAINING = "ai.onnx.preview.training"  # a domain of ONNX's
NOT_ATTRIBUTES = ("training", "outputs")


class Operator(NamedTuple):
    """An operator from a version on, and the function that computes it."""

    name: str
    since: int
    domain: str
    function: Callable[..., Any]
    roles: tuple[str, ...]  # of the inputs: "Tensor", "Statistics" or "Numbers"
    rest: str | None  # the role of all further inputs
    keywords: tuple[tuple[str, str], ...]  # names and types, of attributes and of what else it is told
    grows: bool = False  # its output may be much larger than its inputs
    draws: bool = False  # it is random
    trained: Trained | None = None  # whether a node begins in training mode
    mode: int | None = None  # the place of the input that says so

    def __reduce__(self) -> Any:
        """For pickle and deepcopy: a registered operator is the same one, by its name."""
        key = self.domain, self.name, self.since
        return (registered, key) if OPERATORS.get(key[:2], {}).get(self.since) is self else (Operator, tuple(self))

    def role(self, place: int) -> str:
        """The role of an input."""
        return self.roles[place] if place < len(self.roles) else self.rest or "Tensor"

    def takes(self, keyword: str) -> bool:
        """Whether the function has a parameter of that name."""
        return any(name == keyword for name, _ in self.keywords)


OPERATORS: dict[tuple[str, str], dict[int, Operator]] = {}  # domain and name -> by version


def operator(
    *names: str,
    since: int,
    domain: str = "",
    grows: bool = False,
    draws: bool = False,
    trained: Trained | None = None,
    mode: int | None = None,
) -> Callable[[F], F]:
    """Register a function as operators of these names, from a version of the operators on, until another is there."""

    def register(function: F) -> F:
        roles: list[str] = []
        rest, keywords = None, []
        for parameter in inspect.signature(function).parameters.values():
            kind = str(parameter.annotation).partition(" |")[0]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                rest = kind
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                keywords.append((parameter.name, kind))
            else:
                roles.append(kind)
        for name in names:
            versions = OPERATORS.setdefault((domain, name), {})
            assert since not in versions, (name, since)
            versions[since] = Operator(
                name, since, domain, function, tuple(roles), rest, tuple(keywords), grows, draws, trained, mode
            )
        return function

    return register


def registered(domain: str, name: str, since: int) -> Operator:
    """The operator that is registered from a version on."""
    return OPERATORS[domain, name][since]


def found(domain: str, name: str, version: int) -> Operator | None:
    """The operator of a version of its domain's operators; None if there is none."""
    versions = OPERATORS.get((domain, name), {})
    since = max((v for v in versions if v <= version), default=None)
    return None if since is None else versions[since]

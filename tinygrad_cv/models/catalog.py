"""The networks by name, with the images that each takes: for ``list``, ``get``, ``load`` and the command line."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, get_args

from ..core.annotations import explaining

if TYPE_CHECKING:
    from ..nn import Module

Make = TypeVar("Make", bound=Callable[..., Any])
Task = Literal["classification", "segmentation", "generation", "discrimination"]
TASKS: tuple[Task, ...] = get_args(Task)


class Entry(NamedTuple):
    """A function that makes a network, the images that it takes (None: any), and what it is for.

    Args:
        threads: the number of threads of NumPy's BLAS in training; None does not change it.
        dims: the number of spatial axes of its input.
    """

    make: Callable[..., Any]
    channels: int | None
    side: int | None
    threads: int | None
    task: Task
    dims: int


MODELS: dict[str, Entry] = {}


def network(
    channels: int | None,
    side: int | None,
    threads: int | None = 1,
    task: Task = "classification",
    dims: int = 2,
) -> Callable[[Make], Make]:
    """Decorator that enters a function that makes a network into ``MODELS``, under its name. Its errors have the name.

    Args:
        channels, side: C and H = W of its images; None if the function takes them as ``in_channels`` and
            ``image_size``.
        threads: the number of threads of NumPy's BLAS in training; None does not change it. For small matrices a
            second thread is no faster, and on a busy machine much slower.
    """

    def enter(make: Make) -> Make:
        named = explaining(make)
        MODELS[make.__name__] = Entry(named, channels, side, threads, task, dims)
        return named

    return enter


@explaining
def list(task: Task | None = None) -> builtins.list[str]:
    """The names of all networks, or of those for one task, in alphabetical order.

    Raises:
        ValueError: an unknown task.

    >>> import tinygrad_cv as tg
    >>> tg.models.list("generation")
    ['dcgan_generator']
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"models.list: task={task!r}; it must be one of {', '.join(map(repr, TASKS))}.")
    return sorted(name for name, entry in MODELS.items() if task in (None, entry.task))


def get(name: str, **arguments: Any) -> Module:
    """The network of this name, made with these arguments.

    Raises:
        ValueError: there is no network of this name; the message names the nearest.

    >>> import tinygrad_cv as tg
    >>> type(tg.models.get("resnet20", num_classes=100)).__name__
    'SmallResNet'
    """
    if not isinstance(name, str) or name not in MODELS:
        near = difflib.get_close_matches(str(name), MODELS, 3, 0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(f"models.get: there is no network {name!r}. {hint}models.list() names all.")
    model: Module = MODELS[name].make(**arguments)
    return model

"""The state of a run: collected from everything that has some, and restored to all of it or to nothing.

``tg.save(collect(...), path)`` and ``restore(tg.load(path), ...)`` go through a file.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np

from ..core.errors import CheckpointError
from ..frontend.random import Generator
from ..frontend.tensor import Tensor
from ..nn import Module
from ..nn import state_dict as modules
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler

Commit = Callable[[], object]  # loads a state that was checked
KINDS, EXTRA = "kinds", "extra"  # sections of their own
NAMED = (Optimizer, LRScheduler, Generator, np.random.Generator)  # whose state belongs to their class alone


def collect(*, extra: Any = None, **parts: Any) -> dict[str, Any]:
    """The state of a run as sections, each under the name of its part, for ``tg.save``.

    Args:
        extra: dicts, lists, numbers, strings and arrays: the number of the epoch, metrics, settings, ...
        parts: modules, averaged ones too, optimizers, schedules, generators of random numbers
            (``tg.default_generator``, from which dropout draws, or NumPy's), and everything else that has
            ``state_dict`` and ``load_state_dict``, such as a data loader. Those that are None are left out.

    Raises:
        TypeError: a part has no state.

    >>> import tempfile
    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Linear(2, 1)
    >>> optimizer = tg.optim.SGD(model, lr=0.1, momentum=0.9)
    >>> schedule = tg.optim.StepLR(optimizer, 10)
    >>> parts = dict(model=model, optimizer=optimizer, schedule=schedule, generator=tg.default_generator)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(collect(**parts, extra={"epoch": 3}), f"{folder}/last.safetensors")
    ...     restore(tg.load(f"{folder}/last.safetensors"), **parts)
    {'epoch': 3}
    """
    there = _present("collect", parts)
    kinds = {name: type(part).__name__ for name, part in there.items()}
    return {KINDS: kinds, EXTRA: extra, **{name: _state(part) for name, part in there.items()}}


def restore(sections: Mapping[str, Any], /, **parts: Any) -> Any:
    """Give all parts of a run the state that :func:`collect` took from such, and return ``extra``.

    Everything is checked before anything changes. Parts that are none of the library's are tried last, and get their
    state back if one of them refuses.

    Args:
        sections: what was collected.
        parts: under the same names.

    Raises:
        TypeError: a part has no state.
        CheckpointError: sections are missing or left over, an optimizer, a schedule or a generator is of another class,
            or a state does not fit its part. Nothing has changed.
    """
    there = _present("restore", parts)
    _check_sections(sections, there)
    ours = [name for name, part in there.items() if isinstance(part, (Module, *NAMED))]
    with ExitStack() as stack:
        commits = [
            stack.enter_context(_checked(name, there[name], sections[name]))
            for name in sorted(there, key=lambda name: name not in ours)
        ]
        for commit in commits:
            commit()
    return sections[EXTRA]


def _present(op: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    for name, part in parts.items():
        if name == KINDS:
            raise TypeError(f"{op}: {KINDS!r} is the name of a section of its own; give the part another.")
        if part is not None and not (isinstance(part, NAMED) or hasattr(part, "load_state_dict")):
            raise TypeError(
                f"{op}: {name} is a {type(part).__name__}, which has no state_dict and load_state_dict. Plain data go "
                "into extra."
            )
    return {name: part for name, part in parts.items() if part is not None}


def _check_sections(sections: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    found = sections.get(KINDS) if isinstance(sections, Mapping) else None
    if not isinstance(found, Mapping) or sections.keys() != {KINDS, EXTRA, *found}:
        raise CheckpointError("restore: these are not the sections of a run, as collect() makes them.")
    problems = [f"there is no section {name}" for name in parts if name not in found]
    problems += [f"the section {name} has no part" for name in found if name not in parts]
    problems += [
        f"{name} is a {type(part).__name__}, and the section is of a {found[name]}"
        for name, part in parts.items()
        if name in found and isinstance(part, NAMED) and found[name] != type(part).__name__
    ]
    if problems:
        raise CheckpointError(
            f"restore: {'; '.join(problems)}. Nothing was restored. Give the parts that were collected, by their names."
        )


def _state(part: Any) -> Any:
    if isinstance(part, Generator):
        return {"state": part.state.numpy().copy()}
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    return part.state_dict()


def _checked(name: str, part: Any, state: Any) -> AbstractContextManager[Commit]:
    """The function that loads a state that fits; outside of the block everything is as before if it raises."""
    if isinstance(part, Module):
        return modules.checked(part, state)
    if isinstance(part, (Optimizer, LRScheduler)):
        return nullcontext(part.checked(state))
    if isinstance(part, Generator):
        return nullcontext(_checked_generator(name, part, state))
    if isinstance(part, np.random.Generator):
        return nullcontext(_checked_numpy_generator(name, part, state))
    return _tried(name, part, state)


def _checked_generator(name: str, generator: Generator, state: Any) -> Commit:
    value = state.get("state") if isinstance(state, Mapping) and len(state) == 1 else None
    if not (isinstance(value, np.ndarray) and value.shape == (2,) and value.dtype == np.uint64):
        raise CheckpointError(f"restore: the state of the generator {name} is not a seed and a counter.")

    def commit() -> None:
        with generator.alone():
            generator.state.assign(Tensor(value))

    return commit


def _checked_numpy_generator(name: str, generator: np.random.Generator, state: Any) -> Commit:
    try:
        type(generator.bit_generator)().state = state
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise CheckpointError(
            f"restore: the state of the generator {name} is none of a {type(generator.bit_generator).__name__} "
            f"({type(error).__name__}: {error})."
        ) from None

    def commit() -> None:
        generator.bit_generator.state = state

    return commit


@contextmanager
def _tried(name: str, part: Any, state: Any) -> Iterator[Commit]:
    """Load the state at once: only the part itself knows whether it fits. It gets its own back if the block raises."""
    before = copy.deepcopy(part.state_dict())
    try:
        try:
            part.load_state_dict(state)
        except Exception as error:
            raise CheckpointError(
                f"restore: {name} does not take its state ({type(error).__name__}: {error}). Nothing was restored."
            ) from error
        yield lambda: None
    except BaseException:
        part.load_state_dict(before)
        raise

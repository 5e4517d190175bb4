"""Evaluation or training mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from .module import Module


@contextmanager
def in_mode(model: Module, training: bool) -> Iterator[None]:
    """Training or evaluation mode inside; afterwards each module has its previous mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def evaluating(model: Module) -> AbstractContextManager[None]:
    """Evaluation mode (running averages, no dropout) inside; afterwards each module has its previous mode."""
    return in_mode(model, False)

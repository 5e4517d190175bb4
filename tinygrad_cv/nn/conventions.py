"""Normalization as another library has it: one call for a whole model."""

from __future__ import annotations

from typing import TypeVar, get_args

from ..core.annotations import explaining
from .arguments import one_of
from .batch_norm import CONVENTIONS, Convention, _BatchNorm, _InstanceNorm
from .module import Module
from .normalization import GroupNorm, LayerNorm

M = TypeVar("M", bound=Module)
DEFAULTS = frozenset(library.eps for library in CONVENTIONS.values())


@explaining
def use_convention(model: M, convention: Convention) -> M:
    """Let every normalization of a model be that of a library, in place: its epsilon, momentum and running variance.

    Batch normalization changes its convention: whether momentum is the share of the new or of the old, and whether the
    running variance is divided by N - 1 or by N. A momentum or an epsilon that is the default of the convention so far
    becomes the default of the other; one that was chosen stays as it is, a momentum in the other's terms (0.1 of the
    new is 0.9 of the old). So there and back changes nothing. Layer, group and instance normalization have an epsilon
    only: one that is some library's default becomes that of this one. Averages that were kept stay as they are: whoever
    made them divided by N or N - 1.

    Raises:
        ValueError: an unknown convention.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Conv2d(3, 8, 3), tg.nn.BatchNorm2d(8))
    >>> tg.nn.use_convention(model, "keras")[1].eps, model[1].momentum
    (0.001, 0.99)
    """
    wanted = CONVENTIONS[one_of("use_convention", "convention", convention, get_args(Convention))]
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            own = CONVENTIONS[layer.convention]
            if layer.momentum == own.momentum:
                layer.momentum = wanted.momentum
            elif layer.momentum is not None and own.of_the_new != wanted.of_the_new:
                layer.momentum = round(1.0 - layer.momentum, 15)  # there and back
            layer.eps = wanted.eps if layer.eps == own.eps else layer.eps
            layer.convention = convention
        elif isinstance(layer, (LayerNorm, GroupNorm, _InstanceNorm)) and layer.eps in DEFAULTS:
            layer.eps = wanted.eps
    return model

"""Batch normalization over the batches of several processes."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, TypeVar

from ..core.annotations import explaining
from ..functional.synchronized import sync_batch_norm
from ..mpi.world import members
from .batch_norm import CONVENTIONS, Convention, _BatchNorm
from .lazy import Lazy
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

M = TypeVar("M", bound=Module)


class SyncBatchNorm(_BatchNorm):
    """Batch normalization by the statistics of all processes' batches, so that shares of a batch count as the batch.

    In training the processes call it together, with x: N x C or N x C x ..., where N may differ between them, and be 0;
    and they go through the backward pass together. Derivatives of every order are those of one process with the whole
    batch. In evaluation, and on a process that is alone, it is :class:`BatchNorm2d`, whose arguments it has.

    Args:
        process_group: the ranks that share statistics; None for all.

    Raises:
        ShapeError: num_features below 1; in a call, another number of channels, or one value per channel of all
            processes together.
        ValueError: an unknown convention, a momentum outside [0, 1], or a group without this process.

    >>> import tinygrad_cv as tg
    >>> tg.nn.SyncBatchNorm(1, eps=0.0)(tg.tensor([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    ranks, layout = (2, 3, 4, 5), "N x C or N x C x ..."

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | EllipsisType | None = ...,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Sequence[int] | None = None,
        *,
        bias: bool = True,
        convention: Convention = "torch",
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias, convention=convention)
        self.process_group = None if process_group is None else tuple(process_group)
        members("SyncBatchNorm", self.process_group or (), "process_group")

    def _normalized(self, x: Tensor, mean: Tensor | None, var: Tensor | None) -> Tensor:
        if not self._together:
            return super()._normalized(x, mean, var)
        momentum, unbiased = self._weight_of_the_new(), CONVENTIONS[self.convention].unbiased
        group = self.process_group or ()
        return sync_batch_norm(x, mean, var, self.weight, self.bias, momentum, self.eps, unbiased, group)

    def _sees(self, x: Tensor) -> bool:
        return self._together or super()._sees(x)

    @property
    def _together(self) -> bool:
        """Whether several processes normalize by what all of them have."""
        return self.training and members("SyncBatchNorm", self.process_group or ()).size > 1

    @classmethod
    @explaining
    def convert_sync_batchnorm(cls, module: M, process_group: Sequence[int] | None = None) -> M | SyncBatchNorm:
        """Put a SyncBatchNorm in place of every batch normalization of a model, with its parameters and averages.

        Returns:
            The model, which is changed; if it is a batch normalization itself, what takes its place.

        >>> import tinygrad_cv as tg
        >>> model = tg.nn.Sequential(tg.nn.Conv2d(3, 8, 3), tg.nn.BatchNorm2d(8))
        >>> type(tg.nn.SyncBatchNorm.convert_sync_batchnorm(model)[1]).__name__
        'SyncBatchNorm'
        """
        if isinstance(module, _BatchNorm):
            return cls._in_place_of(module, process_group)
        made: dict[int, SyncBatchNorm] = {}
        for parent in list(module.modules()):
            for name, child in parent.named_children():
                if isinstance(child, _BatchNorm):
                    if id(child) not in made:
                        made[id(child)] = cls._in_place_of(child, process_group)
                    setattr(parent, name, made[id(child)])
        return module

    @classmethod
    def _in_place_of(cls, norm: _BatchNorm, process_group: Sequence[int] | None) -> SyncBatchNorm:
        if isinstance(norm, Lazy):
            raise ValueError(
                f"convert_sync_batchnorm of {norm!r}: its first input tells its size. Call the model once before."
            )
        new = cls(
            norm.num_features,
            norm.eps,
            norm.momentum,
            norm.affine,
            norm.track_running_stats,
            process_group,
            bias=norm.bias is not None,
            convention=norm.convention,
        )
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            setattr(new, name, getattr(norm, name))
        new._hooks = norm._hooks
        return new.train(norm.training)

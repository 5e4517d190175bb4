"""Batch and instance normalization: layers that can keep running averages of their statistics."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from .. import functional as F
from ..core.context import is_replaying, location, no_grad
from ..core.errors import ShapeError
from ..frontend.creation import asarray, full, ones, zeros
from .arguments import derived, is_affine, one_of, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class RunningAverages(NamedTuple):
    """How a library updates the running averages of batch normalization."""

    momentum: float
    of_the_new: bool  # whether momentum is the weight of the new value or of the old one
    unbiased: bool  # whether the variance is divided by N - 1 or by N
    start: float  # the running variance before the first batch
    eps: float  # by default


Convention = Literal["torch", "onnx", "keras", "tensorflow", "eecs498"]
CONVENTIONS: dict[Convention, RunningAverages] = {
    "torch": RunningAverages(0.1, True, True, 1.0, 1e-5),
    "onnx": RunningAverages(0.9, False, False, 1.0, 1e-5),
    "keras": RunningAverages(0.99, False, False, 1.0, 1e-3),
    "tensorflow": RunningAverages(0.99, False, True, 1.0, 1e-3),
    "eecs498": RunningAverages(0.9, False, False, 0.0, 1e-5),
}


class _BatchNorm(Module):
    """Batch normalization over any axes after the channels; for the arguments see :class:`BatchNorm2d`."""

    affine = derived(is_affine)
    ranks: tuple[int, ...]  # the ranks that the input may have
    layout: str

    _not_negative = ("running_var", "num_batches_tracked")

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | EllipsisType | None = ...,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        convention: Convention = "torch",
    ):
        super().__init__()
        op = type(self).__name__
        self.num_features = positive(op, "num_features", num_features)
        self.eps, self.track_running_stats = eps, track_running_stats
        self.convention = one_of(op, "convention", convention, get_args(Convention))
        preset = CONVENTIONS[convention]
        self.momentum = preset.momentum if momentum is ... else momentum
        if self.momentum is not None and not 0.0 <= self.momentum <= 1.0:
            raise ValueError(f"{op}: momentum={momentum}; it must be in [0, 1], or None for a cumulative average.")
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine and bias else None
        tracked = track_running_stats
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None
        self.register_buffer("running_mean", zeros(num_features) if tracked else None)
        self.register_buffer("running_var", full(num_features, preset.start, "float32") if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype="int64") if tracked else None)

    def forward(self, x: TensorLike) -> Tensor:
        x = checked(self, x, "num_features", self.ranks, self.layout)
        used = self.track_running_stats or not self.training
        y = self._normalized(x, self.running_mean if used else None, self.running_var if used else None)
        counts = self.training and used and self._sees(x) and not is_replaying()
        if counts and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked.assign(self.num_batches_tracked + 1)
        return y

    def _normalized(self, x: Tensor, mean: Tensor | None, var: Tensor | None) -> Tensor:
        unbiased = CONVENTIONS[self.convention].unbiased
        momentum = self._weight_of_the_new()
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, self.eps, unbiased)

    def _sees(self, x: Tensor) -> bool:
        """Whether a batch has anything in it."""
        return bool(x.size)

    def _weight_of_the_new(self) -> float | Tensor:
        """The weight of this batch's statistics in the running averages."""
        if self.momentum is None and self.num_batches_tracked is not None and self.running_mean is not None:
            return (1.0 / (self.num_batches_tracked + 1).astype(np.float64)).astype(self.running_mean.dtype)
        if self.momentum is None:
            return 0.0
        return self.momentum if CONVENTIONS[self.convention].of_the_new else 1.0 - self.momentum

    def extra_repr(self) -> str:
        named = "" if self.convention == "torch" else f", convention={self.convention!r}"
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}{named}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalization of features, x: N x D, or sequences, N x C x L; arguments as for :class:`BatchNorm2d`.

    μ, σ, γ and β are 1 x D; over N x C x L they are 1 x C x 1.

    >>> import tinygrad_cv as tg
    >>> tg.nn.BatchNorm1d(1, eps=0.0)(tg.tensor([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    ranks, layout = (2, 3), "N x C or N x C x L"


class BatchNorm2d(_BatchNorm):
    """Batch normalization of images (Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1).

    y = γ (x - μ) / √(σ² + eps) + β, x: N x C x H x W. μ, σ, γ and β are 1 x C x 1 x 1. In training μ and σ are computed
    over the batch (N, H, W); in evaluation they are the running averages.

    Args:
        num_features: C.
        momentum: of the running averages, by default that of the convention. For "torch" it is the weight of the new
            value, for the others the weight of the old one. None is a cumulative average over all batches.
        affine: learn γ (``weight``) and, where ``bias`` is true, β (``bias``); otherwise they are 1 and 0.
        track_running_stats: keep running averages; otherwise batch statistics are used in evaluation too.
        convention: "torch" (0.1 of the new, unbiased variance), "onnx" (0.9 of the old, biased), "keras" (0.99 of the
            old, biased), "tensorflow" (0.99 of the old, unbiased) or "eecs498" (0.9 of the old, biased, and the
            variance starts at 0 instead of 1). :func:`use_convention` changes it in a whole model, with eps.

    Raises:
        ShapeError: num_features below 1; in a call, another number of channels, or one value per channel in training.
        ValueError: an unknown convention, or a momentum outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> bn = tg.nn.BatchNorm2d(1)
    >>> _ = bn(tg.tensor([[[[1.0, 3.0]]]]))
    >>> bn.running_mean.item(), bn.running_var.item()  # 0.9 * 1 + 0.1 * 2
    (0.20000000298023224, 1.100000023841858)
    """

    ranks, layout = (4,), "N x C x H x W"


class BatchNorm3d(_BatchNorm):
    """Batch normalization of volumes, x: N x C x D x H x W; arguments as for :class:`BatchNorm2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.BatchNorm3d(1, eps=0.0)(tg.tensor([[[[[1.0, 3.0]]]]])).tolist()
    [[[[[-1.0, 1.0]]]]]
    """

    ranks, layout = (5,), "N x C x D x H x W"


class _InstanceNorm(Module):
    """Instance normalization over any axes after the channels; for the arguments see :class:`InstanceNorm2d`."""

    affine = derived(is_affine)
    dims: int  # the number of axes after the channels
    layout: str

    _not_negative = ("running_var", "num_batches_tracked")

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
    ):
        super().__init__()
        op = type(self).__name__
        self.num_features = positive(op, "num_features", num_features)
        self.eps, self.momentum, self.track_running_stats = eps, momentum, track_running_stats
        if not 0.0 <= momentum <= 1.0:
            raise ValueError(f"{op}: momentum={momentum}; it must be in [0, 1].")
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine and bias else None
        tracked = track_running_stats
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.register_buffer("running_mean", zeros(num_features) if tracked else None)
        self.register_buffer("running_var", ones(num_features) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype="int64") if tracked else None)

    def forward(self, x: TensorLike) -> Tensor:
        x = asarray(x)
        alone = x.ndim == self.dims + 1
        x = checked(self, x.expand_dims(0) if alone else x, "num_features", (self.dims + 2,), self.layout)
        y = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum,
            self.eps,
        )
        return y.squeeze(0) if alone else y

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization of sequences, x: N x C x L or C x L; arguments as for :class:`InstanceNorm2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.InstanceNorm1d(1, eps=0.0)(tg.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    dims, layout = 1, "N x C x L, or C x L"


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each image (Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016).

    x: N x C x H x W, or C x H x W; μ and σ are N x C x 1 x 1, γ and β 1 x C x 1 x 1.

    Args:
        momentum: the share of the new in the running averages, if there are any.
        affine: learn γ (``weight``) and, where ``bias`` is true, β (``bias``).
        track_running_stats: keep averages of the images' μ and σ², which normalize in evaluation. Otherwise training
            and evaluation are the same.

    Raises:
        ShapeError: num_features below 1; in a call, another number of channels, or images of one pixel.
        ValueError: a momentum outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> tg.nn.InstanceNorm2d(1, eps=0.0)(tg.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[-1.0, 1.0]]]]
    """

    dims, layout = 2, "N x C x H x W, or C x H x W"


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of volumes, x: N x C x D x H x W or C x D x H x W; see :class:`InstanceNorm2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.InstanceNorm3d(1, eps=0.0)(tg.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[-1.0, 1.0]]]]
    """

    dims, layout = 3, "N x C x D x H x W, or C x D x H x W"


def checked(layer: Module, x: TensorLike, name: str, ranks: Sequence[int], layout: str) -> Tensor:
    """The input as a tensor, once its rank and its channels match the layer."""
    x = asarray(x)
    wanted = getattr(layer, name)
    if x.ndim not in ranks or x.shape[1] != wanted:
        found = x.shape[1] if x.ndim > 1 else 1
        raise ShapeError(
            f"{type(layer).__name__} of {name}={wanted}, input of shape {x.shape}{location()}: it must be {layout} "
            f"with C = {wanted}. Give the layer {name}={found}, or the input the right shape."
        )
    return x

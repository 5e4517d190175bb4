"""Dropout layers, active in training mode only. ``inplace`` is accepted for compatibility with PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.dropout import Mode
from .arguments import one_of, probability
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Dropout(Module):
    """A probability.

    Raises:
        ValueError: p outside [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        self.p = probability(type(self).__name__, p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout(_Dropout):
    """In training sets each element to 0 with probability p and divides the others by 1 - p; in evaluation returns x.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> drop = tg.nn.Dropout(0.75)
    >>> sorted(set(drop(tg.ones(100)).tolist())), drop.eval()(tg.ones(2)).tolist()
    ([0.0, 4.0], [1.0, 1.0])
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout(x, self.p, self.training)


class Dropout1d(_Dropout):
    """:class:`Dropout2d` of sequences: N x C x L, or C x L without a batch.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Dropout1d(1.0)(tg.ones(2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout1d(x, self.p, self.training)


class Dropout2d(_Dropout):
    """In training sets whole channels of x, N x C x H x W, to 0 with probability p and divides the others by 1 - p.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015, section 3.2.

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> tg.nn.Dropout2d(1.0)(tg.ones(1, 2, 1, 2)).tolist()
    [[[[0.0, 0.0]], [[0.0, 0.0]]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout2d(x, self.p, self.training)


class Dropout3d(_Dropout):
    """:class:`Dropout2d` of volumes: N x C x D x H x W, or C x D x H x W without a batch.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Dropout3d(1.0)(tg.ones(2, 1, 1, 1)).tolist()
    [[[[0.0]]], [[[0.0]]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout3d(x, self.p, self.training)


class AlphaDropout(_Dropout):
    """Dropout for networks of :class:`SELU`: of normal numbers mean 0 and variance 1 stay (Klambauer et al., 2017).

    >>> import tinygrad_cv as tg
    >>> len(set(tg.nn.AlphaDropout(0.5)(tg.ones(100)).tolist()))
    2
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.alpha_dropout(x, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """:class:`AlphaDropout` of whole channels of N x C x ....

    >>> import tinygrad_cv as tg
    >>> len(set(tg.nn.FeatureAlphaDropout(0.5)(tg.ones(1, 1, 50)).tolist()[0][0]))
    1
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.feature_alpha_dropout(x, self.p, self.training)


class StochasticDepth(Module):
    """In training drops a residual block's branch with probability p, and divides it by 1 - p where it is kept.

    Source: Huang et al., "Deep networks with stochastic depth", 2016; arguments are torchvision's.

    Args:
        mode: "batch", all images or none; or "row", each image of N x ... by itself.

    Raises:
        ValueError: p outside [0, 1], or another mode.

    >>> import tinygrad_cv as tg
    >>> branch = tg.nn.StochasticDepth(1.0, "row")
    >>> branch(tg.ones(2)).tolist(), branch.eval()(tg.ones(2)).tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """

    def __init__(self, p: float, mode: Mode):
        super().__init__()
        self.p = probability("StochasticDepth", p)
        self.mode = one_of("StochasticDepth", "mode", mode, ("batch", "row"))

    def forward(self, x: TensorLike) -> Tensor:
        return F.stochastic_depth(x, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"

"""Explanations by the gradient of a class's score with respect to the image."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.annotations import explaining
from ..core.context import enable_grad, no_grad
from ..frontend.autodiff import grad
from ..frontend.creation import asarray
from ..frontend.random import Generator
from ..frontend.tensor import Tensor
from ..functional.arguments import LARGEST
from ..nn import Module
from ..nn.modes import evaluating
from .scores import classes, picked

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


@explaining
def saliency(model: Module, images: TensorLike, target: int | Sequence[int] | None = None) -> Tensor:
    """How the score of a class changes with each pixel: ∂y_c / ∂x.

    images: N x C x H x W, as the model takes them. Scores y: N x classes, before a softmax. Result: N x C x H x W, in
    units of the score by the image's; :func:`strength` makes a map of it. The model runs in evaluation mode; gradients
    of parameters stay as they are.

    Args:
        target: the class c, one for all images or one for each; by default each image's class of the highest score.

    Raises:
        ValueError: there is no such class, or the model gives no scores N x classes.

    Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep Inside Convolutional Networks", 2014, eq. 4.

    >>> import numpy as np, tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Flatten(), tg.nn.Linear(2, 2, bias=False))
    >>> model.load_state_dict({"1.weight": np.float32([[1, 2], [3, -4]])})
    LoadResult(missing_keys=[], unexpected_keys=[])
    >>> saliency(model, tg.ones(1, 1, 1, 2), target=1).tolist()
    [[[[3.0, -4.0]]]]
    """
    return _Scores("saliency", model, images, target).gradient()


@explaining
def smooth_grad(
    model: Module,
    images: TensorLike,
    target: int | Sequence[int] | None = None,
    samples: int = 50,
    noise: float = 0.15,
    generator: Generator | None = None,
) -> Tensor:
    """The mean of :func:`saliency` over noisy copies of an image: 1/n Σ ∂y_c / ∂x at x + N(0, s²).

    Arguments, result and errors are those of :func:`saliency`; further:

    Args:
        samples: n, at least 1.
        noise: the deviation s, as a share of the range of each image's values.
        generator: where the noise comes from; by default one with seed 0, so that a call repeats.

    Source: D. Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, section 3.

    >>> import numpy as np, tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Flatten(), tg.nn.Linear(2, 2, bias=False))
    >>> x = tg.ones(1, 1, 1, 2)
    >>> bool(np.allclose(smooth_grad(model, x, 0).numpy(), saliency(model, x, 0).numpy()))  # a linear model
    True
    """
    count = _at_least_one("smooth_grad", "samples", samples)
    if not noise >= 0:
        raise ValueError(f"smooth_grad: noise={noise!r}; it must be at least 0, a share of the range of values.")
    scores = _Scores("smooth_grad", model, images, target)
    x, draw = scores.images, Generator(0) if generator is None else generator
    axes = tuple(range(1, x.ndim))
    deviation = (x.max(axes, keepdims=True) - x.min(axes, keepdims=True)) * noise
    return _mean(scores.gradient(x + draw.normal(x.shape, x.dtype) * deviation) for _ in range(count))


@explaining
def integrated_gradients(
    model: Module,
    images: TensorLike,
    target: int | Sequence[int] | None = None,
    baseline: TensorLike = 0.0,
    steps: int = 64,
) -> Tensor:
    """How much each pixel adds to the score, on the way from a baseline: (x - x') ∫₀¹ ∂y_c / ∂x at x' + a (x - x') da.

    The parts add up to y_c(x) - y_c(x'), but for what the sum of ``steps`` midpoints differs from the integral.
    Arguments, result and errors are those of :func:`saliency`; further:

    Args:
        baseline: x', which shows nothing: broadcast to the images. 0 is the mean of normalized images.
        steps: at least 1.

    Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic Attribution for Deep Networks", 2017, eq. 1 and 3.

    >>> import numpy as np, tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Flatten(), tg.nn.Linear(2, 2, bias=False))
    >>> model.load_state_dict({"1.weight": np.float32([[1, 2], [3, -4]])})
    LoadResult(missing_keys=[], unexpected_keys=[])
    >>> integrated_gradients(model, tg.tensor([[[[5.0, 6.0]]]]), target=1).tolist()
    [[[[15.0, -24.0]]]]
    """
    count = _at_least_one("integrated_gradients", "steps", steps)
    scores = _Scores("integrated_gradients", model, images, target)
    x, start = scores.images, asarray(baseline)
    try:
        way = x - start.astype(x.dtype)
        fits = way.shape == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"integrated_gradients: baseline of shape {start.shape}, images of shape {x.shape}; it must be a "
            "number, an image, or one for each."
        )
    return way * _mean(scores.gradient(x - way * (1.0 - (i + 0.5) / count)) for i in range(count))


@explaining
def strength(attributions: TensorLike) -> Tensor:
    """The map N x H x W of what was computed for N x C x H x W: the largest absolute value of a pixel's channels.

    >>> import tinygrad_cv as tg
    >>> strength([[[[1.0]], [[-3.0]]]]).tolist()
    [[[3.0]]]
    """
    given = asarray(attributions)
    if given.ndim != 4 or not given.shape[1]:
        raise ValueError(f"strength: attributions of shape {given.shape}; they must be N x C x H x W, C at least 1.")
    return abs(given).max(1)


class _Scores:
    """The scores that are explained, as a function of images."""

    def __init__(self, caller: str, model: Module, images: Any, target: int | Sequence[int] | None):
        self.model, self.images = model, asarray(images).detach()
        with evaluating(model), no_grad():
            self.classes = classes(caller, model(self.images), target)

    def gradient(self, at: Tensor | None = None) -> Tensor:
        """By the images, at the images or others of the same shape. In evaluation mode no image sees another."""
        x = (self.images if at is None else at).detach().requires_grad_()
        with evaluating(self.model), enable_grad():
            return grad(picked(self.model(x), self.classes).sum(), x)


def _mean(parts: Any) -> Tensor:
    """Of an iterator, one at a time in memory."""
    total, count = next(parts), 1
    for part in parts:
        total, count = total + part, count + 1
    mean: Tensor = total * (1.0 / count)
    return mean


def _at_least_one(caller: str, name: str, value: Any) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if not 1 <= count <= LARGEST:
        raise ValueError(f"{caller}: {name}={value!r}; it must be an integer of at least 1, and at most {LARGEST}.")
    return count

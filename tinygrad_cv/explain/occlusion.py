"""Occlusion: how much of a score is lost when a part of the image is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.creation import asarray
from ..frontend.tensor import Tensor
from ..functional.arguments import sizes
from ..nn import Module
from ..nn.modes import evaluating
from .scores import classes, picked

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


@explaining
def occlusion(
    model: Module,
    images: TensorLike,
    target: int | Sequence[int] | None = None,
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    value: float = 0.0,
    batch_size: int = 64,
) -> Tensor:
    """What hiding a part of an image takes from the score of a class: y_c(x) - y_c(x, hidden there).

    A window goes over the image; a pixel has the mean over the windows that hide it. No derivative is taken, so that
    this is a check of what is computed with gradients.

    Args:
        images: N x C x H x W, as the model takes them. Scores y: N x classes, before a softmax.
        target: the class c, one for all images or one for each; by default each image's class of the highest score.
        window: the hidden part, in pixels, one number or (vertical, horizontal); by default an eighth of the sides.
        stride: the way from one window to the next; by default half a window. The last windows end at the border.
        value: what is put in place; 0 is the mean of normalized images.
        batch_size: how many images the model gets at a time.

    Returns:
        N x H x W, in units of the score; negative where hiding helps.

    Raises:
        ValueError: there is no such class, or the model gives no scores N x classes.
        ShapeError: images of another rank, or a window that does not fit.

    Source: M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.Flatten(), tg.nn.Linear(2, 2, bias=False))
    >>> model.load_state_dict({"1.weight": np.float32([[1, 2], [3, -4]])})
    LoadResult(missing_keys=[], unexpected_keys=[])
    >>> occlusion(model, tg.tensor([[[[5.0, 6.0]]]]), target=1, window=1).tolist()
    [[[15.0, -24.0]]]
    """
    x = asarray(images).detach().numpy()
    if x.ndim != 4:
        raise ValueError(f"occlusion: images of shape {x.shape}; they must be N x C x H x W.")
    n, _, *size = x.shape
    kernel = sizes("window", tuple(max(1, side // 8) for side in size) if window is None else window, 2)
    steps = sizes("stride", tuple(-(-k // 2) for k in kernel) if stride is None else stride, 2)
    (batch,) = sizes("batch_size", batch_size, 1)
    rows, columns = (_starts(side, k, s, window) for side, k, s in zip(size, kernel, steps, strict=True))
    places = [(slice(i, i + kernel[0]), slice(j, j + kernel[1])) for i in rows for j in columns]
    lost, seen = np.zeros((n, *size)), np.zeros(size)
    with evaluating(model), no_grad():
        whole = model(asarray(x))
        chosen = classes("occlusion", whole, target)
        scores = picked(whole, chosen).numpy()
        hidden = [(image, place) for place in places for image in range(n)]
        for first in range(0, len(hidden), batch):
            part = hidden[first : first + batch]
            copies = x[[image for image, _ in part]]
            for copy, (_, place) in zip(copies, part, strict=True):
                copy[(slice(None), *place)] = value
            left = picked(model(asarray(copies)), chosen[[image for image, _ in part]]).numpy()
            for (image, place), score in zip(part, left, strict=True):
                lost[(image, *place)] += scores[image] - score
    for place in places:
        seen[place] += 1
    return asarray((lost / seen).astype(x.dtype))


def _starts(side: int, window: int, stride: int, given: object) -> list[int]:
    """Where windows begin along an axis; the last ends at the border."""
    if window > side or stride > window:
        raise ValueError(
            f"occlusion: window={given!r}, a stride of {stride}, and a side of {side} pixels; a window must fit into "
            "the image, and windows must leave nothing out."
        )
    return sorted({*range(0, side - window, stride), side - window})

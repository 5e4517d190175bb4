"""Inverses of sine, cosine and tangent, by one identity: arctan x = y + arctan((x - t) / (1 + x t)), where t = tan y.

With y near the result the rest is so small that a few terms of its series have all digits, and so have derivatives: y
need not have any, since the identity holds for each.
"""

from __future__ import annotations

import math

from ...frontend.tensor import Tensor
from ..registry import operator

NEAR = (0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351)  # of arctan to 1e-5 (Abramowitz, Stegun, 4.4.49)


def arctan(x: Tensor) -> Tensor:
    """The angle between -π/2 and π/2 whose tangent is x."""
    far = abs(x.detach()) > 1.0
    u = far.where(1.0 / far.where(x, 1.0), x)  # arctan x = ±π/2 - arctan(1 / x)
    square = u.detach().square()
    near = square * 0.0
    for coefficient in NEAR[::-1]:
        near = near * square + coefficient
    near = near * u.detach()
    t = near.tan()
    rest = (u - t) / (1.0 + u * t)
    s = rest.square()
    small = near + rest * (1.0 - s * (1.0 / 3.0 - s * (1.0 / 5.0 - s * (1.0 / 7.0))))
    return far.where(x.detach().sign() * (math.pi / 2) - small, small)


@operator("Atan", since=7)
def atan(x: Tensor) -> Tensor:
    return arctan(x)


@operator("Asin", since=7)
def asin(x: Tensor) -> Tensor:
    return 2.0 * arctan(x / (1.0 + (1.0 - x.square()).sqrt()))


@operator("Acos", since=7)
def acos(x: Tensor) -> Tensor:
    return 2.0 * arctan(((1.0 - x) / (1.0 + x)).sqrt())

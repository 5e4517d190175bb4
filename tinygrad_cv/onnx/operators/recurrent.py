"""Recurrent networks: one step after the other, in one direction or both.

Letters: T steps (t), N sequences (n), H hidden units (h); W and R are the weights of the input and of the state, whose
rows are those of the gates one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ... import functional as F
from ...frontend.movement import stack
from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import Floats, Numbers, Strings, operator

Activation = Callable[[Tensor], Tensor]
State = tuple[Tensor, ...]
ACTIVATIONS: dict[str, tuple[tuple[float, ...], Callable[..., Tensor]]] = {  # defaults of alpha and beta; the function
    "relu": ((), F.relu),
    "tanh": ((), F.tanh),
    "sigmoid": ((), F.sigmoid),
    "softsign": ((), F.softsign),
    "softplus": ((), F.softplus),
    "elu": ((1.0,), F.elu),
    "leakyrelu": ((0.01,), F.leaky_relu),
    "thresholdedrelu": ((1.0,), lambda x, alpha: F.threshold(x, alpha, 0.0)),
    "affine": ((1.0, 0.0), lambda x, alpha, beta: alpha * x + beta),
    "scaledtanh": ((1.0, 1.0), lambda x, alpha, beta: alpha * F.tanh(beta * x)),
    "hardsigmoid": ((0.2, 0.5), lambda x, alpha, beta: F.hardtanh(alpha * x + beta, 0.0, 1.0)),
}


class Settings(NamedTuple):
    """The attributes that all recurrent operators share."""

    direction: str
    activations: Strings
    alphas: Floats
    betas: Floats
    clip: float | None

    def directions(self) -> list[bool]:
        """Whether each direction is backwards."""
        known = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
        if self.direction not in known:
            raise OnnxError(f"direction={self.direction!r}: it must be one of {', '.join(known)}.")
        return known[self.direction]

    def functions(self) -> list[Activation]:
        """The activations of all directions; what they are applied to is limited by ``clip``."""
        alphas, betas = iter(self.alphas), iter(self.betas)
        return [self._function(name, alphas, betas) for name in self.activations]

    def _function(self, name: str, alphas: Iterator[float], betas: Iterator[float]) -> Activation:
        if name.lower() not in ACTIVATIONS:
            raise OnnxError(f"activation {name!r}: it must be one of {', '.join(ACTIVATIONS)}.")
        defaults, function = ACTIVATIONS[name.lower()]
        numbers = [next(given, default) for given, default in zip((alphas, betas), defaults, strict=False)]
        clip = self.clip
        if clip is None:
            return lambda x: function(x, *numbers)
        return lambda x: function(x.clip(-clip, clip), *numbers)


Cell = Callable[[Tensor, State, int, Sequence[Activation]], State]  # x's part, state, direction, its activations


def _run(
    x: Tensor,
    w: Tensor,
    initial: Sequence[Tensor | None],
    sequence_lens: Numbers | None,
    settings: Settings,
    hidden: int,
    layout: int,
    cell: Cell,
) -> tuple[Tensor, ...]:
    """All hidden states, T x directions x N x H, and the last states of all kinds, directions x N x H.

    Beyond the end of a sequence the states stay, and the output is 0. With layout 1 the sequences' axis is the first.
    """
    backwards = settings.directions()
    if x.ndim != 3 or w.shape[0] != len(backwards):
        raise OnnxError(
            f"X of shape {x.shape}, W of shape {w.shape}: they must be T x N x D and directions x gates x D."
        )
    if layout:
        x = x.swapaxes(0, 1)
    steps, n = x.shape[:2]
    functions = settings.functions()
    each = len(functions) // len(backwards)
    lengths = None if sequence_lens is None or (sequence_lens == steps).all() else sequence_lens
    outputs, ends = [], []
    for d, reverse in enumerate(backwards):
        parts = x.contract(w[d], "tni,gi->tng")
        zero = x._new(np.zeros((n, hidden), x.dtype))
        first = [None if s is None else (s[:, d] if layout else s[d]) for s in initial]
        state: State = tuple(zero if s is None else s for s in first)
        own = functions[d * each : (d + 1) * each]
        row: list[Tensor] = [zero] * steps
        for t in reversed(range(steps)) if reverse else range(steps):
            new = cell(parts[t], state, d, own)
            if lengths is None:
                state, row[t] = new, new[0]
            else:
                runs = x._new((t < lengths).reshape(n, 1))
                state = tuple(runs.where(a, b) for a, b in zip(new, state, strict=True))
                row[t] = runs.where(new[0], 0.0)
        outputs.append(stack(row))
        ends.append(state)
    y = stack(outputs, 1)  # t d n h
    last = [stack(list(kind)) for kind in zip(*ends, strict=True)]  # d n h
    if layout:
        y, last = y.permute(2, 0, 1, 3), [kind.swapaxes(0, 1) for kind in last]
    return (y, *last)


def _biases(b: Tensor | None, d: int, parts: int) -> list[Tensor | float]:
    """The biases of a direction, in equal parts; 0 if there are none."""
    return [0.0] * parts if b is None else list(b[d].split(parts))


@operator("RNN", since=7)
def rnn(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Numbers | None = None,
    initial_h: Tensor | None = None,
    *,
    activations: Strings = ("Tanh", "Tanh"),
    activation_alpha: Floats = (),
    activation_beta: Floats = (),
    clip: float | None = None,
    direction: str,
    hidden_size: int | None = None,
    layout: int = 0,
) -> tuple[Tensor, ...]:
    """h = f(W x + R h + b)"""

    def cell(part: Tensor, state: State, d: int, functions: Sequence[Activation]) -> State:
        input_bias, state_bias = _biases(b, d, 2)
        return (functions[0](part + state[0] @ r[d].T + input_bias + state_bias),)

    count = 2 if direction == "bidirectional" else 1
    settings = Settings(direction, activations[:count], activation_alpha, activation_beta, clip)
    return _run(x, w, [initial_h], sequence_lens, settings, r.shape[-1], layout, cell)


@operator("GRU", since=7)
def gru(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Numbers | None = None,
    initial_h: Tensor | None = None,
    *,
    activations: Strings = ("Sigmoid", "Tanh") * 2,
    activation_alpha: Floats = (),
    activation_beta: Floats = (),
    clip: float | None = None,
    direction: str,
    hidden_size: int | None = None,
    layout: int = 0,
    linear_before_reset: int,
) -> tuple[Tensor, ...]:
    """Gates z and r; a new state g(W x + R (r h)), or g(W x + r (R h)) if it is linear before the reset."""

    def cell(part: Tensor, state: State, d: int, functions: Sequence[Activation]) -> State:
        f, g = functions
        (h,) = state
        weights = r[d].split(3)
        wz, wr, wh, rz, rr, rh = _biases(b, d, 6)
        z_part, r_part, h_part = part.split(3, 1)
        z = f(z_part + h @ weights[0].T + wz + rz)
        reset = f(r_part + h @ weights[1].T + wr + rr)
        inner = reset * (h @ weights[2].T + rh) if linear_before_reset else (reset * h) @ weights[2].T + rh
        return ((1.0 - z) * g(h_part + inner + wh) + z * h,)

    count = 4 if direction == "bidirectional" else 2
    settings = Settings(direction, activations[:count], activation_alpha, activation_beta, clip)
    return _run(x, w, [initial_h], sequence_lens, settings, r.shape[-1], layout, cell)


@operator("LSTM", since=7)
def lstm(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Numbers | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *,
    activations: Strings = ("Sigmoid", "Tanh", "Tanh") * 2,
    activation_alpha: Floats = (),
    activation_beta: Floats = (),
    clip: float | None = None,
    direction: str,
    hidden_size: int | None = None,
    input_forget: int,
    layout: int = 0,
) -> tuple[Tensor, ...]:
    """Gates i, o and f, which may see the cell through peepholes p; c = f c + i g(...), h = o h(c)."""

    def cell(part: Tensor, state: State, d: int, functions: Sequence[Activation]) -> State:
        f, g, h = functions
        hidden, c = state
        input_bias, state_bias = _biases(b, d, 2)
        i_part, o_part, f_part, c_part = (part + hidden @ r[d].T + input_bias + state_bias).split(4, 1)
        pi, po, pf = (0.0, 0.0, 0.0) if p is None else p[d].split(3)
        i = f(i_part + pi * c)
        forget = 1.0 - i if input_forget else f(f_part + pf * c)
        new = forget * c + i * g(c_part)
        return f(o_part + po * new) * h(new), new

    count = 6 if direction == "bidirectional" else 3
    settings = Settings(direction, activations[:count], activation_alpha, activation_beta, clip)
    return _run(x, w, [initial_h, initial_c], sequence_lens, settings, r.shape[-1], layout, cell)

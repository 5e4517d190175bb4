"""Arrays of the caller that are filled anew between a jitted call and its backward pass: gradients are of the call."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = [pytest.mark.usefixtures("on_numpy"), pytest.mark.any_python]


class Wrapped:
    """What another library's array looks like: it shows its own memory."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array.copy() if copy else self.array


def read_only(buffer):
    view = buffer.view()
    view.flags.writeable = False
    return view


ARGUMENTS = {
    "array": lambda buffer: ((buffer,), {}),
    "read-only view": lambda buffer: ((read_only(buffer),), {}),
    "row of a view": lambda buffer: ((buffer[None][0],), {}),
    "backwards": lambda buffer: ((buffer[::-1],), {}),
    "other byte order": lambda buffer: ((buffer.view(buffer.dtype.newbyteorder()).byteswap(),), {}),
    "subclass": lambda buffer: ((buffer.view(np.ma.MaskedArray),), {}),
    "another library's": lambda buffer: ((Wrapped(buffer),), {}),
    "keyword": lambda buffer: ((), {"x": buffer}),
    "in a list": lambda buffer: (([buffer],), {}),
    "in a dict": lambda buffer: (({"x": (buffer, 1)},), {}),
    "twice": lambda buffer: (([buffer, buffer],), {}),
}


def first(x):
    """The array in the structure."""
    while isinstance(x, (list, tuple, dict)):
        x = next(iter(x.values())) if isinstance(x, dict) else x[0]
    return x


@pytest.mark.parametrize("name", ARGUMENTS)
def test_one_buffer_for_several_calls_whose_losses_are_summed(name):
    def loss(x):
        return (w * w * tg.asarray(first(x))).sum()

    def gradients(function):
        buffer, total = np.zeros(3, np.float32), 0.0
        for i in range(1, 4):
            buffer[:] = i, 10 * i, 100 * i
            args, kwargs = ARGUMENTS[name](buffer)
            total = total + function(*args, **kwargs)
        buffer[:] = np.nan
        (gradient,) = tg.grad([total], [w], create_graph=True)
        (second,) = tg.grad([gradient.sum()], [w])
        return gradient.tolist(), second.tolist()

    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert gradients(tg.jit(loss)) == gradients(loss)


def test_an_array_that_is_closed_over_changes_before_backward():
    mask = np.ones(3, np.float32)
    w = tg.tensor([1.0, 1.0, 1.0], requires_grad=True)
    f = tg.jit(lambda: (w * mask).sum())
    total = f()
    for i in (2.0, 3.0):
        mask[:] = i
        total = total + f()
    total.backward()
    assert w.grad.tolist() == [6.0, 6.0, 6.0]

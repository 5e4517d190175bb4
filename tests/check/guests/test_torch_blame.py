"""The autograd node that is wrong is named, wherever it is; nodes that are right are not, and no hook remains."""

import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.check.guests.torch import subject
from tinygrad_cv.check.trails import first_wrong

from .test_torch import NORMALIZATIONS, RIGHT, Half

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


class Product(torch.autograd.Function):
    """a b and a + b, with a mistake in the gradient by b."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx, g, h):
        a, b = ctx.saved_tensors
        return g * b + h, g * a - h


class Cube(torch.autograd.Function):
    """x³ with a right gradient, which has none itself."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x.detach() ** 2


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.line = nn.Linear(3, 3)
        self.inner = nn.Sequential(nn.ReLU(), Halves(), nn.Linear(3, 3))

    def forward(self, x):
        h = self.line(x)
        return F.softmax(h + self.inner(h), 1)


class Halves(nn.Module):
    def forward(self, x):
        return Half.apply(x) + x.sin()


def detached_mean(x):
    mean = x.mean(1, keepdim=True)
    return (x - mean) / ((x - mean.detach()).square().mean(1, keepdim=True) + 1e-5).sqrt()


def softmax_and_half(x):
    e = (x - x.max(1, keepdim=True).values.detach()).exp()
    return Half.apply(e / e.sum(1, keepdim=True))


def through_numpy(x):
    return x.exp() * torch.from_numpy(x.detach().numpy().copy())


def through_python(x):
    return x.exp() * float(x.detach().sum())


def in_place(x):
    y = Half.apply(x)
    y.mul_(2).sin_()
    return y[0] * x[1]


def penalty(x):
    y = Half.apply(x).sin().sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    return g.square().sum()


NET = Block().double()
BLAMED = {  # what is checked, to which order -> name, module, order, cut
    "in a network": (Block(), 1, ("Half", "inner.1", 1, False)),
    "a module that f closes over": (lambda x: NET(x), 1, ("Half", "Halves", 1, False)),
    "one of two operands": (lambda x: torch.stack(Product.apply(x.sin(), x.exp())), 1, ("Product", "", 1, False)),
    "of order 2": (lambda x: Cube.apply(x.sin()).exp(), 2, ("Cube", "", 2, False)),
    "changed in place": (in_place, 1, ("Half", "", 1, False)),
    "after a right detach": (softmax_and_half, 1, ("Half", "", 1, False)),
    "in a gradient": (penalty, 1, ("Half", "", 1, False)),
    "detached": (detached_mean, 2, ("SubBackward0", "", 1, True)),
    "through NumPy": (through_numpy, 1, ("MulBackward0", "", 1, True)),
    "through Python": (through_python, 1, ("MulBackward0", "", 1, True)),
    "batch norm": (NORMALIZATIONS["batch norm"], 3, ("NativeBatchNormBackwardBackward0", "", 3, False)),
    "layer norm": (lambda x: F.layer_norm(x.sin(), (3,)).exp(), 3, ("NativeLayerNormBackwardBackward0", "", 3, False)),
    "instance norm": (NORMALIZATIONS["instance norm"], 3, ("NativeBatchNormBackwardBackward0", "", 3, False)),
}


@pytest.mark.parametrize("name", BLAMED)
def test_the_first_wrong_node_is_named(name, x):
    f, order, expected = BLAMED[name]
    blame = tg.gradcheck(f, torch.tensor(x), order=order).blame
    assert (blame.primitive, blame.module, blame.order, blame.cut) == expected
    assert re.search(r"test_torch(_blame)?\.py:\d+", blame.source)
    assert str(blame).startswith(f"to blame: {blame.primitive}")
    module = torch.nn.modules.module
    assert not module._global_forward_hooks and not module._global_forward_pre_hooks


def test_slopes_of_the_wrong_node(x):
    """Of x², whose backward forgets the 2: half of what it should be."""
    blame = tg.gradcheck(lambda x: Half.apply(x.sin()), torch.tensor(x)).blame
    assert blame.analytic == pytest.approx(blame.numeric / 2, rel=1e-6)
    assert "its derivative is wrong; along a random direction: analytic" in str(blame)
    blame = tg.gradcheck(Cube, x, order=2).blame
    assert "its derivative, of order 2 of f, is wrong; along" in str(blame)


@pytest.mark.parametrize("name", RIGHT)
def test_nobody_is_blamed_for_what_is_right(name, x):
    found = subject(RIGHT[name], [torch.tensor(x)], None)
    assert found.function.trail(found.arrays, 0).steps
    assert first_wrong(found.function, found.arrays, 2, 0) is None


def test_a_search_that_fails_costs_no_report(x, monkeypatch):
    monkeypatch.setattr("tinygrad_cv.check.guests.torch.Trail", lambda *_: 1 / 0)
    report = tg.gradcheck(Half, x)
    assert report.verdict == "wrong" and report.blame is None
    assert report.notes[-1] == "nobody is blamed, since the search failed: ZeroDivisionError: division by zero"


def test_numbers_on_the_way_that_are_not_finite(x):
    """A mask of -inf, as attention has it, hides no wrong step."""
    mask = torch.tensor(np.triu(np.ones((2, 2)), 1) > 0)

    def attention(x):
        scores = (x @ x.t()).masked_fill(mask, -torch.inf)
        return scores.softmax(1) @ Half.apply(x)

    assert tg.gradcheck(attention, torch.tensor(x)).blame.primitive == "Half"

"""gradcheck of PyTorch's functions: right and wrong ones, kinks, and that nothing of the user's changes."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.errors import DTypeError, GraphError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

NORMALIZATIONS = {
    "batch norm": lambda x: F.batch_norm(x.t(), None, None, training=True),
    "layer norm": lambda x: F.layer_norm(x, (3,)),
    "instance norm": lambda x: F.instance_norm(x[None]),
}


def composed(x, axis):
    mean = x.mean(axis, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(axis, keepdim=True) + 1e-5).sqrt()


class Half(torch.autograd.Function):
    """x², whose backward forgets the 2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x


class Flat(torch.autograd.Function):
    """2 x, whose backward takes contiguous cotangents only."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g.view(-1).view(g.shape)


def verdicts(report):
    return {(entry.name, entry.order): entry.verdict for entry in report.inputs}


# ---------------------------------------------------------------- verdicts


RIGHT = {
    "softplus": F.softplus,
    "a convolution": lambda x: F.conv2d(x[None, None], torch.ones(2, 1, 2, 2, dtype=x.dtype), padding=1).sin(),
    "in place": lambda x: x.mul_(2).sigmoid(),
    "in place on a view": lambda x: x[0].exp_() * x[1],
    "a view": lambda x: x.t()[1:],
    "its input": lambda x: x,
    "several outputs": lambda x: {"a": torch.sin(x), "b": [torch.cos(x).sum(), None]},
    "complex outputs": lambda x: torch.fft.fft(x * x),
    "dropout": lambda x: F.dropout(x, 0.5) * x.exp(),
    "a normalization": lambda x: composed(x, 1),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_of_two_orders(name, x):
    report = tg.gradcheck(RIGHT[name], torch.tensor(x), order=2)
    assert report, report


def test_a_wrong_function(x):
    report = tg.gradcheck(Half, x)
    assert report.verdict == "wrong"
    assert "every wrong element is 0.5 times what it should be" in str(report)
    assert report.inputs[0].taylor.order == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_third_derivatives_of_normalizations(name, x):
    """PyTorch's own are wrong in 2.13, the first and the second are right; a composed one is right in all."""
    found = verdicts(tg.gradcheck(NORMALIZATIONS[name], x, order=3))
    wrong = {key for key, verdict in found.items() if verdict == "wrong"}
    assert wrong == {("input 0", 3)} and set(found.values()) == {"wrong", "correct"}
    assert tg.gradcheck(lambda x: composed(x, 1) * torch.ones_like(x), x, order=3)


def test_kinks_are_kinks():
    report = tg.gradcheck(F.relu, torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64))
    assert report.inputs[0].verdicts.tolist() == ["correct", "not differentiable", "correct"]


def test_a_cotangent_of_another_layout(x):
    report = tg.gradcheck(Flat, x)
    assert report.verdict == "wrong" and {entry.verdict for entry in report.inputs} == {"correct"}
    (problem,) = report.problems
    assert problem.startswith("a cotangent that is strided raises: RuntimeError: view size is not compatible")


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # PyTorch's forward mode uses it
def test_forward_mode(x):
    assert tg.gradcheck(nn.Linear(3, 2), x, mode="jvp")
    with pytest.raises(GraphError, match="parameters="):
        tg.gradcheck(lambda x: x @ w, torch.tensor(x), mode="jvp", parameters=[w := torch.ones(3, 2)])


def test_the_edge_of_a_domain():
    """Where a step leaves it, PyTorch raises an error: a shorter one is taken, and at the edge itself there is none."""
    p, t = torch.tensor([0.5, 0.999, 1e-4], dtype=torch.float64), torch.tensor([0.2, 1.0, 0.0], dtype=torch.float64)
    report = tg.gradcheck(F.binary_cross_entropy, [p, t])
    assert report.inputs[0].verdict == "correct"
    assert report.inputs[1].verdicts.tolist() == ["correct", "not differentiable", "not differentiable"]
    assert "the edge of its domain" in str(report)


# ---------------------------------------------------------------- modules and parameters


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_module_is_checked_in_float64_and_left_as_it_was(x, dtype):
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).to(dtype)
    net[3].bias.requires_grad_(False)
    net(torch.ones(2, 3, dtype=dtype)).sum().backward()
    state = {name: (id(value), value.clone()) for name, value in net.state_dict(keep_vars=True).items()}
    grads, random = [p.grad for p in net.parameters()], torch.get_rng_state()
    report = tg.gradcheck(net, x)
    assert report, report
    assert [entry.name for entry in report.inputs] == [
        "input 0",
        *(n for n, p in net.named_parameters() if p.requires_grad),
    ]
    assert "3.bias" not in str(report)
    for name, value in net.state_dict(keep_vars=True).items():
        assert (
            id(value) == state[name][0] and value.dtype == state[name][1].dtype and torch.equal(value, state[name][1])
        )
    assert all(p.grad is g for p, g in zip(net.parameters(), grads, strict=True)) and net.training
    assert torch.equal(torch.get_rng_state(), random) and torch.get_num_threads() > 0


def test_a_module_with_a_wrong_parameter(x):
    class Wrong(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight, self.bias.detach() / 2 + self.bias / 2)

    assert verdicts(tg.gradcheck(Wrong(3, 2), x)) == {
        ("input 0", 1): "correct",
        ("weight", 1): "correct",
        ("bias", 1): "wrong",
    }


def test_tensors_that_a_function_closes_over(x):
    w, b = torch.ones(3, 2), torch.ones(2, requires_grad=True)
    before = w.data_ptr(), b.data_ptr()
    report = tg.gradcheck(lambda x: torch.sin(x @ w + b), torch.tensor(x), parameters={"w": w, "b": b}, order=2)
    assert report, report
    assert [entry.name for entry in report.inputs if entry.order == 1] == ["input 0", "w", "b"]
    assert (w.data_ptr(), b.data_ptr()) == before and w.dtype == torch.float32
    assert not w.requires_grad and b.requires_grad and b.grad is None


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_whatever_the_mode_around(around, x):
    with around():
        assert tg.gradcheck(F.softplus, x)
        assert not tg.gradcheck(Half, x)


# ---------------------------------------------------------------- dtypes


def test_float32_only(x):
    """A function that closes over float32 is checked in it: right passes, wrong does not."""
    w, single = torch.ones(3, 2), torch.tensor(x, dtype=torch.float32)
    report = tg.gradcheck(lambda x: torch.sin(x @ w), single)
    assert report and "checked in float32" in report.notes[0]
    assert 1e-6 < report.inputs[0].allowed.max() < 0.03
    report = tg.gradcheck(lambda x: Half.apply(x) @ w, single)
    assert report.verdict == "wrong"


def test_outputs_without_a_derivative(x):
    report = tg.gradcheck(torch.max, (torch.tensor(x),), parameters=None)
    assert report, report
    report = tg.gradcheck(lambda x: torch.max(x, 1), torch.tensor(x))
    assert report and report.notes == ("outputs of torch.int64 have no derivative",)
    with pytest.raises(DTypeError, match=r"f returned torch.int64; only floats have derivatives: use \.double"):
        tg.gradcheck(lambda x: x.argmax(1), torch.tensor(x))
    with pytest.raises(GraphError, match="f returned float; it must return tensors of PyTorch"):
        tg.gradcheck(lambda x: x.sum().item(), torch.tensor(x))
    with pytest.raises(DTypeError, match="input 0 has dtype int64"):
        tg.gradcheck(torch.sin, torch.arange(3))


def test_random_numbers_of_its_own(x):
    generator = torch.Generator()
    with pytest.raises(GraphError, match="not deterministic"):
        tg.gradcheck(lambda x: x * torch.rand(3, generator=generator), torch.tensor(x))


# ---------------------------------------------------------------- whose function it is


@pytest.mark.parametrize(
    "f, inputs, library",
    [
        (lambda x: x * x, np.ones(2), "tinygrad_cv"),
        (lambda x: x * x, torch.ones(2), "PyTorch"),
        (lambda x: torch.sin(x) * x, np.ones(2), "PyTorch"),
        (lambda x: x.log1p_().sum(), np.ones(2), "PyTorch"),
        (lambda x: tg.tensor(torch.ones(2).double().numpy()) * x, np.ones(2), "tinygrad_cv"),
        (nn.Tanh(), tg.ones(2), "PyTorch"),
        (nn.Tanh().forward, np.ones(2), "PyTorch"),
        (torch.sin, [1.0], "PyTorch"),
        (tg.nn.Tanh(), np.ones(2), "tinygrad_cv"),
    ],
)
def test_whose_function_it_is(f, inputs, library):
    report = tg.gradcheck(f, inputs)
    assert report and report.function.library == library


def test_the_error_is_that_of_the_library_it_calls(x):
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        tg.gradcheck(lambda x: torch.mm(x, x), x)


def test_nothing_is_imported_before_it_is_seen():
    code = (
        "import sys, numpy as np, tinygrad_cv as tg\n"
        "assert tg.gradcheck(lambda x: x * x, np.ones(2))\n"
        "assert not {'torch', 'tinygrad_cv.check.guests.torch', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------- the command


SUBJECTS = """
import torch
from torch.nn import functional as F

class Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 2)

    def forward(self, x):
        return F.softplus(self.line(x))
"""


@pytest.mark.parametrize(
    "target, status, words",
    [
        ("guest_subjects:Half", 1, "every wrong element is 0.5 times"),
        ("guest_subjects:Net", 0, "line.weight, shape (2, 3): correct"),
        ("torch.nn.functional:softplus", 0, "gradcheck: correct"),
        ("torch.nn:Bilinear", 2, "missing"),
    ],
)
def test_command(target, status, words, tmp_path, monkeypatch, capsys):
    from tinygrad_cv.__main__ import main

    (tmp_path / "guest_subjects.py").write_text(SUBJECTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["gradcheck", target, "--inputs", "2x3"]) == status
    said = capsys.readouterr()
    assert words in said.out + said.err

"""Modules: what registers, what is found under which name, modes, hooks, copies, and the errors of wrong use."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import DTypeError, nn

pytestmark = pytest.mark.quick


class Net(nn.Module):
    """Parameters of its own, a buffer, a submodule that is held twice, and a nested one."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(tg.ones(3))
        self.first = nn.Linear(3, 3)
        self.again = self.first
        self.body = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        self.register_buffer("offset", np.array([1.0, 2.0], np.float32))
        self.plain = tg.ones(2)  # neither learned nor saved

    def forward(self, x):
        return self.body(self.again(self.first(x * self.scale))) + self.offset


def names(pairs):
    return [name for name, _ in pairs]


def test_attributes_are_what_their_type_says():
    net = Net()
    assert names(net.named_parameters()) == [
        "scale",
        "first.weight",
        "first.bias",
        "body.0.weight",
        "body.0.bias",
        "body.1.weight",
        "body.1.bias",
    ]
    assert names(net.named_buffers()) == [
        "offset",
        "body.1.running_mean",
        "body.1.running_var",
        "body.1.num_batches_tracked",
    ]
    assert names(net.named_modules()) == ["", "first", "body", "body.0", "body.1"]
    assert names(net.named_children()) == ["first", "body"]
    assert [type(m).__name__ for m in net.modules()] == ["Net", "Linear", "Sequential", "Linear", "BatchNorm1d"]
    assert len(list(net.parameters())) == 7 and len(list(net.buffers())) == 4 and len(list(net.children())) == 2
    assert names(net.named_parameters(prefix="net"))[:2] == ["net.scale", "net.first.weight"]
    assert all(type(p) is nn.Parameter and p.requires_grad for p in net.parameters())


def test_a_parameter_that_two_modules_share_appears_once_and_gets_both_gradients():
    a, b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    b.weight = a.weight
    model = nn.Sequential(a, b)
    assert names(model.named_parameters()) == ["0.weight"]
    assert list(model.state_dict()) == ["0.weight", "1.weight"]
    x = tg.tensor([[1.0, -2.0]])
    model(x).backward(tg.tensor([[1.0, 3.0]]))
    w = a.weight.numpy().astype(np.float64)
    g, h = np.array([[1.0, 3.0]]), x.numpy() @ w.T
    np.testing.assert_allclose(a.weight.grad.numpy(), g.T @ h + (g @ w).T @ x.numpy(), rtol=1e-5)


def test_results_of_operations_on_parameters_are_plain_tensors():
    p = nn.Parameter([1.0, 2.0])
    for result in (p * 2, p.detach(), p.reshape(2, 1), p.clone(), p.astype("float64")):
        assert type(result) is tg.Tensor


def test_a_parameter_copies_its_data():
    data = np.ones(2, np.float32)
    p = nn.Parameter(data)
    data[:] = 5
    assert p.tolist() == [1.0, 1.0] and p.dtype == np.float32
    assert not nn.Parameter(tg.ones(2), requires_grad=False).requires_grad


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


def test_zero_grad_forgets_or_fills():
    net = Net()
    x = tg.tensor(np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32))
    net(x).backward(tg.ones(4, 2))
    net.zero_grad(set_to_none=False)
    assert all(p.grad.tolist() == (p.detach() * 0).tolist() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_requires_grad_holds_parameters_fixed():
    net = Net().requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    assert not net(tg.ones(4, 3)).requires_grad
    net.body.requires_grad_()
    assert names((n, p) for n, p in net.named_parameters() if p.requires_grad)[0] == "body.0.weight"


def test_apply_visits_submodules_first():
    seen = []
    net = Net()
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "Linear", "BatchNorm1d", "Sequential", "Net"]


def test_to_converts_floats_and_only_floats():
    net = Net()
    x = np.random.default_rng(1).normal(size=(4, 3))
    before = net.eval()(tg.tensor(x.astype(np.float32)))
    assert net.to("float64") is net
    assert {str(t.dtype) for t in (*net.parameters(), *net.buffers())} == {"float64", "int64"}
    after = net(tg.tensor(x))
    np.testing.assert_allclose(after.detach().numpy(), before.detach().numpy(), rtol=1e-5, atol=1e-6)
    after.backward(tg.ones(4, 2, dtype="float64"))
    assert all(p.grad.dtype == np.float64 for p in net.parameters())
    with pytest.raises(TypeError, match="parameters are floats"):
        net.to("int64")


def test_hooks_see_and_replace_arguments_and_outputs():
    layer = nn.Identity()
    seen = []
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    after = layer.register_forward_hook(lambda module, args, output: seen.append(output.item()) or output + 1)
    assert layer(tg.tensor(3.0)).item() == 7.0 and seen == [6.0]
    before.remove()
    assert layer(tg.tensor(3.0)).item() == 4.0
    after.remove()
    assert layer(tg.tensor(3.0)).item() == 3.0 and len(seen) == 2


def test_a_hook_that_returns_one_tensor_replaces_the_only_argument():
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert layer(tg.tensor(3.0)).item() == 4.0


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"]
)
def test_copies_are_whole_and_apart(duplicate):
    net = Net().eval()
    net.first.weight.requires_grad_(False)
    other = duplicate(net)
    assert names(other.named_parameters()) == names(net.named_parameters())
    assert other.again is other.first and not other.training and type(other.scale) is nn.Parameter
    assert not other.first.weight.requires_grad and other.scale.requires_grad
    x = tg.ones(4, 3)
    assert (other(x) == net(x)).all()
    with tg.no_grad():
        other.scale.assign(other.scale * 2)
    assert net.scale.tolist() == [1.0, 1.0, 1.0]


def test_repr_is_nested():
    assert repr(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=3, out_features=3, bias=True)\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=2, bias=True)\n"
        "    (1): BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  )\n"
        ")"
    )


@pytest.mark.parametrize("value", [nn.Parameter([1.0]), nn.ReLU()], ids=["parameter", "module"])
def test_setting_attributes_before_the_module_is_ready(value):
    class Early(nn.Module):
        def __init__(self):
            self.inside = value
            super().__init__()

    with pytest.raises(AttributeError, match=r"Early\.inside .* call super\(\)\.__init__\(\) first"):
        Early()


def test_a_module_that_never_called_init_says_so():
    class Bare(nn.Module):
        def __init__(self):
            pass

        def forward(self, x):
            return x

    with pytest.raises(AttributeError, match=r"Bare is not ready: call super\(\)\.__init__\(\)"):
        Bare()(tg.ones(1))
    with pytest.raises(AttributeError, match=r"super\(\)\.__init__\(\) before register_buffer\('mean'\)"):
        Bare().register_buffer("mean", tg.ones(1))


def test_a_missing_attribute_is_an_attribute_error():
    assert not hasattr(nn.ReLU(), "weight")
    with pytest.raises(AttributeError, match="'ReLU' object has no attribute 'weight'"):
        _ = nn.ReLU().weight


def test_a_missing_forward_is_named():
    class Silent(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Silent has no forward\(\): define"):
        Silent()(tg.ones(1))
    with pytest.raises(NotImplementedError, match=r"ModuleList has no forward.* call its submodules"):
        nn.ModuleList([nn.ReLU()])(tg.ones(1))


@pytest.mark.parametrize("value", [3.0, tg.ones(3), np.ones(3)], ids=["number", "tensor", "array"])
def test_a_parameter_is_replaced_by_parameters_only(value):
    net = Net()
    kept = net.scale
    with pytest.raises(TypeError, match=r"Net\.scale is a Parameter, .* nn\.Parameter\(\.\.\.\)"):
        net.scale = value
    assert net.scale is kept
    net.scale = None
    assert "scale" not in names(net.named_parameters())


def test_a_buffer_is_replaced_by_tensors_only():
    net = Net()
    with pytest.raises(TypeError, match=r"Net\.offset is a buffer"):
        net.offset = 3.0
    net.offset = tg.zeros(2)
    assert dict(net.named_buffers())["offset"].tolist() == [0.0, 0.0]
    del net.offset
    assert "offset" not in names(net.named_buffers())


def test_a_buffer_cannot_take_the_name_of_a_parameter():
    with pytest.raises(ValueError, match="'scale' is a parameter or a submodule already"):
        Net().register_buffer("scale", tg.ones(1))
    for name in ("", "a.b", "forward", "training"):
        with pytest.raises(ValueError, match="name"):
            Net().register_buffer(name, tg.ones(1))


@pytest.mark.parametrize("data", ["text", None, [1, 2], np.ones(2, np.int64), tg.ones(2, dtype="int64")])
def test_parameters_are_floats(data):
    with pytest.raises(DTypeError, match="Parameter of"):
        nn.Parameter(data)


def test_buffers_that_are_not_saved():
    layer = nn.Identity()
    layer.register_buffer("cache", tg.ones(2), persistent=False)
    layer.register_buffer("empty", None)
    assert names(layer.named_buffers()) == ["cache"] and layer.state_dict() == {}


def test_a_property_with_a_setter_works_on_a_module():
    class Gate(nn.Module):
        @property
        def level(self):
            return self._level

        @level.setter
        def level(self, value):
            self._level = 2 * value

    gate = Gate()
    gate.level = 3
    assert gate.level == 6

"""Every box of a collapsed graph against what its module really gives: outputs by hooks, gradients of its inputs."""

from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import models, nn
from tinygrad_cv.core.context import current

GOLDEN = Path(__file__).parent / "golden"


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)) + x)


class Late(nn.Module):
    """An inner value is read outside before the output is."""

    def forward(self, x):
        inner = x.exp()
        return inner * x, inner


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.late, self.linear = Late(), nn.Linear(3, 3)

    def forward(self, x):
        a, b = self.late(self.linear(x))
        return a, b


def shared():
    layer = nn.Linear(3, 3)
    return nn.Sequential({"a": layer, "tanh": nn.Tanh(), "b": layer})


IMAGE, ROWS = (2, 2, 8, 8), (4, 3)
MODELS = {
    "lenet5": (models.lenet5, (2, 1, 28, 28)),
    "convnet": (models.convnet, (2, 1, 28, 28)),
    "residual": (lambda: nn.Sequential(Residual(), Residual(), nn.Flatten(), nn.Linear(128, 3)), IMAGE),
    "shared": (shared, ROWS),
    **{
        type(layer).__name__: (lambda layer=layer: nn.Sequential({"before": nn.Tanh(), "it": layer}), shape)
        for layer, shape in (
            (nn.Conv2d(2, 4, 3, stride=2, groups=2), IMAGE),
            (nn.ConvTranspose2d(2, 3, 2, stride=2), IMAGE),
            (nn.Linear(3, 5), ROWS),
            (nn.BatchNorm1d(3), ROWS),
            (nn.BatchNorm2d(2), IMAGE),
            (nn.LayerNorm(3), ROWS),
            (nn.GroupNorm(1, 2), IMAGE),
            (nn.InstanceNorm2d(2), IMAGE),
            (nn.MaxPool2d(2), IMAGE),
            (nn.AvgPool2d(2), IMAGE),
            (nn.AdaptiveAvgPool2d(2), IMAGE),
            (nn.AdaptiveMaxPool2d(3), IMAGE),
            (nn.Dropout(0.5), IMAGE),
            (nn.GELU(), ROWS),
            (nn.Softmax(-1), ROWS),
            (nn.Flatten(), IMAGE),
        )
    },
}


def hooked(model):
    """What each module gets and gives, by its path, call by call."""
    calls = {}

    def hook(_module, args, output):
        path = ".".join(scope.name for scope in current().scope.chain())
        calls.setdefault(path, []).append((args[0], output))

    for module in model.modules():
        module.register_forward_hook(hook)
    return calls


def boxes(view, part):
    """Those of modules, with their paths."""
    for node in view.nodes:
        if node.kind == "group" and node.part == part and node.module.split(".")[-1] in (node.name, node.label):
            yield node.module.removeprefix("backward").removeprefix("."), node


def agree(node, array, *, known):
    assert node.shape == array.shape, node
    if known:
        assert node.statistics is not None, node
        assert node.statistics.mean == pytest.approx(float(array.mean()), rel=1e-4, abs=1e-6), node
        assert node.statistics.norm == pytest.approx(float(np.linalg.norm(array)), rel=1e-4, abs=1e-6), node


@pytest.mark.parametrize("part", ["forward", "backward", "both"])
@pytest.mark.parametrize("name", MODELS)
def test_every_box_is_what_its_module_gives(name, part):
    tg.manual_seed(0)
    make, shape = MODELS[name]
    model = make()
    calls, losses = hooked(model), []

    def loss(x):
        losses.append((model(x) ** 2).sum())
        return losses[-1]

    view = tg.graph(loss, tg.randn(*shape), names={"model": model}, part=part, values=True).collapse(1)
    inputs = {path: [given for given, _ in seen] for path, seen in calls.items()}
    gradients = {path: [tg.grad(losses[0], x, retain_graph=True).numpy() for x in xs] for path, xs in inputs.items()}
    seen = {"": 0, "backward": 0}
    for path, node in boxes(view, ""):
        agree(node, calls[path].pop(0)[1].numpy(), known=True)
        seen[""] += 1
    for path, node in boxes(view, "backward"):
        agree(node, gradients[path].pop(), known=True)
        seen["backward"] += 1
    assert (seen[""] > 0, seen["backward"] > 0) == (part != "backward", part != "forward")


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.py")))
def test_every_box_of_the_golden_drawings(name):
    """The same of the golden programs: their modules, found in what they leave."""
    program = GOLDEN / f"{name}.py"
    place = {"__name__": "golden"}
    exec(compile(program.read_text(), program.name, "exec"), place)
    found = [(key, value) for key, value in place.items() if isinstance(value, nn.Module)]
    whole = place["view"].collapse(1)
    if not found:
        assert all(node.shape == whole.nodes[node.origin].shape for node in whole.nodes if node.origin is not None)
        return
    ((_, model),) = found
    calls = hooked(model)
    model(tg.zeros(*next(node.shape for node in whole.nodes if node.kind == "input")))
    for path, node in boxes(whole, ""):
        agree(node, calls[path].pop(0)[1].numpy(), known=False)


def test_a_layer_whose_inner_value_is_used_hands_on_its_last_one():
    view = tg.graph(Pair(), tg.randn(4, 3), part="both").collapse(1)
    (late,) = [node for path, node in boxes(view, "") if path.endswith("late")]
    assert late.shape == (4, 3) and late.origin is None


def test_the_gradient_of_an_input_with_several_users_is_the_whole_one():
    class Fork(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.a(x) + self.b(x) + self.c(x)

    net = nn.Sequential({"before": nn.Tanh(), "fork": Fork()})
    calls, outputs = hooked(net), []
    f = lambda x: outputs.append(net(x).sum()) or outputs[-1]  # noqa: E731
    view = tg.graph(f, tg.randn(4, 3), part="both", values=True).collapse(1)
    x = calls["Sequential.fork"][0][0]
    whole = tg.grad(outputs[0], x).numpy()
    forks = [node for path, node in boxes(view, "backward") if "fork." in path]
    assert len(forks) == 3
    for node in forks:
        agree(node, whole, known=True)


class Aside(nn.Module):
    """What is computed last needs no gradient, and serves what was computed before."""

    def forward(self, x):
        y = x.exp()
        return (x > 0).where(y, 0), y.detach().max()


def test_what_is_computed_on_the_way_is_no_result():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.aside, self.linear = Aside(), nn.Linear(3, 2)

        def forward(self, x):
            y, top = self.aside(x)
            return self.linear(y) / top

    for part in ("forward", "both"):
        view = tg.graph(Net(), tg.randn(4, 3), part=part).collapse(1)
        (box,) = [node for path, node in boxes(view, "") if path.endswith("aside")]
        assert box.shape == (4, 3)

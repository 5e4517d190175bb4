"""What a type checker sees of layers, functionals, optimizers and models, in code as users write it."""

import re
import subprocess
import sys

import pytest

from tests.examples.test_examples import ROOT

# each line that ends with `# Type` reveals that type, each with `# error: code` is reported; no other is
SCRIPT = """
import numpy as np
import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn, optim
class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)
    def forward(self, x: tg.Tensor, scale: float = 1.0) -> tuple[tg.Tensor, float]:
        return self.fc(x) * scale, scale
x, net = tg.ones(4, 3), Net()
model = nn.Sequential(nn.Flatten(), nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
reveal_type(net(x, scale=2.0))  # tuple[Tensor, float]
net(x, scale="large")  # error: arg-type
net()  # error: call-arg
reveal_type(net.train())  # Net
reveal_type(list(net.parameters()))  # list[Parameter]
reveal_type(net.fc.in_features)  # int
reveal_type(net.fc.bias)  # Parameter | None
reveal_type(model(np.ones((4, 3))))  # Tensor
reveal_type(model[1](x))  # Any
reveal_type(model[:2])  # Sequential
reveal_type(nn.ModuleList([net])[1:])  # ModuleList
reveal_type(nn.Sequential({"scores": nn.Linear(3, 2), "relu": nn.ReLU()}).append(nn.ReLU()))  # Sequential
reveal_type(nn.BatchNorm2d(2).running_var)  # Tensor | None
reveal_type(nn.fold_batch_norm(net))  # Net
reveal_type(nn.init.zeros_(net.fc.weight))  # Parameter
reveal_type(net.load_state_dict(net.state_dict()).missing_keys)  # list[str]
nn.Conv2d(3, 8, 3, padding="full")  # error: arg-type
nn.CrossEntropyLoss(reduction="average")  # error: arg-type
nn.Conv2D(3, 8, 3)  # error: attr-defined
reveal_type(nn.CrossEntropyLoss()(model(x), np.array([0, 1, 1, 0])))  # Tensor
reveal_type(F.conv2d(np.ones((1, 1, 2, 2)), [[[[1.0]]]], padding=(1, 0)))  # Tensor
reveal_type(F.cross_entropy(input=model(x), target=[0, 1, 1, 0]))  # Tensor
F.convolve(x)  # error: attr-defined
tg.tensors(x)  # error: attr-defined
sgd = optim.SGD([{"params": model.parameters(), "lr": 0.1}, {"params": net, "momentum": 0.0}], momentum=0.9)
reveal_type(sgd.param_groups[0]["params"])  # list[Tensor]
reveal_type(sgd.param_groups[0]["lr"])  # float
reveal_type(sgd.state_dict()["state"])  # dict[str, dict[str, ndarray[tuple[Any, ...], dtype[Any]]]]
sgd.load_state_dict(sgd.state_dict())
optim.Adam(model), optim.Adam(model.parameters()), optim.AdamW(model.named_parameters()), optim.SGD([x])
optim.SGD(0.1)  # error: arg-type
reveal_type(optim.SequentialLR(sgd, [optim.StepLR(sgd, 2)], milestones=[]).get_last_lr())  # list[float]
reveal_type(optim.clip_grad_norm_(model, 1.0))  # Tensor
reveal_type(tg.models.resnet20()(tg.ones(1, 3, 32, 32)))  # Tensor
tg.models.convnet(norm="weight")  # error: arg-type
"""


def test_types_that_a_checker_reveals(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(SCRIPT.lstrip(), encoding="utf-8")
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={tmp_path}"]
    command = [sys.executable, "-m", "mypy", *options, str(tmp_path / "script.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    found = {}
    for number, text in re.findall(r"script\.py:(\d+): (.*)", done.stdout):
        if revealed := re.match(r'note: Revealed type is "(.*)"', text):
            found[int(number)] = re.sub(r"(\w+\.)+(?=\w)", "", revealed[1])
        elif text.startswith("error"):
            found[int(number)] = f"error: {text.rpartition('[')[2].rstrip(']')}"
    expected = {i: said for i, line in enumerate(SCRIPT.split("\n")) if (said := line.partition("  # ")[2])}
    assert found == expected

"""Graphs as data, text and pictures, their record through training, and derivations."""

from pathlib import Path
from tempfile import TemporaryDirectory

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.randn(4, 3)
model = tg.nn.Linear(3, 2)

view = tg.graph(lambda x: F.relu(x), x, part="both", values=True)
reveal_type(view)  # GraphView
reveal_type(view.text(depth=1))  # str
reveal_type(view.nodes)  # tuple[NodeView, ...]
reveal_type(view.nodes[0].shape)  # tuple[int, ...] | None
reveal_type(view.nodes[0].statistics)  # Statistics | None
reveal_type(view.dot(direction="LR", once=True))  # str
reveal_type(view.collapse(1))  # GraphView
reveal_type(view.difference(tg.graph(model, x)).edges)  # tuple[EdgeView, ...]
loss = model(x).square().mean()
reveal_type(tg.graph(loss, names={"loss": loss, "model": model}).json())  # str
reveal_type(tg.graph([loss, loss + 1], names=locals()).scopes)  # tuple[ScopeView, ...]
reveal_type(tg.graph(tg.jit(model), x))  # GraphView

run = tg.record(lambda x: model(x).square().mean(), names={"model": model}, every=2)
run(x)
reveal_type(run.view)  # GraphView
for step in run.steps:
    reveal_type(step.loss)  # float
with TemporaryDirectory() as folder:
    run.html(Path(folder) / "run.html")
    view.html(f"{folder}/graph.html", run=run.steps)

derivation = tg.derive(model, x)
reveal_type(derivation.source())  # str
reveal_type(derivation.latex())  # str
for line in derivation.lines:
    reveal_type(line.shape)  # tuple[int, ...]
reveal_type(tg.derive(lambda x, w: x @ w, (x, tg.zeros(3, 2))).notes)  # tuple[str, ...]

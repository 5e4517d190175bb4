"""Write docs/gallery.md and its pictures, by Graphviz: ``python docs/make_gallery.py``.

``--check`` writes nothing: it says whether page and pictures are up to date. What depends on the machine, as times and
places do, is not compared.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_cv.files import write_text

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"

IMPORTS = """\
import numpy as np
import tinygrad_cv as tg
from tinygrad_cv import functional as F, models, nn
"""

HEAD = f"""\
# Gallery

Graphs as `tg.graph` draws them. This page and its pictures are made by `python docs/make_gallery.py`: the code above
each picture drew it, behind these imports:

```python
{IMPORTS}```

Boxes are operations, coloured by family; ellipses are tensors; frames are modules and composed functions. Numbers on
edges are shapes.
"""


class Picture(NamedTuple):
    """A picture, the words above it, and the code that draws it."""

    name: str
    heading: str
    words: str
    code: str


PICTURES = [
    Picture(
        "lenet5_depth1",
        "LeNet-5, layer by layer",
        "`depth=1`: a layer is a box.",
        """\
view = tg.graph(models.lenet5(), tg.zeros(1, 1, 28, 28))
view.svg(FILE, depth=1)
""",
    ),
    Picture(
        "lenet5_depth2",
        "LeNet-5, what layers compose",
        "`depth=2` opens a layer: a convolution is windows, a contraction, and a bias.",
        """\
view = tg.graph(models.lenet5(), tg.zeros(1, 1, 28, 28))
view.svg(FILE, depth=2)
""",
    ),
    Picture(
        "lenet5_training",
        "LeNet-5, forward and backward",
        'With `part="both"` the backward pass is drawn next to the forward one and runs the other way, in red. Dashed\n'
        "lines tie each layer's derivative to the layer; dotted ones show which values it reads. A box shows\n"
        "what the layer returns: forward its output, backward the gradient of its input.",
        """\
net = models.lenet5()
labels = tg.tensor([3, 7])
view = tg.graph(
    lambda x: F.cross_entropy(net(x), labels), tg.ones(2, 1, 28, 28), names={"net": net}, part="both"
)
view.svg(FILE, depth=1)
""",
    ),
    Picture(
        "batch_norm_forward",
        "Batch normalization",
        "Mean, variance, normalize. It has no derivative rule of its own.",
        """\
x = tg.tensor(np.random.default_rng(0).normal(size=(4, 3)))
view = tg.graph(lambda x: F.batch_norm(x, training=True), x)
view.svg(FILE)
""",
    ),
    Picture(
        "batch_norm_backward",
        "Its backward pass",
        "It is made of the same primitives. Its inputs are values of the forward pass.",
        """\
x = tg.tensor(np.random.default_rng(0).normal(size=(4, 3)))
view = tg.graph(lambda x: F.batch_norm(x, training=True), x, part="backward")
view.svg(FILE)
""",
    ),
    Picture(
        "four_normalizations",
        "The four normalizations side by side",
        "One formula, four sets of axes.",
        """\
def four(x):
    return F.batch_norm(x, training=True), F.layer_norm(x, (4, 3, 3)), F.instance_norm(x), F.group_norm(x, 2)

x = tg.tensor(np.random.default_rng(0).normal(size=(2, 4, 3, 3)))
view = tg.graph(four, x)
view.svg(FILE)
""",
    ),
    Picture(
        "resnet_block",
        "A stage of a residual network, equal blocks once",
        "`once=True` draws repeated blocks once. The edge around the block is the residual connection.",
        """\
view = tg.graph(models.resnet20().layer1, tg.zeros(1, 16, 32, 32))
view.svg(FILE, depth=1, once=True)
""",
    ),
    Picture(
        "dead_units",
        "Values and gradients",
        "`values=True` adds statistics. Two units of the hidden layer never fire.",
        """\
tg.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
with tg.no_grad():
    net[0].bias.assign([0, -9, 0, 0, -9, 0])
x = tg.tensor(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
view = tg.graph(net, x, values=True)
view.svg(FILE, depth=1)
""",
    ),
    Picture(
        "difference",
        "What changed between two graphs",
        "New is green, gone is red, changed is amber.",
        """\
before = nn.Sequential({"fc": nn.Linear(4, 3), "act": nn.ReLU(), "out": nn.Linear(3, 2)})
after = nn.Sequential({"fc": nn.Linear(4, 5), "act": nn.Tanh(), "out": nn.Linear(5, 2)})
x = tg.zeros(2, 4)
view = tg.graph(before, x).difference(tg.graph(after, x))
view.svg(FILE)
""",
    ),
    Picture(
        "fused_kernels",
        "A jitted function, fused",
        "Each frame is a kernel, with its time and its share of the machine's limit: green at it, red far from it.",
        """\
w = tg.ones(8, 3, 3, 3, requires_grad=True)

@tg.jit
def step(x):
    return F.avg_pool2d(F.relu(F.conv2d(x, w, padding=1)), 2)

view = step.graph(tg.ones(64, 3, 32, 32), fused=True)
view.svg(FILE)
""",
    ),
]


PAGE = """\
## The page

`view.html("net.html")` writes one file that opens without a network: layers are closed at first and open down to
primitives; it is searched by name, operation and shape; the panel says what a node computes, its local derivatives, and
what its values and gradients are like; with a recorded run (`tg.record`) a slider goes through the steps of training.
In English and Korean, light and dark. These two pictures are taken by `python docs/make_page_images.py`.

![The page of LeNet-5 and its backward pass](images/page_light.png)

![The same in Korean, dark](images/page_dark.png)
"""


def text() -> str:
    """The page."""
    parts = [HEAD]
    for picture in PICTURES:
        code = picture.code.replace("FILE", f'"{picture.name}.svg"')
        drawing = f"![{picture.heading}](images/{picture.name}.svg)"
        parts.append(f"## {picture.heading}\n\n{picture.words}\n\n```python\n{code}```\n\n{drawing}\n")
    return "\n".join([*parts, PAGE])


def draw(folder: Path) -> None:
    """All pictures, into a folder."""
    for picture in PICTURES:
        if "tg.jit" in picture.code and importlib.util.find_spec("llvmlite") is None:
            print(f"{picture.name} is not drawn anew: pip install llvmlite")
        else:
            place: dict[str, Any] = {"FILE": folder / f"{picture.name}.svg"}
            exec(compile(IMPORTS + picture.code, f"{picture.name}.py", "exec"), place)


def stale(fresh: Path, old: Path) -> list[str]:
    """The pictures of the first folder that say something else in the second one, or are not there."""
    paths = ((path, old / path.name) for path in sorted(fresh.glob("*.svg")))
    return [path.name for path, other in paths if not other.exists() or said(path) != said(other)]


def said(path: Path) -> list[str]:
    """The words of a picture, sorted, without what depends on the machine."""
    words = re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
    return sorted(re.sub(r"[\d.e+-]+ ms, \d+%", "", word) for word in words)


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` compare; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    if not arguments:
        draw(IMAGES)
        write_text(DOCS / "gallery.md", text())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder))
        old = stale(Path(folder), IMAGES)
    page = DOCS / "gallery.md"
    if not page.exists() or page.read_text(encoding="utf-8") != text():
        old.append(page.name)
    print(f"out of date: {', '.join(old)}: run python docs/make_gallery.py" if old else "gallery.md is up to date.")
    return 1 if old else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

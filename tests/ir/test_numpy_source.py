"""The NumPy reading of a graph: run, it has the bits of eager code; as source, it runs alone and agrees to rounding."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.primitives.table import ROWS
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.core.context import eager
from tinygrad_cv.ir.graph import Builder, Graph
from tinygrad_cv.ir.numpy_source import WRITTEN, NumpyProgram, run, source
from tinygrad_cv.ops import PRIMITIVES

any_python = pytest.mark.any_python
every = pytest.mark.parametrize("row", ROWS.values(), ids=repr)


def graph_of(primitive, arrays, params):
    builder = Builder()
    inputs = [builder.input(i, x.shape, x.dtype) for i, x in enumerate(arrays)]
    return Graph(builder, inputs, [builder.make(primitive.name, inputs, params)])


def executed(text, arrays):
    """What the source computes in a world of its own."""
    assert re.findall(r"^(?:from|import) (\w+)", text, re.M) in (["math", "numpy"], ["base64", "math", "zlib", "numpy"])
    world = {}
    with np.errstate(all="ignore"):
        exec(compile(text, "source", "exec"), world)
        name = re.findall(r"^def (\w+)\(", text, re.M)[-1]
        return world[name](*arrays)


@any_python
def test_every_primitive_has_a_row():
    assert WRITTEN.keys() == PRIMITIVES.keys(), "add a row in ir/numpy_source.py"


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_primitive(row, dtype):
    for case in row.cases:
        arrays = [np.array(x, order="C") for x in row.inputs(case, 3, dtype)]
        graph = graph_of(row.primitive, arrays, case.params)
        expected = eager(row.primitive, list(arrays), case.params)
        (found,) = run(graph, arrays)
        np.testing.assert_array_equal(found, expected, str(case))
        assert found.dtype == expected.dtype and found.flags.c_contiguous and found.flags.owndata
        if row.name == "all_reduce":  # of several processes: see below
            continue
        (written,) = executed(source(graph), arrays)
        assert np.shape(written) == expected.shape and np.asarray(written).dtype == expected.dtype, case
        tolerance = 0 if expected.dtype.kind != "f" else 20 * np.finfo(expected.dtype).eps
        np.testing.assert_allclose(written, expected, tolerance, tolerance, err_msg=str(case))


def test_what_processes_compute_together_has_no_source():
    """Of a process that is alone it is the input."""
    x = np.float32([1.0, 2.0])
    primitive = PRIMITIVES["all_reduce"]
    alone = graph_of(primitive, [x], {"group": (), "ordered": False})
    np.testing.assert_array_equal(executed(source(alone), [x]), [x])
    with pytest.raises(tg.GraphError, match="2 processes"):
        source(graph_of(primitive, [x], ROWS["all_reduce"].cases[0].params))


def step_and_arrays():
    tg.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, stride=2, bias=False),
        nn.BatchNorm2d(4),
        nn.MaxPool2d(2),
        nn.Dropout(0.3),
        nn.Flatten(),
    )
    model.append(nn.Linear(16, 5))
    opt = optim.AdamW(model, lr=0.01)

    @tg.jit
    def step(x, y):
        loss = F.cross_entropy(F.gelu(model(x)), y, label_smoothing=0.1)
        opt.zero_grad()
        loss.backward()
        optim.clip_grad_norm_(model, 1.0)
        opt.step()
        return loss

    x = tg.tensor(np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32))
    y = tg.tensor([0, 4, 2])
    text = step.source(x, y)
    entry = step._entry((), {})
    arrays = entry.arrays([x, y])
    for _, index in entry.recording.events:
        arrays[index] = np.array(0.01)
    return step, text, entry.recording.graph, arrays


@any_python
def test_a_training_step_as_source():
    step, text, graph, arrays = step_and_arrays()
    expected = run(graph, arrays)
    for a, b in zip(executed(text, arrays), expected, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)
    assert "\n    # Sequential.0/conv2d\n" in text and "\n    # backward.Sequential.0/conv2d\n" in text
    assert "\n    # AdamW\n" in text and "model_0_weight" in text and " lr," in text
    assert "called 0 times" in step.explain()
    compile(text, "source", "exec")


@any_python
def test_source_is_short_and_readable():
    w = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    f = tg.jit(lambda x: (x @ w * 0.1 + 1.0).relu().sum())
    assert f.source(tg.ones(2, 2)) == (
        "import math\n\nimport numpy as np\n\n\n"
        "def compute(x, w):\n"
        "    v2 = np.einsum('ik,kj->ij', x, w, optimize=True)\n"
        "    v5 = v2 * np.float32(0.1)\n"
        "    v8 = v5 + np.float32(1.0)\n"
        "    v11 = v8 <= np.float32(0.0)\n"
        "    v12 = np.where(v11, np.float32(0.0), v8)\n"
        "    v13 = v12.sum((0, 1), keepdims=True)\n"
        "    v14 = v13.reshape(())\n"
        "    return [v14]\n"
    )


@any_python
def test_constants_of_every_kind():
    rng = np.random.default_rng(0)
    builder = Builder()
    constants = [
        np.array(math.inf, np.float32),
        np.array(-math.inf),
        np.array(math.nan),
        np.array(-0.0),
        np.array(True),
        np.array(7, np.uint8),
        np.array([math.inf, -math.inf, math.nan, -0.0, 1e-45], np.float32),
        np.array([[True], [False]]),
        np.zeros((2, 0), np.int64),
        rng.normal(size=(5, 30)),
        rng.integers(0, 9, (3, 3, 20)).astype(np.int16),
    ]
    values = [builder.constant(c) for c in constants]
    x = builder.input(0, (2,), np.dtype(np.float32))
    outputs = [*values, x, x, builder.full((2, 2), 3.0, np.dtype(np.float32)), values[9]]
    graph = Graph(builder, [x], outputs)
    arrays = [np.ones(2, np.float32)]
    expected = [*constants, *arrays, *arrays, np.full((2, 2), 3.0, np.float32), constants[9]]
    results = NumpyProgram(graph)(arrays)
    for found in (results, executed(source(graph), arrays)):
        for a, b in zip(found, expected, strict=True):
            assert np.asarray(a).dtype == b.dtype and np.shape(a) == b.shape
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b)) if b.dtype.kind == "f" else None
    everything = [*results, *constants, *arrays]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(everything) for b in everything[:i])


@any_python
def test_any_name_becomes_an_identifier():
    builder = Builder()
    names = ["x", "x", "def", "a.b['c'][0]", "", "0", "np", "v3", "fold", "x_2", "β"]
    inputs = [builder.input(i, (), np.dtype(np.float32)) for i in range(len(names))]
    text = source(Graph(builder, inputs, inputs), names, "Net.forward.<locals>.<lambda>")
    compile(text, "source", "exec")
    arrays = [np.array(i, np.float32) for i in range(len(names))]
    assert [float(x) for x in executed(text, arrays)] == list(range(len(names)))


def test_a_primitive_without_numpy_text_is_named_with_the_file(monkeypatch):
    monkeypatch.delitem(WRITTEN, "tanh")
    with pytest.raises(
        NotImplementedError, match=r"tanh has no NumPy text: add a row to WRITTEN in .*numpy_source\.py"
    ):
        str(tg.derive(lambda x: x.tanh(), tg.zeros(3)))


def test_a_table_of_kernels_in_a_notebook():
    from tinygrad_cv.compiler.kernels import KernelRow, KernelTable

    text = KernelTable([KernelRow(0, 0, "elementwise", ("add", "less"), "a<b", 1000, 8, 0.5, 0.25)])._repr_html_()
    assert "<td>elementwise</td>" in text and "<td>add less</td>" in text and "a&lt;b" in text and "25%" in text

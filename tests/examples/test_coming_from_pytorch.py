"""docs/coming_from_pytorch.md: every row is run, in both libraries, and PyTorch's code in this one."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg

PAGE = Path(__file__).parents[2] / "docs" / "coming_from_pytorch.md"
X = np.float32([[1, -2, 3], [4, 5, -6]])
WEIGHT, BIAS = np.float32([[1, 2, 3], [-1, 0.5, 2]]), np.float32([0.25, -1])


def rows():
    for line in re.findall(r"^\| `.*\|$", PAGE.read_text(encoding="utf-8"), re.M):
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


ROWS = list(rows())


def codes(cell):
    """The pieces of code of a cell: alternatives."""
    return re.findall(r"`([^`]+)`", cell)


def names(library, tmp_path):
    """What the rows begin from."""
    x = library.tensor(X.copy())
    model = library.nn.Linear(3, 2)
    model.load_state_dict({"weight": library.tensor(WEIGHT), "bias": library.tensor(BIAS)})
    return {
        "tg": library,
        "torch": library,
        "np": np,
        "F": library.functional if library is tg else library.nn.functional,
        "x": x,
        "w": library.tensor([1.0, 2.0, 3.0], requires_grad=True),
        "i": library.tensor([0, 0, 1]),
        "mask": x > 0,
        "a": X.astype("float64"),
        "f": lambda x: (x * x).sum(),
        "model": model,
        "path": str(tmp_path / library.__name__),
    }


def run(code, scope):
    """The value of the last statement."""
    *before, last = code.split("; ")
    for statement in before:
        exec(statement, scope)
    try:
        ast.parse(last, mode="eval")
    except SyntaxError:
        return exec(last, scope)
    return eval(last, scope)


def plain(value):
    """A value that NumPy can compare."""
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.detach().numpy() if hasattr(value, "detach") else value


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch")
    import torch.utils.checkpoint  # noqa: F401  not loaded with it

    module.set_num_threads(1)
    return module


def same(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(ours, np.ndarray):
        alike = ours.shape == theirs.shape and ours.dtype == theirs.dtype
        return alike and np.allclose(ours, theirs, 1e-6)
    return ours == theirs


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_row(row, torch, tmp_path):
    first, second, third = row
    (pytorchs,) = codes(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = run(pytorchs, names(torch, tmp_path))
    if not third.startswith('"'):
        for code in codes(second):
            found = run(code, names(tg, tmp_path))
            assert wanted is None or type(wanted).__name__ == "Adam" or same(found, wanted), (code, found, wanted)
    if third == "works":
        assert same(run(pytorchs, names(tg, tmp_path)), wanted)
    elif third.startswith("gives another result"):
        assert not same(run(pytorchs, names(tg, tmp_path)), wanted)
    else:
        with pytest.raises((AttributeError, ValueError, TypeError)) as caught:
            run(pytorchs, names(tg, tmp_path))
        (words,) = re.findall(r'"(.*)"', third)
        assert words in str(caught.value)


def test_there_are_rows_of_every_kind():
    assert len(ROWS) > 60
    for words in ("works", "gives another result", "says", '"'):
        assert any(third.startswith(words) for *_, third in ROWS)

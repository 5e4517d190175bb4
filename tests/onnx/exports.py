"""``python -m tests.onnx.exports``: calls of every functional, exported, and run by ONNX Runtime.

The calls are those that are compared with PyTorch. What is refused is printed with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.compare import ROUNDINGS, UNITS, applied, cast, leaves_of, several
from tests.functional.agreement.row import Row
from tests.functional.agreement.table import rows

RANDOM = {  # other numbers are drawn in each run: test_export.py looks at their means
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "gumbel_softmax",
    "rrelu",
    "stochastic_depth",
}


def session(model: Any) -> Any:
    """A session of ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def not_there() -> type[Exception]:
    """The error for an operator that ONNX Runtime does not have in this version."""
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as missing

    return missing


def outside(model: Any, *inputs: Any) -> list[np.ndarray]:
    """The outputs of a model in ONNX Runtime."""
    running = session(model)
    names = [given.name for given in running.get_inputs()]
    return running.run(None, dict(zip(names, (np.asarray(x) for x in inputs), strict=True)))


def difference(row: Row, opset: int) -> str:
    """Where ONNX Runtime's results of a row are not ours; empty if they are.

    Both round in float32, each in its own order: twice what one may differ from the exact result.
    """

    def call(*leaves: Any) -> tuple[Any, ...]:
        return tuple(several(applied(row, getattr(F, row.name), leaves, lambda x: tg.tensor(cast(x, "float32")))))

    leaves = [tg.tensor(cast(x, "float32")) for x in leaves_of(row)]
    wanted = [y.detach().numpy() for y in call(*leaves)]
    model = tg.onnx.export(call, tuple(leaves), opset=opset, input_names=[f"x{i}" for i in range(len(leaves))])
    for a, b in zip(wanted, outside(model, *[leaf.numpy() for leaf in leaves]), strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{row.id}: {b.dtype} {b.shape}, not {a.dtype} {a.shape}"
        allowed = 4 * ROUNDINGS * UNITS["float32"] * row.steepness * np.abs(a).max(initial=1.0)
        error = np.abs(a - b).max(initial=0.0)
        if not error <= (allowed if a.dtype.kind == "f" else 0):
            return f"{row.id}: differs by {error:.1e}, allowed are {allowed:.1e}"
    return ""


def campaign(chosen: Iterable[Row], opset: int) -> tuple[Counter[str], dict[str, list[str]], list[str]]:
    """How many rows of each functional agree; what is refused, by the reason; what is wrong."""
    agreed: Counter[str] = Counter()
    refused: dict[str, list[str]] = defaultdict(list)
    wrong: list[str] = []
    for row in chosen:
        try:
            found = difference(row, opset)
        except (tg.onnx.OnnxError, not_there()) as error:
            refused[str(error).splitlines()[0]].append(row.id)
            continue
        agreed[row.name] += not found
        wrong += [found] if found else []
    return agreed, refused, wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.onnx.exports", description=__doc__)
    parser.add_argument("--opset", type=int, default=17)
    parser.add_argument("--only", default="", help="functionals whose name contains this")
    options = parser.parse_args()
    chosen = [row for row in rows() if options.only in row.name and row.name not in RANDOM]
    agreed, refused, wrong = campaign(chosen, options.opset)
    for name, count in agreed.items():
        print(f"{count:5}  {name}")
    for reason, ids in refused.items():
        print(f"{len(ids):5}  refused: {reason}")
    print(*wrong, sep="\n")
    counts = f"{sum(agreed.values())} agree, {sum(map(len, refused.values()))} refused, {len(wrong)} wrong"
    print(f"opset {options.opset}: {counts}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

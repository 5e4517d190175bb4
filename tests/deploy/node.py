"""Exported modules in Node: a list of calls, and what each gave."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.deploy.javascript import SCRIPT

ARRAYS = {
    **{"f4": "Float32Array", "f8": "Float64Array", "b1": "Uint8Array", "i8": "BigInt64Array", "u8": "BigUint64Array"},
    **{f"{kind}{n}": f"{name}{8 * n}Array" for kind, name in (("i", "Int"), ("u", "Uint")) for n in (1, 2, 4)},
}
DTYPES = {name: dtype for dtype, name in ARRAYS.items() if dtype != "b1"}


def run(stem: Path, calls: list[list[Any]], *options: str) -> list[Any]:
    """The results of calls: each is the name of a method of the loaded module, and its arguments.

    An error is its class and its message. Arrays go in and come out as they are.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt install nodejs)")
    text = json.dumps(calls, default=packed)
    done = subprocess.run(
        [node, *options, "--input-type=module", "-e", SCRIPT, stem.with_suffix(".mjs").as_uri()],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return [unpacked(x) for x in json.loads(done.stdout)]


def packed(x: Any, exact: bool = False) -> dict[str, str]:
    """An array for JSON. Integers of 64 bits become those of 32, as a page has labels, unless all must be ``exact``."""
    array = np.asarray(x)
    if array.dtype == np.int64 and not exact:
        array = array.astype(np.int32)
    return {"array": ARRAYS[array.dtype.str[1:]], "data": base64.b64encode(array.tobytes()).decode()}


def unpacked(x: Any) -> Any:
    if isinstance(x, dict) and x.keys() == {"array", "data"}:
        return np.frombuffer(base64.b64decode(x["data"]), DTYPES[x["array"]])
    if isinstance(x, dict) and x.keys() == {"number"}:
        return float(x["number"])
    if isinstance(x, dict):
        return {key: unpacked(item) for key, item in x.items()}
    return [unpacked(item) for item in x] if isinstance(x, list) else x

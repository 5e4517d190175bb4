"""Random programs over the primitives, gradients too, as WebAssembly: the bits of native code for the same vectors."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.compiler.generator import generate
from tests.compiler.programs import Gradients
from tests.deploy.javascript import CALLS
from tests.deploy.node import packed, unpacked
from tinygrad_cv.compiler.options import DEFAULT
from tinygrad_cv.compiler.pipeline import make
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.deploy.interface import Interface, Port
from tinygrad_cv.deploy.webassembly import webassembly
from tinygrad_cv.ir.graph import Graph
from tinygrad_cv.tracing.tree import TensorIndex

COUNT = 40
SCRIPT = f"""{CALLS}
import {{ readFileSync }} from 'node:fs';
let text = '', found = [];
for await (const part of process.stdin) text += part;
for (const [folder, name, inputs] of JSON.parse(text)) {{
  const {{ load }} = await import(`file://${{folder}}/${{name}}.mjs`);
  const m = await load({{ wasm: readFileSync(`${{folder}}/${{name}}.wasm`) }});
  found.push(called(m, [['step', inputs]])[0]);
}}
process.stdout.write(JSON.stringify(found));
"""


def interface(graph: Graph) -> Interface:
    inputs = tuple(Port(f"x{i}", i, x.shape, x.dtype) for i, x in enumerate(graph.inputs))
    outputs = tuple(Port(f"y{i}", i, y.shape, y.dtype) for i, y in enumerate(graph.outputs))
    return Interface("program", graph, inputs, outputs, (), [TensorIndex(i) for i in range(len(outputs))], -1)


@pytest.mark.skipif(not named("x86-64").runs_here, reason="the oracle is code for vectors of 16 bytes without fma")
def test_random_programs_have_the_bits_of_native_ones(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt install nodejs)")
    calls, right = [], []
    for seed in range(COUNT):
        program = generate(seed)
        program = (Gradients.of(program) or program) if seed % 2 else program
        graph, arrays, name = program.graph(), program.arrays(), f"p{seed}"
        try:
            files = webassembly(interface(graph), name, DEFAULT)
        except tg.ExportError:  # of float16, an empty array, or what is sorted
            continue
        for file, data in files.items():
            (tmp_path / file).write_bytes(data)
        calls.append([str(tmp_path), name, {f"x{i}": np.ravel(x) for i, x in enumerate(arrays)}])
        right.append(NativeProgram(make(graph, named("x86-64"), 1), 1)(arrays))
    assert len(calls) > COUNT / 2
    text = json.dumps(calls, default=lambda x: packed(x, exact=True))
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT], input=text, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    for (_, name, _), found, wanted in zip(calls, map(unpacked, json.loads(done.stdout)), right, strict=True):
        assert isinstance(found, list), (name, found)
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(np.ravel(x), y.ravel(), err_msg=name)

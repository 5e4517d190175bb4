#!/usr/bin/env bash
# LLVM 22 (llvmlite 0.50.0), WebAssembly with +relaxed-simd: a comparison and a select without any fast-math flag, as in a
# ReLU, become relaxed_max. The select is exact: 0 for a NaN. What relaxed_max gives for a NaN, or for zeros of two signs, is
# left to the implementation. Without the feature the same text becomes a comparison, and the bits that it keeps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet llvmlite==0.50.0
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import re

import llvmlite.binding as llvm

llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
TEXT = """
target triple = "wasm32-unknown-unknown"
define <4 x float> @relu(<4 x float> %x) {
  %positive = fcmp olt <4 x float> zeroinitializer, %x
  %y = select <4 x i1> %positive, <4 x float> %x, <4 x float> zeroinitializer
  ret <4 x float> %y
}
"""
for features in ("+simd128", "+simd128,+relaxed-simd"):
    target = llvm.Target.from_triple("wasm32-unknown-unknown")
    machine = target.create_target_machine(features=features, opt=2)
    code = machine.emit_assembly(llvm.parse_assembly(TEXT))
    print(features, *re.findall(r"f32x4\.\w+", code))
PYTHON
)
echo "$seen"
expected=$'+simd128 f32x4.lt\n+simd128,+relaxed-simd f32x4.relaxed_max'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }

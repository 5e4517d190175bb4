"""Exported objects: they link with the C library alone, train to the bits of ``tg.jit``, and run on other machines."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
from tests.deploy.program import linked, losses_in, run
from tests.deploy.training import lenet_bn, tiny, trained
from tinygrad_cv import optim
from tinygrad_cv.compiler import set_num_threads

CLOSE = 1e-5  # of losses, relative, where instructions differ


def test_a_step_has_the_bits_of_the_jitted_one(lenet, tmp_path):
    program, start, end = linked(lenet.stem), lenet.stem.with_suffix(".safetensors"), tmp_path / "end.safetensors"
    assert losses_in(run(program, lenet.data, start, end)) == lenet.losses
    after = tg.load(end)
    assert after.keys() == set(lenet.state)
    for name, array in lenet.model.state_dict().items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)


def test_state_is_read_by_name_and_an_argument_out_of_range_changes_nothing(lenet, tmp_path):
    program, start, end = linked(lenet.stem), lenet.stem.with_suffix(".safetensors"), tmp_path / "end.safetensors"
    half = len(lenet.data) // 2
    wrong = lenet.data[0][1].copy()
    wrong[2] = -1
    lines = run(program, [*lenet.data[:half], (lenet.data[0][0], wrong)], start, end)
    assert lines.pop() == "not valid: an argument is out of range, or numbers overflow"
    assert losses_in(lines + run(program, lenet.data[half:], end)) == lenet.losses
    saved = tg.load(end)
    for name, array in (("conv1.weight", saved["conv1.weight"][:1]), ("lr", np.float32(0.003))):
        tg.save({**saved, name: array}, end)
        done = subprocess.run([program, end], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("usage: ")
    end.write_bytes(start.read_bytes()[:-4])
    assert subprocess.run([program, end], capture_output=True, check=False).returncode == 1


def test_threads_share_a_step_and_have_the_bits_of_as_many_jitted_ones(tmp_path):
    set_num_threads(2)
    try:
        made = trained(
            lenet_bn, lambda m: optim.SGD(m, lr=0.003), (16, 1, 28), 20, tmp_path, ("native", {"threads": 2})
        )
    finally:
        set_num_threads(1)
    program = linked(made.stem, "gcc", "-pthread")
    assert losses_in(run(program, made.data, tmp_path / "step.safetensors")) == made.losses


def test_nothing_is_called_but_the_c_library(lenet):
    if (nm := shutil.which("nm")) is None:
        pytest.skip("nm is not installed (apt install binutils)")
    listed = subprocess.run([nm, f"{lenet.stem}.o"], capture_output=True, text=True, check=True).stdout.split("\n")
    symbols = [line.split()[-2:] for line in listed if line]
    assert {name for kind, name in symbols if kind == "U"} <= {"memcpy", "_GLOBAL_OFFSET_TABLE_"}
    assert {name for kind, name in symbols if kind == "T"} == {"step_init", "step_step"}


def test_the_header_is_one_of_cpp_too(lenet, tmp_path):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    text = f'#include "{lenet.stem}.h"\nint main() {{ step *m = step_new(); return step_step(m); }}\n'
    (tmp_path / "main.cpp").write_text(text)
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", tmp_path / "main.cpp", f"{lenet.stem}.o", "-o"]
    done = subprocess.run([*command, tmp_path / "main"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


@pytest.mark.parametrize("target", ["aarch64", "riscv64"])
def test_a_step_trains_on_another_machine(target, tmp_path):
    emulator = shutil.which(f"qemu-{target}")
    if emulator is None:
        pytest.skip(f"qemu-{target} is not installed (apt install qemu-user)")
    made = trained(tiny, lambda m: optim.Adam(m, lr=0.003), (8, 1, 8), 20, tmp_path, target)
    program = linked(made.stem, f"{target}-linux-gnu-gcc", "-static")
    lines = run(program, made.data, tmp_path / "step.safetensors", under=(emulator,))
    np.testing.assert_allclose(losses_in(lines), made.losses, rtol=CLOSE)

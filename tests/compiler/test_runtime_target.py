"""Targets: this machine's, and others by name."""

import dataclasses
import os

import pytest

pytest.importorskip("llvmlite")

from tinygrad_cv.compiler.runtime.cores import cores
from tinygrad_cv.compiler.runtime.target import CPUS, Target, cache_bytes, host, named

pytestmark = pytest.mark.any_python


def test_the_host_is_consistent_and_made_once():
    target = host()
    assert target is host()
    assert (target.vector_bytes, target.vector_registers) in {(64, 32), (32, 16), (16, 16), (16, 32)}
    assert target.runs_here
    assert 8 << 10 <= target.l1 < target.l2


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="the oracle is Linux's list of processor flags")
def test_the_host_has_the_vectors_that_linux_lists():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), None)
    if flags is None:
        pytest.skip("not x86")
    assert host().vector_bytes == (64 if "avx512f" in flags else 32 if "avx2" in flags else 16)
    assert host().fma == ("fma" in flags)


@pytest.mark.parametrize("cpu", CPUS)
def test_every_named_target_compiles(cpu):
    """to code that uses the widest vectors it says it has"""
    from tinygrad_cv.compiler.runtime.objects import assembly

    target = named(cpu)
    width = target.vector_bytes
    lanes = width // 4
    vector = f"<{lanes} x float>"
    text = assembly(
        f"define void @add(ptr %x, ptr %y) {{ %a = load {vector}, ptr %x, align 4 %b = load {vector}, ptr %y, align 4 "
        f"%c = fadd {vector} %a, %b store {vector} %c, ptr %x, align 4 ret void }}",
        target,
    )
    registers = {
        "aarch64": "v0.4s",
        "wasm32": "f32x4.add",
        "riscv64": "fadd.s",
        "x86_64": {64: "%zmm0", 32: "%ymm0", 16: "%xmm0"}.get(width),
    }
    assert registers[target.arch] in text


def test_fma_is_one_instruction_where_the_target_has_it():
    from tinygrad_cv.compiler.runtime.objects import assembly

    text = """
        declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
        define <4 x float> @f(<4 x float> %a, <4 x float> %b, <4 x float> %c) {
          %r = call <4 x float> @llvm.fma.v4f32(<4 x float> %a, <4 x float> %b, <4 x float> %c)
          ret <4 x float> %r
        }"""
    for cpu in CPUS:
        code = assembly(text, named(cpu))
        assert ("fmadd" in code or "fmla" in code) == named(cpu).fma
        assert ("fmaf" in code) != named(cpu).fma


def test_what_runs_here():
    here = host()
    assert dataclasses.replace(here, vector_bytes=16, fma=False).runs_here
    assert not dataclasses.replace(here, vector_bytes=2 * here.vector_bytes).runs_here
    other = "aarch64" if here.arch == "x86_64" else "haswell"
    assert not named(other).runs_here


def test_a_name_nobody_knows():
    with pytest.raises(ValueError, match=r"no processor 'z80'.*haswell"):
        named("z80")


def test_targets_are_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        host().cpu = "other"
    assert {named("haswell"): 1}[Target(**dataclasses.asdict(named("haswell")))] == 1


def test_cores_are_those_of_the_affinity_mask():
    assert len(cores()) == len(set(cores())) >= 1
    if hasattr(os, "sched_getaffinity"):
        assert set(cores()) == os.sched_getaffinity(0)


def test_cache_sizes_where_the_system_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("tinygrad_cv.compiler.runtime.target.Path", lambda _: tmp_path)
    assert (cache_bytes(1), cache_bytes(2)) == (32 << 10, 512 << 10)

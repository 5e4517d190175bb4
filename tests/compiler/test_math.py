"""Vector functions in LLVM IR against NumPy, extended precision and mpmath."""

import ctypes
import math
import re
from functools import cache

import numpy as np
import pytest

pytest.importorskip("llvmlite")
pytest.importorskip("mpmath")

import mpmath

from tinygrad_cv.compiler.llvm.math import FUNCTIONS, declarations, definition, symbol
from tinygrad_cv.compiler.runtime.objects import assembly, compile_module, load
from tinygrad_cv.compiler.runtime.target import CPUS, host, named

HERE = host()
FMA = [pytest.param(True, id="fma", marks=pytest.mark.skipif(not HERE.fma, reason="no fma here")), False]
SUBNORMAL = {"f4": np.float32(1e-45), "f8": 5e-324}
# in units in the last place, as the table in the module says
BOUNDS = {
    "f4": {"exp": 0.8, "log": 0.9, "sin": 0.6, "cos": 0.6, "tanh": 0.6, "erf": 0.6, "pow": 0.6},
    "f8": {"exp": 0.8, "log": 0.9, "sin": 1.0, "cos": 1.0, "tanh": 1.0, "erf": 1.2, "pow": 0.8},
}


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TGCV_CACHE_DIR", str(tmp_path_factory.mktemp("objects")))
        yield


def program(name, dtype, width, fma):
    """A module with ``run(inputs ..., output, count)``, for a count that the width divides."""
    dtype = np.dtype(dtype)
    scalar = "float" if dtype.itemsize == 4 else "double"
    vector = scalar if width == 1 else f"<{width} x {scalar}>"
    names = ("x", "y")[: 2 if name == "pow" else 1]
    loads = "\n".join(
        f"  %{a}.at = getelementptr {scalar}, ptr %{a}, i64 %i\n"
        f"  %{a}.value = load {vector}, ptr %{a}.at, align {dtype.itemsize}"
        for a in names
    )
    text = f"""
define void @run({", ".join(f"ptr %{a}" for a in names)}, ptr %out, i64 %count) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
{loads}
  %result = call {vector} @{symbol(name, dtype, width)}({", ".join(f"{vector} %{a}.value" for a in names)})
  %out.at = getelementptr {scalar}, ptr %out, i64 %i
  store {vector} %result, ptr %out.at, align {dtype.itemsize}
  %next = add i64 %i, {width}
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  ret void
}}
{definition(name, dtype, width, fma)}
"""
    return text + "\n".join(sorted(declarations(text)))


@cache
def compiled(name, dtype, width=8, fma=HERE.fma, target=HERE):
    library = load([compile_module(program(name, dtype, width, fma), target)], ["run"])

    def function(*arrays):
        count = -(-len(arrays[0]) // width) * width
        padded = [np.concatenate([a, np.ones(count - len(a), a.dtype)]) for a in arrays]
        out = np.empty(count, dtype)
        run = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(arrays) + 1), ctypes.c_int64)(library["run"])
        run(*(a.ctypes.data for a in (*padded, out)), count)
        return out[: len(arrays[0])]

    return function


def patterns(dtype, rng):
    """One number for each sign, exponent and first bits of the mantissa; the bits below are random."""
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")
    low = 8 * bits.itemsize - 16
    high = np.arange(1 << 16, dtype=bits) << bits.type(low)
    return (high | rng.integers(0, 1 << low, high.size, bits)).view(dtype)


@cache
def inputs(name, dtype):
    rng = np.random.default_rng(7)
    every, count = patterns(dtype, rng), 20_000
    if name != "pow":
        ranges = [(-1, 1), (-5, 5), (0.5, 2), (-110, 110), (-750, 750), (-2e5, 2e5), (-2e6, 2e6), (-1e22, 1e22)]
        return (np.concatenate([every, *(rng.uniform(a, b, count).astype(dtype) for a, b in ranges)]),)
    largest = 88 if dtype == "f4" else 708
    near_1 = 1 + rng.normal(size=every.size) * 10 ** rng.uniform(-7 if dtype == "f4" else -15, -1, every.size)
    near_1[near_1 == 1] = 2
    wide = np.exp(rng.uniform(-5, 5, every.size))
    pairs = [
        (every, rng.permutation(every)),
        (every, 3 * rng.normal(size=every.size)),
        (every, rng.integers(-30, 30, every.size)),
        *((x, rng.uniform(-largest, largest, x.size) / np.log(x)) for x in (near_1, wide)),
    ]
    return tuple(np.concatenate([a.astype(dtype) for a in group]) for group in zip(*pairs, strict=True))


def units(value, exact):
    """The distance from an exact result, in units in the last place of ``value``'s format."""
    info = np.finfo(value.dtype)
    _, exponent = np.frexp(np.abs(exact))
    last = np.ldexp(exact.dtype.type(1), np.maximum(exponent - 1, info.minexp) - info.nmant)
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = exact.astype(value.dtype)
        error = np.abs(value - exact) / last
    same = (value == rounded) & np.isinf(rounded) | np.isnan(value) & np.isnan(rounded)
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


def evaluate(name, *arrays):
    """By NumPy or Python, in the arrays' format."""
    if name == "erf":
        return np.array([math.erf(x) for x in arrays[0]])
    with np.errstate(all="ignore"):
        return {"pow": np.power}.get(name, getattr(np, name, None))(*arrays)


@cache
def exact(name, dtype):
    wider = np.float64 if dtype == "f4" else np.longdouble
    with np.errstate(invalid="ignore"):  # signaling NaN
        return evaluate(name, *(a.astype(wider) for a in inputs(name, dtype)))


@pytest.mark.parametrize("fma", FMA)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_against_double_precision(name, fma):
    error = units(compiled(name, "f4", fma=fma)(*inputs(name, "f4")), exact(name, "f4"))
    assert error.max() <= BOUNDS["f4"][name]


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than double here")
@pytest.mark.parametrize("fma", FMA)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "erf"])
def test_float64_against_extended_precision(name, fma):
    error = units(compiled(name, "f8", fma=fma)(*inputs(name, "f8")), exact(name, "f8"))
    assert error.max() <= BOUNDS["f8"][name]


HUGE = [
    1e22, 2.0**20, np.nextafter(2.0**20, 2.0**21), 1e5, 1.7976931348623157e308, 2.0**1023, 5.319372648326541e255,
    6381956970095103.0 * 2.0**797,  # the double that is nearest to a multiple of π/2
    *(float(k) * math.pi / 2 for k in (1, 2, 3, 5, 1000, 65535, 10**6, 10**9, 2**60)),
]  # fmt: skip


@cache
def sample(name):
    """Numbers and exact results for mpmath's slow hands."""
    count = 6_000 if name == "erf" else 600
    xs = [a[:: len(a) // count] for a in inputs(name, "f8")]
    if name in ("sin", "cos"):
        xs = [np.concatenate([*xs, HUGE, np.negative(HUGE)])]
    if name == "erf":
        xs = [np.concatenate([*xs, np.random.default_rng(8).uniform(-6.2, 6.2, 2000)])]
    finite = np.logical_and.reduce([np.isfinite(a) for a in (*xs, evaluate(name, *xs))])
    xs = [a[finite] for a in xs]
    function = {"pow": mpmath.power}.get(name) or getattr(mpmath, name)
    with mpmath.workdps(40):
        return xs, [function(*map(mpmath.mpf, map(float, row))) for row in zip(*xs, strict=True)]


@pytest.mark.parametrize("fma", FMA)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_against_mpmath(name, fma):
    xs, results = sample(name)
    with mpmath.workdps(40):
        for *row, value, result in zip(*xs, compiled(name, "f8", fma=fma)(*xs), results, strict=True):
            last = mpmath.ldexp(1, max(mpmath.frexp(result)[1] - 53, -1074))
            assert abs(mpmath.mpf(float(value)) - result) <= BOUNDS["f8"][name] * last, row


@pytest.mark.parametrize("fma", FMA)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values_are_numpys(name, dtype, fma):
    """NaN, infinities, zeros with their signs, and ones are the same; what lies between is near."""
    info = np.finfo(dtype)
    edges = [0, SUBNORMAL[dtype], info.smallest_normal, info.eps, 0.5, 1, np.nextafter(1, 2, dtype=dtype), 2, 3, 1.5]
    edges += [2**23 - 1, 2**23 + 1, 2**24, 2.0**52 - 1, 2.0**53, 2.0**53 + 2, 1e30, info.max, math.inf, math.nan]
    edges += [np.log(info.max), -np.log(info.smallest_normal), -np.log(float(SUBNORMAL[dtype])), 104, 746]
    values = np.array([*edges, *np.negative(edges)], dtype)
    arrays = [grid.ravel() for grid in np.meshgrid(values, values)] if name == "pow" else [values]
    value, expected = compiled(name, dtype, fma=fma)(*arrays), evaluate(name, *arrays).astype(dtype)
    exactly = np.isin(expected, [0, 1, -1, math.inf, -math.inf]) | np.isnan(expected)
    np.testing.assert_array_equal(value[exactly], expected[exactly])
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(value[number]), np.signbit(expected[number]))
    assert units(value, expected).max() <= 4  # NumPy may err by so much


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_lane_does_not_depend_on_the_others(name, dtype):
    """Every width gives the same bits, and so does every order: slow angles beside quick ones included."""
    rng = np.random.default_rng(9)
    order = rng.permutation(1 << 16)[:4099]
    arrays = [a[: 1 << 16][order] for a in inputs(name, dtype)]
    bits = f"i{np.dtype(dtype).itemsize}"
    expected = compiled(name, dtype, 8)(*arrays)
    known = ~np.isnan(expected)
    for width in (1, 2, 3, 16):
        value = compiled(name, dtype, width)(*(a[::-1] for a in arrays))[::-1]
        np.testing.assert_array_equal(value.view(bits)[known], expected.view(bits)[known])
        assert np.isnan(value[~known]).all()


@pytest.mark.skipif(not named("x86-64").runs_here, reason="not x86")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_oldest_machine_computes_the_same_bits(name, dtype):
    """as this one without fma: it has other instructions for rounding, selecting and shifting"""
    arrays = [a[:: len(a) // 5_000] for a in inputs(name, dtype)]
    value = compiled(name, dtype, 4, False, named("x86-64"))(*arrays)
    np.testing.assert_array_equal(value, compiled(name, dtype, 4, False)(*arrays))


def functions_called(text, target):
    """Names of other modules' functions that the compiled code goes to."""
    code = assembly(text, target)
    named_in_calls = re.findall(r"^\s+(?:callq?|jmp|bl?|movabsq|\.quad)\s+\$?([A-Za-z_]\w*)", code, re.M)
    return {name for name in named_in_calls if not name.startswith("tg_")}


@pytest.mark.parametrize("cpu", CPUS)
def test_no_math_library_on_any_machine(cpu):
    target = named(cpu)
    intrinsic = "define float @f(float %x) { %y = call float @llvm.exp.f32(float %x) ret float %y }"
    assert functions_called(f"{intrinsic} declare float @llvm.exp.f32(float)", target) == {"expf"}
    for name in FUNCTIONS:
        for dtype in ("float32", "float64"):
            width = target.vector_bytes // np.dtype(dtype).itemsize
            assert functions_called(program(name, dtype, width, target.fma), target) == set(), (name, dtype)


def test_each_intrinsic_is_declared_once():
    kinds = [(name, dtype, 4) for name in FUNCTIONS for dtype in map(np.dtype, ("float32", "float64"))]
    text = "\n".join(definition(*kind) for kind in kinds)
    declared = declarations(text)
    assert "declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)" in declared
    assert "declare i192 @llvm.ctlz.i192(i192, i1)" in declared
    assembly("\n".join([text, *declared]), HERE)

"""Every cell of docs/dtypes.md: by the rules that the page states, beside NumPy and PyTorch."""

import itertools

import make_dtypes as page
import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.any_python

COMPARISONS = ("a == b", "a < b", "a <= b")
COUNTED = ("a // b", "a % b", "a ** b")


def kind(dtype):
    return np.dtype(dtype).kind


def common(a, b):
    """The dtype that two tensors share."""
    floats = {d for d in (a, b) if kind(d) == "f"}
    if len(floats) == 2:
        return "error"
    if floats:
        return floats.pop()
    wider = str(np.promote_types(a, b))
    return "error" if kind(wider) == "f" else wider


def beside(dtype, number):
    """The dtype that a number takes, and so the result has."""
    if kind(dtype) == "f" or isinstance(number, bool):
        return dtype
    if isinstance(number, float):
        return "float32"
    if kind(dtype) == "b":
        return "int64"
    return "error" if number < 0 and kind(dtype) == "u" else dtype


def of_two(name, a, b):
    if name == "a / b" and kind(a) != "f" and kind(b) != "f":
        return "float32"
    shared = common(a, b)
    if shared == "error":
        return "error"
    return adjusted(name, shared)


def adjusted(name, shared):
    """What an operation makes of the dtype that its operands share."""
    if name in COMPARISONS:
        return "bool"
    if name == "a / b" and kind(shared) != "f":
        return "float32"
    if name == "a - b" and shared == "bool":
        return "error"
    return "int64" if name in COUNTED and shared == "bool" else shared


def with_number(name, dtype, number, first):
    if name in COMPARISONS:
        return "bool"
    if name == "a / b":
        return dtype if kind(dtype) == "f" else "float32"
    negative_power = name == "a ** b" and not first and isinstance(number, int) and number < 0
    if negative_power and kind(dtype) != "f":
        return "error"
    shared = beside(dtype, number)
    return shared if shared == "error" else adjusted(name, shared)


OWN = ("abs", "sign", "floor", "max", "min")
SUMS = ("sum", "prod", "cumsum")
PLACES, TRUTHS = ("argmax", "argmin"), ("any", "all", "isnan", "isfinite")


def of_one(name, dtype):
    if name in PLACES:
        return "int64"
    if name in TRUTHS:
        return "bool"
    if kind(dtype) == "f" or name in OWN:
        return dtype
    if name == "-x":
        return "error" if dtype == "bool" else dtype
    if name in ("square", "relu"):
        return "int64" if dtype == "bool" else dtype
    if name in SUMS:
        return "uint64" if dtype == "uint64" else "int64"
    return "float32"


PAIRS = list(itertools.product(page.DTYPES, page.DTYPES))
WITH_NUMBERS = list(itertools.product(page.DTYPES, page.NUMBERS, (False, True)))


def ordered(tensor, number, first):
    return (number, tensor) if first else (tensor, number)


@pytest.mark.parametrize("name", page.BINARY)
def test_every_cell_of_two_operands(name):
    function = page.BINARY[name]
    for a, b in PAIRS:
        assert page.dtype_of(function, page.sample(a), page.sample(b)) == of_two(name, a, b), (a, b)
        other = np.ones(1, b)
        assert page.dtype_of(function, page.sample(a), other) == of_two(name, a, b), (a, b, "array")
    for dtype, number, first in WITH_NUMBERS:
        found = page.dtype_of(function, *ordered(page.sample(dtype), number, first))
        assert found == with_number(name, dtype, number, first), (dtype, number, first)


@pytest.mark.parametrize("name", page.UNARY)
def test_every_cell_of_one_operand(name):
    for dtype in page.DTYPES:
        assert page.dtype_of(page.UNARY[name], page.sample(dtype)) == of_one(name, dtype), dtype


def test_the_page_is_up_to_date(capsys):
    assert page.main(["--check"]) == 0, "run: python docs/make_dtypes.py"


# ---------------------------------------------------------------- beside NumPy and PyTorch

VALUES = {
    **{name: function for name, function in page.BINARY.items() if name.startswith("a ")},
    "maximum": lambda a, b: np.maximum(a, b),
    "minimum": lambda a, b: np.minimum(a, b),
    "where": lambda a, b: np.where([True], a, b),
}


def numpys(function, *operands):
    try:
        with np.errstate(all="ignore"):
            return str(function(*operands).dtype)
    except (TypeError, ValueError, OverflowError):
        return "error"


def numpys_difference(name, ours, theirs, dtypes, numbers):
    """Why NumPy has another dtype, in the words of the page; None where there is no reason."""
    floats = [d for d in dtypes if kind(d) == "f"]
    if len(set(floats)) == 2:
        return "two floats"
    if "uint64" in dtypes and theirs in ("float64", "bool") and ours == "error":
        return "no integer holds both"
    if any(n < 0 for n in numbers) and any(kind(d) == "u" for d in dtypes):
        return "a negative number beside unsigned integers"  # NumPy 1.26 widens
    if ours == "float32" and not floats and theirs in ("float64", "float16"):
        return "float64 of integers"
    if floats and theirs in ("float32", "float64") and ours == floats[0]:
        return "integers follow the float"
    if name in COUNTED and set(dtypes) == {"bool"} and theirs == "int8":
        return "int8 of booleans"
    return None


def test_where_numpy_differs_there_is_a_reason():
    met = set()
    for name, function in VALUES.items():
        cells = [((a, b), (), (np.ones(1, a), np.ones(1, b)), of_two(name, a, b)) for a, b in PAIRS]
        cells += [
            ((d,), (n,), ordered(np.ones(1, d), n, first), with_number(name, d, n, first))
            for d, n, first in WITH_NUMBERS
        ]
        for dtypes, numbers, operands, ours in cells:
            theirs = numpys(function, *operands)
            if theirs != ours:
                why = numpys_difference(name, ours, theirs, dtypes, numbers)
                assert why, (name, dtypes, numbers, ours, theirs)
                met.add(why)
    assert len(met) == 6, met


def test_where_pytorch_differs_there_is_a_reason():
    torch = pytest.importorskip("torch")
    met = set()
    for name, function in VALUES.items():
        if not name.startswith("a "):
            continue
        cells = [((a, b), (), of_two(name, a, b)) for a, b in PAIRS]
        cells += [((d,), (n, first), with_number(name, d, n, first)) for d, n, first in WITH_NUMBERS]
        for dtypes, number, ours in cells:
            tensors = [torch.ones(1, dtype=getattr(torch, d)) for d in dtypes]
            operands = ordered(tensors[0], *number) if number else tensors
            try:
                theirs = str(function(*operands).dtype).removeprefix("torch.")
            except (RuntimeError, NotImplementedError, TypeError):
                continue  # it has no answer
            if theirs != ours:
                if len({d for d in dtypes if kind(d) == "f"}) == 2:
                    met.add("two floats")
                elif number and number[0] < 0 and ours == "error":
                    met.add("wraps, or 0")
                elif name in COUNTED and dtypes[0] == "bool":
                    met.add("booleans")
                elif "uint64" in dtypes:
                    met.add("uint64")  # it promotes few of them
                else:
                    raise AssertionError((name, dtypes, number, ours, theirs))
    assert "two floats" in met and "wraps, or 0" in met


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
def test_quotients_and_remainders_are_exact(dtype):
    limits = np.iinfo(dtype)
    edges = {limits.min, limits.min + 1, limits.max, limits.max - 1, limits.max // 2 + 1, limits.max // 3, 0, 1, 2, 7}
    edges |= {n for n in (-1, -2, -7, 2**31, 2**53 + 1, 2**62 + 1, 2**63 + 5) if limits.min <= n <= limits.max}
    pairs = np.array(list(itertools.product(sorted(edges), repeat=2)), object)
    a, b = pairs[:, 0].astype(dtype), pairs[:, 1].astype(dtype)
    with np.errstate(all="ignore"):
        quotient, rest = a // b, a % b
    step = tg.jit(lambda a, b: (a // b, a % b))
    for found_quotient, found_rest in ((tg.tensor(a) // b, tg.tensor(a) % b), step(a, b)):
        np.testing.assert_array_equal(found_quotient.numpy(), quotient)
        np.testing.assert_array_equal(found_rest.numpy(), rest)


def test_values_that_float32_would_round_stay():
    large = 2**24 + 1
    assert tg.tensor([True, False]).where(large, 0).tolist() == [large, 0]
    assert tg.where([True], np.array([large]), 0).tolist() == [large]
    assert (tg.tensor([large]) == 2.0**24).tolist() == [False]
    assert tg.where([True], True, 0).dtype == np.int64 and tg.where([True], 1, 0.5).dtype == np.float32
    assert tg.tensor(np.array([2**64 - 1], np.uint64)).sum().item() == 2**64 - 1
    assert tg.jit(lambda x: x.sum())(np.array([2**64 - 1], np.uint64)).item() == 2**64 - 1


def test_powers_of_integers():
    assert (tg.tensor(np.array([100], np.int8)) ** 2.0).tolist() == [10000.0]
    assert (tg.tensor([3, -2]) ** tg.tensor([2, 3])).tolist() == [9, -8]
    x, n = tg.tensor([2, 0]), tg.tensor([-2, 1])
    for refused in (lambda: x**-2, lambda: 2**n, lambda: x**n, lambda: tg.jit(lambda a, b: a**b)(x, n)):
        with pytest.raises(ValueError, match=r"pow of a tensor of dtype int64 .*astype\('float32'\)"):
            refused()


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        *((n, d) for d in ("int8", "uint8", "int32", "uint64", "int64") for n in (np.nan, np.inf, 1e30, -1e30, 2**70)),
        (300, "int8"), (-1, "uint8"), (2**31, "int32"), (128.5, "int8"), (7e4, "float16"), (1e39, "float32"),
        (10**400, "float64"), (-(10**400), "float32"),
    ],
)  # fmt: skip
def test_a_number_that_does_not_fit_the_dtype_asked_for(number, dtype):
    place = tg.zeros(2, dtype=dtype)
    asked = [
        lambda: tg.tensor(number, dtype),
        lambda: tg.tensor([number, 1], dtype),
        lambda: tg.full(2, number, dtype),
        lambda: tg.full_like(place, number),
        lambda: place.assign([number, 1]),
    ]
    if place.dtype.kind != "f":
        asked.append(lambda: place.pad(((1, 1),), number))
    if place.dtype.kind != "f" and isinstance(number, int):
        asked.append(lambda: place.__setitem__(0, number))
    for ask in asked:
        with pytest.raises(tg.DTypeError):
            ask()
    assert place.tolist() == [0, 0]


def test_numbers_at_the_edges_fit():
    for dtype in ("int8", "uint8", "int32", "uint32", "int64", "uint64"):
        limits = np.iinfo(dtype)
        assert tg.tensor([limits.min, limits.max], dtype).tolist() == [limits.min, limits.max]
    assert tg.tensor([127.9, -128.9], "int8").tolist() == [127, -128]
    assert tg.tensor([np.inf, 65504.0], "float16").tolist() == [np.inf, 65504.0]
    assert np.isnan(tg.tensor(np.nan, "float16").item())
    assert tg.tensor([2**70], "float32").item() == 2.0**70
    with pytest.raises(tg.DTypeError, match="does not fit int64"):
        tg.tensor([2**63])

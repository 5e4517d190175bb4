"""The forms in which a caller may have a tensor's numbers, and a comparison of eager with compiled code for them.

Arrays, however they lie, share one compiled trace: they are arguments of it. Of lists the numbers are part of the
trace, and so are those of all that is closed over; these forms are compiled together, as one function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg

Array = np.ndarray
Form = Callable[[Array], Any]


def torch_of(x: Array) -> Any:
    return pytest.importorskip("torch").from_numpy(x.copy())


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x: Array) -> Array:
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = np.ndarray(x.shape, x.dtype, memory, 1)
    view[...] = x
    return view


class Subclass(np.ndarray):
    """An array with a type of its own."""


class Wrapped:
    """Another library's array, as older ones show it."""

    def __init__(self, array: Array):
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.array.copy() if copy else self.array


class Lent:
    """Another library's array that knows DLPack, and nothing else."""

    def __init__(self, array: Array):
        self.array = array

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


ARRAYS: dict[str, Form] = {
    "C order": np.array,
    "Fortran order": np.asfortranarray,
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "every other element": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": unaligned,
    "subclass": lambda x: x.view(Subclass),
    "masked": np.ma.array,
    "wrapped": Wrapped,
    "lent": lambda x: Lent(x.copy()),
    "torch": torch_of,
    "torch, transposed": lambda x: torch_of(x.T).permute(*range(x.ndim)[::-1]),
    "torch, negated later": lambda x: torch_of(-x)._neg_view() if x.dtype.kind == "f" else torch_of(x),
}
LISTS: dict[str, Form] = {
    "nested lists": Array.tolist,
    "tuple of lists": lambda x: tuple(x.tolist()),
    "list of arrays": list,
    "list of tensors": lambda x: [tg.tensor(row) for row in x],
    "list of torch tensors": lambda x: [torch_of(np.array(row)) for row in x],
    "memory": lambda x: memoryview(x.copy()),
}
ACCEPTED = {**ARRAYS, **LISTS}

# what may be refused, and then is in the same words wherever it comes from
OTHERS: dict[str, Form] = {
    **{f"of {dtype}": lambda x, dtype=dtype: x.astype(dtype) for dtype in ("?", "u1", "i8", "f2", "f8")},
    **{f"of {dtype}": lambda x, dtype=dtype: x.astype(dtype) for dtype in ("c8", "g", "U8", "O")},
    "dates": lambda x: x.astype("i8").astype("M8[s]"),
    "records": lambda x: x.astype([("a", x.dtype)]),
    "torch that requires grad": lambda x: torch_of(x.astype("f4")).requires_grad_(),
    "torch's bfloat16": lambda x: torch_of(x).bfloat16(),
    "list of text": lambda x: ["a", "b"],
    "rows of unequal lengths": lambda x: [[1.0], [1.0, 2.0]],
    "a float": lambda x: 2.0,
    "an integer": lambda x: 3,
    "a truth": lambda x: True,
    "an integer beyond int64": lambda x: [2**70, 1],
    "a number of NumPy's": lambda x: np.float32(2.0),
    "a complex number": lambda x: 1j,
    "infinity": lambda x: float("inf"),
    "a range": lambda x: range(3),
    "an empty list": lambda x: [],
    "text": lambda x: "abc",
    "bytes": lambda x: b"ab",
    "nothing": lambda x: None,
    "a dict": lambda x: {},
    "an object": lambda x: object(),
}


def outcome(call: Callable[[], Any]) -> Any:
    """The dtype and numbers of the result; or the type and words of the error."""
    tg.manual_seed(0)
    try:
        result = call()
    except Exception as error:
        return type(error), str(error)
    assert isinstance(result, tg.Tensor)
    return result.dtype, result.numpy()


def assert_same(found: Any, wanted: Any, form: str) -> None:
    """Equal, but for the rounding of compiled sums."""
    assert found[0] == wanted[0], (form, found, wanted)
    if isinstance(wanted[1], str):
        assert found[1] == wanted[1], form
    else:
        np.testing.assert_allclose(found[1], wanted[1], 1e-5, 1e-5, err_msg=form)


def assert_accepted_alike(make: Callable[[], Callable[..., Any]], given: Callable[[Form], Mapping[str, Any]]) -> None:
    """Every form gives what a tensor gives: in eager code, as an argument of a jitted function, and closed over.

    ``make`` returns the function to call, new with all its state; ``given`` its arguments in a form, by name.
    """
    wanted = outcome(lambda: make()(**given(tg.tensor)))
    assert not isinstance(wanted[1], str), wanted
    for form, of in ACCEPTED.items():
        assert_same(outcome(lambda of=of: make()(**given(of))), wanted, f"{form}, eagerly")

    call = make()
    jitted = tg.jit(lambda arguments: call(**arguments))
    for form, of in ARRAYS.items():
        assert_same(outcome(lambda of=of: jitted(given(of))), wanted, f"{form}, as an argument")
    assert repr(jitted).endswith("1 trace>"), jitted  # arrays are arguments, whatever they are of

    listed = {form: given(of) for form, of in LISTS.items()}
    closed = {form: given(of) for form, of in ACCEPTED.items()}
    calls = {form: make() for form in (*listed, *(f"{form}, closed over" for form in closed))}

    def of_each(arguments: Any) -> dict[str, Any]:
        results = {}
        for form, at in (*arguments.items(), *((f"{form}, closed over", at) for form, at in closed.items())):
            tg.manual_seed(0)
            results[form] = calls[form](**at)
        return results

    for form, result in tg.jit(of_each)(listed).items():
        assert_same((result.dtype, result.numpy()), wanted, form)


def assert_outcomes_alike(make: Callable[[], Callable[..., Any]], given: Callable[[Form], Mapping[str, Any]]) -> None:
    """Of what may be refused, the same result or the same error in all three ways. Cheap only ``on_numpy``."""
    for form, of in OTHERS.items():
        wanted = outcome(lambda of=of: make()(**given(of)))
        call = make()
        assert_same(outcome(lambda call=call, of=of: tg.jit(lambda at: call(**at))(given(of))), wanted, form)
        call, closed = make(), given(of)
        assert_same(
            outcome(lambda call=call, closed=closed: tg.jit(lambda: call(**closed))()), wanted, f"{form}, closed over"
        )

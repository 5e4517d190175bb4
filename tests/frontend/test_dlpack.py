"""DLPack: what comes in means what its library says it means; what goes out can be read as it lies."""

import numpy as np
import pytest

import tinygrad_cv as tg

A = np.arange(12.0).reshape(3, 4)
OUT = {
    "plain": lambda: tg.tensor(A),
    "backwards": lambda: tg.tensor(A).flip(0),
    "backwards by index": lambda: tg.tensor(A)[::-1, ::2],
    "from a reversed array": lambda: tg.from_dlpack(A.copy()[:, ::-1]),
    "transposed": lambda: tg.tensor(A).T,
    "one element everywhere": lambda: tg.ones(1, 4).expand(3, 4),
    "windows": lambda: tg.tensor(A).windows((2, 2), (1, 1), (1, 1)),
    "0-d": lambda: tg.tensor(3.0),
    "zero-size": lambda: tg.zeros(0, 3),
    "zero-size, backwards": lambda: tg.zeros(3, 0).flip(0),
    "read-only": lambda: tg.from_dlpack(np.broadcast_to(A, A.shape)),
    "a field of records": lambda: tg.from_dlpack(np.zeros(3, "i1,f4")["f1"]),
    "other byte order": lambda: tg.from_dlpack(A.astype(">f4")),
    "misaligned": lambda: tg.from_dlpack(np.frombuffer(b"\0" * 13, np.uint8)[1:].view("f4")),
    **{f"{dtype}": (lambda dtype=dtype: tg.ones(2, dtype=dtype)) for dtype in ("bool", "float16", "uint8", "int64")},
}


@pytest.mark.any_python
@pytest.mark.parametrize("name", OUT)
def test_what_goes_out_can_be_read(name):
    t = OUT[name]()
    before = t.numpy().copy()
    np.testing.assert_array_equal(np.from_dlpack(t), before)
    torch = pytest.importorskip("torch")
    theirs = torch.from_dlpack(t)
    np.testing.assert_array_equal(theirs.numpy(), before)
    assert theirs.numpy().dtype == before.dtype
    if name in ("one element everywhere", "windows", "read-only"):
        theirs[...] = 7  # memory of its own: nothing of ours changes
        np.testing.assert_array_equal(t.numpy(), before)


def late(torch):
    z = torch.tensor([1 + 2j, 3 - 4j])
    negated = z.conj().imag
    assert negated.is_neg()
    return {
        "lazily negated": (negated, [-2.0, 4.0]),
        "a view of it": (negated[1:], [4.0]),
        "real part of a conjugate": (z.conj().real, [1.0, 3.0]),
        "expanded": (torch.ones(1).expand(3), [1.0, 1.0, 1.0]),
        "transposed": (torch.arange(4.0).reshape(2, 2).T, [[0.0, 2.0], [1.0, 3.0]]),
        "0-d": (torch.tensor(2.0), 2.0),
        "zero-size": (torch.ones(0, 2), []),
        "bool": (torch.tensor([True, False]), [True, False]),
        "float16": (torch.ones(2, dtype=torch.float16), [1.0, 1.0]),
        "float64": (torch.ones(2, dtype=torch.float64), [1.0, 1.0]),
    }


@pytest.mark.any_python
def test_what_comes_in_means_what_it_meant():
    torch = pytest.importorskip("torch")
    for name, (theirs, expected) in late(torch).items():
        for ours in (tg.from_dlpack(theirs), tg.tensor(theirs), tg.asarray(theirs)):
            assert ours.tolist() == expected, name
            assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch."), name
    shared = torch.zeros(2)
    ours, copied = tg.from_dlpack(shared), tg.tensor(shared)
    shared += 1
    assert ours.tolist() == [1.0, 1.0] and copied.tolist() == [0.0, 0.0]


@pytest.mark.any_python
@pytest.mark.parametrize("take", [tg.from_dlpack, tg.tensor, tg.asarray])
def test_what_cannot_come_in_is_refused_by_name(take):
    torch = pytest.importorskip("torch")
    with pytest.raises(tg.GraphError, match=r"torch\.\w+ that requires grad.*\.detach\(\)"):
        take(torch.ones(2, requires_grad=True))
    with pytest.raises(tg.DTypeError, match="complex64"):
        take(torch.tensor([1 + 2j]).conj())
    for wrong, match in (
        (torch.ones(2, dtype=torch.bfloat16), "dtype torch.bfloat16: NumPy cannot read it"),
        (torch.ones(2, device="meta"), "NumPy cannot read it through DLPack"),
        (torch.eye(2).to_sparse(), "NumPy cannot read it through DLPack"),
    ):
        with pytest.raises(tg.DTypeError, match=match):
            take(wrong)
    if take is tg.from_dlpack:
        with pytest.raises(tg.DTypeError, match=r"from_dlpack of a builtins\.list"):
            take([1.0])

"""Trees of arrays to save, and their comparison."""

import numpy as np

DTYPES = ["f8", "f4", "f2", "c8", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


def arrays_of_all_kinds():
    """every dtype and every layout: strided, reversed, broadcast, empty, of no axis, of the other byte order"""
    rng = np.random.default_rng(3)
    base = rng.normal(size=(4, 3, 2)).astype("f4")
    found = {f"dtype {code}": (rng.normal(size=(2, 3)) * 50).astype("f8").astype("i1").astype(code) for code in DTYPES}
    return {
        **found,
        "transposed": base.T,
        "strided": base[::2, 1:],
        "reversed": base[::-1],
        "broadcast": np.broadcast_to(base[0, 0], (3, 2)),
        "fortran": np.asfortranarray(base[..., 0]),
        "big-endian": base.astype(">f4"),
        "empty": np.zeros((0, 3), "f4"),
        "no axis": np.array(2.5),
        'ünïcode/ "quoted" \n': np.arange(3),
        "": np.arange(2),
    }


def same(found, expected):
    """equal trees: types, order of names, dtypes, shapes and bits"""
    if isinstance(expected, np.ndarray):
        assert isinstance(found, np.ndarray) and found.dtype == expected.dtype.newbyteorder("=")
        assert found.shape == expected.shape and np.array_equal(found, expected, equal_nan=expected.dtype.kind in "fc")
        assert found.dtype.isnative
    elif isinstance(expected, dict):
        assert type(found) is dict and list(found) == list(expected)
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, (list, tuple)):
        assert type(found) is type(expected) and len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    else:
        assert type(found) is type(expected) and repr(found) == repr(expected)  # nan, too


def damaged(path):
    """every truncation of a file, and the file with every single bit flipped, in its place; what was done to it"""
    whole = path.read_bytes()
    with open(path, "r+b", buffering=0) as file:
        for bit in range(8 * len(whole)):
            for byte in (whole[bit // 8] ^ 1 << bit % 8, whole[bit // 8]):
                file.seek(bit // 8)
                file.write(bytes([byte]))
                if byte != whole[bit // 8]:
                    yield f"bit {bit} flipped"
        for length in reversed(range(len(whole))):
            file.truncate(length)
            yield f"the first {length} bytes"
    path.write_bytes(whole)

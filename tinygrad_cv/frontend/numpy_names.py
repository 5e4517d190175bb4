"""What becomes of NumPy's functions that are not in the graph: names, and the reason in a few words.

All others that NumPy hands to other arrays' classes have a counterpart in ``numpy_protocol``. docs/numpy.md lists both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import PRIMITIVES


def _listed(table: dict[str, str]) -> dict[str, str]:
    """The reason of each name."""
    return {name: reason for reason, names in table.items() for name in names.split()}


# Comparisons, counts, searches, shapes, bits: no gradient flows through them, and NumPy computes them from values.
BY_VALUE = _listed(
    {
        "the answer is a Python bool": "allclose array_equal array_equiv iscomplexobj isrealobj",
        "how many results there are depends on values": "argwhere nonzero flatnonzero bincount",
        "bins depend on values": "histogram histogram2d histogramdd histogram_bin_edges",
        "it searches in values": "isin in1d lexsort linalg.matrix_rank",
        "it works on the bits of integers": """bitwise_and bitwise_or bitwise_xor bitwise_count invert left_shift
            right_shift gcd lcm packbits unpackbits""",
        "it is about floating-point numbers, not a function of them": "spacing",
        "it is about places, not elements": """diag_indices_from tril_indices_from triu_indices_from ravel_multi_index
            unravel_index""",
        "it is about the dtype or the memory": """result_type can_cast common_type min_scalar_type may_share_memory
            shares_memory""",
        "it makes text or a file": "array2string array_repr array_str save savez savez_compressed savetxt",
        "it plans a product": "einsum_path",
        "it is the shape": "size zeros_like ones_like empty_like",
    }
)
BY_SHAPE = frozenset(name for name, reason in BY_VALUE.items() if reason == "it is the shape")  # they need no values

# What writes into its first argument; arrays of NumPy may be that, tensors may not.
WRITING = frozenset(["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"])

ELIMINATION = "it takes n steps of elimination for n x n, each some operations of the graph"
SINGULAR = "it needs singular values, which do not follow from primitives"
EIGEN = "it needs eigenvalues, which do not follow from primitives"
_REFUSED = _listed(
    {
        "no primitive gives inverse trigonometric functions": "arccos arcsin arctan arctan2",
        "no primitive gives Bessel functions": "i0",
        "how many results there are depends on values": """unique unique_all unique_counts unique_inverse unique_values
            intersect1d setdiff1d setxor1d union1d trim_zeros polydiv polymul""",
        "it writes into its argument, as x[index] = values does; np.where makes a new tensor": " ".join(
            sorted(WRITING)
        ),
        "it is about floating-point numbers, not a function of them": "frexp nextafter",
        "there are no complex tensors": """sort_complex fft.fft fft.fft2 fft.fftn fft.ifft fft.ifft2 fft.ifftn fft.rfft
            fft.rfft2 fft.rfftn fft.irfft fft.irfft2 fft.irfftn fft.hfft fft.ihfft""",
        "its function may do anything with the rows: a loop over x with stack() stays in the graph": """
            apply_along_axis""",
        "its function may do anything: call it with one axis after the other": "apply_over_axes",
        "it makes an index: x[np.ix_(...)] takes arrays": "ix_",
        "it is gone from NumPy 2; np.sort and x.astype are there": "asfarray msort",
        "it takes dates": "busday_count busday_offset datetime_as_string is_busday isnat",
        "it is a least-squares problem": "polyfit linalg.lstsq",
        "it needs the roots of a polynomial, which do not follow from primitives": "roots",
        ELIMINATION: "linalg.solve linalg.inv linalg.det linalg.slogdet linalg.cholesky linalg.tensorsolve "
        "linalg.tensorinv linalg.qr",
        SINGULAR: "linalg.svd linalg.svdvals linalg.pinv linalg.cond",
        EIGEN: "linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh",
    }
)
REFUSED = {name: reason for name, reason in _REFUSED.items() if name not in PRIMITIVES}  # a new one answers for itself


def in_graph(function: Any, name: str) -> bool:
    """Whether a function of NumPy's that has a qualified name is answered for tensors by operations of the graph."""
    asks_us = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
    return asks_us and name not in BY_VALUE and name not in REFUSED

"""What must hold between the stages. A violation is a bug of the compiler, never a mistake of its user.

    verify_graph      shapes, dtypes and parameters follow each primitive's rule; arguments come before users
    verify_rewrite    the function's type is unchanged: inputs, and shapes and dtypes of outputs
    verify_nests      every element is stored once; every index is in range, or in a halo
    verify_layouts    no two elements share memory
    verify_kernels    nests as above; loops run over every point once
    verify_plan       all of these; everything is stored before it is read, and read before it is written over
    verify_image      values that are live at the same time do not overlap in the arena

They run between the stages if ``TGCV_VERIFY`` or ``TGCV_DEBUG`` is set, as in the tests. LLVM verifies its own text.
Verifiers change nothing.
"""

from .graph import verify_graph, verify_rewrite
from .image import verify_image
from .nests import verify_nests
from .plan import verify_kernels, verify_layouts, verify_plan
from .rule import VerificationError

__all__ = [
    "VerificationError",
    "verify_graph",
    "verify_image",
    "verify_kernels",
    "verify_layouts",
    "verify_nests",
    "verify_plan",
    "verify_rewrite",
]

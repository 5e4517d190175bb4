"""What must hold between the stages. A violation is a mistake of the compiler, never of its user.

    verify_graph      shapes, dtypes and parameters by each primitive's rule; arguments before users
    verify_rewrite    the same function's type as before: inputs, shapes and dtypes of the outputs
    verify_nests      every element stored once; every index inside, or in a halo
    verify_layouts    each element has a place of its own
    verify_kernels    the nests, and loops that run over all their places, once
    verify_plan       all of these, and everything stored before it is read
    verify_image      no two values in the arena that live at one time lie in one place

Run between the stages where ``TGCV_VERIFY`` or ``TGCV_DEBUG`` is set, as the tests do. LLVM verifies its own text.
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

"""What must hold between the stages. A violation is a mistake of the compiler, never of its user.

    verify_graph      shapes, dtypes and parameters by each primitive's rule; arguments before users
    verify_rewrite    the same function's type as before: inputs, shapes and dtypes of the outputs
    verify_plan       every element stored once, before it is read; every index inside; loops over bound variables
    verify_image      no two values in the arena that live at one time lie in one place

Run between the stages where ``TGCV_VERIFY`` or ``TGCV_DEBUG`` is set, as the tests do. LLVM verifies its own text.
"""

from .graph import verify_graph, verify_rewrite
from .image import verify_image
from .plan import verify_plan
from .rule import VerificationError

__all__ = ["VerificationError", "verify_graph", "verify_image", "verify_plan", "verify_rewrite"]

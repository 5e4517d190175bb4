"""Composed functions called from eager code run as compiled code; the tape stays one of primitives.

Docs: docs/design/0020-one-node-for-a-call.md.
"""

from .switch import explain_eager_compile, set_eager_compile

__all__ = ["explain_eager_compile", "set_eager_compile"]

"""Files: written as a whole or not at all, and read without trust in what they say.

:func:`save` and :func:`load` are for tensors, in the formats of the field; ``checkpoint`` is the container of a run.
"""

from .atomic import replacing, write_bytes, write_figure, write_text
from .tensors import load, save

__all__ = ["load", "replacing", "save", "write_bytes", "write_figure", "write_text"]

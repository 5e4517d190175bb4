"""Compiled functions as files that run without Python: for browsers, and for C."""

from .api import Exported, export

__all__ = ["Exported", "export"]

"""Compiled functions as files that run without Python: for browsers, and for C."""

from .api import TARGETS, Exported, export

__all__ = ["TARGETS", "Exported", "export"]

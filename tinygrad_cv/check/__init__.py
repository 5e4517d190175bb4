"""Gradient checks: derivatives against differences, with an estimate of what the differences themselves are worth."""

from .api import gradcheck
from .report import InputReport, Report

__all__ = ["InputReport", "Report", "gradcheck"]

"""Gradient checks: derivatives against differences, with an estimate of what the differences themselves are worth."""

from .api import assert_gradients, gradcheck
from .blame import Blame
from .report import InputReport, Report

__all__ = ["Blame", "InputReport", "Report", "assert_gradients", "gradcheck"]

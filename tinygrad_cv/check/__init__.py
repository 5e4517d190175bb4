"""Gradient checks: derivatives against differences, with an estimate of what the differences themselves are worth."""

from .api import assert_gradients, gradcheck
from .blame import Blame
from .input_report import InputReport
from .report import Report

__all__ = ["Blame", "InputReport", "Report", "assert_gradients", "gradcheck"]

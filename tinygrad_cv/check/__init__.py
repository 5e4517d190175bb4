"""Gradient checks: derivatives against finite differences, with an estimate of the error of the differences."""

from .api import assert_gradients, gradcheck
from .blame import Blame
from .checked import Checked
from .input_report import InputReport
from .report import Report

__all__ = ["Blame", "Checked", "InputReport", "Report", "assert_gradients", "gradcheck"]

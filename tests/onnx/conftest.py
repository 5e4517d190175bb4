"""Without the package onnx the tests skip; what they are made of is not looked at."""

from importlib.util import find_spec
from pathlib import Path

HELPERS = [path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]
collect_ignore = [] if find_spec("onnx") else HELPERS

"""Without the package onnx the tests skip; what they are made of is not looked at."""

from importlib.util import find_spec

HELPERS = ["__main__.py", "campaign.py", "cases.py", "exports.py", "weights.py"]
collect_ignore = [] if find_spec("onnx") else HELPERS

"""Times single functions, forward and backward, compiled, beside PyTorch eager in both layouts.

Run as `python -m benchmarks.functions --help`. A row is added in `workers/functions.py`.
"""

from __future__ import annotations

import sys

from benchmarks.jit import OURS, main
from benchmarks.systems import LAYOUTS
from benchmarks.workloads import FUNCTIONS

if __name__ == "__main__":
    sys.exit(main("functions", __doc__, FUNCTIONS, (*LAYOUTS, OURS)))

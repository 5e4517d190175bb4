"""Times compiled networks of the literature, training and inference, beside PyTorch eager in both layouts.

Run as `python -m benchmarks.networks --help`.
"""

from __future__ import annotations

import sys

from benchmarks.jit import OURS, main
from benchmarks.systems import LAYOUTS
from benchmarks.workloads import NETWORKS

if __name__ == "__main__":
    sys.exit(main("networks", __doc__, NETWORKS, (*LAYOUTS, OURS)))

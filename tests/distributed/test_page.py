"""docs/distributed.md: its script prints what the page shows, on one process and on two ranks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed import ranks

PAGE = (ranks.ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")


def test_the_script_prints_the_same_on_any_number_of_ranks(tmp_path):
    pytest.importorskip("mpi4py")
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    shown = re.search(r"```text\n(epoch.*?)```", PAGE, re.DOTALL).group(1)
    launched = [sys.executable, "-m", "tinygrad_cv", "launch", "-n", "2", "--"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ranks.ROOT)}
    for number, words in enumerate(([sys.executable], launched)):
        folder = Path(tmp_path, str(number))
        folder.mkdir()
        (folder / "train.py").write_text(script)
        done = subprocess.run(
            [*words, "train.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
        )
        assert done.stdout == shown, done.stderr

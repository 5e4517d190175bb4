"""Three faults; ``python -m tests.distributed.kills`` has as many as one likes."""

import pytest

from tests.distributed import kills


@pytest.mark.skipif(not kills.PROCESSES.exists(), reason="finds processes that are left as Linux tells them")
def test_a_training_goes_on_exactly_after_a_fault_on_any_rank(tmp_path):
    pytest.importorskip("mpi4py")
    expected = kills.reference(2, tmp_path / "whole")
    faults = [("1", "collective", "SIGKILL", "4"), ("0", "saving", "full", "6"), ("1", "backward", "raise", "9")]
    for number, fault in enumerate(faults):
        kills.round_(2, tmp_path / str(number), fault, expected)

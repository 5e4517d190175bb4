"""What is checked before anything is timed, and the talk between driver and worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import live
from benchmarks.agreement import Results, Tolerance, disagreements
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.train_step import paired_ratio
from benchmarks.workers.protocol import Session
from benchmarks.workloads import WORKLOADS, Arrays, Workload, initial_parameters

TOLERANCE = Tolerance(loss=1e-4, last_layer=1e-4, gradient=1e-1)
REFERENCE = Results([2.0, 1.0], {"conv.weight": np.ones((2, 1, 3, 3)), "fc.weight": np.ones((2, 2))})


class Counter:
    """A system whose loss is a parameter that every step lowers by one."""

    def __init__(self, workload: Workload, dtype: str) -> None:
        self.value = np.zeros(1, dtype)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"value": (1,)}

    def load(self, parameters: Arrays) -> None:
        self.value = parameters["value"].copy()

    def step(self) -> float:
        self.value -= 1
        return float(self.value[0] + 1)

    def gradients(self) -> Arrays:
        return {"value": np.ones_like(self.value)}


def changed(losses: list[float] | None = None, **gradients: np.ndarray | float) -> Results:
    scaled = {
        name.replace("_", "."): REFERENCE.gradients[name.replace("_", ".")] * by for name, by in gradients.items()
    }
    return Results(losses or REFERENCE.losses, {**REFERENCE.gradients, **scaled})


def test_agreement_has_nothing_to_say() -> None:
    assert disagreements(REFERENCE, REFERENCE, TOLERANCE) == []
    assert disagreements(changed(conv_weight=1.05), REFERENCE, TOLERANCE) == []


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (changed([2.0, 1.1]), "loss of step 2 is 1.1 against 1: off by 1.0e-01"),
        (changed([float("nan"), 1.0]), "loss of step 1 is nan against 2: off by nan"),
        (changed(fc_weight=1.01), "gradient of fc.weight is off by 1.0e-02"),
        (changed(conv_weight=1.5), "gradient of conv.weight is off by 5.0e-01"),
        (Results([2.0, 1.0], {"fc.weight": np.ones((2, 2))}), "gradient of conv.weight is off by inf"),
    ],
)
def test_disagreement_says_which_and_by_how_much(found: Results, message: str) -> None:
    assert disagreements(found, REFERENCE, TOLERANCE) == [message]


def test_initial_parameters_depend_on_the_name_only() -> None:
    both = initial_parameters({"a.weight": (4, 3, 2, 2), "b.bias": (5,)})
    again = initial_parameters({"b.bias": (5,), "a.weight": (4, 3, 2, 2)})
    assert all(np.array_equal(both[name], again[name]) for name in both)
    assert both["a.weight"].dtype == np.float32


def test_session_starts_everything_from_the_same_parameters(tmp_path: Path) -> None:
    session = Session(WORKLOADS["lenet"], Counter)
    np.savez(tmp_path / "parameters.npz", value=np.full(1, 7, np.float32))
    session.load({"path": str(tmp_path / "parameters.npz")})
    for dtype in ("float32", "float64"):
        answer = session.check({"dtype": dtype, "steps": 3, "save": str(tmp_path / "gradients.npz")})
        assert answer["losses"] == [7, 6, 5]
        assert np.load(tmp_path / "gradients.npz")["value"].dtype == dtype
    assert len(session.time({"steps": 4, "seconds": 60})["times"]) == 4
    assert len(session.time({"steps": 4, "seconds": 0})["times"]) == 0
    assert session.memory({})["peak"] >= session.memory({})["baseline"] > 0


def test_session_refuses_parameters_of_another_network(tmp_path: Path) -> None:
    np.savez(tmp_path / "parameters.npz", value=np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="parameters differ"):
        Session(WORKLOADS["lenet"], Counter).load({"path": str(tmp_path / "parameters.npz")})


def test_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(live.COMMANDS, "broken", ["benchmarks.missing_module", "{workload}"])
    with pytest.raises(WorkerError, match=r"broken ended.*missing_module"):
        LiveWorker("broken", WORKLOADS["lenet"])


def test_ratio_pairs_rounds_that_both_have() -> None:
    slow = {0: [4.0], 1: [6.0, 6.0], 2: [9.0]}
    assert paired_ratio(slow, {0: [2.0], 1: [2.0]}) == 2.5
    assert paired_ratio(slow, {5: [1.0]}) is None

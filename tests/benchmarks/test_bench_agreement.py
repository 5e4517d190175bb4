"""What is checked before anything is timed, and the talk between driver and worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import compare, live
from benchmarks.agreement import Results, Tolerance, array_errors, disagreements
from benchmarks.compare import Disagreement, fastest, paired_ratio, verify
from benchmarks.live import LiveWorker, WorkerError
from benchmarks.systems import System
from benchmarks.workers.protocol import Session
from benchmarks.workloads import WORKLOADS, Arrays, Workload, initial_values

TOLERANCE = Tolerance(loss=1e-4, sharp=1e-4, gradient=1e-1)
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

    def results(self) -> Arrays:
        return {"value": np.ones_like(self.value)}


def changed(losses: list[float] | None = None, **gradients: np.ndarray | float) -> Results:
    scaled = {name.replace("_", "."): REFERENCE.arrays[name.replace("_", ".")] * by for name, by in gradients.items()}
    return Results(losses or REFERENCE.losses, {**REFERENCE.arrays, **scaled})


def test_agreement_has_nothing_to_say() -> None:
    assert disagreements(REFERENCE, REFERENCE, TOLERANCE) == []
    assert disagreements(changed(conv_weight=1.05), REFERENCE, TOLERANCE) == []


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (changed([2.0, 1.1]), "loss of step 2 is 1.1 against 1: off by 5.0e-02"),
        (changed([float("nan"), 1.0]), "loss of step 1 is nan against 2: off by nan"),
        (changed(fc_weight=1.01), "fc.weight is off by 1.0e-02"),
        (changed(conv_weight=1.5), "conv.weight is off by 5.0e-01"),
        (Results([2.0, 1.0], {"fc.weight": np.ones((2, 2))}), "conv.weight is off by inf"),
    ],
)
def test_disagreement_says_which_and_by_how_much(found: Results, message: str) -> None:
    assert disagreements(found, REFERENCE, TOLERANCE) == [message]


def test_rounding_of_the_reference_itself_widens_the_tolerance() -> None:
    found, rounded = changed([2.0, 1.03], conv_weight=1.3, fc_weight=1.01), changed([2.0, 1.01], conv_weight=1.1)
    assert disagreements(found, REFERENCE, TOLERANCE, rounded) == ["fc.weight is off by 1.0e-02"]
    assert len(disagreements(found, REFERENCE, TOLERANCE, REFERENCE)) == 3
    assert len(disagreements(changed([2.0, 1.05], conv_weight=1.5), REFERENCE, TOLERANCE, rounded)) == 2


def test_what_is_zero_but_for_rounding_has_no_digits_of_its_own() -> None:
    reference = {"weight": np.full(4, 5.0), "bias": np.full(4, 1e-17), "nothing": np.zeros(2)}
    errors = array_errors({"weight": np.full(4, 5.0), "bias": np.full(4, -2e-9), "nothing": np.zeros(2)}, reference)
    assert errors == {"weight": 0, "bias": pytest.approx(4e-5), "nothing": 0}
    assert array_errors({"weight": np.full(4, 5.0), "bias": np.full(4, 1e-3)}, reference)["bias"] == pytest.approx(20)


def test_the_output_is_sharp_where_there_is_one() -> None:
    reference = Results([], {"0.weight": np.ones(2), "output": np.ones(4)})
    found = Results([], {"0.weight": np.full(2, 1.05), "output": np.full(4, 1.001)})
    assert disagreements(found, reference, TOLERANCE) == ["output is off by 1.0e-03"]


def test_initial_values_depend_on_the_name_only() -> None:
    both = initial_values({"a.weight": (4, 3, 2, 2), "b.bias": (5,)})
    again = initial_values({"b.bias": (5,), "a.weight": (4, 3, 2, 2)})
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
    monkeypatch.setitem(live.SYSTEMS, "broken", System("missing_module", "broken"))
    with pytest.raises(WorkerError, match=r"broken ended.*missing_module"):
        LiveWorker("broken", WORKLOADS["lenet"])


def test_ratio_pairs_rounds_that_both_have() -> None:
    slow = {0: [4.0], 1: [6.0, 6.0], 2: [9.0]}
    assert paired_ratio(slow, {0: [2.0], 1: [2.0]}) == 2.5
    assert paired_ratio(slow, {5: [1.0]}) is None


def test_the_fastest_has_the_smallest_median() -> None:
    rounds = {"a": {0: [1.0, 9.0, 9.0]}, "b": {0: [4.0], 1: [5.0]}, "c": {}}
    assert fastest(rounds, ["a", "b", "c"]) == "b"
    assert fastest(rounds, ["c", "d"]) is None


class Answers:
    """A worker that computes what it was told."""

    def __init__(self, value: float) -> None:
        self.value = value

    def ask(self, command: str, **arguments: object) -> dict[str, object]:
        if command == "check":
            np.savez(str(arguments["save"]), output=np.full(3, self.value))
        return {"shapes": {"w": (2,)}} if command == "shapes" else {"losses": []}

    def __getattr__(self, name: str) -> str:
        return "a worker"


def test_who_disagrees_is_not_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("right", "wrong"):
        monkeypatch.setitem(compare.SYSTEMS, name, System("unused", name))
    workers: dict[str, LiveWorker] = {"torch": Answers(1), "right": Answers(1), "wrong": Answers(2)}  # type: ignore[dict-item]
    verify(workers)
    assert list(workers) == ["torch", "right"]
    assert "wrong in float64 disagrees:\n    output is off by 1.0e+00" in capsys.readouterr().out
    with pytest.raises(Disagreement):
        verify({"torch": Answers(float("nan"))})  # type: ignore[dict-item]

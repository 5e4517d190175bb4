"""The guard against foreign load, the statistics and the bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.bounds import Bound
from benchmarks.measure import LoadGuard, clean_environment, report, summarize, usable_cores, use_cores


def write_proc(folder: Path, busy: int, own: int) -> None:
    (folder / "stat").write_text(f"cpu {busy} 0 0 1000 0 0 0 0 0 0\n")
    mine = folder / str(os.getpid())
    mine.mkdir(exist_ok=True)
    (mine / "stat").write_text(f"1 (a name) S {'0 ' * 10}{own} 0 0 0 0")


def test_guard_counts_only_what_others_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PROC", tmp_path)
    write_proc(tmp_path, busy=100, own=10)
    guard = LoadGuard()
    write_proc(tmp_path, busy=150, own=60)
    assert guard.foreign() == 0 and guard.clean()
    write_proc(tmp_path, busy=10_000, own=60)
    share = guard.foreign()
    assert share is not None and share > 1 and not guard.clean()


def test_guard_without_proc_calls_everything_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PROC", tmp_path / "missing")
    guard = LoadGuard()
    assert guard.foreign() is None and guard.clean()


def test_summary_of_a_sample() -> None:
    found = summarize([float(value) for value in range(20, 0, -1)])
    assert (found.median, found.p10, found.minimum, found.count) == (10.5, 3.0, 1.0, 20)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_cores_are_the_first_of_those_that_may_be_used() -> None:
    before = os.sched_getaffinity(0)
    try:
        use_cores(1)
        assert usable_cores() == [min(before)]
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == sorted(before)


def test_environment_lets_openblas_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setattr(measure, "usable_cores", lambda: [0, 3])
    environment = clean_environment()
    assert "OPENBLAS_CORETYPE" not in environment and "OPENBLAS_L2_SIZE" not in environment
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "2"


@pytest.mark.parametrize(("at_least", "value", "holds"), [(False, 4.0, True), (False, 6.0, False), (True, 4.0, False)])
def test_bound_holds(at_least: bool, value: float, holds: bool) -> None:
    bound = Bound("a figure", 5.0, "us", at_least)
    assert bound.holds(value) is holds
    assert bound.verdict(value).startswith("ok" if holds else "MISSED")


def test_report_fails_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    bound = Bound("a figure", 5.0, "us")
    assert report([(bound, 4.0)], check=True) == 0
    assert report([(bound, None)], check=False) == 0
    assert report([(bound, None)], check=True) == 1
    assert "not measured" in capsys.readouterr().out

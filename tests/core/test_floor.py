"""A program does the same without what it takes below Python's documented surface, and says less."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tinygrad_cv.core.floor import FLOOR, without

ROOT = Path(__file__).parents[2]
WORDS = ("pointers", "refcounts", "bytecode", "profile", "locks")


def run(asked: str, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *program],
        cwd=ROOT,
        env={**os.environ, "TGCV_WITHOUT": asked},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("asked", ["", *WORDS, ",".join(WORDS)])
def test_a_program_does_the_same_without(asked):
    done = run(asked, "-m", "tests.core.without")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    used = {word: word not in asked.split(",") for word in WORDS}
    assert found["trains"] and found["derives"] and found["outputs"]
    assert len(found["seen"]) == 4 and all(found["seen"].values()), found["seen"]
    assert "draws from random" in found["random"] and "reads ORDER" in found["iterator"]
    for message in (found["random"], found["iterator"]):  # they name the file, and the line where it is read
        assert ("without.py" in message, bool(re.search(r"without\.py:\d+", message))) == (True, used["bytecode"])
    assert ("calls time()" in found["clock"], found["named"]) == (used["profile"], used["profile"])
    assert found["source"] == ["lambda x: x + 1", *(["lambda x: -x"] if used["bytecode"] else [])]
    assert found["freed"] == used["locks"]
    places = {"pointers": "pointers", "refcounts": "refcounts", "waited for": "locks", "unlocked": "locks"}
    expected = {place: used[word] for place, word in places.items()}
    assert found["in use"] == (expected if find_spec("llvmlite") else None)


def test_a_word_that_is_none_is_an_error_that_lists_them():
    done = run("pointers,gil", "-c", "import tinygrad_cv")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == (
        "ValueError: TGCV_WITHOUT=pointers,gil: there is no word 'gil'; "
        "there are pointers, refcounts, bytecode, profile, locks."
    )


def test_words():
    assert tuple(FLOOR) == WORDS
    assert without("") == frozenset() and without(" locks,,pointers ") == {"locks", "pointers"}

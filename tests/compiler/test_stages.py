"""The list of stages: each runs by itself, is verified and shown, and stands in the README."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.compiler.programs import parse
from tests.compiler.recorded import PARTS, PROGRAMS, drawn, recorded
from tests.compiler.test_verify import WINDOWS
from tinygrad_cv import compiler
from tinygrad_cv.compiler.cache import ROOMS
from tinygrad_cv.compiler.debug import WORDS
from tinygrad_cv.compiler.pipeline import PLANNING, REWRITES, STAGES, Work, run
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import host, named
from tinygrad_cv.compiler.schedule.affine import Affine
from tinygrad_cv.compiler.schedule.nest import Store
from tinygrad_cv.compiler.verify import VerificationError
from tinygrad_cv.ir import numpy_source

PACKAGE = Path(compiler.__file__).parents[1]


def work_until(name, text=WINDOWS):
    """The work before a stage, and the stage."""
    work = Work(parse(text).graph(), PARTS, named("haswell"))
    names = [stage.name for stage in STAGES]
    return run(STAGES[: names.index(name)], work), STAGES[names.index(name)]


@pytest.mark.any_python
def test_the_readme_lists_the_stages():
    page = (Path(compiler.__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (`[^|]+) \| [^|]*\|$", page.split("## One example")[0], re.M)
    assert [(name, words) for name, words, _ in rows] == [(s.name, ", ".join(s.shows)) for s in STAGES]
    for _, _, where in rows:
        folder = ""
        for path in re.findall(r"`([^`]+)`", where):
            folder = path.rpartition("/")[0] or folder
            file = path if "/" in path or not folder else f"{folder}/{path}"
            assert any((root / file).exists() for root in (PACKAGE, PACKAGE / "compiler")), file


@pytest.mark.any_python
def test_every_word_shows_something():
    shown = {word for stage in STAGES for word in stage.shows}
    assert shown | {"graph", "time"} == set(WORDS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_stage_runs_alone_is_verified_and_shown(program):
    graph = recorded(program)
    work = Work(graph, PARTS, host())
    for stage in STAGES:
        before = {part: getattr(work, part, None) for part in stage.makes}
        made = stage.run(work)
        assert len(made) == len(stage.makes)
        assert {part: getattr(work, part, None) for part in stage.makes} == before, "a stage returns, and sets nothing"
        run([stage], work)
        stage.verify(work, stage.name)
        texts = [show(work) for show in stage.shows.values()]
        assert stage in REWRITES or all(texts)
    arrays = drawn(graph)
    for found, right in zip(NativeProgram(work.image, PARTS)(arrays), numpy_source.run(graph, arrays), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-4)


def store_beyond(work):
    nest = work.nests.flat[0]
    nest.stores[0] = Store(nest.stores[0].value, tuple(a + 1 for a in nest.stores[0].index), nest.stores[0].expr)


def store_one_place(work):
    store = next(s for nest in work.nests.flat for s in nest.stores if s.index)
    store.index = tuple(Affine(0) if a.terms else a for a in store.index)


def forget_halos(work):
    value = next(v for v, layout in work.layouts.items() if layout.halo)
    work.layouts[value] = replace(work.layouts[value], low=(0,) * value.ndim, high=(0,) * value.ndim)


def lose_a_loop(work):
    next(k for k in work.kernels if k.schedule).schedule.outer.pop()


def forget_a_kernel(work):
    work.plan.steps[0].chains[0].pop(0)


def forget_what_is_cleared(work):
    work.plan.cleared = set(work.plan.layouts)


def end_the_arena(work):
    work.image.arena = 0


MISTAKES = [
    ("materialize, arrange, build nests", store_beyond, "on an axis of"),
    ("materialize, arrange, build nests", store_one_place, "every element is stored again"),
    ("lay out", forget_halos, "the stride of axis"),
    ("drop redundant guards", forget_halos, "with halos of 0 and 0"),
    ("drop redundant guards", store_beyond, "on an axis of"),
    ("pack operands", lose_a_loop, "loops over"),
    ("fuse", lose_a_loop, "loops over"),
    ("order", forget_a_kernel, "no kernel stores|is not stored yet|elements are stored"),
    ("recompute", forget_a_kernel, "no kernel stores|is not stored yet|elements are stored"),
    ("keep to the limit", forget_a_kernel, "no kernel stores|is not stored yet|elements are stored"),
    ("shorten steps", forget_a_kernel, "no kernel stores|is not stored yet|elements are stored"),
    ("keep what stays", forget_a_kernel, "no kernel stores|is not stored yet|elements are stored"),
    ("clear halos", forget_what_is_cleared, "others are stored than those that are cleared"),
    ("place", end_the_arena, "is not inside the arena"),
]


@pytest.mark.parametrize(("name", "break_", "rule"), MISTAKES, ids=[f"{m[0]}: {m[1].__name__}" for m in MISTAKES])
def test_a_mistake_in_a_stage_is_found_there(name, break_, rule):
    work, stage = work_until(name)
    run([stage], work)
    stage.verify(work, stage.name)
    break_(work)
    with pytest.raises(VerificationError, match=rule) as error:
        stage.verify(work, stage.name)
    assert str(error.value).startswith(name)


def test_every_stage_but_two_has_a_mistake_that_is_found():
    assert {s.name for s in STAGES if s not in REWRITES} - {name for name, _, _ in MISTAKES} == {
        "write",
        "compile",
    }  # LLVM's
    assert PLANNING[0].name == "materialize, arrange, build nests"


@pytest.mark.any_python
def test_an_image_is_named_by_everything_that_it_is_made_by():
    """What the compiler imports, and what that imports, is part of the name of an image on disk."""
    seen, left = set(), {"compiler"}
    while left:
        room = left.pop()
        seen.add(room)
        for path in (PACKAGE / room).rglob("*.py"):
            depth = len(path.relative_to(PACKAGE).parts)
            text = re.sub(r"^if TYPE_CHECKING.*\n(?:    .*\n|\n)*", "", path.read_text(encoding="utf-8"), flags=re.M)
            found = re.findall(rf"^ *from {'[.]' * depth}(\w+)", text, re.M)
            left |= set(found) - seen - {"files"}  # how files are written
    assert seen == set(ROOMS)

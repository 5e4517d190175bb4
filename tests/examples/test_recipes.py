"""The recipes of CONTRIBUTING.md, followed to the letter: what they say fails, fails, and in the end nothing does."""

import ast
import importlib.util
import shutil

import pytest

from tests.examples.recipe import PLACE, Addition, Command, Copy, definition, recipe
from tests.examples.test_examples import ROOT

RECIPES = {"Add a primitive": "arctan", "Add a layer": "swish", "Add a model": "allconv"}
USED = {  # what the recipe adds, as a user meets it
    "arctan": """
x = tg.tensor([-2.0, 0.5], "float64", requires_grad=True)
assert np.allclose(np.arctan(x).numpy(), np.arctan([-2.0, 0.5]))
step = tg.jit(lambda x: tg.grad(x.arctan().sum(), x))
assert np.allclose(step(x).numpy(), [0.2, 0.8]) and "np.arctan" in tg.jit(lambda x: x.arctan()).source(x)
derivation = tg.derive(lambda x: x.arctan(), x)
assert "arctan" in str(derivation) and "arctan" in derivation.latex() and "np.arctan" in derivation.source()
assert tg.gradcheck(lambda x: x.arctan(), x)
""",
    "swish": """
layer = tg.nn.Swish(2)
x = np.array([[[0.0], [200.0]]], "float32")
layer(x).sum().backward()
assert layer.beta.grad.tolist() == [0.0, 0.0] and tg.jit(layer)(x).tolist() == [[[0.0], [200.0]]]
assert "swish" in tg.graph(layer, x).text(depth=2)
""",
    "allconv": """
assert tg.nn.summary(tg.models.allconv(), (1, 28, 28)).rows
""",
}
LINTERS = ("ruff", "mypy")
MYPY_CACHE = ".mypy_cache"


def test_the_recipes_followed_word_for_word(tmp_path):
    """One after another in one copy, whose modules Python then compiles once."""
    copy = Copy(tmp_path)
    for heading, new in RECIPES.items():
        done: set[str] = set()
        for step in recipe(heading):
            if isinstance(step, Addition):
                copy.add(step)
            elif step.program not in LINTERS and (line := short(step, new)).line not in done:
                copy.follow(line)
                done |= {line.line} if not line.fails else set()
        used = f"import numpy as np\nimport tinygrad_cv as tg\n{USED[new]}"
        (tmp_path / "used.py").write_text(used, encoding="utf-8")
        copy.follow(Command("python -W error used.py"))


def short(command: Command, new: str) -> Command:
    """Of what takes minutes, the part that touches what is new."""
    if command.line.startswith("python -m tests.proof"):
        return Command(f"python -m tests.proof --part --only {new}", command.fails)
    if command.line.startswith("python -m pytest") and " -m quick" not in command.line:
        # the page of the proof is written by the whole proof only
        return Command(f"{command.line} -k '({new} or has_a_row or has_one_row or occurs or page) and not page_has'")
    return command


@pytest.mark.skipif(not all(map(importlib.util.find_spec, LINTERS)), reason="needs the extra lint")
def test_what_the_recipes_add_has_types_and_style(tmp_path):
    copy = Copy(tmp_path)
    if (ROOT / MYPY_CACHE).exists():  # of which mypy takes what it knows of files that are as they were
        shutil.copytree(ROOT / MYPY_CACHE, tmp_path / MYPY_CACHE)
    steps = [step for heading in RECIPES for step in recipe(heading)]
    for step in steps:
        if isinstance(step, Addition):
            copy.add(step)
    commands = dict.fromkeys(step.line for step in steps if isinstance(step, Command) and step.program in LINTERS)
    assert [line.split()[0] for line in commands] == ["ruff", "ruff", "mypy"]
    for line in [*commands, "ruff check .", "ruff format --check ."]:
        copy.follow(Command(line))


@pytest.mark.quick
def test_every_block_of_a_recipe_has_a_place_that_exists_and_every_place_a_block():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = [step for heading in RECIPES for step in recipe(heading)]
    additions = [step for step in steps if isinstance(step, Addition)]
    section = text[text.index("## Add a primitive") : text.index("## Look at a graph")]
    assert section.count("```python") + section.count("` | `") == len(additions) > 15
    told = PLACE.findall(" ".join(section.split()))
    assert len(told) == len(additions) + 1  # LOWERINGS is told of, no more
    for name, _, new, file in told:
        assert (ROOT / file).exists() != bool(new), file
        if name:
            assert definition(ast.parse((ROOT / file).read_text(encoding="utf-8")), name), (file, name)

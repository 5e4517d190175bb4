"""A recipe of CONTRIBUTING.md, read from its text and followed to the letter in a copy of the tree.

What a recipe may say, so that a machine can follow it as well as a person:

    ...: the end of `FILE`:            a block of Python goes there
    ... `NAME` of `FILE`:              to the end of that class, function, list or dict
    ... a new file `FILE`:             the block is the file
    | `NAME` of `FILE` | `code` |      the same as a row of a table
    | the imports of `FILE` | `code` |

Imports at the top of a block go to the other imports of its file. A block of commands runs where it stands; a sentence
behind it that says "fails" names the tests, or the words, that it must fail with.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.examples.test_examples import ROOT

PLACE = re.compile(r"(?:`(\w+)(?:\(\))?` of|the end of|(the imports of)|(a new file)) `([\w/]+\.py)`")
NUMBERS = {"once": 1, "twice": 2}


@dataclass(frozen=True)
class Addition:
    """Code, and where it goes: to the end of a name's definition, of the imports, or of the file."""

    file: str
    code: str
    name: str = ""
    imports: bool = False
    new: bool = False


@dataclass(frozen=True)
class Command:
    """A line for the shell, and what the text says that it fails with."""

    line: str
    fails: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        return self.line.split()[0]


Step = Addition | Command


def recipe(heading: str) -> list[Step]:
    """The steps of a section of CONTRIBUTING.md, in their order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", text, re.S | re.M)
    assert found, heading
    return list(_steps(found[1]))


def _steps(section: str) -> Iterator[Step]:
    blocks = r"^( *)```(\w+)\n(.*?)^ *```\n"
    prose = 0
    for block in re.finditer(blocks, section, re.S | re.M):
        before, code = section[prose : block.start()], re.sub(rf"^{block[1]}", "", block[3], flags=re.M)
        yield from _rows(before)
        if block[2] == "sh":
            lines = [part for line in code.splitlines() for part in line.split(" && ")]
            yield from (Command(line) for line in lines[:-1])
            yield Command(lines[-1], _fails(section[block.end() :]))
        else:
            places = list(PLACE.finditer(re.sub(r"\s+", " ", before)))
            assert before.rstrip().endswith(":") and places, f"no place is named for\n{code}"
            yield _addition(places[-1], code)
        prose = block.end()
    yield from _rows(section[prose:])


def _fails(behind: str) -> tuple[str, ...]:
    """What stands in a sentence "This fails ...: `name`, `name`" behind a block of commands."""
    found = re.match(r"\s*This (?:now )?fails(.*?)\.(?:\s|$)", behind, re.S)
    names = re.findall(r"`([^`]+)`", found[1]) if found else []
    for word, number in NUMBERS.items():
        assert not found or f" {word}:" not in found[1] or len(names) == number, found[0]
    return tuple(names)


def _rows(prose: str) -> Iterator[Step]:
    for row in re.finditer(r"^ *\| (.*?) \| `(.*)` \|$", prose, re.M):
        place = PLACE.search(row[1])
        assert place, row[0]
        yield _addition(place, row[2] + "\n")


def _addition(place: re.Match[str], code: str) -> Addition:
    name, imports, new, file = place.groups()
    return Addition(file, code, name or "", bool(imports), bool(new))


# ---------------------------------------------------------------- doing it


class Copy:
    """A copy of the files under version control, or of all of them where there is none."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in tracked():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)

    def add(self, step: Addition) -> None:
        """Put the code in its place."""
        path = self.folder / step.file
        if step.new:
            assert not path.exists(), f"{step.file} is there already"
            path.write_text(step.code, encoding="utf-8")
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        top, rest = (step.code, "") if step.imports else _imports(step.code)
        if rest:
            _insert(lines, rest, step)
        if top:
            tree = ast.parse("".join(lines))
            last = max(node.end_lineno for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)))
            lines.insert(last, top)
        path.write_text("".join(lines), encoding="utf-8")
        ast.parse("".join(lines))

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """A command in the copy, without colour, caches and what the tests around set."""
        program, *arguments = shlex.split(line)
        module = [] if program == "python" else ["-m", program]
        outside = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        return subprocess.run(
            [sys.executable, *module, *arguments],
            cwd=self.folder,
            env={
                **outside,
                "PYTHONPATH": str(self.folder),
                "PYTHONIOENCODING": "utf-8",
                # plain: to rewrite the assertions of thousands of tests takes longer than the few that are selected
                "PYTEST_ADDOPTS": "-q -p no:cacheprovider -p no:xdist --assert=plain",
                "OPENBLAS_NUM_THREADS": "1",
                "MPLBACKEND": "agg",
                "NO_COLOR": "1",
            },
            capture_output=True,
            encoding="utf-8",
        )

    def follow(self, step: Step) -> str:
        """One step; what a command prints. It ends as the text says."""
        if isinstance(step, Addition):
            self.add(step)
            return ""
        done = self.run(step.line)
        printed = done.stdout + done.stderr
        assert bool(done.returncode) == bool(step.fails), f"{step.line}\n{printed}"
        failed = re.findall(r"^FAILED \S+?::(\w+)", printed, re.M)
        assert sorted(failed) == sorted(word for word in step.fails if word.startswith("test_")), printed
        assert all(word in printed for word in step.fails), printed
        return printed


def tracked() -> list[str]:
    """The files under version control; where there is none, those that are not hidden or made by running."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8")
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    kept = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(path) for path in kept if not any(p[0] == "." or p in ("__pycache__", "runs") for p in path.parts[:-1])]


def _imports(code: str) -> tuple[str, str]:
    """The imports at the top of a block, and the rest."""
    if not code.startswith(("from ", "import ")):
        return "", code
    top, rest = code.split("\n\n", 1)
    return top + "\n", rest.lstrip("\n")


def _insert(lines: list[str], code: str, step: Addition) -> None:
    """At the end of the file, or of what the name stands for."""
    if not step.name:
        lines += ["\n", *(["\n"] if code.startswith(("def ", "class ", "@")) else []), code]
        return
    node = definition(ast.parse("".join(lines)), step.name)
    assert node, f"{step.file} has no {step.name}"
    indent = "    "
    if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return):
        node, indent = node.body[-1].value, "        "
    brackets = isinstance(node, (ast.List, ast.Tuple, ast.Dict))
    block = "".join(indent + line if line.strip() else line for line in code.splitlines(keepends=True))
    end = node.end_lineno
    lines.insert(end - 1 if brackets else end, block if brackets or isinstance(node, ast.FunctionDef) else "\n" + block)


def definition(tree: ast.Module, name: str) -> ast.AST | None:
    """The class, the function or the value of that name."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return node
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                return node.value
    return None

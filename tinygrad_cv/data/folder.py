"""Finding the four files of a data set in a folder, by the names of MNIST, EMNIST, QMNIST and common unpackers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

# train-images-idx3-ubyte, train-images.idx3-ubyte, emnist-letters-test-labels-idx1-ubyte.gz, qmnist-train-labels-idx2
NAME = re.compile(
    r"(?:(?P<set>.+?)[-_. ])?(?P<part>train|t10k|test)[-_. ](?P<kind>image|label)s?[-_. ]idx\d(?:[-_. ]\w+)?(?:\.gz)?",
    re.IGNORECASE,
)
NAMES = {
    (part, kind): f"{part}-{kind}s-idx{d}-ubyte"
    for part in ("train", "t10k")
    for kind, d in (("image", 3), ("label", 1))
}
Files = dict[tuple[str, str], Path]


def find_files(folder: Path) -> tuple[str, Files]:
    """The name of a folder's data set ("" if the names of its files have none), and its files by part and kind.

    Args:
        folder: or folder/set where the folder holds several sets.

    Raises:
        FileNotFoundError: the folder or one of the files is missing.
        ValueError: there are several sets, or several files of one kind.
    """
    wanted = None
    if not folder.exists() and folder.parent.is_dir() and folder.name in _sets(folder.parent):
        folder, wanted = folder.parent, folder.name
    if not folder.is_dir():
        raise FileNotFoundError(f"load_idx: there is no folder {folder}. Give the folder with the four IDX files.")
    sets = _sets(folder)
    whole = [name for name in sets if sets[name].keys() == NAMES.keys()]
    if wanted is None and len(whole) > 1:
        raise ValueError(
            f"load_idx: {folder} holds several data sets, {', '.join(map(repr, sorted(whole)))}. "
            f"Give one of them, {folder / sorted(whole)[-1]} for instance, or move its files to a folder of their own."
        )
    name = wanted or (whole or sorted(sets, key=lambda name: -len(sets[name])) or [""])[0]
    found = sets.get(name, {})
    for key, usual in NAMES.items():
        if key not in found:
            raise FileNotFoundError(
                f"load_idx: {folder} has neither {usual} nor {usual}.gz, nor a file of a similar name. A data set is "
                f"four files, {', '.join(NAMES.values())}, each with or without .gz: "
                f"{_elsewhere(folder) or 'add the missing one, or rename it'}."
            )
        if len({re.sub(r"[-_. ]+", "-", path.name.lower().removesuffix(".gz")) for path in found[key]}) > 1:
            raise ValueError(
                f"load_idx: {folder} has several files of {key[0]} {key[1]}s, "
                f"{', '.join(path.name for path in found[key])}. Leave one of them there."
            )
    return name, {key: paths[0] for key, paths in found.items()}


def _sets(folder: Path) -> dict[str, dict[tuple[str, str], list[Path]]]:
    """The files of each set, plain ones before compressed ones."""
    sets: dict[str, dict[tuple[str, str], list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".gz", path.name)):
        if match := NAME.fullmatch(path.name):
            inside = path / path.name  # some unpackers make a folder for each file
            path = inside if inside.is_file() else path
            part = "train" if match["part"].lower() == "train" else "t10k"
            sets[match["set"] or ""][part, match["kind"].lower()].append(path)
    return sets


def _elsewhere(folder: Path) -> str:
    for inner in _folders(folder):
        if any(files.keys() == NAMES.keys() for files in _sets(inner).values()):
            return f"they are in {inner}, so give that folder"
    return ""


def _folders(folder: Path) -> Iterator[Path]:
    """Folders one and two levels down, where torchvision and archives put data."""
    for pattern in ("*", "*/*"):
        yield from (path for path in sorted(folder.glob(pattern)) if path.is_dir())


def class_names(folder: Path, name: str) -> dict[int, str]:
    """Characters by label from a file SET-mapping.txt, if there is one (EMNIST: label, code, other codes)."""
    for path in (folder / f"{name}-mapping.txt", folder.parent / f"{name}-mapping.txt"):
        if name and path.is_file():
            numbers = [line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines()]
            if all(len(line) > 1 and all(word.isdigit() for word in line) for line in numbers if line):
                return {int(line[0]): chr(int(line[1])) for line in numbers if line}
    return {}

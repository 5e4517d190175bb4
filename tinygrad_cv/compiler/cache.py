"""Images on disk: a graph that was compiled before is not compiled again.

An entry is named by a hash of everything that the image depends on: the graph with its constants, the machine, the
number of threads, and the source of the compiler. It is a pickle, which runs code when it is read: like object code, it
is only read if nobody but this user can have written it (runtime/disk_cache.py).
"""

from __future__ import annotations

import hashlib
import pickle
from functools import cache
from pathlib import Path

import numpy as np

from ..ir.graph import CONSTANT, Graph
from .image import Image
from .options import Options
from .runtime.disk_cache import read_entry, write_entries
from .runtime.target import Target

ROOMS = ("core", "mpi", "ops", "ir", "compiler")


def key_of(graph: Graph, target: Target, parts: int, options: Options) -> str:
    """The name of a graph's image.

    Args:
        parts: the number of threads that it is compiled for.
        options: what is asked of it.
    """
    numbers = {value: i for i, value in enumerate(graph.values())}
    digest = hashlib.sha256(f"{_sources()} {target} {parts} {options} {np.__version__}".encode())
    lines = []
    for value, i in numbers.items():
        args = [numbers[a] for a in value.args]
        scope = value.scope.path if value.scope else ""
        params = [] if value.op == CONSTANT else sorted(value.params.items())
        lines.append(f"{i} {value.op} {value.shape} {value.dtype.str} {args} {params} {scope}")
        if value.op == CONSTANT:
            digest.update(np.asarray(value.params["array"], order="C").tobytes())
    digest.update("\n".join(lines).encode())
    ends = [numbers.get(v) for v in (*graph.inputs, *graph.outputs)]
    digest.update(repr([*ends, graph.state, graph.steady]).encode())
    return digest.hexdigest()


@cache
def _sources() -> str:
    """A hash of the source of everything that takes part in making an image."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((Path(__file__).parents[1] / room).rglob("*")):
            if path.suffix in (".py", ".ll"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def find(key: str) -> Image | None:
    """The image of this name; None if there is none that is complete."""
    data = read_entry(key)
    if data is None:
        return None
    try:
        image = pickle.loads(data)
    except Exception:  # pickled by another version of some class
        return None
    return image if isinstance(image, Image) else None


def store(key: str, image: Image) -> None:
    """Write an image."""
    write_entries({key: pickle.dumps(image, protocol=pickle.HIGHEST_PROTOCOL)})

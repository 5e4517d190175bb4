"""Images on disk: a program that was compiled before is found by its graph, and nothing is planned again.

An entry is named by a hash of everything that the image depends on: the graph with its constants, the machine, the
number of parts, and the compiler's own source. It lies beside the object code, in the same directory and within the
same bound. It is a pickle, and as object code is, it is read only where nobody but this user could have written it.
"""

from __future__ import annotations

import hashlib
import pickle
from functools import cache
from pathlib import Path

import numpy as np

from ..ir.graph import CONSTANT, Graph
from .image import Image
from .runtime.disk_cache import read_entry, write_entries
from .runtime.target import Target

ROOMS = ("core", "ops", "ir", "compiler")


def key_of(graph: Graph, target: Target, parts: int) -> str:
    """The name of a graph's image."""
    numbers = {value: i for i, value in enumerate(graph.values())}
    digest = hashlib.sha256(f"{_sources()} {target} {parts} {np.__version__}".encode())
    for value, i in numbers.items():
        args = [numbers[a] for a in value.args]
        scope = value.scope.path if value.scope else ""
        params = [] if value.op == CONSTANT else sorted(value.params.items())
        digest.update(f"{i} {value.op} {value.shape} {value.dtype} {args} {params} {scope};".encode())
        if value.op == CONSTANT:
            digest.update(np.asarray(value.params["array"], order="C").tobytes())
    digest.update(repr([numbers.get(v) for v in (*graph.inputs, *graph.outputs)]).encode())
    return digest.hexdigest()


@cache
def _sources() -> str:
    """A hash of everything that an image is made by."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((Path(__file__).parents[1] / room).rglob("*")):
            if path.suffix in (".py", ".ll"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def find(key: str) -> Image | None:
    """The image under this name, if there is one that is whole."""
    data = read_entry(key)
    if data is None:
        return None
    try:
        image = pickle.loads(data)
    except Exception:  # an entry of another version of something that it holds
        return None
    return image if isinstance(image, Image) else None


def keep(key: str, image: Image) -> None:
    """Keep an image."""
    write_entries({key: pickle.dumps(image, protocol=pickle.HIGHEST_PROTOCOL)})

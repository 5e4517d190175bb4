"""Keras' files of weights: ``.keras`` and ``.weights.h5`` of version 3, and ``.h5`` as of version 2. Needs h5py.

In the files of version 3 a layer's group has the name of its class and a counter, and the name of the layer is an
attribute; variables have numbers. In those of version 2 both have their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import PathLike
from typing import IO, Any, NamedTuple

import numpy as np

from ..core.errors import CheckpointError
from .archive import DEFLATE, Archive
from .archive import MAGIC as ZIP
from .elements import ELEMENTS, fill
from .source import Source, reading

MAGIC = b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"  # members of a .keras file
VARIABLES, LAYERS, SEEDS = "vars", "layers", "seed_generator"
BESIDE = ("optimizer",)  # beside the layers
DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError)  # what h5py raises at damaged files


class Layer(NamedTuple):
    """A layer with variables.

    Attributes:
        name: with those of the models around it before it, separated by slashes.
        place: the path of its group in the file.
        kind: its class in lower case, such as ``conv2d_transpose``; "" if the file does not say.
        settings: with which it was made; empty if the file does not say.
        variables: in their order, by their names or numbers.
    """

    name: str
    place: str
    kind: str
    settings: dict[str, Any]
    variables: dict[str, np.ndarray]


class Weights(NamedTuple):
    """The layers with variables, and whether they are in the order of the model."""

    layers: list[Layer]
    in_order: bool


def by_name(weights: Weights) -> dict[str, dict[str, np.ndarray]]:
    """The variables of each layer."""
    return {layer.name: layer.variables for layer in weights.layers}


def read(path: str | PathLike[str]) -> Weights:
    """The weights of any file of Keras.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed.
        CheckpointError: it is damaged, or not of Keras.
    """
    with reading(path) as source:
        start = source.at(0, len(MAGIC))
        if start == MAGIC:
            return read_h5(source)
        if start.startswith(ZIP) and is_keras(archive := Archive(source)):
            return read_keras(source, archive)
        raise source.error("it is no file of Keras, neither .keras nor .h5")


def is_keras(archive: Archive) -> bool:
    """Whether a zip archive is a .keras file."""
    return CONFIG in archive.names and WEIGHTS in archive.names


def read_keras(source: Source, archive: Archive) -> Weights:
    """The weights of a .keras file, in the order of its model."""
    try:
        config = json.loads(archive.contents(CONFIG))
    except (ValueError, RecursionError) as error:
        raise source.error(f"it is damaged: its {CONFIG} is not valid ({error})") from None
    with archive.member(WEIGHTS) as file:
        return _read(source, file, config)


def read_h5(source: Source) -> Weights:
    """The weights of an HDF5 file of Keras."""
    return _read(source, source.file, None)


def _read(source: Source, file: IO[bytes], config: Any) -> Weights:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{source.path}: files of Keras are read with h5py: pip install h5py") from error
    try:
        with h5py.File(file, "r") as root:
            return _Reader(source, h5py, config).read(root)
    except CheckpointError:
        raise
    except DAMAGE as error:
        raise source.error(f"it is damaged, or not of Keras: {error}") from None


class _Reader:
    """Reads one file. What it says about links, sizes and types is checked before memory is allocated."""

    def __init__(self, source: Source, h5py: Any, config: Any):
        self.source, self.h5py, self.config = source, h5py, config
        self.seen: set[int] = set()

    def read(self, root: Any) -> Weights:
        """The weights of a file of either version."""
        named = self._inside(root, "model_weights") if "model_weights" in root else root
        if in_order := "layer_names" in named.attrs:
            if "model_config" in root.attrs:
                self.config = json.loads(root.attrs["model_config"])
            layers = list(self._of_version_2(named))
        elif LAYERS in root or VARIABLES in root:
            layers = list(self._of_version_3(root, "", ""))
        else:
            raise self.source.error("it is an HDF5 file without the weights of a Keras model")
        names = [layer.name for layer in layers]
        layers = [layer if names.count(layer.name) == 1 else layer._replace(name=layer.place) for layer in layers]
        described = {name: (i, kind, settings) for i, (name, kind, settings) in enumerate(_described(self.config, ""))}
        if described and all(layer.name in described for layer in layers):
            layers.sort(key=lambda layer: described[layer.name][0])
            layers = [x._replace(kind=described[x.name][1], settings=described[x.name][2]) for x in layers]
            in_order = True
        return Weights(layers, in_order)

    def _of_version_3(self, group: Any, place: str, outer: str) -> Iterator[Layer]:
        """Layers in groups in groups; each has a group of numbered variables, which bears its name."""
        names = sorted(group, key=_counted)
        name = outer
        if VARIABLES in names:
            variables = self._inside(group, VARIABLES)
            if place:
                own = str(variables.attrs.get("name", place.rpartition("/")[2]))
                name = f"{outer}/{own}" if outer else own
            if len(variables):
                kind = _counted(place.rpartition("/")[2])[0].replace("_", "")
                numbered = {key: self._array(variables, key) for key in sorted(variables, key=_counted)}
                yield Layer(name, place, kind, {}, numbered)
        for key in names:
            if key != VARIABLES and (place or key not in BESIDE) and key != SEEDS:
                inside = self._inside(group, key)
                if key == LAYERS:  # a group of them all
                    for one in sorted(inside, key=_counted):
                        path = f"{place}/{one}" if place else one
                        yield from self._of_version_3(self._inside(inside, one), path, name)
                else:
                    yield from self._of_version_3(inside, f"{place}/{key}" if place else key, name)

    def _of_version_2(self, group: Any) -> Iterator[Layer]:
        """A group for each layer, or for each model inside of the model, with the names of its variables."""
        for outer in map(_text, group.attrs["layer_names"]):
            inside = self._inside(group, outer)
            layers: dict[str, dict[str, np.ndarray]] = {}
            for path in map(_text, inside.attrs["weight_names"]):
                *_, layer, variable = ("", *path.split("/"))
                place = inside
                for part in path.split("/")[:-1]:
                    place = self._inside(place, part, again=True)
                layers.setdefault(layer or outer, {})[variable.partition(":")[0]] = self._array(place, variable)
            for name, variables in layers.items():
                alone = name == outer or len(layers) == 1
                yield Layer(outer if alone else f"{outer}/{name}", f"{outer}/{name}", "", {}, variables)

    def _inside(self, group: Any, name: str, again: bool = False) -> Any:
        """A group in a group, which is in the same file, and in one place."""
        self._check_link(group, name)
        found = group[name]
        address = self.h5py.h5o.get_info(found.id).addr
        if not isinstance(found, self.h5py.Group) or (address in self.seen and not again):
            raise self.source.error(f"it is damaged: {name!r} is no group, or there twice")
        self.seen.add(address)
        return found

    def _array(self, group: Any, name: str) -> np.ndarray:
        self._check_link(group, name)
        data = group[name]
        if not isinstance(data, self.h5py.Dataset) or data.is_virtual or data.external:
            raise self.source.error(f"it is damaged: {data.name} is no array of this file")
        widened = data.dtype == "V2" and data.attrs.get("dtype") == "bfloat16"
        if not widened and data.dtype.kind not in "fiubc":
            raise self.source.error(f"{data.name} has dtype {data.dtype}, and is not made of numbers")
        if data.size * data.dtype.itemsize > data.id.get_storage_size() * (DEFLATE if data.chunks else 1):
            raise self.source.error(f"it is damaged: {data.name} of shape {data.shape} has too few bytes")
        if widened:
            array = np.empty(data.shape, np.float32)
            stored = memoryview(data[()].tobytes())
            fill(array, ELEMENTS["bfloat16"], _Pieces(stored).into)
            return array
        array = np.empty(data.shape, data.dtype.newbyteorder("="))
        if array.size:
            data.read_direct(array)
        return array

    def _check_link(self, group: Any, name: str) -> None:
        if not isinstance(group.get(name, getlink=True), self.h5py.HardLink):
            raise self.source.error(
                f"it is damaged: {name!r} in {group.name} is not there, or in another place or file"
            )


class _Pieces:
    """Bytes that are read one piece after the other."""

    def __init__(self, data: memoryview):
        self._data, self._place = data, 0

    def into(self, buffer: memoryview) -> None:
        buffer[:] = self._data[self._place : self._place + len(buffer)]
        self._place += len(buffer)


def _described(config: Any, outer: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The layers that the configuration of a model describes, in order: names, kinds and settings."""
    inside = config.get("config") if isinstance(config, dict) else None
    for value in inside.values() if isinstance(inside, dict) else inside if isinstance(inside, list) else ():
        for item in value if isinstance(value, list) else [value]:
            settings = item.get("config") if isinstance(item, dict) else None
            if isinstance(settings, dict) and isinstance(settings.get("name"), str) and "class_name" in item:
                name = f"{outer}/{settings['name']}" if outer else settings["name"]
                yield name, str(item["class_name"]).lower(), settings
                yield from _described(item, name)


def _counted(name: str) -> tuple[str, int]:
    """The name of a group without its counter, and the counter: conv2d_10 comes after conv2d_9."""
    if name.isdecimal():
        return "", int(name)
    word, _, count = name.rpartition("_")
    return (word, int(count)) if word and count.isdecimal() else (name, 0)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)

"""``save`` and ``load``: files of tensors in the formats of the field."""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..core.annotations import explaining
from . import archive, checkpoint, keras_file, npz, safetensors, torch_file
from .atomic import replacing
from .source import Source, reading
from .tree import as_array, pack, unpack

TREE = "tree"  # what is said about an object that is no dict of arrays
WRITTEN = (".safetensors", ".npz", ".npy")


@explaining
def save(obj: Any, path: str | PathLike[str]) -> None:
    """Write tensors and what belongs to them, as a whole: the file is complete, or as it was before.

    The suffix of the path is the format:

    - ``.safetensors``: anything made of dicts, lists, tuples, strings, numbers, None, arrays and tensors. A dict of
      arrays by name, such as a state dict, is one to every program that reads safetensors, PyTorch's among them; of
      other objects such a program sees the arrays under the paths to them. A checksum covers every bit.
    - ``.npz``: a dict of arrays by name.
    - ``.npy``: one array.

    Args:
        obj: ``model.state_dict()``, ``{"model": ..., "optimizer": optimizer.state_dict(), "epoch": 3}``, a tensor, ...
        path: of the file.

    Raises:
        ValueError: another suffix.
        TypeError: the format cannot hold it.
        OSError: the file cannot be written; it is unchanged.

    >>> import tempfile
    >>> import tinygrad_cv as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(tg.nn.Linear(2, 1).state_dict(), f"{folder}/linear.safetensors")
    ...     {name: array.shape for name, array in tg.load(f"{folder}/linear.safetensors").items()}
    {'weight': (1, 2), 'bias': (1,)}
    """
    suffix = Path(path).suffix
    if suffix not in WRITTEN:
        raise ValueError(
            f"save: {os.fspath(path)!r} ends in {suffix!r}; the suffix is the format, one of {', '.join(WRITTEN)}."
            + (" PyTorch reads the first by safetensors.torch.load_file." if suffix in (".pt", ".pth", ".bin") else "")
        )
    if suffix == ".npy":
        if (array := as_array(obj)) is None:
            raise TypeError(f"save: an .npy file holds one array, not a {type(obj).__name__}; use .safetensors.")
        with replacing(path) as file:
            npz.write_npy(file, _numbers("the array", array))
        return
    arrays = _by_name(obj)
    if suffix == ".npz":
        if arrays is None:
            raise TypeError(
                f"save: an .npz file holds a dict of arrays by name, not this {type(obj).__name__}; use .safetensors."
            )
        checked = {name: _numbers(repr(name), array) for name, array in arrays.items()}
        with replacing(path) as file:
            npz.write_npz(file, checked)
    elif arrays is not None and safetensors.METADATA not in arrays:
        checkpoint.write(path, arrays)
    else:
        arrays, skeleton = pack(obj)
        checkpoint.write(path, arrays, {TREE: skeleton})


@explaining
def load(path: str | PathLike[str]) -> Any:
    """Read tensors from a file, as NumPy arrays, in dicts and lists as they were saved. What the file contains says
    which format it is, not its name:

    - safetensors, of :func:`save` and of every other program;
    - PyTorch's ``.pt`` and ``.pth``, both the zip archives and the streams before PyTorch 1.6: state dicts, of
      optimizers too, and dicts and lists of them. Pickles are read without running anything: names that no state dict
      needs are refused;
    - NumPy's ``.npz`` and ``.npy``, without arrays of Python objects;
    - Keras' ``.keras``, ``.weights.h5`` and ``.h5``: the variables of each layer as Keras has them. ``nn.from_keras``
      makes a state dict of them. Needs h5py.

    Sizes are held against the file before memory is allocated, and memory is that of the arrays; bfloat16, which NumPy
    does not have, becomes float32. PyTorch's tensors that share memory give arrays that do.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: a library that the format needs is not installed.
        CheckpointError: the file is damaged, of no known format, or holds something else than tensors.

    ::

        model.load_state_dict(tg.load("resnet18.pth"))
    """
    with reading(path) as source:
        start = source.at(0, 16)
        if start[8:9] == b"{":  # the length before it may begin as any of the others
            return _from_safetensors(source)
        if start.startswith(archive.MAGIC):
            return _from_archive(source)
        if start.startswith(npz.MAGIC):
            return npz.read_npy(source)
        if start.startswith(torch_file.PICKLE):
            return torch_file.read_stream(source)
        if start.startswith(keras_file.MAGIC):
            return keras_file.by_name(keras_file.read_h5(source))
        raise source.error(
            "it is empty"
            if not source.size
            else "it is of no known format: neither safetensors nor of PyTorch, NumPy or Keras. It may be damaged."
        )


def _from_archive(source: Source) -> Any:
    members = archive.Archive(source)
    if any(map(torch_file.is_data, members.names)):
        return torch_file.read_zip(source, members)
    if keras_file.is_keras(members):
        return keras_file.by_name(keras_file.read_keras(source, members))
    if all(name.endswith(npz.SUFFIX) for name in members.names):
        return npz.read_npz(source, members)
    raise source.error("it is a zip archive of no known kind: neither of PyTorch's, NumPy's nor Keras'")


def _from_safetensors(source: Source) -> Any:
    header = safetensors.decode(source)
    if not checkpoint.is_of_this_kind(header):
        return safetensors.read_arrays(source, header.entries, source.into)
    arrays, about = checkpoint.verified(source, header)
    try:
        return unpack(arrays, about[TREE]) if TREE in about else arrays
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise source.error(f"its description does not fit its arrays ({type(error).__name__}: {error})") from None


def _by_name(obj: Any) -> dict[str, np.ndarray] | None:
    """A dict of arrays by name; None for anything else."""
    if not isinstance(obj, Mapping) or not all(isinstance(name, str) for name in obj):
        return None
    arrays = {name: as_array(value) for name, value in obj.items()}
    return {k: a for k, a in arrays.items() if a is not None} if all(a is not None for a in arrays.values()) else None


def _numbers(what: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in npz.KINDS:
        raise TypeError(f"save: {what} has dtype {array.dtype}; numbers and text are saved. Convert it to numbers.")
    return array

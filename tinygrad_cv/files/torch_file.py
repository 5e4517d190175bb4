"""PyTorch's files: a zip archive of a pickle and storages, and the stream of pickles and storages before it.

Nothing in a pickle is run: see :mod:`.pickle_machine` and :mod:`.torch_names`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from .archive import Archive
from .elements import ELEMENTS, fill
from .pickle_machine import Malformed, Stream, World, run
from .source import Source
from .torch_names import StateDicts, Storage, StorageType

PICKLE = b"\x80"  # how a pickle of protocol 2 or later begins
DATA = "data.pkl"
STREAM, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the first two pickles of a stream
LINE = 1 << 20  # bytes, of the longest
BYTES = ELEMENTS["uint8"]


def read_zip(source: Source, archive: Archive) -> Any:
    """What an archive holds, with arrays for tensors. Those that share a storage share memory."""
    root = next(name for name in archive.names if is_data(name)).removesuffix(DATA)
    if f"{root}constants.pkl" in archive.names:
        raise source.error("it is a program of torch.jit.save. Save the state_dict() of the module instead.")
    order = archive.contents(f"{root}byteorder").decode("latin1") if f"{root}byteorder" in archive.names else "little"
    if order not in ("little", "big"):
        raise source.error(f"it is damaged: its byte order is {order[:20]!r}, neither little nor big")
    storages: dict[str, Storage] = {}

    def storage(kind: StorageType, key: str, count: int) -> Storage:
        if key not in storages:
            member, elements = f"{root}data/{key}", kind.elements or BYTES
            if member not in archive.names or archive.size(member) != count * elements.size:
                raise source.error(f"it is damaged: storage {key!r} does not have its {count:,} elements")
            if archive.is_compressed(member):
                raise source.error(f"storage {key!r} is compressed, which torch.save never does. Save it again.")
            storages[key] = _allocated(source, kind, key, count)._replace(byte_order=order)
            with archive.opened(member) as read:
                fill(storages[key].array, elements, read, order if kind.elements else "little")
        return _known(storages, kind, key, count)

    return _run(source, io.BytesIO(archive.contents(root + DATA)), StateDicts(source, storage))


def is_data(name: str) -> bool:
    """Whether a member of an archive is the pickle of PyTorch's."""
    return name.count("/") == 1 and name.endswith(f"/{DATA}")


def read_stream(source: Source) -> Any:
    """What a stream holds, with arrays for tensors. Those that share a storage share memory.

    Three pickles of its kind, the object, and the keys of its storages; then, for each, the number of its elements and
    their bytes, the least significant first whatever the machine it came from.
    """
    storages: dict[str, Storage] = {}

    def storage(kind: StorageType, key: str, count: int) -> Storage:
        if key not in storages:
            storages[key] = _allocated(source, kind, key, count)
        return _known(storages, kind, key, count)

    stream, world = _Bounded(source), StateDicts(source, storage)
    if _run(source, stream, world) != STREAM:
        raise source.error("it is a pickle, and not one of torch.save. Save the arrays with tg.save or np.savez.")
    if (protocol := _run(source, stream, world)) != PROTOCOL:
        raise source.error(f"it is damaged: the protocol of the stream is {str(protocol)[:20]}, not {PROTOCOL}")
    _run(source, stream, world)  # the byte order and sizes of the machine, which do not matter
    found = _run(source, stream, world)
    keys = _run(source, stream, world)
    if type(keys) is not list or sorted(map(str, keys)) != sorted(storages):
        raise source.error("it is damaged: its storages are not those that its tensors need")
    for key in map(str, keys):
        array, elements, _ = storages[key]
        if (count := int.from_bytes(source.exactly(8), "little")) != array.size:
            raise source.error(f"it is damaged: storage {key!r} has {count:,} elements, and should have {array.size:,}")
        fill(array, elements, source.into)
    if rest := source.size - source.file.tell():
        raise source.error(f"{rest:,} bytes follow the end of what torch.save wrote; only one object is read")
    return found


def _allocated(source: Source, kind: StorageType, key: str, count: int) -> Storage:
    elements = kind.elements or BYTES
    source.allot(count * elements.size, f"storage {key!r}")
    return Storage(np.empty(count, elements.kept), elements)


def _known(storages: dict[str, Storage], kind: StorageType, key: str, count: int) -> Storage:
    found = storages[key]
    if found.elements != (kind.elements or BYTES) or found.array.size != count:
        raise Malformed(f"storage {key!r} in two forms")
    return found


def _run(source: Source, stream: Stream, world: World) -> Any:
    try:
        return run(stream, world)
    except Malformed as error:
        raise source.error(f"it is damaged: its pickle is not valid ({error})") from None


class _Bounded:
    """A file from which no more is read than it has, whatever length a text claims to have."""

    def __init__(self, source: Source):
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.file.read(min(size, self._source.size))

    def readline(self) -> bytes:
        return self._source.file.readline(LINE)

"""Compiled code on disk, in entries that only this user can have written.

Entries are code that runs. So an entry is neither read nor written where another user could have put or changed it:
the directory, its folders and the entries must belong to this user, and nobody else may write to them. An entry is a
hash of its name and its code, and then the code. Where nothing can be stored, everything is compiled anew: slower, and
no error.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from ...files import write_bytes

FOLDER_BYTES = 4 << 20  # of each of the 256 folders; beyond it the least recently used entries are removed
DIGEST = hashlib.sha256().digest_size

# Do not wait for the writer of a pipe, do not follow a link. Windows has neither flag, and needs O_BINARY.
READING = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    READING |= getattr(os, _flag, 0)


def directory() -> Path | None:
    """The cache's directory: ``$TGCV_CACHE_DIR``, or ``tinygrad_cv`` in ``$XDG_CACHE_HOME``, or in ``~/.cache``.

    None if there is no home directory. A relative ``$XDG_CACHE_HOME`` is ignored, as the XDG specification says.
    """
    chosen = os.environ.get("TGCV_CACHE_DIR")
    if chosen:
        return Path(chosen)
    caches = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(caches) if os.path.isabs(caches) else Path.home() / ".cache") / "tinygrad_cv"
    except RuntimeError:
        return None


def entry_path(key: str) -> Path | None:
    """The file of an entry, in one of 256 folders, so that finding the oldest entry means looking at few."""
    root = directory()
    return root and root / key[:2] / key


def read_entry(key: str) -> bytes | None:
    """An entry's code; None if there is no entry that is complete and this user's own."""
    path = entry_path(key)
    if path is None or not _private(path.parent.parent, path.parent):
        return None
    try:
        data = _read(path)
    except OSError:
        return None
    digest, code = data[:DIGEST], data[DIGEST:]
    if _digest(key, code) != digest:
        return None
    with suppress(OSError):
        os.utime(path)  # the time of its last use
    return code


def write_entries(codes: dict[str, bytes]) -> None:
    """Write new entries, each completely or not at all. Does nothing where the directory cannot be written."""
    root = directory()
    if root is None:
        return
    with suppress(OSError):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key, code in codes.items():
            folder = root / key[:2]
            folder.mkdir(mode=0o700, exist_ok=True)
            if not _private(root, folder):
                return
            _make_way(folder / key)
            write_bytes(folder / key, _digest(key, code) + code, mode=0o600, sync=False)  # its hash tells if it is torn
            _bound(folder, FOLDER_BYTES)


def _read(path: Path) -> bytes:
    """The content of a regular file that is this user's own; empty for any other."""
    handle = os.open(path, READING)
    try:
        status = os.fstat(handle)
        if not (stat.S_ISREG(status.st_mode) and _ours_alone(status)):
            return b""
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def _make_way(path: Path) -> None:
    """Remove what has an entry's name and is not an entry."""
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        if not (stat.S_ISREG(status.st_mode) and _ours_alone(status)):
            path.unlink()


def _digest(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _private(*folders: Path) -> bool:
    """Whether nobody but this user can have written to these folders."""
    try:
        states = [folder.stat() for folder in folders]
    except OSError:
        return False
    return all(stat.S_ISDIR(state.st_mode) and _ours_alone(state) for state in states)


def _ours_alone(status: os.stat_result) -> bool:
    """Whether it belongs to this user, and nobody else may write to it. On Windows: True, a profile is its user's."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _bound(folder: Path, limit: int) -> None:
    """Remove the least recently used entries until the others fit the limit; the last one used stays."""
    entries = [path for path in folder.iterdir() if len(path.name) == 2 * DIGEST]  # a hash in hexadecimal digits
    used = sorted(((entry.stat(), entry) for entry in entries), key=lambda pair: -pair[0].st_mtime)
    total = 0
    for i, (status, entry) in enumerate(used):
        total += status.st_size
        if i and total > limit:
            entry.unlink(missing_ok=True)

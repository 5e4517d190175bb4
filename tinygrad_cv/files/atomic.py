"""Atomic writes: a file is complete or unchanged, whenever the program, the disk or the power fails."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PREFIX, SUFFIX = ".tinygrad_cv-", ".partial"  # of temporary files
ABANDONED = 3600  # age in seconds from which a temporary file is taken for one whose writer was killed


@contextmanager
def replacing(path: str | PathLike[str], mode: int = 0o666, sync: bool = True) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces ``path`` at the end of the block; if the block raises, it is deleted.

    It lies in the same folder, and is renamed once all of it is on the disk. Links are followed; what is not a regular
    file, such as a pipe or /dev/stdout, is written directly.

    Args:
        mode: the permissions of a new file, before the process's umask; an existing file keeps its own.
        sync: wait for the disk. Without this, a crash of the machine can leave an incomplete file.

    Raises:
        OSError: the file cannot be written; it is unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "numbers")
    ...     with replacing(path) as file:
    ...         _ = file.write(b"1 2 3")
    ...     path.read_bytes(), len(os.listdir(folder))
    (b'1 2 3', 1)
    """
    before = _status(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(path, "wb") as file:
            yield file
        return
    if before is not None and not os.access(path, os.W_OK):  # renaming would bypass its permissions
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    target = Path(os.path.realpath(path))
    _remove_abandoned(target.parent)
    temporary = target.parent / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if before is not None:
                with suppress(OSError):
                    os.chmod(temporary, stat.S_IMODE(before.st_mode))
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise
    if sync:
        _sync_folder(target.parent)


def write_bytes(path: str | PathLike[str], data: bytes, mode: int = 0o666, sync: bool = True) -> None:
    """Write a file at once; arguments and errors as for :func:`replacing`."""
    with replacing(path, mode, sync) as file:
        file.write(data)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a file in UTF-8, line ends unchanged; errors as for :func:`replacing`."""
    write_bytes(path, text.encode())


def write_figure(path: str | PathLike[str] | IO[Any], figure: Figure, **options: Any) -> None:
    """Write a Matplotlib figure to a path, in the format of its suffix, or to an open file.

    Args:
        options: passed to ``figure.savefig``.

    Raises:
        OSError: as for :func:`replacing`.
        ValueError: Matplotlib has no such format.
    """
    if not isinstance(path, (str, PathLike)):
        figure.savefig(path, **options)
        return
    drawn = io.BytesIO()
    figure.savefig(drawn, format=Path(path).suffix[1:] or "png", **options)
    write_bytes(path, drawn.getvalue())


def _status(path: str | PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _remove_abandoned(folder: Path) -> None:
    """Delete the temporary files of writers that were killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                        os.unlink(entry.path)


def _sync_folder(folder: Path) -> None:
    """Wait until a rename is on the disk, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

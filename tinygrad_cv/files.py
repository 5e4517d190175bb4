"""Writing files so that each is whole or as it was before, whenever the program, the disk or the power fails."""

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
from typing import IO, Any

PREFIX, SUFFIX = ".tinygrad_cv-", ".partial"  # of temporaries
ABANDONED = 3600  # seconds after which a temporary is known to have no writer


@contextmanager
def replacing(path: str | PathLike[str], mode: int = 0o666, sync: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of ``path`` when the block ends well, and else goes.

    It is written in the same folder, and renamed when all of it is on the disk. Links are followed, and what is not a
    regular file, such as a pipe or /dev/stdout, is written as it stands.

    Args:
        mode: the permissions of a new file, less the process's umask; a file that is there keeps its own.
        sync: wait for the disk. Without it a crash of the machine may leave a file that is not whole.

    Raises:
        OSError: the file cannot be written; it is as it was.

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
    if before is not None and not os.access(path, os.W_OK):  # a new name would pass over its permissions
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
    """Write a whole file; arguments and errors as for :func:`replacing`."""
    with replacing(path, mode, sync) as file:
        file.write(data)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a whole file in UTF-8, line ends as they are; errors as for :func:`replacing`."""
    write_bytes(path, text.encode())


def write_figure(path: str | PathLike[str] | IO[Any], figure: Any, **options: Any) -> None:
    """Write a Matplotlib figure, in the format that the path's ending names; or into an open file.

    Args:
        options: of ``figure.savefig``.

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
    """Remove what writers left that were killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                        os.unlink(entry.path)


def _sync_folder(folder: Path) -> None:
    """Put a new name on the disk, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

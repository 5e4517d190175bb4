"""Errors of files: one line that names the file, what is wrong with it, and what to do."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

DAMAGED = "Download or copy it again."


def wrong(reader: str, path: str | PathLike[str], reason: str, remedy: str = DAMAGED) -> ValueError:
    """The error of a file that holds something else than it should. What the file says of itself may be any text."""
    return ValueError(one_line(f"{reader}: {fspath(path)} {reason.rstrip('.')}. {remedy}"))


def missing(reader: str, path: str | PathLike[str], what: str, remedy: str) -> FileNotFoundError:
    """The error of a file or folder that is not there."""
    return FileNotFoundError(one_line(f"{reader}: there is no {what} {fspath(path)}. {remedy}"))


def one_line(text: str) -> str:
    """Text in which what does not print is spelled out.

    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def folder(reader: str, root: str | PathLike[str], remedy: str) -> Path:
    """A folder that is there.

    Raises:
        FileNotFoundError: it is not.
        ValueError: it is a file.
    """
    path = Path(root)
    if not path.exists():
        raise missing(reader, path, "folder", remedy)
    if not path.is_dir():
        raise wrong(reader, path, "is a file, and should be a folder", remedy)
    return path


def file(reader: str, path: str | PathLike[str], remedy: str) -> Path:
    """A file that is there, and no folder, pipe or device.

    Raises:
        FileNotFoundError: it is not.
        ValueError: it is something else.
    """
    found = Path(path)
    try:
        if found.is_file():
            return found
        there = found.exists()
    except OSError:  # links in a loop, before Python 3.13
        there = False
    if found.is_symlink() and not there:
        raise wrong(reader, found, "is a link that leads nowhere, or to itself", "Remove it, or set it right.")
    if there:
        raise wrong(reader, found, "is a folder, a pipe or a device, and should be a file", remedy)
    raise missing(reader, found, "file", remedy)

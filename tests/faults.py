"""File operations that fail one after another, as on a full disk or at a pulled plug."""

import builtins
import errno
import os

from tinygrad_cv.files import atomic

OPERATIONS = ("open", "write", "flush", "fsync", "replace", "chmod", "unlink", "mkdir", "stat", "lstat", "utime")


class _Failing:
    """A file whose writes are counted, and fail when it is their turn."""

    def __init__(self, file, turn):
        self._file, self._turn = file, turn

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        self._file.write(data[: len(data) // 2])
        self._turn("write")
        return self._file.write(data[len(data) // 2 :])

    def flush(self):
        self._turn("flush")
        self._file.flush()


def failing_in_turn(monkeypatch, action, number=errno.ENOSPC, kind=OSError):
    """Run ``action`` once for each of its file operations, that one failing; gives (operation, the error or None).

    Ends after the run in which nothing failed any more.
    """
    for which in range(1000):
        count, failed = 0, []

        def turn(name, which=which, failed=failed):
            nonlocal count
            count += 1
            if count == which + 1:
                failed.append(name)
                raise kind(number, os.strerror(number)) if kind is OSError else kind()

        def wrapped(name, original, turn=turn):
            def function(*arguments, **options):
                turn(name)
                return original(*arguments, **options)

            return function

        with monkeypatch.context() as patch:

            def opened(path, mode="r", *arguments, **options):
                turn("open")
                file = builtins.open(path, mode, *arguments, **options)  # noqa: SIM115
                return _Failing(file, turn) if "r" not in mode else file

            patch.setattr(atomic, "open", opened, raising=False)
            for name in OPERATIONS:
                if name not in ("open", "write", "flush"):
                    patch.setattr(os, name, wrapped(name, getattr(os, name)))
            error = None
            try:
                action()
            except (OSError, kind) as caught:
                error = caught
        if not failed:
            assert error is None
            return
        yield failed[0], error
    raise AssertionError("no end of file operations")

"""What a rank runs: a script, or a module, as Python would. Run as a script by `watch`.

As under ``python -m mpi4py``, a rank that fails does not wait for the others, as leaving MPI in order would; the
watcher then ends them all. And a rank does not outlive its watcher.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType

WAITING = "tinygrad_cv.mpi.waiting"  # the module that knows since when this rank waits for others
LOOK = 5.0  # seconds


def main(words: Sequence[str], alive: int, tell: Callable[[dict[str, float]], object]) -> None:
    """Run ``script.py argument ...`` or ``-m module argument ...``.

    Args:
        alive: a descriptor that gives its end when the watcher is gone.
        tell: called with a frame for the launcher.
    """
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    threading.Thread(target=_tell_waiting, args=(tell,), daemon=True).start()
    try:
        _run(list(words))
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        if code:
            _leave(code)
    except BaseException as error:
        error.__traceback__ = _of_the_program(error.__traceback__)
        if sys.excepthook is sys.__excepthook__:  # in one piece: others may fail at the same time
            sys.stderr.write("".join(traceback.format_exception(error)))
        else:
            sys.excepthook(type(error), error, error.__traceback__)
        _leave(128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1)


def _run(words: list[str]) -> None:
    if words[0] == "-m":
        sys.argv[:], sys.path[0] = words[1:], os.getcwd()
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:], sys.path[0] = words, os.path.dirname(os.path.abspath(words[0]))
        runpy.run_path(words[0], run_name="__main__")


def _of_the_program(trace: TracebackType | None) -> TracebackType | None:
    """Where an exception came from, without how the program was started; all of it if that is where it came from."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>", runpy.__file__):
        inner = inner.tb_next
    return inner or trace


def _leave(code: int) -> None:
    """End at once: what runs when Python ends includes MPI's end, which waits for the others."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code & 0xFF or 1)


def _end_with(alive: int) -> None:
    os.read(alive, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _tell_waiting(tell: Callable[[dict[str, float]], object]) -> None:
    """Tell for how long this rank has waited for others, as long as it does: so a rank that is slow can be named."""
    while True:
        time.sleep(LOOK)
        since = getattr(sys.modules.get(WAITING), "since", None)
        if since is not None and time.monotonic() - since > LOOK:
            tell({"waits": time.monotonic() - since})


if __name__ == "__main__":
    from watch import ALIVE, Report  # beside this file, not of the package

    main(sys.argv[1:], int(os.environ.pop(ALIVE)), Report().write)

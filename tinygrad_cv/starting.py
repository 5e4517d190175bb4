"""The first import: how Ctrl-C ends the command line while NumPy is still being imported."""

import signal
import sys
import threading


def end_quietly() -> None:
    """Let Ctrl-C end the command line without a traceback while it is still being imported.

    Nothing changes when another program imports the package. A command that runs takes the signal over again.
    """
    if _is_the_program(sys.orig_argv) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_the_program(argv: list[str]) -> bool:
    """Whether Python was started as ``python [options] -m tinygrad_cv`` or as the script ``tinygrad-cv``.

    >>> _is_the_program(["python", "-X", "dev", "-m", "tinygrad_cv", "train"])
    True
    >>> _is_the_program(["python", "/home/me/bin/tinygrad-cv", "train"])
    True
    >>> _is_the_program(["python", "-m", "mine", "-m", "tinygrad_cv"]), _is_the_program(["python", "train.py"])
    (False, False)
    """
    words = iter(argv[1:])
    for word in words:
        if word in ("-X", "-W"):
            next(words, None)
        elif word == "-m":
            return next(words, "") == "tinygrad_cv"
        elif not word.startswith("-"):
            return word.replace("\\", "/").rpartition("/")[2] in (
                "tinygrad-cv",
                "tinygrad-cv.exe",
                "tinygrad-cv-script.py",
            )
    return False


end_quietly()

"""Errors of workers: from an exception in one process to the same in another, with the traceback."""

from __future__ import annotations

import pickle
import signal
import traceback


class WorkerTraceback(Exception):
    """The cause of an error that was raised in a worker: the traceback there, as text."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text.rstrip()}"


class Failure:
    """An exception on its way from a worker."""

    def __init__(self, error: BaseException, doing: str):
        self.text = f"In a worker process of the DataLoader, at {doing}:\n" + "".join(traceback.format_exception(error))
        self.summary = "".join(traceback.format_exception_only(error)).strip()
        self.error: Exception | None = None
        if isinstance(error, Exception):  # SystemExit would end the program
            try:
                if type(pickle.loads(pickle.dumps(error))) is type(error):
                    self.error = error
            except Exception:
                pass  # the text says what it was

    def exception(self) -> Exception:
        """The same exception, or a RuntimeError where it cannot be made again."""
        error = self.error or RuntimeError(f"DataLoader: a worker raised {self.summary}")
        error.__cause__ = WorkerTraceback(self.text)
        return error


def death(name: str, exitcode: int | None, doing: str, begun: bool, report: str) -> RuntimeError:
    """The error that a worker process ended.

    Args:
        name: which one.
        exitcode: of its process; minus the signal that killed it.
        doing: what it had to do.
        begun: whether it had given any batch before.
        report: the traceback that it left, if it could.
    """
    if exitcode is None or exitcode >= 0:
        how = f"ended with exit code {exitcode}"
        remedy = "Something in the data set ended the process; num_workers=0 shows where."
        if not begun:
            remedy = (
                "A worker process imports the main script: put what it runs below 'if __name__ == \"__main__\":', or "
                "use workers='threads'. What the worker printed says more."
            )
    else:
        how = f"was killed by {_signal_name(-exitcode)}"
        remedy = "Native code crashed; num_workers=0 and a debugger show where."
        if -exitcode == signal.SIGTERM or -exitcode == getattr(signal, "SIGKILL", None):
            remedy = (
                "Somebody killed it, or the system, for want of memory: then use fewer workers, smaller batches or a "
                "lower prefetch_factor."
            )
    error = RuntimeError(f"DataLoader: {name} {how} at {doing}. {remedy}")
    if report:
        error.__cause__ = WorkerTraceback(report)
    return error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

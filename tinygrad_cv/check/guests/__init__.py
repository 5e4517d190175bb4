"""Functions of other libraries, one file a library. None is imported before something of that library is seen."""

from .recognition import is_function_class, recognised

__all__ = ["is_function_class", "recognised"]

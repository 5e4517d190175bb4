"""The options of a command in a TOML file: ``train --config FILE``, and ``config.toml`` in the folder of a run."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .options import UsageError

CONFIG = "--config"


def expanded(arguments: Sequence[str], known: Sequence[str]) -> list[str]:
    """The arguments of a command with the options of its ``--config FILE`` before the others, which so have the last
    word.

    Raises:
        UsageError: the file cannot be read, is not TOML, or has an option that is not among the known ones.
    """
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith(f"{CONFIG}=") else [word])]
    if CONFIG not in words[:-1]:
        return list(arguments)
    at = words.index(CONFIG)
    return [*words[:1], *options(Path(words[at + 1]), known), *words[1:at], *words[at + 2 :]]


def options(path: Path, known: Sequence[str]) -> list[str]:
    """The options that a file holds, as the command line has them.

    Raises:
        UsageError: the file cannot be read, is not TOML, or has an option that is not among the known ones.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{CONFIG}: {path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise UsageError(f"{CONFIG}: {path} is not TOML ({error}).") from None
    words: list[str] = []
    for name, value in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1) or known
            raise UsageError(f"{CONFIG}: {path} has {name!r}, which is no option; there is {', '.join(near)}.")
        if value is not False:
            words.append("--" + name.replace("_", "-"))
            values = value if isinstance(value, list) else [] if value is True else [value]
            words += map(str, values)
    return words


def text(settings: Mapping[str, Any]) -> str:
    """Settings as TOML; those that are None are left out.

    >>> print(text({"model": "convnet", "lr": 0.05, "classes": ["cat", "dog"], "no_jit": False, "data": None}), end="")
    model = "convnet"
    lr = 0.05
    classes = ["cat", "dog"]
    no_jit = false
    """
    lines = (f"{name} = {_value(value)}" for name, value in settings.items() if value is not None)
    return "".join(f"{line}\n" for line in lines)


def _value(value: Any) -> str:
    """A value as TOML writes it, which for these types is JSON."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)

"""The site on this machine, and on no other."""

from __future__ import annotations

import functools
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from os import PathLike
from pathlib import Path

# What the machine's own table may not know.
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


class Handler(SimpleHTTPRequestHandler):
    """Files of the site, told by their types; what is asked for is written down nowhere."""

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def guess_type(self, path: str | PathLike[str]) -> str:
        return TYPES.get(Path(path).suffix) or super().guess_type(path)


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """On loopback; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(site)))

"""A headless Chromium that is measured: pages from a folder, over loopback, and what their functions return."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HEADERS = {  # of a page that may share memory with its workers
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class Page:
    """A page that is open."""

    def __init__(self, browser: Any, address: str):
        self._browser, self._address = browser, address

    def open(self, name: str) -> None:
        """Load a file of the folder."""
        self._browser.get(f"{self._address}/{name}")

    def call(self, function: str, *arguments: Any) -> Any:
        """What a function of the page returns, or resolves to."""
        script = f"const given = [...arguments], done = given.pop(); Promise.resolve({function}(...given)).then(done)"
        return self._browser.execute_async_script(script, *arguments)

    def errors(self) -> list[str]:
        """What has been written to the console since the last time it was asked."""
        return [line["message"] for line in self._browser.get_log("browser")]


@contextmanager
def chromium(folder: Path) -> Iterator[Page | None]:
    """A browser that shows pages of a folder; None where there is none."""
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    try:
        from selenium import webdriver
    except ImportError:
        program = None
    if program is None or driver is None:
        yield None
        return
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(300)
    try:
        yield Page(browser, f"http://127.0.0.1:{server.server_port}")
    finally:
        browser.quit()
        server.shutdown()
        server.server_close()

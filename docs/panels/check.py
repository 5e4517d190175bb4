"""Look at built panels in Chromium: ``python -m docs.panels.check OUT`` prints what it found, and fails on a fault.

Each panel is opened alone, in English on a wide light page and in Korean on a dark phone. A fault is an error in the
console, a request to elsewhere, words without contrast, a control without a name or out of the keyboard's reach, what
does not fit. The time to the first number and the weight of what was loaded are printed, and bounded here alone, since
time depends on the machine.
"""

from __future__ import annotations

import functools
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

PANELS = "maps", "convolution", "pooling", "training", "batch_norm", "gradient_check", "drawings"
VIEWS = (("en", "light", 1000), ("ko", "dark", 390))
TAB = "\ue004"
SECOND, MEGABYTE = 1000, 1e6

FAULTS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")
CONTROLS = """
const all = [...document.querySelectorAll('.panel :is(input, button, a, [tabindex])')];
window.stops = all.filter((one) => !one.disabled && one.checkVisibility() && (one.type !== 'radio' || one.checked));
window.reached = new Set();
document.addEventListener('focusin', ({ target }) => window.reached.add(target));
document.activeElement.blur();
return window.stops.length;
"""
UNREACHED = "return window.stops.filter((one) => !window.reached.has(one)).map((one) => one.outerHTML.slice(0, 80))"
WEIGHT = """
const loaded = performance.getEntriesByType('resource').filter(({ name }) => !name.endsWith('.images'));
return loaded.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
"""


class Facts(NamedTuple):
    """What is measured and not judged by tests: milliseconds until the panel has its numbers, bytes without images."""

    first: float
    weight: float


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    try:
        yield browser
    finally:
        browser.quit()


def opened(
    browser: Any, address: str, panel: str, language: str = "en", theme: str = "light", width: int = 1000
) -> Facts:
    """Opens a panel alone, and waits until it has its numbers."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"{address}/index.html?lang={language}&theme={theme}&only={panel}")
    end = time.monotonic() + 30
    while not (first := browser.execute_script("return document.querySelector('.panel').dataset.ready")):
        if time.monotonic() > end:
            raise TimeoutError(f"the panel {panel} does not open: {browser.get_log('browser')}")
        time.sleep(0.02)
    return Facts(float(first), browser.execute_script(WEIGHT))


def all_opened(browser: Any, address: str) -> float:
    """Opens all panels in one page, as a reader who scrolls does: bytes without images."""
    browser.get(f"{address}/index.html")
    for panel in PANELS:
        one = browser.find_element("css selector", f"[data-panel={panel}]")
        browser.execute_script("arguments[0].scrollIntoView()", one)
        while not one.get_attribute("data-ready"):
            time.sleep(0.02)
    return browser.execute_script(WEIGHT)


def faults(browser: Any) -> list[str]:
    """What is wrong with the panel that is open."""
    found = browser.execute_script(FAULTS)
    browser.switch_to.active_element.send_keys(TAB * (browser.execute_script(CONTROLS) + 1))
    found += [f"out of the keyboard's reach: {one}" for one in browser.execute_script(UNREACHED)]
    return found + [line["message"] for line in browser.get_log("browser")]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not (Path(arguments[0]) / "panels.mjs").exists():
        print("usage: python -m docs.panels.check OUT, which python -m docs.panels.build has made", file=sys.stderr)
        return 2
    wrong = 0
    with served(Path(arguments[0])) as address, chromium() as browser:
        for panel in PANELS:
            for view in VIEWS:
                facts = opened(browser, address, panel, *view)
                found = faults(browser)
                found += ["its first number comes after a second"] * (facts.first > SECOND)
                found += ["it weighs more than a megabyte"] * (facts.weight > MEGABYTE)
                wrong += len(found)
                print(f"{panel:15s} {' '.join(map(str, view)):15s} {facts.first:5.0f} ms {facts.weight / 1000:5.0f} kB")
                print(*(f"    {fault}\n" for fault in found), sep="", end="")
        weight = all_opened(browser, address)
        wrong += weight > MEGABYTE
        print(f"all in one page: {weight / 1000:.0f} kB, of at most a megabyte without images")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

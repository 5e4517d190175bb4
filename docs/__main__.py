"""``python -m docs``: the site in English and Korean, its links checked; ``--serve`` shows it on this machine.

``--catalogues`` brings docs/locales up to date with the English pages instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from docs.panels.build import build as build_panels
from docs.website import check, font
from docs.website.languages import LANGUAGES, translated
from docs.website.panels import FOLDER as PANELS
from docs.website.server import server

ROOT = Path(__file__).parents[1]
CONFIGURATION, LOCALES = ROOT / "docs" / "website", ROOT / "docs" / "locales"
START = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>tinygrad_cv</title>
<meta name="viewport" content="width=device-width">
<script>location.replace((navigator.language.startsWith("ko") ? "ko" : "en") + "/docs/index.html")</script>
<p><a href="en/docs/index.html">English</a> · <a href="ko/docs/index.html" lang="ko">한국어</a></p>
</html>
"""


# Of the kernels that run the cells. Otherwise they send what is printed in pieces, which MyST-NB joins by line breaks.
KERNEL = {
    "startup/00-in-one-piece.py": "import sys\nsys.stdout.flush_interval = sys.stderr.flush_interval = 3600\n",
    "ipython_kernel_config.py": "get_config().IPKernelApp.log_level = 'ERROR'\n",
}


def kernel_profile(folder: Path) -> Path:
    for name, text in KERNEL.items():
        path = folder / "profile_default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def sphinx(builder: str, language: str, out: Path, work: Path, *more: str) -> None:
    """Run Sphinx on the checkout; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-b", builder]
    command += ["-c", CONFIGURATION, "-d", work / language, "-D", f"language={language}", *more, ROOT, out]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TGCV_CELLS": str(work / "cells")}
    environment["IPYTHONDIR"] = str(kernel_profile(work / "ipython"))
    if subprocess.run(list(map(str, command)), env=environment, cwd=ROOT).returncode:
        sys.exit(f"docs: {builder} in {language}: see the warnings above")


def build(site: Path, work: Path) -> None:
    for language, name in LANGUAGES.items():
        print(f"{name}: {site / language}", flush=True)
        sphinx("html", language, site / language, work)
        for leftover in (".buildinfo", "objects.inv"):
            (site / language / leftover).unlink(missing_ok=True)
    (site / "index.html").write_text(START, encoding="utf-8")
    build_panels(site / PANELS)
    font.write(site)
    faults = check.faults(site)
    if faults:
        sys.exit("\n".join(["docs: links that lead nowhere, or off the site:", *faults]))
    print(f"{sum(1 for _ in site.rglob('*.html'))} pages; every link and anchor leads somewhere")


def catalogues(work: Path) -> None:
    """Bring the catalogues up to date. What cells print is no text of a page: none is run."""
    pot = work / "pot"
    shutil.rmtree(pot, ignore_errors=True)
    sphinx(
        "gettext", "en", pot, work / "gettext", "-D", "nb_execution_mode=off", "-D", "suppress_warnings=myst-nb.lexer"
    )
    for path in pot.rglob("*.pot"):
        if not translated(path.relative_to(pot).with_suffix("").as_posix()):
            path.unlink()
    command = [sys.executable, "-m", "sphinx_intl", "update", "-p", pot, "-d", LOCALES, "-l", "ko", "-w", "0"]
    subprocess.run(list(map(str, command)), check=True)


def serve(site: Path, port: int) -> None:
    """Until Ctrl-C."""
    with server(site, port) as listening:
        print(f"http://127.0.0.1:{listening.server_port}/    Ctrl-C ends", flush=True)
        try:
            listening.serve_forever()
        except KeyboardInterrupt:
            print()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="where to (default: build/site)")
    parser.add_argument(
        "--fresh", action="store_true", help="forget what earlier builds kept, outputs of cells included"
    )
    parser.add_argument("--serve", action="store_true", help="then show the site on 127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="for --serve; 0 takes a free one (default: 8000)")
    parser.add_argument("--catalogues", action="store_true", help="bring docs/locales up to date, and build nothing")
    options = parser.parse_args(arguments)
    site = options.out.resolve()
    work = site.with_name(site.name + ".work")
    if options.fresh:
        shutil.rmtree(site, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    if options.catalogues:
        return catalogues(work)
    build(site, work)
    if options.serve:
        serve(site, options.port)


if __name__ == "__main__":
    main()

"""Look at the built site in Chromium, as a reader would: ``python -m docs.website.look [SITE]``.

Of the lecture's pages in both languages, light and dark: live panels open, nothing fails or is loaded from elsewhere,
every text has a contrast of at least 4.5 to what is behind it, nothing is wider than a phone, and words are found.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from docs.website.languages import LANGUAGES
from docs.website.server import server

CONTRAST = 4.5  # WCAG 2.2, 1.4.3
PHONE = 390  # pixels
# What a student looks for, and a page of the lecture that must be among what is found.
WORDS = {
    "합성곱": "one_by_one",
    "필터": "convolution",
    "가중치": "one_by_one",
    "편향": "convolution",
    "패딩": "convolution",
    "스트라이드": "pooling",
    "커널": "convolution",
    "채널": "normalizations",
    "수용 영역": "convolution",
    "풀링": "pooling",
    "불변": "pooling",
    "활성화": "components",
    "드롭아웃": "components",
    "부피": "volume",
    "학습률": "deep",
    "소실": "deep",
    "기울기": "batch_norm",
    "역전파": "batch_norm",
    "분산": "batch_norm",
    "정규화": "normalizations",
    "배치": "train_and_test",
    "창": "pooling",
}
MEASURE = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def faults(driver: webdriver.Chrome, home: str, pages: list[str]) -> Iterator[str]:
    for page in pages:
        driver.get(home + page)
        yield from (f"{page}: the panel {name} does not open" for name in closed(driver))
        yield from (f"{page}: {entry['message']}" for entry in driver.get_log("browser") if entry["level"] == "SEVERE")
        yield from (f"{page}: asks for {url}" for url in requests(driver) if not url.startswith((home, "data:")))
        for theme in ("light", "dark"):
            driver.execute_script("document.body.dataset.theme = arguments[0]", theme)
            for text, ratio in driver.execute_script(MEASURE, CONTRAST):
                yield f"{page}, {theme}: contrast {ratio:.2f}: {text}"


def closed(driver: webdriver.Chrome) -> Iterator[str]:
    """Bring each live panel of the page into the window; those that do not load."""
    for panel in driver.find_elements(By.CSS_SELECTOR, ".panel[data-panel]"):
        driver.execute_script("arguments[0].scrollIntoView()", panel)
        WebDriverWait(driver, 60).until(
            lambda _, panel=panel: (
                panel.get_attribute("data-ready") or panel.find_elements(By.CSS_SELECTOR, "[role=alert]")
            )
        )
        if not panel.get_attribute("data-ready"):
            yield panel.get_attribute("data-panel")


def too_wide(driver: webdriver.Chrome, home: str, pages: list[str]) -> Iterator[str]:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": PHONE, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    for page in pages:
        driver.get(home + page)
        width = driver.execute_script("return document.documentElement.scrollWidth")
        if width > PHONE:
            yield f"{page}: {width} pixels wide on a phone of {PHONE}"
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def not_found(driver: webdriver.Chrome, home: str) -> Iterator[str]:
    for word, page in WORDS.items():
        driver.get(f"{home}ko/search.html?q={quote(word)}")
        WebDriverWait(driver, 20).until(is_finished)
        links = [link.get_attribute("href") for link in driver.find_elements(By.CSS_SELECTOR, "ul.search a")]
        if not any(f"/docs/lecture/{page}.html" in link for link in links):
            yield f"search for {word}: not {page}, but {len(links)} others"


def is_finished(driver: webdriver.Chrome) -> bool:
    """Whether the search has said how many pages there are, and shows as many."""
    summary = "".join(element.text for element in driver.find_elements(By.CLASS_NAME, "search-summary"))
    shown = len(driver.find_elements(By.CSS_SELECTOR, "ul.search li"))
    number = re.search(r"\d+", summary)
    return bool(summary) and shown == (int(number[0]) if number else 0)


def requests(driver: webdriver.Chrome) -> Iterator[str]:
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def main(site: Path) -> None:
    names = sorted(f"docs/lecture/{path.stem}" for path in (site / "en/docs/lecture").glob("*.html"))
    names += ["docs/index", "docs/coming_from_pytorch", "docs/reference/functional", "docs/derivation"]
    pages = [f"{language}/{name}.html" for language in LANGUAGES for name in names]
    with server(site, 0) as listening, browser() as driver:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{listening.server_port}/"
        found = [*faults(driver, home, pages), *too_wide(driver, home, pages), *not_found(driver, home)]
        listening.shutdown()
    if found:
        sys.exit("\n".join(["docs: a reader would see", *found]))
    print(f"{len(pages)} pages looked at, in light and dark; {len(WORDS)} Korean words found")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site").resolve())

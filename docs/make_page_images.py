"""Take the pictures of the interactive page: ``python docs/make_page_images.py`` (needs Chromium and selenium)."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

import tinygrad_cv as tg
from tinygrad_cv.models import lenet5

IMAGES = Path(__file__).parent / "images"
SCHEMES = {"light": "en", "dark": "ko"}  # and the language that each is taken in
DRAWN = "return performance.getEntriesByName('first picture', 'measure').length"


def main() -> int:
    """LeNet-5 and its backward pass, the first convolution opened."""
    tg.manual_seed(0)
    net = lenet5()
    view = tg.graph(net, tg.randn(8, 1, 28, 28), part="both", values=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "LeNet-5.html"
        view.html(path)
        for scheme, language in SCHEMES.items():
            _take(path, scheme, language)
    return 0


def _take(path: Path, scheme: str, language: str) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "window-size=1280,1000",
        f"lang={language}",
    ):
        options.add_argument(f"--{argument}")
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        browser.get(path.as_uri())
        while not browser.execute_script(DRAWN):
            time.sleep(0.05)
        browser.find_element(By.CSS_SELECTOR, '.node[aria-expanded="false"][aria-label*="conv1"]').click()
        time.sleep(1.0)
        named = "[...document.querySelectorAll('.node')].find(n => n.textContent.includes('ncijuv'))"
        browser.execute_script(f"return {named}").click()
        if language == "ko":
            browser.find_element(By.XPATH, "//button[text()='한국어']").click()
        webdriver.ActionChains(browser).move_to_element(browser.find_element(By.ID, "search")).perform()
        time.sleep(1.0)
        browser.save_screenshot(str(IMAGES / f"page_{scheme}.png"))
    finally:
        browser.quit()


if __name__ == "__main__":
    raise SystemExit(main())

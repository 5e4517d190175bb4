"""Panels in a real browser: they open without a fault, and answer to keys, pens and clicks."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from docs.panels.check import PANELS, VIEWS, chromium, faults, opened, served

KEY = {"right": "\ue014", "down": "\ue015"}


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (shutil.which("chromium") or shutil.which("google-chrome")) or not shutil.which("chromedriver"):
        pytest.skip("no chromium and chromedriver are installed (apt install chromium chromium-driver)")
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(out):
    with served(out) as found:
        yield found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_opens_without_a_fault(panel, view, browser, address):
    opened(browser, address, panel, *view)
    assert faults(browser) == []


def test_faults_are_found(browser, address):
    opened(browser, address, "pooling")
    browser.execute_script("""
        const panel = document.querySelector('.panel');
        panel.insertAdjacentHTML('beforeend', `<p style="color: #999">pale</p><button tabindex="-1">x</button>
          <input type="range"><p style="width: 3000px; white-space: nowrap">undefined</p><a></a>`);
        console.error('said');
        document.querySelector('a').tabIndex = 0;
    """)
    found = "\n".join(faults(browser))
    for part in ("contrast: pale", "a control without a name: <input", "a control without a name: <a", "said"):
        assert part in found
    for part in ("words: undefined", "wider than the window", "reach: <button"):
        assert part in found


def values(browser, name=".readouts b"):
    return [one.text for one in browser.find_elements("css selector", name)]


def test_a_value_is_pushed_by_the_keyboard(browser, address):
    opened(browser, address, "batch_norm")
    x = np.array([-1.6, -0.9, -0.4, 0.1, 0.4, 0.9, 1.5, 2.6])
    np.testing.assert_allclose([float(text) for text in values(browser)[:2]], [x.mean(), x.var()], atol=0.0051)
    browser.find_elements("css selector", ".dot")[7].send_keys(KEY["right"])
    x[7] += 0.1
    np.testing.assert_allclose([float(text) for text in values(browser)[:2]], [x.mean(), x.var()], atol=0.0051)


def test_a_value_is_pushed_by_a_finger(browser, address):
    opened(browser, address, "batch_norm", width=390)
    dot = browser.find_elements("css selector", ".dot")[7]
    place = dot.rect
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    points = [[{"x": x - 8 * i, "y": y + 20 * i}] for i in range(5)]
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, fingers in [("touchStart", points[0]), *(("touchMove", p) for p in points), ("touchEnd", [])]:
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert browser.execute_script("return scrollY") == 0
    assert 1.2 < float(dot.get_attribute("aria-valuenow")) < 2.3


def test_the_gradient_check_names_what_is_missing(browser, address):
    opened(browser, address, "gradient_check")
    verdict = browser.find_element("css selector", ".verdict")
    assert verdict.text == "The path through the variance is missing."
    everything, _, no_mean, _ = browser.find_elements("css selector", "button")
    everything.click()
    assert values(browser)[0] == "passes" and verdict.text == "Right: all three paths are there."
    no_mean.click()
    assert values(browser)[0] == "fails" and verdict.text == "The path through the mean is missing."
    browser.find_element("css selector", "input[value='mean_sum']").send_keys(" ")
    assert "a sum stands where a mean belongs" in verdict.text


def test_hyperparameters_give_sizes_and_fields(browser, address):
    opened(browser, address, "convolution")
    sliders = browser.find_elements("css selector", ".slider input")
    for number in (2, 5):  # stride 2, two layers
        sliders[number].send_keys(KEY["right"])
    assert browser.find_element("css selector", ".formula").text.endswith("= 3")
    assert values(browser)[0] == "7 × 7"
    output = browser.find_element("css selector", "[role=application]")
    output.send_keys(KEY["down"])
    assert values(browser)[1] == "49"


def test_it_trains_in_the_page(browser, address):
    opened(browser, address, "training")
    before = float(values(browser)[3].split()[0])
    button = browser.find_element("css selector", ".primary")
    button.click()
    steps = "return +document.querySelectorAll('.readouts b')[0].textContent >= 60"
    for _ in range(600):
        if browser.execute_async_script(f"requestAnimationFrame(() => arguments[0]((() => {{ {steps} }})()))"):
            break
    button.click()
    assert before < 30 and float(values(browser)[3].split()[0]) > 55
    assert len(values(browser, ".runs li")) == 1


def test_a_drawing_is_seen(browser, address):
    from selenium.webdriver import ActionChains

    opened(browser, address, "maps")
    before = values(browser, ".bars b")
    paper = browser.find_element("css selector", ".pad")
    moves = ActionChains(browser, duration=20).move_to_element_with_offset(paper, 0, -50).click_and_hold()
    moves.move_by_offset(0, 50).move_by_offset(0, 50).release().perform()
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert len(browser.find_elements("css selector", ".pad polyline")) == 1
    assert values(browser, ".bars b") != before
    assert not browser.find_elements("css selector", ".gallery input:checked")
    assert [line["message"] for line in browser.get_log("browser")] == []

"""The interactive page: its text, its vendored libraries, and how it behaves in a real browser."""

import base64
import hashlib
import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.viz import GraphView
from tinygrad_cv.viz.page import page as module
from tinygrad_cv.viz.page.page import TrainingStep
from tinygrad_cv.viz.records import EdgeView, NodeView, Records, ScopeView

any_python = pytest.mark.any_python
UNFRIENDLY = '</script><script>alert(1)</script><!-- <b>&"한글\u2028\\N'
MEGABYTE = 2**20


def lenet(**options):
    tg.manual_seed(0)
    return tg.graph(tg.models.lenet5(), tg.randn(2, 1, 28, 28), **options)


def resnet():
    """A training graph: forward and backward, with what values and gradients are like."""
    tg.manual_seed(0)
    model, labels = tg.models.resnet20(), tg.randint(0, 10, 2)
    images, names = tg.randn(2, 3, 32, 32), {"model": model}
    return tg.graph(lambda x: F.cross_entropy(model(x), labels), images, names=names, part="both", values=True)


def text_of(view, title="graph", run=None):
    return module.page(Records(view.nodes, view.edges, view.scopes), title, run)


# The text


@any_python
def test_the_vendored_files_are_the_pinned_ones():
    folder = Path(module.__file__).parent / "vendor"
    pins = json.loads((folder / "pins.json").read_text())
    for package in pins.values():
        for name, file in package["files"].items():
            digest = base64.b64encode(hashlib.sha512((folder / name).read_bytes()).digest()).decode()
            assert file["integrity"] == f"sha512-{digest}", name


@any_python
def test_a_page_names_what_it_contains_and_loads_nothing():
    text = text_of(lenet())
    assert "Michael Daines" in text and "Redistribution and use in source and binary forms" in text
    assert "default-src 'none'" in text and "unsafe-eval'" not in text.replace("'wasm-unsafe-eval'", "")
    assert not re.search(r"<(link|img|iframe|script[^>]* src)|@import|url\((?!#)", text.split("<!--")[0])
    assert not re.search(r"[^.\w]eval\(|new Function", text)


@any_python
def test_no_word_of_the_records_is_markup():
    node = NodeView(0, "input", name=UNFRIENDLY, formula=UNFRIENDLY, source=UNFRIENDLY)
    text = module.page(Records((node,), (), ()), UNFRIENDLY)
    plain = module.page(Records((replace(node, name="a", formula="b", source="c"),), (), ()), "d")
    assert text.count("<script") == plain.count("<script") and text.count("</script") == plain.count("</script")
    assert text.count("<!--") == plain.count("<!--")
    text.encode()
    module.page(Records((replace(node, name="\ud800"),), (), ()), "lone \ud800").encode()


@any_python
def test_numbers_that_json_does_not_have_are_words():
    view = GraphView(Records((NodeView(0, "leaf"),), (), ()))
    facts = {"statistics": {"mean": float("nan"), "norm": float("inf"), "histogram": (1, 2)}}
    text = text_of(view, run=[TrainingStep(0, float("nan"), {0: facts})])
    assert "NaN" not in text.split('id="records">')[1].split("<")[0]


@any_python
def test_html_writes_a_page_named_after_its_file(tmp_path):
    lenet().html(tmp_path / "net.html")
    assert "<title>net</title>" in (tmp_path / "net.html").read_text(encoding="utf-8")
    lenet().html(tmp_path / "net.html", title="A & B")
    assert "<title>A &amp; B</title>" in (tmp_path / "net.html").read_text(encoding="utf-8")


def test_a_training_graph_is_written_small(tmp_path):
    view, path = resnet(), tmp_path / "resnet20.html"
    view.html(path)
    assert path.stat().st_size < 3 * MEGABYTE


# In the browser


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium of Debian's, or of whoever calls it so."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium and chromedriver are installed (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1280,900", "lang=en"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


class Tab:
    """A page in the browser, and what a test does with it."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.get(path.as_uri())
        self.wait(lambda: self.measured("first picture"))
        self.settle()

    def settle(self):
        """What was asked for is drawn with the next animation frame: returns after that one."""
        self.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def place(self, element):
        """Where an element lies when all is drawn."""
        self.settle()
        return element.rect

    def wait(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "the page did not get there"
            time.sleep(0.02)
        return value

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        (element,) = self.all(selector)
        return element

    def measured(self, name):
        """Milliseconds, of each time."""
        return self.run("return performance.getEntriesByName(arguments[0], 'measure').map(m => m.duration)", name)

    def words(self, selector=".node .heading"):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)

    def items(self):
        return self.run("return [...document.querySelectorAll('.node')].map(node => node.dataset.item)")

    def closed(self, label):
        """A closed layer, by the beginning of what a screen reader says of it."""
        return self.one(f'.node[aria-expanded="false"][aria-label^="{label}"]')

    def press(self, *keys):
        chain = self.actions()
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def actions(self):
        from selenium.webdriver import ActionChains

        return ActionChains(self.browser)

    def focused(self):
        return self.browser.switch_to.active_element

    def search(self, text):
        field = self.one("#search")
        field.clear()
        field.send_keys(text)
        return self.words("#results [role=option]")

    def fact(self, name):
        return self.one(f'#panel [data-fact="{name}"]').text

    def problems(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if "favicon" not in entry["message"]]


@pytest.fixture
def open_page(chromium, tmp_path):
    """Writes a page and opens it; afterwards nothing may stand in the console, nor may a request have been made."""
    tabs = []

    def go(view, run=None):
        path = tmp_path / f"page{len(tabs)}.html"
        view.html(path, "A page", run)
        tabs.append(Tab(chromium, path))
        return tabs[-1]

    yield go
    for tab in tabs:
        assert tab.problems() == []
    assert tabs[-1].run("return performance.getEntriesByType('resource').map(entry => entry.name)") == []


@pytest.fixture
def keys():
    return pytest.importorskip("selenium.webdriver.common.keys").Keys


def test_everything_is_closed_at_first_and_can_be_read(open_page):
    view = lenet()
    tab = open_page(view)
    layers = view.collapse(1).nodes
    assert len(tab.items()) == len(layers)
    assert tab.words() == [node.label or node.name or node.kind for node in layers]
    assert tab.run("return document.querySelector('.node').getCTM().a") >= 0.8
    assert "Select a node" in tab.one("#panel").text


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_depth_shows_what_the_other_pictures_show(depth, open_page):
    model = tg.models.resnet20()
    view = tg.graph(model, tg.zeros(1, 3, 32, 32))
    tab = open_page(view)
    for _ in range(depth - 1):
        # all at once: the layout of each step in between is not what is tested
        tab.run("for (const s of [...page.closed]) if (page.picture.visible.items.has(`g${s}f`)) page.closed.delete(s)")
        tab.run("page.draw()")
    assert len(tab.items()) == len(view.collapse(depth).nodes)
    assert tab.run("return page.picture.visible.edges.length") == len(view.collapse(depth).edges)


def test_a_collapsed_view_has_a_page_too(open_page):
    view = lenet().collapse(1)
    tab = open_page(view)
    assert len(tab.items()) == len(view.nodes) and "max_pool2d" in tab.words()


def test_a_compiled_function_opens_by_kernels(open_page):
    pytest.importorskip("llvmlite")
    f = tg.jit(lambda x: (x.exp() * 2.0).sum())
    f(tg.ones(4, 4))
    view = f.graph(tg.ones(4, 4), fused=True)
    tab = open_page(view)
    assert sum(word.startswith("kernel") for word in tab.words()) == len(view.scopes)
    tab.one("#open-all").click()
    assert len(tab.items()) == len(view.nodes) and len(tab.all(".header")) == len(view.scopes)


def test_a_layer_opens_and_closes(open_page):
    tab = open_page(lenet())
    before = tab.items()
    place = tab.place(tab.closed("conv2d · conv1"))
    tab.closed("conv2d · conv1").click()
    assert {"pad", "windows", "contract", "weight", "bias"} <= set(tab.words())
    header = tab.one('.header[aria-label^="conv1"]')
    moved = tab.place(header)
    assert abs(moved["x"] - place["x"]) < 12 and abs(moved["y"] - place["y"]) < 12
    assert tab.one("#panel h2").text == "conv2d" and tab.fact("shape") == "2×20×28×28"
    assert tab.fact("parameters") == "520"
    header.click()
    assert tab.items() == before
    assert tab.closed("conv2d · conv1").get_attribute("class").endswith("selected")


def test_a_frame_around_layers_closes_too(open_page):
    tab = open_page(tg.graph(tg.models.resnet20(), tg.zeros(1, 3, 32, 32)))
    count = len(tab.items())
    tab.all('.header[aria-label^="layer1"]')[0].click()
    assert len(tab.items()) < count and "layer1" in tab.words()
    tab.one("#close-all").click()
    assert len(tab.items()) == count


def test_all_layers_open_at_once(open_page):
    view = lenet()
    tab = open_page(view)
    tab.one("#open-all").click()
    assert len(tab.items()) == len(view.nodes) and not tab.all('.node[aria-expanded="false"]')
    tab.one("#close-all").click()
    assert len(tab.items()) == len(view.collapse(1).nodes)


def test_a_tap_opens(open_page, chromium):
    tab = open_page(lenet())
    place = tab.place(tab.closed("conv2d · conv1"))
    point = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    chromium.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    chromium.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait(lambda: "windows" in tab.words())
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_a_drag_moves_the_drawing_and_opens_nothing(open_page):
    tab = open_page(lenet())
    before, node = tab.items(), tab.closed("conv2d · conv1")
    place = tab.place(node)
    tab.actions().click_and_hold(node).move_by_offset(60, 40).release().perform()
    assert tab.items() == before
    moved = tab.place(node)
    assert round(moved["x"] - place["x"]) == 60 and round(moved["y"] - place["y"]) == 40


def test_the_wheel_and_the_buttons_zoom(open_page):
    tab = open_page(lenet())

    def scale():
        tab.settle()
        return tab.run("return document.querySelector('.node').getCTM().a")

    first = scale()
    tab.one("#zoom-in").click()
    second = scale()
    assert second > first
    wheel = {"type": "mouseWheel", "x": 400, "y": 400, "deltaX": 0, "deltaY": -200}

    def turned():  # again where a busy browser has dropped it
        tab.browser.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
        return scale() > second

    tab.wait(turned)
    tab.one("#fit").click()
    stage = tab.place(tab.one("#drawing"))
    box = tab.run("return document.querySelector('#viewport').getBoundingClientRect()")
    assert box["top"] >= stage["y"] and box["bottom"] <= stage["y"] + stage["height"]


def test_the_keyboard_does_all(open_page, keys):
    tab = open_page(lenet())
    tab.closed("conv2d · conv1")
    tab.run("document.querySelector('.node').focus()")
    tab.press(keys.ARROW_DOWN)
    assert tab.focused().get_attribute("aria-label").startswith("conv2d · conv1")
    tab.press(keys.ARROW_DOWN, keys.ARROW_DOWN, keys.ARROW_UP)
    assert tab.focused().get_attribute("aria-label").startswith("relu · relu1")
    tab.press(keys.ENTER)
    assert tab.focused().get_attribute("aria-label").startswith("relu1 relu")
    assert tab.focused().get_attribute("aria-expanded") == "true"
    tab.press(keys.ARROW_DOWN)
    assert tab.focused().get_attribute("data-item").startswith("n")
    tab.press(keys.SPACE)
    assert tab.one("#panel h2").text == tab.focused().find_element("css selector", ".heading").text
    tab.press(keys.ESCAPE)
    assert tab.focused().get_attribute("aria-label").startswith("relu · relu1")
    assert tab.focused().get_attribute("aria-expanded") == "false"
    tab.press(keys.TAB)
    assert tab.focused().get_attribute("data-item") is not None
    tab.press("/")
    assert tab.focused().get_attribute("id") == "search" and tab.focused().get_attribute("value") == ""


def test_search_finds_names_operations_and_shapes(open_page, keys):
    tab = open_page(lenet())
    assert any("conv2.weight" in row for row in tab.search("conv2.weight"))
    assert len(tab.search("contract")) == 4
    for text in ("20x1x5x5", "20×1×5×5", "20, 1, 5, 5", "20 x 1 x 5 x 5"):
        assert [row.split()[0] for row in tab.search(text)] == ["conv1.weight"], text
    assert "Nothing found" in (tab.search("no such thing"), tab.one("#results").text)[1]
    tab.search("contract")
    tab.press(keys.ARROW_DOWN, keys.ENTER)
    selected = tab.one(".node.selected")
    assert selected.get_attribute("aria-label").startswith("contract")
    assert tab.one('.header[aria-label^="conv2"]') and tab.fact("operation") == "contract"
    middle, stage = tab.place(selected), tab.place(tab.one("#drawing"))
    assert abs(middle["x"] + middle["width"] / 2 - stage["x"] - stage["width"] / 2) < 3
    assert tab.focused() == selected
    tab.search("conv1.weight")
    tab.all("#results [role=option]")[0].click()
    assert tab.one(".node.selected .heading").text == "weight"


def test_the_panel_says_all_of_a_node(open_page):
    view = lenet(values=True)
    node = next(node for node in view.nodes if node.op == "contract" and node.module.endswith("conv2"))
    tab = open_page(view)
    assert "conv2" in tab.search("contract conv2")[0]
    tab.all("#results [role=option]")[0].click()
    assert (tab.one("#panel h2").text, tab.fact("shape"), tab.fact("dtype")) == ("contract", "2×50×14×14", "float32")
    assert tab.fact("source").startswith("test_page.py:")
    assert tab.fact("saved")
    assert "∂L/∂b" in tab.one("#panel").text
    mean = tab.all('[data-numbers="statistics"] dd')[0].text
    assert float(mean) == pytest.approx(node.statistics.mean, rel=1e-3)
    assert len(tab.all("#panel .histogram")) == 2
    users = tab.all('[data-links="users"] button')
    assert len(users) == 1
    users[0].click()
    assert tab.one("#panel h2").text == "add"


def test_hovering_shows_the_local_derivative(open_page):
    x, y = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    tab = open_page(tg.graph(x * y, names={"x": x, "y": y}))
    assert tab.one("#tip").is_displayed() is False
    mul = next(node for node in tab.all(".node") if node.text.startswith("mul"))
    tab.actions().move_to_element(mul).perform()
    text = tab.wait(lambda: tab.one("#tip").text)
    assert "a b" in text and "∂L/∂a = g" in text and "∂L/∂b = g" in text


def test_words_are_english_and_korean(open_page):
    tab = open_page(lenet())
    assert tab.one("html").get_attribute("lang") == "en" and "conv2d" in tab.words()
    tab.one("#language").click()
    assert tab.one("html").get_attribute("lang") == "ko"
    assert {"합성곱", "최대 풀링", "선형 변환"} <= set(tab.words())
    assert "상세 정보" in tab.one("#panel").text and tab.one("#fit").text == "전체 그래프"
    assert len(tab.search("최대 풀링")) == 2
    tab.one("#language").click()
    assert "conv2d" in tab.words() and tab.one("#fit").text == "Whole graph"


def test_both_languages_have_the_same_words(open_page):
    tab = open_page(lenet())
    english, korean = tab.run("return [Object.keys(WORDS.en), Object.keys(WORDS.ko)]")
    assert english == korean


def test_dark_is_followed_and_switched(open_page, chromium):
    tab = open_page(lenet())
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = tab.run(ground)
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    dark = tab.wait(lambda: tab.run(ground) != light and tab.run(ground))
    tab.one("#theme").click()
    assert tab.run(ground) == light
    tab.one("#theme").click()
    assert tab.run(ground) == dark
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


CONTRAST = """
const luminance = (colour) => {
  const linear = (c) => (c <= 0.04 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = colour.match(/\\d+/g).map((n) => linear(n / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (node, text) => {
  const fill = getComputedStyle(node.querySelector(".shape")).fill;
  const ground = fill.startsWith("rgba(0, 0, 0, 0)") ? getComputedStyle(document.body).backgroundColor : fill;
  const [a, b] = [getComputedStyle(text).fill, ground].map(luminance).sort((x, y) => y - x);
  return [text.textContent, (a + 0.05) / (b + 0.05)];
};
const texts = (node) => [...node.querySelectorAll(".heading, .line")].map((text) => contrast(node, text));
return [...document.querySelectorAll(".node")].flatMap(texts);
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_in_nodes_have_contrast(theme, open_page):
    tab = open_page(lenet())
    tab.run("document.documentElement.dataset.theme = arguments[0]", theme)
    assert [(text, ratio) for text, ratio in tab.run(CONTRAST) if ratio < 4.5] == []


def test_words_stay_inside_of_their_nodes(open_page):
    tab = open_page(lenet())
    for language in ("en", "ko"):
        tab.run("page.speak(arguments[0])", language)
        outside = tab.run("""
            return [...document.querySelectorAll('.node')].filter((node) => {
              const shape = node.querySelector('.shape').getBBox();
              return [...node.querySelectorAll('text')].some((text) => {
                const box = text.getBBox();
                return box.x < shape.x || box.x + box.width > shape.x + shape.width || box.y < shape.y - 2
                  || box.y + box.height > shape.y + shape.height + 2;
              });
            }).map((node) => node.textContent)""")
        assert outside == []


def test_a_slider_goes_through_a_recorded_run(open_page, keys):
    view = lenet()
    numbers = [node.number for node in view.nodes if node.kind == "op"]

    def facts(step):
        histogram = [0] * 8
        histogram[step] = 5
        return {"mean": float(step), "histogram": histogram, "edges": (0.0, 8.0), "nan": int(step == 2)}

    run = [
        TrainingStep(10 * i, 2.0 / (i + 1), {n: {"statistics": facts(i), "gradient": facts(i + 1)} for n in numbers})
        for i in range(4)
    ]
    tab = open_page(view, run)
    assert tab.one("#run").is_displayed() and tab.one("#at").text == "30 · loss 0.5"
    shape = "return document.querySelector('.node.group .strip.statistics').getAttribute('d')"
    last = tab.run(shape)
    assert len(tab.all(".node.group .strip")) == 2 * len(tab.all(".node.group"))
    tab.closed("conv2d · conv1").click()
    assert tab.all('[data-numbers="statistics"] dd')[0].text == "3"
    tab.one("#step").send_keys(keys.HOME)
    assert tab.one("#at").text == "0 · loss 2" and tab.run(shape) != last
    assert tab.all('[data-numbers="statistics"] dd')[0].text == "0" and not tab.all(".node.alarm")
    tab.one("#step").send_keys(keys.ARROW_RIGHT, keys.ARROW_RIGHT)
    assert tab.all(".node.alarm") and tab.all('[data-numbers="statistics"] dd.alarm')


def test_without_a_run_there_is_no_slider(open_page):
    assert not open_page(lenet()).one("#run").is_displayed()


def test_backward_stands_beside_forward(open_page):
    tab = open_page(lenet(part="both"))
    ahead, back = tab.place(tab.closed("conv2d · conv1")), tab.place(tab.closed("conv2d backward · conv1"))
    assert abs(ahead["y"] + ahead["height"] / 2 - back["y"] - back["height"] / 2) < 3 and back["x"] > ahead["x"]
    assert len(tab.all(".tie")) >= 10
    tab.search("contract fc1")
    tab.all("#results [role=option]")[0].click()
    tab.all('[data-links="backwards"] button')[0].click()
    assert "Derivative of" in tab.one("#panel").text
    assert tab.one('[data-links="origin"] button').text.startswith("contract")


def test_unfriendly_names_are_shown_as_they_are(open_page):
    scope = ScopeView(0, UNFRIENDLY, "module", None)
    names = {"name": UNFRIENDLY, "label": UNFRIENDLY, "formula": UNFRIENDLY, "detail": UNFRIENDLY, "source": UNFRIENDLY}
    nodes = (NodeView(0, "input", **names), NodeView(1, "op", op=UNFRIENDLY, scope=0, **names), NodeView(2, "constant"))
    edges = (EdgeView(0, 1, name=UNFRIENDLY, role=UNFRIENDLY, note=UNFRIENDLY), EdgeView(2, 1, place=1))
    tab = open_page(GraphView(Records(nodes, edges, (scope,))))
    tab.all('.node[aria-expanded="false"]')[0].click()
    assert tab.run("return document.querySelector('.node.input .heading').textContent").startswith("</script><script>")
    tab.search("</script>")
    tab.all("#results [role=option]")[0].click()
    assert "</script><script>alert(1)" in tab.one("#panel").text
    assert len(tab.all("script")) == 1 + len(module.LIBRARIES) + len(module.SCRIPTS)


def test_a_graph_too_large_to_be_laid_out_is_drawn_in_part(open_page):
    node = NodeView(0, "op", op="neg", label="neg", family="elementwise", shape=(2,))
    nodes = tuple(replace(node, number=i) for i in range(2500))
    edges = tuple(EdgeView(i, i + 1, shape=(2,)) for i in range(2499))
    tab = open_page(GraphView(Records(nodes, edges, ())))
    assert "2000 of 2500" in tab.one("#notice").text and len(tab.items()) == 2000


@pytest.mark.parametrize("view", [Records((), (), ()), Records((NodeView(0, "leaf", name="x"),), (), ())])
def test_a_graph_of_next_to_nothing(view, open_page):
    assert len(open_page(GraphView(view)).items()) == len(view.nodes)


def test_what_stays_in_the_picture_is_moved_not_made_again(open_page):
    tab = open_page(lenet())
    first, second = tab.closed("conv2d · conv1"), tab.closed("relu · relu1")
    apart = tab.place(second)["y"] - tab.place(first)["y"]
    first.click()
    frame = tab.all(".frame")[-1]  # the innermost
    assert tab.place(second)["y"] >= tab.place(frame)["y"] + tab.place(frame)["height"]  # a stale element would raise
    frame.find_element("css selector", ".header").click()
    assert tab.place(second)["y"] - tab.place(tab.closed("conv2d · conv1"))["y"] == apart


ANEW = """
const anew = new Picture(page.viz, page.graph, page.closed, page.run.recorded);
const plain = (element) => element.outerHTML.replace(/ (selected|lit|alarm)\\b/g, "").replace(/ class=""/g, "");
return [[...document.querySelector("#viewport").children], anew.content].map((all) => all.map(plain));
"""


def test_a_picture_made_of_old_elements_is_the_one_made_anew(open_page):
    tab = open_page(lenet(part="both"))
    labels = "conv2d · conv1", "conv2d backward · conv1", "relu · relu1"
    for act in (*labels, "#language", "#language", ".frame .header", "#close-all"):
        (tab.closed(act) if act in labels else tab.all(act)[-1]).click()
        old, anew = tab.run(ANEW)
        assert old == anew, act


CLICK = """
document.querySelectorAll(arguments[0])[arguments[1]].dispatchEvent(new MouseEvent("click", {bubbles: true}));
"""


COUNT = """
window.laid = 0;
const lay = page.viz.render.bind(page.viz);
page.viz.render = (...given) => (window.laid += 1, lay(...given));
window.made = 0;
const make = document.createElementNS.bind(document);
document.createElementNS = (...given) => (window.made += 1, make(...given));
"""


def test_a_training_graph_opens_with_one_layout_and_few_new_elements(open_page):
    """Work is counted, since time depends on the machine: an opened layer is all that is new."""
    tab = open_page(resnet())
    tab.run("page.warm = () => {}")
    tab.run(COUNT)
    before, elements = len(tab.items()), tab.run("return document.querySelectorAll('#viewport *').length")
    for _ in range(6):  # between clicks the page may lay out once more for itself
        clicked = f"const before = window.laid; {CLICK} return window.laid - before;"
        assert tab.run(clicked, ".node.group.forward", 6) == 1
    assert len(tab.items()) > before + 6 * 3
    assert tab.run("return window.made") < elements


PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
OUTSIDE = """
const inside = ({left, right, top, bottom, width}) =>
  !width || (left >= -1 && right <= 391 && top >= -1 && bottom <= 845);
const all = ["header", "header button", "header input", ".panel", ".legend", ".stage", "#tip", "h1"];
return all.flatMap((name) => [...document.querySelectorAll(name)].filter((one) => !inside(one.getBoundingClientRect()))
  .map((one) => name + " " + one.id));
"""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everything_fits_on_a_phone(language, open_page, chromium):
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        steps = [TrainingStep(i, 1.0, {}) for i in range(3)]
        tab = open_page(lenet(part="both", values=True), steps)
        tab.run("page.speak(arguments[0])", language)
        assert tab.run(OUTSIDE) == []
        assert tab.run("return [innerWidth, document.documentElement.scrollWidth]") == [390, 390]
        tab.run(CLICK, ".node.group.forward", 0)
        tab.run("page.hover({target: document.querySelectorAll('.node')[3], buttons: 0, clientX: 380, clientY: 500})")
        assert tab.one("#tip").is_displayed() and tab.run(OUTSIDE) == []
        assert tab.one("#drawing").rect["height"] >= 844 / 4 and tab.one("#panel").rect["height"] >= 844 / 5
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_legend_explains_lines_and_colours(open_page):
    plain, both = open_page(lenet()), None
    words = plain.one("#legend").text
    assert "parameter" in words and "window, pooling" in words and "backward" not in words and "NaN" not in words
    both = open_page(lenet(part="both", values=True))
    words = both.one("#legend").text
    for part in (
        "backward pass",
        "value that the backward pass reads",
        "operation and its derivative",
        "NaN or infinite",
    ):
        assert part in words
    both.one("#language").click()
    assert all(part in both.one("#legend").text for part in ("역전파에서 읽는 값", "연산과 그 미분", "NaN 또는 무한대"))
    change = tg.graph(lambda x: x.exp().log(), tg.ones(2)).difference(tg.graph(lambda x: x.exp().sin(), tg.ones(2)))
    assert {"new", "gone"} <= set(open_page(change).words("#legend span"))


def test_the_panel_says_what_a_layer_was_made_with(open_page):
    model = tg.nn.Sequential(tg.nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), tg.nn.BatchNorm2d(4))
    for view in (tg.graph(model, tg.ones(2, 2, 6, 6)), tg.graph(model, tg.ones(2, 2, 6, 6)).collapse(1)):
        tab = open_page(view)
        tab.run(CLICK, ".node.group", 0)
        for part in ("kernel_size 3×3", "stride 2×2", "padding 1×1", "groups 2"):
            assert part in tab.fact("arguments")
        tab.run("document.querySelector('#close-all').click()")
        tab.run(CLICK, ".node.group", 1)
        assert "eps 1e-05" in tab.fact("arguments")
        assert "layer 0 · 40 parameters" in [line.replace(", ", " · ") for line in tab.words(".node .line")]

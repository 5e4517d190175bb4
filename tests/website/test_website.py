"""What the site's builder is made of: links are followed, and pages are read as they are meant."""

import pytest

from docs.website import check
from docs.website.docstrings import as_plain_text, escaped
from docs.website.github import spelled_for_myst

PAGE = """<link rel="stylesheet" href="_static/site.css"><h1 id="top">A</h1>
<a href="{link}">a link</a><a href="https://example.org/">away</a><img src="data:image/png;base64,AA">"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static/site.css").write_text("p { background: url(math.woff) }")
    (tmp_path / "b.html").write_text('<h2 id="there">B</h2>')
    return tmp_path


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("b.html", None),
        ("b.html#there", None),
        ("#top", None),
        ("mailto:a@example.org", None),
        ("b.html#top", "no such anchor"),
        ("#there", "no such anchor"),
        ("c.html", "no such file"),
        (".", "no such file"),
    ],
)
def test_links_are_followed(site, link, fault):
    (site / "a.html").write_text(PAGE.format(link=link))
    assert check.faults(site) == ([f"a.html: {link}: {fault}"] if fault else [])


@pytest.mark.parametrize(
    ("file", "text", "url"),
    [
        ("a.html", '<script src="https://cdn.example.org/x.js"></script>', "https://cdn.example.org/x.js"),
        ("a.html", '<img src="//example.org/x.png">', "//example.org/x.png"),
        ("a.html", '<link rel="stylesheet" href="http://example.org/x.css">', "http://example.org/x.css"),
        ("a.css", "@import 'https://example.org/x.css';", "https://example.org/x.css"),
        ("a.css", 'p { src: url("//example.org/x.woff") }', "//example.org/x.woff"),
    ],
)
def test_nothing_is_loaded_from_elsewhere(site, file, text, url):
    (site / file).write_text(text)
    assert check.faults(site) == [f"{file}: {url}: loaded from elsewhere"]


def test_formulas_are_spelled_for_the_site():
    assert spelled_for_myst("of $`x^2`$, `$x`") == "of $x^2$, `$x`"
    assert spelled_for_myst("```math\nx\n```") == "```{math}\nx\n```"


def test_docstrings_are_plain_text():
    assert escaped("|x| of ``x_`` * `y`") == r"\|x\| of ``x_`` \* \`y\`"
    text = ["a * b", ">>> a * b", "a|b", "", "c|d", "Block::", "", "    a * b", "", "e*"]
    assert as_plain_text(text) == [r"a \* b", "", *text[1:4], r"c\|d", *text[5:9], r"e\*"]

"""The Korean pages are whole and say what the English ones do; and words are found with any particle."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.website.korean import SPLITTER, split

DOCS = Path(__file__).parents[2] / "docs"
CATALOGUES = DOCS / "locales/ko/LC_MESSAGES/docs"
PAGES = ["index", *sorted(f"lecture/{path.stem}" for path in (DOCS / "lecture").glob("*.md"))]
STRING = r'(?:"(?:[^"\\]|\\.)*"\s*)+'


def joined(strings):
    return "".join(json.loads(string) for string in re.findall(r'"(?:[^"\\]|\\.)*"', strings))


def catalogue(page):
    """What is translated of a page, and how."""
    text = (CATALOGUES / f"{page}.po").read_text(encoding="utf-8")
    entries = re.findall(rf"^((?:#.*\n)*)msgid ({STRING})\s*msgstr ({STRING})", text, re.M)
    return [(comments, joined(source), joined(target)) for comments, source, target in entries if joined(source)]


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


def texts(page):
    """Headings, paragraphs and items of a page's source, one by one."""
    source = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    source = re.sub(r"\A---\n.*?\n---\n", "", source, flags=re.S)
    source = re.sub(r"^```.*?^```$|^\$\$$.*?^\$\$$|^<.*?>$", "", source, flags=re.M | re.S)
    for block in filter(None, map(str.strip, re.split(r"\n\s*\n", source))):
        if block.startswith("|"):
            rows = [row for row in block.splitlines() if not set(row) <= set("|- ")]
            yield from (cell.strip() for row in rows for cell in row.strip("|").split("|") if cell.strip())
        else:
            yield from filter(None, map(plain, re.split(r"^(?:#+|-|\d\.) ", block, flags=re.M)))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_lecture_is_whole_in_korean(page):
    entries = catalogue(page)
    assert [source for comments, source, target in entries if not target or "fuzzy" in comments] == []
    known = {plain(source) for _, source, _ in entries}
    assert [text for text in texts(page) if text not in known] == [], "run: python -m docs --catalogues"
    everything = plain((DOCS / f"{page}.md").read_text(encoding="utf-8"))
    assert [source for source in known if source not in everything] == [], "run: python -m docs --catalogues"


@pytest.mark.parametrize("page", PAGES)
def test_formulas_code_and_links_are_those_of_the_english_page(page):
    for _, source, target in catalogue(page):
        for kind in (r"\$[^$]+\$", r"`[^`]+`", r"\]\(([^)]+)\)"):
            assert set(re.findall(kind, target)) == set(re.findall(kind, source)), (source, target)


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("합성곱", "합성곱은 합성곱을 합성곱이 합성곱의 합성곱에서 합성곱으로 합성곱이다"),
        ("필터", "필터는 필터를 필터가 필터의 필터마다 필터로"),
        ("채널", "채널은 채널을 채널의 채널에서 채널마다 채널로"),
        ("기울기", "기울기는 기울기를 기울기가 기울기의 기울기에 기울기까지"),
        ("역전파", "역전파는 역전파를 역전파가 역전파의 역전파에서 역전파도"),
        ("정규화", "정규화는 정규화를 정규화의 정규화한다 정규화하면 정규화된 정규화할"),
        ("학습", "학습은 학습을 학습한다 학습하는 학습된다 학습되는 학습할 학습시키는"),
        ("분산", "분산은 분산을 분산이 분산으로 분산과"),
        ("평균", "평균은 평균을 평균의 평균이다 평균보다"),
        ("배치", "배치는 배치를 배치가 배치의 배치로 배치에 배치마다"),
        ("값", "값은 값을 값의 값에 값에서"),
        ("층", "층은 층을 층의 층마다 층에서 층으로"),
        ("높이", "높이 높이는 높이를 높이의"),
        ("tg", "tg tg를 tg의 tg는"),
    ],
)
def test_a_noun_is_found_with_any_particle(word, forms):
    for form in forms.split():
        assert split(form)[0] == split(word)[0], form


def test_words_stay_apart():
    assert split("배치 정규화는 1×1 합성곱의 x_i") == ["배치", "정규화", "1", "1", "합성곱", "x_i"]
    different = "합성곱 필터 채널 기울기 역전파 정규화 학습 분산 평균 배치 패딩 커널 풀링 편향 부피 손실"
    assert len({split(word)[0] for word in different.split()}) == 16


def test_the_browser_splits_as_the_index_does():
    """On all of the Korean text, in Node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node is installed (apt install nodejs)")
    text = "\n".join(target for page in PAGES for _, _, target in catalogue(page))
    program = f"{SPLITTER}\nconsole.log(JSON.stringify(splitQuery({json.dumps(text)})))"
    done = subprocess.run([node, "-"], input=program, capture_output=True, encoding="utf-8", check=True)
    words = json.loads(done.stdout)
    assert len(words) > 1000 and words == split(text)

"""docs/checking.md is what its generator writes."""

from pathlib import Path

import make_checking as module

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date_and_an_old_one_is_noticed():
    page = module.page()
    assert module.alike(module.PAGE.read_text(encoding="utf-8"), page), "run: python docs/make_checking.py"
    assert not module.alike(page, page.replace("wrong (15 of", "right (15 of"))
    assert (
        page.count("gradcheck: wrong") == 8
        and page.count("gradcheck: not differentiable") == 1
        and page.count("gradcheck: correct") == 2
    )
    for picture in ("check_remainders.svg", "check_blame.svg"):
        assert (DOCS / "images" / picture).stat().st_size > 1000

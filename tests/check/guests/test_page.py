"""docs/other_libraries.md is what its generator writes."""

import pytest

for library in ("torch", "jax", "mygrad", "autograd"):
    pytest.importorskip(library)

import make_other_libraries as module  # noqa: E402


def test_the_page_is_up_to_date():
    page = module.page()
    assert module.alike(module.PAGE.read_text(encoding="utf-8"), page), "run: python docs/make_other_libraries.py"
    assert page.count("gradcheck: wrong") == 3 and page.count("to blame: ") == 5

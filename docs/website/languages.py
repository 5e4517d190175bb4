"""One site in two languages: a page's link to itself in the other, and what is said of pages that have but one."""

from __future__ import annotations

from fnmatch import fnmatch

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

LANGUAGES = {"en": "English", "ko": "한국어"}
TRANSLATED = ["docs/index", "docs/lecture/*", "docs/coming_from_pytorch"]  # what there are catalogues of
ONLY_ENGLISH = "이 쪽은 영어로만 제공합니다."


def translated(docname: str) -> bool:
    return any(fnmatch(docname, pattern) for pattern in TRANSLATED)


def words(app: Sphinx, config: Config) -> None:
    """What MyST-NB says to readers, which it has in English alone."""
    if config.language == "ko":
        config.nb_code_prompt_show = "코드 보기"
        config.nb_code_prompt_hide = "코드 숨기기"


def say_so(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """A Korean reader is told at the top of a page that it is there in English alone."""
    if app.config.language == "ko" and not translated(docname):
        title = next(iter(doctree.findall(nodes.title)), None)
        if title is not None:
            note = nodes.note("", nodes.paragraph("", ONLY_ENGLISH), classes=["only-english"])
            title.parent.insert(title.parent.index(title) + 1, note)


def context(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    context["languages"] = LANGUAGES


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", words, priority=100)  # before MyST-NB reads them
    app.connect("doctree-resolved", say_so)
    app.connect("html-page-context", context)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Live panels in pages: a page with one loads their script, of which the site has one copy for both languages."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "panels"  # of the site, beside those of the languages


def load(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    if 'class="panel"' in str(context.get("body", "")):
        up = "../" * (page.count("/") + 1)
        script = f'<script type="module" src="{up}{FOLDER}/panels.mjs"></script>'
        context["metatags"] = f"{context.get('metatags', '')}{script}"


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

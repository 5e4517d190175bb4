"""Links to files that are no pages lead to them all the same: each becomes a page that shows it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

FOLDER = "source"  # of the site, in which these pages lie
IMAGES = {".png", ".svg", ".jpg"}


class LinksToFiles(SphinxTransform):
    """``[text](../folder/file.py)`` leads to a page that shows the file, or what is in the folder."""

    default_priority = 4  # before references are resolved, and files are collected for downloading

    def apply(self) -> None:
        for node in [
            *self.document.findall(addnodes.download_reference),
            *self.document.findall(addnodes.pending_xref),
        ]:
            target = self._file(node)
            if target is not None:
                text = [child.deepcopy() for child in node.children]
                uri = relpath(self._page_of(target), Path(self.env.docname).parent.as_posix())
                node.replace_self(nodes.reference("", "", *text, refuri=uri, internal=True))

    def _page_of(self, place: str) -> str:
        """What shows it: of a folder that has a page, that page."""
        if f"{place}/README" in self.env.found_docs:
            return f"{place}/README.html"
        shown(self.env).setdefault(self.env.docname, set()).add(place)
        return f"{FOLDER}/{place}.html"

    def _file(self, node: nodes.Element) -> str | None:
        """The file's or folder's place in the checkout, if the link leads to one that is no page."""
        target = node.get("reftarget", "")
        if node.get("refdomain") == "doc":  # a Markdown file: named from the checkout's root, without its suffix
            place = f"{target}.md"
        elif isinstance(node, addnodes.download_reference) or node.get("reftype") == "myst":
            place = normpath(f"{Path(self.env.docname).parent.as_posix()}/{target}")
        else:
            return None
        path = Path(self.env.srcdir, place)
        if place.startswith("..") or not path.exists() or place.removesuffix(".md") in self.env.found_docs:
            return None
        return place


def shown(env: BuildEnvironment) -> dict[str, set[str]]:
    """For each page the files that it links to."""
    if not hasattr(env, "linked_files"):
        env.linked_files = {}  # type: ignore[attr-defined]
    return env.linked_files  # type: ignore[attr-defined,no-any-return]


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    shown(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    shown(env).update({name: files for name, files in shown(other).items() if name in docnames})


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, object], str]]:
    """A page for each file, and for each folder with what it holds."""
    waiting, done = sorted(set().union(*shown(app.env).values())), set()
    while waiting:
        place = waiting.pop()
        path = Path(app.srcdir, place)
        if place in done:
            continue
        done.add(place)
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if file.is_file() and readable(file)]
            waiting += [f"{place}/{file.name}" for file in inside]
            body = (
                "<ul>" + "".join(f'<li><a href="{name(path, file)}">{file.name}</a></li>' for file in inside) + "</ul>"
            )
        else:
            text = path.read_text(encoding="utf-8")
            body = app.builder.highlighter.highlight_block(text, language(path))  # type: ignore[attr-defined]
        title = f"<h1><code>{html.escape(place)}</code></h1>"
        yield f"{FOLDER}/{place}", {"title": place, "body": title + body, "toc": "", "parents": []}, "page.html"


def name(folder: Path, file: Path) -> str:
    return f"{folder.name}/{file.name}.html"


def readable(file: Path) -> bool:
    return file.suffix in {".py", ".md", ".sh", ".toml", ".txt", ".ll", ".js", ".css"}


def language(file: Path) -> str:
    return get_lexer_for_filename(file.name).aliases[0]


def setup(app: Sphinx) -> dict[str, object]:
    app.add_transform(LinksToFiles)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

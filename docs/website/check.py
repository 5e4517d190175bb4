"""Whether every link of a built site leads somewhere in it, anchors included, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "script",
    "img",
    "iframe",
    "source",
    "video",
    "audio",
    "link",
    "embed",
    "object",
    "input",
}  # by the browser itself


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    def __init__(self, text: str):
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        for name in ("href", "src", "data", "poster"):
            if name in values:
                (self.loads if tag in LOADED else self.links).add(values[name])


def faults(site: Path) -> list[str]:
    """One line for each link that leads nowhere, and for each thing that is loaded from elsewhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in sorted(page.links | page.loads):
            fault = _fault(path, link, pages, loaded=link in page.loads)
            if fault:
                found.append(f"{path.relative_to(site)}: {link}: {fault}")
    return found + list(_foreign_styles(site))


def _fault(path: Path, link: str, pages: dict[Path, Page], loaded: bool) -> str | None:
    parts = urlsplit(link)
    if parts.scheme in {"http", "https"} or parts.netloc:
        return "loaded from elsewhere" if loaded else None
    if parts.scheme or link.startswith("data:"):
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return "no such anchor"
    return None


def _foreign_styles(site: Path) -> list[str]:
    """What style sheets load from elsewhere."""
    return [
        f"{path.relative_to(site)}: {url}: loaded from elsewhere"
        for path in sorted(site.rglob("*.css"))
        for url in re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", path.read_text(encoding="utf-8"))
    ]

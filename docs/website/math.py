"""Formulas as MathML, which browsers draw by themselves: nothing is loaded, and what cannot be read is a warning."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
MATHML = "http://www.w3.org/1998/Math/MathML"
ACCENTS = set("ˆ~˜¯ˉ→˙¨")

ElementTree.register_namespace("", MATHML)


def mathml(text: str, node: nodes.Element, block: bool) -> str:
    try:
        return indices_beside_accents(latex2mathml.tex2mathml(text, as_block=block))
    except Exception as error:  # MathError, or what its parser stumbles over
        LOGGER.warning("formula %r: %s", text, error, location=node)
        return f"<code>{text}</code>"


def indices_beside_accents(markup: str) -> str:
    r"""Docutils puts the index of ``\hat{x}_n`` below the letter, as that of a sum; it belongs beside it."""
    named = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)\w+;")  # entities of HTML, which XML does not know
    formula = ElementTree.fromstring(named.sub(lambda found: html.unescape(found[0]), markup))
    for element in list(formula.iter(f"{{{MATHML}}}munderover")):
        base, index, accent = element
        if accent.text in ACCENTS:
            element.clear()
            element.tag = f"{{{MATHML}}}msub"
            letter = ElementTree.SubElement(element, f"{{{MATHML}}}mover", accent="true")
            letter.extend([base, accent])
            element.append(index)
    return ElementTree.tostring(formula, encoding="unicode")


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), node, block=False))
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="formula"))
    self.body.append(mathml(node.astext(), node, block=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, object]:
    app.add_html_math_renderer("mathml", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None))
    app.config.html_math_renderer_name = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}

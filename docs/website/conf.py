"""Sphinx's configuration. The sources' folder is the checkout, so that a link that works there works in the site."""

import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import tinygrad_cv  # noqa: E402

project = "tinygrad_cv"
author = copyright = "the tinygrad_cv authors"
version = release = tinygrad_cv.__version__
language = "en"

root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/design/*.md",
    "docs/lecture/*.md",
    "docs/reference/*.md",
    "README.md",
    "CONTRIBUTING.md",
    "NEWS.md",
    "benchmarks/README.md",
    "tests/proof/README.md",
    "tinygrad_cv/*/README.md",
]
exclude_patterns = ["docs/README.md", ".*", "build", "dist", "runs", "**/__pycache__"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs.website.docstrings",
    "docs.website.github",
    "docs.website.math",
    "docs.website.sources",
    "docs.website.languages",
    "docs.website.korean",
    "docs.website.panels",
]
source_suffix = {".md": "myst-nb"}
myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline"]
myst_heading_anchors = 4
suppress_warnings = ["config.cache"]  # functions in the configuration

# Cells run once for both languages; what they print is kept by the text of all cells of the page.
nb_execution_mode = "cache"
nb_execution_cache_path = os.environ.get("TGCV_CELLS", str(ROOT / "build" / "cells"))
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 120
nb_merge_streams = True
logging.getLogger("traitlets").setLevel(logging.WARNING)  # it tells each notebook that runs

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
python_display_short_literal_types = True
add_module_names = False

# Catalogues: one for each page, without what cells print.
locale_dirs = [str(ROOT / "docs" / "locales")]
gettext_compact = False
gettext_uuid = False
gettext_location = False

html_theme = "furo"
html_title = "tinygrad_cv"
html_static_path = ["static"]
html_favicon = "static/icon.svg"
html_css_files = ["site.css"]
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = False
html_domain_indices = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

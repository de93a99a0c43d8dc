"""The site: ``make docs``. Pages that follow from the package are written by ``lrtheory.report.site`` before Sphinx reads any."""

import contextlib
import html
import importlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import lrtheory  # noqa: E402
from lrtheory.report import markdown, site  # noqa: E402
from lrtheory.report.facts import facts  # noqa: E402

project = "lrtheory"
author = copyright = "The lrtheory authors"
version = release = lrtheory.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_nb"]
exclude_patterns = ["made/blocks", "made/figures", "explore"]
language = "en"
nitpicky = True
nitpick_ignore_regex = [
    # Types of other packages, of the standard library and of annotations: no inventory is fetched, for there may be no network.
    (r"py:(class|func|meth|mod|exc|obj|data|attr)", r"(?!lrtheory\b).*"),
]
default_role = "code"  # a single backtick in a docstring is code, as in Markdown

autodoc_member_order = "bysource"
autodoc_typehints = (
    "none"  # the types are in the stubs and in the source; arguments are described with shapes and units
)
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Source", "notes_style")]
napoleon_use_rtype = False
viewcode_line_numbers = True
viewcode_follow_imported_members = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force" if os.environ.get("LESSONS", "run") == "run" else "off"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

html_theme = "furo"
html_title = f"lrtheory {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"source_repository": "", "navigation_with_keys": True}
html_math_renderer = "mathml"

LOG = logging.getLogger(__name__)


def mathml(tex: str, *, block: bool) -> str:
    """A formula as MathML, which browsers show without a script: no server is asked, and a formula that is none is an error."""
    for pattern, plain in _PLAIN:
        tex = re.sub(pattern, plain, tex)
    return tex2mathml(tex, as_block=block)


_PLAIN = (
    (r"\\([Bb]igg?)(?![A-Za-z])", r"\\\1l"),
    (r"\\dots(?![A-Za-z])", r"\\ldots"),
    (r"\\tag\{(.*?)\}", r"\\qquad(\\text{\1})"),
    (r"\\(bar|hat|tilde|dot|overline|widetilde)\s*(\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z])", r"{\\\1{\2}{}}"),
    (r"(\\[td]?frac)\s*(\d)", r"\1{\2}"),
    (r"(\\[td]?frac(?:\{[^{}]*\}|\\[A-Za-z]+))\s*(\d)", r"\1{\2}"),
)
"""TeX that the converter does not know or reads otherwise (a fraction of single digits), in words that it knows."""


def visit_math(translator: Any, node: nodes.math) -> None:
    """A formula in a line."""
    _write(translator, node, block=False)


def visit_math_block(translator: Any, node: nodes.math_block) -> None:
    """A formula of its own."""
    translator.body.append('<div class="math">')
    _write(translator, node, block=True)


def _write(translator: Any, node: nodes.Element, *, block: bool) -> None:
    try:
        translator.body.append(mathml(node.astext(), block=block))
    except MathError as error:
        LOG.warning("formula %r: %s", node.astext(), error, location=node)
    if block:
        translator.body.append("</div>")
    raise nodes.SkipNode


def fact(_name: str, _rawtext: str, text: str, lineno: int, inliner: Any, *_: Any) -> tuple[list[Any], list[Any]]:
    """The role ``{fact}`` of a page: a number that ``lrtheory.report`` computes, by its name."""
    if text not in facts():
        return [], [inliner.reporter.error(f"there is no fact {text!r}.", line=lineno)]
    return [nodes.inline("", markdown.render(facts()[text]), classes=["fact"])], []


def resolve(app: Sphinx, env: Any, node: nodes.Element, shown: nodes.Element) -> nodes.Element | None:
    """A reference to a public name, or to a part of one, leads to where it is defined, which is what its page describes."""
    target = node.get("reftarget", "")
    for name in (target, f"{node.get('py:module')}.{target}"):
        for parts in (1, 2):
            package, *rest = name.rsplit(".", parts)
            with contextlib.suppress(ImportError, AttributeError, ValueError, TypeError):
                value = getattr(importlib.import_module(package), rest[0])
                found = env.get_domain("py").objects.get(".".join([site.home(package, rest[0], value), *rest[1:]]))
                if found is not None:
                    return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, shown, name)
    return None


def finish(app: Sphinx, error: Exception | None) -> None:
    """Put Explore beside the pages, and look whether every link within the site, anchors too, leads somewhere.

    Raises:
        ExtensionError: some do not.
    """
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    shutil.copytree(HERE / "explore", out / "explore", dirs_exist_ok=True)
    pages = {path: path.read_text(encoding="utf-8") for path in out.rglob("*.html")}
    names = {path: set(re.findall(r'\b(?:id|name)="(.*?)"', text)) for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        for link in set(re.findall(r'<(?:a|img|link|script)\b[^>]*?\b(?:href|src)="([^"]*)"', text)):
            address = urlsplit(html.unescape(link))
            if address.scheme or address.netloc:
                continue
            target = Path(os.path.normpath(path.parent / unquote(address.path))) if address.path else path
            anchor = unquote(address.fragment)
            if not target.exists() or (anchor and target in names and anchor not in names[target]):
                broken.append(f"{path.relative_to(out)} -> {link}")
    if broken:
        raise ExtensionError("links that lead nowhere:\n" + "\n".join(sorted(broken)))


def setup(app: Sphinx) -> None:
    """Write the pages that follow from the package, and say how formulas and facts are shown."""
    app.connect("missing-reference", resolve)
    app.connect("build-finished", finish)
    site.write(HERE / "made")
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.add_role("fact", fact)

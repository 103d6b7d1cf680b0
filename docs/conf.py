"""Settings of the documentation site, which `python -m sphinx -W docs build/site` makes.

The pages are plain Markdown, so that they read as well where no site is built. What they cannot say in plain Markdown
is added here: the order of the pages comes from the lists of README.md, formulas become MathML, and in the pages of
reference/ each name that has a line becomes its docstring, to which names elsewhere lead.
"""

from __future__ import annotations

import inspect
import re
from importlib.resources import files
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert

import lexigrad

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

DOCS = Path(__file__).parent
CHAPTER = re.compile(r"^## (.+)\n((?:(?!## ).*\n)*)", flags=re.MULTILINE)
PAGE_LINK = re.compile(r"^- \[.+?\]\(([^)]+)\.md\)", flags=re.MULTILINE)
NAME_LINE = re.compile(r"^- \[`([\w.]+)`\]\([^)]+\.py\).*\n(?:  .*\n)*", flags=re.MULTILINE)
NAME_LINK = re.compile(r"\[`((?:lexigrad\.)?([\w.]+))`\]\((?:\.\./)+src/lexigrad/[\w/]+\.py\)")
PAGE_NAME = re.compile(r"docs/([\w/-]+)\.md(#[\w-]+)?")
BAR_COMMAND = re.compile(r"\\([lr])vert")
BAR = "<mo>&#x0007C;</mo>"
OPERATOR = re.compile(r"(<mi>(?:log|max|min)</mi>)(?!<mo|</)")
MINUS_AFTER_EQUALS = re.compile(r"(?<=<mo>&#x0003D;</mo>)<mo>(?=&#x02212;)")
PARTIAL = "<mo>&#x02202;</mo>"
MATHML = "http://www.w3.org/1998/Math/MathML"
CODE = re.compile(r"(``.+?``|`[^`]+`)")

project = "lexigrad"
author = "the lexigrad contributors"
version = release = lexigrad.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
root_doc = "index"
exclude_patterns = ["_static"]

smartquotes = False  # they make a dash of the two hyphens of an option

html_theme = "furo"
html_title = f"lexigrad {version}"
html_static_path = ["_static", str(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf")]  # site.css names the font
html_css_files = ["site.css"]
html_theme_options = {
    theme: {"color-sidebar-link-text--top-level": "var(--color-foreground-primary)"}
    for theme in ("light_css_variables", "dark_css_variables")
}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = False
suppress_warnings = ["myst.header"]

default_role = "py:obj"  # a name in backquotes leads to its docstring
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures would be twice as long; Args says what may be given
autodoc_default_options = {"members": True, "inherited-members": False, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_use_rtype = False
napoleon_use_ivar = True


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect what stands below."""
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    app.connect("source-read", add_contents)
    app.connect("source-read", add_docstrings)
    app.connect("autodoc-process-docstring", quote_signs)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("doctree-read", mend_parts)
    app.connect("html-page-context", close_blocks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(latex: str, display: str) -> str:
    """A formula as browsers show it by themselves, without a script or fonts of ours."""
    written: str = convert(latex, display=display)
    if "\\" in written:
        raise ValueError(f"latex2mathml does not know all of {latex!r}")
    return with_limits(spaced(written, BAR_COMMAND.findall(latex)))


def spaced(written: str, bars: list[str]) -> str:
    """MathML with TeX's spaces: some after log, and none around bars, ∂ and the minus of a negative number."""
    for side in bars:
        form = "prefix" if side == "l" else "postfix"
        written = written.replace(BAR, f'<mo form="{form}" fence="true" stretchy="false">&#x0007C;</mo>', 1)
    written = OPERATOR.sub(r'\1<mspace width="0.167em" />', written)
    written = MINUS_AFTER_EQUALS.sub('<mo form="prefix">', written)
    return written.replace(PARTIAL, "<mi>&#x02202;</mi>")


def with_limits(written: str) -> str:
    """MathML whose argmax and its like have their limits beneath them in a block, as in TeX; beside them in a line."""
    ElementTree.register_namespace("", MATHML)
    formula = ElementTree.fromstring(written)
    for base in formula.iterfind(".//*[@movablelimits='true']/.."):
        base.tag = base.tag.replace("msubsup", "munderover").replace("msub", "munder")
    return ElementTree.tostring(formula, encoding="unicode")


def write_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def write_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """A formula between paragraphs; it scrolls by itself where it is wider than the page."""
    translator.body.append(f'<div class="formula" tabindex="0">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the first page the tree of all others: the lists of README.md, in their order."""
    if page == root_doc:
        contents = (DOCS / "README.md").read_text(encoding="utf-8")
        trees = [tree(title, PAGE_LINK.findall(lines)) for title, lines in CHAPTER.findall(contents)]
        source[0] += "\n" + tree("Start", ["README"]) + "".join(trees)


def tree(title: str, pages: list[str]) -> str:
    """A directive that puts pages into the menu."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def add_docstrings(app: Sphinx, page: str, source: list[str]) -> None:
    """Put docstrings in the place of lines ``- [`name`](file): summary``, and let links to names lead there."""
    if page in ("reference/api", "reference/modules"):
        source[0] = NAME_LINE.sub(lambda line: docstring_of(line[1]), source[0])
    source[0] = NAME_LINK.sub(r"{py:obj}`\1 <lexigrad.\2>`", source[0])


def docstring_of(name: str) -> str:
    """The directive that shows a name's docstring."""
    return f"```{{eval-rst}}\n.. {directive(name)}:: {name}\n```\n"


def directive(name: str) -> str:
    """Autodoc's name for this kind of thing."""
    value = resolve_name(name)
    if inspect.ismodule(value):
        return "automodule"
    if isinstance(value, type):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if callable(value) else "autodata"


def quote_signs(app: Sphinx, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Keep |V|, x_ and *, which are mathematics in our docstrings and markup in reStructuredText; link pages."""
    for at, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = CODE.split(line)
            parts[::2] = [re.sub(r"[|*]|_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            parts[::2] = [PAGE_NAME.sub(page_link, part) for part in parts[::2]]
            lines[at] = "".join(parts)


def page_link(name: re.Match[str]) -> str:
    """The link to a page and section that a docstring names, from the folder of the pages on which docstrings stand."""
    page, section = name[1], (name[2] or "").replace("_", "-")
    return f"`{page} <../{page}.html{section}>`__"


def skip_fields(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which the class's docstring explains and Python's says nothing of."""
    return True if (getattr(thing, "__doc__", None) or "").startswith("Alias for field number") else None


def mend_parts(app: Sphinx, doctree: nodes.document) -> None:
    """Prepare tables for narrow pages; put a dash between a parameter and what it is."""
    for table in doctree.findall(nodes.table):
        if next(table.findall(nodes.row)).astext().split() == ["option", "value", "default", "meaning"]:
            table["classes"].append("options")  # whose rows site.css sets as paragraphs
        for text in list(table.findall(nodes.Text)):
            if not isinstance(text.parent, nodes.literal):
                text.parent.replace(text, breakable(text))
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":  # Sphinx's own, which smartquotes would have made a dash
            text.parent.replace(text, nodes.Text(" – "))


def breakable(text: str) -> list[nodes.Node]:
    """The same text, where a long name may go on in the next line after an underscore."""
    *parts, last = text.split("_")
    pairs = [(nodes.Text(f"{part}_"), nodes.raw("", "<wbr>", format="html")) for part in parts]
    return [*chain.from_iterable(pairs), nodes.Text(last)]


def close_blocks(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Take away the empty line that Pygments leaves below a dialogue with Python."""
    if "body" in context:
        context["body"] = context["body"].replace("\n\n</pre>", "\n</pre>")

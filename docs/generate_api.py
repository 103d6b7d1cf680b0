"""Writes docs/reference/api.md and docs/reference/modules.md from the public names: `python docs/generate_api.py`.

On the pages as they are, each name has a line: where it is written, and its docstring's first sentence. On the site the
whole docstring stands there (docs/conf.py). tests/test_docs.py fails when a page differs from what this script would
write.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import lexigrad

DOCS = Path(__file__).parent
PACKAGE = Path(lexigrad.__file__).parent
EXTRA_MODULES = ("evaluation.sentiment", "corpus.shards", "compat.sklearn", "compat.gensim")
NAMES_START = """# The library

<!-- Written by docs/generate_api.py from the public names; change their docstrings, then run it. -->

Everything that `import lexigrad` offers; each name is imported when it is first touched. [Modules](modules.md) have a
page of their own.
"""
MODULES_START = """# Modules

<!-- Written by docs/generate_api.py from the public names; change their docstrings, then run it. -->

What is imported as a module, beside [the library's own names](api.md): the equations and their proof, the course's
experiment, pictures, stability, the sentiment of sentences, counting on a cluster, and the layers for scikit-learn and
for scripts that were written for gensim.
"""


def pages() -> dict[Path, str]:
    """What each page should hold."""
    return {DOCS / "reference" / "api.md": names_page(), DOCS / "reference" / "modules.md": modules_page()}


def names_page() -> str:
    """The names of lexigrad itself, under the headings that the comments in its ``__all__`` give."""
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8").split("__all__ = [")[1].split("]")[0]
    parts = [NAMES_START]
    for comment, name in re.findall(r'# (.+)|"(\w+)"', text):
        if comment:
            parts.append(f"\n## {comment[0].upper()}{comment[1:]}\n\n")
        elif not is_module(name) and not name.startswith("__"):
            parts.append(line(name))
    return "".join(parts)


def modules_page() -> str:
    """The public modules."""
    names = [*(name for name in lexigrad.__all__ if is_module(name)), *EXTRA_MODULES]
    return MODULES_START + "".join(f"\n## {name}\n\n{line(name)}" for name in names)


def is_module(name: str) -> bool:
    """Whether a public name is a module."""
    return inspect.ismodule(getattr(lexigrad, name))


def line(name: str) -> str:
    """A name, its file, and its docstring's first sentence; a name of a public module is left to the module's page."""
    thing = resolve_name(f"lexigrad.{name}")
    module = getattr(thing, "__module__", "").rpartition(".")[2]
    if module in lexigrad.__all__ and is_module(module):
        return f"- [`lexigrad.{name}`](modules.md#{module}): {summary(thing)}\n"
    return f"- [`lexigrad.{name}`]({source_of(thing)}): {summary(thing)}\n"


def source_of(thing: Any) -> str:
    """The file that defines it, as the page links it."""
    return f"../../src/lexigrad/{Path(inspect.getfile(thing)).relative_to(PACKAGE).as_posix()}"


def summary(thing: Any) -> str:
    """The docstring's first line."""
    return inspect.cleandoc(thing.__doc__).partition("\n")[0].replace("``", "`")


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")

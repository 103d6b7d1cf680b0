"""The page's scripts, which are ES modules, joined into one script for a page that is opened from disk.

A browser loads no module file for a page from disk, so the exported page must hold the code itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from lexigrad.errors import LexigradError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Module", "join_modules", "modules_of"]

IMPORT: Final = re.compile(r'import \{ (\w+(?:, \w+)*) \} from "\./(\w+\.js)";')
EXPORT: Final = re.compile(r"export ((?:async )?(?:function|class|const) (\w+)\b.*)")
COMMENT: Final = re.compile(r"\s*//")
OTHER_FORM: Final = re.compile(r"\b(?:import|export)\b")
MARKUP: Final = re.compile(r"<!--|</?script", re.IGNORECASE)


class Module(NamedTuple):
    """One script, taken apart.

    Attributes:
        imports: for each module that it imports, the names that it takes from there.
        exports: the names that other modules can import.
        code: its text without the lines of the imports and without the word ``export``.
    """

    imports: dict[str, list[str]]
    exports: list[str]
    code: str


def modules_of(entry: str, read: Callable[[str], str]) -> dict[str, Module]:
    r"""Return all modules that a script needs, each behind those that it imports.

    Args:
        entry: the name of the script that the page names.
        read: gives a script's text for its name.

    Returns:
        The modules by their names; the entry is the last.

    Raises:
        LexigradError: a script imports or exports in another form than ``import { a, b } from "./name.js";`` at its
            head and ``export`` before a function, a class or one constant at the start of a line; or it imports a name
            that is not exported there, or itself by way of others; or it holds markup that would end the page's script.

    Example:
        >>> scripts = {"a.js": 'import { b } from "./b.js";\nb();', "b.js": "export function b() {}"}
        >>> list(modules_of("a.js", scripts.__getitem__))
        ['b.js', 'a.js']
    """
    found: dict[str, Module] = {}
    _add(entry, read, found, ())
    return found


def join_modules(modules: dict[str, Module]) -> str:
    r"""Join modules into one script, to stand in an element ``<script type="module">``.

    Each module becomes a function that is called once and returns what the module exports, so that no module sees a
    name of another that it does not import.

    Args:
        modules: what `modules_of` gives.

    Example:
        >>> scripts = {"a.js": 'import { b } from "./b.js";\nb();', "b.js": "export function b() {}"}
        >>> print(join_modules(modules_of("a.js", scripts.__getitem__)), end="")
        const $b = (() => {
        function b() {}
        return { b };
        })();
        const $a = (() => {
        const { b } = $b;
        b();
        return {  };
        })();
    """
    parts = []
    for name, module in modules.items():
        imports = [f"const {{ {', '.join(names)} }} = {_object(source)};" for source, names in module.imports.items()]
        lines = [*imports, module.code, f"return {{ {', '.join(module.exports)} }};"]
        parts.append("\n".join([f"const {_object(name)} = (() => {{", *lines, "})();\n"]))
    return "".join(parts)


def _object(name: str) -> str:
    """The constant of the joined script that holds what a module exports."""
    return f"${name.removesuffix('.js')}"


def _add(name: str, read: Callable[[str], str], found: dict[str, Module], importers: tuple[str, ...]) -> None:
    """Add a module to those found, behind the modules that it imports."""
    if name in importers:
        raise LexigradError(
            f"the page's {name} imports itself by way of {importers[-1]}; move what both need to a third"
        )
    if name in found:
        return
    module = _parsed(name, read(name))
    for source, names in module.imports.items():
        _add(source, read, found, (*importers, name))
        lacking = set(names) - set(found[source].exports)
        if lacking:
            raise LexigradError(
                f"the page's {name} imports {', '.join(sorted(lacking))}, which {source} does not export"
            )
    found[name] = module


def _parsed(name: str, text: str) -> Module:
    """Take a script apart; refuse all forms that this module does not know."""
    imports: dict[str, list[str]] = {}
    exports: list[str] = []
    code: list[str] = []
    is_head = True  # imports stand before all code, where no string or comment of several lines can hold what looks so
    for number, line in enumerate(text.split("\n"), 1):
        if MARKUP.search(line):
            raise LexigradError(f"line {number} of the page's {name} holds markup that would end the page's script")
        if is_head and (taken := IMPORT.fullmatch(line)):
            if taken[2] in imports:
                raise LexigradError(f"the page's {name} imports {taken[2]} twice; write one import")
            imports[taken[2]] = taken[1].split(", ")
            continue
        is_comment = COMMENT.match(line) is not None
        is_head = is_head and (is_comment or not line.strip())
        if given := EXPORT.fullmatch(line):
            exports.append(given[2])
            line = given[1]
        if not is_comment and OTHER_FORM.search(line):
            raise LexigradError(
                f"line {number} of the page's {name} imports or exports in a form that cannot be joined; write "
                'import { a, b } from "./name.js"; at the head, or export before a function, a class or a constant'
            )
        code.append(line)
    return Module(imports, exports, "\n".join(code))

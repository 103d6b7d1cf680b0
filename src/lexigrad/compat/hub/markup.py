"""Text of unknown origin in a model card: in YAML, in Markdown and in code, where it must stay text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["in_code", "in_prose", "table", "yaml_string"]

ACTIVE: Final = re.compile(r"[\\`*_\[\]<>|~&$]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""Characters with a meaning within a line of Markdown, HTML or a formula, and those that make an address a link."""


def yaml_string(text: str) -> str:
    r"""A string of YAML in quotation marks, so that ``no`` is Norwegian and not false.

    Example:
        >>> print(yaml_string('no'), yaml_string('a "b"\n\u2028é'))
        "no" "a \"b\"\u000A\u2028é"
    """
    return '"' + "".join(f"\\{c}" if c in '"\\' else _visible(c) for c in text) + '"'


def in_prose(text: str) -> str:
    r"""Text that Markdown shows as it is, on one line; a character that cannot be seen is shown by its number.

    Example:
        >>> print(in_prose("<b>_x_\n|"))
        \<b\>\_x\_\u000A\|
    """
    return "".join(map(_visible, ACTIVE.sub(r"\\\g<0>", text))).strip()


def in_code(text: str) -> str:
    r"""A Python string literal that cannot end the block of code in which it stands.

    Example:
        >>> print(in_code("`a`\n"))
        "\x60a\x60\n"
    """
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", r"\x60").replace("\n", r"\n")
    return '"' + "".join(map(_visible, inner)) + '"'


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; its first column stands to the left, the others to the right.

    Example:
        >>> print(table(("word", "count"), [("cat", "5")]))
        | word | count |
        |---|--:|
        | cat | 5 |
    """
    lines = [f"| {' | '.join(row)} |" for row in (heading, *rows)]
    rule = "|".join(["", "---", *("--:" for _ in heading[1:]), ""])
    return "\n".join([lines[0], rule, *lines[1:]])


def _visible(character: str) -> str:
    r"""A character, or its number where it cannot be seen: ``\u000A``, ``\U000E0001``; YAML and Python know both."""
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"

"""Writes docs/reference/cli.md from the commands themselves: `python docs/generate_cli.py`.

tests/test_docs.py fails when the page differs from what this script would write.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from lexigrad.cli.main import main

PAGE = Path(__file__).parent / "reference" / "cli.md"
START = """# The command line

<!-- Written by docs/generate_cli.py from the commands themselves; change those, then run it. -->

`lexigrad COMMAND ...`, or `python -m lexigrad COMMAND ...`. See also [how to use it](../guides/command-line.md).
"""


def manual() -> str:
    """The whole page."""
    return "\n".join([START, help_text(main), *(section(name, command) for name, command in main.commands.items())])


def section(name: str, command: click.Command) -> str:
    """What one command does, its usage, and a table of its options."""
    arguments = " ".join(argument(p) for p in command.params if isinstance(p, click.Argument))
    rows = [row(p) for p in command.params if isinstance(p, click.Option)]
    lines = [f"## {name}", "", f"    lexigrad {name} [OPTIONS] {arguments}".rstrip(), "", help_text(command)]
    if rows:
        lines += ["| option | value | default | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def help_text(command: click.Command) -> str:
    """The command's description."""
    return inspect.cleandoc(command.help or "") + "\n"


def argument(parameter: click.Argument) -> str:
    """The argument as the usage line shows it."""
    name = parameter.metavar or (parameter.name or "").upper()
    return f"{name}..." if parameter.nargs < 0 and not name.endswith("...") else name


def row(option: click.Option) -> str:
    """One line of the table."""
    flags = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
    cells = [flags, value(option), default(option), option.help or ""]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def value(option: click.Option) -> str:
    """What may be given, and whether it must be."""
    return f"{kind(option)}, required" if option.required else kind(option)


def kind(option: click.Option) -> str:
    """The choices, or the kind of value and its bounds."""
    if option.is_flag:
        return ""
    if option.metavar == "NAME":
        return "name"
    if option.metavar and "|" in option.metavar:
        return option.metavar.lower().replace("|", " or ")
    if isinstance(option.type, click.Choice):
        return ", ".join(option.type.choices)
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        return f"{'whole number' if isinstance(option.type, click.IntRange) else 'number'}{bounds(option.type)}"
    is_folder = isinstance(option.type, click.Path) and not option.type.file_okay
    return "folder" if is_folder else "file"


def bounds(range_: click.IntRange | click.FloatRange) -> str:
    """``, 1 to 10``, ``, above 0`` or nothing."""
    if range_.min is None:
        return "" if range_.max is None else f", at most {range_.max:,}"
    if range_.max is not None:
        return f", {range_.min:,} to {range_.max:,}"
    return f", {'above' if range_.min_open else 'at least'} {range_.min:,}"


def default(option: click.Option) -> str:
    """The value that holds when the option is not given, where there is one."""
    if option.is_flag:
        return f"`{(option.opts if option.default else option.secondary_opts)[0]}`" if option.secondary_opts else ""
    return f"{option.default}" if isinstance(option.default, (str, int, float)) else ""


if __name__ == "__main__":
    PAGE.write_text(manual(), encoding="utf-8")

"""Commands that show what the library can do, without a text of the user's: `gradcheck` and `demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lexigrad.commands.options import OUTPUT_FILE, json_option, quiet_option, writable_with_ending
from lexigrad.console import Display, print_columns, print_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["demo", "gradcheck"]


@click.command()
@json_option
def gradcheck(as_json: bool) -> None:
    """Prove each formula and each kernel.

    The gradients of the formulas are compared with finite differences of their losses, the kernels with the formulas. A
    line holds its name and the worst relative error of its gradients. The exit status is 1 if one of them is wrong.
    """
    from lexigrad.gradcheck import check_all
    from lexigrad.kernelcheck import check_kernels

    rows = [*check_all(), *check_kernels()]
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_columns(("checked", "worst error"), [(row.name, f"{row.worst_error:.1e}") for row in rows])


@click.command()
@click.option("--save", type=OUTPUT_FILE, callback=writable_with_ending, help="keep the vectors in this file")
@quiet_option
def demo(save: Path | None, quiet: bool) -> None:
    """Train on the documentation of this Python.

    The text is the docstrings of Python's standard library and of the installed packages, read without running them. It
    takes some seconds, and some more on the first run, when the kernels are compiled.
    """
    from lexigrad.demo import run_demo

    with Display(quiet=quiet) as display:
        run_demo(click.echo, save=save, progress=display.training)

"""What the command line shows: progress on standard error, plain columns on standard output.

Standard output holds data only, so that another program can read it; what is said to a person goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from lexigrad.trainer import TrainProgress

__all__ = ["Display", "print_columns", "print_json"]

REDRAW_SECONDS: Final = 0.1


def print_json(value: Any) -> None:
    """Print one JSON value on one line of standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_columns(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below a heading, each column as wide as its widest entry, all but the first to the right."""
    table = [heading, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        click.echo("  ".join([first.ljust(widths[0]), *cells]).rstrip())


class Display:
    """Shows how far reading and training are: a live bar on a terminal, a line for each tenth elsewhere.

    Everything goes to standard error. ``quiet`` shows nothing. Use it as a context manager, and hand its methods
    ``reading`` and ``training`` to the library as progress functions.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.trained: TrainProgress | None = None
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._drawn_at = 0.0
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> Display:
        if not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._bars = _live_bars()
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def say(self, message: str) -> None:
        """Write a line to standard error, above the live bar if there is one."""
        if self.quiet:
            return
        if self._bars is None:
            click.echo(message, err=True)
        else:
            self._bars.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def reading(self, done_bytes: int, total_bytes: int | None) -> None:
        """Show how much of the text has been read; how much there is may be unknown."""
        self._show("reading", done_bytes, total_bytes, f"{done_bytes / 1e6:,.0f} MB")

    def training(self, progress: TrainProgress) -> None:
        """Show how much has been trained, how fast, and at which learning rate; ``trained`` keeps the last of it."""
        self.trained = progress
        detail = f"{progress.words_per_second / 1e6:.2f} M words/s, learning rate {progress.learning_rate:.4f}"
        left = ""
        if self._bars is None and progress.words_per_second > 0:
            left_seconds = (progress.words_total - progress.words_done) / progress.words_per_second
            left = f", {_clock(left_seconds)} left"
        self._show("training", progress.words_done, progress.words_total, f"epoch {progress.epoch}, {detail}{left}")

    def _show(self, name: str, done: int, total: int | None, detail: str) -> None:
        if self.quiet:
            return
        if self._bars is None:
            self._show_line(name, done, total, detail)
        else:
            self._show_bar(self._bars, name, done, total, detail)

    def _show_bar(self, bars: Progress, name: str, done: int, total: int | None, detail: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = bars.add_task(name, total=total, detail=detail)
        ended = total is not None and done >= total
        if ended or monotonic() - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = monotonic()
            bars.update(self._tasks[name], completed=done, total=total, detail=detail, refresh=True)

    def _show_line(self, name: str, done: int, total: int | None, detail: str) -> None:
        if not total:
            return
        tenth = 10 * done // total
        if tenth > self._tenths.get(name, 0):
            self._tenths[name] = tenth
            click.echo(f"{name} {done / total:4.0%}, {detail}", err=True)


def _live_bars() -> Progress:
    """Rich's progress bars on standard error, redrawn only when told, so that no thread competes with the workers."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        auto_refresh=False,
    )


def _clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``0:01:07``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

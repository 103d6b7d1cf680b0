"""The output of the command line: progress on standard error, plain columns on standard output.

Standard output holds data only, so that another program can read it; messages to a person go to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import click

from lexigrad.errors import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.progress import Progress

    from lexigrad.engines.ray.health import EngineProgress
    from lexigrad.training.progress import SolverProgress, TrainProgress

__all__ = ["Display", "print_columns", "print_json", "tell"]

REDRAW_SECONDS: Final = 0.1


def print_json(value: Any) -> None:
    """Print one JSON value on one line of standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def tell(message: str) -> None:
    """Write a line to standard error; no name of a file in it makes two lines of it, or colors."""
    click.echo(visible(message), err=True)


def print_columns(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below a heading, each column as wide as its widest entry, all but the first to the right."""
    table = [[visible(cell) for cell in row] for row in (heading, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        click.echo("  ".join([first.ljust(widths[0]), *cells]).rstrip())


class Display:
    """Shows how far reading and training are: a live bar on a terminal, a line for each tenth elsewhere.

    Everything goes to standard error. ``quiet`` shows nothing. Use it as a context manager, and hand its methods
    ``reading``, ``training`` and ``working`` to the library as progress functions; several threads may call them.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.trained: TrainProgress | None = None
        self.solved: SolverProgress | None = None
        self._is_live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._bar: Progress | None = None
        self._drawn_at = 0.0
        self._tenths: dict[str, int] = {}
        self._lock = RLock()
        self._shown: tuple[str, int, int | None, str] | None = None  # the last content of the bar
        self._cluster = ""  # the words on a cluster's workers beside it
        self._restarts = 0
        self._laggard = ""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave_bar()

    def say(self, message: str) -> None:
        """Write a line to standard error."""
        with self._lock:
            self._leave_bar()
            if not self.quiet:
                tell(message)

    def reading(self, done_bytes: int, total_bytes: int | None) -> None:
        """Show how much of the text has been read; the size of the whole may be unknown."""
        self._show("reading", done_bytes, total_bytes, f"{done_bytes / 1e6:,.0f} MB")

    def training(self, progress: TrainProgress | SolverProgress) -> None:
        """Show the progress, the speed and the learning rate of a training; ``trained`` keeps the last progress."""
        from lexigrad.training.progress import SolverProgress

        if isinstance(progress, SolverProgress):
            self._solving(progress)
            return
        self.trained = progress
        speed, rate = progress.words_per_second, progress.learning_rate
        detail = f"epoch {progress.epoch}, {speed / 1e6:.2f} M words/s, learning rate {rate:.4f}"
        for name, loss in (("loss", progress.loss), ("held out", progress.held_out_loss)):
            if loss == loss:
                detail += f", {name} {loss:.4f}"
        if progress.merges:
            detail += f", {progress.merges:,} {_noun('merge', progress.merges)}"
        if speed > 0:
            detail += f", {_clock((progress.words_total - progress.words_done) / speed)} left"
        self._show("training", progress.words_done, progress.words_total, detail)

    def working(self, cluster: EngineProgress) -> None:
        """Show the progress of a cluster's workers beside the bar; without a bar, say at once which worker lags."""
        text = f"{cluster.workers:,} {_noun('worker', cluster.workers)}, {cluster.bytes_done / 1e6:,.0f} MB from them"
        if cluster.restarts:
            text += f", {cluster.restarts:,} {_noun('restart', cluster.restarts)}"
        laggard = cluster.slowest.rpartition(" for ")[0] if cluster.lags else ""
        all_of_it = f"{text}, waiting for {cluster.slowest}" if laggard else text
        with self._lock:
            has_news = cluster.restarts > self._restarts or laggard not in {"", self._laggard}
            self._restarts, self._laggard = cluster.restarts, laggard or self._laggard
            self._cluster = all_of_it if self._is_live else text  # a line may come long after the next pulse
            if self._is_live and not self.quiet:
                self._draw_bar(*(self._shown or ("working", 0, None, "")))
            elif has_news:
                self.say(all_of_it)

    def speed(self) -> dict[str, float]:
        """The last progress that `training` was told, as plain numbers."""
        if self.solved is not None:
            return {"seconds": self.solved.seconds}
        return {name: getattr(self.trained, name) for name in ("words_done", "seconds", "words_per_second")}

    def _solving(self, progress: SolverProgress) -> None:
        """Show the stage of an exact solver, its passes, and its loss."""
        if self.solved is None and progress.memory_bytes:
            self.say(f"takes up to {progress.memory_bytes / 1e9:.1f} GB of memory beside the window counts")
        self.solved = progress
        if progress.passes == 0:
            self._leave_bar()
        detail = f"pass {progress.passes:.1f}, {_clock(progress.seconds)} so far"
        if progress.loss == progress.loss:
            detail += f", loss {progress.loss:.4f}"
        if progress.perplexity == progress.perplexity:
            detail += f", perplexity {progress.perplexity:,.1f}"
        if self._is_live and not self.quiet:
            self._draw_bar(progress.stage, 0, None, detail)
        elif progress.passes:
            self.say(f"{progress.stage}: {self._beside(detail)}")

    def course(self, done: int, total: int, cost: float) -> None:
        """Show how many iterations of the course experiment are done."""
        self._show("course", done, total, f"cost {cost:.6f}")

    def steps(self, name: str) -> Callable[[int, int], None]:
        """A progress function that shows how much of something with this name is done."""
        return lambda done, total: self._show(name, done, total, f"{done} of {total}")

    def _show(self, name: str, done: int, total: int | None, detail: str) -> None:
        """Draw the bar or write a line, if it is time for it."""
        with self._lock:
            self._show_if_time(name, done, total, detail)

    def _show_if_time(self, name: str, done: int, total: int | None, detail: str) -> None:
        tenth = 10 * done // total if total else 0
        if self.quiet or self._tenths.get(name) == 10:
            return
        is_next_tenth = tenth > self._tenths.get(name, 0)
        self._tenths[name] = tenth
        if self._is_live and (tenth == 10 or monotonic() - self._drawn_at >= REDRAW_SECONDS):
            self._drawn_at = monotonic()
            self._draw_bar(name, done, total, detail)
        elif not self._is_live and total and is_next_tenth:
            tell(f"{name} {done / total:4.0%}, {self._beside(detail)}")
        if tenth == 10:
            self._leave_bar()

    def _beside(self, detail: str) -> str:
        """The text of the bar or the line, with the words on a cluster's workers behind it."""
        return ", ".join(filter(None, (detail, self._cluster)))

    def _draw_bar(self, name: str, done: int, total: int | None, detail: str) -> None:
        with self._lock:
            self._shown, shown = (name, done, total, detail), self._beside(detail)
            if self._bar is None:
                self._bar = _live_bar()
                self._bar.add_task(name, total=total, detail=shown)
                self._bar.start()
            task = self._bar.task_ids[0]
            self._bar.update(task, description=visible(name), completed=done, total=total, detail=shown, refresh=True)

    def _leave_bar(self) -> None:
        """Leave the bar as it stands, and begin a line below it."""
        with self._lock:
            self._shown = None
            if self._bar is not None:
                self._bar.stop()
                self._bar = None


def _live_bar() -> Progress:
    """A bar on standard error, redrawn only when told, so that no thread competes with the workers."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        redirect_stdout=False,  # data goes where it was sent
        redirect_stderr=False,
    )


def _noun(noun: str, count: int) -> str:
    """The noun, in the plural unless ``count`` is 1."""
    return noun if count == 1 else f"{noun}s"


def _clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``0:01:07``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"

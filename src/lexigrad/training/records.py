"""The records of a training: those that the model keeps, the log to which all are written, and all other listeners.

A record is a dict of plain values, one for each epoch of SGD and for each step of the exact solver. Its values follow
from the text and the options; times are in the log only, so that a model's file does not depend on them.
"""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lexigrad.config.losses import LOSSES, SOLVERS
from lexigrad.errors import InputError, LexigradError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from lexigrad.config import TrainConfig
    from lexigrad.training.progress import Callback, Progress, SolverProgress, TrainProgress

__all__ = ["LOG_ENDINGS", "Listeners", "Log", "Patience", "Records", "kept_record", "open_log"]

MOST_RECORDS: Final = 1_000
"""A model's file has room for some thousands of records in its header."""

LOG_ENDINGS: Final = (".csv", ".jsonl")


class Records:
    """The records of one run, and its log.

    Of more than 1,000 records every second one is kept, of more than 2,000 every fourth and so on, and in any case the
    last one and that of the tables that are kept. ``total`` counts all of them.

    Args:
        log: gets all records.
    """

    def __init__(self, log: Log | None = None) -> None:
        self.log = log
        self.total = 0
        self._kept: list[tuple[int, dict[str, Any]]] = []
        self._best = 0

    @property
    def history(self) -> list[dict[str, Any]]:
        """The records that are kept, in order."""
        return [record for _, record in self._kept]

    def add(self, record: dict[str, Any], *, is_best: bool = False, **times: float) -> None:
        """Append a record; the log gets the times with it."""
        self.total += 1
        if is_best:
            self._best = self.total
        every = 1
        while self.total // every > MOST_RECORDS:
            every *= 2
        self._kept.append((self.total, record))
        self._kept = [
            (number, kept) for number, kept in self._kept if number % every == 0 or number in (self._best, self.total)
        ]
        if self.log is not None:
            self.log.write({**record, **times})

    def state(self) -> dict[str, Any]:
        """The values by which a checkpoint keeps the records."""
        return {"total": self.total, "kept": list(self._kept), "best": self._best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from the values that ``state`` gave."""
        self.total, self._best = state["total"], state["best"]
        self._kept = [(number, record) for number, record in state["kept"]]

    def mark_best(self) -> None:
        """Say in the record of the best tables that they were kept."""
        self._kept = [
            (number, {**record, "kept": True} if number == self._best else record) for number, record in self._kept
        ]


class Listeners:
    """All that are told how a training goes.

    Args:
        progress: is called with each report.
        callbacks: their ``on_report`` is called with each report, too, and at times their ``on_rest``.
        log: gets each record.
    """

    def __init__(
        self, progress: Progress | None = None, callbacks: Sequence[Callback] = (), log: Log | None = None
    ) -> None:
        self.callbacks, self.log = callbacks, log
        self._progress = progress

    def report(self, progress: TrainProgress | SolverProgress) -> None:
        """Hand a report on."""
        if self._progress is not None:
            self._progress(progress)
        for callback in self.callbacks:
            callback.on_report(progress)

    def rest(self, rows: Callable[[int], Any]) -> None:
        """Let the callbacks ask for the first rows, which the function ``rows`` copies."""
        for callback in self.callbacks:
            callback.on_rest(rows)


def kept_record(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The record of the tables that a model has: the one that early stopping went back to, or the last.

    Example:
        >>> kept_record([{"epoch": 1}, {"epoch": 2, "kept": True}, {"epoch": 3}])["epoch"]
        2
    """
    return next((record for record in history if record.get("kept")), history[-1])


class Patience:
    """Follows a loss, and says when it has not fallen for a while.

    Args:
        patience: the losses without a smaller one that are too many; None waits for ever.

    Example:
        >>> patience = Patience(2)
        >>> [(patience.is_least(loss), patience.is_over) for loss in (3.0, 2.0, 2.5, 2.0)]
        [(True, False), (True, False), (False, False), (False, True)]
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.least = float("inf")
        self.worse = 0

    def is_least(self, loss: float) -> bool:
        """Take in a loss, and return whether no earlier one was as small."""
        self.worse += 1
        if loss < self.least:
            self.least, self.worse = loss, 0
        return self.worse == 0

    def state(self) -> dict[str, Any] | None:
        """The values by which a checkpoint keeps the least loss; None before the first loss."""
        return None if self.worse == 0 and self.least == float("inf") else {"least": self.least, "worse": self.worse}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from the values that ``state`` gave."""
        if state is not None:
            self.least, self.worse = state["least"], state["worse"]

    @property
    def is_over(self) -> bool:
        """Whether it is time to stop."""
        return self.patience is not None and self.worse >= self.patience


class Log:
    """A file to which each record is written when it comes: a line of CSV below a heading, or of JSON.

    Args:
        path: its ending says which, ``.csv`` or ``.jsonl``; a file that was there is overwritten.
        columns: the entries that a line of CSV holds, in order; those that a record lacks are left empty. The entries
            of a record's ``validation`` are columns of their own, such as ``validation_perplexity``.
        resume: leave the file as it was until ``go_on_after`` says how much of it stands.

    Raises:
        InputError: the file has another ending.
        LexigradError: the file cannot be written.

    Example:
        >>> path = getfixture("tmp_path") / "run.csv"
        >>> with Log(path, ("epoch", "loss")) as log:
        ...     log.write({"epoch": 1, "loss": 2.5})
        >>> path.read_text().split()
        ['epoch,loss', '1,2.5']
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str], *, resume: bool = False) -> None:
        self.path, self.columns = Path(path), columns
        if self.path.suffix not in LOG_ENDINGS:
            raise InputError(f"a log must end in {' or '.join(LOG_ENDINGS)}, and {str(path)!r} does not")
        try:
            # nothing is left to be written later
            self._file = self.path.open("a+b" if resume else "wb", buffering=0)
        except OSError as error:
            raise self._failure(error) from error
        if not resume:
            self._begin()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def go_on_after(self, records: int) -> None:
        """Keep the first records of an earlier run, so many as are given, and drop all that it wrote after them."""
        try:
            self._file.seek(0)
            for _ in range(records + (self.path.suffix == ".csv") if records else 0):
                self._file.readline()
            self._file.truncate(self._file.tell())
        except OSError as error:
            raise self._failure(error) from error
        if not records:
            self._begin()

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one line at once, for readers of the file."""
        if self.path.suffix == ".csv":
            measured = record.get("validation") or {}
            flat = {**record, **{f"validation_{name}": value for name, value in measured.items()}}
            self._write(_csv_line([flat.get(column) for column in self.columns]))
        else:
            self._write(json.dumps(record, ensure_ascii=False) + "\n")

    def _write(self, line: str) -> None:
        rest = memoryview(line.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._file.close()
            raise self._failure(error) from error

    def _begin(self) -> None:
        """Write the heading, where there is one."""
        if self.path.suffix == ".csv":
            self._write(_csv_line(self.columns))

    def _failure(self, error: OSError) -> LexigradError:
        return LexigradError(f"cannot write the log {self.path}: {error.strerror or error}")


def _csv_line(values: Sequence[Any]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def open_log(path: str | os.PathLike[str], config: TrainConfig, *, has_validation: bool, resume: bool = False) -> Log:
    """A log with the columns of the records that a training with this config writes."""
    loss, solver = LOSSES[config.loss], SOLVERS[config.solver]
    measures = ("pairs", *loss.measures, "words", "unknown", "coverage") if has_validation else ()
    return Log(path, [*solver.columns, *(f"validation_{name}" for name in measures), *solver.times], resume=resume)

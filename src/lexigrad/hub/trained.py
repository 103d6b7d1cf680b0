"""The training in a model card: its options, and the records that it made on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lexigrad.hub.markup import in_prose, table
from lexigrad.losses import LOSSES, SOLVERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexigrad.config import TrainConfig
    from lexigrad.model import Word2Vec

__all__ = ["kind_of_training", "training"]

MOST_ROWS: Final = 20
NOTHING: Final = "–"
MODELS: Final = {"skipgram": "skip-gram", "cbow": "CBOW"}
FIRST: Final = ("epoch", "stage", "passes", "words", "learning_rate", "loss")
"""The columns that come first, in this order."""


def kind_of_training(config: TrainConfig) -> str:
    """Half a sentence on how vectors were made."""
    solver = SOLVERS[config.solver]
    if not solver.minimizes:
        return solver.summary
    return f"trained as word2vec's {MODELS[config.model]} with {LOSSES[config.loss].phrase}, {solver.summary}"


def training(model: Word2Vec) -> str:
    """The section on the training of a model."""
    options = {**model.config.to_dict(), "learning_rate": model.config.starting_learning_rate}
    parts = [
        "## Training\n",
        f"The options, by their names in `lexigrad train`; {NOTHING} is for those not given:\n",
        table(("option", "value"), [(f"`{name}`", _value(value)) for name, value in options.items()]) + "\n",
    ]
    if history := [record for record in model.history if isinstance(record, dict)]:
        parts.append(_history(history, LOSSES[model.config.loss].measures))
    return "\n".join(parts)


def _history(history: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> str:
    """The records of each epoch of SGD or each step of the exact solver, with these measures on held-out text."""
    shown = _shown(history)
    rows = [_flat(record, measures) for record in shown]
    found = dict.fromkeys(name for row in rows for name in row)
    names = [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]
    cells = [[_number(row.get(name)) for name in names] for row in rows]
    heading = [in_prose(name.replace("_", " ")) for name in names]
    parts = [f"{_which(len(shown), len(history))}{_held_out(history[-1])}\n", table(heading, cells) + "\n"]
    if "loss" in names:
        parts.append("`loss` is that of the text that the vectors were trained on.\n")
    return "\n".join(parts)


def _shown(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records for a table of few rows: evenly spaced ones, the last, and that of the vectors that were kept."""
    every = -(-len(history) // MOST_ROWS)
    last = len(history)
    return [record for n, record in enumerate(history, 1) if n % every == 0 or n == last or record.get("kept")]


def _which(shown: int, records: int) -> str:
    if shown == records:
        return "What the training recorded, in order."
    return f"What the training recorded, in order: {shown:,} of {records:,} records."


def _held_out(record: Mapping[str, Any]) -> str:
    match record.get("validation"):
        case {"words": int(words), "unknown": int(unknown), "pairs": int() | float() as pairs}:
            return f" Held out: {words:,} words and {unknown:,} unknown ones, {pairs:,.0f} pairs of words."
    return ""


def _flat(record: Mapping[str, Any], measures: Sequence[str]) -> dict[str, Any]:
    """A record without objects in it."""
    flat = {name: value for name, value in record.items() if name != "validation"}
    match record.get("validation"):
        case dict() as measured:
            flat |= {f"held-out {name}": measured.get(name) for name in measures}
    return flat


def _value(value: Any) -> str:
    """An option's value, as people read it."""
    return f"{value:g}" if isinstance(value, float) else _number(value)


def _number(value: Any) -> str:
    """A recorded value, as people read it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4f}" if abs(value) >= 1 else f"{value:.4g}"
        case str():
            return in_prose(value)
    return in_prose(json.dumps(value, ensure_ascii=False))

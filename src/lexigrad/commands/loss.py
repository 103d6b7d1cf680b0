"""The command that measures models by both losses: `loss`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from lexigrad.commands.options import FILE, config_options, json_option
from lexigrad.console import print_columns, print_json
from lexigrad.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lexigrad.heldout import HeldOutLoss
    from lexigrad.model import Word2Vec

__all__ = ["loss"]


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@click.argument("corpus")
@config_options(["column"])
@click.option("--threads", type=click.IntRange(min=1), help="worker threads; all cores when not given")
@json_option
def loss(vectors: tuple[Path, ...], corpus: str, column: str | None, threads: int | None, as_json: bool) -> None:
    """Measure whole models by both losses on the text CORPUS, which they were not trained on.

    The losses are exact, a pair of a center and an outside word each (for CBOW a window): negative sampling in
    expectation over the noise, and the naive softmax's negative log-likelihood with its perplexity. VECTORS are native
    files that `train` wrote, whatever their loss; only those with the same vocabulary and options can be compared.
    """
    losses = _losses(vectors, corpus, column, threads)
    found = [(str(path), measured) for path, measured in zip(vectors, losses, strict=True)]
    if as_json:
        print_json([{"vectors": path, **measured.to_dict()} for path, measured in found])
    else:
        names = list(dict.fromkeys(name for _, measured in found for name in measured.losses))
        heading = ("vectors", "pairs", *(LOSSES[name].heading for name in names), "perplexity", "words", "covered")
        print_columns(heading, [_row(path, measured, names) for path, measured in found])


def _losses(vectors: Iterable[Path], corpus: str, column: str | None, threads: int | None) -> Iterator[HeldOutLoss]:
    """The losses of one model after another; no model stays in memory."""
    from lexigrad.heldout import held_out_loss

    for path in vectors:
        model = _whole_model(path)
        config = replace(model.config, column=column or model.config.column)
        yield held_out_loss(model, corpus, config, threads=threads)


def _whole_model(path: Path) -> Word2Vec:
    """The model in a file; a file of vectors alone is refused with a sentence that says what it lacks."""
    from lexigrad.errors import FormatError
    from lexigrad.formats.sniffing import sniff
    from lexigrad.model import Word2Vec

    if sniff(path) != "native":
        raise FormatError(
            f"{path} holds the word vectors V only, and a loss needs the outside vectors U too; give the .safetensors "
            "file that `train` writes"
        )
    return Word2Vec.load(path)


def _row(path: str, found: HeldOutLoss, names: Iterable[str]) -> tuple[str, ...]:
    """The table's row for one model; the cell of a loss that the model does not have is empty."""
    losses = [f"{found.losses[name]:.4f}" if name in found.losses else "" for name in names]
    covered = f"{100 * found.coverage:.1f} %"
    return path, f"{found.pairs:,.0f}", *losses, f"{found.perplexity:,.1f}", f"{found.words:,}", covered

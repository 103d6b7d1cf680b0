"""The command that counts windows: `cooccur`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from lexigrad.commands.options import (
    OUTPUT_FILE,
    config_options,
    corpus_argument,
    json_option,
    keep_inputs,
    make_config,
    quiet_option,
    vocabulary_option,
    writable,
)
from lexigrad.commands.training import open_corpus
from lexigrad.config import TEXT_OPTIONS
from lexigrad.console import Display, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.windowcounts import WindowCounts

__all__ = ["cooccur"]

COUNT_OPTIONS: Final = ("window", "dynamic_window", "subsample")  # as in `countsfile`, without its imports
GIGABYTE: Final = 10**9


@click.command()
@corpus_argument
@click.option(
    "-o", "--output", type=OUTPUT_FILE, callback=writable, required=True, help="the file to write, usually .npz"
)
@config_options([*COUNT_OPTIONS, *TEXT_OPTIONS])
@click.option(
    "--memory-gb",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    show_default=True,
    metavar="NUMBER",
    help="memory for counting, besides the result; beyond it temporary files are used",
)
@vocabulary_option
@quiet_option
@json_option
def cooccur(
    corpus: tuple[str, ...],
    output: Path,
    memory_gb: float,
    vocabulary: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Count how often words of CORPUS stand in each other's windows.

    The counts are expectations over subsampling and window widths, so no chance is in them. The file is a sparse matrix
    that scipy.sparse.load_npz reads, with the words besides.

    CORPUS is text as for `train`, or files that this command wrote: their counts are added. Counts can be added when
    they were made with the same options and the same --vocabulary.
    """
    keep_inputs(corpus, output)
    with Display(quiet=quiet) as display:
        if _are_saved_counts(corpus):
            _refuse_other_options()
            counts = _sum(corpus)
        else:
            counts = _count(corpus, vocabulary, round(memory_gb * GIGABYTE), display, options)
        counts.save(output)
        display.say(f"wrote {counts.outside.size:,} counts of {len(counts.vocabulary):,} words to {output}")
    if as_json:
        found = {"entries": counts.outside.size, "pairs": counts.pairs, "words": counts.words}
        print_json({"output": str(output), "vocabulary": len(counts.vocabulary), **found, **counts.options})


def _are_saved_counts(paths: tuple[str, ...]) -> bool:
    """Whether saved counts are to be added; they cannot be mixed with text."""
    from lexigrad.countsfile import is_saved_counts

    saved = [path for path in paths if is_saved_counts(path)]
    others = [path for path in paths if path not in saved]
    if saved and others:
        raise click.UsageError(
            f"'{saved[0]}' holds counts and '{others[0]}' does not; count the text first, with --vocabulary, then add."
        )
    return bool(saved)


def _refuse_other_options() -> None:
    """Options of counting say nothing where counts are added."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = str(parameter.name)
        if name not in {"corpus", "output", "quiet", "as_json"} and (
            context.get_parameter_source(name) is not ParameterSource.DEFAULT
        ):
            raise click.UsageError(f"{parameter.opts[0]} is for counting text; saved counts are added as they are.")


def _sum(paths: tuple[str, ...]) -> WindowCounts:
    from lexigrad import WindowCounts

    total = WindowCounts.load(paths[0])
    for path in paths[1:]:
        total = total + WindowCounts.load(path)
    return total


def _count(
    corpus: tuple[str, ...], vocabulary: Path | None, memory_bytes: int, display: Display, options: dict[str, Any]
) -> WindowCounts:
    from lexigrad import count_windows

    config = make_config(options, corpus)
    with open_corpus(corpus, config, vocabulary, display) as encoded:
        return count_windows(encoded, config, progress=display.steps("counting"), memory_bytes=max(1, memory_bytes))

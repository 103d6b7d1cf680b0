"""The commands that count: `vocab` reads text and counts its words, `cooccur` counts windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from lexigrad.cli.console import Display, print_json
from lexigrad.cli.options import (
    OUTPUT_FILE,
    config_options,
    corpus_argument,
    engine_options,
    json_option,
    keep_inputs,
    make_config,
    quiet_option,
    vocabulary_option,
    writable,
)
from lexigrad.cli.ray import count_words_on, opened_engine
from lexigrad.config import TEXT_OPTIONS, TrainConfig
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad import Vocabulary
    from lexigrad.corpus.corpus import Corpus
    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.engines.interface import Engine
    from lexigrad.training.model import Word2Vec

__all__ = ["cooccur", "open_corpus", "vocab"]


COUNT_OPTIONS: Final = ("window", "dynamic_window", "subsample")  # those of `countsfile`, without its imports
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
    metavar="NUMBER",
    help="memory for counting, besides the result, 2 when not given; beyond it temporary files are used; with --ray "
    "that of each worker, 0.2 when not given",
)
@vocabulary_option
@engine_options
@quiet_option
@json_option
def cooccur(
    corpus: tuple[str, ...],
    output: Path,
    memory_gb: float | None,
    vocabulary: Path | None,
    ray: str | None,
    workers: int | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Count how often words of CORPUS stand in each other's windows.

    The counts are expectations over subsampling and window widths, so no chance is in them. The file is a sparse matrix
    that scipy.sparse.load_npz reads, with the words besides.

    CORPUS is text as for `train`, or files that this command wrote: their counts are added. Counts can be added when
    they were made with the same options and the same --vocabulary.

    With --ray shards of the text are counted by workers, and CORPUS may be addresses such as s3://bucket/folder.
    """
    from lexigrad import Vocabulary

    keep_inputs(corpus, output)
    memory_bytes = None if memory_gb is None else max(1, round(memory_gb * GIGABYTE))
    with Display(quiet=quiet) as display:
        if _are_saved_counts(corpus):
            _refuse_other_options()
            found = _saved(_sum(corpus), output)
        elif ray is not None:
            given = None if vocabulary is None else Vocabulary.load(vocabulary)
            with opened_engine(ray, workers, display, corpus) as engine:
                found = _count_on(engine, corpus, given, memory_bytes, display, options, output)
        else:
            found = _saved(_count(corpus, vocabulary, memory_bytes, display, options), output)
        display.say(f"wrote {found['entries']:,} counts of {found['vocabulary']:,} words to {output}")
    if as_json:
        print_json({"output": str(output), **found})


def _are_saved_counts(paths: tuple[str, ...]) -> bool:
    """Whether saved counts are to be added; they cannot be mixed with text."""
    from lexigrad.corpus.windows.countsfile import is_saved_counts

    saved = [path for path in paths if is_saved_counts(path)]
    others = [path for path in paths if path not in saved]
    if saved and others:
        raise click.UsageError(
            f"'{saved[0]}' holds counts and '{others[0]}' does not; count the text first, with --vocabulary, then add."
        )
    return bool(saved)


def _refuse_other_options() -> None:
    """Refuse options of counting where saved counts are added, as they have no effect there."""
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


def _saved(counts: WindowCounts, output: Path) -> dict[str, Any]:
    """Write counts; returns the figures that the command prints."""
    counts.save(output)
    found = {"entries": counts.outside.size, "pairs": counts.pairs, "words": counts.words}
    return {"vocabulary": len(counts.vocabulary), **found, **counts.options}


def _count_on(
    engine: Engine,
    corpus: tuple[str, ...],
    given: Vocabulary | None,
    memory_bytes: int | None,
    display: Display,
    options: dict[str, Any],
    output: Path,
) -> dict[str, Any]:
    """Count text on an engine and write the counts; returns the figures that the command prints."""
    from lexigrad.corpus.shards import write_window_counts

    config = make_config(options, corpus)
    how: dict[str, Any] = {"memory_bytes": memory_bytes, "progress": display.steps("counting")}
    if given is None or config.phrases:
        found = count_words_on(engine, corpus, config, given, display)
        vocabulary = found.vocabulary
        written = write_window_counts(list(corpus), output, config, engine=engine, words=found, **how)
    else:  # what was read is known when all is counted
        vocabulary = given
        written = write_window_counts(list(corpus), output, config, engine=engine, words=given, **how)
        display.say(written.report.summary())
    counted = {"entries": written.entries, "pairs": written.pairs, "words": written.report.kept}
    return {"vocabulary": len(vocabulary), **counted, **{name: getattr(config, name) for name in COUNT_OPTIONS}}


def _count(
    corpus: tuple[str, ...],
    vocabulary: Path | None,
    memory_bytes: int | None,
    display: Display,
    options: dict[str, Any],
) -> WindowCounts:
    from lexigrad import count_windows

    config = make_config(options, corpus)
    with open_corpus(corpus, config, vocabulary, display) as encoded:
        return count_windows(encoded, config, progress=display.steps("counting"), memory_bytes=memory_bytes)


@click.command()
@corpus_argument
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=writable,
    help="write the vocabulary to this file, one `word count` a line",
)
@click.option(
    "--save",
    type=OUTPUT_FILE,
    callback=writable,
    help="keep the encoded text in this file, so that `train` starts at once",
)
@config_options(TEXT_OPTIONS)
@vocabulary_option
@engine_options
@quiet_option
@json_option
def vocab(
    corpus: tuple[str, ...],
    output: Path | None,
    save: Path | None,
    vocabulary: Path | None,
    ray: str | None,
    workers: int | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the words of CORPUS and encode its text.

    Without -o and --save the vocabulary is printed, one `word count` a line, the most frequent first.

    With --ray shards of the text are counted by workers, and CORPUS may be addresses such as s3://bucket/folder.
    """
    import lexigrad

    config = make_config(options, corpus)
    if ray is not None and save is not None:
        raise click.UsageError("--save keeps the text that one process encodes; leave it out with --ray.")
    if output is not None and output == save:
        raise click.UsageError(f"'{save}' cannot hold both the vocabulary and the encoded text; name two files.")
    for path in (output, save):
        keep_inputs(corpus, path)
    with Display(quiet=quiet) as display:
        if ray is None:
            with open_corpus(corpus, config, vocabulary, display, save) as encoded:
                found, report = encoded.vocabulary, encoded.report
        else:
            given = None if vocabulary is None else lexigrad.Vocabulary.load(vocabulary)
            with opened_engine(ray, workers, display, corpus) as engine:
                found, report, _ = count_words_on(engine, corpus, config, given, display)
        if output is not None:
            found.save(output)
    counts = dict(zip(found.words, found.counts.tolist(), strict=True))
    if as_json:
        print_json({"report": report.to_dict(), "counts": counts})
    elif output is None and save is None:
        click.echo("\n".join(f"{word} {count}" for word, count in counts.items()))


def open_corpus(
    paths: tuple[str, ...],
    config: TrainConfig,
    vocabulary: Path | None,
    display: Display,
    save: Path | None = None,
    *,
    start: Word2Vec | None = None,
) -> Corpus:
    """Read the text, showing progress, and say how much was read and how much was left out."""
    import lexigrad
    from lexigrad.corpus.windows.countsfile import is_saved_counts

    for path in filter(is_saved_counts, paths):
        raise InputError(f"{path!r} holds window counts and no text; `lexigrad train --counts` takes them")
    given = None if vocabulary is None else lexigrad.Vocabulary.load(vocabulary)
    how: dict[str, Any] = {"vocabulary": given, "save": save, "progress": display.reading}
    how["phrase_progress"] = display.steps("phrases")
    if start is not None:
        how |= {"known": start.vocabulary, "phrases": start.phrases}
    corpus = lexigrad.read_corpus(list(paths), config, **how)
    display.say(corpus.report.summary())
    return corpus

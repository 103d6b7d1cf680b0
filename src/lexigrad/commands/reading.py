"""The command that reads text and counts its words: `vocab`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lexigrad.commands.distributing import count_words_on, opened_engine
from lexigrad.commands.options import (
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
from lexigrad.config import TEXT_OPTIONS, TrainConfig
from lexigrad.console import Display, print_json
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.corpus import Corpus
    from lexigrad.model import Word2Vec

__all__ = ["open_corpus", "vocab"]


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
    from lexigrad.countsfile import is_saved_counts

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

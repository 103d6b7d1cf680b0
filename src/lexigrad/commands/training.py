"""Commands that read text: `train` and `vocab`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

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
    writable_with_ending,
)
from lexigrad.config import TEXT_OPTIONS, TrainConfig
from lexigrad.console import Display, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.corpus import Corpus
    from lexigrad.model import Word2Vec

__all__ = ["train", "vocab"]


@click.command()
@corpus_argument
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=writable_with_ending,
    required=True,
    help="where to write: .safetensors for the whole model, .txt or .bin for the vectors in word2vec's formats",
)
@config_options(option.name for option in fields(TrainConfig))
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="train so many models, with the seeds from --seed on; OUT.bin then becomes OUT.seed1.bin and so on",
)
@vocabulary_option
@quiet_option
@json_option
def train(
    corpus: tuple[str, ...],
    output: Path,
    seeds: int | None,
    vocabulary: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train word vectors on CORPUS and write them to a file.

    CORPUS is any number of files, folders and globs, the file that `vocab --save` wrote, or - for standard input. A
    line of text is a sentence or a paragraph; files may be compressed (.gz, .bz2, .xz, .zst).
    """
    from lexigrad.seeds import each_seed

    config = make_config(options, corpus)
    outputs = [output] if seeds is None else [_seeded(output, config.seed + number) for number in range(seeds)]
    for path in outputs:
        keep_inputs(corpus, path)
    models = []
    with Display(quiet=quiet) as display, open_corpus(corpus, config, vocabulary, display) as encoded:
        for path, model in zip(outputs, each_seed(encoded, config, len(outputs), display.training), strict=True):
            _save(model, path)
            display.say(f"wrote {len(model.vocabulary):,} vectors of length {config.dim} to {path}")
            models.append({"output": str(path), "history": model.history})
    if as_json:
        speed = {name: getattr(display.trained, name) for name in ("words_done", "seconds", "words_per_second")}
        trained = models[0] if seeds is None else {"models": models}
        print_json({"report": encoded.report.to_dict(), **speed, **trained})


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
@quiet_option
@json_option
def vocab(
    corpus: tuple[str, ...],
    output: Path | None,
    save: Path | None,
    vocabulary: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Count the words of CORPUS and encode its text.

    Without -o and --save the vocabulary is printed, one `word count` a line, the most frequent first.
    """
    config = make_config(options, corpus)
    if output is not None and output == save:
        raise click.UsageError(f"'{save}' cannot hold both the vocabulary and the encoded text; name two files.")
    for path in (output, save):
        keep_inputs(corpus, path)
    with Display(quiet=quiet) as display, open_corpus(corpus, config, vocabulary, display, save) as encoded:
        if output is not None:
            encoded.vocabulary.save(output)
        counts = dict(zip(encoded.vocabulary.words, encoded.vocabulary.counts.tolist(), strict=True))
    if as_json:
        print_json({"report": encoded.report.to_dict(), "counts": counts})
    elif output is None and save is None:
        click.echo("\n".join(f"{word} {count}" for word, count in counts.items()))


def open_corpus(
    paths: tuple[str, ...], config: TrainConfig, vocabulary: Path | None, display: Display, save: Path | None = None
) -> Corpus:
    """Read the text, showing progress, and say what was read and what was left out."""
    import lexigrad

    known = None if vocabulary is None else lexigrad.Vocabulary.load(vocabulary)
    corpus = lexigrad.read_corpus(list(paths), config, vocabulary=known, save=save, progress=display.reading)
    display.say(corpus.report.summary())
    return corpus


def _seeded(output: Path, seed: int) -> Path:
    """The file of one of several models: ``model.seed1.safetensors``."""
    return output.with_name(f"{output.stem}.seed{seed}{output.suffix}")


def _save(model: Word2Vec, path: Path) -> None:
    """Write the whole model, or its vectors in the format of the ending."""
    import lexigrad

    if path.suffix == ".safetensors":
        model.save(path)
    else:
        lexigrad.save_vectors(path, model.vectors)

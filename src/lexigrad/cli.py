"""The command line: one short command a verb, each of which parses, calls the library and prints.

Nothing heavy is imported before a command runs, so that ``lexigrad --help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from lexigrad import __version__
from lexigrad.config import TEXT_OPTIONS, TrainConfig
from lexigrad.console import Display, print_columns, print_json
from lexigrad.errors import ConfigError, LexigradError

if TYPE_CHECKING:
    from lexigrad.corpus import Corpus
    from lexigrad.formats import Format

__all__ = ["main"]

Command = TypeVar("Command", bound=Callable[..., Any])

INTERRUPTED: Final = 130  # 128 + SIGINT, what a shell reports of a program stopped by Ctrl-C
# What `formats` knows, without its imports.
ENDINGS: Final = (".safetensors", ".txt", ".bin")
FORMATS: Final = ("native", "word2vec-text", "word2vec-binary", "glove")
ALL_WORDS: Final = {"min_count": 1, "max_vocabulary": None}


class _Commands(click.Group):
    """Commands in the order of their definition, whose errors end in one sentence and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nStopped by the keyboard; no half-written file is left behind.", err=True)
            ctx.exit(INTERRUPTED)
        except LexigradError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader went away, as `head` does: click ends quietly
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error
        except UnicodeEncodeError as error:
            sentence = f"the output's encoding is {error.encoding}, which lacks a character; set PYTHONIOENCODING=utf-8"
            raise click.ClickException(sentence) from error
        except MemoryError as error:
            raise click.ClickException(f"not enough memory: {error}") from error


FILE: Final = click.Path(path_type=Path)
OUTPUT_FILE: Final = click.Path(path_type=Path, dir_okay=False, writable=True)


def _writable(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that could not be written, before any work is done."""
    if path is None or (path.exists() and not path.is_file()):  # a device or a pipe is written to directly
        return path
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        reason = f"File '{path}' cannot be written: {error.strerror or error}: '{path.parent}'."
        raise click.BadParameter(reason, ctx, option) from error
    return path


def _writable_with_ending(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file whose ending names no format, too."""
    if path is not None and path.suffix not in ENDINGS:
        raise click.BadParameter(f"File '{path}' must end in {_either(ENDINGS)}.", ctx, option)
    return _writable(ctx, option, path)


def _either(choices: Iterable[str]) -> str:
    """``a, b or c``."""
    *others, last = choices
    return f"{', '.join(others)} or {last}"


def _config_options(names: Iterable[str]) -> Callable[[Command], Command]:
    """Give a command one option for each of these fields of TrainConfig, with its default, help and bounds."""
    options = {option.name: option for option in fields(TrainConfig)}

    def add_options(command: Command) -> Command:
        for name in reversed(list(names)):
            command = _config_option(options[name])(command)
        return command

    return add_options


def _config_option(option: Field[Any]) -> Callable[[Command], Command]:
    """The option of one field."""
    flag = f"--{option.name.replace('_', '-')}"
    kind = str(option.type)
    if kind == "bool":
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    rule = option.metadata
    limits = {
        "min": rule["above"] if rule["at_least"] is None else rule["at_least"],
        "max": rule["at_most"],
        "min_open": rule["above"] is not None,
    }
    parameter_type: Any
    metavar = None
    if rule["choices"]:
        parameter_type = click.Choice(rule["choices"])
    elif kind == "bool":
        parameter_type = bool
    else:
        parameter_type = click.IntRange(**limits) if kind.startswith("int") else click.FloatRange(**limits)
        metavar = "INTEGER" if kind.startswith("int") else "NUMBER"
    return click.option(
        flag,
        option.name,
        type=parameter_type,
        default=option.default,
        show_default=True,
        metavar=metavar,
        help=rule["help"],
    )


def _make_config(options: dict[str, Any], corpus: Sequence[str]) -> TrainConfig:
    """The config of these options; options that contradict each other are wrong usage.

    A saved corpus keeps the words with which it was saved, unless an option that was given leaves some out.
    """
    if len(corpus) == 1 and os.path.isfile(corpus[0]):
        from lexigrad.corpusfile import is_saved_corpus

        source = click.get_current_context().get_parameter_source
        if is_saved_corpus(corpus[0]):
            options |= {name: value for name, value in ALL_WORDS.items() if source(name) is ParameterSource.DEFAULT}
    try:
        return TrainConfig(**options)
    except ConfigError as error:
        raise click.UsageError(f"{error}.") from error


_corpus = click.argument("corpus", nargs=-1, required=True)
_vocabulary = click.option(
    "--vocabulary",
    type=FILE,
    metavar="FILE",
    help="take this saved vocabulary, and count nothing",
)
_quiet = click.option("-q", "--quiet", is_flag=True, help="say nothing on standard error but errors")
_json = click.option("--json", "as_json", is_flag=True, help="print JSON, for another program to read")
_n = click.option("-n", type=click.IntRange(min=1), default=10, show_default=True, help="how many words to print")
_restrict = click.option(
    "--restrict", type=click.IntRange(min=1), help="search only so many words, the most frequent ones"
)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lexigrad")
def main() -> None:
    """Train, prove and use word vectors (word2vec).

    Standard output holds data only; progress, reports and errors go to standard error. The exit status is 0 when all
    went well, 1 when a file or a word is not as needed, 2 for wrong usage, 130 after Ctrl-C.
    """


@main.command()
@_corpus
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=_writable_with_ending,
    required=True,
    help="where to write: .safetensors for the whole model, .txt or .bin for the vectors in word2vec's formats",
)
@_config_options(option.name for option in fields(TrainConfig))
@_vocabulary
@_quiet
@_json
def train(
    corpus: tuple[str, ...], output: Path, vocabulary: Path | None, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Train word vectors on CORPUS and write them to a file.

    CORPUS is any number of files, folders and globs, the file that `vocab --save` wrote, or - for standard input. A
    line of text is a sentence or a paragraph; files may be compressed (.gz, .bz2, .xz, .zst).
    """
    import lexigrad

    config = _make_config(options, corpus)
    _keep_inputs(corpus, output)
    with Display(quiet=quiet) as display, _open_corpus(corpus, config, vocabulary, display) as encoded:
        model = lexigrad.train(encoded, config, progress=display.training)
        if output.suffix == ".safetensors":
            model.save(output)
        else:
            lexigrad.save_vectors(output, model.vectors)
        display.say(f"wrote {len(model.vocabulary):,} vectors of length {config.dim} to {output}")
    if as_json:
        speed = {name: getattr(display.trained, name) for name in ("words_done", "seconds", "words_per_second")}
        print_json({"output": str(output), "report": encoded.report.to_dict(), **speed, "history": model.history})


@main.command()
@_corpus
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=_writable,
    help="write the vocabulary to this file, one `word count` a line",
)
@click.option(
    "--save",
    type=OUTPUT_FILE,
    callback=_writable,
    help="keep the encoded text in this file, so that `train` starts at once",
)
@_config_options(TEXT_OPTIONS)
@_vocabulary
@_quiet
@_json
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
    config = _make_config(options, corpus)
    if output is not None and output == save:
        raise click.UsageError(f"'{save}' cannot hold both the vocabulary and the encoded text; name two files.")
    for path in (output, save):
        _keep_inputs(corpus, path)
    with Display(quiet=quiet) as display, _open_corpus(corpus, config, vocabulary, display, save) as encoded:
        if output is not None:
            encoded.vocabulary.save(output)
        counts = dict(zip(encoded.vocabulary.words, encoded.vocabulary.counts.tolist(), strict=True))
    if as_json:
        print_json({"report": encoded.report.to_dict(), "counts": counts})
    elif output is None and save is None:
        click.echo("\n".join(f"{word} {count}" for word, count in counts.items()))


@main.command()
@click.argument("vectors", type=FILE)
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@_n
@_restrict
@_json
def neighbors(vectors: Path, words: tuple[str, ...], n: int, restrict: int | None, as_json: bool) -> None:
    """Print the words nearest to each WORD.

    A line holds a neighbor and the cosine of the two vectors, with a tab between them; with several WORDs, each line
    begins with its WORD.
    """
    import lexigrad

    loaded = lexigrad.load_vectors(vectors)
    found = {word: loaded.most_similar(word, n=n, restrict=restrict) for word in words}
    if as_json:
        print_json(found)
        return
    for word, nearest in found.items():
        _print_nearest(nearest, [word] if len(found) > 1 else [])


@main.command()
@click.argument("vectors", type=FILE)
@click.argument("a")
@click.argument("b")
@click.argument("c")
@_n
@_restrict
@_json
def analogy(vectors: Path, a: str, b: str, c: str, n: int, restrict: int | None, as_json: bool) -> None:
    """Print words for: A is to B as C is to ...?

    A line holds a word and the cosine of its vector with B - A + C, with a tab between them.
    """
    import lexigrad

    found = lexigrad.load_vectors(vectors).analogy(a, b, c, n=n, restrict=restrict)
    if as_json:
        print_json(found)
    else:
        _print_nearest(found)


@main.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("target", type=OUTPUT_FILE, callback=_writable, metavar="OUT")
@click.option("--to", type=click.Choice(FORMATS), help="the format of OUT, when its ending does not say it")
def convert(source: Path, target: Path, to: Format | None) -> None:
    """Write vectors in another format.

    IN's format is found by its content. OUT's follows from its ending: .safetensors (native), .txt (word2vec-text),
    .bin (word2vec-binary); --to overrules it.
    """
    import lexigrad

    if to is None and target.suffix not in ENDINGS:
        raise click.UsageError(f"'{target}' must end in {_either(ENDINGS)}, or give --to.")
    lexigrad.save_vectors(target, lexigrad.load_vectors(source), to)


@main.command()
@_json
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


@main.command()
@click.option("--save", type=OUTPUT_FILE, callback=_writable_with_ending, help="keep the vectors in this file")
@_quiet
def demo(save: Path | None, quiet: bool) -> None:
    """Train on the documentation of this Python.

    The text is the docstrings of Python's standard library and of the installed packages, read without running them. It
    takes some seconds, and some more on the first run, when the kernels are compiled.
    """
    from lexigrad.demo import run_demo

    with Display(quiet=quiet) as display:
        run_demo(click.echo, save=save, progress=display.training)


def _open_corpus(
    paths: tuple[str, ...], config: TrainConfig, vocabulary: Path | None, display: Display, save: Path | None = None
) -> Corpus:
    """Read the text, showing progress, and say what was read and what was left out."""
    import lexigrad

    known = None if vocabulary is None else lexigrad.Vocabulary.load(vocabulary)
    corpus = lexigrad.read_corpus(list(paths), config, vocabulary=known, save=save, progress=display.reading)
    display.say(corpus.report.summary())
    return corpus


def _keep_inputs(inputs: Iterable[str], output: Path | None) -> None:
    """Refuse to write over a file that is read."""
    if output is not None and output.exists() and any(os.path.exists(p) and output.samefile(p) for p in inputs):
        raise click.UsageError(f"'{output}' is to be read and to be written; name another file to write.")


def _print_nearest(nearest: Iterable[tuple[str, float]], before: Sequence[str] = ()) -> None:
    for word, cosine in nearest:
        click.echo("\t".join([*before, word, f"{cosine:.4f}"]))

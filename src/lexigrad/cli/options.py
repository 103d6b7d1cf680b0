"""Options and arguments that several commands share, and the checks of files before any work is done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from lexigrad.config import TrainConfig
from lexigrad.errors import ConfigError
from lexigrad.vectors.formats import registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lexigrad.training.model import Word2Vec

__all__ = [
    "FILE",
    "OUTPUT_FILE",
    "Command",
    "config_options",
    "corpus_argument",
    "ef_option",
    "either",
    "engine_options",
    "json_option",
    "keep_inputs",
    "make_config",
    "n_option",
    "needs_ray",
    "quiet_option",
    "restrict_option",
    "save_figure",
    "vocabulary_option",
    "writable",
    "writable_folder",
    "writable_with_ending",
]

Command = TypeVar("Command", bound=Callable[..., Any])

OF_EACH_RUN: Final = ("learning_rate", "min_learning_rate", "schedule", "epochs", "early_stop", "threads")
"""The options that further training does not take from the model."""

ALL_WORDS: Final = {"min_count": 1, "max_vocabulary": None}

FILE: Final = click.Path(path_type=Path)
OUTPUT_FILE: Final = click.Path(path_type=Path, dir_okay=False, writable=True)


def writable(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that could not be written, before any work is done."""
    if path is None or (path.exists() and not path.is_file()):  # a device or a pipe is written to directly
        return path
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        reason = f"File '{path}' cannot be written: {error.strerror or error}: '{path.parent}'."
        raise click.BadParameter(reason, ctx, option) from error
    return path


def writable_with_ending(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that could not be written, or whose ending names no format, or one that needs an extra."""
    endings = registry.endings(with_extras=False)
    if path is not None and path.suffix not in endings:
        raise click.BadParameter(f"File '{path}' must end in {either(endings)}.", ctx, option)
    return writable(ctx, option, path)


def writable_folder(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a folder in which no picture could be written, before any work is done."""
    if path is None:
        return path
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists() or folder.is_symlink())
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        reason = f"no file can be written to '{path}' ({error.strerror or error}: '{there}'); name another folder."
        raise click.BadParameter(reason, ctx, option) from error
    taken = next((inside for inside in path.glob("*.svg") if inside.is_dir()), None)
    if taken is not None:
        raise click.BadParameter(f"'{taken}' is a folder, and a picture goes there; name another one.", ctx, option)
    return path


def either(choices: Iterable[str]) -> str:
    """The choices as a sentence has them: ``a, b or c``; a single choice as it is."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def config_options(names: Iterable[str]) -> Callable[[Command], Command]:
    """Give a command one option for each of these fields of TrainConfig, with its default, help and bounds."""
    options = {option.name: option for option in fields(TrainConfig)}

    def add_options(command: Command) -> Command:
        for name in reversed(list(names)):
            command = _config_option(options[name])(command)
        return command

    return add_options


def _config_option(option: Field[Any]) -> Callable[[Command], Command]:
    """The option of the command line for one field."""
    name, kind, rule = option.name.replace("_", "-"), str(option.type), option.metadata
    flags = [f"--{name}/--no-{name}" if kind == "bool" else f"--{name}"]
    if rule["also_off"]:
        flags.append(f" /--{rule['also_off']}")
    limits = {
        "min": rule["above"] if rule["at_least"] is None else rule["at_least"],
        "max": rule["at_most"],
        "min_open": rule["above"] is not None,
    }
    parameter_type: Any
    metavar = None
    if rule["choices"]:
        parameter_type = click.Choice(tuple(rule["choices"]))
    elif kind == "bool":
        parameter_type = bool
    elif kind.startswith("str"):
        parameter_type, metavar = str, "NAME"
    else:
        parameter_type = click.IntRange(**limits) if kind.startswith("int") else click.FloatRange(**limits)
        metavar = "INTEGER" if kind.startswith("int") else "NUMBER"
    return click.option(
        *flags,
        option.name,
        type=parameter_type,
        default=option.default,
        show_default=True,
        metavar=metavar,
        help=rule["help"],
    )


def make_config(options: dict[str, Any], corpus: Sequence[str], start: Word2Vec | None = None) -> TrainConfig:
    """The config of these options; options that contradict each other are wrong usage.

    A saved corpus keeps the words with which it was saved, unless an option that was given leaves some out. A model
    that is trained further keeps the options with which it was trained, unless they are given, but for the schedule.
    """
    source = click.get_current_context().get_parameter_source
    if start is not None:
        kept = {name: value for name, value in start.config.to_dict().items() if name not in OF_EACH_RUN}
        options |= {name: value for name, value in kept.items() if source(name) is ParameterSource.DEFAULT}
    if len(corpus) == 1 and os.path.isfile(corpus[0]):
        from lexigrad.corpus.corpusfile import is_saved_corpus

        if is_saved_corpus(corpus[0]):
            options |= {name: value for name, value in ALL_WORDS.items() if source(name) is ParameterSource.DEFAULT}
    try:
        return TrainConfig(**options)
    except ConfigError as error:
        raise click.UsageError(f"{error}.") from error


corpus_argument = click.argument("corpus", nargs=-1, required=True)
vocabulary_option = click.option(
    "--vocabulary",
    type=FILE,
    metavar="FILE",
    help="take this saved vocabulary, and count nothing",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="say nothing on standard error but errors")
json_option = click.option("--json", "as_json", is_flag=True, help="print JSON, for another program to read")
n_option = click.option("-n", type=click.IntRange(min=1), default=10, show_default=True, help="how many words to print")
ef_option = click.option(
    "--ef",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="how many candidates an approximate search keeps; more find more of the true neighbors and take longer",
)
restrict_option = click.option(
    "--restrict", type=click.IntRange(min=1), help="search only so many words, the most frequent ones"
)


def needs_ray(ctx: click.Context, option: click.Parameter, value: int | None) -> int | None:
    """Refuse an option for Ray's workers where ``--ray`` is not given."""
    if value is not None and ctx.params.get("ray") is None:
        raise click.BadParameter("goes with --ray only.", ctx, option)
    return value


def engine_options(command: Command) -> Command:
    """Give a command ``--ray`` and ``--workers``, for `lexigrad.engines.opening.open_engine`."""
    ray = click.option(
        "--ray",
        metavar="ADDRESS|local",
        is_eager=True,
        help="work on this Ray cluster (HOST:PORT, or auto), or on a Ray of its own on this machine (local), for the "
        "same result; needs the extra lexigrad[ray]",
    )
    workers = click.option(
        "--workers",
        type=click.IntRange(min=1),
        callback=needs_ray,
        help="with --ray: how many worker processes; unless given, as many as there are free cores for, or replicas",
    )
    return ray(workers(command))


def keep_inputs(inputs: Iterable[str], output: Path | None) -> None:
    """Refuse to write over a file that is read."""
    if output is not None and output.exists() and any(os.path.exists(p) and output.samefile(p) for p in inputs):
        raise click.UsageError(f"'{output}' is to be read and to be written; name another file to write.")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture in the format of its ending, whole or not at all."""
    from lexigrad.files.atomic import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix.removeprefix("."))

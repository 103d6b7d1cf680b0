"""The command that trains: `train`."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from lexigrad.cli.console import Display, print_json
from lexigrad.cli.corpus import open_corpus
from lexigrad.cli.options import (
    FILE,
    OUTPUT_FILE,
    config_options,
    either,
    engine_options,
    json_option,
    keep_inputs,
    make_config,
    quiet_option,
    vocabulary_option,
    writable,
    writable_with_ending,
)
from lexigrad.cli.outcome import further, outcome
from lexigrad.cli.ray import opened_engine, say_idle
from lexigrad.cli.watch import begin_watch, watched
from lexigrad.config import TrainConfig
from lexigrad.config.losses import SOLVERS, is_shareable
from lexigrad.errors import TrainingInterrupted
from lexigrad.training.records import LOG_ENDINGS
from lexigrad.vectors.formats.registry import NATIVE, endings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexigrad.corpus.corpus import Corpus
    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.engines.interface import Engine
    from lexigrad.training.checkpoints import Checkpoints
    from lexigrad.training.model import Word2Vec
    from lexigrad.view.explorer.watch import Watch

__all__ = ["train"]

VECTORS_ENDINGS: Final = [ending for ending in endings(with_extras=False) if ending not in NATIVE.endings]


def _validation(ctx: click.Context, option: click.Parameter, value: str | None) -> float | str | None:
    """A number is a share of the sentences; any other value names a text."""
    try:
        share = float(value or "")
    except ValueError:
        return value
    if not 0 < share < 1:
        reason = f"a share must be above 0 and below 1, not {value}; a file of that name can be given as ./{value}."
        raise click.BadParameter(reason, ctx, option)
    return share


def _writable_log(ctx: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a log whose ending says no format, or that could not be written."""
    if path is not None and path.suffix not in LOG_ENDINGS:
        raise click.BadParameter(f"File '{path}' must end in {either(LOG_ENDINGS)}.", ctx, option)
    return writable(ctx, option, path)


def _every(ctx: click.Context, option: click.Parameter, value: str | None) -> float | str | None:
    """A number of minutes, or ``epoch``."""
    if value is None or value == "epoch":
        return value
    try:
        minutes = float(value)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise click.BadParameter(f"give minutes, more than 0, or the word epoch, not {value!r}.", ctx, option)
    return minutes


@click.command()
@click.argument("corpus", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=writable_with_ending,
    required=True,
    help=f"where to write: {either(NATIVE.endings)} for the whole model, {either(VECTORS_ENDINGS)} for the vectors",
)
@config_options(option.name for option in fields(TrainConfig))
@click.option(
    "--counts", type=FILE, help="in place of CORPUS: window counts that `cooccur` wrote, for --solver exact or svd"
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="train so many models, with the seeds from --seed on; OUT.bin then becomes OUT.seed1.bin and so on",
)
@click.option(
    "--validation",
    callback=_validation,
    metavar="FILE|SHARE",
    help="measure both losses after each epoch on this text, or on this share of the sentences, which is held out",
)
@click.option(
    "--log",
    type=OUTPUT_FILE,
    callback=_writable_log,
    help="write each epoch's losses and times to this file, .csv or .jsonl, at once; with --seeds to one for each",
)
@click.option(
    "--from",
    "start",
    type=FILE,
    metavar="MODEL",
    help="train this model further: its words keep their vectors, and options not given are those it was trained with, "
    "but for the learning rate, its schedule, and --epochs",
)
@click.option(
    "--checkpoint-every",
    callback=_every,
    metavar="MINUTES|epoch",
    help="keep where the training stands in OUT.checkpoint, and the one before it; both go when OUT is written",
)
@click.option(
    "--resume",
    is_flag=True,
    help="go on from OUT.checkpoint, by the same command with this besides; begin where there is none",
)
@click.option(
    "--watch",
    is_flag=True,
    help="serve a page on this machine while training runs, which shows losses, speed, a map of frequent words and how "
    "neighbors settle; its address is printed",
)
@click.option(
    "--watch-port",
    type=click.IntRange(min=0, max=65535),
    help="where --watch listens; any free port when not given",
)
@engine_options
@vocabulary_option
@quiet_option
@json_option
def train(quiet: bool, as_json: bool, **given: Any) -> None:
    """Train word vectors on CORPUS and write them to a file.

    CORPUS is any number of files, folders and globs, the file that `vocab --save` wrote, or - for standard input. A
    line of text is a sentence or a paragraph; files may be compressed (.gz, .bz2, .xz, .zst), or Parquet and Arrow.

    After Ctrl-C, --solver exact writes the vectors of the last step. With --checkpoint-every, Ctrl-C and SIGTERM leave
    a checkpoint of that moment instead, with any solver but svd.

    With --ray workers make the passes of --solver exact, at most --parts of them, and the products of svd, or train the
    --replicas of SGD; the file is the same, to the byte.
    """
    asked = Asked(**{name: given.pop(name) for name in NAMES_ASKED})
    _check(asked)
    plan = _plan(asked, given)
    display = Display(quiet=quiet)
    checkpoints = _checkpoints(plan.outputs, asked, display)
    with _advice(checkpoints), display, ExitStack() as opened:
        text = _open(asked, plan, display, opened)
        written = _write(_models(asked, plan, text, display, checkpoints), asked, plan, text, display)
        if checkpoints is not None:
            checkpoints.remove()
    if as_json:
        print_json({**text.report, **display.speed(), **(written[0] if asked.seeds is None else {"models": written})})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of `train` that are not the config's, each under its name on the command line."""

    corpus: tuple[str, ...]
    output: Path
    counts: Path | None
    seeds: int | None
    validation: float | str | None
    log: Path | None
    start: Path | None
    checkpoint_every: float | Literal["epoch"] | None
    resume: bool
    watch: bool
    watch_port: int | None
    ray: str | None
    workers: int | None
    vocabulary: Path | None


NAMES_ASKED: Final = tuple(option.name for option in fields(Asked))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The training and its files, which are known before any text is read."""

    config: TrainConfig
    start: Word2Vec | None
    outputs: list[Path]
    logs: list[Path] | None


@dataclass(frozen=True, kw_only=True)
class Text:
    """The text of a training, the workers that take part in it, and the page that shows it.

    Attributes:
        text: a corpus, or window counts.
        report: what was read and left out, as JSON has it; empty for window counts.
        engine: the workers on Ray, if any.
        watch: the page that shows the training, if any.
    """

    text: Corpus | WindowCounts
    report: dict[str, Any]
    engine: Engine | None
    watch: Watch | None


def _check(asked: Asked) -> None:
    """Refuse options that do not go together."""
    keeps = asked.checkpoint_every is not None or asked.resume
    if bool(asked.corpus) == (asked.counts is not None):
        raise click.UsageError("Give either CORPUS or --counts.")
    if asked.counts is not None and (asked.vocabulary is not None or asked.seeds is not None):
        raise click.UsageError("--counts have their vocabulary and no seed: leave out --vocabulary and --seeds.")
    if asked.seeds is not None and (keeps or asked.start is not None):
        raise click.UsageError("--seeds trains several models anew: leave out --checkpoint-every, --resume and --from.")
    if asked.watch and asked.seeds is not None:
        raise click.UsageError("--watch shows one training: leave out --seeds.")
    if asked.watch_port is not None and not asked.watch:
        raise click.UsageError("--watch-port says where --watch listens: give --watch.")


def _plan(asked: Asked, options: dict[str, Any]) -> Plan:
    """The config, the model to start from, and the files to write; what cannot go together is refused here."""
    import lexigrad

    start = None if asked.start is None else lexigrad.Word2Vec.load(asked.start)
    config = make_config(options, asked.corpus, start)
    if config.early_stop is not None and asked.validation is None:
        raise click.UsageError("--early-stop follows the loss on held-out text: give --validation.")
    if asked.ray is not None:
        _check_ray(config, asked.corpus)
    outputs = _each(asked.output, config.seed, asked.seeds)
    logs = None if asked.log is None else _each(asked.log, config.seed, asked.seeds)
    _keep_inputs([*asked.corpus, asked.validation, asked.counts, asked.start], [*outputs, *(logs or [])])
    return Plan(config=config, start=start, outputs=outputs, logs=logs)


def _open(asked: Asked, plan: Plan, display: Display, opened: ExitStack) -> Text:
    """Open the page, the engine and the text, and say what the training will do; ``opened`` closes them."""
    import lexigrad

    config, start, report = plan.config, plan.start, {}
    watch = opened.enter_context(watched(asked.output.name, asked.watch_port or 0, display)) if asked.watch else None
    text: Any = None if asked.counts is None else lexigrad.WindowCounts.load(asked.counts)
    engine = None
    if asked.ray is not None:
        how = _shares(config, asked.workers)
        engine = opened.enter_context(opened_engine(asked.ray, display=display, **how))
        say_idle(asked.workers or engine.workers, config, display)
    if text is None:
        text = opened.enter_context(open_corpus(asked.corpus, config, asked.vocabulary, display, start=start))
        report = {"report": text.report.to_dict()}
    if start is not None:
        display.say(further(start, text, config))
    if watch is not None:
        begin_watch(watch, text.vocabulary, config)
    return Text(text=text, report=report, engine=engine, watch=watch)


def _models(
    asked: Asked, plan: Plan, opened: Text, display: Display, checkpoints: Checkpoints | None
) -> Iterator[Word2Vec]:
    """The one model, or the models of several seeds, each trained when it is asked for."""
    import lexigrad
    from lexigrad.training.seeds import each_seed

    text: Any = opened.text
    config, validation = plan.config, asked.validation
    if asked.seeds is not None:
        how: dict[str, Any] = {"logs": plan.logs, "engine": opened.engine}
        yield from each_seed(text, config, asked.seeds, display.training, validation, **how)
    else:
        callbacks = [] if opened.watch is None else [opened.watch]
        how = {"progress": display.training, "log": asked.log, "checkpoints": checkpoints, "start": plan.start}
        yield lexigrad.train(text, config, validation=validation, engine=opened.engine, callbacks=callbacks, **how)


def _write(models: Iterator[Word2Vec], asked: Asked, plan: Plan, text: Text, display: Display) -> list[dict[str, Any]]:
    """Train and write each model, and say how it went; the entries of ``--json``, one a model."""
    written = []
    for path in plan.outputs:
        trained, stopped = _next(models)
        if stopped is not None and asked.checkpoint_every is not None:
            raise stopped  # the checkpoint holds all that was trained
        _save(trained, path)
        for line in outcome(trained) if stopped is None else ():
            display.say(line)
        display.say(f"wrote {len(trained.vocabulary):,} vectors of length {plan.config.dim} to {path}")
        written.append({"output": str(path), "history": trained.history})
        if text.watch is not None:
            text.watch.end(trained.V, f"{path} is written; lexigrad explore shows all its words.")
        if stopped is not None:
            raise stopped
    return written


def _shares(config: TrainConfig, workers: int | None) -> dict[str, Any]:
    """The number of workers to open, none of them without work, and the number of cores of each."""
    if not config.has_effect("replicas"):
        return {"workers": workers}  # workers of one core each
    most = config.replicas
    return {"workers": workers and min(workers, most), "threads": config.threads, "most_workers": most}


def _check_ray(config: TrainConfig, corpus: tuple[str, ...]) -> None:
    """Refuse trainings in which workers have no part, and paths without text before Ray starts, which takes seconds."""
    from lexigrad.corpus.sources.files import find_files

    can_share, races = is_shareable(config.loss, config.solver), config.has_effect("deterministic")
    if not can_share or (races and not config.deterministic):
        method = f"{SOLVERS[config.solver].title} with {'--races' if can_share else f'--loss {config.loss}'}"
        raise click.UsageError(f"--ray is not for {method}, which trains in this process; leave out one of them.")
    if config.device is not None:
        raise click.UsageError(
            "--ray computes on processors elsewhere and --device on one here; leave out one of them."
        )
    find_files(corpus)


def _keep_inputs(inputs: list[Any], outputs: list[Path]) -> None:
    """Refuse to write over a file that is read, and to read standard input twice; only names and paths count."""
    read = [str(name) for name in inputs if isinstance(name, (str, os.PathLike))]
    for path in outputs:
        keep_inputs(read, path)
    if read.count("-") > 1:
        raise click.UsageError("standard input cannot be both trained on and held out; name a file for one of them.")


def _checkpoints(outputs: list[Path], asked: Asked, display: Display) -> Checkpoints | None:
    """The checkpoints that are asked for; half-written outputs that killed writers left are removed."""
    import lexigrad
    from lexigrad.files.atomic import remove_stale

    for path in outputs:
        remove_stale(path)
    if asked.checkpoint_every is None and not asked.resume:
        return None
    return lexigrad.Checkpoints(outputs[0], asked.checkpoint_every, resume=asked.resume, say=display.say)


@contextmanager
def _advice(checkpoints: Checkpoints | None) -> Iterator[None]:
    """When training ends before its time, say how it can go on."""
    from lexigrad.engines.interface import LostValueError

    try:
        yield
    except BaseException as error:
        if checkpoints is not None:
            newest = checkpoints.kept[:1] if isinstance(error, KeyboardInterrupt) else [checkpoints.latest]
            for path in filter(None, newest):
                error.add_note(f"The same command with --resume goes on from {path}.")
        if isinstance(error, LostValueError) and (checkpoints is None or not checkpoints.kept):
            error.add_note("With --checkpoint-every, and then --resume, it need not begin anew.")
        raise


def _next(models: Iterator[Word2Vec]) -> tuple[Word2Vec, TrainingInterrupted | None]:
    """The next model, and the interruption of its training, if there was one."""
    try:
        return next(models), None
    except TrainingInterrupted as stopped:
        return stopped.model, stopped


def _each(path: Path, seed: int, seeds: int | None) -> list[Path]:
    """The files of several models, such as ``model.seed1.safetensors``, or the one file of a single one."""
    if seeds is None:
        return [path]
    return [path.with_name(f"{path.stem}.seed{seed + number}{path.suffix}") for number in range(seeds)]


def _save(model: Word2Vec, path: Path) -> None:
    """Write the whole model, or its vectors in the format of the ending."""
    import lexigrad

    if path.suffix in NATIVE.endings:
        model.save(path)
    else:
        lexigrad.save_vectors(path, model.vectors)

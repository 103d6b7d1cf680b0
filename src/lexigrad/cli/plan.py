"""The command that estimates the time, memory and traffic of a training on a cluster: `plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lexigrad.cli.console import Display, print_columns, print_json
from lexigrad.cli.options import config_options, json_option, make_config, quiet_option
from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.training.planning.job import Cluster, Job, Rates
    from lexigrad.training.planning.plan import Plan, Planned, Solver

__all__ = ["plan_command"]

HEADING = (
    "step",
    "one machine",
    "cluster",
    "computing",
    "network",
    "a machine",
    "driver",
    "on the wire",
    "machines that help",
)


def _words(ctx: click.Context, option: click.Parameter, value: str) -> float:
    from lexigrad.training.planning.job import text_words

    try:
        return text_words(value)
    except InputError as error:
        raise click.BadParameter(f"{error}.", ctx, option) from error


def _vocabulary(ctx: click.Context, option: click.Parameter, value: str) -> int:
    from lexigrad.training.planning.job import text_words

    try:
        words = 0.0 if value.lower().endswith("b") else text_words(value)
    except InputError:
        words = 0.0
    if words < 2:
        raise click.BadParameter(
            f"give a number of words, 2 or more, such as 100000 or 100K, not {value!r}.", ctx, option
        )
    return int(words)


@click.command("plan")
@click.argument("words", metavar="CORPUS-SIZE", callback=_words)
@click.argument("vocabulary", metavar="VOCABULARY", callback=_vocabulary)
@click.option("--machines", type=click.IntRange(min=1), required=True, help="how many there would be")
@click.option("--cores", type=click.IntRange(min=1), help="of each machine; those of this machine when not given")
@click.option(
    "--network",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="NUMBER",
    help="gigabits a second that each machine can send and receive",
)
@click.option(
    "--replicas", type=click.IntRange(min=1), help="of SGD, as for `train`; one for each machine when not given"
)
@click.option("--solver", type=click.Choice(("sgd", "exact")), help="plan for this one; for both when not given")
@config_options(["dim", "epochs", "head", "parts"])
@quiet_option
@json_option
def plan_command(
    words: float,
    vocabulary: int,
    machines: int,
    cores: int | None,
    network: float,
    replicas: int | None,
    solver: Solver | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what a text of CORPUS-SIZE with so many words in its VOCABULARY would take on a cluster.

    CORPUS-SIZE is a number of words, such as 1e9, 100M or 1G, or of bytes, such as 50GB or 50GiB; VOCABULARY a number
    of words, such as 100000 or 100K.

    How fast a core is, is measured here, in some seconds. The rest is a model: time, memory of a machine and of the
    driver, bytes on the wire, the replicas' merges and what they cost, and up to how many machines doubling them saves
    a fifth of the time. The network's speed is taken as given.
    """
    from lexigrad.engines.cores import available_cores
    from lexigrad.training.planning.job import Cluster, Job
    from lexigrad.training.planning.plan import plan
    from lexigrad.training.planning.rates import measured_rates

    config = make_config(options, ())
    cluster = Cluster(machines, cores or available_cores(), network)
    job = Job(words, vocabulary, config, replicas)
    with Display(quiet=quiet) as display:
        display.say("measuring this machine")
        rates = measured_rates(config, vocabulary, min(cluster.cores, available_cores()))
        planned = plan(job, cluster, rates, ["exact", "sgd"] if solver is None else [solver])
        if as_json:
            given = {"words": words, "vocabulary": vocabulary, "cluster": asdict(cluster)}
            print_json({**given, "rates": asdict(rates), **asdict(planned)})
        else:
            print_columns(("measured here", "a core"), _measured(rates))
            click.echo()
            print_columns(HEADING, [_row(row) for row in planned.steps])
        for line in _remarks(job, cluster, planned):
            display.say(line)


def _measured(rates: Rates) -> Iterator[tuple[str, str]]:
    """The name and the figure of each speed that was measured, for people."""
    for title, rate in (("reading", rates.reading), ("counting", rates.counting), ("SGD", rates.sgd)):
        yield f"{title}, words a second", _number(rate)
    for title, rate in (("negative sampling", rates.negative_sampling), ("naive softmax", rates.naive_softmax)):
        yield f"a pass of the {title}, operations a second", _number(rate)
    yield "vectors of the exact solver, bytes a second", _number(rates.vectors)


def _row(planned: Planned) -> tuple[str, ...]:
    """The table's row for one step."""
    step = planned.step
    times = planned.seconds_on_one_machine, step.seconds, step.compute_seconds, step.network_seconds
    sizes = step.machine_bytes, step.driver_bytes, step.wire_bytes
    return step.name, *map(_time, times), *(f"{_number(size)}B" for size in sizes), f"{planned.helping_machines:,}"


def _remarks(job: Job, cluster: Cluster, planned: Plan) -> Iterator[str]:
    """Sentences on the assumptions, on cores that would have no work, and on the merges of SGD."""
    merging, parts = planned.merging, job.config.parts
    kind = f"machines of {cluster.cores} core{'s' if cluster.cores > 1 else ''} as fast as those here"
    yield f"assumed: {kind}, {cluster.gigabits_per_second:g} Gb/s between them, window 5, text like Wikipedia's"
    if parts < cluster.all_cores and any(row.step.name.startswith("exact") for row in planned.steps):
        yield f"exact solver: {parts} parts keep {parts} of {cluster.all_cores:,} cores busy; give more --parts"
    if merging is not None and merging.replicas > 1 and not merging.refused:
        yield (
            f"SGD: {merging.merges:,.0f} merges, one every {_number(merging.interval)} words of a replica; about "
            f"{merging.points_lost:.1f} points lost in the mean of four test sets, less where the commonest words are "
            "merged more often"
        )
    if merging is not None and merging.warning is not None:
        yield f"warning: {merging.warning}"


def _number(value: float) -> str:
    """Three digits and a suffix: ``4.2 M``."""
    for limit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:,.0f} {suffix}" if scaled >= 100 else f"{scaled:.2g} {suffix}"
    return f"{value:.0f} "


def _time(seconds: float) -> str:
    """The time as a person would say it."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.0f} h" if seconds < 100 * 3600 else f"{seconds / 86400:,.0f} days"

"""The time and memory of each step of a job; docs/concepts/cost-model.md says where each constant comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from lexigrad.corpus.shards.vocabulary import shard_bytes_of
from lexigrad.corpus.shards.windows import DEFAULT_MEMORY_BYTES, counting_shard_bytes
from lexigrad.training.exact.lbfgs import MEMORY
from lexigrad.training.exact.memory import needed_bytes
from lexigrad.training.planning.job import BYTES_OF_WORD, cells, types
from lexigrad.training.planning.merges import exchanged_rows, merging
from lexigrad.training.replicas.schedule import HOT_MERGES

if TYPE_CHECKING:
    from lexigrad.config.losses import LossName
    from lexigrad.training.planning.job import Cluster, Job, Rates

__all__ = [
    "Step",
    "counting_step",
    "negative_sampling_step",
    "sgd_step",
    "softmax_step",
    "vocabulary_step",
]

BYTES_OF_TYPE: Final = 16
"""The bytes of a distinct word on the wire: 7.6 letters and its count."""
BYTES_OF_STR: Final = 100
"""The bytes of a distinct word in memory: 57 for a str of 8 letters, the rest for its count and its place in a dict."""

BYTES_OF_CELL: Final = 5.2
"""The bytes of a cell of window counts on the wire."""
BYTES_OF_ENTRY: Final = 8
"""The bytes of an entry of the finished matrix, a column and a weight; it has nearly two entries for a cell."""
ADDING: Final = 28e-9
"""The seconds to add one cell of a shard to the sum."""
MAKING_ROWS: Final = 110e-9
"""The seconds to put one cell of the sum into its row and its column."""

NEGATIVE_SAMPLING_PASSES: Final = 13
SOFTMAX_PASSES: Final = 11
"""The passes from the optimum of negative sampling on."""
ROW_PASSES: Final = 6
"""The passes of words beyond the head, for each of the two tables."""
WORKERS_TRAFFIC: Final = 4 * MEMORY + 6
"""How often the workers together read or write as many numbers as both tables have, for one step of L-BFGS."""
DRIVER_TRAFFIC: Final = 12
"""How often the driver does so: the point, its trial, the gradient and their differences."""
VECTOR_TABLES: Final = 8
"""The tables on the wire for a step: two for the gradient, direction, step and gradient's difference each."""

LARGEST_PART: Final = 16
"""The most threads that share one replica's work, as a superstep has so many pieces."""

RAY_PROCESS: Final = 400e6
"""The bytes of one worker of Ray with the libraries loaded."""
RAY_START: Final = 7.0
"""The seconds until a command has its workers."""
ROUND: Final = 1e-3
"""The seconds for a round of messages, which are assumed."""
ROUNDS: Final = 6
"""The rounds of a pass: calls, sums by ranges, the answers of both, products of vectors, and the direction."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job on a cluster.

    Attributes:
        name: its name.
        seconds: the seconds that it takes in all.
        compute_seconds: the seconds of computing among these.
        network_seconds: the seconds of waiting for the network among these.
        machine_bytes: the memory of a machine's workers together.
        driver_bytes: the memory of the process that was started by hand.
        wire_bytes: all bytes that machines send each other; the text is not among them.
    """

    name: str
    seconds: float
    compute_seconds: float
    network_seconds: float
    machine_bytes: float
    driver_bytes: float
    wire_bytes: float


def vocabulary_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """The counting of words: a pass over the text, then tables of words that are added up."""
    compute = job.words / (cluster.all_cores * rates.reading)
    text = round(job.words * BYTES_OF_WORD)
    shard = min(shard_bytes_of(text) / BYTES_OF_WORD, job.words)
    wire = cluster.away * BYTES_OF_TYPE * types(shard) * job.words / shard
    network = cluster.network_seconds(wire)
    waiting = max(0.0, cluster.reading_seconds(job.words) - compute) + network
    of_core = shard * BYTES_OF_WORD + BYTES_OF_STR * types(shard)
    merged = BYTES_OF_STR * types(job.words)
    return _step(
        "vocabulary", compute, waiting, cluster.cores * of_core + merged / cluster.machines, merged, wire, cluster
    )


def counting_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """The window counts: the text is read once more, and each shard's sums are added up by ranges of rows."""
    compute = job.words * (1 / rates.reading + 1 / rates.counting)
    text = round(job.words * BYTES_OF_WORD)
    shard = min(counting_shard_bytes(text, DEFAULT_MEMORY_BYTES) / BYTES_OF_WORD, job.words)
    of_shard, of_text = cells(shard, job.vocabulary), cells(job.words, job.vocabulary)
    if cluster.machines > 1:
        compute += ADDING * of_shard * job.words / shard + MAKING_ROWS * of_text
    compute /= cluster.all_cores
    # each shard's cells go to the worker that adds them up, and their sums to those of their rows and columns
    spread = cluster.away * BYTES_OF_CELL * (of_shard * job.words / shard + 2 * of_text)
    matrix = cluster.away * BYTES_OF_ENTRY * 2 * of_text  # comes to the one machine that writes it
    wire = spread + matrix
    network = cluster.network_seconds(spread + cluster.machines * matrix)
    waiting = max(0.0, cluster.reading_seconds(job.words) - compute) + network
    machine = cluster.cores * DEFAULT_MEMORY_BYTES + BYTES_OF_CELL * of_text / cluster.machines
    return _step("window counts", compute, waiting, machine, BYTES_OF_STR * job.vocabulary, wire, cluster)


def negative_sampling_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """The exact solver under negative sampling."""
    passes = ((NEGATIVE_SAMPLING_PASSES, rates.negative_sampling),)
    return _exact_step("exact, negative sampling", "negative_sampling", passes, job, cluster, rates)


def softmax_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """The exact solver under the naive softmax, which begins with negative sampling."""
    passes = ((NEGATIVE_SAMPLING_PASSES, rates.negative_sampling), (SOFTMAX_PASSES, rates.naive_softmax))
    return _exact_step("exact, naive softmax", "naive_softmax", passes, job, cluster, rates)


def _exact_step(
    name: str,
    loss: LossName,
    passes: tuple[tuple[int, float], ...],
    job: Job,
    cluster: Cluster,
    rates: Rates,
) -> Step:
    """Passes of three products over the head's square, steps of L-BFGS between them, then all other words' rows."""
    head, dim = job.head, job.config.dim
    table = 4.0 * head * (dim + 1)
    count = sum(number for number, _ in passes)
    workers = min(cluster.all_cores, job.config.parts)
    products = sum(6.0 * number * head**2 * dim / rate for number, rate in passes)
    others = 2.0 * ROW_PASSES * 4 * (job.vocabulary - head) * head * dim / passes[-1][1]
    vectors = count * (WORKERS_TRAFFIC / workers + DRIVER_TRAFFIC) * 2 * table / rates.vectors
    compute = products / workers + others / cluster.all_cores + vectors
    wire = network = 0.0
    if cluster.machines > 1:
        used = replace(cluster, machines=min(cluster.machines, workers))
        once = 2 * cluster.machines * table + 2 * job.table_bytes  # the head's tables to all, the rows back
        wire = count * (used.machines + workers + 4 + VECTOR_TABLES) * table + once
        network = used.network_seconds(wire) + count * ROUNDS * ROUND
    machine, driver = _exact_memory(loss, job, cluster, ceil(workers / cluster.machines))
    return _step(name, compute, network, machine, driver, wire, cluster)


def _exact_memory(loss: LossName, job: Job, cluster: Cluster, workers: int) -> tuple[float, float]:
    """The bytes of a machine's workers, and of the driver, which has all counts; machines share L-BFGS's memory."""
    config = replace(job.config, loss=loss)
    row = 4.0 * (config.dim + 16)
    entries = round(2 * cells(job.words, job.vocabulary))
    everything = needed_bytes(job.vocabulary, job.head, entries, config, 0) + 8.0 * entries
    of_workers = needed_bytes(job.vocabulary, job.head, entries, config, workers) + 8.0 * entries - everything
    remembered = 2 * MEMORY * 2 * job.head * row
    tables = 8 * job.head * row  # in both layouts, with their squares
    shared = 16 * cells(job.words, job.head) + remembered
    return of_workers + tables + shared / cluster.machines, everything - remembered


def sgd_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """SGD with replicas: each trains its part of the text, and they are merged now and then."""
    merged = merging(job, cluster)
    replicas, dim = merged.replicas, job.config.dim
    used = replace(cluster, machines=min(cluster.machines, replicas))
    each = ceil(replicas / used.machines)
    share = each * job.words / replicas
    cores = min(used.cores, LARGEST_PART * each)
    compute = share / used.cores / rates.reading + job.config.epochs * share / (cores * rates.sgd)
    tables = 2 * 4.0 * job.vocabulary * 32 * ceil(dim / 32)
    wire = network = 0.0
    if replicas > 1:
        rows = 2 * exchanged_rows(job, merged)
        wire = rows * 2 * replicas * (dim + 4) * used.away  # int8 and a scale, there and back
        compute += rows * 6 * dim**2 / (used.all_cores * rates.negative_sampling)
        network = used.network_seconds(wire)
        if used.machines > 1:
            network += merged.merges * HOT_MERGES * 2 * ROUND
    name = f"SGD, {replicas} replica{'s' if replicas > 1 else ''}"
    return _step(name, compute, network, each * 2 * tables, 2 * job.table_bytes, wire, cluster)


def _step(
    name: str, compute: float, network: float, machine: float, driver: float, wire: float, cluster: Cluster
) -> Step:
    """A step with the time and memory of Ray added; one machine alone needs no Ray."""
    if cluster.machines == 1:
        return Step(name, compute + network, compute, network, machine + driver, 0.0, 0.0)
    processes = cluster.cores * RAY_PROCESS
    return Step(name, compute + network + RAY_START, compute, network, machine + processes, driver + RAY_PROCESS, wire)

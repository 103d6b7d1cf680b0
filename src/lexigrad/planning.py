"""What a large job will take on a cluster, by a model: seconds, memory, bytes on the wire, and how much merging costs.

docs/concepts/cost-model.md says where each constant comes from. How fast a core is, is not among them: that is measured
(`lexigrad.rates`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import ceil, exp, log
from typing import TYPE_CHECKING, Final, Literal

from lexigrad.errors import InputError
from lexigrad.exact.lbfgs import MEMORY
from lexigrad.exact.memory import VECTORS, needed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from lexigrad.config import TrainConfig

    Cost: TypeAlias = Callable[["Job", "Cluster", "Rates"], "Step"]

__all__ = [
    "Cluster",
    "Job",
    "Merging",
    "Plan",
    "Planned",
    "Rates",
    "Step",
    "helping_machines",
    "merging",
    "plan",
    "text_words",
]

Solver = Literal["sgd", "exact"]

BYTES_OF_WORD: Final = 5.94
"""Of text, with the space behind it: 101,025,987 bytes are 17,000,058 words of `wiki-17m`."""

TYPES: Final = (22.5, 0.56)
"""Distinct words of n words: 22.5 n^0.56, within 3 % for 0.7 to 17 million words of `wiki-17m`."""
BYTES_OF_TYPE: Final = 16
"""A word of 7.6 letters and its count."""

SHARD_WORDS: Final = 2.8e6
"""Of a shard of 16 MiB."""
BYTES_OF_CELL: Final = 4.2
"""Of window counts on the wire."""
CELLS: Final = (
    (0.706e6, ((5_000, 1.031e6), (20_000, 1.594e6), (73_561, 1.849e6))),
    (2.82e6, ((5_000, 2.551e6), (20_000, 4.605e6), (73_561, 5.638e6))),
    (17.0e6, ((5_000, 6.241e6), (20_000, 15.47e6), (73_561, 21.13e6))),
)
"""Words of text, and for some vocabularies the pairs of words that stand in each other's windows, of `wiki-17m`."""

NEGATIVE_SAMPLING_PASSES: Final = 13
SOFTMAX_PASSES: Final = 11
"""From the optimum of negative sampling on."""
ROW_PASSES: Final = 6
"""Of words beyond the head, for each of the two tables."""
VECTOR_TRAFFIC: Final = 10 * MEMORY + 10
"""Times that L-BFGS reads or writes as many numbers as both tables have, for one step."""

LARGEST_PART: Final = 16
"""Threads that share one replica's work; a superstep has no more to share out."""
MERGES: Final = 25
FEWEST_MERGES: Final = 10
SHORTEST_INTERVAL: Final = 50_000
"""Words of a replica between two merges, at least: shorter ones were not studied."""
WARM_UP: Final = 0.03
"""The share of a run in which everything is merged ten times as often."""
HOT_ROWS: Final = 3_000
"""Of the commonest words, which are merged ten times as often throughout."""
OFTEN: Final = 10
TOUCHED: Final = ((0.68, 0.39), (3.4, 0.72), (13.6, 1.0))
"""Words of an interval for each word of the vocabulary, and the share of the rows that change in it."""
POINTS_LOST: Final = ((6, 7.5), (11, 2.6), (22, 2.0), (43, 1.0), (106, 0.7))
"""Merges in a run, and what it lost against one replica in the mean of four test sets."""
MOST_REPLICAS: Final = 32
"""More were not studied."""

RAY_PROCESS: Final = 400e6
"""Bytes of one worker of Ray with the libraries loaded."""
RAY_START: Final = 7.0
"""Seconds until a command has its workers."""
ROUND: Final = 1e-3
"""Seconds for a round of messages: an assumption."""
GAIN: Final = 0.2
"""Machines help while doubling them saves so much of the time."""
MOST_MACHINES: Final = 4096

SUFFIXES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
SIZE: Final = re.compile(r"(\d+(?:\.\d*)?(?:e\+?\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Machines of one kind.

    Attributes:
        machines: how many.
        cores: of each.
        gigabits_per_second: that each can send and, at the same time, receive.
    """

    machines: int
    cores: int
    gigabits_per_second: float = 10.0

    @property
    def all_cores(self) -> int:
        """Of all machines."""
        return self.machines * self.cores

    def network_seconds(self, wire_bytes: float) -> float:
        """For so many bytes, shared out evenly among the machines; one machine alone sends nothing."""
        if self.machines == 1:
            return 0.0
        return 8 * wire_bytes / (self.machines * self.gigabits_per_second * 1e9)

    def reading_seconds(self, words: float) -> float:
        """For a text on shared storage, each machine reading its part over its own line."""
        return 8 * words * BYTES_OF_WORD / (self.machines * self.gigabits_per_second * 1e9)


@dataclass(frozen=True, slots=True)
class Rates:
    """What one core does while the others of its machine work as well.

    Attributes:
        reading: words of text a second, to ids.
        counting: words a second, from ids to window counts.
        sgd: words a second, of one epoch.
        negative_sampling: floating-point operations a second in a pass of the exact solver.
        naive_softmax: likewise.
        vectors: bytes a second that L-BFGS reads and writes.
    """

    reading: float
    counting: float
    sgd: float
    negative_sampling: float
    naive_softmax: float
    vectors: float


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        words: of the text.
        vocabulary: words that get vectors.
        config: ``dim``, ``epochs`` and ``head`` are used.
        replicas: of SGD; None is one for each machine.
    """

    words: float
    vocabulary: int
    config: TrainConfig
    replicas: int | None = None

    @property
    def head(self) -> int:
        """Words that the exact solver solves together."""
        return min(self.config.head, self.vocabulary)

    @property
    def table_bytes(self) -> float:
        """One table with its bias, in float32."""
        return 4.0 * self.vocabulary * (self.config.dim + 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job on a cluster.

    Attributes:
        name: what is done.
        seconds: in all.
        compute_seconds: of these, computing.
        network_seconds: and waiting for the network.
        machine_bytes: memory of a machine's workers together.
        driver_bytes: memory of the process that was started by hand.
        wire_bytes: sent between machines, all together; the text is not among them.
    """

    name: str
    seconds: float
    compute_seconds: float
    network_seconds: float
    machine_bytes: float
    driver_bytes: float
    wire_bytes: float


@dataclass(frozen=True, slots=True)
class Merging:
    """How replicas of SGD are merged.

    Attributes:
        replicas: that train apart.
        interval: words of a replica between two merges.
        merges: in the whole run, those of the warm-up and of the commonest words alone not counted.
        points_lost: against one replica, in the mean of four test sets, with whole tables merged; 0 for one replica.
        warning: what speaks against it; None if nothing does.
        refused: whether there are too few merges to begin at all.
    """

    replicas: int
    interval: float
    merges: float
    points_lost: float
    warning: str | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A step on the cluster, and what speaks for so many machines.

    Attributes:
        step: on the cluster.
        seconds_on_one_machine: without Ray, and for SGD with one replica.
        helping_machines: beyond so many, doubling them saves less than a fifth of the time.
    """

    step: Step
    seconds_on_one_machine: float
    helping_machines: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a job.

    Attributes:
        steps: in their order; SGD that would be refused is none.
        merging: of SGD's replicas; None without SGD.
    """

    steps: tuple[Planned, ...]
    merging: Merging | None


def text_words(size: str) -> float:
    """The words of a text, given in words (``1e9``, ``100M``) or in bytes (``50GB``, ``2GiB``).

    Raises:
        InputError: it is neither.

    Example:
        >>> text_words("100M"), round(text_words("594MB")), round(text_words("1KiB"))
        (100000000.0, 100000000, 172)
    """
    found = SIZE.fullmatch(size.strip())
    if found is None or float(found[1]) <= 0:
        raise InputError(f"{size!r} is no size of a text: give words, such as 1e9 or 100M, or bytes, such as 50GB")
    number, suffix, unit = float(found[1]), found[2].lower(), (found[3] or "").lower()
    if unit == "ib":
        return number * 1024 ** list(SUFFIXES).index(suffix) / BYTES_OF_WORD
    return number * SUFFIXES[suffix] / (BYTES_OF_WORD if unit else 1)


def plan(job: Job, cluster: Cluster, rates: Rates, solvers: Sequence[Solver] = ("exact", "sgd")) -> Plan:
    """What each step of a job takes on the cluster and on one of its machines.

    Args:
        job: what is to be done.
        cluster: where.
        rates: how fast a core is.
        solvers: whose steps are wanted.

    Example:
        >>> from lexigrad import TrainConfig
        >>> rates = Rates(reading=4e6, counting=2e6, sgd=1e6, negative_sampling=4e10, naive_softmax=4e10, vectors=1e10)
        >>> planned = plan(Job(1e9, 100_000, TrainConfig()), Cluster(machines=8, cores=16), rates, ["sgd"])
        >>> [row.step.name for row in planned.steps]
        ['vocabulary', 'SGD, 8 replicas']
    """
    merged = merging(job, cluster) if "sgd" in solvers else None
    costs: list[Cost] = [vocabulary_step]
    if "exact" in solvers:
        costs += [counting_step, negative_sampling_step, softmax_step]
    if merged is not None and not merged.refused:
        costs.append(sgd_step)
    return Plan(tuple(_planned(cost, job, cluster, rates) for cost in costs), merged)


def _planned(cost: Cost, job: Job, cluster: Cluster, rates: Rates) -> Planned:
    alone = cost(replace(job, replicas=None), replace(cluster, machines=1), rates)
    return Planned(cost(job, cluster, rates), alone.seconds, helping_machines(cost, job, cluster, rates))


def helping_machines(cost: Cost, job: Job, cluster: Cluster, rates: Rates) -> int:
    """The most machines, a power of two, of which doubling them has still saved a fifth of the time, from one on."""
    machines, seconds = 1, cost(job, replace(cluster, machines=1), rates).seconds
    while machines < MOST_MACHINES:
        wider = replace(cluster, machines=2 * machines)
        if job.replicas is None and cost is sgd_step and merging(job, wider).refused:
            break
        doubled = cost(job, wider, rates).seconds
        if doubled > (1 - GAIN) * seconds:
            break
        machines, seconds = 2 * machines, doubled
    return machines


def vocabulary_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """Counting the words: a pass over the text, then tables of words that are added up."""
    compute = job.words / (cluster.all_cores * rates.reading)
    shard = min(SHARD_WORDS, job.words)
    wire = BYTES_OF_TYPE * types(shard) * job.words / shard
    network = cluster.network_seconds(wire)
    waiting = max(0.0, cluster.reading_seconds(job.words) - compute) + network
    of_core = shard * BYTES_OF_WORD + 100 * types(shard)  # a str, its count, and their places in a dict
    merged = 100 * types(job.words)
    return _step("vocabulary", compute, waiting, cluster.cores * of_core + merged / cluster.machines, merged, wire, cluster)


def counting_step(job: Job, cluster: Cluster, rates: Rates) -> Step:
    """Window counts: the text is read once more, and each shard's sums are added up by ranges of rows."""
    compute = job.words / cluster.all_cores * (1 / rates.reading + 1 / rates.counting)
    shard = min(SHARD_WORDS, job.words)
    of_shard, of_text = cells(shard, job.vocabulary), cells(job.words, job.vocabulary)
    wire = BYTES_OF_CELL * (of_shard * job.words / shard + of_text)  # to the ranges, and mirrored between them
    waiting = max(0.0, cluster.reading_seconds(job.words) - compute) + cluster.network_seconds(wire)
    of_core = shard * (BYTES_OF_WORD + 4) + 24 * of_shard  # text, ids, and a table of sums that is two thirds full
    in_file = 2 * 8 * of_text
    machine = cluster.cores * of_core + in_file / cluster.machines
    return _step("window counts", compute, waiting, machine, in_file, wire, cluster)


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
    loss: Literal["negative_sampling", "naive_softmax"],
    passes: tuple[tuple[int, float], ...],
    job: Job,
    cluster: Cluster,
    rates: Rates,
) -> Step:
    """Passes of three products over the head's square, steps of L-BFGS between them, then all other words' rows."""
    head, dim, machines = job.head, job.config.dim, cluster.machines
    table = 4.0 * head * (dim + 1)
    count = sum(number for number, _ in passes)
    products = sum(6.0 * number * head**2 * dim / rate for number, rate in passes)
    others = 2.0 * ROW_PASSES * 4 * (job.vocabulary - head) * head * dim / passes[-1][1]
    vectors = count * VECTOR_TRAFFIC * 2 * table / rates.vectors / machines
    compute = (products + others) / cluster.all_cores + vectors
    wire = network = 0.0
    if machines > 1:
        once = 2 * machines * table + 2 * job.table_bytes  # the head's tables to all, everybody's rows back
        wire = count * (2 * machines + 4) * table + once
        rounds = count * (4 + 2 * MEMORY)  # of which 2 MEMORY for dot products of vectors in ranges
        network = cluster.network_seconds(wire) + rounds * ROUND
    return _step(name, compute, network, _exact_memory(loss, job, cluster), 4 * job.table_bytes, wire, cluster)


def _exact_memory(loss: Literal["negative_sampling", "naive_softmax"], job: Job, cluster: Cluster) -> float:
    """Bytes of one machine: all that a single one takes, of which machines share L-BFGS's vectors and the counts."""
    entries, config = 2 * cells(job.words, job.vocabulary), replace(job.config, loss=loss)
    everything = needed_bytes(job.vocabulary, job.head, round(entries), config, cluster.cores) + 8 * entries
    own = needed_bytes(job.vocabulary, job.head, 0, config, cluster.cores)
    vectors = VECTORS * 2 * 4.0 * job.head * (config.dim + 16)
    shared = everything - own + vectors
    return own - vectors + shared / cluster.machines


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
        wire = rows * 2 * replicas * (dim + 4)  # int8 and a scale, there and back
        compute += rows * 6 * dim**2 / (used.all_cores * rates.negative_sampling)
        network = used.network_seconds(wire)
        if used.machines > 1:
            network += merged.merges * OFTEN * 2 * ROUND
    wire = wire if used.machines > 1 else 0.0
    name = f"SGD, {replicas} replica{'s' if replicas > 1 else ''}"
    return _step(name, compute, network, each * 2 * tables, 2 * job.table_bytes, wire, cluster)


def merging(job: Job, cluster: Cluster) -> Merging:
    """How often the replicas are merged, and what that costs in quality.

    Example:
        >>> from lexigrad import TrainConfig
        >>> found = merging(Job(17e6, 73_561, TrainConfig(), replicas=16), Cluster(machines=16, cores=16))
        >>> round(found.interval), found.merges, round(found.points_lost, 1)
        (212500, 25.0, 1.8)
    """
    replicas, run = job.replicas or cluster.machines, job.config.epochs * job.words
    if replicas == 1:
        return Merging(1, run, 0.0, 0.0, None, refused=False)
    interval = max(SHORTEST_INTERVAL, run / (MERGES * replicas))
    merges = run / (interval * replicas)
    warning, refused = None, merges < FEWEST_MERGES
    if refused:
        most = max(1, int(run / (FEWEST_MERGES * SHORTEST_INTERVAL)))
        advice = f"take {most:,} replicas at most, or more epochs" if most > 1 else "take one"
        warning = f"{replicas:,} replicas would be merged {merges:.1f} times, and fewer than ten spoil them; {advice}"
    elif replicas > MOST_REPLICAS:
        warning = f"more than {MOST_REPLICAS} replicas were never tried; what {replicas:,} lose is not known"
    elif merges < MERGES - 0.5:
        warning = f"the text is short for {replicas:,} replicas: {merges:.0f} merges in place of {MERGES}"
    return Merging(replicas, interval, merges, _between(POINTS_LOST, merges), warning, refused)


def exchanged_rows(job: Job, merged: Merging) -> float:
    """Rows of one table that one replica sends in the whole run."""
    changed = job.vocabulary * touched_share(merged.interval, job.vocabulary)
    hurried = job.vocabulary * touched_share(merged.interval / OFTEN, job.vocabulary)
    hot = min(HOT_ROWS, job.vocabulary)
    calm = (1 - WARM_UP) * (changed + (OFTEN - 1) * hot)
    return merged.merges * (calm + WARM_UP * OFTEN * hurried)


def touched_share(interval: float, vocabulary: int) -> float:
    """The share of rows that change while so many words are trained."""
    ratio = max(interval / vocabulary, 1e-9)
    return min(1.0, _on_line(log(ratio), [(log(x), log(y)) for x, y in TOUCHED]))


def types(words: float) -> float:
    """Distinct words of a text."""
    factor, exponent = TYPES
    return min(words, factor * words**exponent)


def cells(words: float, vocabulary: int) -> float:
    """Unordered pairs of words that stand in each other's windows somewhere in a text; no more than there are, or than five for each word.

    Source: counted in the beginnings of `wiki-17m`; between them and beyond, along straight lines of the logarithms.
    """
    by_words = []
    for text, counted in CELLS:
        of_text = _on_line(log(vocabulary), [(log(x), log(y)) for x, y in counted])
        by_words.append((log(text), log(of_text)))
    return min(_on_line(log(words), by_words), 0.5 * vocabulary * (vocabulary + 1), 5.0 * words)


def _step(
    name: str, compute: float, network: float, machine: float, driver: float, wire: float, cluster: Cluster
) -> Step:
    """A step with what Ray takes besides; one machine alone needs no Ray."""
    if cluster.machines == 1:
        return Step(name, compute + network, compute, network, machine + driver, 0.0, 0.0)
    processes = cluster.cores * RAY_PROCESS
    return Step(name, compute + network + RAY_START, compute, network, machine + processes, driver + RAY_PROCESS, wire)


def _on_line(x: float, points: Sequence[tuple[float, float]]) -> float:
    """The exponential of what lies on the straight line between two points, or beyond the last of them."""
    after = next((number for number, (right, _) in enumerate(points[1:-1], 1) if x < right), len(points) - 1)
    (left, low), (right, high) = points[after - 1 : after + 1]
    return exp(low + (high - low) * (x - left) / (right - left))


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """What lies on the line of the logarithms; what the first or the last point says outside of them."""
    x = min(max(x, points[0][0]), points[-1][0])
    return _on_line(log(x), [(log(left), log(low)) for left, low in points])


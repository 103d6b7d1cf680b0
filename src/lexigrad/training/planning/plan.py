"""A plan: each step of a job on a cluster, on one machine, and how many machines help.

The rates of a core are measured (`lexigrad.training.planning.rates`); all else is a model
(`lexigrad.training.planning.steps`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from lexigrad.training.planning.merges import MOST_REPLICAS, Merging, merging
from lexigrad.training.planning.steps import (
    Step,
    counting_step,
    negative_sampling_step,
    sgd_step,
    softmax_step,
    vocabulary_step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from lexigrad.training.planning.job import Cluster, Job, Rates

    Cost: TypeAlias = Callable[[Job, Cluster, Rates], Step]

__all__ = ["Plan", "Planned", "helping_machines", "plan"]

Solver = Literal["sgd", "exact"]

STEPS: Final[dict[Solver, tuple[Cost, ...]]] = {
    "exact": (counting_step, negative_sampling_step, softmax_step),
    "sgd": (sgd_step,),
}
"""The steps of each solver that follow the counting of words."""

GAIN: Final = 0.2
"""Machines help while doubling them saves this share of the time."""
MOST_MACHINES: Final = 4096


@dataclass(frozen=True, slots=True)
class Planned:
    """A step on the cluster, and how much the machines help.

    Attributes:
        step: the step on the cluster.
        seconds_on_one_machine: its time on one machine, without Ray, and for SGD with one replica.
        helping_machines: the number of machines from which on doubling them saves less than a fifth of the time.
    """

    step: Step
    seconds_on_one_machine: float
    helping_machines: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a job.

    Attributes:
        steps: the steps in their order; SGD that would be refused is not among them.
        merging: how SGD's replicas are merged; None without SGD.
    """

    steps: tuple[Planned, ...]
    merging: Merging | None


def plan(job: Job, cluster: Cluster, rates: Rates, solvers: Sequence[Solver] = ("exact", "sgd")) -> Plan:
    """Plan each step of a job, on the cluster and on one of its machines.

    Args:
        job: the training.
        cluster: the machines.
        rates: the rates of a core.
        solvers: the solvers whose steps are wanted.

    Example:
        >>> from lexigrad import TrainConfig
        >>> from lexigrad.training.planning.job import Cluster, Job, Rates
        >>> rates = Rates(reading=4e6, counting=2e6, sgd=1e6, negative_sampling=4e10, naive_softmax=4e10, vectors=1e10)
        >>> planned = plan(Job(1e9, 100_000, TrainConfig()), Cluster(machines=8, cores=16), rates, ["sgd"])
        >>> [row.step.name for row in planned.steps]
        ['vocabulary', 'SGD, 8 replicas']
    """
    costs = [vocabulary_step, *(cost for solver, steps in STEPS.items() if solver in solvers for cost in steps)]
    merged = merging(job, cluster) if sgd_step in costs else None
    if merged is not None and merged.refused:
        costs.remove(sgd_step)
    return Plan(tuple(_planned(cost, job, cluster, rates) for cost in costs), merged)


def _planned(cost: Cost, job: Job, cluster: Cluster, rates: Rates) -> Planned:
    alone = cost(replace(job, replicas=None), replace(cluster, machines=1), rates)
    return Planned(cost(job, cluster, rates), alone.seconds, helping_machines(cost, job, cluster, rates))


def helping_machines(cost: Cost, job: Job, cluster: Cluster, rates: Rates) -> int:
    """The largest number of machines, a power of two, up to which each doubling saves a fifth of the time.

    With a replica of SGD for each machine, there are no more machines than replicas that were ever tried.
    """
    machines, seconds = 1, cost(job, replace(cluster, machines=1), rates).seconds
    while machines < MOST_MACHINES:
        wider = replace(cluster, machines=2 * machines)
        found = merging(job, wider)
        if job.replicas is None and cost is sgd_step and (found.refused or found.replicas > MOST_REPLICAS):
            break
        doubled = cost(job, wider, rates).seconds
        if doubled > (1 - GAIN) * seconds:
            break
        machines, seconds = 2 * machines, doubled
    return machines

"""The losses and the solvers, one record each, which the config, the records, the commands and the measures ask.

A further loss is its equation in `lexigrad.reference`, its row of the proof in `lexigrad.gradcheck`, its kernel, what
trains under it (`lexigrad.training.sgd.solvers`), and one record here. This module imports nothing heavy, as the config
checks by it, and ``lexigrad --help`` reads the config.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOSSES", "SOLVERS", "Loss", "LossName", "Solver", "SolverName", "has_effect", "is_shareable", "with_option"]

LossName = Literal["negative_sampling", "naive_softmax"]
SolverName = Literal["sgd", "exact", "svd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """A way to train.

    Attributes:
        name: as the config has it.
        title: as a sentence has it.
        summary: half a sentence for the model cards of vectors that this solver made.
        models: the models that it can train.
        reads_text: whether it goes through the text, epoch by epoch; other solvers work on window counts.
        minimizes: whether it minimizes a loss, step by step; other solvers take a single step, and have no loss.
        options: the config's options that have an effect under this solver, and not under every other one.
        columns: the entries of each of its records.
        times: the times that the log holds besides.
    """

    name: str
    title: str
    summary: str
    models: tuple[str, ...]
    reads_text: bool
    minimizes: bool
    options: frozenset[str] = frozenset()
    columns: tuple[str, ...]
    times: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The loss of one prediction.

    Attributes:
        name: as the config has it.
        equation: the name of its function in `lexigrad.reference`.
        phrase: its name in a sentence.
        heading: its name above a column.
        models: the models that can be trained under it.
        learning_rates: the usual one of each model, and of ``cbow word2vec``, the historic update.
        solvers: the solvers that minimize it, each with the config's options that have an effect under the two of them,
            beside those of the solver. Where ``replicas`` is among them, several machines can share SGD.
        measures: the numbers measured on a held-out text, by name in the order of columns: losses and the perplexity.
        is_likelihood: whether it is −log of the chance of the word that is predicted, so that its exponential is a
            perplexity.
    """

    name: str
    equation: str
    phrase: str
    heading: str
    models: tuple[str, ...]
    learning_rates: Mapping[str, float]
    solvers: Mapping[str, frozenset[str]]
    measures: tuple[str, ...]
    is_likelihood: bool

    @property
    def draws_negatives(self) -> bool:
        """Whether SGD draws negative words for it."""
        return "negatives" in self.solvers.get("sgd", ())


OF_SGD: Final = frozenset(
    (
        "loss",
        "cbow_update",
        "epochs",
        "learning_rate",
        "min_learning_rate",
        "schedule",
        "early_stop",
        "loss_sample",
        "seed",
    )
)

SOLVERS: Final[dict[str, Solver]] = {
    solver.name: solver
    for solver in (
        Solver(
            name="sgd",
            title="SGD",
            summary="by stochastic gradient descent",
            models=("skipgram", "cbow"),
            reads_text=True,
            minimizes=True,
            options=OF_SGD,
            columns=("epoch", "words", "learning_rate", "loss"),
            times=("seconds", "measuring_seconds"),
        ),
        Solver(
            name="exact",
            title="the exact solver",
            summary="solved from the window counts of the whole text",
            models=("skipgram",),
            reads_text=False,
            minimizes=True,
            options=frozenset(("loss", "head", "parts", "device", "early_stop")),
            columns=("stage", "passes", "loss"),
            times=("seconds",),
        ),
        Solver(
            name="svd",
            title="svd",
            summary="made by a truncated singular value decomposition of their positive pointwise mutual information",
            models=("skipgram",),
            reads_text=False,
            minimizes=False,
            columns=("stage", "passes", "loss"),
            times=("seconds",),
        ),
    )
}
"""The solvers by name."""

OF_NOISE: Final = frozenset(("negatives", "noise_exponent"))

LOSSES: Final[dict[str, Loss]] = {
    loss.name: loss
    for loss in (
        Loss(
            name="negative_sampling",
            equation="negative_sampling",
            phrase="negative sampling",
            heading="negative sampling",
            models=("skipgram", "cbow"),
            learning_rates={"skipgram": 0.025, "cbow": 0.15, "cbow word2vec": 0.05},
            solvers={"sgd": OF_NOISE | {"deterministic", "replicas"}, "exact": OF_NOISE},
            measures=("negative_sampling", "naive_softmax", "perplexity"),
            is_likelihood=False,
        ),
        Loss(
            name="naive_softmax",
            equation="naive_softmax",
            phrase="the naive softmax",
            heading="softmax",
            models=("skipgram", "cbow"),
            learning_rates={"skipgram": 0.05, "cbow": 0.3, "cbow word2vec": 0.05},
            solvers={"sgd": frozenset(), "exact": OF_NOISE},  # the exact search begins under negative sampling
            measures=("negative_sampling", "naive_softmax", "perplexity"),
            is_likelihood=True,
        ),
    )
}
"""The losses by name."""


def has_effect(option: str, loss: str, solver: str) -> bool:
    """Whether an option of the config can change a training under a loss by a solver.

    Options that no record names have an effect on all trainings.

    Example:
        >>> has_effect("replicas", "negative_sampling", "sgd"), has_effect("replicas", "naive_softmax", "sgd")
        (True, False)
        >>> has_effect("epochs", "negative_sampling", "exact"), has_effect("dim", "negative_sampling", "exact")
        (False, True)
    """
    if option in SOLVERS[solver].options or option in LOSSES[loss].solvers.get(solver, ()):
        return True
    of_losses = (options for one in LOSSES.values() for options in one.solvers.values())
    return not any(option in options for options in (*of_losses, *(one.options for one in SOLVERS.values())))


def is_shareable(loss: str, solver: str) -> bool:
    """Whether the workers of an engine can share a training: under SGD if it has replicas, and all of window counts.

    Example:
        >>> is_shareable("naive_softmax", "sgd"), is_shareable("naive_softmax", "exact")
        (False, True)
    """
    return not SOLVERS[solver].reads_text or has_effect("replicas", loss, solver)


def with_option(option: str) -> list[tuple[Loss, Solver]]:
    """The losses that alone have an option under some solver, each with this solver.

    Example:
        >>> [(loss.phrase, solver.title) for loss, solver in with_option("replicas")]
        [('negative sampling', 'SGD')]
    """
    return [(loss, SOLVERS[name]) for loss in LOSSES.values() for name, own in loss.solvers.items() if option in own]

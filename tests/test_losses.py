"""The records of losses and solvers: complete, true, and all that the config, logs and commands go by."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest

import lexigrad
from lexigrad import ConfigError, InputError, TrainConfig, gradcheck, reference
from lexigrad.compat.hub.card import kind_of_training, training
from lexigrad.config.losses import LOSSES, SOLVERS, LossName, SolverName, has_effect, is_shareable, with_option
from lexigrad.training.loss.allpairs import PairLoss
from lexigrad.training.loss.sample import SUMS
from lexigrad.training.records import open_log
from lexigrad.training.sgd.solvers import SGD

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.config.losses import Loss

TEXT = 30 * ["the cat sat on the mat near a door", "a dog lay on the rug and the cat saw it"]
SMALL = TrainConfig(dim=4, min_count=1, epochs=2, window=3, threads=1, loss_sample=50, head=8, subsample=0)

OTHER: dict[str, Any] = {
    "epochs": 3,
    "learning_rate": 0.01,
    "min_learning_rate": 0.001,
    "schedule": "constant",
    "seed": 2,
    "negatives": 3,
    "noise_exponent": 0.2,
    "head": 5,
}
"""Other values of some options, each of which changes the tables where it has an effect."""


@pytest.fixture
def trees(monkeypatch: pytest.MonkeyPatch) -> Loss:
    """The record of a loss that does not exist, among the others."""
    loss = replace(
        LOSSES["naive_softmax"],
        name="trees",
        equation="trees",
        phrase="the loss of trees",
        heading="trees",
        models=("skipgram",),
        learning_rates={"skipgram": 0.5},
        solvers={"sgd": frozenset(("branches",))},
        measures=("trees", "perplexity"),
        is_likelihood=True,
    )
    monkeypatch.setitem(LOSSES, loss.name, loss)
    return loss


def of_trees(**options: Any) -> TrainConfig:
    return TrainConfig(loss="trees", **options)  # type: ignore[arg-type]


def test_every_name_has_its_record_and_every_record_its_name() -> None:
    assert get_args(LossName) == tuple(LOSSES)
    assert get_args(SolverName) == tuple(SOLVERS)
    assert {record.name: record for record in LOSSES.values()} == LOSSES
    assert {record.name: record for record in SOLVERS.values()} == SOLVERS


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name)
def test_every_loss_has_its_equation_its_proof_its_training_and_its_measure(loss: Loss) -> None:
    assert callable(getattr(reference, loss.equation))
    proved = {check.keywords["name"] for check in gradcheck.formulas()}  # type: ignore[attr-defined]
    assert {loss.equation, f"skipgram, {loss.equation}", f"cbow with the mean, {loss.equation}"} <= proved
    assert loss.name in SGD
    assert loss.name in SUMS
    assert loss.name in loss.measures
    assert set(loss.solvers) <= set(SOLVERS)
    assert set(loss.models) <= set(loss.learning_rates)
    found = lexigrad.held_out_loss(lexigrad.train(TEXT, replace(SMALL, loss=loss.name)), TEXT)  # type: ignore[arg-type]
    assert [name for name in found.to_dict() if name in loss.measures] == list(loss.measures)


def test_records_name_options_of_the_config_only() -> None:
    named = {option for loss in LOSSES.values() for own in loss.solvers.values() for option in own}
    named |= {option for solver in SOLVERS.values() for option in solver.options}
    assert named <= {option.name for option in fields(TrainConfig)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_option_changes_the_tables_where_its_record_says_so_and_only_there(loss: Any, solver: Any) -> None:
    config = replace(SMALL, loss=loss, solver=solver)
    with lexigrad.read_corpus(TEXT, config) as corpus:
        plain = lexigrad.train(corpus, config)
        changed = {}
        for option, value in OTHER.items():
            model = lexigrad.train(corpus, replace(config, **{option: value}))
            changed[option] = not (np.array_equal(model.V, plain.V) and np.array_equal(model.U, plain.U))
    assert changed == {option: config.has_effect(option) for option in changed}


def test_options_that_no_record_names_have_an_effect_everywhere() -> None:
    assert all(has_effect("window", loss, solver) for loss in LOSSES for solver in SOLVERS)


def test_what_can_be_shared_and_what_has_replicas() -> None:
    assert not is_shareable("naive_softmax", "sgd")
    assert all(is_shareable(loss, solver) for loss in LOSSES for solver in ("exact", "svd"))
    assert with_option("replicas") == [(LOSSES["negative_sampling"], SOLVERS["sgd"])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": "naive_softmax", "replicas": 2},
            "replicas are of negative sampling by SGD, and naive_softmax has none",
        ),
        ({"solver": "exact", "replicas": 2}, "replicas are of negative sampling by SGD, and exact has none"),
        ({"solver": "svd", "early_stop": 2}, "svd takes one step, so early_stop has nothing to stop; leave it out"),
        (
            {"solver": "svd", "model": "cbow"},
            "cbow does not follow from window counts, so svd cannot train it; take sk",
        ),
    ],
)
def test_options_that_a_record_does_not_have_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**options)


@pytest.mark.usefixtures("trees")
def test_a_further_loss_is_checked_by_its_record() -> None:
    config = of_trees()
    assert config.starting_learning_rate == 0.5
    assert TrainConfig.from_dict(config.to_dict()) == config
    assert config.has_effect("branches")
    assert not TrainConfig().has_effect("branches")
    assert of_trees(solver="svd").loss == "trees"  # svd has no loss, and takes any
    with pytest.raises(ConfigError, match=r"^cbow does not train under the loss of trees; take skipgram$"):
        of_trees(model="cbow")
    with pytest.raises(ConfigError, match=r"^the loss of trees cannot be minimized by exact; take the solver sgd$"):
        of_trees(solver="exact")
    with pytest.raises(ConfigError, match="replicas are of negative sampling by SGD, and trees has none"):
        of_trees(replicas=2)
    with pytest.raises(ConfigError, match="loss must be one of negative_sampling, naive_softmax, trees, not 'leaves'"):
        TrainConfig(loss="leaves")  # type: ignore[arg-type]


@pytest.mark.usefixtures("trees")
def test_the_measures_of_a_further_loss_are_columns_of_the_log(tmp_path: Path) -> None:
    with open_log(tmp_path / "run.csv", of_trees(), has_validation=True) as log:
        measured = PairLoss(6.0, {"trees": 2.0})
        log.write({"epoch": 1, "loss": 2.5, "validation": measured.to_dict(), "seconds": 0.5})
    (row,) = csv.DictReader((tmp_path / "run.csv").read_text().splitlines())
    columns = "epoch words learning_rate loss validation_pairs validation_trees validation_perplexity validation_words"
    assert list(row) == f"{columns} validation_unknown validation_coverage seconds measuring_seconds".split()
    assert (row["validation_trees"], row["validation_perplexity"][:5]) == ("2.0", "7.389")
    assert "validation_naive_softmax" not in row


@pytest.mark.usefixtures("trees")
def test_a_further_loss_is_refused_by_engines_and_named_in_model_cards() -> None:
    config = of_trees()
    with pytest.raises(InputError, match=r"^the loss of trees by SGD trains in the threads of this process"):
        lexigrad.train(TEXT, config, engine=_Engine())  # type: ignore[arg-type]
    assert kind_of_training(config) == (
        "trained as word2vec's skip-gram with the loss of trees, by stochastic gradient descent"
    )
    model = replace(lexigrad.train(TEXT, SMALL), config=of_trees(dim=4))
    record = {"epoch": 1, "validation": {"trees": 2.0, "perplexity": 7.4, "naive_softmax": 3.0}}
    card = training(replace(model, history=[record]))
    assert "held-out trees" in card
    assert "held-out naive softmax" not in card


def test_losses_are_attributes_by_their_names_and_nothing_else_is() -> None:
    loss = PairLoss(6.0, {"naive_softmax": 2.0})
    assert loss.naive_softmax == loss.losses["naive_softmax"] == 2.0
    assert hash(loss) == hash(PairLoss(6.0, {"naive_softmax": 2.0}))
    assert loss != PairLoss(6.0, {"naive_softmax": 3.0})
    for name in ("negative_sampling", "entropy"):
        with pytest.raises(AttributeError, match=f"PairLoss has no attribute '{name}'"):
            getattr(loss, name)


class _Engine:
    """As far as an engine is looked at before it is refused."""

    def call(self) -> None:
        """Is never called."""

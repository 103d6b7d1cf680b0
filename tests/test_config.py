"""Options: their checks, and what is saved of them."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from lexigrad import ConfigError, TrainConfig


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("dim", 0, "dim must be at least 1, not 0"),
        ("dim", 2001, "dim must be at most 2,000, not 2001"),
        ("dim", 1.5, "dim must be a whole number, not 1.5"),
        ("dim", True, "dim must be a whole number, not True"),
        ("negatives", 65, "negatives must be at most 64, not 65"),
        ("learning_rate", 0, "learning_rate must be above 0, not 0"),
        ("subsample", float("nan"), "subsample must be finite, not nan"),
        ("subsample", "1e-3", "subsample must be a number, not '1e-3'"),
        ("model", "glove", "model must be one of skipgram, cbow, not 'glove'"),
        ("dynamic_window", 1, "dynamic_window must be True or False, not 1"),
        ("tokens", "letters", "tokens must be one of whitespace, words, not 'letters'"),
        ("seed", -1, "seed must be at least 0, not -1"),
        ("epochs", None, "epochs must be a whole number, not None"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_one_sentence(option: str, value: object, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**{option: value})  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_the_last_learning_rate_may_not_be_above_the_first() -> None:
    with pytest.raises(ConfigError, match=r"min_learning_rate is 0\.5, above the learning rate at the start, 0\.025"):
        TrainConfig(min_learning_rate=0.5)


def test_each_model_has_its_usual_learning_rate() -> None:
    rates = [
        TrainConfig().starting_learning_rate,
        TrainConfig(model="cbow", cbow_update="word2vec").starting_learning_rate,
        TrainConfig(model="cbow", learning_rate=0.1).starting_learning_rate,
    ]
    assert rates == [0.025, 0.05, 0.1]


def test_numpys_numbers_are_taken_and_saved_as_plain_ones() -> None:
    config = TrainConfig(dim=np.int64(7), subsample=np.float32(0.5))  # type: ignore[arg-type]
    assert json.loads(json.dumps(config.to_dict()))["dim"] == 7
    assert type(config.subsample) is float


def test_a_config_survives_json() -> None:
    config = TrainConfig(model="cbow", dim=3, max_vocabulary=9, learning_rate=0.5, seed=2**63 - 1)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_tokenizer_function_is_saved_by_its_name_only() -> None:
    saved = TrainConfig(tokens=str.split).to_dict()
    assert saved["tokens"] == "callable:str.split"
    assert TrainConfig.from_dict(saved).tokens == "whitespace"


def test_an_unknown_option_in_a_file_is_named() -> None:
    with pytest.raises(
        ConfigError, match="unknown option 'size'; known are cbow_update, connector_words, deterministic, device, dim"
    ):
        TrainConfig.from_dict({"size": 100})


def test_every_option_explains_itself() -> None:
    assert all(option.metadata["help"] for option in fields(TrainConfig))


@pytest.mark.parametrize("value", [10**400, -(10**400)])
@pytest.mark.parametrize("name", ["dim", "epochs", "learning_rate", "subsample"])
def test_a_whole_number_that_no_float_can_hold_is_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        TrainConfig(**{name: value})  # type: ignore[arg-type]

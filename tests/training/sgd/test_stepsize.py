"""The size of a step is the largest within the limits that docs/decisions/step-size.md sets on a row's gradients."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexigrad import TrainConfig
from lexigrad.training.sgd.stepsize import settings_of, step_size

OF_A_CENTER, OF_A_NEGATIVE, OF_ALL_ITS_OCCURRENCES = 2.0, 3.2, 5.5
NEARLY = 1 + 1e-9


def config_of(**options: Any) -> TrainConfig:
    return TrainConfig(dim=4, min_learning_rate=0.0, **options)


def check_largest(size: int, step: int, most: int, gradients: float, limit: float) -> None:
    """A size is a multiple of ``step`` from there to ``most``, within the limit if it can be, and no smaller."""
    assert size % step == 0
    assert step <= size <= most
    assert size == step or size * gradients <= limit * NEARLY
    assert size == most or (size + step) * gradients >= limit / NEARLY


@given(
    rate=st.floats(1e-4, 1.0),
    window=st.integers(1, 30),
    shorter=st.integers(0, 10),
    negatives=st.integers(1, 64),
    dynamic=st.booleans(),
)
def test_skipgrams_step_is_the_largest_within_the_limits(
    rate: float, window: int, shorter: int, negatives: int, dynamic: bool
) -> None:
    config = config_of(learning_rate=rate, window=window, negatives=negatives, dynamic_window=dynamic)
    reach, weight = max(1, window - shorter), negatives / 64
    bands, block, repeats = step_size(config, reach, weight)
    pairs = [2 * (1 - (distance - 1) / window if dynamic else 1) for distance in range(1, reach + 1)]
    pull = rate * (1 + negatives)
    assert (bands[0], bands[-1]) == (1, reach + 1)
    sums = []
    for first, last in pairwise(bands):
        sums.append(sum(pairs[first - 1 : last - 1]))
        assert last == first + 1 or sums[-1] * pull <= OF_A_CENTER * NEARLY
        assert last == reach + 1 or (sums[-1] + pairs[last - 1]) * pull >= OF_A_CENTER / NEARLY
    check_largest(block, 8, 64, rate * weight * max(sums), OF_A_NEGATIVE)
    check_largest(repeats, 1, 6, pull * max(sums), OF_ALL_ITS_OCCURRENCES)


@given(rate=st.floats(1e-4, 2.0), window=st.integers(1, 30), negatives=st.integers(1, 64))
def test_cbows_step_is_the_largest_within_the_limits(rate: float, window: int, negatives: int) -> None:
    config = config_of(model="cbow", learning_rate=rate, window=window, negatives=negatives)
    bands, block, repeats = step_size(config, window, negatives / 64)
    assert bands == [1, window + 1]
    check_largest(block, 8, 64, rate * negatives / 64, OF_A_NEGATIVE)
    check_largest(repeats, 1, 6, rate * (1 + negatives), OF_ALL_ITS_OCCURRENCES)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_the_kernels_get_the_configs_options_and_the_step(model: Any, dynamic: bool) -> None:
    config = config_of(model=model, window=9, negatives=20, dynamic_window=dynamic, learning_rate=0.07)
    settings = settings_of(config, np.array([0] * 7 + [-1] + [1] * 3 + [-1], np.int32))
    assert (settings.dim, settings.window, settings.dynamic, settings.cbow) == (4, 9, dynamic, model == "cbow")
    assert (settings.first_rate, settings.drawn, settings.weight) == (0.07, 32, np.float32(20 / 32))
    bands, block, repeats = step_size(config, 6, 20 / 32)  # no window goes beyond a sentence of seven words
    assert settings.bands.tolist() == bands
    assert (settings.block, settings.repeats, settings.step_repeats) == (block, repeats, float(repeats))
    assert (settings.step_blocks, settings.step_draws, settings.historic) == (4, 2.0, False)
    assert settings_of(config_of(model="cbow", cbow_update="word2vec"), np.zeros(3, np.int32)).historic


@pytest.mark.parametrize(("window", "slots"), [(1, 8), (16, 8), (17, 7), (32, 6), (33, 5), (300, 1)])
def test_a_superstep_has_as_many_blocks_as_have_room_and_eight_at_most(window: int, slots: int) -> None:
    """Blocks of 64 reach 768 places at most, with the windows on both sides."""
    config = config_of(model="cbow", window=window, learning_rate=0.01)
    settings = settings_of(config, np.zeros(2_000, np.int32))
    assert settings.block == 64
    assert settings.slots == slots


def test_words_on_their_own_have_windows_of_one_all_the_same() -> None:
    assert settings_of(config_of(), np.array([0, -1, 1, -1], np.int32)).bands.tolist() == [1, 2]

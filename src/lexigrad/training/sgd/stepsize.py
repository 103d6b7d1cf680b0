"""The size of a step, whose gradients are computed at the same tables: blocks, bands of distances, supersteps.

A row to which too many such gradients are added overshoots. docs/decisions/step-size.md derives the limits, and says
what happens beyond them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig
    from lexigrad.kernels.sgd.span import Settings

__all__ = ["between", "settings_of", "step_size"]

BLOCK: Final = 64
"""Most tokens whose step is computed at the same tables."""

MOST_REPEATS: Final = 6
"""Most occurrences of a word in a block."""

SUPERSTEP: Final = 4
"""Most blocks whose steps are computed at the same tables, at the learning rate of the start."""

SLOTS: Final = 8
"""Most blocks in a superstep at a lower learning rate: from half the rate of the start on."""

SLOT_PLACES: Final = 768
"""Places that the windows of all blocks in a superstep may reach: 8 blocks of 64 with windows up to 12."""

MOST_DRAWS: Final = 2.0
"""Most draws of the mean negative in a superstep."""

# How much learning rate times gradients one row may get in one step (`step_size`). The usual options are at 0.9, 3.0
# and 5.4, and the limits lie just above; docs/decisions/step-size.md says what happens far beyond them.
CENTER_LIMIT: Final = 2.0
NEGATIVE_LIMIT: Final = 3.2
REPEAT_LIMIT: Final = 5.5


def settings_of(config: TrainConfig, ids: NDArray[np.int32]) -> Settings:
    """The kernels' settings, which follow from the config and the corpus, never from the threads."""
    from lexigrad.kernels.sgd.piece import longest_sentence
    from lexigrad.kernels.sgd.span import Settings, drawn_and_weight

    drawn, weight = drawn_and_weight(config.negatives)
    reach = min(config.window, max(1, longest_sentence(ids) - 1))  # no window goes beyond its sentence
    bands, block, repeats = step_size(config, reach, float(weight))
    return Settings(
        dim=config.dim,
        window=config.window,
        dynamic=config.dynamic_window,
        bands=np.array(bands),
        block=block,
        repeats=repeats,
        first_rate=config.starting_learning_rate,
        step_blocks=SUPERSTEP,
        step_repeats=float(repeats),
        step_draws=MOST_DRAWS,
        slots=between(1, SLOT_PLACES / (block + 2 * reach), SLOTS),
        drawn=drawn,
        weight=weight,
        cbow=config.model == "cbow",
        historic=config.cbow_update == "word2vec",
    )


def step_size(config: TrainConfig, reach: int, weight: float) -> tuple[list[int], int, int]:
    """The size of one step: bands of distances, tokens in a block, occurrences of a word in a block.

    A step adds gradients that were computed at the same tables. A row to which too many are added overshoots, so the
    rate times their number is limited, for three kinds of rows: a center's for one token, a negative's for a block, a
    center's for all its occurrences in a block. The usual options give one band and 64 tokens.
    """
    rate = config.starting_learning_rate
    pull = rate * (1 + config.negatives)  # of one prediction on the row that predicts
    if config.model == "cbow":
        block = NEGATIVE_LIMIT / (rate * weight)
        return [1, reach + 1], _multiple_of_8(block), between(1, REPEAT_LIMIT / pull, MOST_REPEATS)
    bands, largest, band = [1], 0.0, 0.0
    for distance in range(1, reach + 1):
        share = 1 - (distance - 1) / config.window if config.dynamic_window else 1.0
        if distance > bands[-1] and (band + 2 * share) * pull > CENTER_LIMIT:
            bands.append(distance)
            band = 0.0
        band += 2 * share
        largest = max(largest, band)
    block = NEGATIVE_LIMIT / (rate * weight * largest)
    return [*bands, reach + 1], _multiple_of_8(block), between(1, REPEAT_LIMIT / (largest * pull), MOST_REPEATS)


def _multiple_of_8(tokens: float) -> int:
    """The tokens of a block: full tiles, at most 64."""
    return between(1, tokens / 8, BLOCK // 8) * 8


def between(least: int, value: float, most: int) -> int:
    """The value, rounded down, within bounds."""
    return max(least, int(min(value, most)))

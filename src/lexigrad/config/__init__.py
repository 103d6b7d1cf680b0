"""The options of reading and training, and the records of losses and solvers by which they are checked."""

from __future__ import annotations

from lexigrad.config.trainconfig import (
    ENGLISH_CONNECTOR_WORDS,
    PHRASE_OPTIONS,
    TEXT_OPTIONS,
    Schedule,
    Tokenizer,
    TrainConfig,
)

__all__ = ["ENGLISH_CONNECTOR_WORDS", "PHRASE_OPTIONS", "TEXT_OPTIONS", "Schedule", "Tokenizer", "TrainConfig"]

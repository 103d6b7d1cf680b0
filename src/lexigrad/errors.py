"""Every error that lexigrad raises on purpose.

One sentence each: what is wrong, where, and what to do. The command line prints that sentence and exits with status 1.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ConfigError",
    "CorpusError",
    "FormatError",
    "GradientError",
    "InputError",
    "LexigradError",
    "MissingExtraError",
    "TrainingInterrupted",
    "UnknownWordError",
]


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped a solver that had a model to show for it.

    Attributes:
        model: the `lexigrad.Word2Vec` of the last accepted step.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model


class LexigradError(Exception):
    """Base of all errors below; catch it to catch whatever lexigrad refuses."""


class ConfigError(LexigradError, ValueError):
    """An option has a value that it cannot have."""


class InputError(LexigradError, ValueError):
    """An argument has the wrong shape, an id out of range, or a number that is not finite."""


class CorpusError(LexigradError):
    """A text cannot be read: it is missing, empty, not in its encoding, or compressed in an unknown way."""


class FormatError(LexigradError):
    """A file is not what its name or its header says: truncated, contradictory, or in no known format."""


class GradientError(LexigradError, AssertionError):
    """A gradient and its finite differences disagree."""


class UnknownWordError(LexigradError, KeyError):
    """A word is not in the vocabulary; the message names near spellings."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class MissingExtraError(LexigradError, ImportError):
    """A feature needs a package that is installed by one of lexigrad's extras; the message names it."""

"""The part of commands that uses Ray: it opens an engine, shows its progress, and has text read there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.cli.console import Display
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.shards import CountedWords
    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.engines.interface import Engine

__all__ = ["count_words_on", "opened_engine", "say_idle"]

COUNTING_LINEAGE_BYTES: Final = 1 << 28
"""Counts are summed along trees, and few values are put, so nearly all values of a lost machine can be made again."""


@contextmanager
def opened_engine(
    ray: str, workers: int | None, display: Display, paths: tuple[str, ...] = (), **how: Any
) -> Iterator[Engine]:
    """The engine that is asked for; its workers, Ray's dashboard and its progress are shown on standard error.

    Args:
        ray: the address, or ``local``.
        workers: the number of workers; as many as there are free cores for if None.
        display: shows the engine's progress.
        paths: the text that the workers are to read and count; paths without text are refused before they start.
        **how: other options of `lexigrad.engines.opening.open_engine`.
    """
    from lexigrad.corpus.shards.cut import find_text
    from lexigrad.engines.opening import open_engine

    if paths:
        find_text(paths)  # Ray takes seconds to start
        how["lineage_bytes"] = COUNTING_LINEAGE_BYTES
    with open_engine(ray, workers, report=display.working, **how) as engine:
        noun = "worker" if engine.workers == 1 else "workers"
        cores = "" if engine.threads == 1 else f" of {engine.threads:,} cores"
        where = "on this machine" if ray == "local" else f"at {ray}"
        display.say(f"Ray {where} with {engine.workers:,} {noun}{cores}")
        dashboard = getattr(engine, "dashboard", None)
        if dashboard is not None:
            display.say(f"Ray's dashboard is at {dashboard}")
        yield engine


def say_idle(workers: int, config: TrainConfig, display: Display) -> None:
    """Say so if there is work for fewer workers than there are, or were asked for."""
    if config.has_effect("replicas"):
        if workers > config.replicas:
            noun = "worker trains" if config.replicas == 1 else "workers train"
            display.say(f"{config.replicas:,} {noun}; --replicas says how many do, and with it the result")
    elif config.has_effect("parts") and workers > config.parts:
        display.say(f"at most {config.parts:,} share a pass; --parts says how many can, and with it the last digits")


def count_words_on(
    engine: Engine, paths: tuple[str, ...], config: TrainConfig, given: Vocabulary | None, display: Display
) -> CountedWords:
    """Count the words of a text, showing progress, and say how much was read and how much was left out."""
    from lexigrad.corpus.shards import count_words

    how: dict[str, Any] = {"progress": display.reading, "phrase_progress": display.steps("phrases")}
    found = count_words(list(paths), config, engine=engine, vocabulary=given, **how)
    display.say(found.report.summary())
    return found

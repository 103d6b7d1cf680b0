"""What commands do on Ray in place of reading text themselves."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexigrad.config import TrainConfig
    from lexigrad.console import Display
    from lexigrad.distributed import CountedWords
    from lexigrad.engines.interface import Engine

__all__ = ["count_words_on", "opened_engine"]


@contextmanager
def opened_engine(ray: str, workers: int | None, paths: tuple[str, ...], display: Display) -> Iterator[Engine]:
    """The engine that is asked for, and its workers on standard error; paths of nothing are refused before."""
    from lexigrad.distributed.shards import find_text
    from lexigrad.engines.opening import open_engine

    find_text(paths)  # Ray takes seconds to start
    with open_engine(ray, workers) as engine:
        noun = "worker" if engine.workers == 1 else "workers"
        display.say(f"Ray {'on this machine' if ray == 'local' else f'at {ray}'} with {engine.workers:,} {noun}")
        yield engine


def count_words_on(
    engine: Engine, paths: tuple[str, ...], config: TrainConfig, vocabulary: Path | None, display: Display
) -> CountedWords:
    """Count the words of a text, showing progress, and say what was read and what was left out."""
    import lexigrad
    from lexigrad.distributed import count_words

    given = None if vocabulary is None else lexigrad.Vocabulary.load(vocabulary)
    how: dict[str, Any] = {"progress": display.reading, "phrase_progress": display.steps("phrases")}
    found = count_words(list(paths), config, engine=engine, vocabulary=given, **how)
    display.say(found.report.summary())
    return found

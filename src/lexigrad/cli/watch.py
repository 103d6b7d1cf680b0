"""The page that `train --watch` serves."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.cli.console import Display
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.view.explorer.watch import Watch

__all__ = ["begin_watch", "watched"]

TELLING_SECONDS: Final = 1.0
"""The seconds that the command waits, at most, until open pages know that training is over."""
POLL_SECONDS: Final = 0.05


@contextmanager
def watched(name: str, port: int, display: Display) -> Iterator[Watch]:
    """Serve a page that follows a training while the block runs.

    Raises:
        LexigradError: the port is taken or not allowed.
    """
    from lexigrad.view.explorer.server import ExplorerServer
    from lexigrad.view.explorer.watch import Watch

    watch = Watch(name)
    with ExplorerServer(watch, port, "--watch-port") as server:
        thread = Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="watch", daemon=True)
        thread.start()
        display.say(f"watch at {server.url}")
        try:
            yield watch
        finally:
            watch.stop("Training was stopped.")
            if watch.wait_until_told(TELLING_SECONDS):
                server.wait_until_answered(TELLING_SECONDS)
            server.shutdown()
            thread.join()


def begin_watch(watch: Watch, vocabulary: Vocabulary, config: TrainConfig) -> None:
    """Tell the page which words there are."""
    keep: Any = vocabulary.keep_probability(config.subsample)
    epochs = config.epochs if config.has_effect("epochs") else None
    watch.begin(vocabulary.words, vocabulary.counts, config.dim, thinned=int((keep < 1).sum()), epochs=epochs)

"""Signals that ask a program to end, turned into what Ctrl-C does: temporary files go, and checkpoints are written."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Endings"]

NAMES: Final = ("SIGTERM", "SIGHUP")
"""What `kill`, a scheduler or a shutdown sends, and what comes when a terminal is closed; Windows lacks the latter."""


class Endings:
    """While its block runs, SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread; a context manager.

    The first of them counts, and further ones are ignored from then on, so that they do not stop what cleans up. A
    signal that was ignored when the block began, as `nohup` arranges it, stays so.

    Attributes:
        signal: the number of the signal that came; that of Ctrl-C if none did.
        by: what ended the block, for a reader.
    """

    def __init__(self) -> None:
        self.signal = int(signal.SIGINT)
        self.by = "the keyboard"
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other may set them
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, number: int, _: FrameType | None) -> None:
        for each in self._before:
            signal.signal(each, signal.SIG_IGN)
        self.signal, self.by = number, signal.Signals(number).name
        raise KeyboardInterrupt

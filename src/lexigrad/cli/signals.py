"""Signals that ask a program to end act as Ctrl-C does: temporary files go, and checkpoints are written."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Ended", "Endings"]

NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals of Ctrl-C; of `kill`, a scheduler or a shutdown; and of a terminal that is closed, not on Windows."""

PLAIN: Final = (signal.SIG_DFL, signal.default_int_handler)


class Ended(KeyboardInterrupt):
    """A signal asks the program to end.

    A class of its own because CPython, when a plain KeyboardInterrupt came within ``exec`` of a string, ends the
    process by SIGINT in the end, although it was handled, and although another exit status was set.
    """


class Endings:
    """While its block runs, SIGTERM and SIGHUP end it as Ctrl-C does, by a KeyboardInterrupt; a context manager.

    The first of the two counts, and further ones are ignored from then on, so that they do not stop the code that
    cleans up; a second Ctrl-C does stop it. A signal that was ignored when the block began, as `nohup` arranges it,
    stays ignored.

    Attributes:
        signal: the number of the signal that came; that of Ctrl-C if none did.
        by: the signal's name, or ``the keyboard`` if none came, for messages.
    """

    def __init__(self) -> None:
        self.signal = int(signal.SIGINT)
        self.by = "the keyboard"
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                if signal.getsignal(number) in PLAIN:
                    self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if isinstance(error, RuntimeError) and isinstance(error.__cause__, Ended):
            raise error.__cause__  # CPython 3.11 wraps it so where a class is being made, as in imports

    def _end(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT:
            for each in self._before:
                signal.signal(each, signal.SIG_IGN)
            self.signal, self.by = number, signal.Signals(number).name
        raise Ended

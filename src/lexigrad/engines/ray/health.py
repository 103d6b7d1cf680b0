"""The progress of a cluster: the words of its workers, which of them are slow or died, and when to give up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from lexigrad.engines.ray.worker import Pulse

__all__ = ["EngineProgress", "Watch"]

AT_WORK: Final = 0.1
"""A process that uses less of a core than this makes no progress; Ray's own threads use about a hundredth."""

JUDGED_SECONDS: Final = 5.0
"""The time over which it is judged whether a process is at work."""

LAG_SECONDS: Final = 5.0
LAG_FACTOR: Final = 2.0
"""A worker lags that is at a call for LAG_SECONDS, and LAG_FACTOR times as long as the others take for such calls."""


@dataclass(frozen=True, slots=True)
class EngineProgress:
    """How far an engine has come with what it was given.

    Attributes:
        workers: the number of workers.
        calls_made: the calls that it was given so far.
        calls_done: the calls that ended, at least; those of a worker that died count again.
        bytes_done: the bytes that these calls returned.
        restarts: how often a worker's process ended and was replaced.
        slowest: the worker that has been busy with one call the longest, with the call and its time; empty if none is.
        lags: whether that time is twice as long as any such call has taken, and at least five seconds.
        seconds: the time since the engine was opened.
    """

    workers: int
    calls_made: int
    calls_done: int
    bytes_done: int
    restarts: int
    slowest: str
    lags: bool
    seconds: float


@dataclass(slots=True)
class _Seen:
    """The last pulse of one worker, and the sums of those of its processes that have ended."""

    pulse: Pulse | None = None
    heard: float = 0.0
    spared: float = 0.0  # the time from which on it may be silent
    marked_cpu: float = 0.0
    marked: float = 0.0
    calls_before: int = 0  # by processes that have ended
    bytes_before: int = 0
    restarts: int = 0


class Watch:
    """Judges by the workers' pulses whether anything gets on.

    Args:
        workers: the number of workers.
    """

    def __init__(self, workers: int) -> None:
        self._begun = self._alive = self._roused = time.monotonic()
        self._seen = [_Seen(heard=self._begun, spared=self._begun, marked=self._begun) for _ in range(workers)]
        self._longest: dict[str, float] = {}  # seconds that calls of a function took, as far as pulses tell

    def progressed(self) -> None:
        """Note that a value came, or that work was handed out: nothing stands still."""
        self._alive = time.monotonic()

    def hear(self, worker: int, pulse: Pulse) -> None:
        """Take the pulse of a worker."""
        now, seen = time.monotonic(), self._seen[worker]
        last, seen.pulse, seen.heard, seen.spared = seen.pulse, pulse, now, now
        if last is None or last.process != pulse.process or last.host != pulse.host:
            if last is not None:
                seen.restarts += 1
                seen.calls_before += last.calls
                seen.bytes_before += last.bytes
            seen.marked, seen.marked_cpu, self._alive = now, pulse.cpu_seconds, now
        elif pulse.calls != last.calls:
            self._alive = now
            self._longest[last.function] = max(last.seconds, self._longest.get(last.function, 0.0))
        elif now - seen.marked >= JUDGED_SECONDS:
            if pulse.cpu_seconds - seen.marked_cpu >= AT_WORK * (now - seen.marked):
                self._alive = now
            seen.marked, seen.marked_cpu = now, pulse.cpu_seconds

    def silent(self, seconds: float) -> list[int]:
        """The workers of which nothing was heard for so long; each is named once in that time."""
        now = time.monotonic()
        found = [number for number, seen in enumerate(self._seen) if now - seen.spared >= seconds]
        for number in found:
            self._seen[number].spared = now
        return found

    def idle(self, seconds: float) -> list[int]:
        """All workers, if all have rested for so long while a value is waited for: the call that makes it was lost.

        They are named once in that time. When their processes are replaced, Ray makes their calls again.
        """
        now = time.monotonic()
        pulses = [seen.pulse for seen in self._seen]
        if now - max(self._alive, self._roused) < seconds or any(one is None or one.function for one in pulses):
            return []
        self._roused = now
        return list(range(len(pulses)))

    def check(self, deadline_seconds: float) -> None:
        """Give up if it is time.

        Args:
            deadline_seconds: the time without any progress after which to give up.

        Raises:
            EngineError: nothing got on for the deadline.
        """
        now = time.monotonic()
        if now - self._alive < deadline_seconds:
            return
        number, seen = min(enumerate(self._seen), key=lambda item: item[1].heard)
        place = "" if seen.pulse is None else f" (process {seen.pulse.process} on {seen.pulse.host}{_at(seen.pulse)})"
        raise EngineError(
            f"no worker got on for {deadline_seconds:g} seconds; the last word of worker {number}{place} came "
            f"{now - seen.heard:.0f} seconds ago; see whether the machines are up and reach each other"
        )

    def progress(self, calls_made: int) -> EngineProgress:
        """The progress of all workers, for a reader."""
        now, seen = time.monotonic(), self._seen
        pulses = [one.pulse for one in seen if one.pulse is not None]
        busy = [  # a worker that says nothing is taken to be still at its call
            (one.pulse.seconds + now - one.heard, number, one.pulse)
            for number, one in enumerate(seen)
            if one.pulse is not None and (one.pulse.function or now - one.heard >= LAG_SECONDS)
        ]
        seconds, number, pulse = max(busy, key=lambda item: item[:2], default=(0.0, 0, None))
        slowest = (
            "" if pulse is None else f"worker {number} on {pulse.host}{_at(pulse) or ', silent'} for {seconds:.0f} s"
        )
        function = "" if pulse is None else pulse.function
        others = [spent for spent, other, at in busy if other != number and at.function == function]
        usual = max([self._longest.get(function, 0.0), *others])
        return EngineProgress(
            workers=len(self._seen),
            calls_made=calls_made,
            calls_done=sum(one.calls for one in pulses) + sum(one.calls_before for one in seen),
            bytes_done=sum(one.bytes for one in pulses) + sum(one.bytes_before for one in seen),
            restarts=sum(one.restarts for one in seen),
            slowest=slowest,
            lags=len(pulses) > 1 and seconds >= max(LAG_SECONDS, LAG_FACTOR * usual),
            seconds=now - self._begun,
        )


def _at(pulse: Pulse) -> str:
    """The call that a worker is at, as a part of a sentence."""
    return f" in {pulse.function}" if pulse.function else ""

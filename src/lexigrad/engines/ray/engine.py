"""The engine on Ray: restartable workers, on this machine or on a cluster.

Ray schedules, ships and recovers: a call whose worker dies is made again, and a value that was lost with a machine is
computed again from the values it was made of. This module does what Ray leaves to its users: nothing is waited for
without end, nothing listens beyond this machine unless a cluster is asked for, and every failure ends in a sentence.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Self

from lexigrad.engines.cores import available_cores, shared_out
from lexigrad.engines.interface import CLOSED
from lexigrad.engines.ray.connection import LINEAGE_BYTES, LOCAL, HeadCheck, connect, give_up, import_ray
from lexigrad.engines.ray.explained import sentences
from lexigrad.engines.ray.health import EngineProgress, Watch
from lexigrad.engines.ray.samebytes import Probe
from lexigrad.engines.ray.worker import Worker, path_of
from lexigrad.engines.values import check_sendable
from lexigrad.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RayEngine", "RayRef"]

RESTARTS: Final = 100
"""How often a worker is made anew before Ray gives it up; without a bound a fault could last for ever."""
RETRIES: Final = 7
"""How often a call whose worker died is made again."""
TICK_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 30.0
"""The time in which Ray must end; it takes one or two seconds."""
HEADLESS_CLOSE_SECONDS: Final = 5.0
"""The time in which Ray must end without its head. Ray ends this process a minute after its head is gone, and by then
the user must have been told."""
PULSE: Final = "pulse"
INLINE_BYTES: Final = 1 << 14
"""Larger values go from worker to worker; by itself Ray sends up to 100 kB, many at once, by way of the driver."""
KEPT_BYTES: Final = 1 << 20
"""An array as long as this, or longer, is memory of its own, which a worker gives back when the array goes."""


class RayRef:
    """A value that a cluster has, or will have."""

    __slots__ = ("_object",)

    def __init__(self, object_ref: Any) -> None:
        self._object = object_ref

    @property
    def object_ref(self) -> Any:
        """Ray's own ref.

        Raises:
            EngineError: the value was freed.
        """
        if self._object is None:
            raise EngineError("a value is asked for that was freed")
        return self._object

    def free(self) -> None:
        """Let go of the value."""
        self._object = None


class RayEngine:
    """Workers on Ray, each a process.

    Where this process is connected to Ray already, that connection is used, and left as it is.

    Args:
        address: ``local`` for a Ray of its own on this machine, which ends with the engine; ``auto``, or HOST:PORT, for
            a cluster that is up.
        workers: the number of workers; as many as there are free cores for if None.
        threads: the cores that each worker takes, for functions that use so many threads; None for as many as there are
            for so many workers.
        most_workers: the number of workers that there is work for: a bound where ``workers`` is None.
        deadline_seconds: the time without any progress after which to give up.
        lineage_bytes: the size of the account of how values were made, by which Ray makes values again that are lost
            with a machine. More suits jobs whose values are not made of each other in a long row. The first engine of
            a process decides.
        report: is called with an `EngineProgress` about every second while values are waited for.

    Attributes:
        dashboard: the address of Ray's own page about the cluster; None if it has none, or it is not known here.
        deadline_seconds: the time without any progress after which to give up.
        silence_seconds: the time after which a worker of which nothing is heard is replaced.

    Raises:
        MissingExtraError: Ray is not installed.
        EngineError: the cluster cannot be reached, has not enough cores, or a worker would give other bytes.
    """

    def __init__(
        self,
        address: str = LOCAL,
        workers: int | None = None,
        *,
        threads: int | None = 1,
        most_workers: int | None = None,
        deadline_seconds: float = 600.0,
        lineage_bytes: int = LINEAGE_BYTES,
        report: Callable[[EngineProgress], object] | None = None,
    ) -> None:
        self._ray = import_ray(local=address == LOCAL, lineage_bytes=lineage_bytes)
        self.deadline_seconds = deadline_seconds
        self.silence_seconds = deadline_seconds / 2
        self.report = report
        self._calls = 0
        self._looked = time.monotonic()
        connection = connect(self._ray, address, _wanted(workers, threads))
        self._owned, self.dashboard = connection
        self._head = HeadCheck(self._ray.get_runtime_context().gcs_address)
        self._is_closed = self._is_headless = False
        self._room: Any = None
        self._actors: list[Any] = []
        self._pulses: dict[Any, int] = {}
        try:
            self.workers, self.threads = self._count(workers, threads, most_workers)
            self._watch = Watch(self.workers)
            self._start(self.threads)
        except BaseException:
            self.close()
            raise

    def put(self, value: Any) -> RayRef:  # noqa: D102 - as in the interface
        self._check_open()
        check_sendable(value)
        with sentences(self._ray):
            return RayRef(self._within_deadline(self._ray.put, value))

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1, on: int = 0) -> Any:  # noqa: D102
        self._check_open()
        for part in arguments:
            if not isinstance(part, RayRef):
                check_sendable(part)
        held = [part.object_ref if isinstance(part, RayRef) else part for part in arguments]
        actor = self._actors[on % self.workers]
        with sentences(self._ray):
            made = actor.run.options(num_returns=returns, max_task_retries=RETRIES).remote(*path_of(function), *held)
        self._calls += 1
        self._watch.progressed()
        return RayRef(made) if returns == 1 else tuple(map(RayRef, made))

    def get(self, refs: Iterable[RayRef]) -> list[Any]:  # noqa: D102
        self._check_open()
        objects = [ref.object_ref for ref in refs]
        values: dict[Any, Any] = {}
        waiting = list(dict.fromkeys(objects))
        while waiting:
            with sentences(self._ray):
                ready, waiting = self._ray.wait(waiting, num_returns=len(waiting), timeout=TICK_SECONDS)
                values.update(zip(ready, self._ray.get(ready, timeout=self.deadline_seconds), strict=True))
            if ready:
                self._watch.progressed()
            if waiting or time.monotonic() - self._looked >= TICK_SECONDS:
                self._look()
        return [values[ref] for ref in objects]

    def free(self, refs: Iterable[RayRef]) -> None:  # noqa: D102
        for ref in refs:
            ref.free()

    def close(self) -> None:  # noqa: D102
        self._is_closed = True
        ending = Thread(target=self._end, name="lexigrad-end", daemon=True)
        ending.start()
        ending.join(HEADLESS_CLOSE_SECONDS if self._is_headless else CLOSE_SECONDS)
        if ending.is_alive():
            give_up(self._ray)

    def _end(self) -> None:
        """Tell Ray to end, which waits for its head and for its processes on this machine, even if they are stuck."""
        with suppress(Exception):
            for actor in [] if self._is_headless else self._actors:  # only a head ends them, if the driver does not
                self._ray.kill(actor)
            if self._room is not None and not self._is_headless:
                self._ray.util.remove_placement_group(self._room)
        self._actors, self._room = [], None
        if self._owned:
            self._owned = False
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def progress(self) -> EngineProgress:
        """The progress of the engine, by the last words of its workers."""
        return self._watch.progress(self._calls)

    def _within_deadline(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call one of Ray's functions that has no deadline of its own.

        Raises:
            EngineError: the function does not end in time.
        """
        done: Future[Any] = Future()

        def call() -> None:
            try:
                done.set_result(function(*arguments))
            except BaseException as error:  # handed to the thread that waits
                done.set_exception(error)

        Thread(target=call, name="lexigrad-put", daemon=True).start()
        try:
            return done.result(self.deadline_seconds)
        except TimeoutError:
            if done.done():
                raise
            raise EngineError(
                f"Ray on this machine took no value for {self.deadline_seconds:g} seconds; see whether its raylet is up"
            ) from None

    def _check_open(self) -> None:
        """Refuse work for a closed engine; Ray would start another Ray for it."""
        if self._is_closed:
            raise EngineError(CLOSED)

    def _count(self, workers: int | None, threads: int | None, most_workers: int | None) -> tuple[int, int]:
        """The number of workers that are to be made, and the cores of each."""
        machines = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        free = self._ray.available_resources().get("CPU", 0)
        count, each = shared_out(machines, free, workers, threads, most_workers)
        if count * each > sum(machines):
            raise EngineError(
                f"{count} workers with {each} cores each do not fit: the cluster has {sum(machines):g}; ask for fewer, "
                "or start more machines first"
            )
        return count, each

    def _start(self, threads: int) -> None:
        """Reserve the workers' cores, make the workers there, and wait until each has shown that it gives our bytes.

        A worker takes its cores from the reservation's machine, but is not bound to it: when that machine dies, it is
        made anew on another one, where there may be no free core.
        """
        ray = self._ray
        self._room = ray.util.placement_group([{"CPU": threads}] * self.workers, strategy="SPREAD")
        if not self._room.wait(self.deadline_seconds):
            raise EngineError(
                f"no room for {self.workers} workers with {threads} cores each came free in {self.deadline_seconds:g} "
                "seconds; ask for fewer, or end what else runs on the cluster"
            )
        nodes = ray.util.placement_group_table(self._room)["bundles_to_node_id"]
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor_class = ray.remote(concurrency_groups={PULSE: 1})(Worker)
        here = Probe.here()
        for number in range(self.workers):
            made = actor_class.options(
                num_cpus=0,
                memory=1,  # one byte: Ray puts an actor that asks for nothing on any machine, against any strategy
                max_restarts=RESTARTS,
                allow_out_of_order_execution=True,  # a queue in order can pass over a call that is made again
                scheduling_strategy=NodeAffinitySchedulingStrategy(nodes[number], soft=True),
                runtime_env={"env_vars": _variables(threads)},
            )
            self._actors.append(made.remote(here))
        self.get([self.call(os.getpid, on=number) for number in range(self.workers)])

    def _look(self) -> None:
        """See whether the head is there, hear the workers, replace those that are silent or idle, report, or give up.

        Raises:
            EngineError: the head is out of reach, or nothing got on for the deadline.
        """
        try:
            self._head.check()
        except EngineError:
            self._is_headless = True
            raise
        heard, _ = (
            self._ray.wait(list(self._pulses), num_returns=len(self._pulses), timeout=0) if self._pulses else ([], [])
        )
        for pulse in heard:
            number = self._pulses.pop(pulse)
            with suppress(self._ray.exceptions.RayError):  # it died, or is being made anew
                self._watch.hear(number, self._ray.get(pulse, timeout=TICK_SECONDS))
        asked = set(self._pulses.values())
        for number in set(range(self.workers)) - asked:
            self._ask(number)
        for number in {*self._watch.silent(self.silence_seconds), *self._watch.idle(self.silence_seconds)}:
            with suppress(self._ray.exceptions.RayError):
                self._ray.kill(self._actors[number], no_restart=False)
        self._watch.check(self.deadline_seconds)
        self._looked = time.monotonic()
        if self.report is not None:
            self.report(self.progress())

    def _ask(self, number: int) -> None:
        """Ask a worker for its pulse."""
        pulse = self._actors[number].pulse.options(concurrency_group=PULSE, max_task_retries=0)
        with suppress(self._ray.exceptions.RayError):
            self._pulses[pulse.remote()] = number


def _wanted(workers: int | None, threads: int | None) -> int | None:
    """The cores that a Ray of its own is to claim, whether there are so many or not; None for those that there are."""
    least = (workers or 1) * (threads or 1)
    if workers is None and least == 1:
        return None
    return least if workers is not None and threads is not None else max(least, available_cores())


def _variables(threads: int) -> dict[str, str]:
    """The environment of a worker: BLAS adds up on one thread, and Numba has as many as were asked for.

    And glibc gives back what an array took when it goes; by itself it keeps up to 64 MB of that in each worker.
    """
    ones = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    sizes = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    return {
        **dict.fromkeys(ones, "1"),
        "NUMBA_NUM_THREADS": str(threads),
        **dict.fromkeys(sizes, str(KEPT_BYTES)),
        "RAY_max_direct_call_object_size": str(INLINE_BYTES),
    }

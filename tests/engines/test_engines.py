"""Every engine does what the interface says: with the same calls, the same bytes."""

from __future__ import annotations

import operator
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import engine_jobs as jobs
import numpy as np
import pytest
from engine_simulator import SimulatedEngine, fingerprint
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.engines.cores import shared_out
from lexigrad.engines.threads import ThreadEngine
from lexigrad.engines.values import check_sendable
from lexigrad.errors import CorpusError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lexigrad.engines.interface import Engine
    from lexigrad.engines.ray.engine import RayEngine

LARGE = 40_000
"""Numbers in an array that Ray keeps in its store, not in the message."""


@pytest.fixture(params=["threads 1", "threads 3", "simulator 3", "ray 1", "ray 3"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each kind of engine, with so many workers."""
    kind, workers = request.param.split()
    if kind == "ray":
        yield request.getfixturevalue("on_ray")(int(workers))
        return
    opened: Any = ThreadEngine(int(workers)) if kind == "threads" else SimulatedEngine(int(workers), deaths=0.5)
    with opened:
        yield opened


def test_it_says_how_many_workers_it_has(engine: Engine, request: pytest.FixtureRequest) -> None:
    assert str(engine.workers) == request.node.callspec.params["engine"].split()[1]


def test_values_go_through_calls_to_the_caller(engine: Engine) -> None:
    two = engine.put(2)
    assert engine.get([engine.call(operator.add, two, engine.call(operator.add, two, 1)), two]) == [5, 2]


def test_a_call_returns_as_many_values_as_were_asked_for(engine: Engine) -> None:
    low, high = engine.call(jobs.halves, engine.call(jobs.ramp, 6, 1.0), returns=2)
    sums = engine.call(jobs.total, low, high, on=1)
    assert [value.tolist() for value in engine.get([high, low, sums])] == [[4, 5, 6], [1, 2, 3], [5, 7, 9]]


def test_the_same_ref_may_be_asked_for_twice_and_no_ref_at_all(engine: Engine) -> None:
    ref = engine.call(operator.add, 1, 1)
    assert engine.get([ref, ref]) == [2, 2]
    assert engine.get([]) == []


@pytest.mark.parametrize("length", [3, LARGE])
def test_arrays_are_read_only_wherever_they_come_from(engine: Engine, length: int) -> None:
    array = np.arange(length, dtype=np.float64)
    made = engine.call(jobs.ramp, length, 1.0)
    within = engine.call(jobs.counted, "cat", made)
    put, found = engine.put(array), engine.call(jobs.are_read_only, array, engine.put(array), made, within)
    assert engine.get([found]) == [[True] * 4]
    values = engine.get([put, made, within])
    assert jobs.are_read_only(*values) == [True] * 3
    assert values[2].counts[-1] == 2 * length


def test_what_is_put_does_not_change_what_was_there(engine: Engine) -> None:
    array = np.arange(3)
    engine.get([engine.put(array), engine.call(jobs.total, array, array)])
    array[0] = 7
    assert array.tolist() == [7, 1, 2]


@pytest.mark.parametrize("value", [1, -0.0, "ω", b"\x00", None, True, (1, [2.5]), {"a": np.arange(3)}, np.float32(0.5)])
def test_values_of_all_kinds_come_back_as_they_were(engine: Engine, value: Any) -> None:
    first, second = engine.call(jobs.pair, engine.put(value), value, returns=2)
    assert [fingerprint(back) for back in engine.get([first, second])] == [fingerprint(value)] * 2


def test_what_a_function_refuses_comes_out_as_it_was_raised(engine: Engine) -> None:
    refused = engine.call(jobs.refuse, "lost.txt")
    for ref in (refused, engine.call(jobs.total, refused, 1)):
        with pytest.raises(CorpusError, match=r"^there is no file 'lost\.txt'$"):
            engine.get([ref])


@pytest.mark.parametrize(
    ("function", "argument", "error"),
    [
        (jobs.divide, 1, "engine_jobs.divide failed in a worker: ZeroDivisionError: division by zero"),
        (jobs.write_to, np.zeros(3), "engine_jobs.write_to failed in a worker: ValueError: .*read-only"),
    ],
)
def test_a_function_that_fails_is_named(
    engine: Engine, function: Callable[..., Any], argument: Any, error: str
) -> None:
    with pytest.raises(EngineError, match=error):
        engine.get([engine.call(function, argument)])


def test_work_goes_on_after_an_error(engine: Engine) -> None:
    failed, other = engine.call(jobs.divide, 1), engine.call(operator.add, 1, 1)
    with pytest.raises(EngineError):
        engine.get([failed])
    assert engine.get([other]) == [2]


def test_freed_values_are_still_there_for_calls_that_were_made(engine: Engine) -> None:
    made = engine.call(jobs.ramp, LARGE, 1.0)
    total = engine.call(jobs.total, made, engine.put(1.0))
    engine.free([made])
    assert engine.get([total])[0][0] == 2.0


def test_many_calls_in_a_tree_give_the_same_bytes(engine: Engine) -> None:
    level = [engine.call(jobs.ramp, 100, 0.1 * i, on=i) for i in range(16)]
    while len(level) > 1:
        level = [engine.call(jobs.total, *level[i : i + 2], on=i) for i in range(0, len(level), 2)]
    expected = [np.arange(100) + 0.1 * i for i in range(16)]
    while len(expected) > 1:
        expected = [expected[i] + expected[i + 1] for i in range(0, len(expected), 2)]
    assert engine.get(level)[0].tobytes() == expected[0].tobytes()


# --- the simulator alone


def simulated(seed: int, **options: Any) -> SimulatedEngine:
    return SimulatedEngine(3, seed=seed, **options)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_worker_on_ray_gives_back_what_an_array_took(on_ray: Callable[[int], RayEngine]) -> None:
    engine = on_ray(1)
    (kept,) = engine.get([engine.call(jobs.kept_bytes, 30_000_000)])
    assert kept < 10_000_000


def test_the_simulator_draws_its_order_and_its_deaths_from_the_seed() -> None:
    def order(seed: int) -> tuple[list[int], int]:
        jobs.CALLS.clear()
        with simulated(seed, deaths=0.3) as engine:
            engine.get([engine.call(jobs.note, i) for i in range(9)])
            return list(jobs.CALLS), engine.died

    assert order(1) == order(1)
    assert len({tuple(order(seed)[0]) for seed in range(9)}) == 9
    assert len({order(seed)[1] for seed in range(9)}) > 1


def test_the_simulator_catches_a_function_that_is_not_pure() -> None:
    with simulated(0, deaths=1.0) as engine, pytest.raises(EngineError, match=r"jobs\.impure returned other bytes"):
        engine.get([engine.call(jobs.impure)])
    with simulated(0) as engine, pytest.raises(EngineError, match=r"jobs\.append_to changed its arguments"):
        engine.get([engine.call(jobs.append_to, [1])])
    with simulated(0) as engine, pytest.raises(EngineError, match=r"a builtins\.set cannot go"):
        engine.get([engine.call(jobs.a_set)])


def test_the_simulator_catches_the_use_of_what_was_freed() -> None:
    with simulated(0) as engine:
        ref = engine.put(1)
        engine.free([ref])
        with pytest.raises(EngineError, match="freed"):
            engine.get([ref])
        with pytest.raises(EngineError, match="freed"):
            engine.call(operator.add, ref, 1)


def test_the_simulator_puts_arrays_where_vectors_of_64_bytes_do_not_begin() -> None:
    with simulated(0) as engine:
        values = engine.get([engine.put(np.zeros(100, np.float32)), engine.call(jobs.ramp, 5, 0.0)])
        assert {value.ctypes.data % 64 for value in values} == {16}
        turned = engine.get([engine.put(np.arange(6).reshape(2, 3).T)])[0]
        assert turned.flags.f_contiguous
        assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_other_values_have_other_fingerprints() -> None:
    values = [
        0,
        False,
        0.0,
        -0.0,
        np.nan,
        "",
        b"",
        None,
        (),
        [],
        {},
        (0, 0),
        ((0,), 0),
        "00",
        np.zeros(1),
        np.float64(0),
    ]
    values += [np.zeros((1, 1)), np.zeros(1, np.int64), jobs.Counted("", np.zeros(1)), np.zeros(2), {0: 1}, {1: 0}]
    assert len({fingerprint(value) for value in values}) == len(values)


@pytest.mark.parametrize("value", [{1}, len, np.array([None]), [object()], {"a": lambda: 0}])
def test_what_does_not_go_over_the_wire_is_refused(value: Any) -> None:
    for refuse in (check_sendable, fingerprint):
        with pytest.raises(EngineError, match="cannot go from one worker to another"):
            refuse(value)


def call_without_end(engine: Engine) -> None:
    while True:
        engine.call(operator.not_, True, on=0)


def test_threads_end_although_one_waits_for_a_call_that_was_not_made_yet() -> None:
    go, engine = Event(), ThreadEngine(2)
    first = engine.call(go.wait, on=0)
    second = engine.call(operator.not_, first, on=0)
    third = engine.call(operator.not_, second, on=1)
    closer = Thread(target=engine.close, daemon=True)
    closer.start()
    with pytest.raises(EngineError, match="the engine was closed"):  # so that it is being closed
        call_without_end(engine)
    go.set()
    closer.join(60)
    assert not closer.is_alive()
    with pytest.raises(EngineError, match="the engine was closed"):
        engine.get([third])


# --- sharing out cores

MACHINES = st.lists(st.integers(1, 64), min_size=1, max_size=6)


@given(machines=MACHINES, workers=st.none() | st.integers(1, 80), threads=st.none() | st.integers(1, 8), data=st.data())
def test_workers_have_the_cores_that_there_are_and_each_is_on_one_machine(
    machines: list[int], workers: int | None, threads: int | None, data: st.DataObject
) -> None:
    most = data.draw(st.none() | st.integers(1, 20))
    count, each = shared_out(machines, sum(machines), workers, threads, most)
    assert workers in (None, count)
    assert threads in (None, each)
    if workers is None and count > 1:
        assert count * each <= sum(machines)
        assert most is None or count <= most
    if threads is None and each > 1:  # they find room, and with a core more they would not
        assert sum(cores // each for cores in machines) >= count
        more = each + 1
        assert count * more > sum(machines) or sum(cores // more for cores in machines) < count

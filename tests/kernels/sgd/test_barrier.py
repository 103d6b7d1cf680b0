"""Threads that meet in compiled code go on only when all have come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lexigrad.kernels.sgd.barrier import ARRIVED, YIELDED, Gate, meet


@pytest.mark.parametrize(("threads", "cores"), [(1, 1), (2, 2), (3, 1), (9, 2)])
def test_nobody_goes_on_before_all_have_come(threads: int, cores: int) -> None:
    gate = Gate(threads, cores)
    came = np.zeros(threads, np.int64)

    def walk(thread: int) -> list[int]:
        behind = []
        for turn in range(200):
            came[thread] += 1
            assert meet(gate.state, threads, gate.looks)
            behind.append(turn + 1 - int(came.min()))
            assert meet(gate.state, threads, gate.looks)
        return behind

    with ThreadPoolExecutor(threads) as pool:
        for behind in pool.map(walk, range(threads)):
            assert behind == [0] * 200


def test_whoever_waits_is_let_go_by_a_stop_and_nobody_waits_afterwards() -> None:
    gate = Gate(4, 2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(meet, gate.state, 4, gate.looks) for _ in range(2)]
        assert not gate.stopped
        gate.stop()
        assert [future.result(timeout=60) for future in waiting] == [False, False]
    assert not meet(gate.state, 4, gate.looks)


def test_a_gate_is_crowded_where_threads_often_give_their_core_away() -> None:
    gate = Gate(2, 2)
    gate.state[ARRIVED] = 2 * 1_000
    assert not gate.crowded
    gate.state[ARRIVED] += 2 * 1_000
    gate.state[YIELDED] += 100
    assert gate.crowded
    gate.state[ARRIVED] += 2 * 1_000
    assert not gate.crowded  # since it was asked last

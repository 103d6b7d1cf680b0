"""The exact solver on engines: the same bytes whoever carries it out, also where workers die and runs are resumed."""

from __future__ import annotations

import itertools
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_simulator import SimulatedEngine
from exact_problems import random_counts, random_point

import lexigrad
from lexigrad import Checkpoints, InputError, TrainConfig, count_windows
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import ConfigError, TrainingInterrupted
from lexigrad.kernels.exact.panels import PANEL
from lexigrad.training.exact import solve
from lexigrad.training.exact.fused import FusedObjective, SpreadCounts, rows_of_sparse
from lexigrad.training.exact.history import BLOCK as NUMBERS
from lexigrad.training.exact.history import History, Pieces
from lexigrad.training.exact.layout import BLOCK, Part, Task, arranged, laid_out, padded_columns
from lexigrad.training.exact.objective import Counts, Point
from lexigrad.training.exact.tree import add_range, rows_of_part, run_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lexigrad.engines.ray.engine import RayEngine
    from lexigrad.training.exact.lbfgs import Memory
    from lexigrad.training.exact.objective import Loss

LOSSES: tuple[Loss, ...] = ("negative_sampling", "naive_softmax")
WORDS, HEAD = 700, 560
SMALL = {"solver": "exact", "dim": 6, "min_count": 1, "subsample": 0.0, "window": 2, "head": HEAD, "parts": 4}


@cache
def window_counts() -> lexigrad.WindowCounts:
    """Of a text of 700 words, some frequent and most rare."""
    random = np.random.default_rng(3)
    words = np.concatenate([np.arange(WORDS), (WORDS * random.random(6_500) ** 2).astype(int)])
    config = TrainConfig(**{**SMALL, "parts": 1})  # type: ignore[arg-type]
    with lexigrad.read_corpus([[f"w{word}" for word in line] for line in words.reshape(-1, 12)], config) as corpus:
        return count_windows(corpus, config)


def config_of(loss: Loss) -> TrainConfig:
    return TrainConfig(**SMALL, loss=loss, threads=1)  # type: ignore[arg-type]


def content(model: lexigrad.Word2Vec) -> tuple[Any, ...]:
    """All that a model's file has."""
    assert model.bias is not None
    tables = tuple(table.tobytes() for table in (model.V, model.U, model.bias))
    return *tables, model.config, model.history, model.vocabulary.words


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words beyond the head are solved fifty at a time, in three blocks."""
    monkeypatch.setattr(solve, "ROWS", 50)


@cache
def alone(loss: Loss) -> tuple[Any, ...]:
    """What one process finds, in blocks of fifty."""
    return content(lexigrad.train(window_counts(), config_of(loss)))


class TestTree:
    """Sums of parts are added two by two, those sums two by two, and so on; how parts are dealt out does not matter."""

    def sums(self, counts: Counts, point: Point, parts: int, cuts: list[int]) -> list[np.ndarray[Any, Any]]:
        """The gradient by U and the bias, where each group of parts between two cuts is run by itself."""
        tables = laid_out(point.U, point.bias, counts.column_factors, squares=False)
        found = []
        for first, last in itertools.pairwise(cuts):
            rows = np.concatenate([rows_of_part(number, parts, counts.rows) for number in range(first, last)])
            task = Task("negative_sampling", 4, first, False, False, (0, padded_columns(counts.columns) // PANEL))
            shifts = np.zeros(len(rows), np.float32)
            pieces = [self.part(counts, number, parts) for number in range(first, last)]
            found.append(run_parts(task, tables, point.V[rows], shifts, *pieces)[1])
        return list(add_range(parts, 4, False, *found)[:2])

    def part(self, counts: Counts, number: int, parts: int) -> Part:
        rows = rows_of_part(number, parts, counts.rows)
        sparse = rows_of_sparse(counts.starts, counts.columns_of, counts.weights, rows)
        return arranged((*sparse, counts.row_weights[rows], counts.row_factors[rows]), counts.columns)[0]

    @pytest.mark.parametrize("parts", [4, 5, 8])
    def test_any_dealing_of_parts_gives_the_sums_along_the_tree(self, parts: int) -> None:
        counts, point = random_counts(parts * BLOCK + 17, 60), random_point(parts * BLOCK + 17, 60, 4)
        point = Point(*(table.astype(np.float32) for table in point.tables))
        single = [[table - 0 for table in self.leaf(counts, point, parts, number)] for number in range(parts)]
        while len(single) > 1:
            pairs = [single[first : first + 2] for first in range(0, len(single), 2)]
            single = [reduce(lambda a, b: [x + y for x, y in zip(a, b, strict=True)], pair) for pair in pairs]
        for cuts in ([0, parts], list(range(parts + 1)), [0, 1, parts], [0, 3, parts]):
            for found, expected in zip(self.sums(counts, point, parts, cuts), single[0], strict=True):
                assert found.tobytes() == expected.tobytes()

    def leaf(self, counts: Counts, point: Point, parts: int, number: int) -> list[np.ndarray[Any, Any]]:
        """The sums of one part, as if there were no other."""
        tables = laid_out(point.U, point.bias, counts.column_factors, squares=False)
        rows = rows_of_part(number, parts, counts.rows)
        task = Task("negative_sampling", 4, 0, False, False, (0, padded_columns(counts.columns) // PANEL))
        part = self.part(counts, number, parts)
        return list(add_range(1, 4, False, run_parts(task, tables, point.V[rows], np.zeros(len(rows)), part)[1])[:2])


class TestHistory:
    """The direction is that of the two loops, wherever the vectors lie."""

    length = 3 * NUMBERS + 11

    def steps(self, count: int) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Steps on a quadratic of which the curvature is between 1 and 3."""
        random = np.random.default_rng(count)
        curvature = 1 + 2 * random.random(self.length)
        changes = random.normal(0, 1, (count, self.length))
        return [(change.astype(np.float32), (curvature * change).astype(np.float32)) for change in changes]

    def directions(self, engine: Any, most: int) -> list[np.ndarray[Any, Any]]:
        """After each step, with the curvature known anew at times."""
        random = np.random.default_rng(9)
        gradient = random.normal(0, 1, self.length).astype(np.float32)
        history, found = History(Pieces(self.length, engine), most), []
        for number, (change, difference) in enumerate(self.steps(6)):
            if number % 4 == 0:
                history.weigh((1 / (1 + random.random(self.length))).astype(np.float32))
            history.append(change, difference, 1 / float(change.astype(float) @ difference))
            found.append(history.direction(gradient))
        return found

    def test_it_is_what_the_two_loops_give(self) -> None:
        random = np.random.default_rng(9)
        gradient = random.normal(0, 1, self.length)
        known: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
        with ThreadEngine(2) as engine:
            for number, found in enumerate(self.directions(engine, 4)):
                if number % 4 == 0:
                    inverse = 1 / (1 + random.random(self.length))
                known = [*known, self.steps(6)[number]][-4:]
                pairs = [(change.astype(float), difference.astype(float)) for change, difference in known]
                q, shares = gradient.copy(), []
                for s, y in reversed(pairs):
                    shares.append(s @ q / (s @ y))
                    q -= shares[-1] * y
                s, y = pairs[-1]
                r = inverse * q * (s @ y) / (y @ (inverse * y))
                for (s, y), share in zip(pairs, reversed(shares), strict=True):
                    r += (share - y @ r / (s @ y)) * s
                np.testing.assert_allclose(found, -r, atol=2e-5 * np.abs(r).max())

    def test_any_pieces_give_the_same_bytes(self) -> None:
        found = set()
        for engine in (ThreadEngine(1), ThreadEngine(3), ThreadEngine(9), SimulatedEngine(2, seed=4, deaths=0.5)):
            with engine:
                found.add(b"".join(direction.tobytes() for direction in self.directions(engine, 3)))
        assert len(found) == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rows_only", [False, True])
def test_a_pass_gives_the_same_bytes_on_any_engine(loss: Loss, rows_only: bool) -> None:
    counts, point = random_counts(1_500, 900), random_point(1_500, 900, 10)
    point = Point(*(table.astype(np.float32) for table in point.tables))
    found = set()
    for engine in (
        ThreadEngine(1),
        ThreadEngine(3),
        SimulatedEngine(2, seed=1, deaths=0.5),
        SimulatedEngine(9, seed=2),
    ):
        with engine:
            objective = FusedObjective(SpreadCounts(counts, engine, 8), loss, 1.0)
            step = objective.evaluate(point, curvature=True, rows_only=rows_only)
        tables = [table for part in (step.gradient, step.curvature) for table in part.tables if table is not None]
        assert len(tables) == (2 if rows_only else 6)
        found.add(b"".join(table.tobytes() for table in [*tables, step.row_losses, step.normalizers]))
    assert len(found) == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_training_gives_the_same_model_with_any_number_of_workers(loss: Loss, workers: int) -> None:
    with ThreadEngine(workers) as engine:
        assert content(lexigrad.train(window_counts(), config_of(loss), engine=engine)) == alone(loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", [1, 2])
def test_training_gives_the_same_model_where_calls_are_late_and_workers_die(loss: Loss, seed: int) -> None:
    with SimulatedEngine(1 + seed, seed=seed, deaths=0.2) as engine:
        assert content(lexigrad.train(window_counts(), config_of(loss), engine=engine)) == alone(loss)
        assert engine.died > 5


def test_the_search_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """One number in double precision would make double all that it is added to."""
    seen: list[Memory] = []
    minimize = solve.minimize

    def watched(*arguments: Any, between: Any, **how: Any) -> Any:
        def look(memory: Memory) -> None:
            seen.append(memory)
            between(memory)

        return minimize(*arguments, between=look, **how)

    monkeypatch.setattr(solve, "minimize", watched)
    lexigrad.train(window_counts(), config_of("naive_softmax"))
    assert len(seen) > 5
    for memory in seen:
        assert {array.dtype for array in (memory.x, memory.gradient, memory.inverse, memory.shifts)} == {
            np.dtype(np.float32)
        }


def test_the_number_of_parts_decides_the_last_digits_and_no_more() -> None:
    models = [
        lexigrad.train(window_counts(), TrainConfig(**{**SMALL, "parts": parts}, threads=2))  # type: ignore[arg-type]
        for parts in (1, 4)
    ]
    assert models[0].V.tobytes() != models[1].V.tobytes()
    assert models[0].history[-1]["loss"] == pytest.approx(models[1].history[-1]["loss"], rel=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("begun_with_an_engine", [False, True])
@pytest.mark.parametrize("stage", ["negative sampling", "naive softmax", "center vectors of words 611 to 660"])
def test_a_run_goes_on_with_an_engine_or_without(
    tmp_path: Path, loss: Loss, begun_with_an_engine: bool, stage: str
) -> None:
    if stage == "naive softmax" != loss.replace("_", " "):
        pytest.skip("negative sampling has no such stage")

    def interrupt(progress: Any) -> None:
        if progress.stage == stage and progress.passes > 2:
            raise KeyboardInterrupt

    def train(with_engine: bool, **how: Any) -> lexigrad.Word2Vec:
        engine = SimulatedEngine(2, seed=5, deaths=0.05) if with_engine else None
        return lexigrad.train(window_counts(), config_of(loss), engine=engine, **how)

    path = tmp_path / "model.safetensors"
    with pytest.raises(TrainingInterrupted):
        train(begun_with_an_engine, checkpoints=Checkpoints(path), progress=interrupt)
    assert path.with_name("model.safetensors.checkpoint").exists()
    resumed = train(not begun_with_an_engine, checkpoints=Checkpoints(path, resume=True))
    assert content(resumed) == alone(loss)


def test_what_cannot_be_is_said() -> None:
    with ThreadEngine(1) as engine:
        with pytest.raises(InputError, match="the naive softmax by SGD trains in the threads of this process"):
            lexigrad.train([["a", "b"]], TrainConfig(min_count=1, loss="naive_softmax"), engine=engine)
        with pytest.raises(InputError, match="leave out device or engine"):
            lexigrad.train([["a", "b"]], TrainConfig(min_count=1, solver="exact", device="cpu"), engine=engine)
    with pytest.raises(ConfigError, match="parts must be a power of two, such as 8, 16 or 32, not 12"):
        TrainConfig(solver="exact", parts=12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("workers", [1, 3])
def test_training_on_ray_gives_the_same_model(loss: Loss, workers: int, on_ray: Callable[[int], RayEngine]) -> None:
    assert content(lexigrad.train(window_counts(), config_of(loss), engine=on_ray(workers))) == alone(loss)

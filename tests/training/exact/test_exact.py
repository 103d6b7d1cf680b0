"""The exact solver: its objective is the reference's, its loss never rises, its bytes do not depend on threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from contract import TrainerContract, planted_sentences, topic_precision
from exact_problems import random_counts, random_point
from hypothesis import given, settings
from hypothesis import strategies as st
from places import TESTS

import lexigrad
from lexigrad import CorpusError, InputError, TrainConfig, count_windows, reference
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import ConfigError, MissingExtraError, TrainingInterrupted
from lexigrad.training.exact import memory
from lexigrad.training.exact.balance import balanced
from lexigrad.training.exact.dense import ArrayObjective
from lexigrad.training.exact.fused import FusedObjective, SpreadCounts
from lexigrad.training.exact.objective import Counts, Point
from lexigrad.training.exact.tail import solve_rows

if TYPE_CHECKING:
    from lexigrad.training.exact.objective import Loss
    from lexigrad.training.progress import SolverProgress

LOSSES: tuple[Loss, ...] = ("negative_sampling", "naive_softmax", "poisson")


def in_float32(point: Point) -> Point:
    return Point(*(table.astype(np.float32) for table in (point.V, point.U, point.bias)))


def fused(counts: Counts, loss: Loss, l2: float, workers: int, parts: int = 8) -> FusedObjective:
    """The objective by the kernels; its threads end when nobody holds it."""
    return FusedObjective(SpreadCounts(counts, ThreadEngine(workers), parts), loss, l2)


def relative_error(found: Any, expected: Any) -> float:
    """The worst error, as a share of the largest number, or of 1 where all are small."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1))


class TestObjective:
    def corpus(self) -> tuple[lexigrad.Corpus, lexigrad.WindowCounts, TrainConfig]:
        random = np.random.default_rng(1)
        words = (200 * random.random(1500) ** 2).astype(int)
        config = TrainConfig(min_count=1, subsample=0, dynamic_window=False, window=2, dim=7, negatives=3)
        corpus = lexigrad.read_corpus([[f"w{word}" for word in line] for line in words.reshape(-1, 15)], config)
        return corpus, count_windows(corpus, config), config

    def test_its_softmax_is_the_sum_of_the_references_over_all_pairs_of_the_corpus(self) -> None:
        corpus, window_counts, config = self.corpus()
        with corpus:
            n = len(corpus.vocabulary)
            point = random_point(n, n, config.dim)
            point = Point(point.V, point.U, 0 * point.bias)
            counts = Counts(
                window_counts.starts, window_counts.outside, window_counts.weights, n, np.zeros(n), np.zeros(n)
            )
            found = ArrayObjective(counts, "naive_softmax", 0.0).evaluate(point)
            loss, d_V, d_U = 0.0, np.zeros_like(point.V), np.zeros_like(point.U)
            for line in np.split(corpus.ids, np.flatnonzero(corpus.ids < 0)):
                sentence = [int(word) for word in line if word >= 0]
                for position, center in enumerate(sentence):
                    for outside in reference.outside_positions(position, len(sentence), config.window):
                        part, d_v, d_u = reference.naive_softmax(point.V[center], sentence[outside], point.U)
                        loss += part
                        d_V[center] += d_v
                        d_U += d_u
        assert n == 200 or n > 150
        assert abs(found.loss / loss - 1) < 1e-9
        assert found.gradient is not None
        np.testing.assert_allclose(found.gradient.V, d_V, rtol=1e-9, atol=1e-9 * np.abs(d_V).max())
        np.testing.assert_allclose(found.gradient.U, d_U, rtol=1e-9, atol=1e-9 * np.abs(d_U).max())

    def test_its_negative_sampling_is_the_expectation_of_the_references(self) -> None:
        """Over the noise: each of the K negatives is drawn with probability P, the true word included."""
        corpus, window_counts, config = self.corpus()
        with corpus:
            n = len(corpus.vocabulary)
            noise = corpus.vocabulary.noise_distribution(0.75)
            point = random_point(n, n, config.dim)
            point = Point(point.V, point.U, 0 * point.bias)
            factors = config.negatives * window_counts.center_weights, noise
            counts = Counts(window_counts.starts, window_counts.outside, window_counts.weights, n, *factors)
            found = ArrayObjective(counts, "negative_sampling", 0.0).evaluate(point)
            loss, d_V, d_U = 0.0, np.zeros_like(point.V), np.zeros_like(point.U)
            for center in range(n):
                v_c = point.V[center]
                scores = reference.sigmoid(point.U @ v_c)
                each = config.negatives * noise
                for k in range(window_counts.starts[center], window_counts.starts[center + 1]):
                    o, weight = int(window_counts.outside[k]), float(window_counts.weights[k])
                    part, d_v, d_u = reference.negative_sampling(v_c, o, [], point.U)
                    loss += weight * (part - float(each @ reference.log_sigmoid(-point.U @ v_c)))
                    d_V[center] += weight * (d_v + (each * scores) @ point.U)
                    d_U += weight * (d_u + np.outer(each * scores, v_c))
        assert abs(found.loss / loss - 1) < 1e-9
        assert found.gradient is not None
        np.testing.assert_allclose(found.gradient.V, d_V, rtol=1e-9, atol=1e-9 * np.abs(d_V).max())
        np.testing.assert_allclose(found.gradient.U, d_U, rtol=1e-9, atol=1e-9 * np.abs(d_U).max())

    @pytest.mark.parametrize("loss", LOSSES)
    def test_its_gradient_is_the_slope_of_its_loss(self, loss: Loss) -> None:
        objective = ArrayObjective(random_counts(9, 13), loss, 3.0)
        point, direction = random_point(9, 13, 4), random_point(9, 13, 4, seed=1)
        step = 1e-6
        ends = [
            Point(*(a + sign * step * b for a, b in zip(vars(point).values(), vars(direction).values(), strict=True)))
            for sign in (1, -1)
        ]
        slope = (objective.evaluate(ends[0]).loss - objective.evaluate(ends[1]).loss) / (2 * step)
        gradient = objective.evaluate(point).gradient
        expected = sum(
            float((a * b).sum()) for a, b in zip(vars(gradient).values(), vars(direction).values(), strict=True)
        )
        assert slope == pytest.approx(expected, rel=1e-7)

    @settings(max_examples=25)
    @given(
        st.sampled_from(LOSSES),
        st.integers(1, 300),
        st.integers(1, 900),
        st.sampled_from([1, 5, 14, 15, 30, 46, 100, 130]),
        st.booleans(),
    )
    def test_the_kernels_compute_the_same_in_float32(
        self, loss: Loss, words: int, columns: int, dim: int, rows_only: bool
    ) -> None:
        counts, point = random_counts(words, columns), random_point(words, columns, dim)
        shifts = np.random.default_rng(2).normal(0, 1, words)
        exact, kernels = ArrayObjective(counts, loss, 2.0), fused(counts, loss, 2.0, 2)
        exact.shifts, kernels.shifts = shifts, shifts.astype(np.float32)
        expected = exact.evaluate(point, curvature=True, rows_only=rows_only)
        for curvature in (False, True):
            found = kernels.evaluate(in_float32(point), curvature=curvature, rows_only=rows_only)
            assert found.loss == pytest.approx(expected.loss, rel=1e-5)
            assert relative_error(found.row_losses, expected.row_losses) < 1e-5
            assert relative_error(found.normalizers, expected.normalizers) < 1e-5
            pairs = [(found.gradient, expected.gradient)] + curvature * [(found.curvature, expected.curvature)]
            for mine, theirs in pairs:
                for name in ("V",) if rows_only else ("V", "U", "bias"):
                    assert relative_error(getattr(mine, name), getattr(theirs, name)) < 3e-5
                assert rows_only == (mine.U is None)

    @pytest.mark.parametrize("loss", LOSSES)
    def test_any_number_of_threads_gives_the_same_bytes(self, loss: Loss) -> None:
        counts, point = random_counts(700, 500), in_float32(random_point(700, 500, 20))
        digests = set()
        for threads in (1, 2, 3, 7, 30):
            found = fused(counts, loss, 1.0, threads).evaluate(point, curvature=True)
            assert found.gradient is not None
            digests.add(b"".join(table.tobytes() for table in vars(found.gradient).values()))
        assert len(digests) == 1

    @pytest.mark.parametrize("loss", ["naive_softmax", "poisson"])
    def test_scores_that_overflow_make_an_infinite_loss_and_no_gradient(self, loss: Loss) -> None:
        point = in_float32(random_point(20, 30, 4))
        far = Point(1e20 * point.V, 1e18 * point.U, point.bias)
        with np.errstate(all="ignore"):
            found = fused(random_counts(20, 30), loss, 0.0, 1).evaluate(far)
        assert found.loss == np.inf
        assert found.gradient is None


def test_balanced_tables_have_the_same_scores_and_equal_diagonal_gram_matrices() -> None:
    point, random = random_point(40, 40, 6), np.random.default_rng(3)
    a, b = (weights / weights.sum() for weights in random.random((2, 40)))
    V, U, bias = balanced(point.V, point.U, point.bias, a, b, centered=False)
    np.testing.assert_allclose(V @ U.T + bias, point.V @ point.U.T + point.bias, atol=1e-10)
    gram_V, gram_U = (V * a[:, None]).T @ V, (U * b[:, None]).T @ U
    np.testing.assert_allclose(gram_V, gram_U, atol=1e-10)
    np.testing.assert_allclose(gram_V, np.diag(np.diag(gram_V)), atol=1e-10)
    centered = balanced(point.V, point.U, point.bias, a, a, centered=True)
    difference = centered[0] @ centered[1].T + centered[2] - (point.V @ point.U.T + point.bias)
    np.testing.assert_allclose(difference, difference[:, :1] * np.ones(40), atol=1e-10)
    np.testing.assert_allclose(a @ centered[0], 0, atol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_come_to_their_optimum_and_no_row_gets_worse(loss: Loss) -> None:
    counts, point = random_counts(60, 50), random_point(60, 50, 4)
    objective = ArrayObjective(counts, loss, 5.0)
    start = Point(0 * point.V, point.U, point.bias)
    before = objective.evaluate(start, rows_only=True).row_losses
    V = solve_rows(objective, start, most_passes=60, tolerance=1e-12, report=lambda *_: None)
    objective.shifts = np.zeros(60)
    found = objective.evaluate(Point(V, point.U, point.bias), rows_only=True)
    assert (found.row_losses <= before + 1e-9).all()
    assert found.gradient is not None
    assert np.abs(found.gradient.V).max() < 1e-2


class ExactContract(TrainerContract):
    def test_another_seed_gives_other_vectors_with_the_same_topics(self) -> None:
        """There is no seed: another one gives the same bytes."""
        first, second = (lexigrad.train(planted_sentences(500), self.config(seed=seed)) for seed in (1, 2))
        assert first.V.tobytes() == second.V.tobytes()

    def test_a_word_on_its_own_line_learns_nothing_and_breaks_nothing(self) -> None:
        with pytest.raises(CorpusError, match="no two words stand in one window"):
            lexigrad.train([["a"], ["b"], ["a"]] * 100, self.config(threads=2))

    def test_any_number_of_threads_gives_the_same_bytes(self) -> None:
        digests = set()
        for threads in (1, 2, 3, 7):
            model = lexigrad.train(planted_sentences(400), self.config(threads=threads))
            tables = [model.V, model.U] + ([] if model.bias is None else [model.bias])
            digests.add(hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest())
        assert len(digests) == 1

    def test_window_counts_give_the_same_model_as_their_text(self) -> None:
        config = self.config()
        with lexigrad.read_corpus(planted_sentences(400), config) as corpus:
            models = [lexigrad.train(source, config) for source in (corpus, count_windows(corpus, config))]
        assert models[0].V.tobytes() == models[1].V.tobytes()


class TestExactNegativeSampling(ExactContract):
    options: ClassVar[dict[str, object]] = {"solver": "exact"}


class TestExactSoftmax(ExactContract):
    options: ClassVar[dict[str, object]] = {"solver": "exact", "loss": "naive_softmax"}


class TestExactNegativeSamplingBeyondTheHead(ExactContract):
    options: ClassVar[dict[str, object]] = {"solver": "exact", "head": 84}


class TestExactSoftmaxBeyondTheHead(ExactContract):
    options: ClassVar[dict[str, object]] = {"solver": "exact", "loss": "naive_softmax", "head": 84}


class TestSvd(ExactContract):
    options: ClassVar[dict[str, object]] = {"solver": "svd"}

    def test_a_word_on_its_own_line_learns_nothing_and_breaks_nothing(self) -> None:
        with pytest.raises(CorpusError, match="no two words stand in one window"):
            lexigrad.train([["a"], ["b"], ["a"]] * 100, self.config(threads=2))


@pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax"])
def test_the_loss_never_rises(loss: str) -> None:
    config = TrainConfig(solver="exact", loss=loss, dim=10, min_count=1)  # type: ignore[arg-type]
    history = lexigrad.train(planted_sentences(500), config).history
    for stage in {entry["stage"] for entry in history}:
        losses = [entry["loss"] for entry in history if entry["stage"] == stage]
        assert losses == sorted(losses, reverse=True)
        assert len(losses) > 3


def test_a_warm_and_a_cold_compile_cache_give_the_same_bytes(tmp_path: Any) -> None:
    code = (
        "import hashlib, lexigrad, contract\n"
        "config = lexigrad.TrainConfig(solver='exact', loss='naive_softmax', dim=8, min_count=1, head=60)\n"
        "model = lexigrad.train(contract.planted_sentences(300), config)\n"
        "print(hashlib.sha256(model.V.tobytes() + model.U.tobytes() + model.bias.tobytes()).hexdigest())"
    )
    path = os.pathsep.join([str(TESTS), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code]
    digests = {
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    }
    assert len(digests) == 1


def test_held_out_text_ends_the_search_and_is_measured() -> None:
    config = TrainConfig(solver="exact", dim=30, min_count=1)
    text = planted_sentences(60)
    alone = lexigrad.train(text, config)
    watched = lexigrad.train(text, config, validation=planted_sentences(60, seed=5))
    assert len(watched.history) <= len(alone.history)
    assert watched.history[-1]["validation"]["negative_sampling"] > 0


class TestInterruption:
    def test_ctrl_c_keeps_the_last_accepted_step(self) -> None:
        seen: list[SolverProgress] = []

        def interrupt(progress: SolverProgress) -> None:
            seen.append(progress)
            if progress.stage == "negative sampling" and progress.passes > 4:
                raise KeyboardInterrupt

        config = TrainConfig(solver="exact", dim=20, min_count=1, head=80)
        with pytest.raises(TrainingInterrupted) as stopped:
            lexigrad.train(planted_sentences(800), config, progress=interrupt)
        model = stopped.value.model
        assert len(model.vocabulary) == 80
        assert topic_precision(model) > 0.5
        assert model.history[-1]["loss"] == pytest.approx(seen[-1].loss)

    def test_before_the_first_step_it_is_a_plain_interrupt(self) -> None:
        def interrupt(_: SolverProgress) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as stopped:
            lexigrad.train(planted_sentences(50), TrainConfig(solver="exact", min_count=1), progress=interrupt)
        assert not isinstance(stopped.value, TrainingInterrupted)


def test_too_little_memory_is_said_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(solver="exact", dim=100, min_count=1)
    with lexigrad.read_corpus(planted_sentences(50), config) as corpus:
        counts = count_windows(corpus, config)
    needed = memory.needed_bytes(20_000, 20_000, 0, config, 2)
    assert 0.5e9 < needed < 3e9
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000)
    with pytest.raises(InputError, match=r"needs .* GB of memory, and 0\.0 GB are free; use fewer words"):
        lexigrad.train(counts, config)


def test_a_head_that_would_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(solver="exact", dim=100, min_count=1, head=5_000)
    with lexigrad.read_corpus([[f"w{i} w{i + 1}"] for i in range(6_000)], TrainConfig(min_count=1)) as corpus:
        counts = count_windows(corpus, TrainConfig(min_count=1))
    needed = memory.needed_bytes(len(counts.vocabulary), 2_500, counts.outside.size, config, 1)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)
    with pytest.raises(InputError, match=r"a head of 2,\d00 words would fit \(--head\)"):
        memory.check_memory(counts, config, 1)


def test_memory_is_asked_for_the_heads_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many entries the rows of other words have."""
    config = TrainConfig(solver="exact", dim=100, min_count=1, head=1_000)
    with lexigrad.read_corpus([[f"w{i}", f"w{i + 1}"] for i in range(6_000)], TrainConfig(min_count=1)) as corpus:
        counts = count_windows(corpus, TrainConfig(min_count=1))
    inside = int(counts.starts[1_000])
    assert 5 * inside < counts.outside.size
    needed = memory.needed_bytes(len(counts.vocabulary), 1_000, inside, config, 1)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)
    assert memory.check_memory(counts, config, 1) == needed


def test_options_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="cbow does not follow from window counts"):
        TrainConfig(model="cbow", solver="exact")
    config = TrainConfig(min_count=1)
    with lexigrad.read_corpus(planted_sentences(50), config) as corpus:
        counts = count_windows(corpus, config)
        with pytest.raises(InputError, match="SGD goes through the text"):
            lexigrad.train(counts, config)
        with pytest.raises(InputError, match="no sentences to hold out"):
            lexigrad.train(counts, TrainConfig(solver="exact", min_count=1), validation=0.1)
        with pytest.raises(InputError, match="depends on no seed"):
            lexigrad.train_seeds(corpus, TrainConfig(solver="exact", min_count=1), seeds=2)


class TestDevice:
    def test_without_torch_the_error_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        config = TrainConfig(solver="exact", min_count=1, device="cuda")
        with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[gpu\]'"):
            lexigrad.train(planted_sentences(50), config)

    @pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax"])
    def test_torch_finds_what_our_kernels_find(self, loss: str) -> None:
        pytest.importorskip("torch", reason="torch is not installed")
        options = {"solver": "exact", "loss": loss, "min_count": 1, "dim": 12, "head": 84}
        models = [
            lexigrad.train(planted_sentences(), TrainConfig(**options, device=device)) for device in (None, "cpu")
        ]  # type: ignore[arg-type]
        assert models[0].history[-1]["loss"] == pytest.approx(models[1].history[-1]["loss"], rel=1e-3)
        assert topic_precision(models[1]) > 0.95

    def test_a_device_that_is_not_there_is_said(self) -> None:
        pytest.importorskip("torch", reason="torch is not installed")
        config = TrainConfig(solver="exact", min_count=1, device="abacus")
        with pytest.raises(InputError, match="cannot compute on the device 'abacus'"):
            lexigrad.train(planted_sentences(50), config)

"""Naive softmax by stochastic gradient descent: the contract, the reference's gradient, the same bytes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from contract import TrainerContract, planted_sentences
from drawn import SubsampleContract
from hypothesis import given, settings
from hypothesis import strategies as st

import lexigrad
from lexigrad import ConfigError, TrainConfig, TrainProgress, reference
from lexigrad.errors import GradientError
from lexigrad.gradcheck.kernels import worst_row_error
from lexigrad.kernels.draws import keep_thresholds
from lexigrad.kernels.sgd import batches as batches_module
from lexigrad.kernels.sgd.batches import Batch, BatchSettings, exp_rows, window_batches
from lexigrad.kernels.sgd.piece import Draws, Piece, keep_piece
from lexigrad.kernels.sgd.span import aligned
from lexigrad.training import monitor as monitor_module
from lexigrad.training.sgd import naive_softmax as softmax_module
from lexigrad.training.sgd.naive_softmax import NO_NEGATIVES, SoftmaxStep
from lexigrad.training.sgd.run import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = [("skipgram", False), ("cbow", False), ("cbow", True)]


class TestSkipgram(TrainerContract, SubsampleContract):
    options: ClassVar[dict[str, object]] = {"model": "skipgram", "loss": "naive_softmax"}


class TestCbow(TrainerContract, SubsampleContract):
    options: ClassVar[dict[str, object]] = {"model": "cbow", "loss": "naive_softmax"}


class TestCbowAsInWord2vec(TrainerContract, SubsampleContract):
    options: ClassVar[dict[str, object]] = {"model": "cbow", "cbow_update": "word2vec", "loss": "naive_softmax"}


def small(**options: Any) -> TrainConfig:
    usual = {"loss": "naive_softmax", "dim": 8, "min_count": 1, "epochs": 3, "threads": 2}
    return TrainConfig(**{**usual, **options})


# -------------------- the step is the gradient


def windows_of(
    ids: NDArray[np.int32], window: int, dynamic: bool, draws: Draws
) -> list[tuple[int, list[int], list[int]]]:
    """For each place its word, the words of its window, and those in whose windows it stands, one by one."""
    piece = Piece(np.empty(ids.size + 1, np.int64), *(np.empty(ids.size + 1, np.int32) for _ in range(3)))
    _, _, places = keep_piece((), ids, 0, ids.size, window, dynamic, draws, piece)
    inside = [
        {other for other in range(place - piece.left[place], place + piece.right[place] + 1) if other != place}
        for place in range(places)
    ]
    words = piece.rows[:places].tolist()
    return [
        (
            words[place],
            [words[other] for other in sorted(inside[place])],
            [words[other] for other in range(places) if place in inside[other]],
        )
        for place in range(places)
    ]


def expected_step(
    windows: list[tuple[int, list[int], list[int]]], model: str, historic: bool, V: Any, U: Any
) -> tuple[float, Any, Any]:
    """The summed loss of all windows and −1 times its gradient, by the equations."""
    V, U = V.astype(np.float64), U.astype(np.float64)
    loss, d_V, d_U = 0.0, np.zeros_like(V), np.zeros_like(U)
    for word, context, outside in windows:
        if not context:
            continue
        if model == "skipgram":
            J, d_V_of_one, d_U_of_one = reference.skipgram(word, outside, V, U, reference.naive_softmax)
        else:
            J, d_V_of_one, d_U_of_one = reference.cbow(word, context, V, U, reference.naive_softmax)
            d_V_of_one *= len(context) if historic else 1
        loss += J
        d_V -= d_V_of_one
        d_U -= d_U_of_one
    return loss, d_V, d_U


def check_step(
    model: str,
    historic: bool,
    *,
    words: int = 13,
    dim: int = 100,
    window: int = 5,
    dynamic: bool = True,
    rows: int = 64,
    links: int = 1_000,
    repeats: int = 10,
    sentences: tuple[int, ...] = (1, 90, 2, 7, 1, 40),
    spread: float = 1.0,
    seed: int = 1,
    tolerance: float = 1e-6,
) -> None:
    """Compare the sum of all batches' steps at the same tables, and their loss, with those of the equations.

    The whole of a table is held to ``tolerance``, and each of its rows to what `lexigrad.gradcheck.kernels` asks: where
    the true words' part and the others' nearly cancel, little of a row is left to compare.
    """
    random = np.random.default_rng(seed)
    V, U = ((spread * random.normal(0, dim**-0.25, (words, dim))).astype(np.float32) for _ in range(2))
    ids = np.concatenate([[*random.integers(0, words, length), -1] for length in sentences]).astype(np.int32)
    draws = Draws.of_epoch(seed, 0, keep_thresholds(np.linspace(0.5, 1, words)), NO_NEGATIVES)
    reach = min(window, max(1, max(sentences) - 1))
    settings = BatchSettings(model == "cbow", window, dynamic, reach, rows, links, repeats)
    step, new_V, new_U, loss = SoftmaxStep(V.shape, rows), np.zeros_like(V), np.zeros_like(U), 0.0
    for batch in window_batches(ids, words, settings, draws):
        loss += step(V, U, batch, 1.0, historic, new_V, new_U)
    expected = expected_step(windows_of(ids, window, dynamic, draws), model, historic, V, U)
    assert loss == pytest.approx(expected[0], rel=1e-6)
    for name, actual, table in (("V", new_V, expected[1]), ("U", new_U, expected[2])):
        error = float(np.linalg.norm(actual - table) / max(np.linalg.norm(table), 1e-30))  # of no window: zeros
        if not (error <= tolerance and worst_row_error(actual, table) <= 10 * tolerance):
            raise GradientError(f"{name} is off by {error:.2g}, its worst row by {worst_row_error(actual, table):.2g}")


@pytest.mark.parametrize(("model", "historic"), MODELS)
@pytest.mark.parametrize(
    ("words", "dim", "window", "rows"),
    [(13, 100, 5, 64), (13, 1, 1, 256), (40, 17, 2, 1), (1_100, 50, 5, 256), (513, 33, 40, 24), (30, 300, 3, 16)],
)
def test_a_step_is_the_reference_s_gradient(
    model: str, historic: bool, words: int, dim: int, window: int, rows: int
) -> None:
    check_step(model, historic, words=words, dim=dim, window=window, rows=rows)


@settings(max_examples=25)
@given(
    model=st.sampled_from(MODELS),
    words=st.integers(2, 30),
    sentences=st.lists(st.integers(1, 60), min_size=1, max_size=6).filter(lambda lengths: max(lengths) > 1),
    window=st.integers(1, 12),
    dynamic=st.booleans(),
    rows=st.sampled_from([1, 5, 64]),
    links=st.integers(1, 300),
    repeats=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
def test_no_text_and_no_way_to_cut_it_makes_the_step_another(
    model: tuple[str, bool],
    words: int,
    sentences: list[int],
    window: int,
    dynamic: bool,
    rows: int,
    links: int,
    repeats: int,
    seed: int,
) -> None:
    check_step(
        *model,
        words=words,
        dim=20,
        window=window,
        dynamic=dynamic,
        rows=rows,
        links=links,
        repeats=repeats,
        sentences=tuple(sentences),
        seed=seed,
        tolerance=1e-5,  # with few words and few terms, all may nearly cancel
    )


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_large_scores_do_not_overflow(model: str) -> None:
    """Scores beyond 88 have no exponential in float32; relative to the largest they have."""
    check_step(model, False, spread=6.0, tolerance=1e-5)


def test_the_check_sees_a_wrong_step(monkeypatch: pytest.MonkeyPatch) -> None:
    normalise = SoftmaxStep._normalise

    def wrong(step: SoftmaxStep, predictions: Any) -> Any:
        log_Z, weights = normalise(step, predictions)
        return log_Z, weights * np.float32(1.001)

    monkeypatch.setattr(SoftmaxStep, "_normalise", wrong)
    with pytest.raises(GradientError, match="is off by"):
        check_step("skipgram", False)


@pytest.mark.parametrize("width", [1, 15, 16, 500, 512])
def test_exponentials_are_relative_to_the_largest_of_their_row(width: int) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 8, (5, width)).astype(np.float32)
    scores[0] += 1_000
    E = aligned(5 * 512).reshape(5, 512)
    E[:, :width] = scores
    peaks, sums = np.zeros(5, np.float32), np.zeros(5, np.float32)
    exp_rows(E, width, peaks, sums)
    expected = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(peaks, scores.max(axis=1))
    np.testing.assert_allclose(E[:, :width], expected, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(sums, expected.sum(axis=1), rtol=1e-6)
    assert E[:, width:].max(initial=0) < 1e-37


# -------------------- what a batch holds


def gathered(ids: NDArray[np.int32], settings: BatchSettings, draws: Draws) -> list[Batch]:
    return [Batch(*map(np.copy, batch)) for batch in window_batches(ids, 20, settings, draws)]


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("piece", [100, 65_536])
def test_every_prediction_is_gathered_once(monkeypatch: pytest.MonkeyPatch, cbow: bool, piece: int) -> None:
    """Pieces and strands change the order of the windows, and nothing else."""
    monkeypatch.setattr(batches_module, "PIECE", piece)
    random = np.random.default_rng(3)
    ids = np.concatenate([[*random.integers(0, 20, length), -1] for length in (700, 1, 30, 2, 9)]).astype(np.int32)
    draws = Draws.of_epoch(5, 0, keep_thresholds(np.linspace(0.3, 1, 20)), NO_NEGATIVES)
    found: Counter[Any] = Counter()
    for batch in gathered(ids, BatchSettings(cbow, 4, True, 4, 32, 200, 6), draws):
        words = [batch.inputs[batch.input_rows == row].tolist() for row in range(batch.sizes.size)]
        assert [len(row) for row in words] == batch.sizes.tolist()
        assert np.bincount(batch.output_rows, minlength=batch.sizes.size).tolist() == batch.predictions.tolist()
        found.update((tuple(words[row]), o) for row, o in zip(batch.output_rows, batch.outputs.tolist(), strict=True))
    expected: Counter[Any] = Counter()
    for word, context, outside in windows_of(ids, 4, True, draws):
        expected.update(
            [(tuple(context), word)] if cbow and context else [] if cbow else [((word,), o) for o in outside]
        )
    assert found == expected


def test_a_batch_is_no_larger_than_asked() -> None:
    ids = np.tile(np.arange(20, dtype=np.int32), 50)
    draws = Draws.of_epoch(5, 0, keep_thresholds(np.ones(20)), NO_NEGATIVES)
    for batch in gathered(ids, BatchSettings(False, 2, False, 2, 8, 30, 3), draws):
        assert batch.sizes.size <= 8
        assert batch.outputs.size < 30 + 4
        assert batch.predictions.max() <= 3 * 4
    for batch in gathered(ids, BatchSettings(True, 2, False, 2, 30, 1_000, 1), draws):
        assert Counter(batch.outputs.tolist()).most_common(1)[0][1] == 1


# -------------------- a run


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_threads_do_not_change_the_bytes(model: str) -> None:
    """The vocabulary has several tiles, which threads share out."""
    random = np.random.default_rng(0)
    sentences = [[f"w{word}" for word in row] for row in random.integers(0, 1_500, (400, 12)).tolist()]
    models = [lexigrad.train(sentences, small(model=model, threads=threads, dim=20)) for threads in (1, 2, 3)]
    assert len({model.V.tobytes() + model.U.tobytes() for model in models}) == 1


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_the_loss_of_each_epoch_is_in_the_history_and_falls(model: str) -> None:
    trained = lexigrad.train(planted_sentences(1_000), small(model=model, subsample=0, dynamic_window=False))
    losses = [entry["loss"] for entry in trained.history]
    assert [entry["epoch"] for entry in trained.history] == [1, 2, 3]
    assert np.log(8) < losses[2] < losses[1] < losses[0] < np.log(96)
    assert trained.history[-1]["learning_rate"] == 0


def test_a_text_without_pairs_has_no_loss() -> None:
    assert lexigrad.train([["a"], ["b"]], small(epochs=1)).history[0]["loss"] is None


def test_progress_grows_to_the_whole_and_the_rate_falls_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 0)
    monkeypatch.setattr(Run, "segment_seconds", 0.0)
    seen: list[TrainProgress] = []
    lexigrad.train(planted_sentences(500), small(), progress=seen.append)
    words = [step.words_done for step in seen]
    assert words == sorted(words)
    assert len(words) > 10
    assert words[-1] == seen[-1].words_total == 500 * 12 * 3
    assert seen[0].learning_rate == pytest.approx(0.05, rel=0.01)
    assert seen[-1].learning_rate == 0
    assert seen[-1].epoch == 3
    assert seen[-1].words_per_second > 0


def test_ctrl_c_stops_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_module, "REPORT_SECONDS", 0)

    def interrupt(_: TrainProgress) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        lexigrad.train(planted_sentences(100), small(epochs=10_000), progress=interrupt)
    assert threading.active_count() == before


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(SoftmaxStep, "_exponentials", fail)
    with pytest.raises(MemoryError, match="no more"):
        lexigrad.train(planted_sentences(100), small())


@pytest.mark.parametrize(
    "options",
    [
        {"window": 10},
        {"window": 1_000_000, "dynamic_window": False, "epochs": 1},
        {"learning_rate": 0.3},
        {"model": "cbow", "window": 10},
        {"model": "cbow", "learning_rate": 1.0},
        {"model": "cbow", "cbow_update": "word2vec", "window": 20},
    ],
)
def test_long_windows_and_a_high_rate_do_not_run_away(options: dict[str, Any]) -> None:
    """A row to which a step adds hundreds of gradients would overshoot, so the step is made smaller."""
    line = [word for sentence in planted_sentences(200) for word in sentence]
    model = lexigrad.train([line], small(dim=16, subsample=0, **options))
    assert float(np.abs(model.V).max()) < 10


def test_training_that_runs_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limits a rate can be too high; what comes of it is not handed out as a model."""
    for limit in ("CENTER_LIMIT", "OUTSIDE_LIMIT", "REPEAT_LIMIT"):
        monkeypatch.setattr(softmax_module, limit, 1e9)
    with pytest.raises(ConfigError, match="give a smaller learning_rate"):
        lexigrad.train(planted_sentences(200), small(learning_rate=1e9))


def test_a_window_that_would_take_too_much_lowers_the_rate() -> None:
    model = lexigrad.train(planted_sentences(50), small(learning_rate=10.0, min_learning_rate=5.0, epochs=1))
    predictions = 2 * (1 + 4 / 5 + 3 / 5 + 2 / 5 + 1 / 5)
    assert model.history[0]["learning_rate"] == pytest.approx(softmax_module.CENTER_LIMIT / predictions)

"""Each kernel takes the step that the reference's gradient gives."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexigrad.errors import GradientError
from lexigrad.gradcheck.kernels import TOLERANCE, KernelCase, check_kernels, worst_row_error
from lexigrad.kernels.compiler.rowshape import row_parts
from lexigrad.kernels.draws import TOKEN_STREAM, draw, keep_thresholds, stream_key
from lexigrad.kernels.sgd.piece import Draws, Piece, count_windows, keep_piece, longest_sentence
from lexigrad.kernels.sgd.tables import Table

MODELS = [("skipgram", False), ("cbow", False), ("cbow", True)]


def test_the_table_of_the_command_line_passes() -> None:
    rows = list(check_kernels())
    assert len(rows) == 6
    assert all(row.worst_error <= TOLERANCE and row.entries for row in rows)


@pytest.mark.parametrize(("model", "historic"), MODELS)
@pytest.mark.parametrize(
    ("dim", "window", "negatives", "block"),
    [(1, 1, 1, 64), (3, 2, 64, 8), (16, 7, 16, 64), (17, 40, 17, 24), (64, 5, 5, 64), (300, 3, 33, 16)],
)
def test_the_step_is_the_gradient_at_odd_shapes(
    model: str, historic: bool, dim: int, window: int, negatives: int, block: int
) -> None:
    case = KernelCase(model, historic, dim=dim, window=window, negatives=negatives, block=block)
    assert case.check().worst_error <= TOLERANCE


@pytest.mark.parametrize(("model", "historic"), MODELS)
@pytest.mark.parametrize(("dim", "parts"), [(20, 1), (33, 2)])
def test_a_row_can_be_one_part_or_two(model: str, historic: bool, dim: int, parts: int) -> None:
    assert KernelCase(model, historic, dim=dim, parts=parts).check().worst_error <= TOLERANCE


@pytest.mark.parametrize("bands", [(1, 2, 6), (1, 3, 4, 9), tuple(range(1, 14))])
def test_bands_of_distances_add_up_to_the_whole_step(bands: tuple[int, ...]) -> None:
    case = KernelCase(dim=20, window=bands[-1] - 1, bands=bands, block=16)
    assert case.check().worst_error <= TOLERANCE


@pytest.mark.parametrize(("model", "historic"), MODELS)
def test_the_longest_row_works(model: str, historic: bool) -> None:
    case = KernelCase(model, historic, dim=2000, words=5, sentences=(9, 1, 3), window=2)
    assert case.check().worst_error <= TOLERANCE


@settings(max_examples=25)
@given(
    model=st.sampled_from(MODELS),
    words=st.integers(1, 30),
    sentences=st.lists(st.integers(1, 100), min_size=1, max_size=6),
    window=st.integers(1, 12),
    dynamic=st.booleans(),
    block=st.sampled_from([8, 32, 64]),
    negatives=st.integers(1, 64),
    seed=st.integers(0, 2**20),
)
def test_the_step_is_the_gradient_on_any_text(
    model: tuple[str, bool], words: int, sentences: list[int], **rest: int
) -> None:
    case = KernelCase(*model, dim=20, words=words, sentences=tuple(sentences), **rest)
    assert case.check().worst_error <= TOLERANCE


def test_the_cases_hold_the_true_word_among_the_negatives_and_repeated_words() -> None:
    """With 13 words and 16 negatives a block, nearly every true word is drawn; each word repeats within 64 tokens."""
    from lexigrad.gradcheck.kernels import _Step

    step = _Step(KernelCase())
    words = step.words(step.piece.rows[: step.places])
    assert step.places > 100
    assert len(set(words)) < 14


@pytest.mark.parametrize(("words", "dim", "parts"), [(1, 1, 1), (64, 17, 1), (130, 17, 2), (64, 100, 2), (3, 200, 2)])
def test_a_table_gives_back_the_rows_that_were_put_in(words: int, dim: int, parts: int) -> None:
    table = Table(words, dim, row_parts(dim, parts))
    rows = np.arange(words * dim, dtype=np.float32).reshape(words, dim) + 1
    table.put(rows)
    np.testing.assert_array_equal(table.rows(), rows)
    first_of_each = table.floats[table.offsets]
    np.testing.assert_array_equal(first_of_each, rows[:, 0])
    assert np.count_nonzero(table.floats) == rows.size
    table.put(-rows[64:], first=64)
    np.testing.assert_array_equal(table.rows(), np.concatenate([rows[:64], -rows[64:]]))


def test_a_table_is_filled_alike_in_any_order() -> None:
    plain, parted = (Table(200, 40, row_parts(40, parts)) for parts in (1, 2))
    for table in (plain, parted):
        table.fill(7)
    np.testing.assert_array_equal(plain.rows(), parted.rows())
    assert np.unique(plain.rows()).size > 0.99 * 200 * 40
    assert np.abs(plain.rows()).max() <= 0.5 / 40


def test_a_wrong_kernel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from lexigrad import reference

    right = reference.negative_sampling

    def wrong(v: np.ndarray, o: int, negatives: list[int], U: np.ndarray, weight: float) -> tuple[object, ...]:
        return right(v, o, negatives[1:], U, weight)

    monkeypatch.setattr(reference, "negative_sampling", wrong)
    with pytest.raises(GradientError, match="skipgram kernel"):
        KernelCase().check()


def test_a_row_that_should_be_zero_must_be() -> None:
    assert worst_row_error(np.array([[0.0, 1e-30]]), np.zeros((1, 2))) == np.inf
    assert worst_row_error(np.array([[np.nan]]), np.ones((1, 1))) == np.inf


@pytest.mark.parametrize("cpu", ["generic", "nehalem", "haswell"])
def test_processors_without_wide_vectors_or_fma_give_the_same_step(cpu: str) -> None:
    """The plain path: no fused multiply-add, or narrower registers."""
    code = (
        "from lexigrad.gradcheck.kernels import KernelCase\n"
        "for model in ('skipgram', 'cbow'): print(KernelCase(model, dim=20).check().worst_error)"
    )
    features = {"generic": "", "nehalem": "+sse4.2", "haswell": "+avx2,+fma,+avx"}[cpu]
    environment = {**os.environ, "NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert all(float(line) <= TOLERANCE for line in run.stdout.split())
    assert len(run.stdout.split()) == 2


# --- pieces


def kept_by_definition(ids: list[int], window: int, keep: np.ndarray, key: int) -> list[tuple[int, int, int, int]]:
    """(word, left, right, windows) of every word kept, sentence by sentence, in plain Python."""
    result = []
    position = 0
    for sentence in " ".join(map(str, ids)).split("-1"):
        words = []
        for token in sentence.split():
            bits = draw(key, position)
            position += 1
            if bits >> 32 <= int(keep[int(token)]):
                words.append((int(token), 1 + ((bits & (2**32 - 1)) * window >> 32)))
        position += 1
        windows = [(word, min(width, i), min(width, len(words) - 1 - i)) for i, (word, width) in enumerate(words)]
        for i, (word, left, right) in enumerate(windows):
            inside = sum(o != i and o - windows[o][1] <= i <= o + windows[o][2] for o in range(len(words)))
            result.append((word, left, right, inside))
    return result


@settings(max_examples=60)
@given(
    sentences=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=30), min_size=1, max_size=8),
    window=st.integers(1, 8),
    cut=st.integers(1, 40),
    ended=st.booleans(),
)
def test_pieces_are_the_same_however_the_corpus_is_cut(
    sentences: list[list[int]], window: int, cut: int, ended: bool
) -> None:
    flat = [word for sentence in sentences for word in [*sentence, -1]]
    ids = np.array(flat if ended else flat[:-1], dtype=np.int32)
    key = stream_key(3, 1, TOKEN_STREAM)
    keep = keep_thresholds(np.array([0.1, 0.3, 0.6, 0.9, 1.0]))
    draws = Draws(np.uint64(key), np.uint64(0), keep, np.zeros(1, np.uint64))
    piece = Piece(np.zeros(400, np.int64), *(np.zeros(400, np.int32) for _ in range(3)))
    found = []
    for start in range(0, ids.size, cut):
        stop = min(ids.size, start + cut)
        first, last, places = keep_piece((), ids, start, stop, window, True, draws, piece)
        assert 0 <= first <= last <= places
        count_windows(piece, places, 1, window)
        found += [tuple(int(array[place]) for array in piece) for place in range(first, last)]
    assert found == kept_by_definition(ids.tolist(), window, keep, key)


def test_a_fixed_window_has_its_full_width() -> None:
    ids = np.array([0] * 20 + [-1], dtype=np.int32)
    draws = Draws(np.uint64(1), np.uint64(0), keep_thresholds(np.ones(1)), np.zeros(1, np.uint64))
    piece = Piece(np.zeros(60, np.int64), *(np.zeros(60, np.int32) for _ in range(3)))
    assert keep_piece(row_parts(16, 1), ids, 0, 21, 4, False, draws, piece) == (0, 20, 20)
    assert piece.left[:20].tolist() == [0, 1, 2, 3, *[4] * 16]
    assert piece.right[:20].tolist() == [*[4] * 16, 3, 2, 1, 0]


def test_the_longest_sentence_is_found_with_and_without_a_last_end() -> None:
    assert longest_sentence(np.array([1, 2, -1, 3, -1, 1, 1, 1], dtype=np.int32)) == 3
    assert longest_sentence(np.array([1, 2, -1, 3, -1], dtype=np.int32)) == 2

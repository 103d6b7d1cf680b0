"""The course experiment takes the schedule's steps, and the compiled way takes the readable way's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexigrad import reference
from lexigrad.errors import ConfigError, CorpusError
from lexigrad.evaluation.course import CourseConfig, CourseResult, CourseText, plain_course, read_sentences, run_course

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "sentence_index\tsentence\n"
SMALL = CourseConfig(
    iterations=60, contexts=7, negatives=4, copies=3, subsample=1e-2, noise_slots=5_000, halve_every=20
)


@pytest.fixture
def treebank(tmp_path: Path) -> Path:
    """A folder with a small text of 40 words, some of them frequent enough to be thinned out."""
    rng = random.Random(7)
    words = [f"Word{int(40 * rng.random() ** 3)}" for _ in range(2_000)]
    sentences = [" ".join(words[begin : begin + 8]) for begin in range(0, 2_000, 8)]
    lines = (f"{number}\t{sentence}\n" for number, sentence in enumerate(sentences, start=1))
    (tmp_path / "datasetSentences.txt").write_text(HEADER + "".join(lines), encoding="utf-8")
    return tmp_path


def python_state(seed: int) -> tuple[random.Random, np.ndarray]:
    """Python's generator, and its state as the kernels hold it."""
    generator = random.Random(seed)
    return generator, np.array(generator.getstate()[1], dtype=np.uint32)


def assert_same_result(left: CourseResult, right: CourseResult) -> None:
    assert left.words == right.words
    np.testing.assert_allclose(left.costs, right.costs, rtol=1e-12)
    np.testing.assert_allclose(left.V, right.V, rtol=0, atol=1e-13)
    np.testing.assert_allclose(left.U, right.U, rtol=0, atol=1e-13)


# -------------------- the random numbers are Python's


@pytest.mark.parametrize("seed", [0, 31415, 2**40])
def test_the_kernels_generator_gives_what_random_gives(seed: int) -> None:
    from lexigrad.kernels.course import random_below, random_unit, random_word

    expected, state = python_state(seed)
    for n in [1, 2, 5, 8, 29, 30, 31, 32, 33, 340_000, 1_000_000] * 200:
        assert int(random_word(state)) == expected.getrandbits(32)
        assert random_unit(state) == expected.random()
        assert random_below(state, n) == expected.randint(0, n - 1)
        assert 1 + random_below(state, n) == expected.randint(1, n)
    assert tuple(state.tolist()) == expected.getstate()[1]


def test_the_start_is_that_of_numpys_old_generator() -> None:
    np.random.seed(9265)  # noqa: NPY002 - what the schedule says
    expected = (np.random.rand(6, 10) - 0.5) / 10  # noqa: NPY002
    V, U = CourseConfig().start(6)
    np.testing.assert_array_equal(V, expected)
    assert not U.any()


# -------------------- the step is the library's gradient


def test_one_outside_words_gradient_is_the_references() -> None:
    """A negative drawn twice counts twice, and large scores of both signs are exact."""
    from lexigrad.kernels.course import descend_outside, negative_sampling

    rng = np.random.default_rng(1)
    for scale in (0.1, 1.0, 30.0):
        v_c, U = scale * rng.normal(size=4), scale * rng.normal(size=(6, 4))
        drawn = np.array([2, 0, 5, 5, 3])
        expected_loss, d_v_c, d_U = reference.negative_sampling(v_c, 2, drawn[1:], U)
        computed, deltas, moved = np.zeros(4), np.empty(5), U.copy()
        np.testing.assert_allclose(negative_sampling(v_c, U, drawn, computed, deltas), expected_loss, rtol=1e-13)
        np.testing.assert_allclose(computed, d_v_c, rtol=1e-12, atol=1e-14)
        descend_outside(moved, drawn, deltas, v_c, 0.5)
        np.testing.assert_allclose(moved, U - 0.5 * d_U, rtol=1e-12, atol=1e-14)


def test_the_compiled_way_takes_the_same_steps_as_the_readable_one(treebank: Path) -> None:
    assert_same_result(run_course(treebank, config=SMALL), plain_course(treebank, config=SMALL))


def test_steps_do_not_depend_on_how_many_are_done_at_once(treebank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_course(treebank, config=SMALL)
    monkeypatch.setattr("lexigrad.course.STEPS_AT_ONCE", 7)
    assert_same_result(run_course(treebank, config=SMALL), whole)


def test_the_rate_is_halved_and_the_cost_smoothed_as_the_schedule_says() -> None:
    assert CourseConfig().rates(19_999, 20_001).tolist() == [0.3, 0.15]
    assert CourseConfig().rates(39_999, 40_001).tolist() == [0.15, 0.075]


def test_the_first_cost_is_that_of_its_iteration_and_the_next_ones_are_smoothed(treebank: Path) -> None:
    every = run_course(treebank, config=CourseConfig(iterations=30, print_every=1, smoothing=0.0)).costs
    smoothed = run_course(treebank, iterations=30).costs
    expected = [every[9], 0.95 * every[9] + 0.05 * every[19]]
    np.testing.assert_allclose(smoothed[:2], expected, rtol=1e-12)


# -------------------- the text and its distributions


def test_the_noise_table_is_that_of_the_definition() -> None:
    counts = {"a": 50, "b": 3, "c": 7}
    text = CourseText([[word] * count for word, count in counts.items()], CourseConfig(noise_slots=1_000))
    mass = np.array([50, 3, 7, 1]) ** 0.75
    borders = np.cumsum(mass / mass.sum()) * 1_000
    slow = []
    word_id = 0
    for slot in range(1_000):
        while slot > borders[word_id]:
            word_id += 1
        slow.append(word_id)
    assert text.noise.tolist() == slow


def test_a_word_is_left_out_with_the_probability_of_its_count() -> None:
    text = CourseText([["a"] * 98, ["b"]], CourseConfig(subsample=0.02))
    np.testing.assert_allclose(text.rejection, [1 - np.sqrt(2 / 98), 0, 0])


def test_vectors_are_both_tables_side_by_side_and_unk_is_the_last_word(treebank: Path) -> None:
    result = run_course(treebank, iterations=10)
    vectors = result.vectors
    assert vectors.words[-1] == "UNK"
    assert vectors.words[0].startswith("word")
    assert vectors.dim == 20
    np.testing.assert_array_equal(vectors.matrix, np.hstack([result.V, result.U]).astype(np.float32))
    assert vectors.counts is not None
    assert vectors.counts.sum() == 2_001


def test_progress_comes_in_between_and_at_the_end(treebank: Path) -> None:
    seen: list[tuple[int, int, float]] = []
    result = run_course(treebank, iterations=1_200, progress=lambda *news: seen.append(news))
    assert [(done, total) for done, total, _ in seen] == [(500, 1_200), (1_000, 1_200), (1_200, 1_200)]
    assert [cost for *_, cost in seen] == [result.costs[49], result.costs[99], result.costs[119]]


def test_lines_are_lower_cased_and_cut_at_any_white_space(tmp_path: Path) -> None:
    file = tmp_path / "s.txt"
    file.write_bytes((HEADER + "1\tThe\u00a0Rock `` Ça ''\r\n2\tA  b\n").encode())
    assert read_sentences(file) == [["the", "rock", "``", "ça", "''"], ["a", "b"]]


# -------------------- bad input


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the header"),
        (b"1\tno header\n", "line 1: the header"),
        (HEADER.encode(), "holds no sentence"),
        (HEADER.encode() + b"1\tfine here\nnot numbered\n", "line 3: a number, a tab and a sentence"),
        (HEADER.encode() + b"1\tfine here\n2\t\n", "line 3: a number, a tab and a sentence"),
        (HEADER.encode() + b"1\tfine here\n\n3\tfine\n", "line 3: a number, a tab and a sentence"),
        (HEADER.encode() + b"1\tfine\n2\tbroken \xff\n", "line 3, byte 40: this is not UTF-8"),
        (HEADER.encode() + b"1\tsame same same\n2\tother\n", "no sentence has two different words left"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "datasetSentences.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=message) as refusal:
        run_course(tmp_path, iterations=10)
    assert str(tmp_path) in str(refusal.value)


def test_the_readable_way_refuses_the_same_text(tmp_path: Path) -> None:
    file = tmp_path / "s.txt"
    file.write_text(HEADER + "1\tsame same same\n2\tother\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no sentence has two different words left"):
        plain_course(file)


def test_a_text_of_nearly_one_word_is_refused(treebank: Path) -> None:
    with pytest.raises(CorpusError, match="one word fills the whole noise table"):
        run_course(treebank, config=CourseConfig(iterations=10, noise_slots=1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"cannot read .*datasetSentences\.txt: No such file"):
        run_course(tmp_path)


def test_too_few_iterations_are_refused(treebank: Path) -> None:
    with pytest.raises(ConfigError, match="iterations must be at least 10"):
        run_course(treebank, iterations=9)


# -------------------- the published figures


@pytest.fixture(scope="module")
def published_text(data_folder: Path) -> Path:
    """The treebank's folder."""
    folder = data_folder / "sst" / "stanfordSentimentTreebank"
    if not folder.is_dir():
        pytest.skip(f"needs the Stanford Sentiment Treebank, which is not in {folder}")
    return folder


def test_the_published_cost_is_reproduced_to_the_digit(published_text: Path) -> None:
    result = run_course(published_text)
    assert len(result.words) == 19_539
    assert f"{result.costs[0]:.6f}" == "19.061546"
    assert f"{result.costs[-1]:.6f}" == "9.812206"


def test_the_readable_way_gives_the_published_cost_of_iteration_10(published_text: Path) -> None:
    plain, fast = plain_course(published_text), run_course(published_text, iterations=10)
    assert f"{plain.costs[0]:.6f}" == "19.061546"
    assert_same_result(plain, fast)

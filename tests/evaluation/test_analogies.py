"""Answering analogies in bulk gives what each formula gives, written out in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.evaluation import analogies
from lexigrad.evaluation.analogies import are_right
from lexigrad.vectors.keyedvectors import KeyedVectors

EPSILON = 0.001
"""Levy and Goldberg's ε."""

SMALLEST = 1e-12
"""In place of a half cosine of 0, which has no logarithm."""


def right_by_formula(
    vectors: KeyedVectors, questions: np.ndarray, keys: np.ndarray, method: str
) -> tuple[list[bool], list[bool]]:
    """For each question whether it is answered rightly, and whether its best two scores are hard to tell apart."""
    matrix = vectors.matrix[: len(keys)].astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = matrix @ matrix.T / np.where(lengths == 0, 1, lengths) / np.where(lengths == 0, 1, lengths).T
    right, close = [], []
    for a, b, c, d in questions:
        if method == "3cosadd":
            scores = cosines[b] - cosines[a] + cosines[c]
        else:
            half_a, half_b, half_c = (np.maximum((1 + cosines[word]) / 2, SMALLEST) for word in (a, b, c))
            scores = np.log(half_b * half_c / (half_a + EPSILON))
        scores[np.isin(keys, [a, b, c])] = -np.inf
        best_d = scores[keys == d].max()
        best_other = scores[keys != d].max(initial=-np.inf)
        right.append(bool(best_d > best_other))
        close.append(bool(np.isfinite(best_d) and abs(best_d - best_other) < 1e-9))
    return right, close


def random_questions(seed: int, words: int, dim: int, number: int) -> tuple[KeyedVectors, np.ndarray, np.ndarray]:
    """Vectors, questions, and keys with some shared spellings."""
    random = np.random.default_rng(seed)
    vectors = KeyedVectors([f"w{i}" for i in range(words)], random.standard_normal((words, dim)))
    keys = np.arange(words)
    keys[words // 2 :: 3] = random.integers(0, words // 2, len(keys[words // 2 :: 3]))
    return vectors, np.unique(keys)[random.integers(0, len(np.unique(keys)), (number, 4))], keys


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
@given(seed=st.integers(0, 10_000), words=st.integers(6, 40), dim=st.integers(1, 5))
def test_answers_are_those_of_the_formula(method: str, seed: int, words: int, dim: int) -> None:
    vectors, questions, keys = random_questions(seed, words, dim, 50)
    right, close = right_by_formula(vectors, questions, keys, method)
    found = are_right(vectors, questions, keys, method)
    assert [f for f, c in zip(found.tolist(), close, strict=True) if not c] == [
        r for r, c in zip(right, close, strict=True) if not c
    ]


def test_answers_do_not_depend_on_how_the_work_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, questions, keys = random_questions(1, 500, 3, 300)
    best = [vectors.nearest_to_vector(v, n=9) for v in vectors.matrix[questions[:, 2]]]
    questions[::2, :2] = questions[::2, 1:2]  # a is to a as c is to its nearest word
    for question, nearest in list(zip(questions, best, strict=True))[::2]:
        question[3] = next(k for k in (keys[vectors.id_of(w)] for w, _ in nearest) if k not in question[:3])
    whole = are_right(vectors, questions, keys, "3cosadd")
    monkeypatch.setattr(analogies, "TERMS_AT_ONCE", 1)
    monkeypatch.setattr(analogies, "QUESTIONS_AT_ONCE", 7)
    assert (are_right(vectors, questions, keys, "3cosadd") == whole).all()
    assert 0 < whole.sum() < len(whole)


@pytest.mark.parametrize("epsilon", [0.95 * EPSILON, 1.05 * EPSILON])
def test_the_small_number_of_3cosmul_is_that_of_levy_and_goldberg(epsilon: float) -> None:
    """Two answers that would be equally good at another ε, of which the smaller ε prefers the one opposite to a."""
    cos_a = 1e-5  # ½(1 + cos) of the other answer and a
    cos_b = (1 + cos_a / epsilon) ** 0.5 - 1
    other = [2 * cos_a - 1, cos_b, (1 - (2 * cos_a - 1) ** 2 - cos_b**2) ** 0.5]
    vectors = KeyedVectors(["a", "b", "c", "opposite", "other"], [[1, 0, 0], [0, 1, 0], [0, 1, 0], [-1, 0, 0], other])
    right = are_right(vectors, np.array([[0, 1, 2, 3], [0, 1, 2, 4]]), np.arange(5), "3cosmul")
    assert right.tolist() == [epsilon > EPSILON, epsilon < EPSILON]


def test_of_equal_answers_the_first_counts() -> None:
    vectors = KeyedVectors(["a", "b", "c", "twin", "twin2"], [[1, 0], [0, 1], [1, 1], [1, 3], [1, 3]])
    questions, keys = np.array([[0, 1, 2, 3], [0, 1, 2, 4]]), np.arange(5)
    assert are_right(vectors, questions, keys, "3cosadd").tolist() == [True, False]
    assert are_right(vectors, questions, keys, "3cosmul").tolist() == [True, False]


def test_a_word_of_the_question_is_never_its_answer() -> None:
    vectors = KeyedVectors(["a", "b", "c"], [[1, 0], [0, 1], [1, 1]])
    assert are_right(vectors, np.array([[0, 1, 2, 1]]), np.arange(3), "3cosadd").tolist() == [False]


def test_scores_too_near_for_single_precision_are_settled_in_double() -> None:
    turned = np.array([np.cos(1.0 + 1e-7), np.sin(1.0 + 1e-7)])  # a little further from b than the other
    words = {"a": [1, 0], "b": [0, 1], "c": [0, 1], "x": [np.cos(1.0), np.sin(1.0)], "y": turned}
    vectors = KeyedVectors(list(words), list(words.values()))
    exact = vectors.nearest_to_vector(np.array([-1.0, 2.0]), n=4)
    nearest = next(word for word, _ in exact if word in "xy")
    questions = np.array([[0, 1, 2, 3], [0, 1, 2, 4]])
    assert are_right(vectors, questions, np.arange(5), "3cosadd").tolist() == [nearest == "x", nearest == "y"]


def test_3cosmul_adds_a_thousandth_to_its_denominator() -> None:
    """a stands at 0 degrees, x opposite, y across: x scores h(x)² / 0.001, y h(y)² / 0.501, where h = ½(1 + cos b)."""
    angles = np.linspace(0, 0.5, 100_000)  # of b and c; the further they stand from a, the nearer to x
    advantages = (np.sin(angles / 2) ** 2 / 0.5 / (1 + np.sin(angles))) ** 2 * 0.501 / 0.001
    for advantage in (0.98, 1.02):
        angle = float(np.interp(advantage, advantages, angles))
        toward_b = [np.cos(angle), np.sin(angle)]
        vectors = KeyedVectors(list("abcxy"), [[1, 0], toward_b, toward_b, [-1, 0], [0, 1]])
        found = are_right(vectors, np.array([[0, 1, 2, 3], [0, 1, 2, 4]]), np.arange(5), "3cosmul")
        assert found.tolist() == [advantage > 1, advantage < 1]

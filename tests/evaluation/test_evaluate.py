"""Evaluation: what gensim finds on the same vectors, with coverage, intervals and paired differences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from scipy import stats

from lexigrad.errors import FormatError, InputError
from lexigrad.evaluation.evaluate import compare, evaluate_analogies, evaluate_similarity
from lexigrad.evaluation.intervals import paired_mean
from lexigrad.vectors.formats import load_vectors
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from pathlib import Path

WORDS = 300
SECTIONS = 3


def word(number: int) -> str:
    """Some words in upper case, and some of these in lower case too."""
    return f"W{number}" if number % 3 == 0 else f"w{number - number % 5 if number % 7 == 0 else number}x{number % 7}"


@pytest.fixture(scope="module")
def vectors() -> KeyedVectors:
    """Words in pairs whose difference is nearly the same, some spelt like others but for their case."""
    random = np.random.default_rng(3)
    words = list(dict.fromkeys([*map(word, range(WORDS)), "w3", "w6", "W8X1", "w9"]))
    base = random.standard_normal((len(words) // 2 + 1, 6))
    matrix = np.stack([base, base + np.eye(6)[0] * 1.5], axis=1).reshape(-1, 6)[: len(words)]
    return KeyedVectors(words, matrix + 0.1 * random.standard_normal(matrix.shape))


@pytest.fixture(scope="module")
def questions(vectors: KeyedVectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sections of questions about these words; some have unknown words, some are in another case."""
    random = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("sets") / "questions.txt"
    lines = []
    for section in range(SECTIONS):
        lines.append(f": section {section}")
        for number in range(200):
            first, second = random.integers(0, len(vectors) // 2, 2) * 2
            asked = [vectors.words[row] for row in (first, first + 1, second, second + 1)]
            if number % 10 == 0:
                asked[section] = f"unknown{number}"
            lines.append(" ".join(asked).lower() if number % 2 else " ".join(asked))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pairs(vectors: KeyedVectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rated pairs of these words, with some unknown words; ratings repeat."""
    random = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("sets") / "pairs.txt"
    lines = ["# similarity"]
    for number in range(150):
        a, b = (vectors.words[row] for row in random.integers(0, len(vectors), 2))
        rating = round(5 + 4 * vectors.similarity(a, b) + random.standard_normal(), 1)
        lines.append(f"{a.lower()}\t{'unknown' if number % 9 == 0 else b}\t{rating}")
    path.write_bytes("\r\n".join(lines).encode())
    return path


def in_gensim(vectors: KeyedVectors) -> GensimVectors:
    theirs = GensimVectors(vectors.dim)
    theirs.add_vectors(vectors.words, np.array(vectors.matrix))
    return theirs


def outcomes_of(section: dict[str, Any]) -> list[tuple[tuple[str, ...], bool]]:
    """All questions of gensim's section with their outcome, in a fixed order."""
    return sorted([(q, True) for q in section["correct"]] + [(q, False) for q in section["incorrect"]])


def assert_agree_on_analogies(vectors: KeyedVectors, path: Path, **options: Any) -> None:
    """Every question has the outcome that gensim finds."""
    found = evaluate_analogies(vectors, path, **options)
    score, sections = in_gensim(vectors).evaluate_word_analogies(
        str(path),
        restrict_vocab=options.get("restrict", 300_000),
        case_insensitive=options.get("ignore_case", True),
        dummy4unknown=options.get("count_unknown", False),
    )
    assert found.total.accuracy == pytest.approx(score, abs=1e-12)
    upper = str.upper if options.get("ignore_case", True) else str
    ends = (*found.asked.starts[1:], len(found.asked.questions))
    for section, start, end in zip(sections, found.asked.starts, ends, strict=False):
        counted = [
            (tuple(map(upper, found.asked.questions[number])), bool(found.outcomes[number] == 1))
            for number in range(start, end)
            if found.outcomes[number] >= 0 or options.get("count_unknown", False)
        ]
        assert sorted(counted) == outcomes_of(section)


# analogies


@pytest.mark.parametrize(
    "options",
    [{}, {"restrict": 150}, {"count_unknown": True}, {"ignore_case": False}, {"restrict": 200, "count_unknown": True}],
)
def test_every_answer_is_gensims(vectors: KeyedVectors, questions: Path, options: dict[str, Any]) -> None:
    assert_agree_on_analogies(vectors, questions, **options)


def test_scores_say_how_much_was_asked_and_answered(vectors: KeyedVectors, questions: Path) -> None:
    found = evaluate_analogies(vectors, questions, restrict=None)
    total = found.total
    assert (total.asked, total.out_of_vocabulary) == (600, 60)
    assert total.accuracy == total.right / total.answered
    for name in ("asked", "answered", "right"):
        assert getattr(total, name) == sum(getattr(section, name) for section in found.sections)
    counted = evaluate_analogies(vectors, questions, restrict=None, count_unknown=True).total
    assert counted.accuracy == total.right / total.asked
    assert counted.answered == total.answered


def test_the_interval_holds_the_accuracy_and_is_the_same_every_time(vectors: KeyedVectors, questions: Path) -> None:
    one, other = (evaluate_analogies(vectors, questions) for _ in range(2))
    for score in (one.total, *one.sections):
        assert score.interval[0] < score.accuracy < score.interval[1]
    assert one.to_dict() == other.to_dict()


def test_3cosmul_answers_otherwise(vectors: KeyedVectors, questions: Path) -> None:
    added, multiplied = (evaluate_analogies(vectors, questions, method=m) for m in ("3cosadd", "3cosmul"))
    assert (added.outcomes != multiplied.outcomes).any()
    assert ((added.outcomes < 0) == (multiplied.outcomes < 0)).all()


def test_vectors_with_none_of_the_words_answer_nothing(questions: Path, pairs: Path) -> None:
    strangers = KeyedVectors(["x", "y"], np.eye(2))
    found = evaluate_analogies(strangers, questions)
    assert found.total.answered == 0
    assert np.isnan(found.total.accuracy)
    assert found.to_dict()["total"]["accuracy"] is None
    similar = evaluate_similarity(strangers, pairs)
    assert (similar.answered, similar.to_dict()["spearman"]) == (0, None)
    assert not compare(found, found).distinguishable
    assert not compare(similar, similar).distinguishable


@pytest.mark.parametrize("options", [{"restrict": 0}, {"restrict": True}, {"method": "3cosdiv"}])
def test_an_option_that_cannot_be_is_refused(vectors: KeyedVectors, questions: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        evaluate_analogies(vectors, questions, **options)


def test_a_malformed_line_is_named(vectors: KeyedVectors, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("a b 1\na b c d\n")
    with pytest.raises(FormatError, match=r"bad.txt, line 1"):
        evaluate_analogies(vectors, path)
    with pytest.raises(FormatError, match=r"bad.txt, line 2"):
        evaluate_similarity(vectors, path)


def test_only_the_first_words_are_asked_and_answer(tmp_path: Path) -> None:
    """The better answer stands in the fifth row, the expected one in the fourth."""
    rows = {"man": [1, 0], "woman": [0, 1], "king": [3, 1], "queen": [1, 2], "better": [1, 2.6]}
    vectors, path, pairs = KeyedVectors(list(rows), list(rows.values())), tmp_path / "questions.txt", tmp_path / "pairs"
    path.write_text("man woman king queen\n")
    pairs.write_text("man woman 1\nman queen 2\nking woman 3\n")
    found = [evaluate_analogies(vectors, path, restrict=restrict).total for restrict in (3, 4, 5, 6, None)]
    assert [(total.answered, total.right) for total in found] == [(0, 0), (1, 1), (1, 0), (1, 0), (1, 0)]
    known = [evaluate_similarity(vectors, pairs, restrict=restrict).answered for restrict in (1, 2, 3, 4, 5, None)]
    assert known == [0, 1, 2, 3, 3, 3]
    assert [word for word, _ in vectors.most_similar("man", restrict=3)] == ["king", "woman"]


def test_300000_words_are_asked_unless_told_otherwise(vectors: KeyedVectors, questions: Path, pairs: Path) -> None:
    assert evaluate_analogies(vectors, questions).restrict == evaluate_similarity(vectors, pairs).restrict == 300_000


def test_questions_are_alike_by_their_first_two_words_and_by_their_last_two(tmp_path: Path) -> None:
    halves = [("x", "p"), ("x", "q"), ("y", "p"), ("y", "r"), ("z", "r"), ("w", "s")]  # a word alone makes no pair
    asked = [(one, other) for one in range(6) for other in range(6) if one != other]
    path = tmp_path / "questions.txt"
    lines = [" ".join((*halves[one], *halves[other])) for one, other in asked]
    path.write_text("\n".join([": one", *lines[:14], ": two", *lines[14:]]))
    random = np.random.default_rng(12)
    first, second = (
        evaluate_analogies(KeyedVectors(list("xyzwpqrs"), random.standard_normal((8, 3))), path) for _ in range(2)
    )
    sections = np.repeat([0, 1], [14, 16])
    for found in (first, second):
        assert 3 <= found.total.right <= 27
        assert found.total.interval == paired_mean(found.outcomes, np.array(asked), sections).share
    differences = first.outcomes.astype(float) - second.outcomes
    assert compare(first, second).interval == paired_mean(differences, np.array(asked), sections).difference


# similarity


@pytest.mark.parametrize(
    "options",
    [{}, {"restrict": 150}, {"count_unknown": True}, {"ignore_case": False}],
)
def test_correlations_and_coverage_are_gensims(vectors: KeyedVectors, pairs: Path, options: dict[str, Any]) -> None:
    found = evaluate_similarity(vectors, pairs, **options)
    pearson, spearman, unknown = in_gensim(vectors).evaluate_word_pairs(
        str(pairs),
        restrict_vocab=options.get("restrict", 300_000),
        case_insensitive=options.get("ignore_case", True),
        dummy4unknown=options.get("count_unknown", False),
    )
    assert found.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert found.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert 100 * found.out_of_vocabulary / found.asked == pytest.approx(unknown)


def test_the_interval_of_a_correlation_is_near_fishers(vectors: KeyedVectors, pairs: Path) -> None:
    found = evaluate_similarity(vectors, pairs)
    z, error = np.arctanh(found.pearson), 1 / np.sqrt(found.answered - 3)
    expected = np.tanh([z - 1.96 * error, z + 1.96 * error])
    np.testing.assert_allclose(found.pearson_interval, expected, atol=0.06)
    assert found.spearman_interval[0] < found.spearman < found.spearman_interval[1]


def test_results_are_plain_values(vectors: KeyedVectors, pairs: Path, questions: Path) -> None:
    results = [evaluate_similarity(vectors, pairs), evaluate_analogies(vectors, questions)]
    for result in [*results, *(compare(r, r) for r in results)]:
        assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


# comparison


def noisy(vectors: KeyedVectors, size: float, seed: int) -> KeyedVectors:
    noise = np.random.default_rng(seed).standard_normal(vectors.matrix.shape)
    return KeyedVectors(vectors.words, vectors.matrix + size * noise)


@pytest.mark.parametrize("evaluate", ["analogies", "similarity"])
def test_much_noise_is_distinguishable_and_a_little_is_not(
    vectors: KeyedVectors, pairs: Path, questions: Path, evaluate: str
) -> None:
    def result(size: float, seed: int) -> Any:
        tried = noisy(vectors, size, seed)
        return evaluate_similarity(tried, pairs) if evaluate == "similarity" else evaluate_analogies(tried, questions)

    good, as_good, bad = result(0.1, 1), result(0.1, 2), result(2.0, 1)
    assert not compare(good, as_good).distinguishable
    found, turned = compare(good, bad), compare(bad, good)
    assert found.distinguishable
    assert found.interval[0] < found.difference < found.interval[1]
    assert turned.difference == -found.difference
    assert turned.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_only_common_items_are_compared(vectors: KeyedVectors, pairs: Path, questions: Path) -> None:
    few = KeyedVectors(vectors.words[:200], vectors.matrix[:200])
    found = compare(evaluate_analogies(vectors, questions), evaluate_analogies(few, questions))
    assert found.common == evaluate_analogies(few, questions).total.answered
    similar = compare(evaluate_similarity(vectors, pairs), evaluate_similarity(few, pairs))
    assert (similar.common, similar.difference) == (evaluate_similarity(few, pairs).answered, 0)


def test_results_on_different_items_cannot_be_compared(vectors: KeyedVectors, pairs: Path, questions: Path) -> None:
    with pytest.raises(InputError, match="not of the same items"):
        compare(evaluate_analogies(vectors, questions), evaluate_similarity(vectors, pairs))


# real data


def test_the_real_sets_are_read_and_agree_with_gensim(data_folder: Path, tmp_path: Path) -> None:
    import lzma

    text = lzma.decompress((data_folder / "glove" / "glove.6B.50d.top9163.txt.xz").read_bytes())
    (tmp_path / "glove.txt").write_bytes(text)
    glove = load_vectors(tmp_path / "glove.txt")
    for path in sorted((data_folder / "eval").glob("EN-*.txt")):
        found = evaluate_similarity(glove, path)
        pearson, spearman, _ = in_gensim(glove).evaluate_word_pairs(str(path))
        assert (found.pearson, found.spearman) == pytest.approx((pearson[0], spearman[0]), abs=1e-6)
    small = tmp_path / "questions.txt"
    lines = (data_folder / "eval" / "questions-words.txt").read_text().splitlines()
    small.write_text("\n".join(line for number, line in enumerate(lines) if line[0] == ":" or number % 20 == 0))
    assert_agree_on_analogies(glove, small)
    assert evaluate_analogies(glove, data_folder / "eval" / "questions-words.txt").total.asked == 19_544


def test_spearman_is_scipys(vectors: KeyedVectors, pairs: Path) -> None:
    found = evaluate_similarity(vectors, pairs)
    known = ~np.isnan(found.cosines)
    expected = stats.spearmanr(np.array(found.rated.ratings)[known], found.cosines[known])
    assert found.spearman == pytest.approx(expected.statistic, abs=1e-12)

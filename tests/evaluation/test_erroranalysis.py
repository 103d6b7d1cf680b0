"""Groups of sentences: who belongs to them, and a group that is planted among the errors is found there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lexigrad.evaluation.erroranalysis import ErrorGroup, error_groups, group_table
from lexigrad.evaluation.mistakes import Answers

PLAIN = ["A", "film", "about", "a", "man", "and", "his", "old", "dog", "by", "the", "sea"]


def answers(sentences: list[list[str]], truths: list[int], predictions: list[int]) -> Answers:
    """Answers of a classifier that gives its label 0.8, and the one below it what is left."""
    probabilities = np.zeros((len(sentences), 5))
    rows = np.arange(len(sentences))
    probabilities[rows, predictions] = 0.8
    probabilities[rows, np.array(predictions) - 1] += 0.2
    return Answers(sentences, np.array(truths), np.array(predictions), probabilities)


def groups_of(sentence: list[str], unknown: int = 0) -> set[str]:
    return {group.name for group in error_groups(answers([sentence], [1], [1]), [unknown])}


@pytest.mark.parametrize(
    ("sentence", "unknown", "groups"),
    [
        (PLAIN, 0, set()),
        ([*PLAIN, "n't"], 0, {"negation"}),
        (["Not", *PLAIN], 0, {"negation"}),
        ([*PLAIN, "nothingness", "notable", "button"], 0, set()),
        (["But", *PLAIN], 0, {"contrast"}),
        ([*PLAIN, "``", "fun", "''"], 0, {"marks of irony"}),
        ([*PLAIN, "!"], 0, {"marks of irony"}),
        ([*PLAIN, "'s", ",", "."], 0, set()),
        ([*PLAIN, "x", "y", "z"], 2, set()),
        ([*PLAIN, "x", "y", "z"], 3, {"unknown words"}),
        (PLAIN[:10], 0, {"short"}),
        (PLAIN[:11], 0, set()),
        ([*PLAIN, *PLAIN, *PLAIN[:6]], 0, {"long"}),
        ([*PLAIN, *PLAIN, *PLAIN[:5]], 0, set()),
        (["Never", "dull", ",", "but", "..."], 1, {"negation", "contrast", "marks of irony", "unknown words", "short"}),
    ],
)
def test_a_sentence_belongs_to_the_groups_of_its_tokens(sentence: list[str], unknown: int, groups: set[str]) -> None:
    assert groups_of(sentence, unknown) == groups


def planted(of_negated: float, of_others: float) -> dict[str, ErrorGroup]:
    """100 sentences with a negation and 300 without, of which these shares are wrong: praise taken for blame."""
    wrong = [*(np.arange(100) < 100 * of_negated), *(np.arange(300) < 300 * of_others)]
    sentences = [[*PLAIN, "not"]] * 100 + [[*PLAIN, "!"]] * 300
    found = error_groups(answers(sentences, [3] * 400, [1 if bad else 3 for bad in wrong]), [0] * 400)
    return {group.name: group for group in found}


def test_a_group_that_is_all_errors_is_found_whole() -> None:
    negation = planted(of_negated=1.0, of_others=0.0)["negation"]
    assert (negation.sentences, negation.share) == (100, 0.25)
    for part in (negation.errors, negation.reversals):
        assert (part.sentences, part.share) == (100, 1.0)
        assert 0.69 < part.interval[0] < 0.75 < part.interval[1] < 0.81
    others = planted(of_negated=1.0, of_others=0.0)["marks of irony"]
    assert (others.errors.sentences, others.errors.share) == (0, 0.0)
    assert others.errors.interval[1] < -0.69


def test_a_group_that_errs_like_all_others_is_not_found_and_one_that_errs_more_is() -> None:
    like = planted(of_negated=0.4, of_others=0.4)["negation"].errors
    assert like.share == pytest.approx(0.25)
    assert like.interval[0] < 0 < like.interval[1]
    more = planted(of_negated=0.8, of_others=0.4)["negation"].errors
    assert more.share == pytest.approx(80 / 200)
    assert more.interval[0] > 0.05


def test_the_interval_agrees_with_the_closed_form_of_large_samples() -> None:
    """Given the errors, the share above all is (1 − e)(p_wrong − p_right), with binomial shares on both sides."""
    found = planted(of_negated=0.8, of_others=0.4)["negation"].errors
    e, p_wrong, p_right = 200 / 400, 80 / 200, 20 / 200
    error = (1 - e) * np.sqrt(p_wrong * (1 - p_wrong) / 200 + p_right * (1 - p_right) / 200)
    middle = (1 - e) * (p_wrong - p_right)
    assert_allclose(found.interval, (middle - 1.96 * error, middle + 1.96 * error), atol=0.012)


def test_off_by_one_label_and_neutral_ones_are_no_reversals() -> None:
    found = error_groups(answers([PLAIN[:5]] * 4, [1, 2, 4, 0], [2, 3, 3, 3]), [0] * 4)[0]
    assert found.errors.sentences == 4
    assert found.reversals.sentences == 1


def test_examples_are_the_groups_own_errors_those_with_the_largest_margins_first() -> None:
    sentences = [["not", "a"], ["not", "b"], ["not", "c"], ["d"], ["not", "e"]]
    truths, predictions = np.array([1, 1, 1, 1, 1]), np.array([3, 3, 1, 3, 3])
    probabilities = np.full((5, 5), 0.05)
    probabilities[:, 3] = [0.4, 0.7, 0.2, 0.9, 0.5]
    probabilities[:, 1] = [0.3, 0.1, 0.6, 0.0, 0.45]
    found = error_groups(Answers(sentences, truths, predictions, probabilities), [0] * 5, examples=2)[0]
    assert [mistake.sentence for mistake in found.examples] == ["not b", "not a"]
    assert [round(mistake.margin, 9) for mistake in found.examples] == [0.6, 0.1]
    assert found.examples[0].line() == "negative (10%), taken for positive (70%): not b"


def test_without_an_error_there_is_no_share_and_json_says_so() -> None:
    found = planted(of_negated=0.0, of_others=0.0)["negation"]
    told = json.loads(json.dumps(found.to_dict()))
    assert told["errors"] == {"sentences": 0, "share": None, "interval": [None, None]}
    assert group_table([found]).splitlines()[1].split() == ["negation", "100", "25.0", "–", "–", "–", "–"]


def test_the_table_has_shares_and_what_is_above_them_in_percent() -> None:
    table = group_table(list(planted(of_negated=1.0, of_others=0.0).values())).splitlines()
    assert table[0].split("  ")[0] == "group"
    cells = table[1].split()
    assert cells[:4] == ["negation", "100", "25.0", "100.0"]
    assert cells[4].startswith("+")

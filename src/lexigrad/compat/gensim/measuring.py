"""gensim's evaluations, computed by lexigrad's: analogies, and correlation with people's ratings."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

import lexigrad
from lexigrad.compat.gensim.errors import NotKeptError
from lexigrad.compat.gensim.similarity import Similarities
from lexigrad.errors import InputError
from lexigrad.evaluation.evaluate import evaluate_analogies
from lexigrad.evaluation.intervals import correlations, spearman

if TYPE_CHECKING:
    import os

    from lexigrad.evaluation.analogies import Method

__all__ = ["Correlation", "Measures", "two_sided_p"]

METHODS: Final[dict[str, Method]] = {"most_similar": "3cosadd", "most_similar_cosmul": "3cosmul"}
TOTAL: Final = "Total accuracy"
FRACTION_TERMS: Final = 10_000
SMALLEST: Final = 1e-300

logger = logging.getLogger(__name__)


class Correlation(NamedTuple):
    """A coefficient, and its p-value: the two-sided probability of one as large where there is no correlation."""

    statistic: float
    pvalue: float


class Measures(Similarities):
    """The two evaluations of word vectors."""

    def evaluate_word_analogies(
        self,
        analogies: str | os.PathLike[str],
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """The share of analogies that are answered rightly; see `lexigrad.evaluate_analogies`.

        Args:
            analogies: the file: four words a line, ``: NAME`` begins a section.
            restrict_vocab: only the first so many words are asked and can be answers.
            case_insensitive: spellings that differ in case only are one word; words come back in upper case.
            dummy4unknown: count questions with unknown words as wrong, in place of leaving them out.
            similarity_function: ``most_similar`` for 3CosAdd, ``most_similar_cosmul`` for 3CosMul; gensim takes the
                argument and computes 3CosAdd.

        Returns:
            The share of right answers, and for each section and for all of them a dict of its name, ``section``, and
            of the questions answered ``correct`` and ``incorrect``, each a tuple of four words.

        Raises:
            FormatError: a line is no question; gensim passes over such lines.
        """
        method = METHODS.get(similarity_function)
        if method is None:
            raise InputError(f"similarity_function must be one of {', '.join(METHODS)}, not {similarity_function!r}")
        found = evaluate_analogies(
            lexigrad.KeyedVectors(self.index_to_key, self.vectors),
            analogies,
            restrict=restrict_vocab,
            method=method,
            ignore_case=case_insensitive,
            count_unknown=dummy4unknown,
        )
        asked = found.asked
        sections: list[dict[str, Any]] = [{"section": n, "correct": [], "incorrect": []} for n in asked.sections]
        section_of = np.searchsorted(asked.starts, np.arange(len(asked.questions)), side="right") - 1
        for question, outcome, number in zip(asked.questions, found.outcomes, section_of, strict=True):
            if outcome >= 0 or dummy4unknown:
                words = tuple(word.upper() for word in question) if case_insensitive else question
                sections[number]["correct" if outcome == 1 else "incorrect"].append(words)
        whole = {kind: [item for section in sections for item in section[kind]] for kind in ("correct", "incorrect")}
        sections.append({"section": TOTAL, **whole})
        for section in sections:
            self.log_accuracy(section)
        answered = len(whole["correct"]) + len(whole["incorrect"])
        return (len(whole["correct"]) / answered if answered else 0.0), sections

    def evaluate_word_pairs(
        self,
        pairs: str | os.PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Correlation, Correlation, float]:
        """Correlate cosines with people's ratings of similarity.

        Args:
            pairs: the file, ``word word rating`` a line; lines that begin with # are comments, others that are no rated
                pair are logged and passed over. `lexigrad.evaluate_similarity` is stricter, and gives an interval.
            delimiter: the text that separates the two words and the rating.
            encoding: the encoding of the file.
            restrict_vocab: only the first so many words have vectors.
            case_insensitive: spellings that differ in case only are one word.
            dummy4unknown: count pairs with unknown words as if their cosine were 0.

        Returns:
            Pearson's correlation and Spearman's, each with its p-value, and the share of pairs with an unknown word in
            percent.

        Raises:
            InputError: no pair is left; a ValueError.
        """
        rows = self._rows_by_spelling(restrict_vocab, case_insensitive)
        rated = _rated_pairs(pairs, delimiter, encoding, case_insensitive)
        ratings, cosines, unknown = [], [], 0
        for a, b, rating in rated:
            known = a in rows and b in rows
            unknown += not known
            if known or dummy4unknown:
                ratings.append(rating)
                cosines.append(self.similarity(rows[a], rows[b]) if known else 0.0)
        if not ratings:
            raise InputError(f"{pairs} holds no rated pair whose words have vectors; check the file and its delimiter")
        x, y = np.array(ratings), np.array(cosines, dtype=np.float64)
        pearson, ranked = (
            _with_p(measure(x, y, np.ones((1, len(x))))[0], len(x)) for measure in (correlations, spearman)
        )
        share = 100 * unknown / len(rated)
        self.log_evaluate_word_pairs(pearson, ranked, share, pairs)
        return pearson, ranked, share

    def _rows_by_spelling(self, restrict: int | None, ignore_case: bool) -> dict[Any, int]:
        """The row of each of the first words by its spelling; of several words with one spelling, the first row."""
        first = self.index_to_key[:restrict]
        spellings = [word.upper() if ignore_case else word for word in first]
        return {spelling: len(first) - 1 - place for place, spelling in enumerate(reversed(spellings))}

    @staticmethod
    def log_accuracy(section: dict[str, Any]) -> None:
        """Log the share of a section's questions that were answered rightly."""
        right, wrong = len(section["correct"]), len(section["incorrect"])
        if right + wrong:
            share = 100 * right / (right + wrong)
            logger.info("%s: %.1f%% (%i/%i)", section["section"], share, right, right + wrong)

    @staticmethod
    def log_evaluate_word_pairs(pearson: Any, spearman: Any, oov: float, pairs: Any) -> None:
        """Log both correlations and the share of unknown pairs."""
        logger.info("correlation with %s: Pearson %.4f, Spearman %.4f", pairs, pearson[0], spearman[0])
        logger.info("pairs with unknown words: %.1f%%", oov)

    def wmdistance(self, document1: Any, document2: Any, norm: bool = True) -> float:
        """Not kept: word mover's distance needs an optimal-transport library."""
        raise NotKeptError(
            "wmdistance is not kept: it needs an optimal-transport library, which lexigrad does not have; with POT "
            "installed, call ot.emd2 with the distances of wv.get_vector(word, norm=True) of both documents"
        )


def _rated_pairs(path: Any, delimiter: str, encoding: str, ignore_case: bool) -> list[tuple[str, str, float]]:
    """The rated pairs of a file."""
    found, skipped = [], 0
    with open(path, encoding=encoding) as file:
        for line in file:
            if line.startswith("#"):
                continue
            fields = [field.strip() for field in (line.upper() if ignore_case else line).split(delimiter)]
            try:
                a, b, rating = fields
                found.append((a, b, float(rating)))
            except ValueError:
                skipped += 1
    if skipped:
        logger.warning("passed over %i lines of %s that are no rated pairs", skipped, path)
    return found


def _with_p(coefficient: float, items: int) -> Correlation:
    return Correlation(float(coefficient), two_sided_p(float(coefficient), items))


def two_sided_p(r: float, items: int) -> float:
    """The probability of a correlation of at least |r| where there is none: I of 1 − r² with (n − 2) / 2 and ½.

    I is the regularised incomplete beta function with these two parameters; for Spearman's correlation this is the
    usual approximation by Student's t.

    Args:
        r: the correlation, from −1 to 1, or NaN.
        items: n, the number of pairs.

    Example:
        >>> round(two_sided_p(0.5, 20), 6), two_sided_p(1.0, 20), two_sided_p(0.5, 2)
        (0.02477, 0.0, 1.0)

    Source: Press et al. 2007, "Numerical recipes", 6.4 (the continued fraction) and 14.5.
    """
    if math.isnan(r) or items < 2:
        return math.nan
    if items == 2:
        return 1.0
    x, a, b = (1 - r) * (1 + r), (items - 2) / 2, 0.5
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    factor = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return factor * _beta_fraction(x, a, b) / a
    return 1 - factor * _beta_fraction(1 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1.0 / _away_from_0(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_0(1 + term * d)
            c = _away_from_0(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away_from_0(number: float) -> float:
    return number if abs(number) > SMALLEST else SMALLEST

"""Simulates how often the 95 % intervals that lexigrad prints hold the true value.

    python benchmarks/interval_coverage.py --output benchmarks/results/interval_coverage.json

Each simulation draws test items from a population whose true value is known, and asks for the interval that the library
prints for such items. Reported are the share of simulations whose interval holds the true value, the shares in which it
lies wholly below or above, and the mean width. Of 1,000 simulations a share of 95 % is uncertain by 1.4 points.

Analogies: word pairs are drawn, and all questions of two of them are asked. A question is right where μ + α_i + β_j + ε
is above 0: α and β belong to its first and second pair, and have the variance that the scenario names, ε has variance 1
and belongs to the question. So the true accuracy is Φ(μ / √(1 + Var α + Var β)). Correlations: ratings and cosines are
normal, and Pearson's ρ and Spearman's (6/π) arcsin(ρ/2) are known. Sentences: each is right with a probability of its
own, which two classifiers share in part.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lexigrad.evaluation.accuracies import accuracy_interval, paired_difference
from lexigrad.evaluation.evaluate import compare
from lexigrad.evaluation.intervals import SEED, interval, paired_mean, sampled_counts, sampled_interval
from lexigrad.evaluation.scores import SimilarityResult
from lexigrad.evaluation.testsets import RatedPairs
from lexigrad.files.atomic import atomic_write

Floats = NDArray[np.float64]
Interval = tuple[float, float]
Simulation = Callable[[np.random.Generator], Interval]

SIMULATIONS = 1000
SECTIONS = (20, 43, 10, 31, 14, 20, 7, 23, 13, 23, 34, 29, 22, 17)
"""The word pairs in each of Google's sections that the 9,163 most frequent words of GloVe 6B can answer."""
NORMAL = NormalDist()


# analogies


def questions_of(sections: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All questions of two different pairs of a section: their pairs, and their sections."""
    pairs, of_section, first = [], [], 0
    for number, size in enumerate(sections):
        a, b = np.nonzero(~np.eye(size, dtype=bool))
        pairs.append(np.stack([a, b], axis=1) + first)
        of_section.append(np.full(len(a), number))
        first += size
    return np.concatenate(pairs), np.concatenate(of_section)


def answers(
    random: np.random.Generator, pairs: NDArray[np.int64], variance: float, accuracies: tuple[float, ...], shared: float
) -> list[NDArray[np.bool_]]:
    """The answers of one or several vectors, whose pairs and questions have a correlation ``shared`` in difficulty."""
    drawn = pairs.max() + 1
    common, found = [random.standard_normal(size) for size in (drawn, drawn, len(pairs))], []
    for accuracy in accuracies:
        own = [random.standard_normal(size) for size in (drawn, drawn, len(pairs))]
        α, β, ε = (np.sqrt(shared) * a + np.sqrt(1 - shared) * b for a, b in zip(common, own, strict=True))
        μ = NORMAL.inv_cdf(accuracy) * np.sqrt(1 + variance)
        found.append(μ + np.sqrt(variance / 2) * (α[pairs[:, 0]] + β[pairs[:, 1]]) + ε > 0)
    return found


def accuracy_of_analogies(
    random: np.random.Generator, sections: tuple[int, ...], variance: float, accuracy: float
) -> Interval:
    """The interval of an accuracy, as `lexigrad.evaluate_analogies` has it."""
    pairs, of_section = questions_of(sections)
    (right,) = answers(random, pairs, variance, (accuracy,), 0.0)
    return paired_mean(right, pairs, of_section).share


def difference_of_analogies(
    random: np.random.Generator, sections: tuple[int, ...], variance: float, accuracies: tuple[float, float]
) -> Interval:
    """The interval of a difference, as `lexigrad.compare` has it."""
    pairs, of_section = questions_of(sections)
    first, second = answers(random, pairs, variance, accuracies, 0.7)
    return paired_mean(first.astype(np.float64) - second, pairs, of_section).difference


def by_sampled_pairs(
    random: np.random.Generator, sections: tuple[int, ...], variance: float, accuracies: tuple[float, ...]
) -> Interval:
    """The interval of an accuracy, or of a difference, by samples of pairs: a question counts once for both its pairs.

    Source: Owen 2007, "The pigeonhole bootstrap". It is here for comparison; lexigrad does not use it.
    """
    pairs, _ = questions_of(sections)
    first, *others = answers(random, pairs, variance, accuracies, 0.7)
    table = np.zeros((pairs.max() + 1,) * 2)
    table[pairs[:, 0], pairs[:, 1]] = first.astype(np.float64) - sum(others)
    means = []
    for counts in sampled_counts(len(table), int(random.integers(1 << 30)), 500):
        questions = counts.sum(axis=1) ** 2 - np.square(counts).sum(axis=1)
        means.append(((counts @ table) * counts).sum(axis=1) / questions)
    return interval(np.concatenate(means))


# correlations


def rated(random: np.random.Generator, items: int, correlations: tuple[float, ...]) -> list[SimilarityResult]:
    """The results of one or several vectors whose cosines have these correlations with the ratings."""
    ratings = random.standard_normal(items)
    noise = random.standard_normal(items)  # half of what cosines have beside the ratings is common to all vectors
    found = []
    for ρ in correlations:
        beside = np.sqrt(0.5) * (noise + random.standard_normal(items))
        cosines = ρ * ratings + np.sqrt(1 - ρ**2) * beside
        pairs = RatedPairs("made", tuple((str(number), "") for number in range(items)), tuple(ratings.tolist()))
        found.append(SimilarityResult(items, items, None, False, pairs, cosines))
    return found


def spearman_of_normal(ρ: float) -> float:
    """Spearman's correlation of two normal variables whose Pearson's is ρ."""
    return float(6 / np.pi * np.arcsin(ρ / 2))


def spearman_interval(random: np.random.Generator, items: int, ρ: float) -> Interval:
    """The interval of Spearman's correlation."""
    return rated(random, items, (ρ,))[0].spearman_interval


def pearson_interval(random: np.random.Generator, items: int, ρ: float) -> Interval:
    """The interval of Pearson's correlation."""
    return rated(random, items, (ρ,))[0].pearson_interval


def difference_of_correlations(random: np.random.Generator, items: int, ρ: tuple[float, float]) -> Interval:
    """The interval of a difference of two Spearman's correlations."""
    return compare(*rated(random, items, ρ)).interval


# sentences


def sentences_right(
    random: np.random.Generator, sentences: int, accuracies: tuple[float, ...]
) -> list[NDArray[np.bool_]]:
    """Which sentences one or several classifiers get right; they share half of what makes a sentence hard."""
    common = random.standard_normal(sentences)
    hard = [np.sqrt(0.5) * (common + random.standard_normal(sentences)) for _ in accuracies]
    return [difficulty < NORMAL.inv_cdf(accuracy) for difficulty, accuracy in zip(hard, accuracies, strict=True)]


def accuracy_on_sentences(random: np.random.Generator, sentences: int, accuracy: float) -> Interval:
    """The interval of an accuracy."""
    (right,) = sentences_right(random, sentences, (accuracy,))
    return accuracy_interval(int(right.sum()), sentences)


def difference_on_sentences(random: np.random.Generator, sentences: int, accuracies: tuple[float, float]) -> Interval:
    """The interval of a difference of two accuracies on the same sentences."""
    return paired_difference(*sentences_right(random, sentences, accuracies)).interval


def group_among_errors(random: np.random.Generator, sentences: int, share: float, of_errors: float) -> Interval:
    """The interval of a group's share among the errors less its share among all sentences; 6 of 10 are errors."""
    member = random.random(sentences) < share
    chance = np.where(member, 0.6 * of_errors / share, 0.6 * (1 - of_errors) / (1 - share))
    error = random.random(sentences) < chance

    def above(counts: Floats) -> Floats:
        of_all: Floats = counts @ member / sentences
        return np.asarray((counts * error) @ member / (counts @ error) - of_all, dtype=np.float64)

    return sampled_interval(above, sentences, SEED)


# all of them


def scenarios() -> Iterator[tuple[str, str, float, Simulation]]:
    """What is measured, in which setting, the true value, and a simulation."""
    yield from of_analogies()
    for items, ρ in ((65, 0.8), (65, 0.3), (353, 0.65), (353, 0.3)):
        true = spearman_of_normal(ρ)
        yield "Spearman", f"{items} pairs, ρ = {ρ}", true, partial(spearman_interval, items=items, ρ=ρ)
        yield "Pearson", f"{items} pairs, ρ = {ρ}", ρ, partial(pearson_interval, items=items, ρ=ρ)
    for items, both in ((65, (0.7, 0.7)), (353, (0.65, 0.65)), (353, (0.65, 0.6))):
        setting = f"{items} pairs, ρ = {both[0]} and {both[1]}"
        true = spearman_of_normal(both[0]) - spearman_of_normal(both[1])
        yield "difference of Spearman", setting, true, partial(difference_of_correlations, items=items, ρ=both)
    yield from of_sentences()


def of_analogies() -> Iterator[tuple[str, str, float, Simulation]]:
    """The scenarios of analogies."""
    kinds = {"questions alone": 0.0, "pairs a little": 0.2, "pairs as much as questions": 1.0}
    designs = {"12 pairs": (12,), "23 pairs": (23,), "14 sections": SECTIONS}
    for (design, sections), (kind, variance) in product(designs.items(), kinds.items()):
        how: dict[str, Any] = {"sections": sections, "variance": variance}
        for accuracy in (0.4, 0.85):
            setting = f"{design}, {kind}, accuracy {accuracy}"
            yield "analogies", setting, accuracy, partial(accuracy_of_analogies, accuracy=accuracy, **how)
            if design == "23 pairs":
                sampled = partial(by_sampled_pairs, accuracies=(accuracy,), **how)
                yield "sampled pairs: analogies", setting, accuracy, sampled
        for both in ((0.4, 0.4), (0.45, 0.4)):
            setting, true = f"{design}, {kind}, {both[0]} and {both[1]}", both[0] - both[1]
            yield "difference of analogies", setting, true, partial(difference_of_analogies, accuracies=both, **how)
            if design == "23 pairs":
                yield "sampled pairs: difference", setting, true, partial(by_sampled_pairs, accuracies=both, **how)


def of_sentences() -> Iterator[tuple[str, str, float, Simulation]]:
    """The scenarios of sentences."""
    for sentences in (1101, 2210):
        for accuracy in (0.25, 0.4):
            setting = f"{sentences:,} sentences, accuracy {accuracy}"
            simulation = partial(accuracy_on_sentences, sentences=sentences, accuracy=accuracy)
            yield "accuracy on sentences", setting, accuracy, simulation
        for pair in ((0.4, 0.4), (0.42, 0.39)):
            setting = f"{sentences:,} sentences, {pair[0]} and {pair[1]}"
            yield (
                "difference of accuracies",
                setting,
                pair[0] - pair[1],
                partial(difference_on_sentences, sentences=sentences, accuracies=pair),
            )
    for share, of_errors in ((0.06, 0.08), (0.25, 0.25)):
        setting = f"1,101 sentences, a group of {share} of all, {of_errors} of errors"
        yield (
            "group among errors",
            setting,
            of_errors - share,
            partial(group_among_errors, sentences=1101, share=share, of_errors=of_errors),
        )


def measured(measure: str, setting: str, true: float, simulation: Simulation, simulations: int) -> dict[str, Any]:
    """The coverage in one setting; every setting has random numbers of its own."""
    random = np.random.default_rng([7, *f"{measure} {setting}".encode()])
    bounds = np.array([simulation(random) for _ in range(simulations)])
    below, above = bounds[:, 1] < true, bounds[:, 0] > true
    return {
        "measure": measure,
        "setting": setting,
        "true": round(true, 6),
        "simulations": simulations,
        "covered": 1 - float((below | above).mean()),
        "below": float(below.mean()),
        "above": float(above.mean()),
        "mean_width": round(float((bounds[:, 1] - bounds[:, 0]).mean()), 5),
    }


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--only", default="", help="measures that begin so")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    chosen = [scenario for scenario in scenarios() if scenario[0].startswith(options.only)]
    with ProcessPoolExecutor(options.processes) as pool:
        waiting = [pool.submit(measured, *scenario, options.simulations) for scenario in chosen]
        rows = []
        for done in waiting:
            rows.append(done.result())
            print("{measure}, {setting}: {covered:.1%}, width {mean_width:.4f}".format(**rows[-1]), flush=True)
    results = {"versions": {"numpy": version("numpy")}, "python": platform.python_version(), "coverage": rows}
    if options.output is not None:
        with atomic_write(options.output) as file:
            file.write((json.dumps(results, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()

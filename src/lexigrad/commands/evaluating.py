"""The command that measures vectors: `evaluate`."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import click

from lexigrad.commands.options import FILE, json_option
from lexigrad.console import print_columns, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lexigrad.evaluation import AnalogyResult, Difference, SimilarityResult

    Results = list[AnalogyResult | SimilarityResult]

__all__ = ["evaluate"]

METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@click.option("--analogies", type=FILE, help="questions, `a b c d` a line, such as Google's questions-words.txt")
@click.option(
    "--similarity",
    type=FILE,
    multiple=True,
    help="pairs that people rated, `word word score` a line; can be given several times",
)
@click.option(
    "--restrict",
    type=click.IntRange(min=0),
    default=300_000,
    show_default=True,
    help="only so many words, the most frequent ones, can be asked and can answer; 0 for all",
)
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="3cosadd",
    show_default=True,
    help="how analogies are answered",
)
@click.option("--count-unknown", is_flag=True, help="count what has unknown words as wrong, or as a cosine of 0")
@json_option
def evaluate(
    vectors: tuple[Path, ...],
    analogies: Path | None,
    similarity: tuple[Path, ...],
    restrict: int,
    method: Literal["3cosadd", "3cosmul"],
    count_unknown: bool,
    as_json: bool,
) -> None:
    """Measure word vectors by analogies and by rated pairs.

    Each score has its 95 % bootstrap interval and its coverage: how much was asked, and how much answered, the rest
    having a word that VECTORS lacks. Several VECTORS are compared on what both answered; two are distinguishable when
    the interval of their difference leaves out 0.
    """
    if analogies is None and not similarity:
        raise click.UsageError("nothing to measure by; give --analogies or --similarity.")
    limits = {"restrict": restrict or None, "count_unknown": count_unknown}
    results = [_results(path, analogies, similarity, method, limits) for path in vectors]
    differences = list(_differences(vectors, results))
    if as_json:
        found = [
            {"vectors": str(path), "results": [result.to_dict() for result in of_path]}
            for path, of_path in zip(vectors, results, strict=True)
        ]
        compared = [{"first": a, "second": b, "set": name, **d.to_dict()} for a, b, name, d in differences]
        print_json({"vectors": found, "differences": compared})
        return
    _print_results(vectors, results)
    if differences:
        click.echo()
        _print_differences(differences)


def _results(
    path: Path, analogies: Path | None, similarity: Iterable[Path], method: Literal["3cosadd", "3cosmul"], limits: Any
) -> Results:
    """The results of one file of vectors, which is not kept in memory."""
    from lexigrad.evaluation import evaluate_analogies, evaluate_similarity
    from lexigrad.formats import load_vectors

    loaded = load_vectors(path)
    results: Results = [evaluate_similarity(loaded, pairs, **limits) for pairs in similarity]
    if analogies is not None:
        results.append(evaluate_analogies(loaded, analogies, method=method, **limits))
    return results


def _differences(vectors: tuple[Path, ...], results: list[Results]) -> Iterator[tuple[str, str, str, Difference]]:
    """For each set of items, each two files of vectors and their difference on it."""
    from lexigrad.evaluation import compare

    for of_set in zip(*results, strict=True):
        for (first, one), (second, other) in combinations(zip(vectors, of_set, strict=True), 2):
            yield str(first), str(second), _set_name(one), compare(one, other)


def _print_results(vectors: tuple[Path, ...], results: list[Results]) -> None:
    heading = ("set", "measure", "score", "95 %", "answered", "asked", "unknown")
    rows = [
        (str(path), row)
        for path, of_path in zip(vectors, results, strict=True)
        for result in of_path
        for row in _rows(result, with_sections=len(vectors) == 1)
    ]
    if len(vectors) == 1:
        print_columns(heading, [row for _, row in rows])
    else:
        print_columns(("vectors", *heading), [(path, *row) for path, row in rows])


def _rows(result: AnalogyResult | SimilarityResult, *, with_sections: bool) -> list[tuple[str, ...]]:
    """What the table says of one result."""
    from lexigrad.evaluation import AnalogyResult

    name = _set_name(result)
    if isinstance(result, AnalogyResult):
        sections = result.sections if with_sections else ()
        scores = [(f"{name}: {section.name}", section) for section in sections] + [(name, result.total)]
        return [
            (
                label,
                METHODS[result.method],
                f"{100 * score.accuracy:.1f} %",
                _percents(score.interval),
                *_coverage(score),
            )
            for label, score in scores
        ]
    return [
        (name, "Spearman", f"{result.spearman:.3f}", _range(result.spearman_interval), *_coverage(result)),
        (name, "Pearson", f"{result.pearson:.3f}", _range(result.pearson_interval), *_coverage(result)),
    ]


def _print_differences(differences: list[tuple[str, str, str, Difference]]) -> None:
    heading = ("first", "second", "set", "first - second", "95 %", "common", "distinguishable")
    rows = []
    for first, second, name, found in differences:
        if found.measure == "accuracy":
            size, bounds = f"{100 * found.difference:+.1f} %", _percents(found.interval)
        else:
            size, bounds = f"{found.difference:+.3f}", _range(found.interval)
        verdict = "yes" if found.distinguishable else "no"
        rows.append((first, second, name, size, bounds, f"{found.common:,}", verdict))
    print_columns(heading, rows)


def _set_name(result: AnalogyResult | SimilarityResult) -> str:
    """The name of the file that was asked, without its folder."""
    from pathlib import Path

    from lexigrad.evaluation import AnalogyResult

    return Path(result.asked.path if isinstance(result, AnalogyResult) else result.rated.path).name


def _coverage(score: Any) -> tuple[str, str, str]:
    return f"{score.answered:,}", f"{score.asked:,}", f"{score.out_of_vocabulary:,}"


def _range(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def _percents(bounds: tuple[float, float]) -> str:
    return f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"

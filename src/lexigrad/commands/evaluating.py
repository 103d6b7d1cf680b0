"""The command that measures vectors: `evaluate`."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import click

from lexigrad.commands.options import FILE, Command, json_option
from lexigrad.console import print_columns, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lexigrad.evaluation import AnalogyResult, Difference, SimilarityResult
    from lexigrad.keyedvectors import KeyedVectors

    Results = list[AnalogyResult | SimilarityResult]

__all__ = ["evaluate", "measured", "measures"]

MEASURES = (
    click.option("--analogies", type=FILE, help="questions, `a b c d` a line, such as Google's questions-words.txt"),
    click.option(
        "--similarity",
        type=FILE,
        multiple=True,
        help="pairs that people rated, `word word score` a line; can be given several times",
    ),
    click.option(
        "--restrict",
        type=click.IntRange(min=0),
        default=300_000,
        show_default=True,
        help="only so many words, the most frequent ones, can be asked and can answer; 0 for all",
    ),
    click.option(
        "--method",
        type=click.Choice(["3cosadd", "3cosmul"]),
        default="3cosadd",
        show_default=True,
        help="how analogies are answered",
    ),
    click.option("--count-unknown", is_flag=True, help="count what has unknown words as wrong, or as a cosine of 0"),
)


def measures(command: Command) -> Command:
    """Give a command the options that name analogies and rated pairs, as `measured` takes them."""
    for option in reversed(MEASURES):
        command = option(command)
    return command


def measured(
    vectors: KeyedVectors,
    analogies: Path | None,
    similarity: Iterable[Path],
    restrict: int,
    method: Literal["3cosadd", "3cosmul"],
    count_unknown: bool,
) -> Results:
    """The results of vectors: first those by rated pairs, then that by analogies."""
    from lexigrad.evaluation import evaluate_analogies, evaluate_similarity

    limits: dict[str, Any] = {"restrict": restrict or None, "count_unknown": count_unknown}
    results: Results = [evaluate_similarity(vectors, pairs, **limits) for pairs in similarity]
    if analogies is not None:
        results.append(evaluate_analogies(vectors, analogies, method=method, **limits))
    return results


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@measures
@json_option
def evaluate(vectors: tuple[Path, ...], as_json: bool, **how: Any) -> None:
    """Measure word vectors by analogies and by rated pairs.

    Each score has its 95 % bootstrap interval and its coverage: how much was asked, and how much answered, the rest
    having a word that VECTORS lacks. Several VECTORS are compared on what both answered; two are distinguishable when
    the interval of their difference leaves out 0.
    """
    import lexigrad

    if how["analogies"] is None and not how["similarity"]:
        raise click.UsageError("nothing to measure by; give --analogies or --similarity.")
    results = [measured(lexigrad.load_vectors(path), **how) for path in vectors]
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


def _differences(vectors: tuple[Path, ...], results: list[Results]) -> Iterator[tuple[str, str, str, Difference]]:
    """Each two files of vectors and their difference, for each set of items."""
    from lexigrad.evaluation import compare

    for of_set in zip(*results, strict=True):
        for (first, one), (second, other) in combinations(zip(vectors, of_set, strict=True), 2):
            yield str(first), str(second), one.name, compare(one, other)


def _print_results(vectors: tuple[Path, ...], results: list[Results]) -> None:
    heading = ("set", "measure", "score", "95 %", "answered", "asked", "unknown")
    rows = [
        (str(path), row)
        for path, of_path in zip(vectors, results, strict=True)
        for result in of_path
        for row in result.rows(with_sections=len(vectors) == 1)
    ]
    if len(vectors) == 1:
        print_columns(heading, [row for _, row in rows])
    else:
        print_columns(("vectors", *heading), [(path, *row) for path, row in rows])


def _print_differences(differences: list[tuple[str, str, str, Difference]]) -> None:
    from lexigrad.scores import percents, span

    heading = ("first", "second", "set", "first - second", "95 %", "common", "distinguishable")
    rows = []
    for first, second, name, found in differences:
        if found.measure == "accuracy":
            size, bounds = f"{100 * found.difference:+.1f} %", percents(found.interval)
        else:
            size, bounds = f"{found.difference:+.3f}", span(found.interval)
        verdict = "yes" if found.distinguishable else "no"
        rows.append((first, second, name, size, bounds, f"{found.common:,}", verdict))
    print_columns(heading, rows)

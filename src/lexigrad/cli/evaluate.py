"""The commands that measure: `evaluate` by analogies and rated pairs, `loss` by both losses on held-out text."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import click

from lexigrad.cli.console import print_columns, print_json
from lexigrad.cli.options import FILE, Command, config_options, json_option
from lexigrad.config.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lexigrad.evaluation.evaluate import AnalogyResult, Difference, SimilarityResult
    from lexigrad.vectors.keyedvectors import KeyedVectors

    Results = list[AnalogyResult | SimilarityResult]

    from lexigrad.training.loss.heldout import HeldOutLoss
    from lexigrad.training.model import Word2Vec

__all__ = ["evaluate", "loss", "measured", "measures"]


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
    from lexigrad.evaluation.evaluate import evaluate_analogies, evaluate_similarity

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

    Each score has its 95 % interval and its coverage: how much was asked, and how much answered, the rest
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
    from lexigrad.evaluation.evaluate import compare

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
    from lexigrad.evaluation.scores import percents, span

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


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@click.argument("corpus")
@config_options(["column"])
@click.option("--threads", type=click.IntRange(min=1), help="worker threads; all cores when not given")
@json_option
def loss(vectors: tuple[Path, ...], corpus: str, column: str | None, threads: int | None, as_json: bool) -> None:
    """Measure whole models by both losses on the text CORPUS, which they were not trained on.

    The losses are exact, a pair of a center and an outside word each (for CBOW a window): negative sampling in
    expectation over the noise, and the naive softmax's negative log-likelihood with its perplexity. VECTORS are native
    files that `train` wrote, whatever their loss; only those with the same vocabulary and options can be compared.
    """
    losses = _losses(vectors, corpus, column, threads)
    found = [(str(path), measured) for path, measured in zip(vectors, losses, strict=True)]
    if as_json:
        print_json([{"vectors": path, **measured.to_dict()} for path, measured in found])
    else:
        names = list(dict.fromkeys(name for _, measured in found for name in measured.losses))
        heading = ("vectors", "pairs", *(LOSSES[name].heading for name in names), "perplexity", "words", "covered")
        print_columns(heading, [_row(path, measured, names) for path, measured in found])


def _losses(vectors: Iterable[Path], corpus: str, column: str | None, threads: int | None) -> Iterator[HeldOutLoss]:
    """The losses of one model after another; no model stays in memory."""
    from lexigrad.training.loss.heldout import held_out_loss

    for path in vectors:
        model = _whole_model(path)
        config = replace(model.config, column=column or model.config.column)
        yield held_out_loss(model, corpus, config, threads=threads)


def _whole_model(path: Path) -> Word2Vec:
    """The model in a file; a file of vectors alone is refused with a sentence that says what it lacks."""
    from lexigrad.errors import FormatError
    from lexigrad.training.model import Word2Vec
    from lexigrad.vectors.formats.sniffing import sniff

    if sniff(path) != "native":
        raise FormatError(
            f"{path} holds the word vectors V only, and a loss needs the outside vectors U too; give the .safetensors "
            "file that `train` writes"
        )
    return Word2Vec.load(path)


def _row(path: str, found: HeldOutLoss, names: Iterable[str]) -> tuple[str, ...]:
    """The table's row for one model; the cell of a loss that the model does not have is empty."""
    losses = [f"{found.losses[name]:.4f}" if name in found.losses else "" for name in names]
    covered = f"{100 * found.coverage:.1f} %"
    return path, f"{found.pairs:,.0f}", *losses, f"{found.perplexity:,.1f}", f"{found.words:,}", covered

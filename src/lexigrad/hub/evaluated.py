"""The evaluations in a model card: scores with coverage and intervals, for people and for the Hub."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Final

from lexigrad.bootstrap import SAMPLES
from lexigrad.hub.markup import in_prose, table, yaml_string
from lexigrad.scores import METHODS, AnalogyResult, SimilarityResult, percents, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lexigrad.scores import AnalogyScore, Interval

    Results = Sequence[AnalogyResult | SimilarityResult]

__all__ = ["evaluation", "model_index"]

HEADING: Final = ("set", "measure", "score", "95 % interval", "answered", "asked", "unknown")
NOTE: Final = f"""\
`asked` are the questions or pairs of a set, `answered` those whose words all have vectors. Correlations are those of
the vectors' cosines with people's ratings. The intervals are by the bootstrap, {SAMPLES:,} samples of the pairs, or of
the word pairs that questions are made of. They say what other items of the same kind would have given, and not what
another training would have given.
"""


def evaluation(results: Results, words: int) -> str:
    """The section with all scores of vectors of ``words`` words."""
    rows = [(in_prose(name), *map(_defined, cells)) for found in results for name, *cells in found.rows()]
    limits = dict.fromkeys(sentence for found in results for sentence in _limits(found, words))
    return "\n".join(["## Evaluation\n", table(HEADING, rows) + "\n", NOTE, *(f"{limit}\n" for limit in limits)])


def model_index(name: str, results: Results) -> list[str]:
    """The lines of metadata in which the Hub looks for scores; scores that are not defined are left out."""
    lines = [line for found in results for line in _result(found)]
    return ["model-index:", f"- name: {yaml_string(name)}", "  results:", *lines] if lines else []


def _defined(cell: str) -> str:
    """The cell, or a dash where its score is not a number; the cell must hold no name, in which "nan" could stand."""
    return "–" if "nan" in cell else cell


def _limits(found: AnalogyResult | SimilarityResult, words: int) -> Iterator[str]:
    """Sentences on the words that could be asked and could answer, and on unknown words."""
    if found.restrict is not None and found.restrict < words:
        yield f"Only the {found.restrict:,} most frequent words were asked and could answer."
    if found.count_unknown and isinstance(found, AnalogyResult):
        yield "Questions with unknown words count as answered wrongly."
    if found.count_unknown and isinstance(found, SimilarityResult):
        yield "Pairs with unknown words count, with a cosine of 0."


def _result(found: AnalogyResult | SimilarityResult) -> Iterator[str]:
    """The lines of one entry of the index."""
    covered: AnalogyScore | SimilarityResult
    if isinstance(found, AnalogyResult):
        task, covered, label = "Word analogies", found.total, f"Accuracy by {METHODS[found.method]}"
        measured = [("accuracy", found.total.accuracy, found.total.interval)]
    else:
        task, covered, label = "Word similarity", found, "correlation"
        measured = [
            ("spearman", found.spearman, found.spearman_interval),
            ("pearson", found.pearson, found.pearson_interval),
        ]
    defined = [(kind, value, bounds) for kind, value, bounds in measured if not isnan(value)]
    if not defined:
        return
    yield f"  - task:\n      type: {task.lower().replace(' ', '-')}\n      name: {task}"
    yield f"    dataset:\n      type: {yaml_string(found.name)}\n      name: {yaml_string(found.name)}"
    yield "    metrics:"
    for kind, value, bounds in defined:
        told = label if kind == "accuracy" else f"{kind.capitalize()}'s {label}"
        told = f"{told}, 95 % interval {_bounds(kind, bounds)}; {covered.answered:,} of {covered.asked:,} answered"
        yield f"    - type: {kind}\n      value: {value:.6f}\n      name: {yaml_string(told)}"


def _bounds(kind: str, bounds: Interval) -> str:
    return f"{percents(bounds)} %" if kind == "accuracy" else span(bounds)

"""Commands that classify the sentences of the Stanford Sentiment Treebank: `sentiment` and `course`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lexigrad.cli.console import Display, print_json
from lexigrad.cli.options import (
    FILE,
    OUTPUT_FILE,
    json_option,
    quiet_option,
    save_figure,
    writable_folder,
    writable_with_ending,
)
from lexigrad.errors import CorpusError, GradientError, LexigradError, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lexigrad.evaluation.course import CourseResult
    from lexigrad.evaluation.sentiment import SentimentResult
    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.view.wordgroups import WordAxes

__all__ = ["course", "sentiment"]

FOLDER: Final = click.Path(path_type=Path, file_okay=False)
PUBLISHED: Final = """published: dev 30.4, 31.0, 32.7, 29.9 and test 29.0, 29.4, 30.4 with vectors of this schedule;
an accuracy is uncertain by 3 points on dev and by 2 on test (95 %)"""
CHECKED_SENTENCES: Final = 100
"""On so many sentences the gradient of a classifier is checked; each of its parameters is moved four times."""

_treebank = click.option(
    "--treebank", type=FOLDER, required=True, metavar="DIR", help="folder of the Stanford Sentiment Treebank"
)
_plot_to = click.option(
    "--plot-to",
    type=FOLDER,
    callback=writable_folder,
    metavar="DIR",
    help="write pictures into this folder, too",
)


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@_treebank
@click.option(
    "--hidden",
    type=click.IntRange(min=1),
    help="classify by a network with so many sigmoid units before the softmax, too",
)
@_plot_to
@quiet_option
@json_option
def sentiment(
    vectors: tuple[Path, ...], treebank: Path, hidden: int | None, plot_to: Path | None, quiet: bool, as_json: bool
) -> None:
    """Classify sentences by the mean of their words' vectors.

    Softmax regression learns the five labels of the treebank's training set with several strengths of an L2 penalty;
    the best on the dev set is tested once. Printed are a line for each of VECTORS, the paired differences between them,
    and then for each the confusion matrix, recall and precision, groups of errors, and the worst errors on the dev set.
    With --hidden a two-layer network stands beside softmax regression. Needs an extra: pip install
    'lexigrad[sentiment]'.
    """
    from lexigrad.evaluation.treebank import StanfordSentiment, check_labels
    from lexigrad.vectors.formats.loading import load_vectors

    sentences = StanfordSentiment(treebank)
    layers = (None,) if hidden is None else (None, hidden)
    found = _Found(sentences)
    with Display(quiet=quiet) as display:
        check_labels(sentences)
        named = [(name, load_vectors(path)) for path, name in zip(vectors, _names(vectors), strict=True)]
        for name, words in named:
            for layer in layers:
                found.classify(words, name, layer, display)
    if found.results:
        if as_json:
            print_json([found.to_dict(result) for result in found.results])
        else:
            found.print()
        if plot_to is not None:
            _plot_sentiment(found.results, plot_to)
    found.end()


@click.command()
@_treebank
@click.option(
    "--iterations",
    type=click.IntRange(min=10),
    default=40_000,
    show_default=True,
    help="steps of 50 contexts; the published figures are those of 40,000",
)
@click.option("-o", "--output", type=OUTPUT_FILE, callback=writable_with_ending, help="keep the vectors in this file")
@_plot_to
@quiet_option
@json_option
def course(
    treebank: Path, iterations: int, output: Path | None, plot_to: Path | None, quiet: bool, as_json: bool
) -> None:
    """Repeat the word2vec experiment of a university course, to the digit.

    A line holds an iteration and the smoothed cost, which all correct programs share: 9.812206 at the end. Then comes
    what there is to see of the words that the course draws, and the sentences are classified by the vectors, as
    `sentiment` does, if the treebank's labels are in DIR or beside it.
    """
    from lexigrad.evaluation.course import run_course
    from lexigrad.vectors.formats.saving import save_vectors

    with Display(quiet=quiet) as display:
        inner = treebank / "stanfordSentimentTreebank"
        found = _labelled(treebank)
        if found.error is not None and treebank.is_dir():
            display.say(found.refusal())
        result = run_course(inner if inner.is_dir() else treebank, iterations, display.course)
        if not as_json:
            _print_course(result)
        if output is not None:
            save_vectors(output, result.vectors)
            display.say(f"wrote {len(result.words):,} vectors of length {result.vectors.dim} to {output}")
        found.classify(result.vectors, "course", None, display)
    if as_json:
        _print_course_json(result, found)
    elif found.results:
        click.echo()
        found.print()
        click.echo(f"\n{PUBLISHED}")
    else:
        click.echo(f"\n{visible(found.refusal())}")
    if plot_to is not None:
        _plot_course(result, plot_to)
        _plot_sentiment(found.results, plot_to)
    if not isinstance(found.error, CorpusError):  # where labels are missing there is nothing wrong
        found.end()


class _Found:
    """The results of classifying sentences, and the first error: one error does not take the results of the others."""

    def __init__(self, treebank: StanfordSentiment | None, error: LexigradError | None = None) -> None:
        self.treebank = treebank
        self.error = error
        self.results: list[SentimentResult] = []
        self.checks: list[dict[str, Any]] = []  # for each result the proof of its gradient, or how that failed

    def classify(self, vectors: KeyedVectors, name: str, hidden: int | None, display: Display) -> None:
        """Add the result of one file of vectors; says at which strengths the optimizer stopped too early."""
        from lexigrad.evaluation.sentiment import classify_sentiment

        if self.treebank is None:
            return
        name = name if hidden is None else f"{name}, {hidden} hidden"
        try:
            result = classify_sentiment(vectors, self.treebank, name=name, hidden=hidden, progress=display.steps(name))
        except LexigradError as error:
            self.error = self.error or error
            return
        self.results.append(result)
        self.checks.append(self._checked_gradient(result, self.treebank))
        if result.unconverged:
            strengths = ", ".join(f"{strength:g}" for strength in result.unconverged)
            display.say(f"{name}: the optimizer stopped before its minimum at L2 {strengths}")

    def _checked_gradient(self, result: SentimentResult, treebank: StanfordSentiment) -> dict[str, Any]:
        """Prove the chosen classifier's gradient on the first sentences of the training set."""
        from lexigrad.gradcheck.classifiers import check_classifier

        vectorizer, classifier = result.pipeline[0], result.pipeline[-1]
        x = vectorizer.transform(treebank.sentences("train")[:CHECKED_SENTENCES])
        labels = treebank.labels("train")[:CHECKED_SENTENCES]
        try:
            return check_classifier(classifier, x, labels, result.strength, name=result.name)._asdict()
        except GradientError as error:
            failed = GradientError(f"{error}; scale the vectors to lengths near 1, and classify again")
            self.error = self.error or failed
            return {"failed": str(failed)}

    def refusal(self) -> str:
        """Why nothing is classified."""
        return f"sentences are not classified: {self.error}"

    def end(self) -> None:
        """Raise the first error, after all that was computed has been printed."""
        if self.error is not None:
            raise self.error

    def to_dict(self, result: SentimentResult) -> dict[str, Any]:
        """A result for JSON, with the check of its gradient and its differences from the other results."""
        from lexigrad.evaluation.sentiment import compare_accuracies

        others = [other for other in self.results if other is not result]
        less = {other.name: compare_accuracies(result, other).to_dict() for other in others}
        return result.to_dict() | {"gradient_check": self.checks[self.results.index(result)], "less": less}

    def print(self) -> None:
        """Print the table of all results, and then all there is to say of each."""
        from lexigrad.evaluation.sentiment import difference_table, side_by_side

        click.echo(side_by_side(self.results))
        if len(self.results) > 1:
            click.echo(f"\nfirst less second, in points\n{difference_table(self.results)}")
        for result, check in zip(self.results, self.checks, strict=True):
            _print_result(result, check)


def _labelled(treebank: Path) -> _Found:
    """The treebank with labels in this folder, or else beside it; with an error where there is none."""
    from lexigrad.evaluation.treebank import StanfordSentiment, check_labels

    errors: list[tuple[int, LexigradError]] = []  # the most telling first: malformed labels, then trees, then no labels
    for folder in (treebank, treebank.resolve().parent):
        found = None
        try:
            found = StanfordSentiment(folder)
            check_labels(found)
        except LexigradError as error:
            has_trees = found is not None and found.layout == "trees"
            errors.append((0 if not isinstance(error, CorpusError) else 1 if has_trees else 2, error))
        else:
            return _Found(found)
    return _Found(None, min(errors, key=lambda ranked: ranked[0])[1])


def _names(paths: tuple[Path, ...]) -> list[str]:
    """The files' names without folders, unless two are the same."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _print_course(result: CourseResult) -> None:
    """Print the first cost, the cost at each tenth of the way, and what is to be seen of the words."""
    every, last = result.config.print_every, len(result.costs)
    for number in sorted({1, *(max(1, last * tenth // 10) for tenth in range(1, 11))}):
        click.echo(f"{number * every}\t{result.costs[number - 1]:.6f}")
    seen = _seen(result)
    if seen is not None:
        click.echo(f"\n{seen.text()}")


def _print_course_json(result: CourseResult, found: _Found) -> None:
    seen = _seen(result)
    print_json(
        {
            "iterations": len(result.costs) * result.config.print_every,
            "costs": result.costs.tolist(),
            "words": None if seen is None else seen.to_dict(),
            "sentiment": found.to_dict(found.results[0]) if found.results else None,
            "not_classified": None if found.results else str(found.error),
        }
    )


def _drawn(result: CourseResult) -> list[str]:
    """The words that the course draws, as far as the text has them."""
    from lexigrad.view.wordgroups import COURSE_WORDS

    return [word for word in COURSE_WORDS if word in result.vectors]


def _seen(result: CourseResult) -> WordAxes | None:
    """What there is to see in the picture of words; None where the text has too few of them."""
    from lexigrad.view.wordgroups import word_axes

    drawn = _drawn(result)
    return word_axes(result.vectors, drawn) if len(drawn) > 2 else None


def _print_result(result: SentimentResult, check: dict[str, Any]) -> None:
    """Print how sure a result is, and where it is wrong."""
    from lexigrad.evaluation.erroranalysis import group_table

    name = visible(result.name)
    click.echo(f"\n{name}: L2 below {max(result.as_good):.3g} brings nothing that dev can tell")
    if "failed" in check:
        click.echo(f"{name}: the check of its gradient failed")
    else:
        click.echo(f"{name}: worst error of {check['entries']:,} gradients {check['worst_error']:.1e}")
    click.echo(f"\n{name}: confusion on the dev set\n{result.confusion_table()}")
    click.echo(f"\n{result.class_table()}\n{result.extremes.sentence()}")
    click.echo(f"\n{name}: groups of errors on the dev set\n{group_table(result.groups)}")
    for group in result.groups:
        for mistake in group.examples:
            click.echo(f"{group.name}: {visible(mistake.line())}")
    click.echo(f"\n{name}: worst errors on the dev set")
    for mistake in result.mistakes:
        click.echo(visible(mistake.line()))


def _plot_sentiment(results: list[SentimentResult], folder: Path) -> None:
    """Draw the sweep of all results, and a confusion matrix and the groups of errors for each."""
    from lexigrad.view.plots import plot_confusion, plot_error_groups, plot_l2_sweep

    pictures: dict[str, Any] = {"sentiment-sweep": plot_l2_sweep(results)} if results else {}
    for number, result in enumerate(results, start=1):
        end = f"-{number}" if len(results) > 1 else ""
        pictures[f"sentiment-confusion{end}"] = plot_confusion(result)
        pictures[f"sentiment-groups{end}"] = plot_error_groups(result)
    _save_all(pictures, folder)


def _plot_course(result: CourseResult, folder: Path) -> None:
    """Draw the falling cost, and the course's words on their two principal axes."""
    from lexigrad.view.plots import plot_learning_curve, plot_words

    known = _drawn(result)
    pictures: dict[str, Any] = {
        "course-costs": plot_learning_curve(result.costs.tolist(), every=result.config.print_every)
    }
    if len(known) > 1:
        pictures["course-words"] = plot_words(result.vectors, known)
    _save_all(pictures, folder)


def _save_all(pictures: dict[str, Figure], folder: Path) -> None:
    """Write each picture, as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in pictures.items():
        save_figure(figure, folder / f"{name}.svg")

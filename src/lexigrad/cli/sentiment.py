"""Commands that classify the sentences of the Stanford Sentiment Treebank: `sentiment` and `course`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lexigrad.cli.console import Display, print_json
from lexigrad.cli.options import FILE, OUTPUT_FILE, json_option, quiet_option, save_figure, writable_with_ending

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lexigrad.evaluation.course import CourseResult
    from lexigrad.evaluation.sentiment import SentimentResult
    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["course", "sentiment"]

FOLDER: Final = click.Path(path_type=Path, file_okay=False)
PUBLISHED: Final = """published: dev 30.4, 31.0, 32.7, 29.9 and test 29.0, 29.4, 30.4 with vectors of this schedule;
differences under 1.5 points are noise"""
DRAWN_WORDS: Final = [
    *("great", "wonderful", "brilliant", "amazing", "enjoyable", "sweet", "funny"),
    *("boring", "bad", "dumb", "awful", "annoying", "dull"),
    *("king", "queen", "man", "woman", "male", "female", "actor"),
    *("rain", "snow", "coffee", "tea", "music"),
]

_treebank = click.option(
    "--treebank", type=FOLDER, required=True, metavar="DIR", help="folder of the Stanford Sentiment Treebank"
)
_plot_to = click.option("--plot-to", type=FOLDER, metavar="DIR", help="write pictures into this folder, too")


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@_treebank
@click.option(
    "--hidden",
    type=click.IntRange(min=1),
    help="put a hidden layer of so many sigmoid units before the softmax",
)
@_plot_to
@quiet_option
@json_option
def sentiment(
    vectors: tuple[Path, ...], treebank: Path, hidden: int | None, plot_to: Path | None, quiet: bool, as_json: bool
) -> None:
    """Classify sentences by the mean of their words' vectors.

    Softmax regression learns the five labels of the treebank's training set with several strengths of an L2 penalty;
    the best on the dev set is tested once. Printed are a line for each of VECTORS, and then for each the confusion
    matrix and the worst errors on the dev set. Needs an extra: pip install 'lexigrad[sentiment]'.
    """
    from lexigrad.evaluation.treebank import StanfordSentiment
    from lexigrad.vectors.formats.loading import load_vectors

    sentences = StanfordSentiment(treebank)
    with Display(quiet=quiet) as display:
        results = [
            _classified(load_vectors(path), sentences, name, hidden, display)
            for path, name in zip(vectors, _names(vectors), strict=True)
        ]
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        _print_sentiment(results)
    if plot_to is not None:
        _plot_sentiment(results, plot_to)


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

    A line holds an iteration and the smoothed cost, which all correct programs share: 9.812206 at the end. Then the
    sentences are classified by the vectors, as `sentiment` does, if the treebank's labels are in DIR or beside it.
    """
    from lexigrad.evaluation.course import run_course
    from lexigrad.vectors.formats.saving import save_vectors

    with Display(quiet=quiet) as display:
        inner = treebank / "stanfordSentimentTreebank"
        result = run_course(inner if inner.is_dir() else treebank, iterations, display.course)
        if not as_json:
            _print_costs(result)
        if output is not None:
            save_vectors(output, result.vectors)
            display.say(f"wrote {len(result.words):,} vectors of length {result.vectors.dim} to {output}")
        labelled = _labelled(treebank, display)
        found = None if labelled is None else _classified(result.vectors, labelled, "course", None, display)
    if as_json:
        sentiment = None if found is None else found.to_dict()
        print_json({"iterations": iterations, "costs": result.costs.tolist(), "sentiment": sentiment})
    elif found is not None:
        click.echo()
        _print_sentiment([found])
        click.echo(f"\n{PUBLISHED}")
    if plot_to is not None:
        _plot_course(result, plot_to)
        _plot_sentiment([] if found is None else [found], plot_to)


def _classified(
    vectors: KeyedVectors, treebank: StanfordSentiment, name: str, hidden: int | None, display: Display
) -> SentimentResult:
    """The result of one file of vectors; says at which strengths the optimizer stopped too early."""
    from lexigrad.evaluation.sentiment import classify_sentiment

    result = classify_sentiment(vectors, treebank, name=name, hidden=hidden, progress=display.steps(name))
    if result.unconverged:
        strengths = ", ".join(f"{strength:g}" for strength in result.unconverged)
        display.say(f"{name}: the optimizer stopped before its minimum at L2 {strengths}")
    return result


def _labelled(treebank: Path, display: Display) -> StanfordSentiment | None:
    """The treebank with labels in this folder, or else beside it; None, and a message, where there is none."""
    from lexigrad.errors import CorpusError
    from lexigrad.evaluation.treebank import StanfordSentiment

    reasons = []
    for folder in (treebank, treebank.resolve().parent):
        try:
            found = StanfordSentiment(folder)
            found.labels("train")
        except CorpusError as error:
            reasons.append(str(error))
        else:
            return found
    display.say(f"sentences are not classified: {reasons[0]}")
    return None


def _names(paths: tuple[Path, ...]) -> list[str]:
    """The files' names without folders, unless two are the same."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _print_costs(result: CourseResult) -> None:
    """Print the first cost, and then the cost at each tenth of the way."""
    every, last = result.config.print_every, len(result.costs)
    for number in sorted({1, *(max(1, last * tenth // 10) for tenth in range(1, 11))}):
        click.echo(f"{number * every}\t{result.costs[number - 1]:.6f}")


def _print_sentiment(results: list[SentimentResult]) -> None:
    from lexigrad.evaluation.sentiment import side_by_side

    click.echo(side_by_side(results))
    for result in results:
        click.echo(f"\n{result.name}: confusion on the dev set\n{result.confusion_table()}")
        click.echo(f"\n{result.name}: worst errors on the dev set")
        for mistake in result.mistakes:
            wrong = f"{mistake.prediction} ({mistake.probability:.0%})"
            click.echo(f"{mistake.truth} ({mistake.truth_probability:.0%}), taken for {wrong}: {mistake.sentence}")


def _plot_sentiment(results: list[SentimentResult], folder: Path) -> None:
    """Draw the sweep of all results, and a confusion matrix for each."""
    from lexigrad.view.plots import plot_confusion, plot_l2_sweep

    pictures: dict[str, Any] = {"sentiment-sweep": plot_l2_sweep(results)} if results else {}
    for number, result in enumerate(results, start=1):
        end = f"-{number}" if len(results) > 1 else ""
        pictures[f"sentiment-confusion{end}"] = plot_confusion(result)
    _save_all(pictures, folder)


def _plot_course(result: CourseResult, folder: Path) -> None:
    """Draw the falling cost, and some words on their two principal axes."""
    from lexigrad.view.plots import plot_learning_curve, plot_words

    known = [word for word in DRAWN_WORDS if word in result.vectors]
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

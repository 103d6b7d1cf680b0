"""Grade the functions of an assignment: CS224n's on word2vec, in the editions of 2017 and of 2019 to 2024.

`grade` takes what a student's files define, calls each function as the assignment's own program does, and has it
diagnosed. Each function is graded by itself: skip-gram and CBOW are given right losses, so that a mistake in a
student's loss is found there and nowhere else. A function that is missing is a finding.

The names, arguments and shapes are those of Stanford's course CS224n: assignment 1 of 2017, assignment 2 from 2019 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from lexigrad.errors import InputError
from lexigrad.gradcheck.equations import TOLERANCE
from lexigrad.gradcheck.students import basics, exercises
from lexigrad.gradcheck.students.findings import Diagnosis, Finding
from lexigrad.gradcheck.students.misuse import check_tolerance

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.gradcheck.students.exercises import Exercise
    from lexigrad.reference import WordLoss

__all__ = ["exercises_of", "grade"]

MARKS: Final = {
    "2017": ("softmaxCostAndGradient", "negSamplingCostAndGradient", "forward_backward_prop", "sigmoid_grad"),
    "2019": ("naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient"),
}
"""The names by which an edition is known."""


def grade(
    *files: ModuleType | Mapping[str, Any], edition: str | int | None = None, tolerance: float = TOLERANCE
) -> list[Diagnosis]:
    """Grade what a student's files define.

    The editions of 2019 to 2024 ask for ``sigmoid``, ``naiveSoftmaxLossAndGradient``, ``negSamplingLossAndGradient``,
    ``skipgram`` and ``sgd``. That of 2017 asks for ``softmax``, ``sigmoid``, ``sigmoid_grad``, ``gradcheck_naive``,
    ``forward_backward_prop``, ``normalizeRows``, ``softmaxCostAndGradient``, ``negSamplingCostAndGradient``,
    ``skipgram``, ``cbow`` and ``sgd``.

    To import a file is to run it, with all that you may do. Import other people's files where that is harmless.

    Args:
        files: the student's files, as modules or as the names that they define (`runpy.run_path` gives these); of a
            name that several define, the first counts.
        edition: ``2017``, or ``2019`` for 2019 to 2024; when not given, the functions' names say which.
        tolerance: the worst relative error that passes.

    Returns:
        The outcome for each function that the edition asks for, in its order, also for those that are missing.

    Raises:
        InputError: the edition is another one, or no name says which it is; a file is given by its path.

    Example:
        >>> import numpy as np
        >>> def sigmoid(x):
        ...     return 1 / (1 + np.exp(-x))
        >>> for outcome in grade({"sigmoid": sigmoid}, edition="2019")[:2]:
        ...     print(outcome)
        sigmoid: right, 9 numbers compared
        naiveSoftmaxLossAndGradient: it is missing
    """
    check_tolerance(tolerance)
    names: dict[str, Any] = {}
    for file in reversed(files):
        names.update(_names_of(file))
    edition = _edition_of(names) if edition is None else str(edition)
    if edition not in MARKS:
        raise InputError(f"edition must be 2017 or 2019 (for 2019 to 2024), but is {edition!r}")
    return [_graded(exercise, names.get(exercise.name), tolerance) for exercise in exercises_of(edition)]


def _names_of(file: Any) -> Mapping[str, Any]:
    """What a file defines."""
    if isinstance(file, ModuleType):
        return vars(file)
    if isinstance(file, Mapping):
        return file
    if isinstance(file, str | Path):
        path = str(file)
        raise InputError(f"{path!r} is a path; run the file and give what it defines: grade(runpy.run_path({path!r}))")
    raise InputError(f"a file must be a module or the names that it defines, but is {type(file).__name__}")


def _graded(exercise: Exercise, function: Any, tolerance: float) -> Diagnosis:
    """The outcome for one function, which may be missing."""
    if function is None:
        return Diagnosis(exercise.name, 0, (Finding(exercise.name, "it is missing"),))
    if not callable(function):
        problem = f"it is no function, but {type(function).__name__}"
        return Diagnosis(exercise.name, 0, (Finding(exercise.name, problem),))
    return exercise.diagnose(function, tolerance)


def _edition_of(names: Mapping[str, Any]) -> str:
    """The edition whose names are there."""
    found = [edition for edition, marks in MARKS.items() if any(mark in names for mark in marks)]
    if len(found) != 1:
        what = "of both editions" if found else "of no edition"
        raise InputError(
            f"the files define functions {what} of the assignment; say which it is: edition='2019', for one"
        )
    return found[0]


def exercises_of(edition: str) -> list[Exercise]:
    """What an edition asks for, in its order."""
    values = basics.values()
    if edition == "2017":
        vector = {"v_c": "predicted", "U": "outputVectors"}
        tables = {"V": "inputVectors", "U": "outputVectors", "outside": "contextWords", "word_ids": "tokens"}
        return [
            values["softmax"],
            values["sigmoid"],
            values["sigmoid_grad"],
            basics.gradcheck_naive(),
            basics.network(),
            values["normalizeRows"],
            exercises.naive_softmax("softmaxCostAndGradient", vector),
            exercises.negative_sampling("negSamplingCostAndGradient", vector),
            exercises.skipgram(tables, _given_2017),
            exercises.cbow(tables, _given_2017),
            basics.sgd(),
        ]
    vector = {"v_c": "centerWordVec", "U": "outsideVectors"}
    tables = {"V": "centerWordVectors", "U": "outsideVectors", "outside": "outsideWords", "word_ids": "word2Ind"}
    return [
        values["sigmoid"],
        exercises.naive_softmax("naiveSoftmaxLossAndGradient", vector),
        exercises.negative_sampling("negSamplingLossAndGradient", vector),
        exercises.skipgram(tables, _given_2019),
        basics.sgd(),
    ]


def _given_2017(word_loss: WordLoss) -> Callable[..., Any]:
    """A loss as skip-gram and CBOW of 2017 call it."""

    def word2vec_cost_and_gradient(predicted: Any, target: int, outputVectors: Any, dataset: Any) -> Any:
        return word_loss(predicted, target, outputVectors)

    return word2vec_cost_and_gradient


def _given_2019(word_loss: WordLoss) -> Callable[..., Any]:
    """A loss as skip-gram of 2019 and later calls it."""

    def word2vec_loss_and_gradient(centerWordVec: Any, outsideWordIdx: int, outsideVectors: Any, dataset: Any) -> Any:
        return word_loss(centerWordVec, outsideWordIdx, outsideVectors)

    return word2vec_loss_and_gradient

"""Students' files are graded as docs/guides/teaching.md does it: right ones pass, each mistake is found, and where."""

from __future__ import annotations

import runpy
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexigrad.errors import InputError
from lexigrad.gradcheck import grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexigrad.gradcheck import Diagnosis, Finding

STUDENTS = Path(__file__).parents[1] / "assignments"
FUNCTIONS = {
    "2019": ["sigmoid", "naiveSoftmaxLossAndGradient", "negSamplingLossAndGradient", "skipgram", "sgd"],
    "2017": [
        "softmax",
        "sigmoid",
        "sigmoid_grad",
        "gradcheck_naive",
        "forward_backward_prop",
        "normalizeRows",
        "softmaxCostAndGradient",
        "negSamplingCostAndGradient",
        "skipgram",
        "cbow",
        "sgd",
    ],
}


@pytest.fixture(params=FUNCTIONS)
def edition(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder from which students' files import each other, and are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def graded(folder: Path, edition: str, file: str = "", *changes: tuple[str, str]) -> list[Diagnosis]:
    """The outcomes of a right solution, in one of whose files some places were changed."""
    shutil.copytree(STUDENTS / edition, folder, dirs_exist_ok=True)
    for old, new in changes:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return grade(*(runpy.run_path(str(path)) for path in sorted(folder.glob("*.py"))))


def findings(folder: Path, edition: str, file: str, *changes: tuple[str, str]) -> list[Finding]:
    """All that is found wrong."""
    return [finding for outcome in graded(folder, edition, file, *changes) for finding in outcome.findings]


def test_a_right_solution_of_each_edition_passes_with_every_function_looked_at(folder, edition):
    outcomes = graded(folder, edition)
    assert [outcome.function for outcome in outcomes] == FUNCTIONS[edition]
    assert [str(finding) for outcome in outcomes for finding in outcome.findings] == []
    assert all(outcome.entries > 0 for outcome in outcomes)


def test_a_flipped_sign_is_found_in_its_row(folder):
    (finding,) = findings(
        folder,
        "2019",
        "word2vec.py",
        ("[outsideWordIdx] = (p_o - 1) * centerWordVec", "[outsideWordIdx] = (1 - p_o) * centerWordVec"),
    )
    assert (finding.function, finding.argument) == ("negSamplingLossAndGradient", "outsideVectors")
    assert finding.at[0] == 2
    assert "only its row 2 is wrong" in finding.problem
    assert "by finite differences of its own loss and by lexigrad" in finding.problem
    assert finding.cause == "the sign of the outside word's part is flipped, 1 − σ(u_o·v_c) for σ(u_o·v_c) − 1"


def test_a_transposed_product_is_found_by_its_shape(folder):
    (finding,) = findings(
        folder, "2019", "word2vec.py", ("np.outer(delta, centerWordVec)", "np.outer(centerWordVec, delta)")
    )
    assert (finding.function, finding.argument) == ("naiveSoftmaxLossAndGradient", "outsideVectors")
    assert finding.problem == "the gradient of outsideVectors has shape (3, 7), but should have (7, 3)"
    assert finding.cause == "it is transposed"


def test_a_window_without_its_border_is_found_although_its_gradients_belong_to_its_loss(folder):
    (finding,) = findings(
        folder,
        "2019",
        "word2vec.py",
        (
            "for word in outsideWords:",
            "for word in outsideWords[1:-1] if len(outsideWords) == 2 * windowSize else outsideWords:",
        ),
    )
    assert (finding.function, finding.argument) == ("skipgram", "")
    assert finding.case == "a full window"
    assert "finite differences alone let it pass" in finding.problem
    assert finding.cause == "the window's border is left out, −m < j < m for −m ≤ j ≤ m"


def test_a_repeated_negative_that_is_counted_once_is_found_in_its_row(folder):
    (finding,) = findings(
        folder,
        "2019",
        "word2vec.py",
        (
            "np.add.at(gradOutsideVecs, negatives, np.outer(p_k, centerWordVec))",
            "gradOutsideVecs[negatives] += np.outer(p_k, centerWordVec)",
        ),
    )
    assert (finding.function, finding.argument) == ("negSamplingLossAndGradient", "outsideVectors")
    assert finding.cause == "a negative that is drawn twice gets its gradient once, = or += with repeated indices"
    assert finding.case in {"a word drawn twice", "ten words drawn"}


SAMPLING = "negatives = getNegativeSamples(outsideWordIdx, dataset, K)"
CONSISTENTLY_WRONG = {
    "the minus in σ(−u_k·v_c) is missing": [
        ("np.log(1 - p_k).sum()", "np.log(p_k).sum()"),
        ("+ p_k @ outsideVectors", "+ (p_k - 1) @ outsideVectors"),
        ("np.outer(p_k, centerWordVec)", "np.outer(p_k - 1, centerWordVec)"),
    ],
    "a negative that is drawn twice counts once": [
        (SAMPLING, "negatives = list(set(getNegativeSamples(outsideWordIdx, dataset, K)))")
    ],
    "a draw that is the outside word is kept": [("if drawn != outsideWordIdx:", "if True:")],
    "ten negatives are drawn whatever K is": [(SAMPLING, SAMPLING.replace("K)", "10)"))],
}


@pytest.mark.parametrize("cause", CONSISTENTLY_WRONG)
def test_loss_and_gradients_that_are_wrong_together_are_found_by_comparison(folder, cause):
    (finding,) = findings(folder, "2019", "word2vec.py", *CONSISTENTLY_WRONG[cause])
    assert (finding.function, finding.argument) == ("negSamplingLossAndGradient", "")
    assert "the gradients belong to the wrong loss" in finding.problem
    assert finding.cause.startswith(cause)


MISTAKES: dict[str, tuple[str, str, list[tuple[str, str]], str]] = {
    "softmax over columns": (
        "2017/q1_softmax.py",
        "softmax",
        [("x.max(axis=1", "x.max(axis=0"), ("x.sum(axis=1", "x.sum(axis=0")],
        "it is over columns, and not over rows",
    ),
    "softmax without a shift": (
        "2017/q1_softmax.py",
        "softmax",
        [("x - x.max(axis=1, keepdims=True)", "x"), ("x - x.max()", "x")],
        "the largest score is not subtracted before the exponentials",
    ),
    "a sigmoid that overflows": (
        "2017/q2_sigmoid.py",
        "sigmoid",
        [("1 / (1 + np.exp(-x))", "np.exp(x) / (1 + np.exp(x))")],
        "e^x / (1 + e^x) divides infinity by infinity",
    ),
    "the slope of x": (
        "2017/q2_sigmoid.py",
        "sigmoid_grad",
        [("return s * (1 - s)", "return sigmoid(s) * (1 - sigmoid(s))")],
        "s is the sigmoid's value, and is taken as x",
    ),
    "a check that cannot fail": (
        "2017/q2_gradcheck.py",
        "gradcheck_naive",
        [("> 1e-5:", "> 1e5:")],
        "every gradient passes",
    ),
    "a check that forgets the random numbers": (
        "2017/q2_gradcheck.py",
        "gradcheck_naive",
        [("x[at] = before - h\n        random.setstate(state)", "x[at] = before - h")],
        "the state of random is not set back before each call",
    ),
    "a network without its slope": (
        "2017/q2_neural.py",
        "forward_backward_prop",
        [("(delta_2 @ W2.T) * sigmoid_grad(hidden)", "delta_2 @ W2.T")],
        "the slope of the sigmoid is missing",
    ),
    "weights transposed as they are flattened": (
        "2017/q2_neural.py",
        "forward_backward_prop",
        [("gradW1.flatten()", "gradW1.T.flatten()")],
        "it is transposed before it is flattened",
    ),
    "the mean of the loss and the sum of its gradient": (
        "2017/q2_neural.py",
        "forward_backward_prop",
        [("np.log(y_hat)).sum()", "np.log(y_hat)).sum() / len(data)")],
        "the loss is divided by the number of rows, and its gradient is not",
    ),
    "the sum of the loss and the mean of its gradient": (
        "2017/q2_neural.py",
        "forward_backward_prop",
        [("delta_2 = y_hat - labels", "delta_2 = (y_hat - labels) / len(data)")],
        "the gradient is divided by the number of rows, and its loss is not",
    ),
    "columns of length 1": (
        "2017/q3_word2vec.py",
        "normalizeRows",
        [("(x**2).sum(axis=1, keepdims=True)", "(x**2).sum(axis=0, keepdims=True)")],
        "columns are normalized, and not rows",
    ),
    "a context word that counts once": (
        "2017/q3_word2vec.py",
        "cbow",
        [("gradIn[index] += gradPred", "gradIn[index] = gradPred")],
        "a word that stands twice in the context gets its gradient once",
    ),
    "the mean of the context": (
        "2017/q3_word2vec.py",
        "cbow",
        [
            ("[context].sum(axis=0)", "[context].mean(axis=0)"),
            ("gradIn[index] += gradPred", "gradIn[index] += gradPred / len(context)"),
        ],
        "v̂ is the mean of the context's vectors and not their sum",
    ),
    "the mean of the context without its share": (
        "2017/q3_word2vec.py",
        "cbow",
        [("[context].sum(axis=0)", "[context].mean(axis=0)")],
        "v̂ is the mean of the context's vectors, and its gradient lacks the factor 1/n",
    ),
    "another loss than the one that is given": (
        "2017/q3_word2vec.py",
        "skipgram",
        [("word2vecCostAndGradient(inputVectors[center]", "softmaxCostAndGradient(inputVectors[center]")],
        "it calls the naive softmax and not the loss that it is given",
    ),
    "uphill": ("2017/q3_sgd.py", "sgd", [("x -= step", "x += step")], "it goes up"),
    "y forgotten": (
        "2019/word2vec.py",
        "naiveSoftmaxLossAndGradient",
        [("    delta[outsideWordIdx] -= 1\n", "")],
        "the truth y is not subtracted, ŷ for ŷ − y",
    ),
    "one row of the wrong sign": (
        "2019/word2vec.py",
        "naiveSoftmaxLossAndGradient",
        [("delta[outsideWordIdx] -= 1", "delta[outsideWordIdx] = 1 - delta[outsideWordIdx]")],
        "the sign of the outside word's row is flipped",
    ),
    "the last outside word": (
        "2019/word2vec.py",
        "skipgram",
        [("for word in outsideWords:", "for word in outsideWords[:-1]:")],
        "the last outside word is left out",
    ),
    "assigned in the loop": (
        "2019/word2vec.py",
        "skipgram",
        [("gradCenterVecs[center] += gradCenter", "gradCenterVecs[center] = gradCenter")],
        "only the last outside word's gradient is kept",
    ),
    "never halved": (
        "2019/sgd.py",
        "sgd",
        [("step *= 0.5", "pass")],
        "the step is not halved after 20,000 steps",
    ),
}


USED_BY = {"softmax": "forward_backward_prop", "sigmoid_grad": "forward_backward_prop"}  # which inherits the mistake


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_in_its_function_with_its_cause_and_nowhere_else(folder, mistake):
    place, function, changes, cause = MISTAKES[mistake]
    found = findings(folder, *place.split("/"), *changes)
    assert found[0].function == function
    assert {finding.function for finding in found} <= {function, USED_BY.get(function, "")}
    causes = [finding.cause for finding in found if finding.function == function]
    assert all(one.startswith(cause) for one in causes), "\n".join(map(str, found))


def test_the_mean_over_a_batch_is_as_right_as_the_sum(folder):
    changes = [
        ("np.log(y_hat)).sum()", "np.log(y_hat)).sum() / len(data)"),
        ("delta_2 = y_hat - labels", "delta_2 = (y_hat - labels) / len(data)"),
    ]
    assert findings(folder, "2017", "q2_neural.py", *changes) == []


def test_an_unknown_mistake_is_found_without_a_cause(folder):
    (finding,) = findings(
        folder, "2019", "word2vec.py", ("np.outer(delta, centerWordVec)", "np.outer(delta**3, centerWordVec)")
    )
    assert finding.argument == "outsideVectors"
    assert finding.cause == ""
    assert str(finding).endswith("by lexigrad")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ([("return loss, gradCenterVecs, gradOutsideVectors", "return loss, gradCenterVecs")], "it returns 2 things"),
        ([("return loss, gradCenterVecs, gradOutsideVectors", "return None")], "it returns None, but should"),
        ([("return loss, gradCenterVecs, gradOutsideVectors", "return loss, 'no', 'no'")], "is no array of numbers"),
        (
            [("return loss, gradCenterVecs, gradOutsideVectors", "raise NotImplementedError")],
            "it raises NotImplementedE",
        ),
        ([("return loss, gradCenterVecs, gradOutsideVectors", "raise SystemExit(1)")], "it raises SystemExit"),
        (
            [("return loss, gradCenterVecs", "return loss + np.random.random(), gradCenterVecs")],
            "two calls with the same",
        ),
        ([("loss = 0.0\n", "loss = np.zeros(2)\n")], "the loss has shape (2,)"),
        ([("loss = 0.0\n", "loss = 0.0\n    outsideVectors += 1\n")], "it changes outsideVectors in place"),
        (
            [("    return loss, gradCenterVecs", "    outsideWords.pop()\n    return loss, gradCenterVecs")],
            "it changes outsideWords in place",
        ),
        (
            [("    return loss, gradCenterVecs", "    word2Ind.clear()\n    return loss, gradCenterVecs")],
            "it changes word2Ind in place",
        ),
        ([("dataset=dataset", "dataset=[dataset.sampleTokenIdx() for _ in range(20_000)]")], "it raises InputError"),
    ],
)
def test_what_cannot_be_compared_is_a_finding(folder, changes, problem):
    first, *_ = findings(folder, "2019", "word2vec.py", *changes)
    assert first.function == "skipgram"
    assert problem in first.problem


def test_a_function_that_is_missing_is_a_finding(edition):
    outcomes = grade({}, edition=edition)
    assert [str(outcome) for outcome in outcomes] == [f"{name}: it is missing" for name in FUNCTIONS[edition]]


def test_a_name_that_is_no_function_is_a_finding():
    assert str(grade({"sigmoid": 3}, edition="2019")[0]) == "sigmoid: it is no function, but int"


def test_modules_are_graded_as_the_names_that_they_define(folder):
    shutil.copytree(STUDENTS / "2019", folder, dirs_exist_ok=True)
    sgd, word2vec = import_module("sgd"), import_module("word2vec")

    assert [outcome.findings for outcome in grade(word2vec, sgd)] == 5 * [()]


def test_of_a_name_that_two_files_define_the_first_counts():
    right = runpy.run_path(str(STUDENTS / "2017" / "q2_sigmoid.py"))
    wrong = {"sigmoid": lambda x: x}
    assert grade(right, wrong, edition="2019")[0].findings == ()
    assert grade(wrong, right, edition="2019")[0].findings != ()


@pytest.mark.parametrize(
    ("names", "edition", "sentence"),
    [
        ({}, "2016", "edition must be 2017 or 2019"),
        ({"sigmoid": np.tanh}, None, "functions of no edition"),
        ({"sigmoid_grad": 1, "naiveSoftmaxLossAndGradient": 1}, None, "functions of both editions"),
    ],
)
def test_an_edition_that_nobody_names_is_asked_for(names, edition, sentence):
    with pytest.raises(InputError, match=sentence):
        grade(names, edition=edition)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("word2vec.py", r"'word2vec.py' is a path; .* grade\(runpy.run_path\('word2vec.py'\)\)"),
        (Path("word2vec.py"), "'word2vec.py' is a path"),
        (["sigmoid"], "a file must be a module or the names that it defines, but is list"),
    ],
)
def test_a_file_that_was_not_run_is_refused(file, sentence):
    with pytest.raises(InputError, match=sentence):
        grade(file, edition="2019")

"""Mutation testing: each of many small mistakes, made in a copy of the package, must make a test fail.

    python tests/mutants.py --each 15 --seed 1 --out mutants.json [MODULE ...]
    python tests/mutants.py --again mutants.json --out again.json

MODULE is a file or a folder of ``src/lexigrad``, such as ``evaluation`` or ``kernels/draws.py``; without one all that
`TESTS` names are taken. Of each file ``--each`` mistakes are drawn by the seed. ``--again`` tries only those that no
test noticed before. The result says of each mutant its place, the line before and after, and whether it was killed:
by a test that fails, or by the limit on time, which is some times what the tests take without a mistake.

The tests run without real texts, one process at a time, the tests of a file's own folder alone. A mistake in
``kernels/`` has all its kernels compiled anew, tens of seconds each time; these go to a cache of their own.
"""

# ruff: noqa: T201  # it is a command
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from mutants_made import Mutant, applied, mutants_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = Path("src", "lexigrad")

TESTS: Final[dict[str, str]] = {
    "reference.py": "test_reference.py gradcheck/test_equations.py",
    "config/trainconfig.py": "test_config.py",
    "gradcheck/classifiers.py": "gradcheck/test_classifiers.py",
    "gradcheck/equations.py": "gradcheck",
    "gradcheck/students": "gradcheck/students",
    "gradcheck/kernels.py": "kernels/test_kernels.py",
    "kernels/draws.py": "kernels/test_draws.py",
    "kernels/losses.py": "training/loss",
    "kernels/counts": "corpus/windows",
    "kernels/exact": "training/exact/test_exact.py",
    "kernels/sgd/batches.py": "training/sgd/test_naive_softmax.py",
    "kernels/sgd": "kernels/test_kernels.py kernels/test_draws.py training/test_train.py",
    "corpus/vocabulary.py": "corpus/test_vocabulary.py",
    "corpus/windows": "corpus/windows",
    "training/sgd/stepsize.py": "training/sgd/test_stepsize.py",
    "training/sgd/naive_softmax.py": "training/sgd/test_naive_softmax.py",
    "training/sgd/negative_sampling.py": "training/test_train.py",
    "training/sgd": "training/sgd/test_run.py",
    "training/exact/history.py": "training/exact/test_engines.py::TestHistory",
    "training/exact/lbfgs.py": "training/exact/test_lbfgs.py training/exact/test_engines.py",
    "training/exact/tail.py": "training/exact/test_tail.py training/exact/test_exact.py",
    "training/exact": "training/exact/test_exact.py training/exact/test_engines.py",
    "training/loss/sample.py": "training/loss/test_sample.py",
    "training/loss": "training/loss/test_heldout.py",
    "evaluation/intervals.py": "evaluation/test_intervals.py evaluation/test_stability.py",
    "evaluation/scores.py": "evaluation/test_evaluate.py cli/test_commands.py",
    "evaluation/classifiers.py": "evaluation/test_classifiers.py evaluation/test_sentiment.py",
    "evaluation/columns.py": "evaluation/test_confusion.py evaluation/test_erroranalysis.py",
    "evaluation/mistakes.py": "evaluation/test_erroranalysis.py evaluation/test_sentiment.py",
    "evaluation/sentimentresult.py": "evaluation/test_sentiment.py",
    "evaluation/sentencevectors.py": "evaluation/test_sentencevectors.py evaluation/test_sentiment.py",
    "evaluation": "evaluation/test_{name}.py",
    "vectors/formats/arrow.py": "vectors/formats/test_arrow.py",
    "vectors/formats/fasttext.py": "vectors/formats/test_fasttext.py vectors/test_subwords.py",
    "vectors/formats/gensim": "vectors/formats/gensim hostile/test_gensim.py",
    "vectors/formats/loading.py": "vectors/formats/test_formats.py vectors/formats/test_fasttext.py compat/hub",
    "vectors/formats/npz.py": "vectors/formats/test_npz.py",
    "vectors/formats/registry.py": "vectors/formats",
    "vectors/formats/safetensors.py": "vectors/formats/test_formats.py vectors/test_precision.py",
    "vectors/formats": "vectors/formats/test_formats.py vectors/formats/test_hostile.py",
}
"""The tests of a file, or of all other files of a folder, the fastest first; ``{name}`` is the file's name."""

FORK: Final = multiprocessing.get_context("fork")
LIBRARIES: Final = (
    "numpy",
    "scipy.stats",
    "numba",
    "hypothesis",
    "pytest",
    "autograd",
    "sklearn.neural_network",
)
"""Libraries that are imported once for all mutants: to import them takes longer than most tests."""

LEFT_OUT: Final = "not hash_seed and not compile_cache and not freshly_compiled and not processors"
"""Tests that compile all kernels anew, by words of their names; other tests see the same mistakes."""

COPIED: Final = ("src", "tests", "docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")
NO_TESTS: Final = 5
"""The status of pytest when it finds no test."""

SLOWER: Final = 5
"""A test that takes so many times as long as all tests of its file without a mistake hangs."""

SPARE_SECONDS: Final = 60
MOST_SECONDS: Final = 3_600
COMPILING_SECONDS: Final = 600
"""What a mistake in a kernel may take besides, for all kernels to be compiled."""


@dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    module: str
    line: int
    operator: str
    before: str
    after: str
    outcome: str
    seconds: float

    @property
    def identity(self) -> tuple[str, ...]:
        """What the mutant is, wherever its line has moved to."""
        return self.module, self.operator, self.before, self.after


class Workplace:
    """A copy of the project, in which one file at a time is mistaken.

    Args:
        folder: where the copy lies; kept for the next run, so that the kernels are compiled once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            shutil.rmtree(folder / name, ignore_errors=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)

    def outcome(self, module: str, source: str, seconds: float) -> str:
        """``survived``, ``killed`` or ``killed by time``: what the tests say when a module has this source."""
        path = self.folder / PACKAGE / module
        right, compiled = path.read_text(encoding="utf-8"), Path(cache_from_source(str(path)))
        is_kernel = source != right and module.startswith("kernels/")
        kernels = self.folder / ("kernels-of-mutants" if is_kernel else "kernels")
        compiled.unlink(missing_ok=True)  # Python would know the mutant by its time and size alone
        path.write_text(source, encoding="utf-8")
        try:
            return self._run(tests_of(module), seconds, kernels)
        finally:
            path.write_text(right, encoding="utf-8")
            compiled.unlink(missing_ok=True)
            shutil.rmtree(self.folder / "kernels-of-mutants", ignore_errors=True)

    def _run(self, tests: Sequence[str], seconds: float, kernels: Path) -> str:
        run = FORK.Process(target=_test, args=(self.folder, tests, kernels))
        run.start()
        run.join(seconds)
        status = run.exitcode
        with suppress(ProcessLookupError):  # whatever the tests started ends with them
            os.killpg(cast("int", run.pid), signal.SIGKILL)
        run.join()
        if status == NO_TESTS:
            raise LookupError(f"there are no tests in {' '.join(tests)}")
        return "killed by time" if status is None else "killed" if status else "survived"


def _test(folder: Path, tests: Sequence[str], kernels: Path) -> None:
    """Run tests, in a process that has imported the large libraries already."""
    import pytest
    from numba.core import config

    os.setsid()
    os.chdir(folder)
    with (folder / "output.txt").open("w") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    data, source = str(folder / "no-data"), str(folder / "src")
    os.environ |= {"PYTHONPATH": source, "LEXIGRAD_DATA": data, "NUMBA_CACHE_DIR": str(kernels)}
    config.reload_config()
    sys.path[0] = source
    known = "ignore::pytest.PytestAssertRewriteWarning"  # of plugins among the libraries that are imported already
    sys.exit(pytest.main(["-x", "-W", known, "-p", "no:cacheprovider", "--hypothesis-seed=0", "-k", LEFT_OUT, *tests]))


def main() -> None:
    """Try the mutants, and write what became of them after each one."""
    options = _options()
    for name in LIBRARIES:
        import_module(name)
    workplace = Workplace(options.folder)
    found = list(_chosen(options))
    print(f"{sum(len(mutants) for _, mutants in found)} mutants of {len(found)} files")
    results: list[Result] = []
    for module, mutants in found:
        results += _of_module(workplace, module, mutants)
        options.out.write_text(json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False) + "\n")
        survived = sum(result.outcome == "survived" for result in results)
        print(f"{len(results)} tried, {survived} survived", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/mutants.py", description="Mutation testing.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a file or folder of src/lexigrad")
    parser.add_argument("--each", type=int, default=15, help="how many mutants of each file")
    parser.add_argument("--seed", type=int, default=1, help="draws the mutants")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try those that survived in this result")
    parser.add_argument("--out", type=Path, default=Path("mutants.json"), help="the result")
    usual = Path(tempfile.gettempdir(), "lexigrad-mutants")
    parser.add_argument("--folder", type=Path, default=usual, help="where the copy of the project lies")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Iterator[tuple[str, list[Mutant]]]:
    """The files, and the mutants of each."""
    again = None
    if options.again is not None:
        before = [Result(**each) for each in json.loads(options.again.read_text())]
        again = {result.identity for result in before if result.outcome == "survived"}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        module = path.relative_to(ROOT / PACKAGE).as_posix()
        is_asked = not options.modules or any(f"{module}/".startswith(f"{name}/") for name in options.modules)
        if path.name == "__init__.py" or not is_asked or not tests_of(module):
            continue
        source = path.read_text(encoding="utf-8")
        mutants = mutants_of(source)
        if again is None:
            draws = random.Random(f"{options.seed} {module}")
            mutants = draws.sample(mutants, min(options.each, len(mutants)))
        else:
            mutants = [each for each in mutants if _result(module, source, each, "", 0.0).identity in again]
        if mutants:
            yield module, sorted(mutants, key=lambda mutant: mutant.start)


def tests_of(module: str) -> list[str]:
    """The tests of a file, with the examples in its docstrings last; none where none are named."""
    place = next((place for place in TESTS if f"{module}/".startswith(f"{place}/")), None)
    if place is None:
        return []
    name = module.removesuffix(".py").replace("/", ".")
    examples = f"test_docs.py::test_the_examples_in_docstrings_hold[lexigrad.{name}]"
    return [f"tests/{each}" for each in (*TESTS[place].format(name=Path(module).stem).split(), examples)]


def _of_module(workplace: Workplace, module: str, mutants: list[Mutant]) -> Iterator[Result]:
    """Try the mutants of a file, after its tests have passed without a mistake."""
    source = (ROOT / PACKAGE / module).read_text(encoding="utf-8")
    started = time.monotonic()
    if workplace.outcome(module, source, MOST_SECONDS) != "survived":
        raise AssertionError(f"the tests of {module} fail without a mistake; {workplace.folder}/output.txt says why")
    limit = SPARE_SECONDS + SLOWER * (time.monotonic() - started)
    limit += COMPILING_SECONDS if module.startswith("kernels/") else 0
    for mutant in mutants:
        started = time.monotonic()
        outcome = workplace.outcome(module, applied(source, mutant), limit)
        result = _result(module, source, mutant, outcome, time.monotonic() - started)
        print(f"{result.outcome}: {module}:{result.line} ({result.operator})", flush=True)
        if outcome == "survived":
            print(f"    {result.before}\n    {result.after}", flush=True)
        yield result


def _result(module: str, source: str, mutant: Mutant, outcome: str, seconds: float) -> Result:
    """A result, with the lines that the mutant changes."""
    start = source.encode()[: mutant.start].decode()
    last, changed = source.encode()[: mutant.stop].decode(), start + mutant.text
    before, after = (
        " ".join(" ".join(text.splitlines()[mutant.line - 1 : end.count("\n") + 1]).split())
        for text, end in ((source, last), (applied(source, mutant), changed))
    )
    return Result(module, mutant.line, mutant.operator, before, after, outcome, round(seconds, 1))


if __name__ == "__main__":
    main()

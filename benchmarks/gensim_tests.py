"""Runs gensim's own tests of Word2Vec, KeyedVectors and Phrases against `lexigrad.compat.gensim`.

    pip install '.[benchmarks]'
    pip download gensim==4.4.0 --no-deps --no-binary :all:        # and unpack it
    python benchmarks/gensim_tests.py SOURCE_FOLDER --output benchmarks/results/gensim_tests.json

SOURCE_FOLDER is the unpacked source package. Its test files are run as they are; nothing of them is kept here. While
they run, ``gensim.models.word2vec``, ``gensim.models.keyedvectors`` and ``gensim.models.phrases`` are lexigrad's; the
other modules that the tests use (``gensim.utils``, ``gensim.test.utils``) are those of the installed gensim.

REASONS says of each test that does not pass why. A test that fails and is not there, or is there and passes, makes the
script exit with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import logging
import sys
import types
import unittest
import warnings
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import gensim.models
import gensim.models.keyedvectors
import gensim.test.utils

import lexigrad.compat.gensim as shim
from lexigrad.compat.gensim import phrases
from lexigrad.files.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("test_word2vec", "test_keyedvectors", "test_phrases")

SHIMMED = ("gensim.models.word2vec", "gensim.models.keyedvectors", "gensim.models.phrases")

HELPERS = ("REAL", "pseudorandom_weak_vector")
"""The names that tests take from gensim's module to make random vectors; they have no part in the code tested."""

LACKING = {
    "hs": "trains by hierarchical softmax (hs=1), or scores a model of it; lexigrad does not have it",
    "wmd": "asks for word mover's distance, for which lexigrad has no optimal-transport library",
}
"""Features that lexigrad does not have. A test that uses one on the way to others counts here, as it stops there."""

OWN = {
    "private": "calls a private function of gensim's, with the size of its reading buffer as an argument",
    "pickle": "loads phrases that gensim pickled; they are refused, as our reader of gensim's files reads vectors only",
    "scorer": "saves a scoring function, which no file of lexigrad's keeps, and expects it back",
    "cbow": "CBOW on 889 words, where shared negatives make ours noisier: a neighbor is to be among the first 6, and "
    "comes 1st to 10th for seeds 1 to 8, where gensim's comes 1st to 3rd",
}
"""Other reasons: the feature is there, and the test asks for more or for something else."""

ASIDE = {
    "process": "runs gensim itself in another process, where the names lead to gensim",
    "compiled": "tests a reader compiled into gensim, not the shim",
}
"""Why a test is not run: its outcome would say nothing of the shim."""

MODEL = "test_word2vec.TestWord2VecModel.test_"
HIERARCHICAL = (
    "build_vocab_from_freq",
    "cbow_fixedwindowsize",
    "cbow_hs",
    "cbow_hs_fromfile",
    "cbow_hs_online",
    "compute_training_loss",
    "cosmul",
    "locking",
    "online_learning",
    "online_learning_from_file",
    "persistence_backwards_compatible",
    "predict_output_word",
    "prune_vocab",
    "scoring",
    "sg_fixedwindowsize_fromfile",
    "sg_hs",
    "sg_hs_fromfile",
    "sg_hs_online",
    "similar_by",
    "train_hs_and_neg",
    "train_with_explicit_param",
    "training",
    "training_cbow",
    "training_from_file",
    "vocab",
)
REASONS = {
    **{MODEL + name: "hs" for name in HIERARCHICAL},
    **{f"test_word2vec.TestWMD.test_{name}": "wmd" for name in ("identical_sentences", "nonzero", "symmetry")},
    **{
        f"test_keyedvectors.LoadWord2VecFormatTest.test_load_word2vec_format_{name}": "private"
        for name in ("basic", "limit", "space_stripping")
    },
    **{
        f"test_phrases.Test{kind}Persistence.test_save_load_{name}": "pickle"
        for kind in ("Phrases", "FrozenPhrases")
        for name in ("no_common_terms", "no_scoring", "string_scoring")
    },
    **{
        f"test_phrases.Test{kind}Persistence.test_save_load_custom_scorer": "scorer"
        for kind in ("Phrases", "FrozenPhrases")
    },
    "test_phrases.TestFrozenPhrasesModelCompatibility.test_compatibility": "pickle",
    MODEL + "parallel": "cbow",
    "test_word2vec.TestWord2VecScripts.test_word2vec_stand_alone_script": "process",
    "test_word2vec.TestWord2VecSentenceIterators.test_cython_line_sentence_works_with_filename": "compiled",
}
"""For each test that does not pass, or is not run, the reason: a key of ``LACKING``, ``OWN`` or ``ASIDE``."""


class Outcomes(unittest.TestResult):
    """The outcome of each test, by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, tuple[str, str]] = {}

    def addSuccess(self, test: unittest.TestCase) -> None:
        """Keep a test that passed."""
        self.of[name_of(test)] = "passed", ""

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """Keep a test that gensim itself skipped."""
        self.of[name_of(test)] = "skipped", reason

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """Keep a test whose assertion does not hold."""
        self.of[name_of(test)] = "failed", f"{err[0].__name__}: {err[1]}"

    def addError(self, test: Any, err: Any) -> None:
        """Keep a test that raised another exception."""
        self.addFailure(test, err)


def main() -> None:
    """Run, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--only", help="run only tests whose names hold this; judges nothing")
    options = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())  # else the last resort prints all warnings
    warnings.simplefilter("ignore")
    folder = options.source / "gensim" / "test"
    install_shim(folder)
    began = perf_counter()
    outcomes: dict[str, tuple[str, str]] = {}
    for name in FILES:
        outcomes |= run(folder / f"{name}.py", options.only)
    for name, (outcome, message) in outcomes.items():
        if outcome != "passed":
            print(f"{outcome:8} {name}: {REASONS.get(name, 'NOT LISTED')}: {message[:200]}")
    if options.only:
        return
    results = summary(outcomes, folder)
    print(json.dumps(results["counts"], indent=1), f"{perf_counter() - began:.0f} s", sep="\n")
    if options.output is not None:
        with atomic_write(options.output) as file:
            file.write((json.dumps(results, indent=1) + "\n").encode())
    sys.exit(bool(faults(outcomes)))


def install_shim(folder: Path) -> None:
    """Let gensim's names lead to the shim, and its test data to those of the source package."""
    gensim.test.utils.module_path = str(folder)
    ours = {name: getattr(shim, name) for name in shim.__all__}
    ours |= {name: getattr(gensim.models.keyedvectors, name) for name in HELPERS}
    for name in SHIMMED:
        module = types.ModuleType(name)
        names = vars(phrases) if name.endswith("phrases") else ours
        vars(module).update({key: value for key, value in names.items() if not key.startswith("__")})
        sys.modules[name] = module
        setattr(gensim.models, name.rpartition(".")[2], module)
    for name in ("Word2Vec", "KeyedVectors", "Phrases"):
        setattr(gensim.models, name, getattr(shim, name))


def run(path: Path, only: str | None) -> dict[str, tuple[str, str]]:
    """The outcomes of a file of tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)  # where functions are found by name
    spec.loader.exec_module(module)
    check_names(module)
    outcomes = Outcomes()
    for test in tests_in(unittest.defaultTestLoader.loadTestsFromModule(module)):
        name = name_of(test)
        if only and only not in name:
            continue
        if REASONS.get(name) in ASIDE:
            outcomes.of[name] = "not run", ASIDE[REASONS[name]]
        else:
            test.run(outcomes)
    return outcomes.of


def check_names(module: types.ModuleType) -> None:
    """Make sure that the tests have imported the shim's names, and none of gensim's that the shim stands for."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) in SHIMMED and name not in HELPERS:
            raise AssertionError(f"{module.__name__} tests gensim's own {name}")
        if (
            isinstance(value, types.ModuleType)
            and value.__name__ in SHIMMED
            and value is not sys.modules[value.__name__]
        ):
            raise AssertionError(f"{module.__name__} tests gensim's own module {name}")


def tests_in(suite: Any) -> Iterator[unittest.TestCase]:
    """All tests, one after another."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def name_of(test: unittest.TestCase) -> str:
    """The module, the class and the method of a test."""
    return test.id()


def faults(outcomes: dict[str, tuple[str, str]]) -> list[str]:
    """Tests that fail without a listed reason, and listed ones that pass or are not there."""
    failed = {name for name, (outcome, _) in outcomes.items() if outcome in ("failed", "not run")}
    skipped = {name for name, (outcome, _) in outcomes.items() if outcome == "skipped"}  # such as for want of POT
    return sorted((failed ^ set(REASONS)) - skipped)


def summary(outcomes: dict[str, tuple[str, str]], folder: Path) -> dict[str, Any]:
    """The number of tests that passed, of all and of those on features that lexigrad has, and why others did not."""

    def named(outcome: str) -> list[str]:
        return sorted(name for name, (found, _) in outcomes.items() if found == outcome)

    passed, failed = named("passed"), named("failed")
    lacking = [name for name in failed if REASONS.get(name) in LACKING]
    tried, had = len(passed) + len(failed), len(passed) + len(failed) - len(lacking)
    reasons = LACKING | OWN | ASIDE
    counts = {
        "passed": len(passed),
        "failed": len(failed),
        "failed for a feature that lexigrad lacks": len(lacking),
        "skipped by gensim": len(named("skipped")),
        "not run": len(named("not run")),
        "share of all that were run": round(len(passed) / tried, 4),
        "share of those on features that lexigrad has": round(len(passed) / had, 4),
        "unexplained": faults(outcomes),
    }
    return {
        "counts": counts,
        "versions": {name: version(name) for name in ("gensim", "numpy")},
        "tests": {name: hashlib.sha256((folder / f"{name}.py").read_bytes()).hexdigest() for name in FILES},
        "not passed": {
            name: {"outcome": outcome, "reason": reasons.get(REASONS.get(name, ""), message)}
            for name, (outcome, message) in sorted(outcomes.items())
            if outcome != "passed"
        },
        "passed": passed,
    }


if __name__ == "__main__":
    main()

"""The shape of the package: who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import lexigrad

PACKAGE = Path(lexigrad.__file__).parent

# Later layers import earlier ones; modules of one layer may import each other, but not in a circle.
LAYERS = [
    {"errors", "losses"},
    {
        "anycase",
        "config",
        "files",
        "reference",
        "gradcheck",
        "sampling",
        "report",
        "bootstrap",
        "evaluationsets",
        "labels",
        "npyarrays",
        "progress",
        "records",
        "remote",
        "signals",
        "strings",
        "temporary",
        "kernels",
        "engines",
    },
    {"formats.native"},
    {"classifiers", "vocabulary", "search", "approximate", "keyedvectors", "projection", "treebank"},
    {"subwords", "subwordvectors", "reduction"},
    {
        "analogies",
        "scores",
        "evaluation",
        "stability",
        "sentencevectors",
        "sentiment",
        "plotstyle",
        "resultplots",
        "plots",
        "explorer",
    },
    {
        "sources",
        "unpacking",
        "sentences",
        "itemids",
        "columns",
        "tables",
        "tokenizing",
        "textsources",
        "encoding",
        "corpusfile",
        "corpus",
        "corpusreading",
        "candidates",
        "collocations",
        "splitting",
        "formats",
        "phrases",
    },
    {"model", "checkpoints", "countsfile", "counting", "windowcounts", "kernelcheck", "course"},
    {"pairloss", "heldout", "bestbias", "losssample", "further", "distributed"},
    {"monitor", "sgd", "softmaxsgd", "stepsize", "training"},
    {"replicas"},
    {"exact"},
    {"trainer"},
    {"seeds", "demo", "console", "estimator", "hub", "planning"},
    {"compat"},
    {"commands"},
    {"cli"},
]
MAKERS = {
    "candidates",
    "checkpoints",
    "columns",
    "collocations",
    "corpus",
    "corpusfile",
    "corpusreading",
    "counting",
    "further",
    "countsfile",
    "distributed",
    "encoding",
    "estimator",
    "exact",
    "kernels",
    "kernelcheck",
    "model",
    "reference",
    "replicas",
    "gradcheck",
    "bestbias",
    "heldout",
    "itemids",
    "losssample",
    "monitor",
    "pairloss",
    "planning",
    "sampling",
    "seeds",
    "splitting",
    "stepsize",
    "course",
    "sgd",
    "softmaxsgd",
    "tables",
    "textsources",
    "tokenizing",
    "trainer",
    "training",
    "windowcounts",
}
HEAVY = {
    "numpy",
    "numba",
    "llvmlite",
    "safetensors",
    "rich",
    "gensim",
    "ray",
    "scipy",
    "sklearn",
    "matplotlib",
    "pyarrow",
    "usearch",
    "fsspec",
}
READERS = {
    "keyedvectors",
    "search",
    "formats",
    "analogies",
    "anycase",
    "approximate",
    "bootstrap",
    "classifiers",
    "evaluation",
    "evaluationsets",
    "explorer",
    "labels",
    "npyarrays",
    "plots",
    "plotstyle",
    "projection",
    "reduction",
    "resultplots",
    "scores",
    "sentencevectors",
    "sentiment",
    "stability",
    "subwords",
    "subwordvectors",
    "treebank",
}


def imported_modules(source: str, package: str = "lexigrad") -> set[str]:
    """The full names of all modules that a module's source imports, at any depth; relative names count as its own."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            found |= {f"{package}.{name.name}" for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(f"{package}.{node.module}" if node.level else str(node.module))
    return found


@cache
def imports() -> dict[str, set[str]]:
    """For each module of the package, by its first name below it, everything that it imports."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        module = below_the_package(["lexigrad", *path.relative_to(PACKAGE).with_suffix("").parts])
        if module not in {"__init__", "__main__"}:
            found.setdefault(module, set()).update(imported_modules(path.read_text(encoding="utf-8")))
    return found


def inner(names: set[str]) -> set[str]:
    """Of imported names, the first names below the package."""
    return {below_the_package(name.split(".")) for name in names if name.startswith("lexigrad.")}


def below_the_package(parts: list[str]) -> str:
    """The first name of a module below the package; the container of files stands for itself."""
    return ".".join(parts[1:]) if parts[1:] == ["formats", "native"] else parts[1]


def test_the_walk_sees_imports_at_the_top_in_functions_and_under_type_checking() -> None:
    source = (
        "import a.b\nfrom lexigrad import x\nif TYPE_CHECKING:\n    from lexigrad.y import Y\ndef f():\n    import c\n"
    )
    assert imported_modules(source) == {"a.b", "lexigrad.x", "lexigrad.y", "c"}


def test_every_module_has_a_layer() -> None:
    assert set(imports()) == set().union(*LAYERS)


def test_imports_go_one_way() -> None:
    layer_of = {module: layer for layer, modules in enumerate(LAYERS) for module in modules}
    against = [
        f"{module} imports {other}"
        for module, names in imports().items()
        for other in inner(names) - {"__version__"}
        if other in layer_of and layer_of[other] > layer_of[module]
    ]
    assert against == []


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    left = {module: inner(names) - {module} for module, names in imports().items()}
    while leaves := {module for module, needs in left.items() if not needs & set(left)}:
        left = {module: needs for module, needs in left.items() if module not in leaves}
    assert left == {}


def test_reference_knows_numpy_and_the_errors_only() -> None:
    outside = {name.split(".")[0] for name in imports()["reference"]} - set(sys.stdlib_module_names)
    assert outside == {"numpy", "lexigrad"}
    assert inner(imports()["reference"]) == {"errors"}


def test_no_kernel_imports_the_reference_that_it_is_compared_with() -> None:
    assert not inner(imports()["kernels"]) & {"reference", "gradcheck", "kernelcheck"}
    assert {"kernels", "reference"} <= inner(imports()["kernelcheck"])


def test_what_reads_vectors_does_not_know_how_they_are_made() -> None:
    assert {module: inner(imports()[module]) & MAKERS for module in READERS} == {module: set() for module in READERS}


def test_numba_is_imported_by_kernels_only() -> None:
    assert {module for module, names in imports().items() if any(n.split(".")[0] == "numba" for n in names)} == {
        "kernels"
    }


@pytest.mark.parametrize(
    "code",
    [
        "import lexigrad",
        "import lexigrad; dir(lexigrad); lexigrad.TrainConfig(); lexigrad.LexigradError",
        "from lexigrad.cli.main import main; main(['--help'], standalone_mode=False)",
        "from lexigrad.cli.main import main; main(['train', '--help'], standalone_mode=False)",
    ],
)
def test_importing_and_asking_for_help_load_nothing_heavy(code: str) -> None:
    ask = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert loaded & HEAVY == set()


def test_a_corpus_loads_nothing_of_vectors_and_of_their_files_the_container_only() -> None:
    ask = "import lexigrad.corpus.corpus, json, sys; print(json.dumps([*sys.modules]))"
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    loaded = {name for name in json.loads(run.stdout) if name.startswith("lexigrad.")}
    assert "lexigrad.corpus.corpus" in loaded
    assert {name for name in loaded if name.startswith("lexigrad.vectors.formats.")} == {"lexigrad.files.tensors"}
    assert inner(loaded) & READERS == {"formats"}


def test_the_container_knows_nothing_of_what_it_holds() -> None:
    source = (PACKAGE / "formats" / "native.py").read_text(encoding="utf-8")
    assert inner(imported_modules(source)) == {"errors", "files"}


def test_the_public_surface_is_this() -> None:
    assert sorted(lexigrad.__all__) == [
        "Callback",
        "Checkpoints",
        "ConfigError",
        "Corpus",
        "CorpusError",
        "EngineError",
        "FormatError",
        "GradientError",
        "HeldOutLoss",
        "InputError",
        "KeyedVectors",
        "LexigradError",
        "MissingExtraError",
        "Phrases",
        "ReadingReport",
        "ReductionLoss",
        "SentenceVectorizer",
        "StanfordSentiment",
        "SubwordVectors",
        "TrainConfig",
        "TrainProgress",
        "UnknownWordError",
        "VectorsSet",
        "Vocabulary",
        "WindowCounts",
        "Word2Vec",
        "__version__",
        "best_bias",
        "classify_sentiment",
        "compare",
        "count_windows",
        "course",
        "evaluate_analogies",
        "evaluate_similarity",
        "gradcheck",
        "held_out_loss",
        "learn_phrases",
        "load_vectors",
        "plots",
        "read_corpus",
        "reduction_loss",
        "reference",
        "save_hub",
        "save_vectors",
        "stability",
        "train",
        "train_seeds",
    ]
    assert dir(lexigrad) == sorted(lexigrad.__all__)


@pytest.mark.parametrize("name", lexigrad.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(lexigrad, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'embed'"):
        lexigrad.embed  # noqa: B018

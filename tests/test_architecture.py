"""The house keeps its laws: who may import whom, what files are called, how long they are, and what importing costs.

Each law has a test beside it in which a small package breaks it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from laws import (
    COMPARE_LOSSES,
    CORE_LINES,
    EXCEPTIONS,
    INSIDE,
    LIBRARIES,
    LISTED_MODULES,
    ORDER,
    PRIVATE,
    PRIVATE_NAMES,
    SAME_NAME,
    VIEW_MAY_KNOW,
    against,
    core_lines,
    from_inside,
    held,
    hidden,
    imported_from,
    inner_name,
    is_in,
    is_there,
    left_over,
    other_libraries,
    outside_of,
    strange_pairs,
    strangers,
    told_apart,
    too_long,
    top_modules,
    without_place,
)
from structure import FILE_LINES, PARAMETERS
from structure_imports import circles, graph_of_files, modules, shared_names, top_names
from structure_made import made_package
from structure_runs import loaded_by, of_vectors
from structure_sizes import above, file_lines, parameters
from structure_uses import private_names

import lexigrad

PACKAGE: Final = Path(lexigrad.__file__).parent
ROOT: Final = Path(__file__).parent.parent


def test_an_exception_is_needed_and_nothing_else_is_excepted() -> None:
    held(["a", "b"], {"a": "why", "b": "why"})
    with pytest.raises(AssertionError, match="'b'"):
        held(["a", "b"], {"a": "why"})
    with pytest.raises(AssertionError, match="no longer needed"):
        held(["a"], {"a": "why", "b": "why"})


@pytest.mark.parametrize("law", EXCEPTIONS)
def test_every_exception_has_a_reason(law: str) -> None:
    assert all(reason.strip() for reason in EXCEPTIONS[law].values())


# -------------------- the order of imports


def test_every_folder_has_its_place() -> None:
    assert without_place(PACKAGE, ORDER) == []
    assert {place for row in ORDER for place in row} == set(top_names(PACKAGE))


@pytest.mark.parametrize("within", INSIDE)
def test_every_module_of_the_largest_folders_has_its_place(within: str) -> None:
    assert without_place(PACKAGE, INSIDE[within], within) == []
    names = [name for name in map(inner_name, modules(PACKAGE)) if name.startswith(f"{within}.")]
    empty = [
        place for row in INSIDE[within] for place in row if not any(is_in(n, [f"{within}.{place}"]) for n in names)
    ]
    assert empty == []


def test_imports_go_one_way() -> None:
    assert against(PACKAGE, ORDER) == []


@pytest.mark.parametrize("within", INSIDE)
def test_imports_go_one_way_inside_the_largest_folders(within: str) -> None:
    assert against(PACKAGE, INSIDE[within], within) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(graph_of_files(PACKAGE)) == []


def test_an_import_against_the_order_is_found(tmp_path: Path) -> None:
    order = (("low",), ("one", "other"), ("high",))
    files = {
        "low/a.py": "def f():\n    import house.high",
        "one.py": "if TYPE_CHECKING:\n    from house.other import x",
        "other.py": "from house.low import a",
        "high.py": "from house import one",
        "new.py": "",
    }
    folder = made_package(tmp_path, files)
    assert against(folder, order) == ["low.a imports high", "one imports other"]
    assert without_place(folder, order) == ["new"]


def test_an_import_against_the_order_inside_a_folder_is_found(tmp_path: Path) -> None:
    order = (("b.first",), ("a",), ("b",))
    files = {
        "x/b/first.py": "import house.x.a",
        "x/a.py": "import house.x.b.first\nimport house.x.b.last",
        "x/b/last.py": "",
    }
    folder = made_package(tmp_path, {**files, "x/c.py": ""})
    assert against(folder, order, "x") == ["x.a imports x.b.last", "x.b.first imports x.a"]
    assert without_place(folder, order, "x") == ["c"]


def test_a_circle_of_files_is_found(tmp_path: Path) -> None:
    folder = made_package(tmp_path, {"a/x.py": "import house.a.y", "a/y.py": "def f():\n    import house.a.x"})
    assert circles(graph_of_files(folder)) == [["house.a.x", "house.a.y"]]


# -------------------- who knows whom


def test_corpora_and_vectors_know_nothing_of_each_other() -> None:
    assert imported_from(PACKAGE, "corpus", ["vectors"]) == []
    assert imported_from(PACKAGE, "vectors", ["corpus"]) == []


def test_importing_corpora_loads_nothing_of_vectors() -> None:
    assert of_vectors(PACKAGE, loaded_by(PACKAGE, "corpus")) == []


def test_the_reference_knows_numpy_and_the_errors_only() -> None:
    assert other_libraries(PACKAGE, "reference") == {"numpy"}
    assert imported_from(PACKAGE, "reference") == ["errors"]


def test_kernels_know_nothing_of_the_package_least_of_all_the_reference() -> None:
    assert imported_from(PACKAGE, "kernels") == []
    assert {"kernels", "reference"} <= {name.split(".")[0] for name in imported_from(PACKAGE, "gradcheck")}


def test_pictures_know_of_training_its_progress_alone() -> None:
    assert [name for name in imported_from(PACKAGE, "view", ["training"]) if name != VIEW_MAY_KNOW] == []


def test_who_knows_whom_is_found(tmp_path: Path) -> None:
    files = {
        "a/x.py": "import numpy\nimport json\nfrom house.b import y",
        "b/y.py": "",
        "c.py": "",
        "a/z.py": "import house.a.x",
    }
    folder = made_package(tmp_path, files)
    assert imported_from(folder, "a") == imported_from(folder, "a", ["b"]) == ["b.y"]
    assert imported_from(folder, "a", ["c"]) == []
    assert other_libraries(folder, "a.x") == {"numpy"}


# -------------------- other libraries


def test_other_libraries_are_imported_in_their_places_only() -> None:
    held(strangers(PACKAGE, LIBRARIES), EXCEPTIONS["libraries"])


def test_private_names_of_other_libraries_are_in_their_places_only() -> None:
    held(outside_of(PACKAGE, PRIVATE), EXCEPTIONS["private names"])


def in_their_places() -> list[str]:
    """The private names in the folders that may have them."""
    everywhere = {name for names in private_names(PACKAGE).values() for name in names}
    return sorted(name for name in everywhere if not name.startswith(("llvmlite", "._sklearn")))


@pytest.mark.parametrize("name", in_their_places())
def test_a_private_name_is_there(name: str) -> None:
    """In the version of the library that is installed; if not, what uses it needs another way."""
    is_there(name, PRIVATE_NAMES)


def test_a_library_out_of_its_place_is_found(tmp_path: Path) -> None:
    folder = made_package(tmp_path, {"kernels/a.py": "import numba", "b.py": "def f():\n    from numba import njit"})
    assert strangers(folder, LIBRARIES) == ["b imports numba"]


def test_a_private_name_out_of_its_place_is_found(tmp_path: Path) -> None:
    source = "from numba.core import cgutils"
    folder = made_package(tmp_path, {"kernels/compiler/a.py": source, "kernels/b.py": source, "c.py": "def f(x): x._y"})
    assert outside_of(folder, PRIVATE) == ["c: ._y", "kernels.b: numba.core.cgutils"]


def test_a_private_name_that_went_is_found() -> None:
    is_there("json.decoder", {})
    is_there("._x", {"._x": ("json:JSONDecoder.decode", "raw_decode")})
    with pytest.raises(ImportError):
        is_there("json.nothing", {})
    with pytest.raises(AssertionError):
        is_there("._x", {"._x": ("json:JSONDecoder.decode", "_nothing")})


# -------------------- names and sizes


def test_two_files_have_the_same_name_only_where_one_is_the_other_one_layer_on() -> None:
    assert strange_pairs(shared_names(PACKAGE), SAME_NAME) == []


def test_no_package_hands_on_a_name_that_one_of_its_modules_has() -> None:
    assert hidden(PACKAGE) == []


def test_a_name_of_a_module_that_is_handed_on_is_found(tmp_path: Path) -> None:
    files = {"a/__init__.py": "from house.a.b import b\n__all__ = ['b', 'c']", "a/b.py": "def b(): ...", "c.py": ""}
    assert hidden(made_package(tmp_path, files)) == ["house.a.b"]


def test_files_are_short() -> None:
    held(above(file_lines(PACKAGE), FILE_LINES), EXCEPTIONS["lines of a file"])


def test_functions_are_short() -> None:
    held(too_long(PACKAGE), EXCEPTIONS["lines of a function"])


def test_functions_have_few_parameters() -> None:
    held(above(parameters(PACKAGE), PARAMETERS), EXCEPTIONS["parameters"])


def test_the_core_keeps_its_size() -> None:
    lines = core_lines(PACKAGE)
    assert lines <= CORE_LINES, f"the core has {lines:,} lines; raise CORE_LINES in tests/laws.py, and say why"


def test_a_name_that_the_list_lacks_is_found() -> None:
    known = {"a": ("x/a y/a", "the kernel"), "gone": ("x/gone y/gone", "the kernel")}
    assert strange_pairs({"a": ["x/a.py", "y/a.py"], "new": ["x/new.py", "y/new.py"]}, known) == ["gone", "new"]
    assert strange_pairs({"a": ["x/a.py", "z/a.py"]}, known) == ["a", "gone"]


def test_what_is_too_long_is_found(tmp_path: Path) -> None:
    plain = "def f():\n" + 40 * "    x = 1\n"
    emitting = "def g(builder):\n" + 59 * "    x = 1\n"
    many = f"def h({', '.join(f'x{n}' for n in range(9))}): ...\n"
    folder = made_package(tmp_path, {"a.py": plain + emitting + many + 300 * "\n", "compat/b.py": "\n" * 50})
    assert too_long(folder) == ["a.py:f"]
    assert above(parameters(folder), PARAMETERS) == {"a.py:h": 9}
    assert above(file_lines(folder), FILE_LINES) == {"a.py": 402}
    assert core_lines(folder) == 402
    longer = made_package(tmp_path / "other", {"a.py": emitting + "    x = 1\n"})
    assert too_long(longer) == ["a.py:g"]


# -------------------- everything is used, and losses know themselves


def test_everything_that_is_defined_is_used() -> None:
    held(left_over(PACKAGE), EXCEPTIONS["without a use"])


def test_losses_and_solvers_are_told_apart_by_their_records() -> None:
    held(told_apart(PACKAGE, COMPARE_LOSSES), EXCEPTIONS["losses by name"])


def test_what_only_tests_use_is_found(tmp_path: Path) -> None:
    folder = made_package(
        tmp_path, {"a.py": "def f(): ...\ndef g(): ...\ng()", "config/losses.py": "x == 'sgd'", "b.py": "x == 'sgd'"}
    )
    assert left_over(folder) == ["a.f"]
    assert told_apart(folder, COMPARE_LOSSES) == ["b.py:1"]


# -------------------- what importing costs, and what is public


HEAVY: Final = {
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
    assert top_modules(code) & HEAVY == set()


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    folder = made_package(tmp_path, {"__init__.py": "import numpy"})
    assert top_modules(f"import sys; sys.path.insert(0, {str(folder.parent)!r}); import house") & HEAVY == {"numpy"}
    assert top_modules("import json") & HEAVY == set()


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
        "SolverProgress",
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
        "count_words",
        "course",
        "evaluate_analogies",
        "evaluate_similarity",
        "gradcheck",
        "held_out_loss",
        "learn_phrases",
        "load_vectors",
        "open_engine",
        "plots",
        "read_corpus",
        "read_gensim",
        "reduction_loss",
        "reference",
        "save_hub",
        "save_vectors",
        "stability",
        "train",
        "train_seeds",
        "write_window_counts",
    ]
    assert dir(lexigrad) == sorted(lexigrad.__all__)


@pytest.mark.parametrize("name", lexigrad.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(lexigrad, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'embed'"):
        lexigrad.embed  # noqa: B018


def test_guides_import_public_names_only() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
    listed = [*(f"lexigrad.{name}" for name in lexigrad.__all__), *LISTED_MODULES]
    assert from_inside([page.read_text(encoding="utf-8") for page in pages], listed) == []


def test_a_name_from_inside_in_a_guide_is_found() -> None:
    text = "from lexigrad import train\nfrom lexigrad.training.model import Word2Vec\n"
    text += "from lexigrad.course import run_course"
    assert from_inside([text], ["lexigrad.course"]) == ["lexigrad.training.model.Word2Vec"]

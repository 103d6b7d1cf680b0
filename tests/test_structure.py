"""Each measure of a package's shape finds the fault in a small package that has it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structure import measured, public_names
from structure_imports import (
    circles,
    floors,
    graph_of_files,
    graph_of_tops,
    handed_on,
    imports,
    modules,
    shared_names,
    top_names,
)
from structure_made import made_package
from structure_runs import functions_run, loaded_by, of_vectors
from structure_sizes import above, comparisons, file_lines, function_lines, look_ups, parameters
from structure_uses import names_in_guides, private_names, unused

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def house(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Makes a package of files: ``house({"a/b.py": "import os"})``."""
    return partial(made_package, tmp_path)


def imported(folder: Path) -> set[tuple[str, str]]:
    return {(one.importer.removeprefix("house."), one.imported) for one in imports(folder)}


# -------------------- imports


def test_modules_are_named_by_their_places(house) -> None:
    folder = house({"a.py": "", "b/c.py": "", "__main__.py": ""})
    assert set(modules(folder)) == {"house", "house.a", "house.b", "house.b.c", "house.__main__"}
    assert top_names(folder) == ["a", "b"]


def test_a_changed_file_is_read_again(house) -> None:
    assert imported(house({"a.py": ""})) == set()
    assert imported(house({"a.py": "import numpy"})) == {("a", "numpy")}


@pytest.mark.parametrize(
    "source",
    [
        "import house.b.c",
        "import house.b.c as other",
        "from house.b import c",
        "from house.b.c import thing",
        "from .b import c",
        "from .b.c import thing",
        "from . import b\nfrom .b.c import thing",
        "def f():\n    from house.b.c import thing",
        "if TYPE_CHECKING:\n    from house.b.c import thing",
        "from importlib import import_module\nimport_module('house.b.c')",
        "import importlib\nimportlib.import_module('house.b.c')",
        "import house\nhouse.thing()",
        "import house as h\nh.thing()",
        "from house import thing",
        "from house import other_name",
    ],
)
def test_an_import_is_seen_in_every_form(house, source: str) -> None:
    init = "from house.b.c import thing\nfrom house.b.c import thing as other_name"
    folder = house({"__init__.py": init, "a.py": source, "b/c.py": "thing = 1"})
    assert ("a", "house.b.c") in imported(folder)


def test_relative_imports_go_up_from_where_they_stand(house) -> None:
    folder = house(
        {"a/b/c.py": "from ..d import x\nfrom . import e", "a/d.py": "", "a/b/e.py": "", "a/b/__init__.py": ""}
    )
    assert imported(folder) == {("a.b.c", "house.a.d"), ("a.b.c", "house.a.b.e")}


def test_a_relative_import_in_an_init_begins_at_its_folder(house) -> None:
    folder = house({"a/__init__.py": "from .d import x", "a/d.py": ""})
    assert imported(folder) == {("a", "house.a.d")}


def test_what_the_package_hands_on_is_of_the_module_that_defines_it(house) -> None:
    init = "if TYPE_CHECKING:\n    from house.deep.train import train\n    from house.deep import course as course"
    users = {"a.py": "from house import train, course", "b.py": "import house\nhouse.course.run()"}
    folder = house({"__init__.py": init, "deep/train.py": "def train(): ...", "deep/course.py": "", **users})
    assert handed_on(folder) == {"train": "house.deep.train.train", "course": "house.deep.course"}
    assert imported(folder) == {("a", "house.deep.train"), ("a", "house.deep.course"), ("b", "house.deep.course")}


def test_names_of_other_libraries_are_had_in_full(house) -> None:
    folder = house({"a.py": "import numpy as np\nfrom numba.core import cgutils"})
    assert imported(folder) == {("a", "numpy"), ("a", "numba.core.cgutils")}


# -------------------- their order


def test_floors_are_the_longest_chain_and_a_folder_is_one(house) -> None:
    files = {
        "errors.py": "",
        "low/a.py": "from house import errors",
        "low/b.py": "from house.low import a",
        "high.py": "def f():\n    import house.low.b",
        "aside.py": "import house.errors",
    }
    assert floors(house(files)) == ["errors", "low", "high"]


def test_a_circle_of_names_at_the_top_is_found_and_is_one_floor(house) -> None:
    folder = house({"a/x.py": "import house.b", "b.py": "import house.a.y", "a/y.py": "", "c.py": "import house.b"})
    assert circles(graph_of_tops(folder)) == [["a", "b"]]
    assert circles(graph_of_files(folder)) == []
    assert floors(folder) == ["a = b", "c"]


def test_a_circle_of_files_is_found(house) -> None:
    folder = house({"a/x.py": "def f():\n    from house.a.y import g", "a/y.py": "from house.a.x import f", "b.py": ""})
    assert circles(graph_of_files(folder)) == [["house.a.x", "house.a.y"]]
    assert circles(graph_of_tops(folder)) == []


def test_a_name_that_two_files_have_is_found(house) -> None:
    folder = house({"a/text.py": "", "b/text.py": "", "c.py": "", "a/c/d.py": ""})
    assert shared_names(folder) == {"text": ["a/text.py", "b/text.py"]}


# -------------------- sizes


def test_lines_of_files_are_counted(house) -> None:
    lines = file_lines(house({"a.py": "\n" * 401, "b.py": "x = 1\n"}))
    assert lines == {"__init__.py": 0, "a.py": 401, "b.py": 1}
    assert above(lines, 400) == {"a.py": 401}


LONG = '''
class C:
    """A class."""

    def method(self):
        """One line.

        And another.
        """
        # a comment

        x = 1
        text = """
        three lines
        """

        def inner():
            """Inner."""
            return x
        return inner
'''


def test_lines_of_code_leave_out_docstrings_comments_and_blank_lines(house) -> None:
    assert function_lines(house({"a.py": LONG})) == {"a.py:C.method": 8, "a.py:C.method.inner": 2}


def test_parameters_leave_out_self_and_cls(house) -> None:
    source = (
        "class C:\n    def f(self, a, /, b, *rest, c, **more): ...\n    @classmethod\n    def g(cls): ...\n"
        "async def h(a, b=1, *, c): ...\ndef i(): ..."
    )
    assert parameters(house({"a.py": source})) == {"a.py:C.f": 3, "a.py:C.g": 0, "a.py:h": 3, "a.py:i": 0}


@pytest.mark.parametrize(
    "source",
    [
        "loss == 'naive_softmax'",
        "'sgd' != config.solver",
        "'exact' in solvers",
        "config.solver in ('exact', 'svd')",
        "config.solver not in {'exact'}",
        "1 if loss == 'negative_sampling' else 2",
        "match loss:\n    case 'naive_softmax' | 'other':\n        pass",
    ],
)
def test_a_comparison_with_a_losss_name_is_found(house, source: str) -> None:
    line = 2 if source.startswith("match") else 1
    assert comparisons(house({"b/a.py": source})) == [f"b/a.py:{line}"]


@pytest.mark.parametrize(
    "source",
    ["f('exact')", "x = 'sgd'", "loss == 'other'", "d['exact'] = 1", "x is 'sgd'", "'exactly' in text", "{'a'}"],
)
def test_what_compares_no_losss_name_is_none(house, source: str) -> None:
    assert comparisons(house({"a.py": source})) == look_ups(house({"a.py": source})) == []


def test_a_line_with_two_comparisons_counts_once(house) -> None:
    assert comparisons(house({"a.py": "a == 'sgd' and b == 'naive_softmax'"})) == ["a.py:1"]


@pytest.mark.parametrize("source", ["{'exact': 1}[x]", "LOSSES = {'a': 1, 'naive_softmax': 2}", "found['svd']"])
def test_a_look_up_by_a_losss_name_is_found(house, source: str) -> None:
    assert look_ups(house({"a.py": source})) == ["a.py:1"]


# -------------------- private names of other libraries


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from numba.core.caching import FunctionCache", "numba.core.caching.FunctionCache"),
        ("import ray._private.services", "ray._private.services"),
        ("from numba.extending import _Intrinsic", "numba.extending._Intrinsic"),
        ("from llvmlite import ir", "llvmlite.ir"),
        ("from importlib import import_module\nimport_module('numpy._core')", "numpy._core"),
        ("from numba import njit\nnjit(f)._cache = 1", "._cache"),
        ("import x\nif hasattr(x.Options, '_nrt'): ...", "._nrt"),
        ("class C(Base):\n    def f(self):\n        return self._load_data(1)", "._load_data"),
        ("class C(Base):\n    def f(self):\n        return super()._load_data(1)", "._load_data"),
        ("import sklearn\nclass C:\n    def f(self):\n        self._sklearn_output = 1", "._sklearn_output"),
    ],
)
def test_a_private_name_of_another_library_is_found(house, source: str, name: str) -> None:
    assert private_names(house({"a/b.py": source})) == {"a/b.py": [name]}


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations",
        "import os\nos._exit(1)",
        "from numba.extending import intrinsic",
        "point._replace(x=1)",
        "class C:\n    def _f(self):\n        return self._g",
        "class C:\n    def __init__(self):\n        self._x = 1\n\ndef f(c):\n    return c._x",
        "print(f.__name__)",
        "from house.base import _thing",
    ],
)
def test_what_is_public_or_ones_own_is_no_private_name(house, source: str) -> None:
    base = "class B:\n    def _g(self): ...\n"
    assert private_names(house({"a.py": source, "base.py": base})) == {}


# -------------------- definitions without a use


def names_unused(folder: Path, public: set[str] | None = None) -> set[str]:
    return {f"{one.module.removeprefix('house.')}.{one.name} {one.kind}" for one in unused(folder, public or ())}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(): ...", "a.f function"),
        ("def f():\n    return f()", "a.f function"),
        ("class C: ...", "a.C class"),
        ("X = 1", "a.X constant"),
        ("X: int = 1", "a.X constant"),
        ("if TYPE_CHECKING:\n    X = int", "a.X constant"),
        ("__all__ = ['f']\ndef f(): ...", "a.f function"),
        ("class C:\n    def m(self): ...\nC()", "a.C.m method"),
        ("class C:\n    def m(self):\n        return self.m()\nC()", "a.C.m method"),
        ("class C(Protocol):\n    def m(self): ...\nC()", "a.C.m method"),
        ("class C:\n    def __init__(self):\n        self._x = 1\nC()", "a.C._x attribute"),
    ],
)
def test_a_definition_without_a_use_is_found(house, source: str, found: str) -> None:
    assert names_unused(house({"a.py": source})) == {found}


@pytest.mark.parametrize(
    "use",
    [
        "from house.a import f\nf()",
        "from house.a import f as g\ng()",
        "from house import a\na.f()",
        "import house.a\nhouse.a.f()",
        "import house.a as one\none.f()",
        "from house.hands import f\nf()",
        "from house import hands\nhands.f()",
        "from house import f\nf()",
        "import house\nhouse.f()",
        "def g(x: 'int') -> None:\n    from house.a import f\n    f()\ng(1)",
        "import sys\nfound = sys.modules.get('house.a')\nprint(found, found.f())",
    ],
)
def test_a_use_is_seen_in_every_form(house, use: str) -> None:
    files = {"__init__.py": "from house.hands import f", "a.py": "def f(): ...", "hands.py": "from house.a import f"}
    left = names_unused(house({**files, "b.py": use}))
    assert not any(name.startswith("a.") for name in left)


@pytest.mark.parametrize(
    "use", ["from house.a import f", "from house import a", "f = 1\nprint(f)", "from x import f\nf()"]
)
def test_a_name_that_is_imported_and_not_read_is_not_used(house, use: str) -> None:
    assert "a.f function" in names_unused(house({"a.py": "def f(): ...", "b.py": use}))


def test_what_is_public_needs_no_use(house) -> None:
    files = {
        "__init__.py": "from house.a import f\nfrom house import b as b\n__all__ = ['f', 'b']",
        "a.py": "def f(): ...\ndef g(): ...",
        "b.py": "__all__ = ['h']\ndef h(): ...\ndef i(): ...",
        "c.py": "class C(B):\n    def m(self): ...\nfrom house.d import B",
        "d.py": "class B:\n    def n(self): ...",
        "e.py": "__all__ = ['k']\ndef k(): ...\ndef l(): ...",
    }
    folder = house(files)
    assert names_unused(folder, {"house.c.C", "house.e"}) == {"a.g function", "b.i function", "e.l function"}
    assert {"c.C class", "e.k function"} <= names_unused(folder)


def test_methods_that_other_libraries_call_need_no_use(house) -> None:
    source = "from threading import Thread\nclass C(Thread):\n    def run(self): ...\n"
    source += "class D(C):\n    def go(self): ...\nD()"
    assert names_unused(house({"a.py": source})) == set()


def test_a_guides_imports_are_found() -> None:
    text = (
        ">>> from house.a import f, g as h\n```python\nfrom house.b.c import (\n    x,\n    y,\n)\nimport house.d\n"
        "from house import z\nimport house\n```"
    )
    assert names_in_guides([text], "house") == {"house.a.f", "house.a.g", "house.b.c.x", "house.b.c.y", "house.d"}


def test_public_are_what_guides_import_and_the_names_of_other_libraries(house) -> None:
    folder = house({"a.py": "", "compat/gensim/x.py": ""})
    (folder.parent.parent / "docs" / "guides").mkdir(parents=True)
    (folder.parent.parent / "docs" / "guides" / "one.md").write_text("from house.a import f", encoding="utf-8")
    assert public_names(folder) == {"house.a.f", "house.compat.gensim"}


# -------------------- by running


RUNNING = {
    "__init__.py": "from house.deep.train import train",
    "deep/train.py": (
        "import threading\nfrom house.work import C, never\nfrom house import asleep\n"
        "def train(path):\n    text = open(path).read()\n    assert text\n"
        "    t = threading.Thread(target=C().go)\n    t.start()\n    t.join()\n"
        "    return [x for x in map(lambda y: y, 'ab')]\n"
    ),
    "work.py": "class C:\n    def go(self):\n        self.go_on()\n    def go_on(self): ...\ndef never(): ...",
    "asleep.py": "def f(): ...",
}


def test_functions_that_run_are_counted_in_threads_too(house) -> None:
    assert functions_run(house(RUNNING)) == {"deep/train.py": ["train"], "work.py": ["C.go", "C.go_on"]}


@pytest.mark.parametrize("where", ["vectors/search.py", "search.py"])
def test_what_an_import_loads_is_found(house, where: str) -> None:
    name = where.removesuffix(".py").replace("/", ".")
    folder = house({"corpus.py": f"import house.{name}\nimport house.text", "text.py": "", where: "", "other.py": ""})
    loaded = loaded_by(folder, "corpus")
    assert {"house.text", f"house.{name}"} <= set(loaded)
    assert not {"house.corpus", "house.other"} & set(loaded)
    assert set(of_vectors(folder, loaded)) == {f"house.{name}"} | ({"house.vectors"} if "." in name else set())


def test_what_a_folder_with_an_empty_init_loads_is_found(house) -> None:
    folder = house({"corpus/deep/reading.py": "import house.vectors.search", "vectors/search.py": ""})
    loaded = loaded_by(folder, "corpus")
    assert loaded == of_vectors(folder, loaded) == ["house.vectors", "house.vectors.search"]


def test_all_figures_of_a_package_come_as_a_list_or_as_json(house) -> None:
    folder = house({**RUNNING, "corpus.py": "def f(x):\n    return x == 'sgd'"})
    found = measured(folder)
    assert found["figures"]["floors"] == 2
    assert found["figures"]["files"] == 6
    assert found["figures"]["functions that train runs"] == 3
    assert found["figures"]["lines that compare a loss's or solver's name"] == 1
    script = Path(__file__).with_name("structure.py")
    run = [sys.executable, str(script), str(folder)]
    told = subprocess.run([*run, "--json"], capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == found
    listed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "       2  floors\n" in listed

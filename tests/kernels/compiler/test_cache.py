"""Kernels on disk: found again, never stale, never another one's, and no trouble with a file ends a run."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lexigrad
from lexigrad.kernels.exact.dot import dot

if TYPE_CHECKING:
    from collections.abc import Callable

USE = """
import json, sys, warnings
import numpy as np
from lexigrad.kernels.exact.dot import dot
from lexigrad.kernels.text.words import parts_of_words
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    a = np.arange(40)
    products = [dot(a.astype(kind), a.astype(kind)) for kind in sys.argv[1:]]
    part_of = np.zeros(5, np.int32)
    parts_of_words(np.arange(20, dtype=np.uint8), np.arange(0, 24, 4), 1000, part_of)
hits = sum(sum(kernel.stats.cache_hits.values()) for kernel in (dot, parts_of_words))
print(json.dumps([products, part_of.tolist(), hits, [str(warning.message) for warning in caught]]))
"""
"""Prints products, parts, how many kernels were found on disk, and warnings."""

PRODUCT = sum(i * i for i in range(40))


def use(
    folder: Path,
    *types: str,
    package: Path = Path(lexigrad.__file__).parent,
    limit: Callable[[], None] | None = None,
    **environment: str,
) -> list[Any]:
    """What a process prints that uses two kernels, the first for some types of numbers."""
    run = subprocess.run(
        [sys.executable, "-c", USE, *types],
        env={**os.environ, "PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(folder), **environment},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return list(json.loads(run.stdout))


def kept(folder: Path, kernel: str = "") -> list[Path]:
    """The files of some kernels."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and kernel in path.name)


def copied(folder: Path) -> Path:
    """A copy of the package, to be changed."""
    package = folder / "changed" / "lexigrad"
    shutil.copytree(Path(lexigrad.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def test_a_kernel_is_found_by_the_next_process(tmp_path: Path) -> None:
    first = use(tmp_path, "float32")
    assert first[0] == [PRODUCT]
    assert first[2:] == [0, []]
    before = kept(tmp_path)
    assert len(before) == 2
    assert use(tmp_path, "float32") == [*first[:2], 2, []]
    assert kept(tmp_path) == before


def test_a_kernel_whose_helper_in_another_file_changed_is_compiled_anew(tmp_path: Path) -> None:
    package = copied(tmp_path)
    before = use(tmp_path / "cache", "float32", package=package)
    names = kept(tmp_path / "cache")
    text = package / "kernels" / "text" / "words.py"
    changed = text.read_text(encoding="utf-8").replace("HASH_START = np.uint64(", "HASH_START = np.uint64(1 + ")
    assert changed != text.read_text(encoding="utf-8")
    text.write_text(changed, encoding="utf-8")
    after = use(tmp_path / "cache", "float32", package=package)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert after[2:] == [0, []]
    assert len(kept(tmp_path / "cache")) == len(names)
    assert not set(kept(tmp_path / "cache")) & set(names)


def test_kernels_are_compiled_from_no_other_files_than_those_that_name_them() -> None:
    """What came from elsewhere could go stale."""
    imported = {
        node.module or ""
        for path in (Path(lexigrad.__file__).parent / "kernels").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    }
    assert "lexigrad.kernels.draws" in imported
    assert {
        name for name in imported if name.startswith("lexigrad") and not name.startswith("lexigrad.kernels")
    } == set()


def test_a_kernel_whose_constant_in_another_folder_changed_is_compiled_anew(tmp_path: Path) -> None:
    package = copied(tmp_path)
    use(tmp_path / "cache", "float32", package=package)
    names = kept(tmp_path / "cache")
    with (package / "kernels" / "draws.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert use(tmp_path / "cache", "float32", package=package)[2] == 0
    assert not set(kept(tmp_path / "cache")) & set(names)


PRIVATE = {
    "cache.py": {
        "numba.core.caching.FunctionCache",
        "numba.core.caching.IndexDataCacheFile",
        "numba.core.caching.NullCache",
        "_load_data",
        "_save_data",
    },
    "compile.py": {"numba.core.options.DefaultOptions", "_cache", "_nrt"},
    "simd.py": {"numba.core.cgutils"},
}
"""For each file what it takes of Numba and llvmlite that these do not promise: modules' names, and attributes."""

PUBLIC = {"numba.extending", "llvmlite.binding", "llvmlite.ir"}


def private_names(source: str) -> set[str]:
    """What a module takes from inside of Numba and llvmlite, and private attributes that are not its own."""
    found, own = set(), set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith(("numba.", "llvmlite.")):
                found |= set() if module in PUBLIC else {f"{module}.{name.name}" for name in node.names}
            case ast.Import():
                names = {name.name for name in node.names if name.name.startswith(("numba.", "llvmlite."))}
                found |= names - PUBLIC
            case ast.FunctionDef() | ast.ClassDef():
                own.add(node.name)
            case ast.Attribute(value=ast.Name(id="self"), ctx=ast.Store()):
                own.add(node.attr)
            case ast.Attribute(attr=name) | ast.Constant(value=str(name)) if re.fullmatch(r"_[a-z]\w*", name):
                found.add(name)
    return found - own


def test_the_search_for_private_names_sees_imports_attributes_and_strings() -> None:
    source = """
import numba.core.ir
from numba.core import cgutils
from numba import njit
from numba.extending import intrinsic
def f(self, x):
    self._mine = self._helper() + other._mine
    return x._nrt, x.real, hasattr(x, "_cache"), __name__
def _helper(): pass
"""
    assert private_names(source) == {"numba.core.ir", "numba.core.cgutils", "_nrt", "_cache"}


def test_private_names_of_numba_and_llvmlite_are_used_in_these_files_only() -> None:
    folder = Path(lexigrad.__file__).parent / "kernels"
    used = {path.name: private_names(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py")}
    assert {name: names for name, names in used.items() if names} == PRIVATE


@pytest.mark.parametrize("name", sorted(name for names in PRIVATE.values() for name in names if "." in name))
def test_each_private_name_can_be_imported(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_each_private_attribute_is_there() -> None:
    from numba import njit
    from numba.core.caching import FunctionCache, IndexDataCacheFile
    from numba.core.options import DefaultOptions

    assert hasattr(njit(use), "_cache")
    assert hasattr(DefaultOptions, "_nrt")
    assert {"_load_data", "_save_data"} <= set(dir(IndexDataCacheFile))
    assert {"_cache_file", "cache_path"} <= set(dir(FunctionCache(dot.py_func)))


def test_what_instructions_are_emitted_with_is_there() -> None:
    """Methods of a compilation's context, which have public names and are documented nowhere."""
    from numba.core.registry import cpu_target

    context = cpu_target.target_context
    assert {"cast", "codegen", "get_dummy_value", "make_array"} <= set(dir(context))
    assert len(context.codegen().magic_tuple()) == 3


TRAIN = """
import sys, warnings
import numba.core.caching as caching
import numba.core.ccallback  # takes its names from there
exec(sys.argv[1])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import lexigrad
    few_kernels = lexigrad.TrainConfig(loss="naive_softmax", dim=8, min_count=1, threads=1, epochs=1, loss_sample=0)
    model = lexigrad.train(["a rose is a rose"] * 40, few_kernels)
print(float(abs(model.V).sum()))
for warning in caught:
    print(warning.message)
"""
"""Trains where Numba is another one, and prints a number of the model and the warnings."""

RENAMED = """
class Renamed:
    def __init__(self, kept=caching.IndexDataCacheFile, **rest): self.kept = kept(**rest)
    def save(self, key, data): self.kept.save(key, data)
    def load(self, key): return self.kept.load(key)
caching.IndexDataCacheFile = Renamed
"""
"""Numba's class for files with other private names."""


@pytest.mark.parametrize(
    ("change", "why"),
    [("del caching.NullCache", "cannot import name 'NullCache'"), (RENAMED, "Renamed has no '_load_data'")],
    ids=["class", "method"],
)
def test_where_numba_lacks_a_private_name_its_own_cache_is_used(tmp_path: Path, change: str, why: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TRAIN, change],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    total, *warned = run.stdout.splitlines()
    assert float(total) > 0
    assert len(warned) == 1
    assert warned[0].startswith("Numba ")
    assert why in warned[0]
    assert warned[0].endswith("empty NUMBA_CACHE_DIR after each upgrade of lexigrad, or install an older Numba")
    assert list(tmp_path.rglob("*.nbi"))  # an index of Numba's own


@pytest.mark.parametrize(
    "damage", [b"", b"\x80", b"\x00" * 4096, b"GARBAGE" * 10], ids=["empty", "cut", "zeros", "other"]
)
def test_a_spoilt_file_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    first = use(tmp_path, "float32")
    for path in kept(tmp_path):
        path.write_bytes(damage)
    assert use(tmp_path, "float32") == first
    assert use(tmp_path, "float32") == [*first[:2], 2, []]


def test_a_file_of_a_kernel_for_other_types_is_not_taken(tmp_path: Path) -> None:
    """As two processes could leave it that gave two kernels the same name."""
    first = use(tmp_path, "float32", "float64")
    one, other = kept(tmp_path, "dot.dot")
    one_bytes, other_bytes = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_bytes)
    other.write_bytes(one_bytes)
    assert use(tmp_path, "float32", "float64") == [*first[:2], 1, []]
    assert use(tmp_path, "float32", "float64") == [*first[:2], 3, []]


def test_a_full_disk_costs_a_compilation_and_a_warning(tmp_path: Path) -> None:
    def limit() -> None:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    products, _, hits, warned = use(tmp_path, "float32", limit=limit)
    assert products == [PRODUCT]
    assert hits == 0
    assert len(warned) == 1
    assert warned[0].startswith("compiled kernels cannot be kept, so each run compiles them again (")
    assert warned[0].endswith(": File too large); set NUMBA_CACHE_DIR to a folder with room for them")
    assert kept(tmp_path) == []


def test_where_no_folder_can_be_written_kernels_are_compiled(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.touch()
    only = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    products, _, hits, warned = use(folder, "float32", **only)
    assert products == [PRODUCT]
    assert hits == 0
    assert len(warned) == 1
    assert "(no folder for them can be written)" in warned[0]


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "text.txt").write_text("a rose is a rose is a rose\n" * 20, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "lexigrad", "vocab", "text.txt", "-o", "words.txt", "--quiet"],
        env={
            **os.environ,
            "NUMBA_CACHE_DIR": str(tmp_path / "file"),
            "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("Warning: compiled kernels cannot be kept")
    assert (tmp_path / "words.txt").exists()

"""The laws of the house, as lists and as functions that say what breaks them; `test_architecture.py` holds it to them.

All are derived from folders. An exception stands here with its reason, and a test fails when it is no longer needed.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from structure import FUNCTION_LINES, public_names
from structure_imports import imports, modules
from structure_sizes import above, comparisons, file_lines, function_lines, functions
from structure_uses import listed, names_in_guides, private_names, unused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


Order = tuple[tuple[str, ...], ...]

ORDER: Final[Order] = (
    ("errors",),
    ("config", "files", "reference"),
    ("kernels",),
    ("engines",),
    ("corpus", "vectors"),
    ("training", "evaluation", "gradcheck"),
    ("view",),
    ("compat",),
    ("cli",),
)
"""Each imports only from those before it, and none of one line from another of that line."""

INSIDE: Final[dict[str, Order]] = {
    "corpus": (
        ("vocabulary", "report"),
        ("sources",),
        ("phrases.phrases",),
        ("corpusfile",),
        ("encoding",),
        ("phrases",),
        ("corpus",),
        ("reading",),
        ("windows", "split"),
        ("shards",),
    ),
    "training": (
        ("progress",),
        ("model",),
        ("records", "checkpoints"),
        ("loss", "further"),
        ("monitor",),
        ("sgd", "exact"),
        ("replicas",),
        ("train",),
        ("seeds", "planning"),
    ),
}
"""The order inside the two largest folders; of a module and its folder the module's own place counts."""

LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "numba": ("kernels",),
    "llvmlite": ("kernels",),
    "ray": ("engines.ray",),
    "pyarrow": ("corpus.sources", "vectors.formats.arrow"),
    "matplotlib": ("view",),
    "click": ("cli",),
    "rich": ("cli",),
    "fsspec": ("files.remote",),
}
"""Where other libraries are imported."""

PRIVATE: Final = ("kernels.compiler", "engines.ray")
"""Where private names of other libraries are."""

PRIVATE_NAMES: Final[dict[str, tuple[str, str]]] = {
    "._cache": ("numba.core.dispatcher:Dispatcher.__init__", "_cache"),
    "._load_data": ("numba.core.caching:IndexDataCacheFile", "_load_data"),
    "._save_data": ("numba.core.caching:IndexDataCacheFile", "_save_data"),
    "._nrt": ("numba.core.options:DefaultOptions", "_nrt"),
}
"""Private attributes of objects: the class or function in which each is, and the word to look for there."""

VIEW_MAY_KNOW: Final = "training.progress"

OUTSIDE_THE_CORE: Final = ("compat/", "engines/ray/", "corpus/shards/", "training/replicas/", "training/planning/")

CORE_LINES: Final = 37_100
"""The core has so many lines at most; one who needs more raises this, and says in the change why."""

COMPARE_LOSSES: Final = ("config/trainconfig.py", "config/losses.py")
"""Where the names of losses and solvers may be compared; all others ask the record of a loss."""

LISTED_MODULES: Final = ("lexigrad.compat.gensim", "lexigrad.compat.sklearn", "lexigrad.evaluation.sentiment")
"""Modules from which guides import, besides those in `lexigrad.__all__`."""

SAME_NAME: Final[dict[str, tuple[str, str]]] = {
    "arrow": ("corpus/sources/arrow vectors/formats/arrow", "Arrow's tables: of text, and of vectors"),
    "classifiers": ("evaluation/classifiers gradcheck/classifiers", "their proof"),
    "corpus": ("cli/corpus corpus/corpus", "the command"),
    "course": ("evaluation/course kernels/course", "the kernel"),
    "errors": ("compat/gensim/errors errors", "gensim's errors"),
    "evaluate": ("cli/evaluate evaluation/evaluate", "the command"),
    "ids": ("corpus/sources/ids kernels/text/ids", "the kernel"),
    "losses": ("config/losses kernels/losses", "the kernels that measure them"),
    "run": ("training/replicas/run training/sgd/run", "the run of replicas"),
    "model": ("compat/gensim/model training/model", "gensim's form of a model"),
    "phrases": (
        "compat/gensim/phrases corpus/phrases/phrases corpus/shards/phrases kernels/text/phrases",
        "gensim's form, the same of shards, the kernel",
    ),
    "plan": ("cli/plan training/planning/plan", "the command"),
    "progress": ("training/exact/progress training/progress", "the exact solver's"),
    "reading": ("corpus/reading corpus/shards/reading", "of shards"),
    "sentiment": ("cli/sentiment evaluation/sentiment", "the command"),
    "tokenizer": ("compat/hub/tokenizer corpus/sources/tokenizer", "a tokenizer as the Hub's folder holds it"),
    "train": ("cli/train training/train", "the command"),
    "vectors": ("cli/vectors compat/gensim/vectors", "the commands, and gensim's form of vectors"),
    "vocabulary": ("compat/gensim/vocabulary corpus/shards/vocabulary corpus/vocabulary", "gensim's form, of shards"),
    "watch": ("cli/watch view/explorer/watch", "the command"),
    "words": ("corpus/shards/words kernels/text/words", "the kernel"),
}
"""Names that several files have, and what the one is of the other: its kernel, its command, its shard, its form."""

EXCEPTIONS: Final[dict[str, dict[str, str]]] = {
    "lines of a file": {"reference.py": "it is the definition, which one reads as a whole"},
    "lines of a function": {"compat/gensim/model.py:Word2Vec.__init__": "gensim's signature"},
    "parameters": {
        "compat/gensim/model.py:Word2Vec.__init__": "gensim's signature",
        "compat/gensim/model.py:Word2Vec.train": "gensim's signature",
        "compat/gensim/phrases.py:Phrases.__init__": "gensim's signature",
        "corpus/reading.py:read_corpus": "a public function, whose options are keywords",
        "training/train.py:train": "a public function, whose options are keywords",
        "training/seeds.py:train_seeds": "a public function, whose options are keywords",
        "compat/sklearn.py:Word2VecVectorizer.__init__": "scikit-learn takes options as parameters of the constructor",
    },
    "libraries": {
        "view.explorer.export imports pyarrow": "a map is exported as a table",
        "cli.options imports matplotlib": "the type of a figure",
        "cli.sentiment imports matplotlib": "the type of a figure",
        "cli.vectors imports matplotlib": "the type of a figure",
    },
    "private names": {
        "compat.sklearn: ._sklearn_output_config": "scikit-learn has no public way to say what transform gives",
    },
    "without a use": {
        "corpus.windows.countsfile.read_counts_rows": "docs/concepts/window-counts.md offers it to other programs",
    },
    "losses by name": {},
}
"""What breaks a law, and why; each entry must be needed."""


def held(found: Iterable[str], exceptions: Mapping[str, str]) -> None:
    """Fail if something breaks a law without an exception, or an exception is no longer needed."""
    broken = sorted(set(found))
    new = [one for one in broken if one not in exceptions]
    assert not new, f"against the law: {new}"
    old = [one for one in exceptions if one not in broken]
    assert not old, f"exceptions that are no longer needed: {old}"


def inner_name(module: str) -> str:
    """Of ``lexigrad.corpus.reading``, ``corpus.reading``."""
    return module.partition(".")[2]


def is_in(name: str, places: Sequence[str]) -> bool:
    """Whether a module is one of some modules, or in one of some folders."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


def place_of(name: str, order: Order) -> tuple[int, str] | None:
    """The line of an order in which a module stands, and as what; None if it stands nowhere."""
    places = [(line, place) for line, row in enumerate(order) for place in row if is_in(name, [place])]
    return max(places, key=lambda place: len(place[1]), default=None)


def against(folder: Path, order: Order, within: str = "") -> list[str]:
    """The imports that go against an order of the package's folders, or of what is in one of them."""
    prefix = ".".join(filter(None, [folder.name, within])) + "."
    found = set()
    for one in imports(folder):
        if one.importer.startswith(prefix) and one.imported.startswith(prefix):
            lower = place_of(one.imported.removeprefix(prefix), order)
            upper = place_of(one.importer.removeprefix(prefix), order)
            if lower and upper and lower[1] != upper[1] and lower[0] >= upper[0]:
                found.add(f"{inner_name(one.importer)} imports {inner_name(one.imported)}")
    return sorted(found)


def without_place(folder: Path, order: Order, within: str = "") -> list[str]:
    """Modules that stand nowhere in an order; a folder's own ``__init__`` has none."""
    prefix = ".".join(filter(None, [folder.name, within])) + "."
    names = [name.removeprefix(prefix) for name in modules(folder) if name.startswith(prefix)]
    return [name for name in names if name != "__main__" and place_of(name, order) is None]


def imported_from(folder: Path, importer: str, among: Sequence[str] | None = None) -> list[str]:
    """What a module or folder imports of others of the package, or only those among some."""
    found = {
        inner_name(one.imported)
        for one in imports(folder)
        if one.is_inner
        and is_in(inner_name(one.importer), [importer])
        and not is_in(inner_name(one.imported), [importer])
    }
    return sorted(name for name in found if among is None or is_in(name, among))


def other_libraries(folder: Path, importer: str) -> set[str]:
    """The libraries that a module imports besides the standard one."""
    found = {
        one.imported.split(".")[0]
        for one in imports(folder)
        if not one.is_inner and inner_name(one.importer) == importer
    }
    return found - set(sys.stdlib_module_names)


def strangers(folder: Path, libraries: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of other libraries outside of their places."""
    return sorted(
        {
            f"{inner_name(one.importer)} imports {library}"
            for one in imports(folder)
            if not one.is_inner and (library := one.imported.split(".")[0]) in libraries
            if not is_in(inner_name(one.importer), libraries[library])
        }
    )


def outside_of(folder: Path, places: Sequence[str]) -> list[str]:
    """Private names of other libraries outside of their places; llvmlite's are held by the law of libraries."""
    found = []
    for path, names in private_names(folder).items():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not is_in(module, places):
            found += [f"{module}: {name}" for name in names if not name.startswith("llvmlite")]
    return found


def is_there(name: str, attributes: Mapping[str, tuple[str, str]]) -> None:
    """Fail if a library lacks a private name: a module's, or an attribute that a class's or function's code names."""
    if not name.startswith("."):
        module, _, last = name.rpartition(".")
        assert hasattr(import_module(module), last) or import_module(name)
        return
    home, word = attributes[name]
    module, _, path = home.partition(":")
    found = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    code = getattr(found, "__code__", None)
    assert hasattr(found, word) or word in getattr(code, "co_names", ())


def strange_pairs(shared: Mapping[str, Sequence[str]], known: Mapping[str, tuple[str, str]]) -> list[str]:
    """Names that several files have and the list does not, or other files, or none any more."""
    now = {name: " ".join(path.removesuffix(".py") for path in paths) for name, paths in shared.items()}
    listed = {name: files for name, (files, _) in known.items()}
    return sorted(name for name in {*now, *listed} if now.get(name) != listed.get(name))


def hidden(folder: Path) -> list[str]:
    """Names that a package lists in ``__all__`` and a module in it has too: which one is meant depends on imports."""
    found = []
    for name, module in modules(folder).items():
        if module.path.name == "__init__.py":
            inside = {other.removeprefix(f"{name}.") for other in modules(folder) if other.startswith(f"{name}.")}
            found += [f"{name}.{one}" for one in listed(module) if one in inside and name != folder.name]
    return sorted(found)


def emits(node: ast.AST) -> bool:
    """Whether a function emits instructions, by llvmlite's builder."""
    return any(
        isinstance(one, ast.Name | ast.arg) and "builder" in (getattr(one, "id", ""), getattr(one, "arg", ""))
        for one in ast.walk(node)
    )


def too_long(folder: Path) -> list[str]:
    """Functions with too many lines of code: 60 where they emit instructions."""
    nodes = {name: node for name, _, node in functions(folder)}
    long = above(function_lines(folder), FUNCTION_LINES)
    return [name for name, lines in long.items() if lines > 60 or not emits(nodes[name])]


def core_lines(folder: Path) -> int:
    """The lines of all but what serves other libraries' names and many machines."""
    return sum(lines for path, lines in file_lines(folder).items() if not path.startswith(OUTSIDE_THE_CORE))


def left_over(folder: Path) -> list[str]:
    """Definitions that the package does not use, and no guide."""
    return [f"{inner_name(one.module)}.{one.name}" for one in unused(folder, public_names(folder))]


def told_apart(folder: Path, places: Sequence[str]) -> list[str]:
    """Lines outside of some files that compare the name of a loss or a solver."""
    return [line for line in comparisons(folder) if line.partition(":")[0] not in places]


def top_modules(code: str, environment: Mapping[str, str] | None = None) -> set[str]:
    """The first names of all modules that are loaded after some code."""
    ask = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=environment)
    return set(json.loads(run.stdout.splitlines()[-1]))


def from_inside(texts: Iterable[str], listed: Sequence[str], package: str = "lexigrad") -> list[str]:
    """What guides tell their readers to import from modules that are not listed."""
    return sorted(name for name in names_in_guides(texts, package) if not is_in(name, listed))

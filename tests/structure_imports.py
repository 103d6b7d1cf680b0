"""The modules of a package, what each imports, and in which order they stand; see `structure`.

Imports are counted at any depth, in functions and under TYPE_CHECKING too; `import_module("…")` of a constant is one.
The package's own `__init__` only hands on names: ``lexigrad.train`` and ``from lexigrad import train`` count as imports
of the module that defines ``train``, and what the `__init__` imports itself is not counted.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


# -------------------- modules and their imports


@dataclass(frozen=True)
class Module:
    """One file of a package; ``name`` is dotted, and that of an ``__init__`` is its folder's."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.stem == "__init__"


@dataclass(frozen=True, order=True)
class Import:
    """A module imports another of the package, or a name of another library, in full."""

    importer: str
    imported: str
    is_inner: bool
    line: int


def modules(folder: Path) -> dict[str, Module]:
    """All modules of a package by their dotted names."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        stat = path.stat()
        found[name] = Module(name, path, *_parsed(path, stat.st_mtime_ns, stat.st_size))
    return found


@lru_cache(maxsize=1_000)
def _parsed(path: Path, _changed: int, _size: int) -> tuple[str, ast.Module]:
    text = path.read_text(encoding="utf-8")
    return text, ast.parse(text)


def base_of(module: Module, node: ast.ImportFrom) -> str:
    """The full name of the module after ``from``."""
    if not node.level:
        return str(node.module)
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def handed_on(folder: Path) -> dict[str, str]:
    """The names that the package's own ``__init__`` hands on, and the full names that they stand for."""
    root = modules(folder).get(folder.name)
    names: dict[str, str] = {}
    for node in ast.walk(root.tree) if root else ():
        if isinstance(node, ast.ImportFrom) and (base := base_of(root, node)).split(".")[0] == folder.name:
            names |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return names


def imports(folder: Path) -> list[Import]:
    """All imports of all modules but the package's own ``__init__``."""
    found, homes = modules(folder), handed_on(folder)
    every = {
        Import(module.name, *_resolved(name, folder.name, found, homes), line)
        for module in found.values()
        if module.name != folder.name
        for name, line in _imported(module, folder.name)
    }
    return sorted(entry for entry in every if entry.imported not in {entry.importer, folder.name})


def _imported(module: Module, package: str) -> Iterator[tuple[str, int]]:
    """Full names that a module imports, with their lines."""
    aliases = {package}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
            aliases |= {alias.asname for alias in node.names if alias.asname and alias.name == package}
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{base_of(module, node)}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _called(node) in {"import_module", "__import__"}:
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value), node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield f"{package}.{node.attr}", node.lineno


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _resolved(name: str, package: str, found: Mapping[str, Module], homes: Mapping[str, str]) -> tuple[str, bool]:
    """The module of the package that a name is or is from, or the name; and whether it is one of the package."""
    if name.split(".")[0] != package:
        return name, False
    first = ".".join(name.split(".")[:2])
    if first not in found and (target := homes.get(first.removeprefix(f"{package}."))):
        name = target
    while name not in found and "." in name:
        name = name.rpartition(".")[0]
    return name, True


# -------------------- the order of imports


def first_name(module: str) -> str:
    """Of ``lexigrad.corpus.corpus.reading``, ``corpus``."""
    return module.split(".")[1]


def top_names(folder: Path) -> list[str]:
    """The names directly in the package: modules and packages, without ``__init__`` and ``__main__``."""
    return sorted({first_name(name) for name in modules(folder) if name != folder.name} - {"__main__"})


def graph_of_tops(folder: Path) -> dict[str, set[str]]:
    """For each name directly in the package those that it imports."""
    graph: dict[str, set[str]] = {name: set() for name in top_names(folder)}
    for entry in imports(folder):
        importer, imported = first_name(entry.importer), first_name(entry.imported) if entry.is_inner else ""
        if importer in graph and imported in graph and importer != imported:
            graph[importer].add(imported)
    return graph


def graph_of_files(folder: Path) -> dict[str, set[str]]:
    """For each module those of the package that it imports."""
    graph: dict[str, set[str]] = {name: set() for name in modules(folder) if name != folder.name}
    for entry in imports(folder):
        if entry.is_inner:
            graph[entry.importer].add(entry.imported)
    return graph


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """All that a node leads to."""
    reached: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - reached
        reached |= new
        left += new
    return reached


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Nodes that lead to each other, each set of them once."""
    reached = {node: _reached(graph, node) for node in graph}
    groups = {tuple(sorted(other for other in reached[node] if node in reached[other])) for node in graph}
    return [list(group) for group in sorted(groups) if group]


def floors(folder: Path) -> list[str]:
    """The longest chain of imports, a name directly in the package taken as one, and those of a circle too.

    The first imports nothing that is not in a circle with it; each imports the one before it.
    """
    graph = graph_of_tops(folder)
    group_of = {node: tuple(group) for group in circles(graph) for node in group}
    group_of |= {node: (node,) for node in graph if node not in group_of}
    chains: dict[tuple[str, ...], list[str]] = {}

    def chain(group: tuple[str, ...]) -> list[str]:
        if group not in chains:
            below = {group_of[other] for node in group for other in graph[node]} - {group}
            longest = max((chain(other) for other in sorted(below)), key=len, default=[])
            chains[group] = [*longest, " = ".join(group)]
        return chains[group]

    return max((chain(group) for group in sorted(set(group_of.values()))), key=len, default=[])


# -------------------- names


def shared_names(folder: Path) -> dict[str, list[str]]:
    """File names that two modules or more have, and where; ``__init__`` and ``__main__`` are no names."""
    where = defaultdict(list)
    for module in modules(folder).values():
        if module.path.stem not in {"__init__", "__main__"}:
            where[module.path.stem].append(str(module.path.relative_to(folder)))
    return {name: sorted(paths) for name, paths in sorted(where.items()) if len(paths) > 1}

"""How long the files and functions of a package are, and where it tells losses apart by name; see `structure`."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING, Any, Final

from structure_imports import modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from structure_imports import Module

NAMES_OF_WAYS: Final = frozenset({"naive_softmax", "negative_sampling", "exact", "sgd", "svd"})
"""The names of losses and solvers."""

TOKENS_WITHOUT_CODE: Final = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


# -------------------- files and functions


def file_lines(folder: Path) -> dict[str, int]:
    """The lines of each Python file."""
    return {str(m.path.relative_to(folder)): len(m.text.splitlines()) for m in modules(folder).values()}


def functions(folder: Path) -> Iterator[tuple[str, Module, Function]]:
    """Each function and method, nested ones too, by its file and qualified name: ``corpus/reading.py:read_corpus``."""
    for module in modules(folder).values():
        pairs: list[tuple[str, ast.AST]] = [("", module.tree)]
        while pairs:
            prefix, parent = pairs.pop()
            for node in ast.iter_child_nodes(parent):
                name = f"{prefix}{node.name}" if isinstance(node, Function | ast.ClassDef) else ""
                if isinstance(node, Function):
                    yield f"{module.path.relative_to(folder)}:{name}", module, node
                pairs.append((f"{name}." if name else prefix, node))


def function_lines(folder: Path) -> dict[str, int]:
    """The lines of code of each function: no docstrings, comments and blank lines."""
    code = {module.name: _code_lines(module) for module in modules(folder).values()}
    return {
        name: sum(node.lineno <= line <= (node.end_lineno or 0) for line in code[module.name])
        for name, module, node in functions(folder)
    }


def _code_lines(module: Module) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in TOKENS_WITHOUT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(module.tree):
        if isinstance(node, Function | ast.ClassDef | ast.Module) and ast.get_docstring(node, clean=False) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def parameters(folder: Path) -> dict[str, int]:
    """The parameters of each function, without ``self`` and ``cls``, ``*args`` and ``**options``."""
    found = {}
    for name, _, node in functions(folder):
        named = [*node.args.posonlyargs, *node.args.args]
        found[name] = len(named) + len(node.args.kwonlyargs) - (bool(named) and named[0].arg in {"self", "cls"})
    return found


def above(sizes: Mapping[str, int], most: int) -> dict[str, int]:
    """Those that are larger than ``most``, the largest first."""
    return dict(sorted(((name, size) for name, size in sizes.items() if size > most), key=lambda pair: -pair[1]))


# -------------------- losses and solvers told apart by name


def comparisons(folder: Path) -> list[str]:
    """Lines (``file:line``) that compare the name of a loss or a solver.

    A line counts once if there begins a comparison by ``==``, ``!=``, ``in`` or ``not in`` one of whose sides is such a
    name as a string, or a tuple, list or set that holds one; or the pattern of a ``case`` that is one.
    """
    return _lines(folder, _compares)


def look_ups(folder: Path) -> list[str]:
    """Lines (``file:line``) that look something up by the name of a loss or a solver.

    A line counts once if there begins a dictionary one of whose keys is such a name as a string, or an index that is
    one: ``{"exact": …}``, ``found["naive_softmax"]``.
    """
    return _lines(folder, _looks_up)


def _lines(folder: Path, counts: Any) -> list[str]:
    found = {
        (str(module.path.relative_to(folder)), node.lineno)
        for module in modules(folder).values()
        for node in ast.walk(module.tree)
        if counts(node)
    }
    return [f"{path}:{line}" for path, line in sorted(found)]


def _is_way(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES_OF_WAYS


def _compares(node: ast.AST) -> bool:
    if isinstance(node, ast.MatchValue):
        return _is_way(node.value)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    listed = [one for side in sides if isinstance(side, ast.Tuple | ast.List | ast.Set) for one in side.elts]
    return any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops) and any(
        map(_is_way, [*sides, *listed])
    )


def _looks_up(node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        return any(map(_is_way, node.keys))
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_way(node.slice)

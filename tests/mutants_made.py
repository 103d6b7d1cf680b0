"""Mutants of a Python source: each is the source with one small mistake, made in its syntax tree.

Left as they are: docstrings and other texts, types, names of public things, and what an error is raised with.
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SWAPPED: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
"""An operator, and the one that takes its place."""

COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""A comparison, and those that take its place: off by one, and the opposite."""

ROUNDED: Final = frozenset(("abs", "fabs", "ceil", "floor", "round", "clip", "max", "min", "maximum", "minimum"))
FOLDED: Final = frozenset(("sum", "fsum", "mean", "cumsum", "copy", "transpose", "reversed", "sorted"))
WRAPPERS: Final = ROUNDED | FOLDED | frozenset(("exp", "log", "log1p", "sqrt"))
"""Functions and methods of which the first argument, or what they are called on, takes the place."""

RENAMED: Final = {"argmax": "argmin", "argmin": "argmax", "all": "any", "any": "all"}
"""Methods of arrays, and those that take their place."""

RENAMED_OF_LANES: Final = {"add": "sub", "sub": "add", "mul": "add"}
"""Methods of the kernels' registers, which are called on `lanes`, and those that take their place."""

SYMMETRIC: Final = frozenset(("min", "max", "minimum", "maximum", "isinstance", "cast", "fma", "add", "mul", "dot"))
"""Calls in which the first two arguments may change places, or whose first one is a type."""

MODULES: Final = frozenset(("np", "math", "itertools", "json", "os", "struct", "warnings", "linalg"))
"""Names that a method is not called on."""


class Mutant(NamedTuple):
    """One mistake: the bytes of the source from ``start`` to ``stop`` give place to a text."""

    operator: str
    line: int
    start: int
    stop: int
    text: str


def mutants_of(source: str) -> list[Mutant]:
    """All mutants of a source, in the order of the text."""
    tree, starts, found = ast.parse(source), [0], set()
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tests = {id(node.test) for node in ast.walk(tree) if isinstance(node, (ast.If, ast.IfExp))}
    tests |= {id(test) for node in ast.walk(tree) if isinstance(node, ast.comprehension) for test in node.ifs}
    for node in _mutable(tree):
        span = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        changes = [*_changes(node), *(_negated(node) if id(node) in tests else ())]
        found |= {Mutant(operator, node.lineno, *span, text) for operator, text in changes}
    return sorted(found, key=lambda mutant: (mutant.start, -mutant.stop, mutant.operator, mutant.text))


def applied(source: str, mutant: Mutant) -> str:
    """The source with the mistake."""
    encoded = source.encode()
    return (encoded[: mutant.start] + mutant.text.encode() + encoded[mutant.stop :]).decode()


def _mutable(node: ast.AST) -> Iterator[Any]:
    """The expressions and statements that may be mistaken, from the outermost inwards."""
    for child in _children(node):
        if isinstance(child, (ast.expr, ast.stmt)):
            yield child
        yield from _mutable(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that the program runs, and that are more than a text or a type."""
    match node:
        case ast.Raise() | ast.JoinedStr() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.Call(func=ast.Attribute(attr="warn")):
            return
        case ast.Assign(value=ast.Subscript(value=ast.Name(id="NDArray" | "Literal" | "tuple" | "dict"))):
            return
        case ast.keyword(arg="strict" | "stacklevel"):
            return
        case ast.ClassDef():
            yield from node.body
            return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST))


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The mistakes that can be made in a node itself: their names, and the texts that take its place."""
    match node:
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) if type(operator) in SWAPPED:
            yield "operator", _with(node, op=SWAPPED[type(operator)]())
        case ast.AugAssign(op=operator):
            yield "dropped statement", "pass"
            if type(operator) in SWAPPED:
                yield "operator", _with(node, op=SWAPPED[type(operator)](), bare=True)
        case ast.Compare(ops=[operator]):
            for other in COMPARED[type(operator)]:
                yield "comparison", _with(node, ops=[other()])
        case ast.Constant(value=value):
            yield from _constants(value)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield "sign", f"({ast.unparse(operand)})"
        case ast.Attribute(attr="T", value=value):
            yield "removed call", ast.unparse(value)
        case ast.Call():
            yield from _calls(node)
        case _:
            yield from _dropped(node)


def _negated(test: ast.expr) -> Iterator[tuple[str, str]]:
    """The opposite of a condition, where no other mistake makes it."""
    if not isinstance(test, (ast.Compare, ast.UnaryOp)):
        yield "negation", f"(not ({ast.unparse(test)}))"


def _constants(value: object) -> Iterator[tuple[str, str]]:
    """Off by one, twice as large, of the other sign."""
    if isinstance(value, bool):
        yield "constant", str(not value)
    elif isinstance(value, (int, float)):
        yield "constant", str(value + 1) if isinstance(value, int) else repr(2 * value if value else 1.0)
        if value:
            yield "constant", str(value - 1) if isinstance(value, int) else f"(-{value!r})"


def _calls(node: ast.Call) -> Iterator[tuple[str, str]]:
    """Two arguments that change places, a call that is left out, a method that gives place to another."""
    function, arguments = node.func, node.args
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    plain = not any(isinstance(argument, ast.Starred) for argument in arguments[:2])
    if len(arguments) > 1 and plain and name not in SYMMETRIC:
        yield "swapped arguments", _with(node, args=[arguments[1], arguments[0], *arguments[2:]])
    is_method = isinstance(function, ast.Attribute) and ast.unparse(function.value).split(".")[-1] not in MODULES
    if name in WRAPPERS and is_method:
        yield "removed call", f"({ast.unparse(function.value)})"  # type: ignore[attr-defined]
    elif name in WRAPPERS and arguments and plain:
        yield "removed call", f"({ast.unparse(arguments[0])})"
    renamed = RENAMED_OF_LANES if ast.unparse(function).startswith("lanes.") else RENAMED
    if name in renamed and is_method:
        yield "renamed call", _with(node, func=ast.Attribute(function.value, renamed[name], ast.Load()))  # type: ignore[attr-defined]


def _dropped(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Statements that can be left out without a name being unknown afterwards."""
    match node:
        case (
            ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom())
            | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
            | ast.Raise(exc=ast.expr())
            | ast.Continue()
            | ast.Break()
        ):
            yield "dropped statement", "pass"


def _with(node: ast.AST, *, bare: bool = False, **changes: object) -> str:
    """The text of a node with other parts; in brackets, unless it is a statement."""
    other = copy.copy(node)
    for name, value in changes.items():
        setattr(other, name, value)
    text = ast.unparse(other)
    return text if bare else f"({text})"

"""What a package takes from inside other libraries, and what it defines without a use; see `structure`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from structure_imports import base_of, handed_on, imports, modules
from structure_sizes import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from structure_imports import Module

NAMED_TUPLES: Final = frozenset({"_asdict", "_replace", "_fields", "_make", "_field_defaults"})
DOCUMENTED: Final = frozenset({"os._exit", "sys._getframe", "sys._current_frames"})
"""Names that begin with an underscore and are public all the same."""

PRIVATE_MODULES: Final = ("numba.core", "llvmlite", "ray._private")
"""What other libraries do not promise to keep, although most of its names have no underscore."""

BASES_WITHOUT_METHODS: Final = frozenset({"object", "Protocol", "Generic", "NamedTuple", "ABC", "TypedDict", "Enum"})


# -------------------- private names of other libraries


def private_names(folder: Path) -> dict[str, list[str]]:
    """For each file the private names of other libraries in it, imported or looked up as attributes.

    Of imports those are private that have a part with one underscore before it, or are below `numba.core`, `llvmlite`
    or `ray._private`; of `numba.extending` its private names alone. An attribute ``._name`` is another library's where
    nothing in the same file defines it (for ``self``, ``cls`` and ``super()`` nothing in the package), or where it is
    called ``_library_…`` after one that the file imports. `getattr` of a constant counts as well. Names with two
    underscores on both sides, those of named tuples and `os._exit` are public.
    """
    found = modules(folder)
    own = {module.name: _own_private_names(module) for module in found.values()}
    everywhere = frozenset().union(*own.values())
    libraries: dict[str, set[str]] = {}
    private: dict[str, set[str]] = {}
    for entry in imports(folder):
        if not entry.is_inner:
            libraries.setdefault(entry.importer, set()).add(entry.imported.split(".")[0])
            if _is_private(entry.imported):
                private.setdefault(entry.importer, set()).add(entry.imported)
    for name, module in found.items():
        for text, attribute, is_own in _private_attributes(module):
            known = everywhere if is_own else own[name]
            named_after = any(attribute.startswith(f"_{library}_") for library in libraries.get(name, ()))
            if (attribute not in NAMED_TUPLES | known or named_after) and text not in DOCUMENTED:
                private.setdefault(name, set()).add(f".{attribute}")
    return {str(found[name].path.relative_to(folder)): sorted(names) for name, names in sorted(private.items())}


def _has_underscore(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _is_private(imported: str) -> bool:
    inside = any(imported == module or imported.startswith(f"{module}.") for module in PRIVATE_MODULES)
    parts = imported.split(".")
    return inside or (parts[0] != "__future__" and any(map(_has_underscore, parts)) and imported not in DOCUMENTED)


def _own_private_names(module: Module) -> frozenset[str]:
    """The private names that a file defines: variables, functions, classes, attributes that it sets, slots."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, value=ast.Name("self"), ctx=ast.Store()):
                names.add(name)
    return frozenset(filter(_has_underscore, names))


def _private_attributes(module: Module) -> Iterator[tuple[str, str, bool]]:
    """Private attributes: the text of each with what it is of, its name, and whether it is one of the class itself."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute(value=value, attr=name) if _has_underscore(name):
                of = ast.unparse(value)
                yield f"{of}.{name}", name, of in {"self", "cls", "super()"}
            case ast.Call(func=ast.Name("getattr" | "hasattr" | "setattr"), args=[of, ast.Constant(str() as name), *_]):
                if _has_underscore(name):
                    yield f"{ast.unparse(of)}.{name}", name, ast.unparse(of) in {"self", "cls"}


# -------------------- definitions that nobody uses


@dataclass(frozen=True, order=True)
class Definition:
    """A function, class or constant of a module, or a method (``Class.method``)."""

    module: str
    name: str
    line: int
    kind: str


def unused(folder: Path, public: Iterable[str] = ()) -> list[Definition]:
    """Definitions that the package itself does not use.

    - A function, class or constant is used where its name is read outside of its own body: in its module, or in another
      that imports it, directly or by a module that hands it on. A module whose name is a string in a file may be
      looked up there, so all that is read in that file as an attribute of anything counts; ``module:name`` is a use.
    - A method is used where an attribute of its name is read outside of its own body, or its name is a string. Methods
      of public classes and of their bases, and of classes that inherit from other libraries, are for others to call.
    - A private attribute that is only ever set, ``self._name = …``, is not used.

    Args:
        folder: the package's.
        public: full names that users import besides what the package's ``__init__`` lists in ``__all__``. A name that
            is a module's stands for all that its ``__all__`` lists.
    """
    return _Uses(folder, public).unused()


def names_in_guides(texts: Iterable[str], package: str) -> set[str]:
    """The full names that guides import from inside a package: of ``from package.x import a`` it is package.x.a."""
    found = set()
    for text in texts:
        for module, listed in re.findall(rf"from ({package}\.[\w.]+) import (\([^)]*\)|[\w, ]+)", text):
            found |= {f"{module}.{name}" for name in re.findall(r"(?<!as )\b\w+", listed) if name != "as"}
        found |= set(re.findall(rf"^\W*import ({package}\.[\w.]+)", text, flags=re.MULTILINE))
    return found


class _Uses:
    """What is used in a package, and where."""

    def __init__(self, folder: Path, public: Iterable[str]) -> None:
        self.package = folder.name
        self.modules = modules(folder)
        self.homes = handed_on(folder)
        self.definitions = [one for module in self.modules.values() for one in _definitions(module)]
        self.defined = {(one.module, one.name) for one in self.definitions}
        self.aliases = {name: _aliases(module) for name, module in self.modules.items()}
        self.classes = {
            (module.name, node.name): node
            for module in self.modules.values()
            for node in _top(module.tree)
            if isinstance(node, ast.ClassDef)
        }
        self.attributes: dict[str, set[str]] = {}  # names of attributes, and the bodies in which they are read
        self.used: set[tuple[str, str]] = set()
        root = listed(self.modules[self.package]) if self.package in self.modules else []
        self.public = self._public([*public, *(f"{self.package}.{name}" for name in root)])

    def unused(self) -> list[Definition]:
        for module in self.modules.values():
            self._read(module, module.tree, "")
            self._look_up(module)
        return sorted(one for one in self.definitions if not self._is_used(one))

    def _public(self, names: Iterable[str]) -> set[tuple[str, str]]:
        """Where public names are defined, and the bases of public classes."""
        found = set()
        for name in names:
            module, attribute = self._place(name)
            names_there = [f"{module}.{one}" for one in listed(self.modules[module])] if not attribute else [name]
            found |= {self._place(one) for one in names_there}
        left = list(found)
        while left:
            new = set(self._bases(left.pop())) - found
            found |= new
            left += new
        return found

    def _bases(self, place: tuple[str, str]) -> list[tuple[str, str]]:
        """The classes that a class inherits from; those of other libraries have no module."""
        node = self.classes.get(place)
        return [self._read_as(place[0], ast.unparse(base).split("[")[0]) for base in node.bases] if node else []

    def _is_used(self, one: Definition) -> bool:
        if one.kind in {"function", "class", "constant"}:
            return (one.module, one.name) in self.used | self.public
        owner, _, name = one.name.rpartition(".")
        readers = self.attributes.get(name, set()) - {f"{one.module}:{one.name}"}
        is_for_others = one.kind == "method" and (one.module, owner) in self.public
        return bool(readers) or is_for_others or self._is_of_others(one.module, owner)

    def _is_of_others(self, module: str, owner: str) -> bool:
        """Whether a class inherits from one of another library."""
        bases = self._bases((module, owner))
        return any(
            self._is_of_others(*base) if base in self.classes else base[1] not in BASES_WITHOUT_METHODS
            for base in bases
        )

    def _place(self, full: str, depth: int = 20) -> tuple[str, str]:
        """Where a full name is defined: a module and a name in it, which is empty if the full name is a module's."""
        parts = full.split(".")
        if full in self.modules or parts[0] != self.package or not depth:
            return (full, "") if full in self.modules else ("", parts[-1])
        cut = next(n for n in range(len(parts) - 1, 0, -1) if n == 1 or ".".join(parts[:n]) in self.modules)
        module, name = ".".join(parts[:cut]), parts[cut]
        alias = self.aliases.get(module, {}).get(name)
        if (module, name) in self.defined or alias is None or alias == full:
            return module, name
        return self._place(".".join([alias, *parts[cut + 1 :]]), depth - 1)

    def _read_as(self, module: str, text: str) -> tuple[str, str]:
        """Where that is defined which a dotted name stands for in a module."""
        first, _, rest = text.partition(".")
        if (module, first) in self.defined or first not in self.aliases[module]:
            return (module, first) if (module, first) in self.defined else ("", text.rpartition(".")[2])
        return self._place(".".join(filter(None, [self.aliases[module][first], rest])))

    def _read(self, module: Module, node: ast.AST, inside: str) -> None:
        """Note all names that are read; ``inside`` is the definition in whose body."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Assign) and "__all__" in map(ast.unparse, child.targets):
                continue
            within = inside
            if isinstance(child, Function | ast.ClassDef) and inside.count(".") < 1:
                within = f"{inside}.{child.name}" if inside else child.name
            self._note(module, child, inside)
            self._read(module, child, within)

    def _note(self, module: Module, node: ast.AST, inside: str) -> None:
        text = ""
        match node:
            case ast.Name(id=text, ctx=ast.Load()):
                pass
            case ast.Attribute(attr=name, ctx=ast.Load()) | ast.Constant(str() as name) if name.isidentifier():
                self.attributes.setdefault(name, set()).add(f"{module.name}:{inside}")
                text = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if re.fullmatch(r"[\w.]+", text):
            place = self._read_as(module.name, text)
            if place != (module.name, inside.split(".")[0]):
                self.used.add(place)

    def _look_up(self, module: Module) -> None:
        """Note what may be looked up in modules that are named by a string."""
        nodes = list(ast.walk(module.tree))
        strings = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        named = strings & set(self.modules)
        read = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
        self.used |= {self._place(f"{one}.{name}") for one in named for name in read}
        entries = {string.partition(":")[::2] for string in strings if string.count(":") == 1}
        self.used |= {self._place(f"{one}.{name}") for one, name in entries if one in self.modules}


def listed(module: Module) -> list[str]:
    """What a module lists in ``__all__``."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            return [one.value for one in getattr(node.value, "elts", []) if isinstance(one, ast.Constant)]
    return []


def _aliases(module: Module) -> dict[str, str]:
    """What imported names stand for, in full."""
    found = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{base_of(module, node)}.{a.name}" for a in node.names}
    return found


def _definitions(module: Module) -> Iterator[Definition]:
    """The functions, classes and constants at a module's top, and methods; none with two underscores."""
    for node in _top(module.tree):
        for name, kind in _defined(node):
            if not name.startswith("__"):
                yield Definition(module.name, name, node.lineno, kind)
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, Function) and not method.name.startswith("__"):
                    yield Definition(module.name, f"{node.name}.{method.name}", method.lineno, "method")
            for name, line in sorted(_set_attributes(node).items()):
                yield Definition(module.name, f"{node.name}.{name}", line, "attribute")


def _set_attributes(node: ast.ClassDef) -> dict[str, int]:
    """The private attributes that the methods of a class set, with their lines."""
    found: dict[str, int] = {}
    for one in ast.walk(node):
        match one:
            case ast.Attribute(value=ast.Name("self"), attr=name, ctx=ast.Store()) if _has_underscore(name):
                found.setdefault(name, one.lineno)
    return found


def _top(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try | ast.ExceptHandler | ast.With):
            yield from _top(child)
        elif isinstance(child, ast.stmt):
            yield child


def _defined(node: ast.stmt) -> Iterator[tuple[str, str]]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, "function"
        case ast.ClassDef(name=name):
            yield name, "class"
        case ast.Assign(targets=targets):
            yield from ((n.id, "constant") for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name, "constant"

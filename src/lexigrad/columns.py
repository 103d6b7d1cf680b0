"""Which column of a table is read: of strings, of lists of tokens, or of lists of ids."""

from __future__ import annotations

from typing import Any, Final, Literal

from lexigrad.errors import CorpusError, MissingExtraError

__all__ = ["check_column", "chosen_column", "first_line", "import_pyarrow", "is_list", "is_view"]

NAMES_SHOWN: Final = 8
LONGEST_NAME: Final = 40


def import_pyarrow() -> Any:
    """The package pyarrow.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("tables and datasets are read by pyarrow: pip install 'lexigrad[arrow]'") from error
    return pyarrow


def chosen_column(schema: Any, column: str | None, name: str) -> str:
    """The column of a table to read: the one asked for, or the only one that can be read.

    Args:
        schema: The table's, of pyarrow.
        column: Its name, or None.
        name: The table's, for messages.

    Raises:
        CorpusError: There is no such column, or it holds something else, or there is more than one.
    """
    readable = [field.name for field in schema if kind_of(field.type) and str(field.type) != "null"]
    chosen = _only(readable, name) if column is None else column
    found = schema.get_all_field_indices(chosen)
    if not found:
        others = f"its columns of text are {_listed(readable)}" if readable else "it has none of text"
        raise CorpusError(f"{name!r} has no column {_short(chosen)!r}; {others}")
    if len(found) > 1:
        raise CorpusError(f"{name!r} has {len(found):,} columns {_short(chosen)!r}; give each its own name")
    check_column(schema.field(found[0]).type, f"the column {_short(chosen)!r} of {name!r}")
    return chosen


def _only(readable: list[str], name: str) -> str:
    """The one column of text that a table has."""
    if not readable:
        raise CorpusError(f"{name!r} has no column of strings, of lists of tokens or of lists of ids; give another")
    if len(readable) > 1:
        several = f"{name!r} has {len(readable):,} columns of text, {_listed(readable)}"
        raise CorpusError(f"{several}; choose one by --column (column=... in Python)")
    return readable[0]


def check_column(kind: Any, name: str) -> None:
    """Refuse a column that is none of text.

    Raises:
        CorpusError: It is of another type.
    """
    if kind_of(kind) is None:
        raise CorpusError(
            f"{name} is of type {_short(str(kind))}; give one of strings, of lists of tokens or of lists of ids"
        )


def kind_of(kind: Any) -> Literal["text", "tokens", "ids"] | None:
    """What rows of an Arrow type are, None if they are no text."""
    types = import_pyarrow().types
    if _is_text(kind) or types.is_null(kind):
        return "text"
    if not is_list(kind):
        return None
    inner = kind.value_type
    if _is_text(inner) or types.is_null(inner):
        return "tokens"
    return "ids" if types.is_integer(inner) else None


def _is_text(kind: Any) -> bool:
    types = import_pyarrow().types
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or is_view(kind))


def is_view(kind: Any) -> bool:
    """Whether an Arrow type is one of string views, of which the first versions of pyarrow know nothing."""
    return str(kind) == "string_view"


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of lists, of any layout."""
    return str(kind).startswith(("list<", "large_list<", "fixed_size_list<", "list_view<", "large_list_view<"))


def _listed(names: list[str]) -> str:
    """Names for a message, the first ones if they are many."""
    shown = ", ".join(repr(_short(name)) for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN:,} more"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def first_line(error: BaseException) -> str:
    """What an error of pyarrow says, cut to a part of a sentence."""
    text = str(error).strip().split("\n")[0]
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain[:120].rstrip(" .") or type(error).__name__

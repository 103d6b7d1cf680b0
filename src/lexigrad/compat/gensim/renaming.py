"""Old names that stand for new ones: each use is a DeprecationWarning that says the new name."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

from lexigrad.compat.gensim.refusals import NotKeptError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["deprecated", "missing_attribute", "missing_method", "new_keywords", "renamed_attribute", "renamed_method"]


def deprecated(old: str, new: str) -> None:
    """Warn, at the caller's caller, that ``old`` is now written ``new``."""
    warnings.warn(f"{old} is gensim's old name; write {new}", DeprecationWarning, stacklevel=3)


def renamed_attribute(
    old: str, new: str, get: Callable[[Any], Any], put: Callable[[Any, Any], None] | None = None
) -> Any:
    """A property under an old name.

    Args:
        old: the old name, as the warning says it.
        new: the name to write instead.
        get: returns the value, given the object.
        put: sets the value; None where it cannot be set.
    """

    def getter(self: Any) -> Any:
        deprecated(old, new)
        return get(self)

    def setter(self: Any, value: Any) -> None:
        deprecated(old, new)
        assert put is not None
        put(self, value)

    return property(getter, None if put is None else setter, doc=f"gensim's old name of `{new}`.")


def renamed_method(old: str, new: str, path: str) -> Any:
    """A method under an old name; ``path`` leads to the new one from the object, as in ``wv.most_similar``."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        deprecated(old, new)
        return functools.reduce(getattr, path.split("."), self)(*args, **kwargs)

    method.__doc__ = f"gensim's old name of `{new}`."
    method.__name__ = path.rpartition(".")[2]
    return method


def missing_attribute(name: str, reason: str) -> Any:
    """A property that raises an AttributeError with the reason, so that ``hasattr`` says no."""

    def getter(self: Any) -> Any:
        raise AttributeError(f"{type(self).__name__} has no {name} here: {reason}")

    return property(getter, doc=f"Not kept: {reason}.")


def missing_method(name: str, reason: str) -> Any:
    """A method that raises a NotKeptError with the reason."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotKeptError(f"{name} is not kept: {reason}")

    method.__doc__ = f"Not kept: {reason}."
    return method


def new_keywords(function: str, given: dict[str, Any], names: dict[str, str], has: dict[str, Any]) -> dict[str, Any]:
    """Keywords under their new names.

    Args:
        function: the function's name, for errors.
        given: the keywords that were given besides the new names.
        names: the new name of each old one.
        has: the values of new names that were given.

    Raises:
        TypeError: a keyword is neither new nor old, or was given under both names.
    """
    found = dict(has)
    for old, value in given.items():
        new = names.get(old)
        if new is None:
            raise TypeError(f"{function}() got an unexpected keyword argument {old!r}")
        if found.get(new) is not None:
            raise TypeError(f"{function}() got both {new!r} and its old name {old!r}; give {new!r}")
        warnings.warn(f"{function}({old}=...) is gensim 3's name; write {new}=", DeprecationWarning, stacklevel=3)
        found[new] = value
    return found

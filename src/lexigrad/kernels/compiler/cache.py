"""Where compiled kernels are kept between runs: Numba's cache, in which no trouble with a file ends a run.

Numba knows a kernel by the file that it stands in and by its arguments' types, and numbers the files of a function in
an index (docs/decisions/kernel-cache.md). Here each kernel has a file of its own, named by a hash of all that it was
compiled from. So a kernel whose helper changed is compiled anew, processes that keep kernels at the same moment do not
meet, and a file that cannot be read or written costs a compilation.

The classes here are made from parts of Numba that it does not promise. Where one is missing, importing this module is
an ImportError, and kernels are kept by Numba's own cache (`lexigrad.kernels.compiler.compile`).
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache

__all__ = ["cache_of"]

METHODS: Final = ((IndexDataCacheFile, "_load_data"), (IndexDataCacheFile, "_save_data"), (FunctionCache, "cache_path"))
"""Parts of these classes that are used here; without this look at them a missing one would only cost all kernels."""

for owner, name in METHODS:
    if not hasattr(owner, name):
        raise ImportError(f"{owner.__name__} has no {name!r}")

_told: Final[set[str]] = set()
"""The reasons for which a warning was given."""

DIGITS: Final = 16
"""Hexadecimal digits of a hash in a file's name."""


class KernelFiles(IndexDataCacheFile):  # type: ignore[misc]
    """The files of one function's kernels in a folder: ``function.sources.kernel.nbc``."""

    def __init__(self, folder: str, function: Any) -> None:
        super().__init__(cache_path=folder, filename_base="", source_stamp=None)
        self._folder = Path(folder)
        self._line = function.__code__.co_firstlineno
        self._function = f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(">", "")
        self._function += f".{sys.implementation.cache_tag}"

    def save(self, key: Any, data: Any) -> None:
        """Keep a kernel, and remove the kernels of this function that were compiled from other sources."""
        self._save_data(self._name(key), (key, data))
        for path in self._folder.glob(f"{self._function}.*.nbc"):
            if not path.name.startswith(f"{self._function}.{sources()}."):
                with suppress(OSError):
                    path.unlink()

    def load(self, key: Any) -> Any:
        """The kernel of a key, or None."""
        kept, data = self._load_data(self._name(key))
        return data if kept == key else None

    def _name(self, key: Any) -> str:
        kernel = hashlib.sha256(f"{self._line} {key}".encode()).hexdigest()[:DIGITS]
        return f"{self._function}.{sources()}.{kernel}.nbc"


class KernelCache(FunctionCache):  # type: ignore[misc]
    """The kernels of one function, on disk."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = KernelFiles(self.cache_path, function)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel for a signature, or None: then it is compiled."""
        with suppress(Exception):  # a file of zeros, after a power cut, can raise anything; it is written anew
            return super().load_overload(sig, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel for the runs to come."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(error.strerror or str(error), f"{self.cache_path}: ")


class NoCache(NullCache):  # type: ignore[misc]
    """The cache where no folder can be written."""

    def save_overload(self, sig: Any, data: Any) -> None:
        """Say that the kernel is lost."""
        _warn("no folder for them can be written")


def cache_of(function: Any) -> KernelCache | NoCache:
    """The cache of a function's kernels, in the first folder that can be written of those that Numba looks at."""
    try:
        return KernelCache(function)
    except RuntimeError:
        return NoCache()


@cache
def sources() -> str:
    """A hash of everything that kernels are compiled from and with."""
    digest = hashlib.sha256(f"numba {version('numba')} llvmlite {version('llvmlite')}".encode())
    kernels = Path(__file__).parents[1]  # which import nothing else of the package, so that no constant lies outside
    for path in sorted(kernels.rglob("*.py")):
        digest.update(path.relative_to(kernels).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def _warn(why: str, where: str = "") -> None:
    """Warn once for each reason: there are dozens of kernels, in several folders."""
    if why in _told:
        return
    _told.add(why)
    advice = "set NUMBA_CACHE_DIR to a folder with room for them"
    warnings.warn(
        f"compiled kernels cannot be kept, so each run compiles them again ({where}{why}); {advice}", stacklevel=2
    )

"""Temporary files without a name, and the sentence that is said when there is no room for them."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lexigrad.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom

    from numpy.typing import NDArray

__all__ = ["Spill", "temporary_file", "temporary_space"]


class Spill:
    """A temporary file for arrays that memory has no room for, one behind the other.

    Raises:
        CorpusError: no temporary file can be used, or the folder for them is full.

    Example:
        >>> import numpy as np
        >>> spill = Spill()
        >>> spill.append(np.array([1, 2])), spill.append(np.array([3]))
        (0, 16)
        >>> later = np.empty(2, dtype=np.int64)
        >>> spill.read(8, later)
        >>> later.tolist()
        [2, 3]
        >>> spill.close()
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        with temporary_space():
            self._file = temporary_file()

    def append(self, array: NDArray[Any]) -> int:
        """Write an array behind the others; returns the position in the file where it begins, in bytes."""
        begin = self.size_bytes
        with temporary_space():
            self._file.write(array.data)
        self.size_bytes += array.nbytes
        return begin

    def read(self, begin: int, out: NDArray[Any]) -> None:
        """Fill the array ``out`` with what stands in the file from byte ``begin`` on."""
        if not out.size:
            return
        with temporary_space():
            self._file.seek(begin)
            self._file.readinto(out.data.cast("B"))

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


@contextmanager
def temporary_space() -> Iterator[None]:
    """Say what to do when the folder for temporary files is full or cannot be used."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"cannot use temporary files in {_temporary_folder()}: {error.strerror or error}; "
            "set TMPDIR to a folder with about eight bytes free for each word of the text, and thirty for phrases"
        ) from error


def temporary_file() -> BufferedRandom:
    """A temporary file without a name, where the system allows it.

    Its folder is chosen as `tempfile` does, but without the small file by which that tries one out: a process that is
    killed at that moment would leave it.
    """
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    usable = (path for path in (*named, "/tmp") if path and os.path.isdir(path) and os.access(path, os.W_OK))
    folder = tempfile.tempdir or next(usable, None)
    return tempfile.TemporaryFile(prefix="lexigrad-", dir=folder)


def _temporary_folder() -> Any:
    try:
        return repr(tempfile.gettempdir())
    except FileNotFoundError:
        return "any of the usual folders"

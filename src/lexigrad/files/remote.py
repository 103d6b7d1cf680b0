"""Text on other machines, by an address such as ``s3://bucket/text``, which the package fsspec opens."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lexigrad.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["find", "is_address", "opened", "size"]

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")
BUFFER_BYTES: Final = 1 << 20
MAGIC: Final = re.compile(r"[*?[]")
LONGEST_REASON: Final = 200


def is_address(path: str) -> bool:
    """Whether a path begins as an address does.

    Example:
        >>> is_address("s3://bucket/text.txt"), is_address("folder/text.txt")
        (True, False)
    """
    return SCHEME.match(path) is not None


def find(address: str, is_wanted: Callable[[str], bool]) -> tuple[list[str], int]:
    """The addresses of the files that an address names, sorted, and how many files in its folder are passed over.

    Args:
        address: the address of a file, of a folder, which is searched with all below it, or a glob.
        is_wanted: says by a path whether a file in a folder is taken.

    Raises:
        CorpusError: the address names nothing, or cannot be read.
        MissingExtraError: fsspec, or its driver for such addresses, is not installed.
    """
    system, path = _system(address)
    with _explained(address):
        if MAGIC.search(path):
            matches = sorted(system.glob(path))
        elif system.isdir(path):
            matches = sorted(system.find(path))
            wanted = [match for match in matches if is_wanted(match)]
            if not wanted:
                raise CorpusError(f"the folder {address!r} holds no text; name the files themselves, or use a glob")
            return [system.unstrip_protocol(match) for match in wanted], len(matches) - len(wanted)
        else:
            matches = [path] if system.exists(path) else []
        files = [system.unstrip_protocol(match) for match in matches if not system.isdir(match)]
    if not files:
        raise CorpusError(f"there is no file, folder or glob {address!r}; check its spelling")
    return files, 0


def size(address: str) -> int | None:
    """The size of a file in bytes, None where its file system does not know.

    Raises:
        CorpusError: the file cannot be read.
    """
    system, path = _system(address)
    with _explained(address):
        found = system.size(path)
    return None if found is None else int(found)


@contextmanager
def opened(address: str) -> Iterator[io.BufferedReader]:
    """A file, open for reading.

    Raises:
        CorpusError: the file cannot be opened.
        MissingExtraError: as for ``find``.
    """
    system, path = _system(address)
    with _explained(address):
        file = system.open(path, "rb")
    raw: Any = _Raw(file)
    with file, io.BufferedReader(raw, BUFFER_BYTES) as buffered:
        yield buffered


class _Raw(io.RawIOBase):
    """A file of fsspec's; each error of its driver becomes an OSError."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._file.read(len(buffer))
        except Exception as error:  # each driver has errors of its own
            raise OSError(_reason(error)) from error
        buffer[: len(content)] = content
        return len(content)


def _system(address: str) -> tuple[Any, str]:
    """The file system, of fsspec, for an address, and the path there."""
    found = SCHEME.match(address)
    scheme = found[0] if found else ""
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(f"reading {scheme}:// needs fsspec: pip install 'lexigrad[remote]'") from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingExtraError(
            f"reading {scheme}:// needs a driver besides lexigrad[remote]: {_reason(error)}"
        ) from error
    except ValueError as error:
        raise CorpusError(f"nothing is known of addresses that begin with {scheme}://; check the spelling") from error
    except Exception as error:
        raise _refusal(address, error) from error
    return system, path


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Make one sentence of each error that a driver raises."""
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        raise _refusal(address, error) from error


def _refusal(address: str, error: Exception) -> CorpusError:
    return CorpusError(f"cannot read {address!r}: {_reason(error)}; check the address, the network and your access")


def _reason(error: Exception) -> str:
    """The message of an error, cut to a part of a sentence."""
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return text[:LONGEST_REASON].rstrip(" .") or type(error).__name__

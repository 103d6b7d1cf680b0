"""Files that are either whole or not there: written beside their target, then moved into its place."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lexigrad.errors import LexigradError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    r"""Open ``path`` for writing so that it changes all at once, or not at all.

    The bytes go to a hidden file in the same folder, ``.NAME.tmp-XXXX``. When the block ends, they are forced to the
    disk and the file takes its target's place; when the block raises anything, an interrupt too, it is removed and the
    target stays as it was. A target that exists keeps its permissions, a link keeps pointing where it did, and a
    device or a pipe is written to directly.

    Args:
        path: the file to write. Its folder must exist.

    Yields:
        The hidden file, open for writing bytes.

    Raises:
        LexigradError: the folder does not exist, it cannot be written to, the disk is full, or the like.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> with atomic_write(folder / "words.txt") as file:
        ...     _ = file.write(b"the 3\n")
        >>> [entry.name for entry in folder.iterdir()]
        ['words.txt']
    """
    path = os.fspath(path)
    target = Path(os.path.realpath(path))
    # Cut, so that a long name with its additions still is a name that file systems take: 50 characters, 200 bytes.
    hidden = target.with_name(f".{target.name[:50]}.tmp-{secrets.token_hex(4)}")
    try:
        mode = _mode(path)
        if mode is None or stat.S_ISREG(mode):
            with _replacing(target, hidden, mode) as file:
                yield file
        else:  # to put a file in the place of /dev/null would break the machine
            with open(path, "wb") as file:
                yield file
    except OSError as error:
        if error.filename not in (None, path, str(hidden), str(target.parent)):
            raise  # the caller's block failed on some other file
        raise LexigradError(_sentence(path, error)) from error


@contextmanager
def _replacing(target: Path, hidden: Path, mode: int | None) -> Iterator[BinaryIO]:
    """Yield the new file ``hidden``, which takes the place of ``target``, with its ``mode``, if all goes well."""
    try:
        with open(hidden, "xb") as file:
            if mode is not None:
                os.chmod(hidden, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(hidden, target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _mode(path: str) -> int | None:
    """Type and permissions of what is at ``path``, None when there is nothing."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) and not os.access(path, os.W_OK):  # os.replace would not mind
        raise PermissionError(None, "the file is read-only", path)
    return mode


def _sync_folder(folder: Path) -> None:
    """Force the folder's entries to the disk: a file's new name is data of the folder."""
    if os.name == "nt":  # pragma: no cover - Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sentence(path: str, error: OSError) -> str:
    """What went wrong, where, and what to do."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f"cannot write {path}: the folder {folder} does not exist; make it first"
    if os.path.isdir(path):
        return f"cannot write {path}: it is a folder; give the name of a file in it"
    return f"cannot write {path}: {error.strerror or error}"

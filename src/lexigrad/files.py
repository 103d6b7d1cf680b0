"""Files that are either whole or not there: written beside their target, then moved into its place."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lexigrad.errors import LexigradError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["atomic_write", "remove_stale"]


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    r"""Open ``path`` for writing so that it changes all at once, or not at all.

    The bytes go to a hidden file in the same folder, ``.NAME.tmp-XXXX``. When the block ends, they are forced to the
    disk and the file takes its target's place; when the block raises anything, an interrupt too, it is removed and the
    target stays as it was. A process that is killed leaves it; the next one to write ``path`` removes it. A target that
    exists keeps its permissions, a link keeps pointing where it did, and a device or a pipe is written to directly.

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
    hidden = target.with_name(f"{_stem(target)}{secrets.token_hex(4)}")
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


def remove_stale(path: str | os.PathLike[str]) -> None:
    """Remove the hidden files that killed writers of ``path`` have left.

    A writer holds a lock on its file until that has its target's place, and the system drops the lock when the writer
    is gone: whoever gets it may remove the file. Where the file system knows no locks, nothing is removed.

    Args:
        path: the file that was to be written.
    """
    target = Path(os.path.realpath(path))
    stem = _stem(target)
    with suppress(OSError):  # no such folder, or one that cannot be listed: whoever writes there will say so
        for name in os.listdir(target.parent):
            if name.startswith(stem) and re.fullmatch("[0-9a-f]{8}", name[len(stem) :]):
                _remove_if_stale(target.with_name(name))


def _stem(target: Path) -> str:
    """What the names of hidden files begin with; some eight random digits follow."""
    # Cut, so that a long name with its additions still is a name that file systems take: 50 characters, 200 bytes.
    return f".{target.name[:50]}.tmp-"


def _remove_if_stale(hidden: Path) -> None:
    """Remove a hidden file unless its writer lives."""
    with suppress(OSError):  # another process was faster, or holds the lock; Windows removes no file that is open
        if sys.platform == "win32":
            hidden.unlink()
        else:
            with open(hidden, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                hidden.unlink()


@contextmanager
def _replacing(target: Path, hidden: Path, mode: int | None) -> Iterator[BinaryIO]:
    """Yield the new file ``hidden``, which takes the place of ``target``, with its ``mode``, if all goes well."""
    remove_stale(target)
    try:
        with _locked(hidden) as file:
            if mode is not None:
                os.chmod(hidden, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":  # under the lock, so that nobody takes it for a stale one
                os.replace(hidden, target)
        if sys.platform == "win32":  # it moves no file that is open
            os.replace(hidden, target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _locked(hidden: Path) -> BinaryIO:
    """A new file, locked."""
    while True:
        file = open(hidden, "xb")  # noqa: SIM115  # closed by the caller
        try:
            if sys.platform != "win32":
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(file, fcntl.LOCK_EX)
            if sys.platform == "win32" or os.fstat(file.fileno()).st_nlink:
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # another process took it for a stale one before it was locked


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

"""Files and folders that are either whole or not there: they are written beside their target, then take its place."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lexigrad.errors import LexigradError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["atomic_folder", "atomic_write", "check_folder", "remove_stale"]


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    r"""Open ``path`` for writing so that it changes all at once, or not at all.

    The bytes go to a hidden file in the same folder, ``.NAME.tmp-XXXX``. When the block ends, they are forced to the
    disk and the hidden file takes its target's place; when the block raises anything, an interrupt too, the hidden file
    is removed and the target stays as it was. A process that is killed leaves its hidden file; the next process that
    writes ``path`` removes it. A target that exists keeps its permissions, a link keeps pointing where it did, and a
    device or a pipe is written to directly.

    Args:
        path: the file to write. Its folder must exist.

    Yields:
        The hidden file, open for writing bytes.

    Raises:
        LexigradError: the folder does not exist or cannot be written to, the disk is full, or the like.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> with atomic_write(folder / "words.txt") as file:
        ...     _ = file.write(b"the 3\n")
        >>> [entry.name for entry in folder.glob("*.txt")]
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


@contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool = False, keys: Sequence[str] = ()) -> Iterator[Path]:
    r"""Make a folder that is there as a whole when the block ends, or not at all.

    The block fills a hidden folder beside the target, ``.NAME.tmp-XXXX``, which then takes the target's place; when the
    block raises anything, the hidden folder is removed. A process that is killed leaves it; the next process that makes
    the folder removes it.

    A folder that holds something is kept when ``overwrite`` says so, with all files in it that the block does not make;
    the files that it makes are replaced one after another. As no system replaces several at once, the ``keys``, without
    which no reader takes the folder for whole, are removed first and come last.

    Args:
        path: the folder. The folder above it must exist.
        overwrite: whether the folder may exist and hold something.
        keys: names of files that the block makes and without which the folder is not whole.

    Yields:
        The hidden folder, which exists and is empty.

    Raises:
        LexigradError: ``check_folder`` refuses the folder, or something cannot be written.

    Example:
        >>> target = getfixture("tmp_path") / "folder"
        >>> with atomic_folder(target) as folder:
        ...     _ = (folder / "words.txt").write_text("the 3\n")
        >>> [entry.name for entry in target.iterdir()]
        ['words.txt']
    """
    path = os.fspath(path)
    check_folder(path, overwrite=overwrite)
    target = Path(os.path.realpath(path))
    hidden = target.with_name(f"{_stem(target)}{secrets.token_hex(4)}")
    remove_stale(target)
    with _locked_folder(hidden, path):
        yield hidden
        with _explained(path):
            _sync_folder(hidden)
            _move_folder(hidden, target, keys)
            _sync_folder(target.parent)


def check_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a folder that `atomic_folder` could not make, before any work is done.

    Raises:
        LexigradError: the path is no folder, the folder holds something that must not be overwritten, or the folder
            above it is missing.
    """
    path = os.fspath(path)
    above = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(above):
        raise LexigradError(f"cannot write {path}: the folder {above} does not exist; make it first")
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path):
        raise LexigradError(f"cannot write {path}: it is no folder; give another name")
    try:
        is_empty = not os.listdir(path)
    except OSError as error:
        raise LexigradError(f"cannot write {path}: {error.strerror or error}") from error
    if not (is_empty or overwrite):
        raise LexigradError(
            f"cannot write {path}: the folder is not empty; name another one, or let files in it be replaced: by "
            "overwrite=True, on the command line by --force"
        )


def remove_stale(path: str | os.PathLike[str]) -> None:
    """Remove the hidden files and folders that killed writers of ``path`` have left.

    A writer holds a lock on its file until the file has its target's place, and the system drops the lock when the
    writer is gone: a process that gets the lock may remove the file. Where the file system knows no locks, nothing is
    removed.

    Args:
        path: the file or the folder that was to be written.
    """
    target = Path(os.path.realpath(path))
    stem = _stem(target)
    with suppress(OSError):  # no such folder, or one that cannot be listed: to write there is an error in any case
        for name in os.listdir(target.parent):
            if name.startswith(stem) and re.fullmatch("[0-9a-f]{8}", name[len(stem) :]):
                _remove_if_stale(target.with_name(name))


def _stem(target: Path) -> str:
    """The beginning of the names of a target's hidden files; eight random digits follow."""
    # Cut, so that a long name with its additions still is a name that file systems take: 50 characters, 200 bytes.
    return f".{target.name[:50]}.tmp-"


def _remove_if_stale(hidden: Path) -> None:
    """Remove a hidden file or folder unless its writer lives."""
    with suppress(OSError):  # another process was faster, or holds the lock; Windows removes no file that is open
        if hidden.is_dir():
            _remove_if_stale_folder(hidden)
        elif sys.platform == "win32":
            hidden.unlink()
        else:
            with open(hidden, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                hidden.unlink()


def _remove_if_stale_folder(hidden: Path) -> None:
    """Remove a hidden folder unless its writer lives; Windows cannot tell, so there it stays."""
    if sys.platform != "win32":
        descriptor = os.open(hidden, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(hidden)
        finally:
            os.close(descriptor)


@contextmanager
def _locked_folder(hidden: Path, path: str) -> Iterator[None]:
    """Make the folder ``hidden`` and hold a lock on it; it is removed if the block fails. Errors speak of ``path``."""
    descriptor = None
    try:
        with _explained(path):
            descriptor = _new_folder(hidden)
        yield
    except BaseException as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if type(error) is LexigradError:  # on a file in the folder, whose hidden name the caller does not know
            raise LexigradError(str(error).replace(str(hidden), path)) from error
        raise
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _new_folder(hidden: Path) -> int | None:
    """Make a folder and return the descriptor that holds the lock on it; None where the system locks no folders."""
    while True:
        os.mkdir(hidden)
        if sys.platform == "win32":
            return None
        descriptor = os.open(hidden, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if hidden.is_dir():
            return descriptor
        os.close(descriptor)  # another process took it for a stale one before it was locked


def _move_folder(hidden: Path, target: Path, keys: Sequence[str]) -> None:
    """Let the hidden folder take the target's place; if the target holds something, file by file."""
    if not (target.is_dir() and any(target.iterdir())):
        if sys.platform == "win32" and target.is_dir():
            target.rmdir()
        os.rename(hidden, target)
        return
    for name in keys:
        (target / name).unlink(missing_ok=True)
    for name in sorted(os.listdir(hidden), key=lambda name: (name in keys, name)):
        os.replace(hidden / name, target / name)
    _sync_folder(target)
    hidden.rmdir()


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn a refusal of the system into a sentence on ``path``."""
    try:
        yield
    except OSError as error:
        raise LexigradError(f"cannot write {path}: {error.strerror or error}") from error


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
            if sys.platform != "win32":  # under the lock, so that no process takes it for a stale one
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
    """Type and permissions of the file at ``path``, None when there is none."""
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
    """The sentence that says what went wrong, where, and what to do."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f"cannot write {path}: the folder {folder} does not exist; make it first"
    if os.path.isdir(path):
        return f"cannot write {path}: it is a folder; give the name of a file in it"
    return f"cannot write {path}: {error.strerror or error}"

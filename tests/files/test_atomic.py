from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from lexigrad.errors import LexigradError
from lexigrad.files.atomic import atomic_folder, atomic_write, remove_stale

if TYPE_CHECKING:
    from pathlib import Path


def write_and_fail(path: Path, failure: BaseException) -> None:
    with atomic_write(path) as file:
        file.write(b"half")
        raise failure


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_file_holds_what_was_written_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"one")
        file.write(b" two")
    assert (tmp_path / "a.bin").read_bytes() == b"one two"
    assert names(tmp_path) == ["a.bin"]


def test_the_target_keeps_its_old_bytes_until_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with atomic_write(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
        (hidden,) = (name for name in names(tmp_path) if name != "a.bin")
        assert hidden.startswith(".a.bin.tmp-")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_the_block_raises_goes_through_and_leaves_the_target_as_it_was(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(failure):
        write_and_fail(target, failure())
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_failure_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_and_fail(tmp_path / "a.bin", ValueError())
    assert names(tmp_path) == []


def test_an_existing_target_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with atomic_write(target) as file:
        file.write(b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with atomic_write(tmp_path / "a.bin"):
        pass
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    with atomic_write(os.devnull) as file:
        file.write(b"gone")
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)


def test_a_name_as_long_as_the_file_system_takes_is_written(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 125)
    with atomic_write(target) as file:
        file.write(b"x")
    assert target.read_bytes() == b"x"


KILLED = """
import os, signal, sys
from lexigrad.files.atomic import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    """A folder with the hidden file that a killed writer of ``a.bin`` has left."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.bin")], check=False)
    (hidden,) = names(tmp_path)
    assert hidden.startswith(".a.bin.tmp-")
    return tmp_path


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@posix
def test_what_a_killed_writer_leaves_goes_with_the_next_writer(stale: Path) -> None:
    with atomic_write(stale / "a.bin") as file:
        file.write(b"new")
        assert len(names(stale)) == 1
    assert names(stale) == ["a.bin"]


@posix
def test_what_a_killed_writer_leaves_can_be_removed_without_writing(stale: Path) -> None:
    remove_stale(stale / "b.bin")
    assert len(names(stale)) == 1
    remove_stale(stale / "a.bin")
    assert names(stale) == []


def test_files_with_like_names_are_nobodys_leavings(tmp_path: Path) -> None:
    kept = [".a.bin.tmp-", ".a.bin.tmp-1234567", ".a.bin.tmp-12345678.txt", ".a.bin.tmp-ABCDEFGH", "a.bin.tmp-12345678"]
    for name in kept:
        (tmp_path / name).touch()
    remove_stale(tmp_path / "a.bin")
    assert names(tmp_path) == sorted(kept)


def test_two_writers_of_one_file_leave_each_other_alone(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin") as one:
        one.write(b"one")
        with atomic_write(tmp_path / "a.bin") as other:
            other.write(b"other")
        remove_stale(tmp_path / "a.bin")
        assert len(names(tmp_path)) == 2
        assert (tmp_path / "a.bin").read_bytes() == b"other"
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    assert names(tmp_path) == ["a.bin"]


@posix
def test_a_file_that_was_taken_for_a_stale_one_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    real, taken = fcntl.flock, []

    def lose_the_first(file: BinaryIO, operation: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", lose_the_first)
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
    assert len(taken) == 1
    assert (tmp_path / "a.bin").read_bytes() == b"new"


@posix
def test_where_files_cannot_be_locked_they_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".a.bin.tmp-12345678").touch()
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
    assert names(tmp_path) == [".a.bin.tmp-12345678", "a.bin"]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(LexigradError, match=r"the folder .*missing does not exist"),
        atomic_write(tmp_path / "missing" / "a"),
    ):
        pytest.fail("the block must not run")


def test_a_folder_as_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LexigradError, match="it is a folder"), atomic_write(tmp_path):
        pytest.fail("the block must not run")
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(LexigradError, match=r"cannot write .*Permission denied"), atomic_write(tmp_path / "a"):
        pytest.fail("the block must not run")


def test_a_read_only_target_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to any file
    with pytest.raises(LexigradError, match="read-only"), atomic_write(tmp_path / "a"):
        pytest.fail("the block must not run")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LexigradError, match=r"cannot write .*a.bin: No space left"):
        write_and_fail(tmp_path / "a.bin", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert names(tmp_path) == []


def test_an_error_about_another_file_goes_through_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.bin"):
        (tmp_path / "source").read_bytes()
    assert names(tmp_path) == []


# Folders


def write_folder(path: Path, content: str, failure: BaseException | None = None, **how: Any) -> None:
    with atomic_folder(path, **how) as folder:
        (folder / "data").write_text(content)
        (folder / "key").write_text(content)
        if failure is not None:
            raise failure


def contents(folder: Path) -> dict[str, str]:
    return {entry.name: entry.read_text() for entry in folder.iterdir()}


@pytest.mark.parametrize("before", ["nothing", "an empty folder"])
def test_a_folder_is_there_as_a_whole_when_the_block_ends(tmp_path: Path, before: str) -> None:
    target = tmp_path / "f"
    if before == "an empty folder":
        target.mkdir()
    with atomic_folder(target) as folder:
        (folder / "data").write_text("new")
        assert not target.exists() or names(target) == []
        assert folder.name.startswith(".f.tmp-")
        assert folder.parent == tmp_path
    assert contents(target) == {"data": "new"}
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, OSError])
def test_a_folder_whose_block_fails_is_not_there(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure):
        write_folder(tmp_path / "f", "new", failure())
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_left_alone_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.mkdir()
    (target / "mine").write_text("mine")
    with pytest.raises(LexigradError, match="the folder is not empty"):
        write_folder(target, "new")
    assert contents(target) == {"mine": "mine"}
    write_folder(target, "new", overwrite=True)
    assert contents(target) == {"mine": "mine", "data": "new", "key": "new"}
    assert names(tmp_path) == ["f"]


def test_a_folder_that_is_overwritten_in_part_lacks_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "f", "old")
    replace = os.replace

    def fail(source: Path, target: Path) -> None:
        replace(source, target)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(LexigradError, match="Input/output error"):
        write_folder(tmp_path / "f", "new", overwrite=True, keys=["key"])
    assert contents(tmp_path / "f") == {"data": "new"}
    assert names(tmp_path) == ["f"]


def test_a_folder_is_made_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == {"data": "new", "key": "new"}


def test_a_file_where_a_folder_should_be_and_a_missing_folder_above_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LexigradError, match=r"cannot write .*file: it is no folder"):
        write_folder(tmp_path / "file", "new")
    with pytest.raises(LexigradError, match=r"the folder .*missing does not exist"):
        write_folder(tmp_path / "missing" / "f", "new")
    assert names(tmp_path) == ["file"]


@posix
def test_what_a_killed_maker_of_a_folder_leaves_goes_with_the_next_one(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom lexigrad.files.atomic import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as folder:\n"
        "    (folder / 'half').touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "f")], check=False)
    (left,) = names(tmp_path)
    assert left.startswith(".f.tmp-")
    write_folder(tmp_path / "f", "new")
    assert names(tmp_path) == ["f"]


@posix
def test_two_makers_of_one_folder_leave_each_other_alone(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "f", overwrite=True) as one:
        (one / "data").write_text("one")
        write_folder(tmp_path / "f", "other")
        assert one.is_dir()
    assert contents(tmp_path / "f") == {"data": "one", "key": "other"}


@posix
def test_a_folder_that_was_taken_for_a_stale_one_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    real, taken = fcntl.flock, []

    def lose_the_first(descriptor: int, operation: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].rmdir()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lose_the_first)
    write_folder(tmp_path / "f", "new")
    assert len(taken) == 1
    assert contents(tmp_path / "f") == {"data": "new", "key": "new"}

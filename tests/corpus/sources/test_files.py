"""Files, folders, globs, compression and standard input become chunks that are cut between words."""

from __future__ import annotations

import builtins
import bz2
import gzip
import io
import lzma
import os
import sys

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lexigrad.corpus.sources import files as sources
from lexigrad.corpus.sources.files import FileSource, cut_chunks, decoded, find_files, named_paths
from lexigrad.errors import CorpusError, MissingExtraError

COMPRESSORS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}
TEXT = "".join(f"line {number} über {number * number}\n" for number in range(2000)).encode()


def text_of(source):
    return b"".join(chunk.text for chunk in source)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks and reads of 16 bytes, so that short texts are cut often."""
    monkeypatch.setattr(sources, "CHUNK_BYTES", 16)


def test_files_are_read_one_after_another_and_never_joined(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one two")
    (tmp_path / "b.txt").write_bytes(b"three\n")
    source = FileSource([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")])
    assert [(chunk.text, os.path.basename(chunk.name)) for chunk in source] == [
        (b"one two\n", "a.txt"),
        (b"three\n", "b.txt"),
    ]
    assert (source.total_bytes, source.done_bytes, source.text_bytes) == (13, 13, 13)


def test_a_folder_is_read_recursively_sorted_and_its_other_files_are_counted(tmp_path):
    names = ["b.txt", "a/z.txt", "a/A.TXT.gz", "c.text", "notes.md", ".hidden.txt", "all.tar.gz", "d.zst"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    files, skipped = find_files([str(tmp_path)])
    assert [os.path.relpath(file, tmp_path) for file in files] == ["a/A.TXT.gz", "a/z.txt", "b.txt", "c.text", "d.zst"]
    assert skipped == 3


def test_a_glob_names_files_of_any_ending_and_folders(tmp_path):
    (tmp_path / "part").mkdir()
    for name in ("part/x.txt", "part2.log", "part1.log"):
        (tmp_path / name).write_bytes(b"x")
    files, _ = find_files([str(tmp_path / "part*")])
    assert [os.path.relpath(file, tmp_path) for file in files] == ["part/x.txt", "part1.log", "part2.log"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    for name in ("a[1].txt", "a1.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert find_files([str(tmp_path / "a[1].txt")])[0] == [str(tmp_path / "a[1].txt")]


def test_a_path_that_names_nothing_is_an_error_that_repeats_it(tmp_path):
    for missing in ("none.txt", "*.txt", "a\0b", "*\0"):
        with pytest.raises(CorpusError, match="there is no file, folder or glob"):
            find_files([str(tmp_path / missing)])


def test_a_folder_without_text_is_an_error_that_says_what_text_is_called(tmp_path):
    (tmp_path / "image.png").write_bytes(b"x")
    with pytest.raises(CorpusError, match=r"holds no text: .*\.txt, \.text, \.gz"):
        find_files([str(tmp_path)])


def test_a_file_that_vanishes_before_it_is_read_is_a_clear_error(tmp_path):
    (tmp_path / "gone.txt").write_bytes(TEXT)
    source = FileSource([str(tmp_path / "gone.txt")])
    (tmp_path / "gone.txt").unlink()
    with pytest.raises(CorpusError, match=r"cannot read '.*gone.txt': No such file"):
        text_of(source)


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_compressed_files_are_known_by_their_content(tmp_path, ending):
    (tmp_path / "text.dat").write_bytes(COMPRESSORS[ending](TEXT))
    source = FileSource([str(tmp_path / "text.dat")])
    assert text_of(source) == TEXT
    assert source.text_bytes == len(TEXT)
    assert source.done_bytes == source.total_bytes == os.path.getsize(tmp_path / "text.dat")


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_plain_text_in_a_file_named_as_compressed_is_read_as_it_is(tmp_path, ending):
    (tmp_path / f"text.{ending}").write_bytes(TEXT)
    assert text_of(FileSource([str(tmp_path / f"text.{ending}")])) == TEXT


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_several_compressed_streams_in_one_file_are_one_text(tmp_path, ending):
    (tmp_path / "text").write_bytes(COMPRESSORS[ending](TEXT[:5000]) + COMPRESSORS[ending](TEXT[5000:]))
    assert text_of(FileSource([str(tmp_path / "text")])) == TEXT


@pytest.mark.parametrize("ending", COMPRESSORS)
@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
def test_damaged_compressed_files_are_clear_errors(tmp_path, ending, damage):
    content = COMPRESSORS[ending](TEXT)
    middle = len(content) // 2
    damaged = content[:middle] if damage == "truncated" else content[:middle] + bytes(64) + content[middle + 64 :]
    (tmp_path / "text").write_bytes(damaged)
    with pytest.raises(CorpusError, match=r"cannot read '.*text' to its end: .*truncated or damaged"):
        text_of(FileSource([str(tmp_path / "text")]))


def test_zstandard_is_needed_only_for_its_files_and_its_absence_names_the_extra(tmp_path, monkeypatch):
    plain_import = builtins.__import__

    def without_zstandard(name, *args):
        if name == "zstandard":
            raise ImportError(name)
        return plain_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", without_zstandard)
    (tmp_path / "text.txt").write_bytes(TEXT)
    (tmp_path / "text.zst").write_bytes(COMPRESSORS["zst"](TEXT))
    assert text_of(FileSource([str(tmp_path / "text.txt")])) == TEXT
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[zstd\]'"):
        text_of(FileSource([str(tmp_path / "text.zst")]))


@pytest.mark.parametrize("content", [TEXT, gzip.compress(TEXT)], ids=["plain", "compressed"])
def test_a_dash_is_standard_input_which_stays_open(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    source = FileSource(["-"])
    assert text_of(source) == TEXT
    assert source.total_bytes is None
    assert not sys.stdin.buffer.closed


@pytest.mark.usefixtures("small_chunks")
@given(st.lists(st.binary(max_size=40) | st.text("ab \n\t\x1c", max_size=40).map(str.encode)), st.booleans())
def test_chunks_are_the_text_cut_behind_white_space_with_the_last_line_ended(blocks, whole_lines):
    text = b"".join(blocks)
    chunks = list(cut_chunks(blocks, "name", whole_lines=whole_lines))
    mark = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    ended = text[mark:] + (b"" if text.endswith(b"\n") or not text else b"\n")
    assert b"".join(chunk.text for chunk in chunks) == ended
    for chunk in chunks:
        assert chunk.text
        assert ended[chunk.offset - mark :].startswith(chunk.text)
    for chunk in chunks[:-1]:
        assert chunk.text[-1:] in ([b"\n"] if whole_lines else sources.WHITESPACE)


@pytest.mark.usefixtures("small_chunks")
def test_a_word_longer_than_a_chunk_is_not_cut():
    text = b"a " + b"x" * 1000 + b" b\n"
    assert [chunk.text.split() for chunk in cut_chunks([text[i : i + 16] for i in range(0, 1100, 16)], "name")][1][
        0
    ] == (b"x" * 1000)


@pytest.mark.usefixtures("small_chunks")
def test_a_long_line_is_cut_between_words_so_that_memory_does_not_hold_it():
    chunks = list(cut_chunks([b"word " * 1000], "name"))
    assert b"".join(chunk.text for chunk in chunks) == b"word " * 1000 + b"\n"
    assert len(list(cut_chunks((b"word word word w" for _ in range(1000)), "name"))) > 500


def test_bytes_that_are_not_utf8_are_an_error_that_names_file_and_offset():
    chunk = sources.Chunk(b"ab \xff c\n", "x.txt", offset=1000)
    with pytest.raises(CorpusError, match=r"'x.txt' is not UTF-8 at byte 1,003 .*--encoding-errors replace"):
        decoded(chunk, "strict")


@given(st.binary())
def test_replaced_bytes_are_all_those_that_python_leaves_out(content):
    text, replaced_bytes = decoded(sources.Chunk(content, "x"), "replace")
    assert text == content.decode(errors="replace")
    assert replaced_bytes == len(content) - len(content.decode(errors="ignore").encode())


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("text.txt", ["text.txt"]),
        ("no such file", ["no such file"]),
        (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
        (["missing.txt"], ["missing.txt"]),
        (["the cat sat", "b.txt"], None),
        (["word", ""], None),
        ([["a.txt"]], None),
        ([], None),
        (iter(["a.txt"]), None),
    ],
)
def test_a_list_of_strings_names_files_unless_one_reads_like_a_sentence(source, paths):
    assert named_paths(source) == paths


def test_paths_are_always_paths_even_with_spaces(tmp_path):
    assert named_paths([tmp_path / "no such file"]) == [str(tmp_path / "no such file")]
    (tmp_path / "my text.txt").write_bytes(b"x")
    assert named_paths([str(tmp_path / "my text.txt")]) == [str(tmp_path / "my text.txt")]
    assert named_paths((str(tmp_path / "my t*.txt"),)) == [str(tmp_path / "my t*.txt")]

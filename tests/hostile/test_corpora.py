"""What fuzzing and reading the readers of text, saved corpora and vocabularies closely have found."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lexigrad import Corpus, TrainConfig, Vocabulary, read_corpus
from lexigrad.corpus.sources.files import FileSource
from lexigrad.errors import CorpusError, FormatError, InputError
from lexigrad.files.packed import unpacked_bzip2, unpacked_xz, unpacked_zstd

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20


def text_of(path: Path) -> bytes:
    return b"".join(chunk.text for chunk in FileSource([str(path)]))


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_what_follows_a_packed_stream_of_text_is_not_passed_over(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "text").write_bytes(pack(b"one ") + bytes(4) + pack(b"two\n") + bytes(8))
    assert text_of(tmp_path / "text") == b"one two\n"
    (tmp_path / "text").write_bytes(pack(b"one\n") + b"rubbish")
    with pytest.raises(CorpusError, match="truncated or damaged"):
        text_of(tmp_path / "text")


def test_a_small_packed_file_cannot_hold_a_word_that_fills_the_memory(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(gzip.compress(b"a " + b"x" * (40 * MEBIBYTE), 1))
    with pytest.raises(CorpusError, match=r"bytes of text without white space; cut it into lines"):
        text_of(tmp_path / "text")


def test_nor_a_line_where_only_whole_lines_are_taken(tmp_path: Path) -> None:
    content = b"word " * (8 * MEBIBYTE)
    (tmp_path / "text").write_bytes(gzip.compress(content, 1))
    assert sum(len(chunk.text) for chunk in FileSource([str(tmp_path / "text")])) == len(content) + 1
    with pytest.raises(CorpusError, match="without line end"):
        list(FileSource([str(tmp_path / "text")], whole_lines=True))


def test_a_word_as_long_as_its_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"x" * (20 * MEBIBYTE))
    assert len(text_of(tmp_path / "text")) == 20 * MEBIBYTE + 1


def saved(folder: Path) -> Path:
    with read_corpus(["the cat sat", "the cat"], TrainConfig(min_count=1)) as corpus:
        corpus.save(folder / "corpus")
    return folder / "corpus"


def with_header(path: Path, change: Any) -> None:
    """Change the header's JSON, and write the file with a header that is as long as it need be."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


@pytest.mark.parametrize("kept", [4, 6, 10**18, 5.5, None])
def test_a_saved_corpus_whose_report_lies_about_its_words_is_refused(tmp_path: Path, kept: object) -> None:
    def lie(header: dict[str, Any]) -> None:
        report = json.loads(header["__metadata__"]["report"])
        header["__metadata__"]["report"] = json.dumps({**report, "kept": kept})

    path = saved(tmp_path)
    with_header(path, lie)
    with pytest.raises(FormatError, match="holds 5 words of text, but its report says otherwise"):
        Corpus.load(path)


@pytest.mark.parametrize("spaces", range(4))
def test_ids_at_an_odd_place_are_read_aligned_and_not_writable(tmp_path: Path, spaces: int) -> None:
    path = saved(tmp_path)
    with_header(path, lambda header: header["__metadata__"].update({"x" * spaces: ""}))
    with Corpus.load(path) as corpus:
        assert corpus.ids.tolist() == [1, 0, 2, -1, 1, 0, -1]
        assert corpus.ids.flags.aligned
        assert not corpus.ids.flags.writeable


def test_a_long_version_is_not_repeated(tmp_path: Path) -> None:
    path = saved(tmp_path)
    with_header(path, lambda header: header["__metadata__"].update(version="v" * 5000))
    with pytest.raises(FormatError, match="its format has version") as caught:
        Corpus.load(path)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_counts_that_add_up_to_more_than_64_bits_are_refused(tmp_path: Path) -> None:
    """Their sum was below 0, and the subsampling made of it not a number."""
    lines = [f"w{number} 999999999999999999\n" for number in range(10)]
    (tmp_path / "words").write_text("".join(lines))
    with pytest.raises(FormatError, match="add up to more than 64 bits hold"):
        Vocabulary.load(tmp_path / "words")
    (tmp_path / "words").write_text("".join(lines[:9]))
    assert Vocabulary.load(tmp_path / "words").total == 9 * 999_999_999_999_999_999
    with pytest.raises(InputError, match="add up to"):
        Vocabulary(["a", "b"], np.array([2**62, 2**62]))


def test_the_byte_that_is_not_utf8_is_counted_from_the_beginning_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "words").write_bytes(b"\xef\xbb\xbfthe 9\ncat 8\n\xff 1\n")
    with pytest.raises(FormatError, match="not UTF-8 at byte 15"):
        Vocabulary.load(tmp_path / "words")
    (tmp_path / "words").write_bytes(b"\xef\xbb\xbf\xff 1\n")
    with pytest.raises(FormatError, match="not UTF-8 at byte 3"):
        Vocabulary.load(tmp_path / "words")


PACKINGS = {
    "bz2": (bz2.compress, unpacked_bzip2),
    "xz": (lzma.compress, unpacked_xz),
    "zst": (zstandard.compress, unpacked_zstd),
}


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4), st.integers(1, 50), st.sampled_from(sorted(PACKINGS)))
def test_unpacking_gives_back_what_was_packed_however_it_is_asked_for(
    pieces: list[bytes], size: int, packing: str
) -> None:
    pack, unpack = PACKINGS[packing]
    unpacked = unpack(io.BytesIO(bytes(4).join(map(pack, pieces))))
    assert b"".join(iter(lambda: unpacked.read(size), b"")) == b"".join(pieces)


@given(st.data())
def test_a_packed_text_that_ends_early_is_an_error_wherever_it_ends(data: st.DataObject) -> None:
    pack, unpack = data.draw(st.sampled_from(list(PACKINGS.values())))
    packed = pack(b"the cat sat\n" * 9)
    with pytest.raises(EOFError):
        unpack(io.BytesIO(packed[: data.draw(st.integers(1, len(packed) - 1))])).readall()

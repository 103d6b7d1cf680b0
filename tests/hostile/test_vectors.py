"""What fuzzing and reading the readers of vectors closely have found, each as one small file."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
import sys
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zstandard

from lexigrad import KeyedVectors, TrainConfig, Vocabulary, Word2Vec, load_vectors, save_vectors
from lexigrad.errors import FormatError, InputError
from lexigrad.files.tensors import read_native
from lexigrad.vectors.formats import sniff

if TYPE_CHECKING:
    from pathlib import Path

ROWS = b"2 2\nthe 1.5 2.5\ncat 3.5 4.5\n"
NUMBER = struct.pack("<f", 1.5)


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    return str(caught.value)


def native(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


@pytest.mark.parametrize("format", ["word2vec-text", "word2vec-binary", "glove"])
def test_vectors_are_read_while_a_debugger_or_profiler_watches(tmp_path: Path, format: str) -> None:
    """It holds references to the reader's objects, at which NumPy refuses to resize an array."""
    save_vectors(tmp_path / "v", KeyedVectors(["a", "b", "c"], [[1], [2], [3]]), format)

    def watch(frame: object, event: str, argument: object) -> object:
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        assert load_vectors(tmp_path / "v").words == ["a", "b", "c"]
    finally:
        sys.settrace(before)


def test_a_dimension_below_0_does_not_send_the_sniffer_backwards(tmp_path: Path) -> None:
    """It looked for the next word before the last one, a thousand million times."""
    assert "dimension cannot be -1" in refusal(tmp_path / "v", b"999999999 -1\nabcdef ghi\n")
    assert sniff(tmp_path / "v") == "word2vec-text"


def test_bytes_behind_a_million_line_breaks_are_seen(tmp_path: Path) -> None:
    content = b"1 1\na " + NUMBER + b"\n" * 3_000_000
    (tmp_path / "v").write_bytes(content)
    assert load_vectors(tmp_path / "v").words == ["a"]
    assert "more bytes than 1 rows" in refusal(tmp_path / "v", content + b"b")


def test_a_line_longer_than_a_word_and_its_numbers_can_be_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path / "v", b"1 2\n" + b"the " * 400_000)
    assert "line 2: longer than 1,048,672 bytes, too long for a word and 2 numbers" in sentence


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, zstandard.compress])
def test_what_follows_a_packed_stream_is_not_passed_over(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    (tmp_path / "v").write_bytes(pack(ROWS[:10]) + bytes(8) + pack(ROWS[10:]) + bytes(4))
    assert load_vectors(tmp_path / "v").words == ["the", "cat"]
    assert "cannot read" in refusal(tmp_path / "v", pack(ROWS) + b"rubbish")
    assert "cannot read" in refusal(tmp_path / "v", pack(ROWS[:10]) + pack(ROWS[10:])[:-8])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_packed_vectors_a_hundred_times_as_large_as_their_file_are_refused(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    content = b"1 2\n" + b"x" * 999_000 + b" 1 2\n" + b"\n" * 5_000_000
    assert "more than 100 times as large" in refusal(tmp_path / "v", pack(content))
    (tmp_path / "v").write_bytes(content)
    assert len(load_vectors(tmp_path / "v")) == 1


def xz_that_wants(dictionary: int, content: bytes) -> bytes:
    """An xz file whose header asks for a dictionary of ``2 ** (dictionary // 2 + 12)`` bytes, one half more if odd."""
    packed = bytearray(lzma.compress(content))
    assert packed[14:16] == b"\x21\x01"  # LZMA2, with one byte of properties
    packed[16] = dictionary
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = struct.pack("<I", zlib.crc32(packed[12 : end - 4]))
    return bytes(packed)


def test_an_xz_file_gets_the_memory_that_xz_needs_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(xz_that_wants(28, ROWS))  # 64 MiB, as xz -9
    assert load_vectors(tmp_path / "v").words == ["the", "cat"]
    assert "emory usage limit" in refusal(tmp_path / "v", xz_that_wants(37, ROWS))  # 1.5 GiB


@pytest.mark.parametrize(
    "header",
    [
        {"n" * 5000: 1},
        {"V": {"dtype": "d" * 5000, "shape": [], "data_offsets": [0, 0]}},
        {"V": {"dtype": "F32", "shape": [[0] * 5000], "data_offsets": [0, 0]}},
        {"V": {"dtype": "F32", "shape": [1], "data_offsets": [int("9" * 4000), 0]}},
        {"V": {"dtype": "F32", "shape": [0], "data_offsets": [int("9" * 4000), int("9" * 4000)]}},
        {"V" * 5000: {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}},
        {"V": {"dtype": "F32", "shape": [0, *[int("9" * 4000)] * 3], "data_offsets": [0, 0]}},
    ],
)
def test_a_sentence_about_a_native_file_repeats_only_the_beginning_of_what_is_wrong(
    tmp_path: Path, header: object
) -> None:
    (tmp_path / "v").write_bytes(native(header))
    with pytest.raises(FormatError) as caught:
        read_native(tmp_path / "v")
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("kind", [{"format": "f" * 5000}, {"format": "lexigrad", "version": "v" * 5000}])
def test_nor_is_a_long_name_of_a_format_repeated(tmp_path: Path, kind: dict[str, str]) -> None:
    assert len(refusal(tmp_path / "v", native({"__metadata__": kind}))) < 400 + len(str(tmp_path))


def test_a_tensor_of_many_dimensions_is_refused_before_their_product_is_taken(tmp_path: Path) -> None:
    header = {"V": {"dtype": "F32", "shape": [9] * 100_000, "data_offsets": [0, 0]}}
    (tmp_path / "v").write_bytes(native(header))
    with pytest.raises(FormatError, match="and at most 8"):
        read_native(tmp_path / "v")


def test_a_header_that_would_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    config, vocabulary = TrainConfig(dim=1), Vocabulary(["a"], [1])
    table = np.ones((1, 1), dtype=np.float32)
    history = [{"epoch": epoch, "loss": 0.5} for epoch in range(40_000)]
    with pytest.raises(InputError, match="keep fewer records in the history"):
        Word2Vec(table, table, vocabulary, config, history).save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
    Word2Vec(table, table, vocabulary, config, history[:20_000]).save(tmp_path / "model")
    assert len(Word2Vec.load(tmp_path / "model").history) == 20_000


def test_a_header_of_more_than_a_mebibyte_is_not_parsed(tmp_path: Path) -> None:
    assert "1,048,576 are the most" in refusal(tmp_path / "v", native(b'{"":[' + b"[]," * 400_000 + b"0]}"))


def test_rows_longer_than_the_sample_that_tells_the_format_are_read_as_text(tmp_path: Path) -> None:
    """They were taken for the binary format."""
    matrix = np.random.default_rng(1).standard_normal((2, 120_000))
    save_vectors(tmp_path / "v", KeyedVectors(["a", "b"], matrix), "word2vec-text")
    assert (tmp_path / "v").stat().st_size > 2 << 20
    assert sniff(tmp_path / "v") == "word2vec-text"
    assert load_vectors(tmp_path / "v").dim == 120_000
    save_vectors(tmp_path / "v", KeyedVectors(["a"], np.tile(matrix[:1], 4)), "word2vec-binary")
    assert sniff(tmp_path / "v") == "word2vec-binary"


def test_a_long_word_is_not_repeated_in_full_by_an_error(tmp_path: Path) -> None:
    """Found by fuzzing: a word of some hundred characters before a number that is finite and far too large."""
    path = tmp_path / "vectors.txt"
    path.write_text("9" * 800 + " 3e38 3e38\n", encoding="utf8")
    vectors = load_vectors(path)
    with pytest.raises(InputError, match="far too large") as caught:
        _ = vectors.lengths
    assert len(str(caught.value)) < 300


@pytest.mark.filterwarnings("error")
def test_a_signaling_nan_is_refused_without_a_warning() -> None:
    """Found by fuzzing: NumPy warns when it casts one."""
    numbers = np.array([0x7FA00000, 0x3F800000], np.uint32).view(np.float32)
    with pytest.raises(InputError, match="not finite"):
        _ = KeyedVectors(["the"], numbers[np.newaxis], check=False).lengths

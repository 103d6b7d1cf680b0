"""Files that are cut short, lie or contradict themselves: each gets one clear sentence, and no lie takes memory."""

from __future__ import annotations

import gzip
import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexigrad.errors import FormatError, LexigradError
from lexigrad.files.tensors import read_native
from lexigrad.vectors.formats import load_vectors, save_vectors
from lexigrad.vectors.formats.rows import open_stream
from lexigrad.vectors.keyedvectors import KeyedVectors

MEBIBYTE = 1 << 20
ONE, NAN = struct.pack("<f", 1.0), struct.pack("<f", float("nan"))


def refuse(path: Path, content: bytes) -> str:
    """The sentence with which a file of this content is refused, after a check of what that took."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            load_vectors(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEBIBYTE
    assert str(path) in str(caught.value)
    return str(caught.value)


TEXT = {
    b"": "is empty",
    b"\n": "begins with b'",
    b"the\n": "no known format",
    b"the cat sat on the mat\n": "no known format",
    b"\x80\x04\x95pickle": "pickle",
    b"1000000000000 100\nthe 0.1\n": "promises 1,000,000,000,000 words",
    b"2 1000000000000\nthe 0.1\n": "dimension cannot be 1000000000000",
    b"2 1000000\nthe 0.1\n": "at least 4,000,004 bytes, but 8 bytes follow",
    b"1" * 200 + b" 2\nthe 0.1 0.2\n": "number of words cannot be 1111",
    b"-2 3\nthe 1 2 3\n": "number of words cannot be -2",
    b"2 -3\nthe 1 2 3\n": "dimension cannot be -3",
    b"2 0\nthe\ncat\n": "dimension cannot be 0",
    b"2 2\nthe 1 2\n": "2 words of 2 numbers",
    b"3 2\nthe 1.0000 2.0000\ncat 1.0000 2.0000\n": "ends after 2 rows, where the header promises 3",
    b"1 2\nthe 1 2\ncat 1 2\n": "line 3: more rows than the 1",
    b"2 2\nthe 1 2\nthe 3 4\n": "line 3: the word 'the' comes a second time",
    b"2 2\nthe 1 2\n 3 4\n": "line 3: the word is empty",
    b"2 2\nthe 1 2\ncat 3\n": "line 3: ",
    b"2 2\nthe 1 2\ncat 3 4 5\n": "line 3: more than 2 numbers",
    b"2 3\nthe 1 2\ncat 3 4 5\n": "line 2: expected a word and 3 numbers",
    b"2 2\nthe 1 2\ncat 3 x4\n": "line 3: b'x4' is not a number",
    b"2 2\nthe 1 2\ncat 3 nan\n": "line 3: the vector of 'cat' holds a number that is not finite",
    b"2 2\nthe -inf 2\ncat 3 4\n": "line 2: the vector of 'the'",
    b"2 2\nthe 1 2\ncat 3 1e39\n": "line 3: the vector of 'cat'",
    b"2 2\nthe 1 2\n\ncat 3 4\n": "line 3: the line is empty",
    b"2 2\nthe 1 2\nc\xfft 3 4\n": "line 3: the word b'c\\xfft' is not UTF-8",
    b"the 1.5 2\ncat 3.5\nsat 1.5 3\n": "line 2: expected a word and 2 numbers",
    b"the 1.5 2\ncat 3.5 4\ncat 3.5 4\n": "line 3: the word 'cat' comes a second time",
}


@pytest.mark.parametrize(("content", "sentence"), TEXT.items())
def test_text_that_is_wrong_is_refused_by_its_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refuse(tmp_path / "v", content)


BINARY = {
    b"9000000000 100\nthe " + 100 * ONE: "promises 9,000,000,000 words",
    b"2 500000\nthe " + 100 * ONE: "at least 4,000,004 bytes",
    b"2 40\nthe " + 40 * ONE + b"\ncat " + 39 * ONE: "byte 174: the file ends in row 2 of 2",
    b"2 40\nthe " + 40 * ONE + b"\n" + b"cat" * 60: "byte 169: the file ends in row 2 of 2",
    b"1 40\nthe " + 40 * ONE + b"\ncat " + 40 * ONE: "byte 169: more bytes than 1 rows",
    b"2 4\nthe " + 4 * ONE + b"the " + 4 * ONE: "byte 24: the word 'the' comes a second time",
    b"2 4\nthe " + 4 * ONE + b" " + 4 * ONE + b"\n": "byte 24: the word is empty",
    b"2 4\nthe " + 4 * ONE + b"c\xfft " + 4 * ONE: "byte 24: the word b'c\\xfft' is not UTF-8",
    b"2 4\nthe " + 4 * ONE + b"cat " + 3 * ONE + NAN: "byte 24: the vector of 'cat'",
}


@pytest.mark.parametrize(("content", "sentence"), BINARY.items())
def test_binary_that_is_wrong_is_refused_by_its_byte(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refuse(tmp_path / "v", content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1000000000 1000000\nthe 0.1\n", "line 2: expected a word and 1,000,000 numbers"),
        (b"1000000000 2\nthe 0.1 0.2\n", "ends after 1 rows"),
        (b"1000000000 1000000\nthe \x00\x00\x80?", "the file ends in row 1"),
    ],
)
def test_a_packed_file_cannot_lie_about_its_size_either(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refuse(tmp_path / "v", gzip.compress(content))


def test_a_binary_word_without_end_is_given_up(tmp_path: Path) -> None:
    content = b"1 4\n" + b"\x01" * (4 * MEBIBYTE)
    assert "no space ends the word within 1,048,576 bytes" in refuse(tmp_path / "v", content)


def test_damaged_packing_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"the 1.5 2.5\ncat 3.5 4.5\n" * 100)
    refuse(tmp_path / "v", packed[:-20])
    refuse(tmp_path / "v", packed[:30] + b"\xff" * 20 + packed[50:])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(FormatError, match=f"cannot read {path}"):
            load_vectors(path)


def native(header: object, content: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + content


KIND = {"format": "lexigrad", "version": "1"}


def whole(**changes: Any) -> dict[str, Any]:
    """The header of a sound file of two words, with changes to its entries."""
    entries: dict[str, Any] = {
        "__metadata__": KIND,
        "word_ends": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]},
        "V": {"dtype": "F32", "shape": [2, 1], "data_offsets": [16, 24]},
        "words": {"dtype": "U8", "shape": [6], "data_offsets": [24, 30]},
    }
    return {name: entry for name, entry in {**entries, **changes}.items() if entry is not None}


def content(ends: tuple[int, int] = (3, 6), words: bytes = b"thecat") -> bytes:
    return struct.pack("<2q", *ends) + 2 * ONE + words


def entry(dtype: object = "F32", shape: object = (2, 1), offsets: object = (16, 24)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


NATIVE = {
    native(whole(), content(), length=2**63): "byte 0: the header is said to be 9,223,372,036,854,775,808 bytes long",
    native(whole(), content(), length=500): "byte 0: the header is said to be 500 bytes long",
    native(b"{" + b"[" * 100_000): "byte 8: the header is not valid JSON",
    native(b'{"\xff": 1}'): "byte 8: the header is not valid JSON",
    native(b'{"V": 1, "V": 2}'): "a name comes twice",
    native(b'{"V": ' + b"9" * 5000 + b"}"): "byte 8: the header is not valid JSON",
    native(b"{} []"): "byte 8: the header is not valid JSON",
    native({}): "names the format None",
    native({"__metadata__": [1]}): "__metadata__ must map names to strings",
    native({"__metadata__": {"format": "lexigrad-corpus", "version": "1"}}): "names the format 'lexigrad-corpus'",
    native({"__metadata__": {"format": "lexigrad", "version": "2"}}): "version '2'",
    native({"__metadata__": KIND}): "holds no tensor 'V'",
    native(whole(words=None), content(words=b"")): "holds no tensor 'words'",
    native(whole(), content()[:-1]): "ends at byte 30 of the data, which has 29",
    native(whole(), content() + b"x"): "1 bytes follow the last tensor",
    native(whole(V=7), content()): "the entry of tensor 'V' lacks",
    native(whole(V=entry(dtype="F31")), content()): "'V' holds 'F31'",
    native(whole(V=entry(shape=[2, -1])), content()): "extents must be whole",
    native(whole(V=entry(shape=[2, 1.0])), content()): "extents must be whole",
    native(whole(V=entry(shape=[2, True])), content()): "extents must be whole",
    native(whole(V=entry(shape=[2, 10**12])), content()): "cannot fill bytes 16 to 24",
    native(whole(V=entry(shape=[2**31, 2**33])), content()): "cannot fill bytes 16 to 24",
    native(whole(V=entry(shape=[0, 10**30], offsets=[16, 16])), content()): "'words' begins at byte 24",
    native(whole(V=entry(offsets=[24, 16])), content()): "cannot fill bytes 24 to 16",
    native(whole(V=entry(offsets=[8, 16])), content()): "begins at byte 8 of the data, where 16 is due",
    native(whole(V=entry(offsets=[-8, 0])), content()): "cannot fill bytes -8 to 0",
    native(whole(V=entry(offsets=[2**62, 2**62 + 8])), content()): "is due",
    native(whole(V=entry(dtype="I32")), content()): "'V' must be float32 of 2 dimensions, not int32 of 2",
    native(whole(V=entry(shape=[2])), content()): "'V' must be float32 of 2 dimensions, not float32 of 1",
    native(whole(V=entry(shape=[1, 2])), content()): "2 words need a matrix of as many rows",
    native(whole(words=entry("I8", [6], [24, 30])), content()): "'words' must be uint8 of 1 dimensions, not int8 of 1",
    native(
        whole(words=entry("U8", [6, 1], [24, 30])), content()
    ): "'words' must be uint8 of 1 dimensions, not uint8 of 2",
    native(whole(), content(ends=(3, 5))): "do not divide",
    native(whole(), content(ends=(-1, 6))): "do not divide",
    native(whole(), content(ends=(2**62, 6))): "do not divide",
    native(whole(), content(words=b"the\xffat")): "not UTF-8",
    native(whole(), content(words=b"thethe")): "'the' comes twice",
    native({"__metadata__": KIND, "V": entry(shape=[0, 10**30], offsets=[0, 0])}): "a shape that cannot be",
}


@pytest.mark.parametrize(("content", "sentence"), NATIVE.items())
def test_native_files_that_contradict_themselves_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refuse(tmp_path / "v", content)


def test_a_sound_native_file_of_that_make_is_read(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(native(whole(), content()))
    assert load_vectors(tmp_path / "v").words == ["the", "cat"]


def test_a_header_without_zeros_in_its_length_is_refused_when_the_file_is_known_to_be_native(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(native(whole(), content(), length=2**64 - 1))
    with pytest.raises(FormatError, match="byte 0"):
        read_native(tmp_path / "v")


def test_a_packed_native_file_is_not_read(tmp_path: Path) -> None:
    assert "unpack it first" in refuse(tmp_path / "v", gzip.compress(native(whole(), content())))


def test_the_longest_word_that_is_read_is_written_and_no_longer_one(tmp_path: Path) -> None:
    longest = MEBIBYTE * "x"
    save_vectors(tmp_path / "v.bin", KeyedVectors([longest, "b"], [[1.0], [2.0]]))
    assert load_vectors(tmp_path / "v.bin").words == [longest, "b"]
    with pytest.raises(FormatError, match="is too long"):
        save_vectors(tmp_path / "v.bin", KeyedVectors([longest + "x", "b"], [[1.0], [2.0]]))


def test_what_is_no_plain_file_is_refused() -> None:
    """A pipe, say, gives its bytes once."""
    with pytest.raises(FormatError, match="not a plain file"), open_stream(Path(os.devnull)):
        pass


@pytest.mark.parametrize("format", ["native", "word2vec-text", "word2vec-binary", "glove"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(data=st.data())
def test_a_file_with_a_changed_or_missing_piece_is_read_or_refused_and_nothing_else(
    tmp_path: Path, format: str, data: st.DataObject
) -> None:
    matrix = np.random.default_rng(4).standard_normal((5, 3))
    save_vectors(tmp_path / "v", KeyedVectors(["the", "cat", "sat", "été", "x"], matrix), format)
    original = (tmp_path / "v").read_bytes()
    begin = data.draw(st.integers(0, len(original)))
    removed = data.draw(st.integers(0, 30))
    damaged = original[:begin] + data.draw(st.binary(max_size=10)) + original[begin + removed :]
    (tmp_path / "v").write_bytes(damaged)
    try:
        found = load_vectors(tmp_path / "v")
    except LexigradError:
        return
    assert found.matrix.shape == (len(set(found.words)), found.dim)

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from places import GOLDEN

from lexigrad import KeyedVectors, SubwordVectors, load_vectors, save_vectors
from lexigrad.errors import FormatError, InputError
from lexigrad.vectors.formats import sniff
from lexigrad.vectors.formats.fasttext import WORD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

SKIPGRAM = GOLDEN / "fasttext-skipgram.bin"
SUPERVISED = GOLDEN / "fasttext-supervised.bin"


def model(
    *,
    words: tuple[bytes, ...] = (b"a", b"b"),
    kinds: tuple[int, ...] = (0, 0),
    counts: tuple[int, ...] = (2, 1),
    dim: int = 1,
    kind: int = 2,
    bucket: int = 2,
    minn: int = 1,
    maxn: int = 2,
    version: int = 12,
    pruned: int = -1,
    rows: int = 4,
    quantized: int = 0,
    floret: tuple[int, ...] = (),
    table: bytes = struct.pack("<4f", 1, 2, 3, 4),
    output: bytes = struct.pack("<B2q", 0, 0, 0),
    entries: int | None = None,
) -> bytes:
    """A model as fastText lays it out; ``floret`` are floret's two options more."""
    options = (dim, 5, 5, 1, 5, 1, 2, kind, bucket, minn, maxn, *floret, 100)
    labels = sum(kinds)
    numbers = ((entries or len(words)), (entries or len(words)) - labels, labels, 3, pruned)
    listed = b"".join(
        word + b"\0" + struct.pack("<qB", count, kind) for word, count, kind in zip(words, counts, kinds, strict=True)
    )
    head = struct.pack(f"<2i{len(options)}id3i2q", 793712314, version, *options, 1e-4, *numbers)
    return head + listed + struct.pack("<B2q", quantized, rows, dim) + table + output


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    assert len(str(caught.value)) < 300 + len(str(path))
    return str(caught.value)


def test_a_model_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    for path in sorted(GOLDEN.glob("f*.bin")):
        assert sniff(path) == "fasttext"
    (tmp_path / "model.txt").write_bytes(SKIPGRAM.read_bytes())
    found = load_vectors(tmp_path / "model.txt")
    assert isinstance(found, SubwordVectors)
    assert (len(found), found.dim, found.words[0]) == (26, 10, "</s>")
    assert found.counts is not None
    assert found.counts.tolist() == sorted(found.counts.tolist(), reverse=True)
    assert "no\u00a0break" in found


def test_options_of_each_program_are_read() -> None:
    found = {path.name: load_vectors(path) for path in sorted(GOLDEN.glob("f*.bin"))}
    subwords = {name: vectors.subwords for name, vectors in found.items() if isinstance(vectors, SubwordVectors)}
    assert {(each.bucket, each.hashes) for each in subwords.values()} == {(30, 1), (30, 2)}
    assert [name for name, each in subwords.items() if each.mode == "floret"] == ["floret.bin"]
    assert [(subwords[f"fasttext-{name}.bin"].minn, subwords[f"fasttext-{name}.bin"].maxn) for name in KINDS] == [
        (1, 3),
        (3, 6),
        (2, 4),
    ]


KINDS = ("cbow", "skipgram", "supervised")


def test_labels_are_no_words() -> None:
    found = load_vectors(SUPERVISED)
    assert b"__label__0" in SUPERVISED.read_bytes()
    assert not [word for word in found.words if word.startswith("__label__")]


def test_the_tables_are_mapped_and_words_are_composed_when_they_are_asked_for() -> None:
    found = load_vectors(SKIPGRAM)
    assert isinstance(found, SubwordVectors)
    base = found.ngrams
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)
    assert "matrix" not in vars(found)
    assert found.matrix.flags.writeable is False


def test_the_vec_file_of_the_real_program_is_read() -> None:
    """Five significant digits, and a space before each line's end."""
    assert sniff(GOLDEN / "floret.vec") == "word2vec-text"
    found, whole = load_vectors(GOLDEN / "floret.vec"), load_vectors(GOLDEN / "floret-fasttext.bin")
    assert found.words == whole.words
    assert_allclose(found.matrix, whole.matrix, rtol=6e-5, atol=1e-9)


def test_vec_is_an_ending_of_the_text_format(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v.vec", KeyedVectors(["the", "été"], [[1, 2], [0.1, -3]]))
    assert (tmp_path / "v.vec").read_bytes().startswith(b"2 2\nthe 1.00000000 2.00000000\n")
    assert sniff(tmp_path / "v.vec") == "word2vec-text"


@pytest.mark.parametrize("name", ["fasttext-skipgram.bin", "fasttext-supervised.bin", "floret.bin"])
def test_a_native_file_keeps_the_ngrams(tmp_path: Path, name: str) -> None:
    written = load_vectors(GOLDEN / name)
    save_vectors(tmp_path / "v.safetensors", written)
    found = load_vectors(tmp_path / "v.safetensors")
    assert isinstance(found, SubwordVectors)
    assert isinstance(written, SubwordVectors)
    assert found.subwords == written.subwords
    assert_array_equal(found.matrix, written.matrix)
    for word in ("Füchse", "кошками", "猫の椅子"):
        assert_array_equal(found[word], written[word])
    save_vectors(tmp_path / "v.npz", found)
    assert type(load_vectors(tmp_path / "v.npz")) is KeyedVectors


def test_a_native_file_of_fewer_bits_keeps_them_too(tmp_path: Path) -> None:
    written = load_vectors(SKIPGRAM)
    for dtype, tolerance in (("float16", 1e-4), ("int8", 1e-3)):
        save_vectors(tmp_path / "v", written, "native", dtype=dtype)  # type: ignore[arg-type]
        assert_allclose(load_vectors(tmp_path / "v")["Füchse"], written["Füchse"], atol=tolerance)


def test_old_classifiers_have_no_ngrams_of_characters(tmp_path: Path) -> None:
    content = bytearray(SUPERVISED.read_bytes())
    content[4] = 11
    (tmp_path / "v").write_bytes(content)
    found = load_vectors(tmp_path / "v")
    assert isinstance(found, SubwordVectors)
    assert not found.subwords.used
    rows = (len(found) + 30, 10)
    table = np.frombuffer(
        bytes(content)[: -(17 + 3 * 40)], "<f4", offset=len(content) - (17 + 3 * 40) - 4 * rows[0] * 10
    )
    assert_array_equal(found["Hund"], table.reshape(rows)[found.word_ids["Hund"]])
    content = bytearray(SKIPGRAM.read_bytes())
    content[4] = 11  # of other models, the versions are alike
    (tmp_path / "v").write_bytes(content)
    assert_array_equal(load_vectors(tmp_path / "v")["Füchse"], load_vectors(SKIPGRAM)["Füchse"])


def test_a_sound_model_of_that_make_is_read(tmp_path: Path) -> None:
    for content in (
        model(),
        model(floret=(2, 2)),
        model(floret=(1, 1)),
        model(bucket=0, maxn=0, rows=2, table=bytes(8)),
    ):
        (tmp_path / "v").write_bytes(content)
        assert load_vectors(tmp_path / "v").words == ["a", "b"]
    (tmp_path / "v").write_bytes(model(words=(b"x" * 32_768, b"b")))
    assert load_vectors(tmp_path / "v").words == ["x" * 32_768, "b"]  # no word is longer
    (tmp_path / "v").write_bytes(model(words=(b"a\xff", b"b")))
    assert load_vectors(tmp_path / "v", encoding_errors="replace").words == ["a\ufffd", "b"]


WRONG = {
    model()[:6]: "do not add up",
    model()[:80]: "do not add up",
    model(version=13): "byte 4: fastText models of version 13 are unknown",
    model(version=-1): "version -1 are unknown",
    model(dim=0): "the dimension cannot be 0",
    model(dim=2**20 + 1): "the dimension cannot be 1048577",
    model(kind=4): "no model 4",
    model(floret=(3, 1)): "of the mode 3",
    model(floret=(2, 5)): "cannot have 5 rows each",
    model(maxn=65): "maxn is at most 64",
    model(bucket=0, rows=2, table=bytes(8)): "hashed to 0 rows",
    model(bucket=-2, rows=0, table=b""): "a table of 0 rows",
    model(entries=5): "entry 3 has the kind",
    model(entries=3, table=b"", output=b"")[:-20]: "byte 103: the file ends in entry 2 of 3",
    model(entries=2**31 - 1): "entry 3 has the kind",
    model(kinds=(0, 2)): "entry 1 has the kind 0",
    model(kinds=(1, 0)): "entry 1 has the kind 1",
    model(counts=(2, -1)): "the count -1",
    model(words=(b"a", b"a")): "the word 'a' comes a second time",
    model(words=(b"", b"a")): "the word is empty",
    model(words=(b"a\xff", b"a")): "is not UTF-8; read the file with encoding_errors='replace'",
    model(words=(b"x" * (WORD_BYTES + 1), b"a")): "no zero ends entry 1 of 2 within 32,768 bytes",
    model(quantized=1): "quantized fastText model (.ftz)",
    model(pruned=0): "quantized fastText model (.ftz)",
    model(rows=5): "a table of 5 rows of 1 numbers, where 2 words and 2 n-grams of 1 are due",
    model(table=bytes(12), output=b""): "takes 16 bytes, but 12 follow",
    model(output=b""): "ends where a table begins",
    model(output=struct.pack("<B2q", 0, 1, 1)): "does not end the file",
    model(output=struct.pack("<B2q", 0, 0, 0) + b"x"): "does not end the file",
    model(output=struct.pack("<B2q", 0, 2**62, 2**62)): "does not end the file",
}


@pytest.mark.parametrize(("content", "sentence"), WRONG.items())
def test_models_that_contradict_themselves_are_refused_by_their_byte(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    assert sentence in refusal(tmp_path / "v", content)


def test_a_model_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = (GOLDEN / "floret.bin").read_bytes()
    for end in (*range(8, 400, 7), *range(400, len(content), 97), len(content) - 1):
        refusal(tmp_path / "v", content[:end])


def test_a_packed_model_is_not_read(tmp_path: Path) -> None:
    assert "a packed fasttext file" in refusal(tmp_path / "v", gzip.compress(SKIPGRAM.read_bytes()))


def test_it_holds_one_table_and_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="the format fasttext, which holds one table"):
        load_vectors(SKIPGRAM, table="U")
    with pytest.raises(InputError, match="no format 'fasttext' to write"):
        save_vectors(tmp_path / "v", load_vectors(SKIPGRAM), "fasttext")

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import zstandard
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from places import GOLDEN, ROOT

from lexigrad.errors import FormatError, InputError
from lexigrad.files.tensors import BLOCK_BYTES, read_native, write_native
from lexigrad.vectors.formats import load_vectors, registry, save_vectors, sniff
from lexigrad.vectors.keyedvectors import KeyedVectors

DATA = Path(os.environ.get("LEXIGRAD_DATA", ROOT.parent / "shared" / "data"))
FORMATS = ("native", "word2vec-text", "word2vec-binary", "glove", "npz", "arrow", "parquet")
FOREIGN = FORMATS[1:4]

WORDS = ["</s>", "the", "naïve", "日本語", "no\u00a0break", "line\u2028separator", "next\u0085line"]
ROWS = [[0.5, -1.25, 0.0], [0.1, 0.2, -0.3], [1e-07, 12345.678, -2.0]] + [[k, -k / 3, 1 / k] for k in (1, 2, 3, 4)]
CUTTING = [
    "\u0085",
    "a\u00a0b",
    "\u2028",
    "x\u3000",
    "\x1c",
    "\t",
    "\r",
    "\ufeffbom",
    "\0",
    "\x80{",
    "🤷",
    "12",
    "-1",
    "nan",
]

any_word = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \n"), min_size=1, max_size=12)
any_number = st.floats(width=32, allow_nan=False, min_value=-(2.0**99), max_value=2.0**99)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@st.composite
def vectors(draw: st.DrawFn) -> KeyedVectors:
    words = draw(st.lists(any_word | st.sampled_from(CUTTING), min_size=1, max_size=8, unique=True))
    shape = (len(words), draw(st.integers(2, 6)))
    return KeyedVectors(words, draw(hnp.arrays(np.float32, shape, elements=any_number)))


def small(counts: list[int] | None = None) -> KeyedVectors:
    return KeyedVectors(["the", "cat"], [[1, 2, 3], [0.1, -0.5, 1e-20]], counts)


def assert_same(left: KeyedVectors, right: KeyedVectors) -> None:
    assert left.words == right.words
    assert left.matrix.tobytes() == right.matrix.tobytes()  # −0.0 and 0.0 are not the same bits


@pytest.mark.parametrize("format", FORMATS)
@in_one_folder
@given(written=vectors())
def test_what_is_written_is_read_back_bit_for_bit_and_known_by_its_content(
    tmp_path: Path, format: str, written: KeyedVectors
) -> None:
    assume(format != "npz" or not any(word.endswith("\0") for word in written))
    path = tmp_path / format
    save_vectors(path, written, format)
    assert sniff(path) == format
    assert_same(load_vectors(path), written)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim leaves a file open
@in_one_folder
@given(written=vectors())
def test_gensim_reads_what_is_written(tmp_path: Path, written: KeyedVectors) -> None:
    ways: dict[str, dict[str, bool]] = {
        "word2vec-text": {},
        "word2vec-binary": {"binary": True},
        "glove": {"no_header": True},
    }
    for format_, options in ways.items():
        save_vectors(tmp_path / format_, written, format_)
        theirs = GensimVectors.load_word2vec_format(str(tmp_path / format_), **options)
        assert theirs.index_to_key == written.words
        assert theirs.vectors.tobytes() == written.matrix.tobytes()


@in_one_folder
@given(written=vectors(), binary=st.booleans())
def test_what_gensim_writes_is_read(tmp_path: Path, written: KeyedVectors, binary: bool) -> None:
    theirs = GensimVectors(written.dim)
    theirs.add_vectors(written.words, written.matrix)
    theirs.save_word2vec_format(str(tmp_path / "gensim"), binary=binary)
    assert_same(load_vectors(tmp_path / "gensim"), written)


@pytest.mark.parametrize(
    ("name", "format", "decimals"),
    [
        ("gensim.txt", "word2vec-text", 9),
        ("gensim.bin", "word2vec-binary", 9),
        ("word2vec.txt", "word2vec-text", 6),
        ("word2vec.bin", "word2vec-binary", 9),
    ],
)
def test_golden_files_of_word2vec_and_gensim_are_read(name: str, format: str, decimals: int) -> None:
    assert sniff(GOLDEN / name) == format
    found = load_vectors(GOLDEN / name)
    assert found.words == WORDS
    assert_allclose(found.matrix, np.array(ROWS, dtype=np.float32), atol=0.6 * 10.0**-decimals)


def test_the_golden_file_of_glove_is_read() -> None:
    assert sniff(GOLDEN / "glove.txt") == "glove"
    found = load_vectors(GOLDEN / "glove.txt")
    assert found.words == [*WORDS[1:], "<unk>"]
    assert_allclose(found.matrix, np.array([*ROWS[1:], ROWS[0]], dtype=np.float32), atol=6e-7)


@pytest.mark.parametrize("format", FOREIGN)
def test_one_number_a_word_works_too(tmp_path: Path, format: str) -> None:
    written = KeyedVectors(["3", "b"], [[5.0], [-0.1]])
    save_vectors(tmp_path / "v", written, format)
    assert sniff(tmp_path / "v") == format
    assert_same(load_vectors(tmp_path / "v"), written)


def test_binary_numbers_that_look_like_white_space_are_still_binary(tmp_path: Path) -> None:
    # The first line ends after its word, and the second word begins with a control character.
    written = KeyedVectors(["0", "\x1c"], np.array([[10, 0], [0, 0]], dtype=np.int32).view(np.float32))
    (tmp_path / "v").write_bytes(b"2 2\n" + b"".join(w.encode() + b" " + written[w].tobytes() for w in written))
    assert sniff(tmp_path / "v") == "word2vec-binary"
    assert_same(load_vectors(tmp_path / "v"), written)


@pytest.mark.parametrize("format", [known for known in FORMATS if known != "glove"])
def test_no_words_at_all_are_written_and_read(tmp_path: Path, format: str) -> None:
    save_vectors(tmp_path / "v", KeyedVectors([], np.empty((0, 7), dtype=np.float32)), format)
    assert load_vectors(tmp_path / "v").matrix.shape[0] == 0


def test_glove_cannot_hold_no_words(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="zero words"):
        save_vectors(tmp_path / "v", KeyedVectors([], np.empty((0, 7), dtype=np.float32)), "glove")


@pytest.mark.parametrize("format", FORMATS)
def test_a_large_and_padded_table_is_written_and_read(tmp_path: Path, format: str) -> None:
    table = np.random.default_rng(3).standard_normal((5000, 64)).astype(np.float32)
    written = KeyedVectors([f"word{number}" for number in range(5000)], table[:, :60])
    save_vectors(tmp_path / "v", written, format)
    assert sniff(tmp_path / "v") == format
    assert_same(load_vectors(tmp_path / "v"), written)


@pytest.mark.parametrize("format", FOREIGN)
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_packed_files_are_read(tmp_path: Path, format: str, pack: object) -> None:
    save_vectors(tmp_path / "v", small(), format)
    (tmp_path / "packed").write_bytes(pack((tmp_path / "v").read_bytes()))  # type: ignore[operator]
    assert sniff(tmp_path / "packed") == format
    assert_same(load_vectors(tmp_path / "packed"), small())


@pytest.mark.parametrize("format", FORMATS)
def test_the_bytes_depend_on_the_content_alone(tmp_path: Path, format: str) -> None:
    for name in ("one", "another"):
        save_vectors(tmp_path / name, small([5, 2]), format)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "another").read_bytes()


def test_the_ending_says_the_format_when_nothing_else_does(tmp_path: Path) -> None:
    for known in registry.written():
        for ending in known.endings:
            save_vectors(tmp_path / f"v{ending}", small())
            assert sniff(tmp_path / f"v{ending}") == known.name
    with pytest.raises(InputError, match=r"names no format; end it in .safetensors, .txt, .vec, .bin, .npz"):
        save_vectors(tmp_path / "v.xyz", small())
    with pytest.raises(InputError, match="no format 'csv' to write"):
        save_vectors(tmp_path / "v.txt", small(), "csv")  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["new york", "two\nlines", " ", "", "\ud800", "x" * 1_048_577])
@pytest.mark.parametrize("format", FOREIGN)
def test_a_word_that_a_format_cannot_hold_is_named_and_nothing_is_written(
    tmp_path: Path, format: str, word: str
) -> None:
    with pytest.raises(FormatError, match="the word '"):
        save_vectors(tmp_path / "v", KeyedVectors(["the", word], [[1, 2], [3, 4]]), format)
    assert list(tmp_path.iterdir()) == []


def test_native_files_hold_words_with_spaces_and_line_breaks(tmp_path: Path) -> None:
    written = KeyedVectors(["new york", "two\nlines", "\0", ""], np.eye(4), [4, 3, 2, 1])
    save_vectors(tmp_path / "v", written, "native")
    found = load_vectors(tmp_path / "v")
    assert_same(found, written)
    assert_array_equal(found.counts, [4, 3, 2, 1])


@pytest.mark.parametrize("format", FOREIGN)
def test_numbers_that_are_not_finite_are_refused_before_a_file_is_begun(tmp_path: Path, format: str) -> None:
    broken = KeyedVectors(["a"], [[np.nan, 1]], check=False)
    with pytest.raises(InputError, match="'a'"):
        save_vectors(tmp_path / "v", broken, format)
    assert list(tmp_path.iterdir()) == []


def test_text_with_other_white_space_is_read(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"\xef\xbb\xbf3 2\r\nthe  1 2\r\ncat\t3\t4 \r\nnew york 5 6\r\n\r\n\n")
    found = load_vectors(tmp_path / "v")
    assert found.words == ["the", "cat", "new york"]
    assert found.matrix.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_glove_words_with_spaces_are_read(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b". . . 0.5 1.5\nat name@domain.com 2.5 3.5\nthe 4.5 5.5")
    found = load_vectors(tmp_path / "v")
    assert found.words == [". . .", "at name@domain.com", "the"]
    assert found.matrix.tolist() == [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]


def test_words_cut_within_a_character_are_read_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"1 1\nna\xc3 \x00\x00\x80?\n")
    with pytest.raises(FormatError, match=r"byte 4: .*encoding_errors='replace'"):
        load_vectors(tmp_path / "v")
    assert load_vectors(tmp_path / "v", encoding_errors="replace").words == ["na\ufffd"]
    with pytest.raises(InputError, match="strict or replace"):
        load_vectors(tmp_path / "v", encoding_errors="ignore")


def test_safetensors_itself_reads_native_files(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", small([9, 4]), "native")
    tensors = safetensors.numpy.load_file(tmp_path / "v")
    assert sorted(tensors) == ["V", "counts", "word_ends", "words"]
    assert_array_equal(tensors["V"], small().matrix)
    assert bytes(tensors["words"]) == b"thecat"
    with safetensors.safe_open(tmp_path / "v", "numpy") as file:
        assert file.metadata() == {"format": "lexigrad", "version": "1"}


def test_native_files_written_by_safetensors_are_read(tmp_path: Path) -> None:
    ends, text = np.array([3, 6]), np.frombuffer(b"thecat", dtype=np.uint8)
    tensors = {"V": small().matrix.copy(), "words": text, "word_ends": ends}
    safetensors.numpy.save_file(tensors, tmp_path / "v", {"format": "lexigrad", "version": "1"})
    assert_same(load_vectors(tmp_path / "v"), small())


def test_a_native_file_is_mapped_and_not_read(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", small(), "native")
    base = load_vectors(tmp_path / "v").matrix
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)
    assert not load_vectors(tmp_path / "v").matrix.flags.writeable


def test_a_native_file_can_be_saved_over_while_it_is_mapped(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", small(), "native")
    mapped = load_vectors(tmp_path / "v")
    save_vectors(tmp_path / "v", mapped, "native")
    assert_same(load_vectors(tmp_path / "v"), small())
    assert_same(mapped, small())


def test_tensors_begin_at_multiples_of_their_items(tmp_path: Path) -> None:
    tensors = {"bytes": np.ones(5, dtype=np.uint8), "wide": np.ones(3), "narrow": np.ones((3, 1), dtype=np.float32)}
    write_native(tmp_path / "t", tensors, {"ünï": "ćode"})
    found, metadata = read_native(tmp_path / "t")
    assert metadata == {"ünï": "ćode"}
    for name, tensor in tensors.items():
        assert_array_equal(found[name], tensor)
        assert found[name].flags.aligned


def test_tensors_larger_than_a_block_are_written_whole(tmp_path: Path) -> None:
    tensor = np.arange(BLOCK_BYTES // 4 + 12345, dtype=np.int32)
    write_native(tmp_path / "t", {"flat": tensor, "gaps": tensor[: 2 * 5000].reshape(-1, 2)[:, :1]}, {})
    found, _ = read_native(tmp_path / "t")
    assert_array_equal(found["flat"], tensor)
    assert_array_equal(found["gaps"][:, 0], tensor[:10000:2])


def test_a_type_that_native_files_do_not_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'t' holds complex128"):
        write_native(tmp_path / "t", {"t": np.ones(2, dtype=np.complex128)}, {})


GLOVE = DATA / "glove" / "glove.6B.50d.top9163.txt.xz"


@pytest.mark.skipif(not GLOVE.exists(), reason=f"{GLOVE} is not there; LEXIGRAD_DATA names the folder of real data")
def test_real_glove_vectors_are_read_and_know_their_neighbors() -> None:
    found = load_vectors(GLOVE)
    assert (len(found), found.dim) == (9163, 50)
    assert found.analogy("man", "king", "woman", n=1)[0][0] == "queen"
    assert "france" in [word for word, _ in found.most_similar("paris")]

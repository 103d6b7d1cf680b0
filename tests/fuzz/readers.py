"""The readers that are fuzzed: each is a function of a folder and a file's bytes, with sound files to begin with."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from lexigrad import (
    Corpus,
    KeyedVectors,
    SubwordVectors,
    TrainConfig,
    Vocabulary,
    Word2Vec,
    load_vectors,
    read_corpus,
    save_vectors,
)
from lexigrad.corpus.sources.files import FileSource, decoded
from lexigrad.errors import LexigradError
from lexigrad.evaluation.testsets import read_analogies, read_rated_pairs
from lexigrad.evaluation.treebank import SPLITS, StanfordSentiment
from lexigrad.files.tensors import read_native
from lexigrad.vectors.formats import read_gensim
from lexigrad.vectors.formats.fasttext import read_fasttext
from lexigrad.vectors.formats.word2vec import read_binary, read_glove, read_word2vec_text
from lexigrad.vectors.subwords import Subwords

from .picklepieces import PICKLE_TOKENS, gensim_seeds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LONGEST_MESSAGE", "NEXT_FILE", "READERS", "Reader", "feed", "scratch_folder"]

LONGEST_MESSAGE = 600
"""The most characters of the sentence about a hostile file, besides the file's name."""

NEXT_FILE = b"\n=====\n"
"""The text between files that are fuzzed as one: those of the official treebank, a model and an array beside it."""


@dataclass(frozen=True)
class Reader:
    """A reader to fuzz."""

    name: str
    read: Callable[[Path], None]
    """Reads the file, and looks at the values that it got; raises AssertionError if they are not sound."""
    seeds: Callable[[], list[bytes]]
    """Sound files, from which the others are made."""
    tokens: tuple[bytes, ...] = ()
    """Pieces of text that mean something in this format."""


def feed(reader: Reader, folder: Path, content: bytes) -> str | None:
    """Give a reader a file of this content.

    Returns:
        The sentence with which the file was refused, or None when it was read.

    Raises:
        Exception: the reader raised this exception, which is no LexigradError; AssertionError if the values that were
            read, or the sentence, are not sound.
    """
    path = folder / "file"
    path.unlink(missing_ok=True)  # a new file each time: the last one may still be mapped into memory
    with open(path, "wb", buffering=0) as file:
        file.write(content)
    try:
        reader.read(path)
    except LexigradError as error:
        sentence = str(error).replace(str(folder), "")
        assert "\n" not in sentence, "the message is more than one line"
        assert len(sentence) <= LONGEST_MESSAGE, f"the message has {len(sentence):,} characters"
        sentence.encode()
        return sentence
    return None


def _each(*reads: Callable[[], None]) -> None:
    """Call all reads, even if the first ones refuse the file; raise the last refusal."""
    refusal = None
    for read in reads:
        try:
            read()
        except LexigradError as error:
            refusal = str(error)  # the error itself would keep the values that were read in memory
    if refusal is not None:
        raise LexigradError(refusal)


def _check_vectors(vectors: KeyedVectors) -> None:
    assert vectors.matrix.shape == (len(set(vectors.words)), vectors.dim)
    assert vectors.matrix.dtype == "float32"
    "".join(vectors.words).encode()
    _ = vectors.lengths  # refuses numbers that are not finite


def _check_vocabulary(vocabulary: Vocabulary) -> None:
    assert len(set(vocabulary.words)) == len(vocabulary.counts)
    assert vocabulary.total == sum(vocabulary.counts.tolist())


def _read_native(path: Path) -> None:
    def arrays() -> None:
        for tensor in read_native(path)[0].values():
            assert tensor.flags.aligned
            with np.errstate(invalid="ignore"):  # a signaling NaN is a number like others to a reader
                tensor.sum()

    def model() -> None:
        loaded = Word2Vec.load(path)
        _check_vocabulary(loaded.vocabulary)
        assert loaded.U.shape == loaded.V.shape

    def vectors() -> None:
        loaded = load_vectors(path)
        if isinstance(loaded, SubwordVectors) and loaded.subwords.used:
            assert loaded["überall"].shape == (loaded.dim,)
        _check_vectors(loaded)

    _each(arrays, model, vectors, lambda: _check_vectors(load_vectors(path, table="U")))


def _read_text(path: Path) -> None:
    _each(
        lambda: _check_vectors(read_word2vec_text(path, encoding_errors="replace")),
        lambda: _check_vectors(load_vectors(path)),
    )


def _read_glove(path: Path) -> None:
    _each(lambda: _check_vectors(read_glove(path)), lambda: _check_vectors(load_vectors(path)))


def _read_binary(path: Path) -> None:
    _each(
        lambda: _check_vectors(read_binary(path, encoding_errors="replace")),
        lambda: _check_vectors(load_vectors(path)),
    )


def _read_fasttext(path: Path) -> None:
    def subwords() -> None:
        vectors = read_fasttext(path, encoding_errors="replace")
        assert vectors.ngrams.shape == (vectors.subwords.bucket, vectors.dim)
        if vectors.subwords.used:
            assert vectors["überall"].shape == (vectors.dim,)
        _check_vectors(vectors)

    _each(subwords, lambda: _check_vectors(load_vectors(path)))


def _read_tables(path: Path) -> None:
    _each(lambda: _check_vectors(load_vectors(path, table="U")), lambda: _check_vectors(load_vectors(path)))


def _read_npz_members(path: Path) -> None:
    """The arrays of a .npz, which the check sums of the archive would else keep from being changed."""
    contents = dict(zip(("words", "vectors", "counts"), path.read_bytes().split(NEXT_FILE), strict=False))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}.npy", content)
    _check_vectors(load_vectors(path))


def _read_packed_vectors(path: Path) -> None:
    _check_vectors(load_vectors(path))


def _read_gensim(path: Path) -> None:
    model, _, array = path.read_bytes().partition(NEXT_FILE)
    apart = path.with_name("model")
    for file, content in ((apart, model), (path.with_name("model.wv.vectors.npy"), array)):
        file.unlink(missing_ok=True)
        with open(file, "wb", buffering=0) as opened:
            opened.write(content)

    def whole() -> None:
        read = read_gensim(apart)
        assert read.U is None or read.U.shape == read.vectors.matrix.shape
        assert all(type(value) in (bool, int, float, str, type(None)) for value in read.options.values())
        _check_vectors(read.vectors)

    _each(whole, lambda: _check_vectors(load_vectors(apart)))


def _read_trees(path: Path) -> None:
    treebank = _treebank(path, ("train.txt",), [path.read_bytes()])
    assert len(treebank.sentences("train")) == len(treebank.labels("train"))


def _read_official(path: Path) -> None:
    names = ("datasetSentences.txt", "datasetSplit.txt", "dictionary.txt", "sentiment_labels.txt")
    treebank = _treebank(path, names, path.read_bytes().split(NEXT_FILE, 3))

    def labels() -> None:
        for split in SPLITS:
            assert set(treebank.labels(split).tolist()) <= set(range(5))
            assert len(treebank.sentences(split)) == len(treebank.labels(split))

    _each(lambda: _no_empty_sentences(treebank.sentences()), labels)


def _no_empty_sentences(sentences: list[list[str]]) -> None:
    assert all(sentences)


def _treebank(path: Path, names: tuple[str, ...], contents: list[bytes]) -> StanfordSentiment:
    folder = path.parent / "treebank"
    folder.mkdir(exist_ok=True)
    for name, content in zip(names, contents + [b""] * len(names), strict=False):
        with open(folder / name, "wb", buffering=0) as file:
            file.write(content)
    return StanfordSentiment(folder)


def _read_similarities(path: Path) -> None:
    read = read_rated_pairs(path)
    assert len(read.pairs) == len(read.ratings) > 0
    assert all(rating - rating == 0 for rating in read.ratings)


def _read_analogies(path: Path) -> None:
    read = read_analogies(path)
    assert list(read.starts) == sorted(read.starts)
    assert len(read.starts) == len(read.sections)


def _read_vocabulary(path: Path) -> None:
    _check_vocabulary(Vocabulary.load(path))


def _read_saved_corpus(path: Path) -> None:
    with Corpus.load(path) as corpus:
        _check_vocabulary(corpus.vocabulary)
        assert corpus.ids.max() < len(corpus.vocabulary)
        assert corpus.words == (corpus.ids >= 0).sum()
        assert corpus.ids.flags.aligned
        corpus.report.summary()


def _read_packed_text(path: Path) -> None:
    for errors in ("replace", "strict"):
        source = FileSource([str(path)])
        for chunk in source:
            decoded(chunk, errors)
        assert source.text_bytes >= 0


def _read_text_of_a_corpus(path: Path) -> None:
    config = TrainConfig(min_count=1, threads=1, encoding_errors="replace", lowercase=True)
    with read_corpus(path, config) as corpus:
        assert corpus.report.kept == corpus.vocabulary.total


def _read_table(path: Path) -> None:
    config = TrainConfig(min_count=1, threads=1, encoding_errors="replace", lowercase=True)
    with read_corpus(path, config) as corpus:
        assert corpus.report.kept == corpus.vocabulary.total


@cache
def _vectors() -> KeyedVectors:
    words = ["the", "cat", "été", "new_york", "1.5", "x"]
    matrix = [[0.5 * row - 0.25 * column for column in range(5)] for row in range(len(words))]
    return KeyedVectors(words, matrix, [9, 7, 5, 5, 2, 1])


def _written(*formats: str) -> list[bytes]:
    """The vectors as files of these formats."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors"
        contents = []
        for kind in formats:
            save_vectors(path, _vectors(), kind)  # type: ignore[arg-type]
            contents.append(path.read_bytes())
        return contents


def _native_seeds() -> list[bytes]:
    vectors = _vectors()
    config = TrainConfig(dim=vectors.dim)
    vocabulary = Vocabulary(vectors.words, vectors.counts)  # type: ignore[arg-type]
    model = Word2Vec(vectors.matrix, 2 * vectors.matrix, vocabulary, config, [{"epoch": 1, "loss": 0.5}])
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        reduced = []
        for dtype in ("float16", "int8"):
            save_vectors(Path(folder) / "reduced", vectors, "native", dtype=dtype, outside=vectors)  # type: ignore[arg-type]
            reduced.append((Path(folder) / "reduced").read_bytes())
        save_vectors(Path(folder) / "ngrams", _subword_vectors(), "native")
        more = [*reduced, (Path(folder) / "ngrams").read_bytes()]
        return [*_written("native"), (Path(folder) / "model").read_bytes(), _one_empty_tensor(), *more]


def _subword_vectors() -> SubwordVectors:
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    return SubwordVectors(["the", "été"], rows[:2], rows[2:], Subwords(2, 3, 3))


def _one_empty_tensor() -> bytes:
    header = json.dumps({"V": {"dtype": "F32", "shape": [0, 7], "data_offsets": [0, 0]}}).encode()
    return struct.pack("<Q", len(header)) + header


def _text_seeds() -> list[bytes]:
    return [*_written("word2vec-text"), b"2 2\nthe 1 2\ncat  3\t4 \r\n", b"\xef\xbb\xbf1 1\na b 1e-3\n\n", b"0 3\n"]


def _glove_seeds() -> list[bytes]:
    return [*_written("glove"), b". . . 0.5 1.5\nthe 1 2\n", b"a\t1\n"]


def _binary_seeds() -> list[bytes]:
    numbers = struct.pack("<2f", 1.5, -2.5)
    return [*_written("word2vec-binary"), b"2 2\na " + numbers + b"b " + numbers, b"0 1\n"]


def _fasttext_seeds() -> list[bytes]:
    """Models of three words, two n-grams and a label, as fastText and floret lay them out."""
    fasttext = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 2, 2, 2, 2, 3, 100, 1e-4)
    floret = struct.pack("<14id", 2, 5, 5, 1, 5, 1, 2, 1, 2, 2, 3, 2, 2, 100, 1e-4)
    entries = b"".join(
        word + b"\0" + struct.pack("<qB", count, kind)
        for word, count, kind in ((b"</s>", 9, 0), ("über".encode(), 5, 0), (b"cat", 5, 0), (b"__label__1", 3, 1))
    )
    numbers = [0.5 * number for number in range(10)]
    tables = b"".join(struct.pack(f"<?2q{2 * rows}f", False, rows, 2, *numbers[: 2 * rows]) for rows in (5, 1))
    before, after = struct.pack("<2i", 793712314, 12), struct.pack("<3i2q", 4, 3, 1, 22, -1) + entries + tables
    return [before + options + after for options in (fasttext, floret)]


def _npz_seeds() -> list[bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npz"
        save_vectors(path, _vectors(), dtype="float16", outside=_vectors())
        both = path.read_bytes()
        np.savez(path, words=np.array(["a", "b"]), vectors=np.asfortranarray(np.eye(2)))
        return [*_written("npz"), both, path.read_bytes()]


def _npz_member_seeds() -> list[bytes]:
    contents = []
    for seed in _npz_seeds():
        with zipfile.ZipFile(io.BytesIO(seed)) as archive:
            names = [name for name in ("words.npy", "vectors.npy", "counts.npy") if name in archive.namelist()]
            contents.append(NEXT_FILE.join(map(archive.read, names)))
    return contents


def _arrow_seeds(kind: str) -> list[bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"vectors.{kind}"
        save_vectors(path, _vectors(), dtype="float16", outside=_vectors())
        return [*_written(kind), path.read_bytes()]


def _packed(*contents: bytes) -> list[bytes]:
    """Each content, packed in each way."""
    return [pack(content) for content in contents for pack in (_gzip, bz2.compress, lzma.compress)]


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _packed_text_seeds() -> list[bytes]:
    text = "the cat sat\non the été\n\n".encode() * 3
    return [text, *_packed(text), _gzip(text) + _gzip(b"more\n"), *_zstandard(text)]


def _zstandard(text: bytes) -> list[bytes]:
    try:
        import zstandard
    except ImportError:
        return []
    return [zstandard.compress(text), zstandard.compress(text) + zstandard.compress(b"more\n")]


def _saved_corpus_seeds() -> list[bytes]:
    with TemporaryDirectory() as folder, read_corpus(["the cat sat", "the été"], TrainConfig(min_count=1)) as corpus:
        corpus.save(Path(folder) / "corpus")
        content = (Path(folder) / "corpus").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].rstrip()
    return [struct.pack("<Q", len(header)) + header + content[8 + length :]]  # without the padding, which says nothing


def _tables() -> list[Any]:
    """A table for each kind of column; none without pyarrow."""
    try:
        import pyarrow
    except ImportError:
        return []
    text = ["the cat", None, "sat\non the été", ""] * 2
    tokens = [["the", "new york"], None, [], ["été", None]] * 2
    return [
        pyarrow.table({"text": text, "n": list(range(8))}),
        pyarrow.table({"text": pyarrow.array(text).dictionary_encode()}),
        pyarrow.table({"tokens": tokens}),
        pyarrow.table({"tokens": pyarrow.array(tokens, pyarrow.list_view(pyarrow.string_view()))}),
        pyarrow.table({"ids": pyarrow.array([[1, 2**40], None, [], [7, None]] * 2)}),
    ]


def _parquet_seeds() -> list[bytes]:
    contents = []
    for table in _tables():
        from pyarrow import BufferOutputStream, parquet

        if "view" in str(table.schema):
            continue  # Parquet has no such layout
        for compression in ("none", "snappy", "zstd"):
            sink = BufferOutputStream()
            parquet.write_table(table, sink, compression=compression, row_group_size=5)
            contents.append(sink.getvalue().to_pybytes())
    return contents


def _ipc_seeds() -> list[bytes]:
    contents = []
    for table in _tables():
        from pyarrow import BufferOutputStream, ipc

        for make in (ipc.new_file, ipc.new_stream):
            for compression in (None, "lz4"):
                sink = BufferOutputStream()
                with make(sink, table.schema, options=ipc.IpcWriteOptions(compression=compression)) as writer:
                    writer.write_table(table, max_chunksize=5)
                contents.append(sink.getvalue().to_pybytes())
    return contents


TREES = b"(3 (2 Good) (4 (2 clean) (2 fun)))\n(0 (1 -LRB-) (2 \xc3\xa9t\xc3\xa9\\/film))\r\n(2 one)\n"
OFFICIAL = NEXT_FILE.join(
    (
        b"sentence_index\tsentence\n1\tGood fun .\n2\tA -LRB- bland -RRB- film\n3\tCaf\xc3\x83\xc2\xa9\n",
        b"sentence_index,splitset_label\n1,1\n2,2\n3,3\n",
        b"Good fun .|0\nA ( bland ) film|1\nCaf\xc3\x83\xc2\xa9|2\n",
        b"phrase ids|sentiment values\n0|0.9\n1|0.1\n2|1.0\n",
    )
)
RATED = [b"# of words\ncup mug 9.5\ncup idea 0.5\n", b"word 1\tword 2\tscore\nice cream\tsorbet\t7\n", b"a b -1e3"]
QUESTIONS = [b": royals\nman king woman queen\n// no\n: capitals\nParis France Rome Italy\n", b"# no\r\na b c d"]
COUNTED = [b"the 9\nnew york 5\n\xc3\xa9t\xc3\xa9 5\ncat 1\n", b"\xef\xbb\xbfa 2\r\nb 1"]
NUMBERS = (b"nan", b"inf", b"-inf", b"1e400", b"1_0", b"0x10", "٣".encode(), b"1e-46", b".", b"-0")
SPACES = (b" ", b"\t", b"\r", b"\n", b"\x0b", b"\x1c", "\u00a0".encode(), "\u2028".encode(), b"\x00", b"\xef\xbb\xbf")
NPY_TOKENS = tuple(b"'<f2' '<U9' '|O' '>f8' True (0,5) (2,) PK\x03\x04 \x93NUMPY words.npy".split())
TYPE_TOKENS = tuple(b'"F32" "F16" "I8" "I64" "U8" "BF16"'.split())
JSON_TOKENS = TYPE_TOKENS + tuple(b'{ } [ ] : , "" null true NaN 1e400 -1 "ngrams" "__metadata__" "\\ud800"'.split())


def _by_name(readers: Iterable[Reader]) -> dict[str, Reader]:
    """The readers by their names, of which a second one of the same name would hide the first."""
    named: dict[str, Reader] = {}
    for reader in readers:
        assert reader.name not in named, reader.name
        named[reader.name] = reader
    return named


READERS = _by_name(
    (
        Reader("native", _read_native, _native_seeds, JSON_TOKENS),
        Reader("word2vec-text", _read_text, _text_seeds, NUMBERS + SPACES),
        Reader("word2vec-binary", _read_binary, _binary_seeds, SPACES),
        Reader("glove", _read_glove, _glove_seeds, NUMBERS + SPACES),
        Reader("fasttext", _read_fasttext, _fasttext_seeds, (b"\0", b"</s>\0", *SPACES)),
        Reader("npz", _read_tables, _npz_seeds, NPY_TOKENS),
        Reader("npz-members", _read_npz_members, _npz_member_seeds, (NEXT_FILE, *NPY_TOKENS)),
        Reader("arrow", _read_tables, lambda: _arrow_seeds("arrow"), (b"vector", b"word")),
        Reader("parquet", _read_tables, lambda: _arrow_seeds("parquet"), (b"vector", b"word")),
        Reader("packed-vectors", _read_packed_vectors, lambda: _packed(*_text_seeds()[:2], *_binary_seeds()[:2])),
        Reader("gensim", _read_gensim, lambda: gensim_seeds(NEXT_FILE), PICKLE_TOKENS),
        Reader("trees", _read_trees, lambda: [TREES, b"(2 a)"], (b"(", b")", b"(2 ", b"))", *SPACES)),
        Reader("treebank", _read_official, lambda: [OFFICIAL], (NEXT_FILE, b"|", b",", *NUMBERS, *SPACES)),
        Reader("similarities", _read_similarities, lambda: RATED, NUMBERS + SPACES + (b"#",)),
        Reader("analogies", _read_analogies, lambda: QUESTIONS, (b":", b": a\n", b"#", b"//", *SPACES)),
        Reader("vocabulary", _read_vocabulary, lambda: COUNTED, NUMBERS + SPACES + (b"999999999999999999",)),
        Reader("saved-corpus", _read_saved_corpus, _saved_corpus_seeds, JSON_TOKENS),
        Reader("packed-text", _read_packed_text, _packed_text_seeds, SPACES),
        Reader("parquet-text", _read_table, _parquet_seeds),
        Reader("arrow-text", _read_table, _ipc_seeds),
        Reader("text", _read_text_of_a_corpus, lambda: ["The cat. İt's\u00a0über\n\n".encode(), b"a"], SPACES),
    )
)


def scratch_folder() -> TemporaryDirectory[str]:
    """A folder to write inputs to: in memory where the system has such a place."""
    return TemporaryDirectory(prefix="lexigrad-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)

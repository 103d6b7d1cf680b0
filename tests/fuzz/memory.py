"""``python -m tests.fuzz.memory``: the memory that readers take for files that lie about their size, and for bombs.

Each file is read in a process of its own, forked when everything is imported and compiled. Linux only.
"""

# ruff: noqa: T201  # it is a command
from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import struct
import sys
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .readers import READERS, feed, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ALLOWED_BYTES", "CASES", "measured"]

ALLOWED_BYTES = 50_000_000
"""The bytes that a reader may take beside twice the file's size."""
LARGE = 16 << 20
HUGE = 2**40


def safetensors(header: object, content: bytes = b"") -> bytes:
    """A safetensors file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def tensor(*shape: int, end: int = 64) -> bytes:
    """A native file whose table claims a shape."""
    entry = {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}
    return safetensors({"__metadata__": {"format": "lexigrad", "version": "1"}, "V": entry}, bytes(64))


def saved_corpus(claimed: int) -> bytes:
    """A saved corpus that claims ``claimed`` ids."""
    entries = {
        name: {"dtype": dtype, "shape": [claimed], "data_offsets": [0, claimed * size]}
        for name, dtype, size in (("counts", "I64", 8), ("word_ends", "I64", 8), ("ids", "I32", 4), ("words", "U8", 1))
    }
    kind = {"format": "lexigrad-corpus", "version": "1", "report": "{}"}
    return safetensors({"__metadata__": kind, **entries}, bytes(64))


def xz_that_wants_4_gib() -> bytes:
    """An xz file whose header asks for the largest dictionary there is."""
    packed = bytearray(lzma.compress(b"the cat\n"))
    end = 12 + (packed[12] + 1) * 4
    packed[16] = 40
    packed[end - 4 : end] = struct.pack("<I", zlib.crc32(packed[12 : end - 4]))
    return bytes(packed)


def pickle_of(piece: bytes) -> bytes:
    """The beginning of vectors that gensim saved, with a piece of a program in it."""
    return b"\x80\2cgensim.models.keyedvectors\nKeyedVectors\n)\x81}X\4\0\0\0note" + piece + b"sb."


def bomb(piece: bytes, megabytes: int, before: bytes = b"") -> bytes:
    """Gzip of a piece repeated; a thousand times smaller than its content."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = piece * (1_000_000 // len(piece))
    return b"".join([packer.compress(before), *(packer.compress(block) for _ in range(megabytes)), packer.flush()])


def zstandard_bomb(megabytes: int, window_log: int) -> bytes:
    """Zstandard of a word repeated."""
    import zstandard

    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return b"".join([*(packer.compress(b"word " * 200_000) for _ in range(megabytes)), packer.flush()])


def fasttext(entries: int, bucket: int, rows: int, words: bytes = b"a\0" + bytes(9), maxn: int = 6) -> bytes:
    """A model of fastText's that claims so many words, n-grams and rows."""
    options = struct.pack("<2i12id", 793712314, 12, 300, 5, 5, 1, 5, 1, 2, 2, bucket, 3, maxn, 100, 1e-4)
    return options + struct.pack("<3i2q", entries, entries, 0, 9, -1) + words + struct.pack("<B2q", 0, rows, 300)


def long_words() -> bytes:
    """A whole model of four words of 32 KiB, whose n-grams are up to 64 characters long."""
    words = [b"%d" % number + b"x" * 32_000 for number in range(4)]
    entries = b"".join(word + b"\0" + struct.pack("<qB", 1, 0) for word in words)
    options = struct.pack("<2i12id", 793712314, 12, 1, 5, 5, 1, 5, 1, 2, 2, 9, 1, 64, 100, 1e-4)
    tables = struct.pack("<B2q13fB2q", 0, 13, 1, *[1.0] * 13, 0, 0, 0)
    return options + struct.pack("<3i2q", 4, 4, 0, 9, -1) + entries + tables


def npz(shape: str, kind: str = "<f4") -> bytes:
    """A .npz of vectors whose table claims a shape."""
    content = io.BytesIO()
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    with zipfile.ZipFile(content, "w") as archive:
        words = b"{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }\n"
        for name, start in (("words", words), ("vectors", header)):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\1\0" + len(start).to_bytes(2, "little") + start + b"a\0\0\0")
    return content.getvalue()


def npz_bomb() -> bytes:
    """A .npz of 100 MB of zeros, compressed."""
    content = io.BytesIO()
    np.savez_compressed(content, words=np.array(["a"]), vectors=np.zeros((1, 25_000_000), dtype=np.float32))
    return content.getvalue()


JSON_LISTS = b'{"V":[' + b"[{}]," * ((LARGE - 16) // 5) + b"0]}"
SHORT_JSON_LISTS = b'{"V":[' + b"[{}]," * 200_000 + b"0]}"

CASES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "native: a header of 2**63 bytes": ("native", lambda: struct.pack("<Q", 2**63) + b"{}"),
    "native: a header of 16 MiB of empty lists": ("native", lambda: safetensors(JSON_LISTS)),
    "native: a header of 1 MB of empty lists": ("native", lambda: safetensors(SHORT_JSON_LISTS)),
    "native: a table of 2**40 rows": ("native", lambda: tensor(HUGE, 1, end=4 * HUGE)),
    "native: a table of 2**80 numbers": ("native", lambda: tensor(HUGE, HUGE)),
    "native: a table of no rows, 2**40 wide": ("native", lambda: tensor(0, HUGE, end=0)),
    "saved corpus: 2**40 ids": ("saved-corpus", lambda: saved_corpus(HUGE)),
    "saved corpus: a header of 1 MB of empty lists": ("saved-corpus", lambda: safetensors(SHORT_JSON_LISTS)),
    "word2vec text: 1000000000 words": ("word2vec-text", lambda: b"1000000000 300\nthe 1 2 3\n"),
    "word2vec text: as many words as could be": ("word2vec-text", lambda: b"4000000 1\n" + b"a 1\n" * 4_000_000),
    "word2vec text: a dimension beyond the file": ("word2vec-text", lambda: b"2 1048576\na " + b"1 " * (1 << 20)),
    "word2vec text: one line": ("word2vec-text", lambda: b"1 2\n" + b"10 " * (LARGE // 3)),
    "word2vec binary: 1000000000 words": ("word2vec-binary", lambda: b"1000000000 300\nthe \0\0\0\0"),
    "word2vec binary: as many words as could be": ("word2vec-binary", lambda: b"2000000 1\n" + b"a    \n" * 2_000_000),
    "word2vec binary: no space": ("word2vec-binary", lambda: b"2 4\n" + b"x" * LARGE),
    "GloVe: one line": ("glove", lambda: b"the " + b"10 " * (LARGE // 3)),
    "fastText: 2**31 - 1 words": ("fasttext", lambda: fasttext(2**31 - 1, 5, 10)),
    "fastText: 2**31 - 1 n-grams": ("fasttext", lambda: fasttext(1, 2**31 - 1, 2**31)),
    "fastText: one word without end": ("fasttext", lambda: fasttext(1, 5, 6, b"x" * LARGE)),
    "fastText: n-grams of 2**31 - 1 characters": ("fasttext", lambda: fasttext(1, 5, 6, maxn=2**31 - 1)),
    "fastText: words of 32 KiB, all n-grams": ("fasttext", long_words),
    "npz: a table of 2**40 rows": ("npz", lambda: npz(f"({HUGE}, 1)")),
    "npz: a table of 2**80 numbers": ("npz", lambda: npz(f"({HUGE}, {HUGE})")),
    "npz: a table of Python objects": ("npz", lambda: npz("(1, 1)", "|O")),
    "npz: 100 MB of zeros, compressed": ("npz", npz_bomb),
    "packed word2vec text: 2**40 words": ("packed-vectors", lambda: gzip.compress(b"1099511627776 300\nthe 1 2\n")),
    "packed vectors: 100 MB of rows": ("packed-vectors", lambda: bomb(b"a 1 2\n", 100, b"9999999 2\n")),
    "packed vectors: 100 MB without line end": ("packed-vectors", lambda: bomb(b"1 ", 100, b"1 9\n")),
    "packed vectors: xz that wants 4 GiB": ("packed-vectors", xz_that_wants_4_gib),
    "gensim: a string of 2**63 bytes": ("gensim", lambda: pickle_of(b"\x8d" + struct.pack("<Q", 2**63))),
    "gensim: 1 MB of empty lists": ("gensim", lambda: pickle_of(b"]" * 1_000_000)),
    "gensim: 1 MB of empty dictionaries": ("gensim", lambda: pickle_of(b"}" * 1_000_000)),
    "gensim: 1 MB of lists within lists": ("gensim", lambda: pickle_of(b"]" * 500_000 + b"a" * 499_999)),
    "gensim: one value kept a million times": ("gensim", lambda: pickle_of(b"N" + b"\x94" * 1_000_000)),
    "trees: one line": ("trees", lambda: b"(" * LARGE),
    "treebank: one line": ("treebank", lambda: b"\n1\t" + b"ab " * (LARGE // 3)),
    "similarities: one line": ("similarities", lambda: b"ab\t" * (LARGE // 3)),
    "analogies: one line": ("analogies", lambda: b"ab " * (LARGE // 3)),
    "vocabulary: one line": ("vocabulary", lambda: b"ab " * (LARGE // 3)),
    "text: 100 MB of words in 0.1 MB of gzip": ("text", lambda: bomb(b"the cat sat ", 100)),
    "text: 100 MB of lines in 0.1 MB of gzip": ("text", lambda: bomb(b"the cat sat\n", 100)),
    "text: one word of 100 MB in 0.1 MB of gzip": ("text", lambda: bomb(b"x", 100)),
    "text: xz that wants 4 GiB": ("text", xz_that_wants_4_gib),
    "text: zstandard with a window of 8 MiB": ("text", lambda: zstandard_bomb(100, 23)),
    "text: zstandard with a window of 128 MiB": ("text", lambda: zstandard_bomb(100, 27)),
}
BY_HAND: dict[str, tuple[str, Callable[[], bytes]]] = {
    "word2vec text: the largest dimension": ("word2vec-text", lambda: b"1 1048576\na" + b" 12.5" * (1 << 20)),
    "gensim: 16 MB of empty lists": ("gensim", lambda: pickle_of(b"]" * LARGE)),
    "gensim: 16 MB of empty dictionaries": ("gensim", lambda: pickle_of(b"}" * LARGE)),
    "text: 1 GB of words in 1 MB of gzip": ("text", lambda: bomb(b"the cat sat ", 1000)),
    "text: 1 GB in 0.1 MB of zstandard": ("text", lambda: zstandard_bomb(1000, 23)),
}


def measured(names: list[str]) -> Iterator[tuple[str, int, int, str | None]]:
    """For each case its name, its file's size, the most memory that its reading took, and the refusal."""
    cases = {**CASES, **BY_HAND}
    with scratch_folder() as folder:
        for name in {cases[name][0] for name in names}:
            feed(READERS[name], Path(folder), READERS[name].seeds()[0])  # imports and compiles all that is needed
        for name in names:
            reader, made = cases[name]
            yield (name, *_in_a_child(reader, made, Path(folder)))


def _in_a_child(reader: str, made: Callable[[], bytes], folder: Path) -> tuple[int, int, str | None]:
    """Size, memory and refusal of one file, read by a child that begins without the file's bytes in its memory."""
    prepared = folder / "prepared"
    if os.fork() == 0:
        prepared.write_bytes(made())
        os._exit(0)
    os.wait()
    receiving, sending = os.pipe()
    if os.fork() == 0:
        before = _status("VmRSS")
        try:
            refusal = _read(reader, prepared)
        except BaseException as error:
            refusal = f"FAULT {error!r}"
        with open(sending, "w") as file:
            json.dump([_status("VmHWM") - before, refusal], file)
        os._exit(0)
    os.close(sending)
    with open(receiving) as file:
        peak, refusal = json.load(file)
    os.wait()
    return prepared.stat().st_size, peak, refusal


def _read(reader: str, path: Path) -> str | None:
    from lexigrad.errors import LexigradError

    try:
        READERS[reader].read(path)
    except LexigradError as error:
        return str(error).replace(str(path), path.name)
    return None


def _status(name: str) -> int:
    """A number of bytes in Linux's status of this process."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))


def main() -> int:
    """Measure all cases; with ``--json`` only those of the tests, which read the output."""
    warnings.simplefilter("error")
    for_tests = sys.argv[1:] == ["--json"]
    rows = list(measured(list(CASES) + ([] if for_tests else list(BY_HAND))))
    if for_tests:
        print(json.dumps(rows))
        return 0
    for name, size, peak, refusal in rows:
        print(f"{name:48} file {size / 1e6:7.2f} MB, memory {peak / 1e6:7.1f} MB: {refusal or 'read'}"[:200])
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.fuzz.scaling``: the processor time for files twice as large each time, and how it grows.

A file is read twice and the faster time counts. The last column is the power of the size that the time grows with,
from the smallest file to the largest: 1 is linear.
"""

# ruff: noqa: T201  # it is a command
from __future__ import annotations

import gzip
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .readers import NEXT_FILE, READERS, feed, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (0.5, 1, 2, 4)  # MB
MEGABYTE = 1_000_000


def repeated(piece: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    """Files that repeat a piece."""
    return lambda size: before + piece * (size // len(piece)) + after


def counted(row: bytes, before: bytes = b"") -> Callable[[int], bytes]:
    """Files whose rows are all different: ``row`` has a place for a number."""
    return lambda size: before + b"".join(row % number for number in range(size // len(row % 100_000)))


CASES: tuple[tuple[str, str, Callable[[int], bytes]], ...] = (
    ("word2vec-text", "one number a row", lambda size: (rows := counted(b"w%d 1.5\n")(size))
     and b"%d 1\n" % rows.count(b"\n") + rows),
    ("word2vec-text", "one long line", repeated(b"1 ", b"1 1\n")),
    ("word2vec-text", "empty lines", repeated(b"\n", b"1 1\na 1\n", b"b")),
    ("word2vec-text", "a dimension below 0", repeated(b"ab cd\n", b"999999999 -1\n")),
    ("word2vec-binary", "no space", repeated(b"x", b"1 4\n")),
    ("word2vec-binary", "line breaks at the end", repeated(b"\n", b"1 1\na \0\0\0\0")),
    ("glove", "one number a row", counted(b"w%d 1.5\n")),
    ("glove", "one long line", repeated(b"12 ", b"w ")),
    ("gensim", "words", lambda size: b"\x80\2cgensim.models.keyedvectors\nKeyedVectors\n)\x81}X\x0c\0\0\0index_to_key]("
     + counted(b"U\7%07d")(size) + b"esb."),
    ("gensim", "integers of equal hash", lambda size: b"\x80\2cgensim.models.keyedvectors\nKeyedVectors\n)\x81}("
     + b"".join(b"\x8a\x0a" + (n * (2**61 - 1)).to_bytes(10, "little") + b"N" for n in range(size // 13)) + b"ub."),
    ("trees", "short trees", repeated(b"(2 (1 a) (3 b))\n")),
    ("trees", "deep trees", repeated(b"(2 " * 999 + b"a" + b")" * 999 + b"\n")),
    ("trees", "never closed", repeated(b"(2 " * 9999 + b"\n")),
    ("treebank", "sentences", lambda size: NEXT_FILE.join((
        counted(b"%d\ta b c\n", b"\n")(size // 2), counted(b"%d,1\n", b"\n")(size // 3), b"a b c|1\n", b"\n1|0.5\n"))),
    ("similarities", "pairs", repeated(b"cup mug 9.5\n")),
    ("similarities", "one long line", repeated(b"cup\t")),
    ("analogies", "questions", repeated(b"a b c d\n")),
    ("analogies", "sections", repeated(b":\n", b"a b c d\n")),
    ("vocabulary", "words", counted(b"w%d 1\n")),
    ("vocabulary", "one long line", repeated(b"w ", b"", b"1")),
    ("packed-text", "many streams", lambda size: gzip.compress(b"the cat\n", mtime=0) * (size // 28)),
    ("packed-text", "no white space", repeated(b"x")),
    ("text", "one word", repeated(b"word\n")),
    ("text", "words", counted(b"w%d ")),
    ("text", "no white space", repeated("é".encode())),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    print(f"{'':44}" + "".join(f"{size:>6} MB" for size in SIZES) + "   power")
    for name, what, made in CASES:
        seconds = [_fastest(name, made(int(size * MEGABYTE))) for size in SIZES]
        power = math.log(seconds[-1] / seconds[0]) / math.log(SIZES[-1] / SIZES[0])
        print(
            f"{name + ': ' + what:44}" + "".join(f"{second:8.3f}s" for second in seconds) + f"{power:8.2f}", flush=True
        )


def _fastest(name: str, content: bytes) -> float:
    """Seconds that the reader takes for a file of this content."""
    with scratch_folder() as folder:
        times = []
        for _ in range(2):
            started = time.process_time()
            feed(READERS[name], Path(folder), content)
            times.append(time.process_time() - started)
        return min(times)


if __name__ == "__main__":
    main()

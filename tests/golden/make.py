"""Makes the golden files of vectors in this folder; README.md says what each stands for.

Run it in this folder: python make.py
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

WORDS = ["</s>", "the", "naïve", "日本語", "no\u00a0break", "line\u2028separator", "next\u0085line"]
ROWS = [[0.5, -1.25, 0.0], [0.1, 0.2, -0.3], [1e-07, 12345.678, -2.0]] + [[k, -k / 3, 1 / k] for k in (1, 2, 3, 4)]


def write_as_gensim() -> None:
    vectors = KeyedVectors(3)
    vectors.add_vectors(WORDS, np.array(ROWS, dtype=np.float32))
    vectors.save_word2vec_format("gensim.txt", binary=False)
    vectors.save_word2vec_format("gensim.bin", binary=True)


def write_as_word2vec_c() -> None:
    header = b"%d %d\n" % (len(WORDS), 3)
    text, binary = header, header
    for word, row in zip(WORDS, ROWS, strict=True):
        text += word.encode() + b" " + b"".join(b"%f " % number for number in row) + b"\n"
        binary += word.encode() + b" " + struct.pack("<3f", *row) + b"\n"
    Path("word2vec.txt").write_bytes(text)
    Path("word2vec.bin").write_bytes(binary)


def write_as_glove() -> None:
    words = [*WORDS[1:], "<unk>"]
    rows = [*ROWS[1:], ROWS[0]]
    lines = [word.encode() + b"".join(b" %f" % number for number in row) for word, row in zip(words, rows, strict=True)]
    Path("glove.txt").write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    write_as_gensim()
    write_as_word2vec_c()
    write_as_glove()

"""Sound files of gensim's to begin with, and pieces of the programs that pickles are."""

from __future__ import annotations

import io
from functools import cache

import numpy as np

from .gensimpickles import gensim_3_model, gensim_4_vectors, pickled

__all__ = ["PICKLE_TOKENS", "gensim_seeds"]

PICKLE_TOKENS = (
    b"\x80\x02", b"\x80\x05", b"\x95\x00\x00\x00\x00\x00\x00\x00\x00", b".", b"(", b"0", b"1", b"N", b"\x88", b"\x89",
    b"K\x00", b"J\xff\xff\xff\xff", b"M\xff\xff", b"I01\n", b"I-5\n", b"I99999999999999999999\n", b"\x8a\x01\xff",
    b"\x8b\x01\x00\x00\x00\x7f", b"G\x7f\xf0\x00\x00\x00\x00\x00\x00", b"\x8c\x01a", b"X\x02\x00\x00\x00\xc3\xa9",
    b"U\x01\xe9", b"T\x01\x00\x00\x00\xe9", b"C\x01\x00", b"B\x01\x00\x00\x00\x00", b"]", b"a", b"e", b")", b"\x85",
    b"\x86", b"\x87", b"t", b"}", b"s", b"u", b"\x8f", b"\x90", b"\x91", b"h\x00", b"h\x05", b"j\x01\x00\x00\x00",
    b"q\x00", b"r\x07\x00\x00\x00", b"\x94", b"\x93", b"R", b"\x81", b"\x92", b"b", b"\x8d", b"\x8e", b"\x96", b"\x97",
    b"cnumpy\ndtype\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\nscalar\n",
    b"c_codecs\nencode\n", b"cos\nsystem\n", b"cgensim.models.word2vec\nWord2Vec\n", b"P0\n", b"Q", b"\x82\x01", b"o",
    b"cgensim.models.keyedvectors\nKeyedVectors\n", b"X\x09\x00\x00\x00__numpys", b"X\x07\x00\x00\x00vectors",
    b"__numpys", b"vectors", b"syn1neg", b"index_to_key", b"expandos", b"count", b"vocab", b"trainables", b"wv",
    b"'shape': (", b"'fortran_order': True", b"'<f8'", b"\x93NUMPY", b"2L, ",
)  # fmt: skip


@cache
def _contents(next_file: bytes) -> list[bytes]:
    words = ["the", "cat", "\u00e9t\u00e9"]
    matrix = np.arange(6, dtype=np.float32).reshape(3, 2)
    model = gensim_3_model(words, matrix, [5, 2, 1])
    del model.attributes["random"]  # 2,500 bytes that say nothing
    stored = gensim_3_model(words, matrix, [np.int64(5), 2, 1], vectors=None, __numpys=["vectors"])
    del stored.attributes["random"]
    vectors = [pickled(gensim_4_vectors(words, matrix.astype(dtype)), 4) for dtype in ("<f4", ">f8")]
    beside = io.BytesIO()
    np.save(beside, matrix)
    by_columns = pickled(gensim_4_vectors(words, np.asfortranarray(matrix), norms=np.float32(1)), 5)
    return [pickled(model), *vectors, by_columns, pickled(stored) + next_file + beside.getvalue()]


def gensim_seeds(next_file: bytes) -> list[bytes]:
    """Vectors and models of gensim 3 and 4 in each protocol, and one whose table lies in a file of its own."""
    return list(_contents(next_file))

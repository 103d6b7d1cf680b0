"""Files as gensim writes them, made without gensim: stand-ins of its classes, pickled by Python's own pickler.

Their layout is that of gensim 3, which cannot be installed beside current NumPy: one object a word in ``vocab``, the
outside table in ``trainables``. gensim 4 takes it for such a model, which the tests of
``vectors/formats/gensim/test_saved.py`` hold.
"""

from __future__ import annotations

import pickle
import sys
import types
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Stand", "gensim_3_model", "gensim_4_vectors", "pickled"]


class Stand:
    """An object of some class, with attributes."""

    def __init__(self, name: str, **attributes: Any) -> None:
        self.name = name
        self.attributes = attributes


def pickled(value: Any, protocol: int = 2) -> bytes:
    """The pickle in which each ``Stand`` is an object of the class that it names."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "gensim"}
    for name in before:
        del sys.modules[name]
    try:
        return pickle.dumps(_made(value), protocol)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "gensim"]:
            del sys.modules[name]
        sys.modules.update(before)


def _made(value: Any) -> Any:
    if isinstance(value, Stand):
        made = _class(value.name)()
        made.__dict__.update({name: _made(attribute) for name, attribute in value.attributes.items()})
        return made
    if type(value) is dict:
        return {key: _made(item) for key, item in value.items()}
    return [_made(item) for item in value] if type(value) is list else value


def _class(full_name: str) -> type:
    """The class of this name, in a module that exists until the pickle is written."""
    module_name, _, name = full_name.rpartition(".")
    parts = module_name.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    module = sys.modules[module_name]
    if not hasattr(module, name):
        setattr(module, name, type(name, (), {"__module__": module_name}))
    made: type = getattr(module, name)
    return made


def gensim_3_model(words: Sequence[str], matrix: np.ndarray, counts: Sequence[int], **changed: Any) -> Stand:
    """A model of gensim 3.8; ``changed`` are attributes of its vectors."""
    vocab = {
        word: Stand("gensim.models.keyedvectors.Vocab", count=count, index=index, sample_int=2**32)
        for index, (word, count) in enumerate(zip(words, counts, strict=True))
    }
    vectors = {"vectors": matrix, "vocab": vocab, "vector_size": matrix.shape[1], "index2word": list(words)}
    lists: dict[str, Any] = {"__numpys": [], "__scipys": [], "__ignoreds": ["vectors_norm"]}
    trainables = {"syn1neg": 2 * matrix, "layer1_size": matrix.shape[1], "seed": 1, "hashfxn": hash}
    return Stand(
        "gensim.models.word2vec.Word2Vec",
        wv=Stand("gensim.models.keyedvectors.Word2VecKeyedVectors", **{**vectors, **lists, **changed}),
        trainables=Stand("gensim.models.word2vec.Word2VecTrainables", **trainables, **lists),
        vocabulary=Stand(
            "gensim.models.word2vec.Word2VecVocab",
            min_count=5,
            sample=0.001,
            max_vocab_size=None,
            sorted_vocab=True,
            null_word=0,
            raw_vocab=defaultdict(int),
        ),
        random=np.random.RandomState(1),
        sg=1,
        negative=5,
        window=4,
        iter=7,
        alpha=0.025,
        **{**lists, "__recursive_saveloads": ["vocabulary", "wv", "trainables"]},
    )


def gensim_4_vectors(words: Sequence[Any], matrix: np.ndarray, **changed: Any) -> Stand:
    """Vectors of gensim 4; ``changed`` are their attributes."""
    attributes = {
        "vector_size": matrix.shape[1],
        "index_to_key": list(words),
        "key_to_index": {word: index for index, word in enumerate(words)},
        "expandos": {"count": np.arange(len(words), 0, -1)},
        "vectors": matrix,
        "norms": None,
        "__numpys": [],
    }
    return Stand("gensim.models.keyedvectors.KeyedVectors", **{**attributes, **changed})

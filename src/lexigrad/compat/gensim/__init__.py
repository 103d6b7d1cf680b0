"""gensim's names on lexigrad: ``from lexigrad.compat.gensim import Word2Vec`` in place of ``from gensim.models``.

The names of gensim 4 and gensim 3 run on lexigrad's trainer and search. A use of an old name is a warning, a use of a
name that cannot be kept an error; both say what to write instead. ``docs/guides/coming-from-gensim.md`` has a table of
every name.

Example:
    >>> from lexigrad.compat.gensim import Word2Vec
    >>> model = Word2Vec([["to", "be", "or", "not", "to", "be"]], vector_size=8, min_count=1)
    >>> len(model.wv.most_similar("to", topn=2))
    2
"""

from __future__ import annotations

from lexigrad.compat.gensim.errors import DamagedFileError, NotKeptError, ShortFileError, StateError, WrongKindError
from lexigrad.compat.gensim.model import Word2Vec
from lexigrad.compat.gensim.phrases import (
    ENGLISH_CONNECTOR_WORDS,
    FrozenPhrases,
    Phraser,
    Phrases,
    npmi_scorer,
    original_scorer,
)
from lexigrad.compat.gensim.text import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from lexigrad.compat.gensim.training import CallbackAny2Vec
from lexigrad.compat.gensim.vectors import KeyedVectors
from lexigrad.compat.gensim.vocabulary import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

__all__ = [
    "ENGLISH_CONNECTOR_WORDS",
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "BrownCorpus",
    "CallbackAny2Vec",
    "DamagedFileError",
    "EuclideanKeyedVectors",
    "FrozenPhrases",
    "KeyedVectors",
    "LineSentence",
    "NotKeptError",
    "PathLineSentences",
    "Phraser",
    "Phrases",
    "ShortFileError",
    "StateError",
    "Text8Corpus",
    "Word2Vec",
    "Word2VecKeyedVectors",
    "WrongKindError",
    "npmi_scorer",
    "original_scorer",
]

Word2VecKeyedVectors = EuclideanKeyedVectors = KeyedVectors

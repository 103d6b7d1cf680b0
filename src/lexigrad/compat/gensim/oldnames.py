"""The names that gensim 4 dropped or renamed, and those that cannot be kept: an old name warns and says the new one.

Every name of gensim 3 and 4 stands in ``docs/guides/coming-from-gensim.md``.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from lexigrad.compat.gensim.errors import NotKeptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.compat.gensim.table import VectorTable

__all__ = [
    "OldModelNames",
    "OldVectorNames",
    "Vocab",
    "deprecated",
    "missing_attribute",
    "missing_method",
    "new_keywords",
    "renamed_attribute",
    "renamed_method",
]


NO_TREE: Final = "there is no hierarchical softmax; train with hs=0 and negative=5"
NO_EVENTS: Final = "what happens is logged; see the standard library's logging"


def deprecated(old: str, new: str) -> None:
    """Warn, at the caller's caller, that ``old`` is now written ``new``."""
    warnings.warn(f"{old} is gensim's old name; write {new}", DeprecationWarning, stacklevel=3)


def renamed_attribute(
    old: str, new: str, get: Callable[[Any], Any], put: Callable[[Any, Any], None] | None = None
) -> Any:
    """A property under an old name.

    Args:
        old: the old name, as the warning says it.
        new: the name to write instead.
        get: returns the value, given the object.
        put: sets the value; None where it cannot be set.
    """

    def getter(self: Any) -> Any:
        deprecated(old, new)
        return get(self)

    def setter(self: Any, value: Any) -> None:
        deprecated(old, new)
        assert put is not None
        put(self, value)

    return property(getter, None if put is None else setter, doc=f"gensim's old name of `{new}`.")


def renamed_method(old: str, new: str, path: str) -> Any:
    """A method under an old name; ``path`` leads to the new one from the object, as in ``wv.most_similar``."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        deprecated(old, new)
        return functools.reduce(getattr, path.split("."), self)(*args, **kwargs)

    method.__doc__ = f"gensim's old name of `{new}`."
    method.__name__ = path.rpartition(".")[2]
    return method


def missing_attribute(name: str, reason: str) -> Any:
    """A property that raises an AttributeError with the reason, so that ``hasattr`` says no."""

    def getter(self: Any) -> Any:
        raise AttributeError(f"{type(self).__name__} has no {name} here: {reason}")

    return property(getter, doc=f"Not kept: {reason}.")


def missing_method(name: str, reason: str) -> Any:
    """A method that raises a NotKeptError with the reason."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotKeptError(f"{name} is not kept: {reason}")

    method.__doc__ = f"Not kept: {reason}."
    return method


def new_keywords(function: str, given: dict[str, Any], names: dict[str, str], has: dict[str, Any]) -> dict[str, Any]:
    """Keywords under their new names.

    Args:
        function: the function's name, for errors.
        given: the keywords that were given besides the new names.
        names: the new name of each old one.
        has: the values of new names that were given.

    Raises:
        TypeError: a keyword is neither new nor old, or was given under both names.
    """
    found = dict(has)
    for old, value in given.items():
        new = names.get(old)
        if new is None:
            raise TypeError(f"{function}() got an unexpected keyword argument {old!r}")
        if found.get(new) is not None:
            raise TypeError(f"{function}() got both {new!r} and its old name {old!r}; give {new!r}")
        warnings.warn(f"{function}({old}=...) is gensim 3's name; write {new}=", DeprecationWarning, stacklevel=3)
        found[new] = value
    return found


class Vocab:
    """A word of gensim 3's ``wv.vocab``: its ``index``, its ``count``, and its other attributes."""

    __slots__ = ("_key", "_table")

    def __init__(self, table: VectorTable, key: Any) -> None:
        self._table, self._key = table, key

    @property
    def index(self) -> int:
        """The row of the word."""
        return self._table.key_to_index[self._key]

    def __getattr__(self, name: str) -> Any:
        values = self._table.expandos.get(name)
        if values is None:
            raise AttributeError(f"{self._key!r} has no attribute {name!r}; set it by wv.set_vecattr")
        return values[self.index]

    def __repr__(self) -> str:
        return f"Vocab({self._key!r})"


class VocabView(Mapping[Any, Vocab]):
    """gensim 3's ``wv.vocab``: reads a table's keys and attributes; to change them, call ``set_vecattr``."""

    def __init__(self, table: VectorTable) -> None:
        self._table = table

    def __getitem__(self, key: Any) -> Vocab:
        if key not in self._table.key_to_index:
            raise KeyError(key)
        return Vocab(self._table, key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table.key_to_index)

    def __len__(self) -> int:
        return len(self._table.key_to_index)


def _set_keys(table: VectorTable, keys: list[Any]) -> None:
    table.index_to_key = list(keys)
    table.key_to_index = {key: row for row, key in enumerate(keys)}


def _set_vectors(table: VectorTable, vectors: Any) -> None:
    table.vectors, table.norms = vectors, None


class OldVectorNames:
    """Old names of KeyedVectors."""

    vocab = renamed_attribute("wv.vocab", "wv.key_to_index, or wv.get_vecattr(key, 'count')", lambda wv: VocabView(wv))
    index2word = renamed_attribute("wv.index2word", "wv.index_to_key", lambda wv: wv.index_to_key, _set_keys)
    index2entity = renamed_attribute("wv.index2entity", "wv.index_to_key", lambda wv: wv.index_to_key, _set_keys)
    syn0 = renamed_attribute("wv.syn0", "wv.vectors", lambda wv: wv.vectors, _set_vectors)
    syn0norm = renamed_attribute("wv.syn0norm", "wv.get_normed_vectors()", lambda wv: wv.get_normed_vectors())
    vectors_norm = renamed_attribute("wv.vectors_norm", "wv.get_normed_vectors()", lambda wv: wv.get_normed_vectors())
    wv = renamed_attribute("wv.wv", "wv", lambda wv: wv)
    word_vec = renamed_method("wv.word_vec", "wv.get_vector", "get_vector")
    similar_by_entity = renamed_method("wv.similar_by_entity", "wv.similar_by_key", "similar_by_key")
    words_closer_than = renamed_method("wv.words_closer_than", "wv.closer_than", "closer_than")
    get_keras_embedding = missing_method("get_keras_embedding", "give wv.vectors to keras.layers.Embedding as weights")
    similarity_unseen_docs = missing_method("similarity_unseen_docs", "it is doc2vec's, which lexigrad does not train")
    similarity_matrix = missing_method("similarity_matrix", "compute it: wv.get_normed_vectors() @ its transpose")
    add_lifecycle_event = missing_method("add_lifecycle_event", NO_EVENTS)
    lifecycle_events = missing_attribute("lifecycle_events", NO_EVENTS)

    def add(self: Any, entities: Any, weights: Any, replace: bool = False) -> None:
        """Gensim 3's name of `add_vectors`."""
        deprecated("wv.add", "wv.add_vectors")
        self.add_vectors(entities, weights, replace=replace)

    def accuracy(self: Any, questions: Any, restrict_vocab: int = 30_000, case_insensitive: bool = True) -> Any:
        """Gensim 3's evaluation by analogies: the second value of `evaluate_word_analogies`."""
        deprecated("wv.accuracy", "wv.evaluate_word_analogies")
        return self.evaluate_word_analogies(questions, restrict_vocab, case_insensitive)[1]

    def init_sims(self: Any, replace: bool = False) -> None:
        """Gensim 3's preparation of searches, which is not needed; with ``replace`` all vectors get length 1."""
        deprecated("init_sims", "fill_norms, or with replace=True unit_normalize_all")
        if replace:
            self.unit_normalize_all()
        self.fill_norms()

    def clear_sims(self: Any) -> None:
        """Gensim 3's word for forgetting lengths after vectors have been changed."""
        deprecated("wv.clear_sims", "wv.fill_norms(force=True)")
        _set_vectors(self, self.vectors)


def _moved(name: str) -> Any:
    """A method of gensim 3's model that is now one of its vectors."""
    return renamed_method(f"model.{name}", f"model.wv.{name}", f"wv.{name}")


class OldModelNames:
    """Old names of Word2Vec: those that are now on ``model.wv``, and those that gensim 4 dropped."""

    def __getitem__(self: Any, words: Any) -> Any:
        deprecated("model[word]", "model.wv[word]")
        return self.wv[words]

    def __contains__(self: Any, word: Any) -> bool:
        deprecated("word in model", "word in model.wv")
        return word in self.wv

    most_similar = _moved("most_similar")
    most_similar_cosmul = _moved("most_similar_cosmul")
    similar_by_word = _moved("similar_by_word")
    similar_by_vector = _moved("similar_by_vector")
    similarity = _moved("similarity")
    n_similarity = _moved("n_similarity")
    doesnt_match = _moved("doesnt_match")
    wmdistance = _moved("wmdistance")
    evaluate_word_pairs = _moved("evaluate_word_pairs")
    evaluate_word_analogies = _moved("evaluate_word_analogies")
    save_word2vec_format = _moved("save_word2vec_format")
    intersect_word2vec_format = _moved("intersect_word2vec_format")
    init_sims = renamed_method("model.init_sims", "model.wv.fill_norms", "wv.init_sims")
    clear_sims = renamed_method("model.clear_sims", "model.wv.fill_norms(force=True)", "wv.clear_sims")
    accuracy = renamed_method("model.accuracy", "model.wv.evaluate_word_analogies", "wv.accuracy")

    iter = renamed_attribute(
        "model.iter", "model.epochs", lambda model: model.epochs, lambda model, epochs: setattr(model, "epochs", epochs)
    )
    syn0 = renamed_attribute(
        "model.syn0", "model.wv.vectors", lambda model: model.wv.vectors, lambda model, to: _set_vectors(model.wv, to)
    )
    syn0norm = renamed_attribute(
        "model.syn0norm", "model.wv.get_normed_vectors()", lambda model: model.wv.get_normed_vectors()
    )
    vocab = renamed_attribute("model.vocab", "model.wv.key_to_index", lambda model: VocabView(model.wv))
    index2word = renamed_attribute("model.index2word", "model.wv.index_to_key", lambda model: model.wv.index_to_key)
    vocabulary = renamed_attribute("model.vocabulary", "model", lambda model: model)
    trainables = renamed_attribute("model.trainables", "model", lambda model: model)

    syn1 = missing_attribute("syn1", NO_TREE)
    create_binary_tree = missing_method("create_binary_tree", NO_TREE)
    score = missing_method("score", "it needs hierarchical softmax; lexigrad.held_out_loss measures a model on text")
    add_null_word = missing_method("add_null_word", "it is for doc2vec; train without null_word")
    make_cum_table = missing_method("make_cum_table", "cum_table follows from the counts whenever it is read")
    seeded_vector = missing_method("seeded_vector", "draw from numpy.random.default_rng(seed)")
    random = missing_attribute("random", "draws follow from the seed and the place in the text; they have no state")
    add_lifecycle_event = missing_method("add_lifecycle_event", NO_EVENTS)
    lifecycle_events = missing_attribute("lifecycle_events", NO_EVENTS)
    delete_temporary_training_data = missing_method(
        "delete_temporary_training_data", "keep model.wv and let the model go"
    )
    load_word2vec_format = missing_method("Word2Vec.load_word2vec_format", "write KeyedVectors.load_word2vec_format")

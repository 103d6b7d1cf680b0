"""The files of gensim's names: what is saved comes back, what gensim saved is read, what is damaged is refused."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import lexigrad
from lexigrad.compat.gensim import KeyedVectors, NotKeptError, Word2Vec, WrongKindError
from lexigrad.files.tensors import read_native, write_native
from lexigrad.vectors.formats.safetensors import vectors_to_tensors

if TYPE_CHECKING:
    from pathlib import Path

TEXT = [["the", "cat", "sat", "on", "the", "mat"], ["the", "dog", "sat", "on", "the", "rug"]] * 30
NEW_TEXT = [["the", "bird", "sang"], ["a", "bird", "sat"]] * 10
SMALL: dict[str, Any] = {"vector_size": 8, "min_count": 1, "epochs": 2, "workers": 1}


def small(**options: Any) -> Word2Vec:
    return Word2Vec(TEXT, **{**SMALL, **options})


def assert_same(first: Word2Vec, second: Word2Vec) -> None:
    assert_array_equal(first.wv.vectors, second.wv.vectors)
    assert_array_equal(first.syn1neg, second.syn1neg)
    assert first.wv.index_to_key == second.wv.index_to_key
    assert_array_equal(first.wv.expandos["count"], second.wv.expandos["count"])
    assert (first.epochs, first.alpha, first.history) == (second.epochs, second.alpha, second.history)


def test_a_model_comes_back_from_its_file_and_goes_on(tmp_path: Path) -> None:
    model = Word2Vec(**SMALL, comment="mine", compute_loss=True)
    model.build_vocab(TEXT, keep_raw_vocab=True)
    model.train(TEXT, total_examples=60, epochs=2, compute_loss=True)
    model.save(tmp_path / "model")
    back = Word2Vec.load(tmp_path / "model")
    assert_same(model, back)
    assert (back.comment, back.raw_vocab) == ("mine", model.raw_vocab)
    for one in (model, back):
        one.build_vocab(NEW_TEXT, update=True)
        one.train(NEW_TEXT, total_examples=20, epochs=1)
    assert_same(model, back)


def test_the_same_training_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        small().save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_mapped_model_is_read_only_and_can_be_trained(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path / "model", sep_limit=0)
    back = Word2Vec.load(tmp_path / "model", mmap="r")
    assert not back.wv.vectors.flags.writeable
    back.train(TEXT, total_examples=60, epochs=1)
    assert not np.array_equal(back.wv.vectors, model.wv.vectors)
    with pytest.raises(NotKeptError, match="mmap='r'"):
        Word2Vec.load(tmp_path / "model", mmap="r+")


def test_lexigrad_reads_the_shims_files_and_the_shim_lexigrads(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path / "model")
    assert_array_equal(lexigrad.load_vectors(tmp_path / "model")["cat"], model.wv["cat"])
    model.to_lexigrad().save(tmp_path / "ours")
    back = Word2Vec.load(tmp_path / "ours")
    assert_array_equal(back.wv["cat"], model.wv["cat"])
    assert back.vector_size == 8
    assert_array_equal(KeyedVectors.load(tmp_path / "ours")["cat"], model.wv["cat"])


def test_a_file_of_vectors_is_no_model(tmp_path: Path) -> None:
    small().wv.save(tmp_path / "vectors")
    with pytest.raises(WrongKindError, match="KeyedVectors"):
        Word2Vec.load(tmp_path / "vectors")
    assert issubclass(WrongKindError, AttributeError)


def test_vectors_come_back_with_all_their_attributes_and_odd_keys(tmp_path: Path) -> None:
    wv = KeyedVectors(2, dtype=np.float16)
    wv.add_vectors(["a", 7], [[1, 2], [3, 4]])
    wv.set_vecattr("a", "name", "first")
    wv.set_vecattr(7, "weight", 0.5)
    wv.save(tmp_path / "vectors")
    back = KeyedVectors.load(tmp_path / "vectors")
    assert back.index_to_key == ["a", 7]
    assert (back.get_vecattr("a", "name"), back.get_vecattr(7, "weight")) == ("first", 0.5)
    assert back.vectors.dtype == np.float16
    assert_array_equal(back[7], [3, 4])
    with pytest.raises(lexigrad.InputError, match="7"):
        back.to_lexigrad()


def test_what_a_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    wv = KeyedVectors(2)
    wv.add_vectors(["a"], [[1, 2]])
    wv.set_vecattr("a", "thing", {1, 2})
    with pytest.raises(NotKeptError, match="numbers and strings"):
        wv.save(tmp_path / "vectors")
    wide = KeyedVectors(2, count=1, dtype=np.float64)
    with pytest.raises(NotKeptError, match="float64"):
        wide.save(tmp_path / "vectors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("state", [b"[", b"[]", b'{"attributes": {"a": 3}}', b'{"keys": [1]}', b'{"dtype": "no"}'])
def test_a_damaged_state_is_a_format_error(tmp_path: Path, state: bytes) -> None:
    vectors = lexigrad.KeyedVectors(["a", "b"], [[1, 2], [3, 4]])
    tensors = vectors_to_tensors(vectors) | {"gensim": np.frombuffer(state, dtype=np.uint8)}
    write_native(tmp_path / "bad", tensors, {"format": "lexigrad", "version": "1"})
    with pytest.raises(lexigrad.FormatError, match="bad"):
        KeyedVectors.load(tmp_path / "bad")


def damaged(path: Path, **changes: Any) -> Path:
    """A model's file with some of its state changed."""
    model = small()
    model.save(path)
    tensors, metadata = read_native(path)
    state = {**json.loads(tensors["gensim"].tobytes()), **changes}
    held = {**tensors, "gensim": np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)}
    bad = path.with_suffix(".bad")
    write_native(bad, held, metadata)
    return bad


@pytest.mark.parametrize(
    "changes",
    [
        {"alpha": "fast"},
        {"window": [5]},
        {"history": 5},
        {"raw_vocab": [["a"]]},
        {"dtype": "float64"},
        {"keys": [[1], [2], [3], [4], [5], [6], [7]]},
        {"attributes": {"weight": {"dtype": "S999999999", "values": 7 * ["a"]}}},
        {"attributes": {"weight": {"dtype": "int8", "values": 7 * [10**30]}}},
        {"attributes": {"weight": {"dtype": "int8", "values": [1]}}},
    ],
)
def test_a_damaged_model_is_a_format_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(lexigrad.FormatError, match=r"model\.bad"):
        Word2Vec.load(damaged(tmp_path / "model", **changes))


def test_an_undamaged_state_is_read(tmp_path: Path) -> None:
    assert Word2Vec.load(damaged(tmp_path / "model", comment="changed")).comment == "changed"


def test_numpys_numbers_are_saved(tmp_path: Path) -> None:
    model = small()
    model.alpha = np.float32(0.5)  # type: ignore[assignment]
    model.save(tmp_path / "model")
    assert Word2Vec.load(tmp_path / "model").alpha == 0.5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_gensim_saved_is_loaded_and_goes_on(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    theirs = gensim.Word2Vec(TEXT, vector_size=8, min_count=1, epochs=1, workers=1, window=3, sg=1)
    theirs.save(str(tmp_path / "model"))
    theirs.wv.save(str(tmp_path / "vectors"))
    model = Word2Vec.load(tmp_path / "model")
    assert (model.window, model.sg, model.corpus_count) == (3, 1, 60)
    assert model.wv.index_to_key == theirs.wv.index_to_key
    assert_array_equal(model.syn1neg, theirs.syn1neg)
    assert model.wv.get_vecattr("the", "count") == 120
    assert model.train(TEXT, total_examples=60, epochs=1)[1] == 360
    assert not np.array_equal(model.wv.vectors, theirs.wv.vectors)
    assert_array_equal(KeyedVectors.load(tmp_path / "vectors").vectors, theirs.wv.vectors)
    assert_array_equal(KeyedVectors.load(tmp_path / "model").vectors, theirs.wv.vectors)
    with pytest.raises(WrongKindError, match="KeyedVectors"):
        Word2Vec.load(tmp_path / "vectors")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_of_hierarchical_softmax_is_loaded_for_its_vectors_only(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    theirs = gensim.Word2Vec(TEXT, vector_size=8, min_count=1, epochs=1, workers=1, hs=1, negative=0)
    theirs.save(str(tmp_path / "model"))
    model = Word2Vec.load(tmp_path / "model")
    assert_array_equal(model.wv.vectors, theirs.wv.vectors)
    with pytest.raises(NotKeptError, match="hs=1"):
        model.train(TEXT, total_examples=60, epochs=1)


def test_models_are_copied_and_pickled_by_their_plain_state() -> None:
    model = small()
    model.wv.fill_norms()
    assert_same(model, copy.deepcopy(model))
    assert_same(model, pickle.loads(pickle.dumps(model)))

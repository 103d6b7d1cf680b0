from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.numpy

from lexigrad.config import TrainConfig
from lexigrad.corpus.vocabulary import Vocabulary
from lexigrad.errors import FormatError, InputError
from lexigrad.files.tensors import read_native, write_native
from lexigrad.training.model import Word2Vec
from lexigrad.vectors.formats import load_vectors, save_vectors

if TYPE_CHECKING:
    from pathlib import Path


def made(**options: Any) -> Word2Vec:
    """A small model whose V is a padded view, as training leaves it."""
    vocabulary = Vocabulary(["the", "été", "new york"], [7, 5, 5])
    random = np.random.default_rng(2)
    table = random.standard_normal((3, 16)).astype(np.float32)
    outside = random.standard_normal((3, 10)).astype(np.float32)
    config = TrainConfig(dim=10, **options)
    return Word2Vec(table[:, :10], outside, vocabulary, config, [{"epoch": 1, "loss": 0.5}])


def test_a_model_is_saved_and_loaded_whole(tmp_path: Path) -> None:
    model = made(model="cbow", seed=7, threads=2)
    model.save(tmp_path / "model")
    found = Word2Vec.load(tmp_path / "model")
    assert found.V.tobytes() == model.V.tobytes()
    assert found.U.tobytes() == model.U.tobytes()
    assert found.vocabulary == model.vocabulary
    assert found.config == model.config
    assert found.history == model.history


def test_the_vectors_are_the_rows_of_v_with_the_counts() -> None:
    model = made()
    assert model.vectors is model.vectors
    assert np.shares_memory(model.vectors.matrix, model.V)
    assert model.vectors["été"].tolist() == model.V[1].tolist()
    assert model.vectors.counts is not None
    assert model.vectors.counts.tolist() == [7, 5, 5]


def test_a_model_file_is_also_a_file_of_vectors_for_us_and_for_safetensors(tmp_path: Path) -> None:
    model = made()
    model.save(tmp_path / "model")
    assert load_vectors(tmp_path / "model").words == model.vocabulary.words
    tensors = safetensors.numpy.load_file(tmp_path / "model")
    assert sorted(tensors) == ["U", "V", "counts", "word_ends", "words"]
    assert tensors["V"].tobytes() == model.V.tobytes()


def test_the_same_model_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    made().save(tmp_path / "model")
    made().save(tmp_path / "elsewhere" / "other")
    assert (tmp_path / "model").read_bytes() == (tmp_path / "elsewhere" / "other").read_bytes()


def test_a_tokenizer_function_is_saved_by_its_name(tmp_path: Path) -> None:
    made(tokens=str.split).save(tmp_path / "model")
    _, metadata = read_native(tmp_path / "model")
    assert json.loads(metadata["config"])["tokens"] == "callable:str.split"
    assert Word2Vec.load(tmp_path / "model").config.tokens == "whitespace"


def test_a_file_of_vectors_is_no_model(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", made().vectors, "native")
    with pytest.raises(FormatError, match="word vectors, not a whole model; read it with load_vectors"):
        Word2Vec.load(tmp_path / "v")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("config", "{", "config in its metadata is not JSON"),
        ("config", "[" * 100_000, "config in its metadata is not JSON"),
        ("config", "[]", "config in its metadata must be a JSON dict"),
        ("config", '{"dim": 10, "colour": "red"}', "unknown option 'colour'"),
        ("config", '{"dim": 11}', r"V must be float32 of shape \(3, 11\)"),
        ("config", '{"dim": "many"}', "dim must be a whole number"),
        ("history", "{}", "history in its metadata must be a JSON list"),
    ],
)
def test_a_damaged_config_or_history_is_refused(tmp_path: Path, name: str, value: str, message: str) -> None:
    made().save(tmp_path / "model")
    tensors, metadata = read_native(tmp_path / "model")
    write_native(tmp_path / "damaged", tensors, {**metadata, name: value})
    with pytest.raises(FormatError, match=message):
        Word2Vec.load(tmp_path / "damaged")


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("U", np.ones((2, 10), dtype=np.float32), r"U must be float32 of shape \(3, 10\)"),
        ("U", np.ones((3, 10)), "not float64"),
        ("counts", np.array([5, 7, 5]), "fall"),
        ("counts", np.array([5, 5, -5]), "-5"),
        ("counts", np.array([7, 5]), "counts"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, name: str, tensor: np.ndarray, message: str) -> None:
    made().save(tmp_path / "model")
    tensors, metadata = read_native(tmp_path / "model")
    write_native(tmp_path / "damaged", {**tensors, name: tensor}, metadata)
    with pytest.raises(FormatError, match=message):
        Word2Vec.load(tmp_path / "damaged")


def test_tables_of_another_shape_or_type_make_no_model() -> None:
    model = made()
    with pytest.raises(InputError, match="V must be float32"):
        Word2Vec(model.V[:2], model.U, model.vocabulary, model.config)
    with pytest.raises(InputError, match="U must be float32"):
        Word2Vec(model.V, model.U.astype(np.float64), model.vocabulary, model.config)  # type: ignore[arg-type]


def test_a_history_that_json_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    model = made()
    model.history.append({"when": object()})
    with pytest.raises(InputError, match="history cannot be saved"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []

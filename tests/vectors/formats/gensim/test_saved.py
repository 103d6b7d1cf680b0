"""Files that gensim saved are read as gensim itself reads them."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fuzz.gensimpickles import Stand, gensim_3_model, gensim_4_vectors, pickled
from gensim.models import FastText
from gensim.models import KeyedVectors as GensimVectors
from gensim.models import Word2Vec as GensimModel
from numpy.testing import assert_array_equal

from lexigrad import KeyedVectors, load_vectors, save_vectors
from lexigrad.cli.main import main
from lexigrad.errors import FormatError
from lexigrad.vectors.formats import read_gensim, sniff
from lexigrad.vectors.formats.gensim.npy import read_npy

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [["the", "cat", "sat"], ["the", "été", "new york"], ["the", "cat"]] * 4
WORDS = ["the", "cat", "été"]
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4) - 5


def trained(**options: Any) -> GensimModel:
    return GensimModel(SENTENCES, vector_size=6, min_count=1, workers=1, seed=3, window=4, **options)


@pytest.fixture(scope="module")
def model() -> GensimModel:
    return trained()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("options", [{}, {"sep_limit": 0}, {"separately": ["syn1neg"]}])
def test_a_model_that_gensim_saved_has_its_vectors_counts_and_options(
    tmp_path: Path, model: GensimModel, options: dict[str, Any], protocol: int
) -> None:
    model.save(str(tmp_path / "model"), pickle_protocol=protocol, **options)
    assert (tmp_path / "model.syn1neg.npy").exists() == bool(options)
    assert sniff(tmp_path / "model") == "gensim"
    read = read_gensim(tmp_path / "model")
    assert (read.kind, read.vectors.words) == ("Word2Vec", model.wv.index_to_key)
    assert_array_equal(read.vectors.matrix, model.wv.vectors)
    assert_array_equal(read.U, model.syn1neg)
    assert_array_equal(read.vectors.counts, [model.wv.get_vecattr(word, "count") for word in read.vectors.words])
    expected = {name: getattr(model, name) for name in read.options}
    assert read.options == expected
    assert {name: read.options[name] for name in ("window", "epochs", "negative", "sg", "seed", "max_vocab_size")} == {
        "window": 4, "epochs": 5, "negative": 5, "sg": 0, "seed": 3, "max_vocab_size": None,
    }  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"sep_limit": 0}])
def test_vectors_that_gensim_saved_are_loaded(tmp_path: Path, model: GensimModel, options: dict[str, int]) -> None:
    model.wv.save(str(tmp_path / "vectors.kv"), **options)
    vectors = load_vectors(tmp_path / "vectors.kv")
    assert vectors.words == model.wv.index_to_key
    assert_array_equal(vectors.matrix, model.wv.vectors)
    assert vectors.counts is not None
    assert read_gensim(tmp_path / "vectors.kv").U is None
    for word, cosine in model.wv.most_similar("cat", topn=3):
        assert dict(vectors.most_similar("cat"))[word] == pytest.approx(cosine, abs=1e-6)


def test_a_model_without_negative_sampling_has_no_outside_table(tmp_path: Path) -> None:
    trained(hs=1, negative=0).save(str(tmp_path / "model"))
    read = read_gensim(tmp_path / "model")
    assert read.U is None
    assert read.options["hs"] == 1


def test_vectors_without_counts_have_none(tmp_path: Path) -> None:
    theirs = GensimVectors(4)
    theirs.add_vectors(WORDS, MATRIX)
    theirs.save(str(tmp_path / "v"))
    vectors = load_vectors(tmp_path / "v")
    assert vectors.counts is None
    assert_array_equal(vectors.matrix, MATRIX)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_numbers_of_any_size_and_order_are_read(tmp_path: Path, dtype: str, protocol: int) -> None:
    (tmp_path / "v").write_bytes(pickled(gensim_4_vectors(WORDS, MATRIX.astype(dtype)), protocol))
    assert_array_equal(load_vectors(tmp_path / "v").matrix, MATRIX)
    (tmp_path / "v").write_bytes(pickled(gensim_4_vectors(WORDS, np.asfortranarray(MATRIX.astype(dtype))), protocol))
    assert_array_equal(load_vectors(tmp_path / "v").matrix, MATRIX)


@pytest.mark.parametrize("by_columns", [False, True])
def test_arrays_beside_a_file_are_mapped_and_read_by_rows(tmp_path: Path, by_columns: bool) -> None:
    stored = gensim_4_vectors(WORDS, MATRIX, vectors=None, __numpys=["vectors"])
    (tmp_path / "v").write_bytes(pickled(stored))
    np.save(tmp_path / "v.vectors.npy", np.asfortranarray(MATRIX) if by_columns else MATRIX)
    vectors = load_vectors(tmp_path / "v")
    assert_array_equal(vectors.matrix, MATRIX)
    assert not vectors.matrix.flags.writeable


def test_a_model_of_gensim_3_is_read(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(pickled(gensim_3_model(WORDS, MATRIX, [9, 5, 2])))
    read = read_gensim(tmp_path / "model")
    assert read.vectors.words == WORDS
    assert read.vectors.counts is not None
    assert read.vectors.counts.tolist() == [9, 5, 2]
    assert_array_equal(read.vectors.matrix, MATRIX)
    assert_array_equal(read.U, 2 * MATRIX)
    assert read.options == {
        "alpha": 0.025, "epochs": 7, "max_vocab_size": None, "min_count": 5, "negative": 5, "null_word": 0,
        "sample": 0.001, "seed": 1, "sg": 1, "sorted_vocab": True, "vector_size": 4, "window": 4,
    }  # fmt: skip


def test_gensim_reads_the_stand_in_of_gensim_3_as_a_model_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(pickled(gensim_3_model(WORDS, MATRIX, [9, 5, 2])))
    theirs = GensimModel.load(str(tmp_path / "model"))
    assert theirs.wv.index_to_key == WORDS
    assert theirs.wv.get_vecattr("cat", "count") == 5
    assert_array_equal(theirs.syn1neg, 2 * MATRIX)


def test_a_model_from_before_gensim_1_held_its_words_itself(tmp_path: Path) -> None:
    vocab = {word: Stand("gensim.models.word2vec.Vocab", count=7, index=index) for index, word in enumerate(WORDS)}
    model = Stand(
        "gensim.models.word2vec.Word2Vec", syn0=MATRIX, syn1neg=-MATRIX, index2word=WORDS, vocab=vocab, layer1_size=4
    )
    (tmp_path / "model").write_bytes(pickled(model))
    read = read_gensim(tmp_path / "model")
    assert_array_equal(read.vectors.matrix, MATRIX)
    assert_array_equal(read.U, -MATRIX)
    assert read.options == {"vector_size": 4}


def test_numbers_that_are_numpys_are_read_as_plain_ones(tmp_path: Path) -> None:
    vocab = {word: Stand("gensim.models.word2vec.Vocab", count=np.int64(7 + index)) for index, word in enumerate(WORDS)}
    numbers = {"layer1_size": np.int32(4), "alpha": np.float64(0.5)}
    model = Stand("gensim.models.word2vec.Word2Vec", syn0=MATRIX, index2word=WORDS, vocab=vocab, **numbers)
    (tmp_path / "model").write_bytes(pickled(model))
    read = read_gensim(tmp_path / "model")
    assert read.vectors.counts is not None
    assert read.vectors.counts.tolist() == [7, 8, 9]
    assert read.options == {"alpha": 0.5, "vector_size": 4}


def test_an_array_of_no_rows_has_its_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((0, 4), np.float32))
    assert read_npy(tmp_path / "empty.npy").shape == (0, 4)


def test_strings_and_bytes_of_python_2_are_read_as_latin_1(tmp_path: Path) -> None:
    content = pickled(gensim_4_vectors(["the"], MATRIX[:1], index_to_key="WORDS"))
    content = content.replace(b"X\5\0\0\0WORDS", b"]U\3the" + b"a")
    (tmp_path / "v").write_bytes(content)
    assert load_vectors(tmp_path / "v").words == ["the"]


def test_a_packed_model_is_read_when_nothing_lies_beside_it(tmp_path: Path, model: GensimModel) -> None:
    model.save(str(tmp_path / "model.gz"))
    assert_array_equal(load_vectors(tmp_path / "model.gz").matrix, model.wv.vectors)
    model.save(str(tmp_path / "apart.gz"), sep_limit=0)
    with pytest.raises(FormatError, match="packed arrays beside it; load it in gensim"):
        load_vectors(tmp_path / "apart.gz")
    (tmp_path / "v.gz").write_bytes(gzip.compress(pickled(gensim_4_vectors(WORDS, MATRIX))))
    assert_array_equal(load_vectors(tmp_path / "v.gz").matrix, MATRIX)


def test_convert_writes_a_models_vectors_and_counts(tmp_path: Path, model: GensimModel) -> None:
    model.save(str(tmp_path / "old.model"), sep_limit=0)
    main(["convert", str(tmp_path / "old.model"), str(tmp_path / "new.safetensors")], standalone_mode=False)
    written, read = load_vectors(tmp_path / "new.safetensors"), load_vectors(tmp_path / "old.model")
    assert written.words == read.words
    assert_array_equal(written.matrix, model.wv.vectors)
    assert_array_equal(written.counts, read.counts)


def test_an_array_that_was_left_behind_is_asked_for(tmp_path: Path, model: GensimModel) -> None:
    model.save(str(tmp_path / "model"), sep_limit=0)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "model", tmp_path / "elsewhere")
    with pytest.raises(FormatError, match=r"in model\.wv\.vectors\.npy, which is not beside it; copy it there"):
        load_vectors(tmp_path / "elsewhere" / "model")


def test_other_models_of_gensims_are_refused_with_what_to_do(tmp_path: Path) -> None:
    FastText(SENTENCES, vector_size=4, min_count=1, workers=1, bucket=10).save(str(tmp_path / "fasttext"))
    with pytest.raises(FormatError, match=r"FastText; load it in gensim and write it with .*save_facebook_model"):
        load_vectors(tmp_path / "fasttext")
    (tmp_path / "lda").write_bytes(pickled(Stand("gensim.models.ldamodel.LdaModel", eta=1)))
    with pytest.raises(FormatError, match="'LdaModel', which has no vectors of words"):
        load_vectors(tmp_path / "lda")


def test_a_pickle_of_something_else_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(pickled({"the": [1, 2]}))
    with pytest.raises(FormatError, match="is a pickle of no class of gensim's, and no pickle is ever loaded"):
        load_vectors(tmp_path / "v")


def test_keys_that_are_no_strings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(pickled(gensim_4_vectors([5, 6], MATRIX[:2])))
    with pytest.raises(FormatError, match="key 0 is 5, where words are strings"):
        load_vectors(tmp_path / "v")


def test_a_model_that_was_not_trained_has_no_vectors(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(pickled(gensim_4_vectors(WORDS, MATRIX, vectors=None)))
    with pytest.raises(FormatError, match="holds no vectors"):
        load_vectors(tmp_path / "v")


def test_a_native_file_whose_header_begins_as_a_pickle_does_is_native(tmp_path: Path) -> None:
    """A header of 640 bytes: its length is written as 80 02, the beginning of a pickle of protocol 2."""
    save_vectors(tmp_path / "v.safetensors", KeyedVectors(WORDS, MATRIX))
    content = (tmp_path / "v.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    padded = content[8 : 8 + length].ljust(640)
    (tmp_path / "v.safetensors").write_bytes((640).to_bytes(8, "little") + padded + content[8 + length :])
    assert (tmp_path / "v.safetensors").read_bytes()[:2] == b"\x80\x02"
    assert_array_equal(load_vectors(tmp_path / "v.safetensors").matrix, MATRIX)

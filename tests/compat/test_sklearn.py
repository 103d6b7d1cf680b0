"""Word2VecVectorizer keeps scikit-learn's contract, trains as `train` does, and its pickled state is checked."""

from __future__ import annotations

import copy
import io
import pickle
import re
import subprocess
import sys
import warnings
from dataclasses import fields
from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("sklearn", reason="needs the extra sklearn")

import joblib
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils.estimator_checks import check_estimator, check_methods_subset_invariance, estimator_checks_generator
from sklearn_checks import ANSWERED_BY_THE_ADAPTER, FURTHER_CHECKS, NOT_RUN, RowsAsDocuments, estimators, further_check

from lexigrad import reference
from lexigrad.compat.sklearn import Word2VecVectorizer, training_threads
from lexigrad.config import TrainConfig
from lexigrad.errors import ConfigError, FormatError, InputError, LexigradError
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.training.train import train

RNG = np.random.default_rng(1)
GOOD, BAD, FILLERS = ["superb", "fun", "fine"], ["awful", "dull", "weak"], ["the", "film", "is", "and", "a"]
LABELS = [0, 1] * 60
DOCUMENTS = [
    " ".join(RNG.permutation([*RNG.choice(FILLERS, 3), *RNG.choice((BAD, GOOD)[label], 2)])) for label in LABELS
]
SMALL = {"dim": 6, "min_count": 1, "epochs": 3, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def fitted() -> Word2VecVectorizer:
    return Word2VecVectorizer(weighting="sif", **SMALL).fit(DOCUMENTS)


def as_tokens(documents):
    return [document.split() for document in documents]


# -------------------- scikit-learn's checks


def test_what_scikit_learn_checks_of_an_estimator_for_text_passes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it checks little
        results = check_estimator(Word2VecVectorizer(), on_fail=None)
    assert {result["status"] for result in results} == {"passed"}


@pytest.mark.parametrize(
    ("estimator", "check"),
    list(estimator_checks_generator(estimators()[2])),
    ids=lambda given: found[0] if (found := re.search(r"check_\w+", repr(given))) else "sif",
)
def test_what_it_checks_of_an_estimator_for_numbers_passes_with_rows_as_documents(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings(
    "ignore:X (has|does not have valid) feature names"
)  # the checks give frames and arrays in turn
@pytest.mark.parametrize("name", FURTHER_CHECKS)
def test_what_it_checks_of_its_own_transformers_passes(name):
    further_check(name)(estimators()[1])


def test_a_check_fails_where_a_document_s_vector_depends_on_the_others():
    class Centered(RowsAsDocuments):
        def transform(self, X):
            features = super().transform(X)
            return features - features.mean(axis=0)

    with pytest.raises(AssertionError, match="mismatch"):
        check_methods_subset_invariance("Centered", Centered(**SMALL))


def test_the_lists_name_checks_that_there_are():
    from sklearn.utils import estimator_checks

    assert [name for name in (*ANSWERED_BY_THE_ADAPTER, *NOT_RUN) if not hasattr(estimator_checks, name)] == []


# -------------------- training and transforming


def test_the_vectors_are_those_of_train_with_the_same_options():
    model = train(as_tokens(DOCUMENTS), TrainConfig(seed=3, threads=1, **SMALL))
    vectorizer = Word2VecVectorizer(random_state=3, **SMALL).fit(DOCUMENTS)
    assert_array_equal(vectorizer.vectors_.matrix, model.V)
    assert vectorizer.vocabulary_ == model.vocabulary.word_ids
    assert vectorizer.history_ == model.history


def test_every_option_has_the_name_and_the_default_of_train_config():
    defaults = {option.name: option.default for option in fields(TrainConfig)}
    ours = {name: parameter.default for name, parameter in signature(Word2VecVectorizer).parameters.items()}
    own = {"weighting", "smoothing", "random_state", "n_jobs"}
    assert {name: ours[name] for name in ours.keys() - own} == {name: defaults[name] for name in ours.keys() - own}
    assert (ours["random_state"], ours["n_jobs"]) == (defaults["seed"], defaults["threads"])


@pytest.mark.parametrize("weighting", ["mean", "sif"])
def test_a_document_is_the_mean_or_sif_vector_of_the_reference(weighting):
    vectorizer = Word2VecVectorizer(weighting=weighting, **SMALL).fit(DOCUMENTS)
    ids = [[vectorizer.vocabulary_[word] for word in document.split()] for document in DOCUMENTS]
    counts = vectorizer.vectors_.counts
    a = 1e-3 if weighting == "sif" else 1e15
    means = reference.sif_means(vectorizer.vectors_.matrix, ids, counts / counts.sum(), a)
    if weighting == "sif":
        means = reference.without_component(means, reference.common_component(means))
    features = vectorizer.transform(DOCUMENTS)
    assert features.dtype == np.float32
    assert_allclose(features, means, rtol=1e-4, atol=1e-7)


def test_what_is_not_known_is_left_out_and_counted(fitted):
    assert_array_equal(fitted.transform(["unheard of", "", "the"])[:2], np.zeros((2, 6)))
    coverage = fitted.coverage(["the film unheard", ["unheard"]])
    assert (coverage.share, coverage.sentences_without_vectors, coverage.unknown) == (0.5, 1, {"unheard": 2})


@pytest.mark.parametrize(
    ("options", "given", "tokens"),
    [
        ({}, "The film.\nIs fun", ["The", "film.", "Is", "fun"]),
        ({"lowercase": True}, "The film.\nIs fun", ["the", "film.", "is", "fun"]),
        ({"tokens": "words"}, "The film.\nIs fun", ["The", "film", "Is", "fun"]),
        ({"tokens": "words", "lowercase": True}, "The ﬁlm.\nİs fun", [*"The ﬁlm".lower().split(), "i", "s", "fun"]),
        ({"tokens": lambda line: line.split("i")}, "a film\nis", ["a f", "lm", "s"]),
    ],
)
def test_strings_are_cut_in_transform_as_in_training(options, given, tokens):
    vectorizer = Word2VecVectorizer(**SMALL | options).fit([given.replace("\nis", "\nxis")] * 2 + [tokens])
    assert vectorizer.coverage([given]).tokens == len([token for token in tokens if token]) + given.endswith("\nis")
    assert set(tokens) <= set(vectorizer.vocabulary_)
    assert_array_equal(*vectorizer.transform([given, tokens]))


def test_a_way_of_cutting_that_there_is_not_is_refused_after_fit_as_well(fitted):
    with pytest.raises(ConfigError, match="tokens must be one of whitespace, words, not 'word'"):
        copy.deepcopy(fitted).set_params(tokens="word").transform(DOCUMENTS)


def test_strings_that_name_files_are_documents_all_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("secret words of a file", encoding="utf-8")
    vectorizer = Word2VecVectorizer(**SMALL).fit(["text", "-", "text"])
    assert vectorizer.vocabulary_ == {"text": 0, "-": 1}


def test_pandas_and_polars_columns_and_generators_are_documents(fitted):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = fitted.transform(DOCUMENTS)
    column = pandas.Series(DOCUMENTS, index=range(100, 220))
    for given in (column, polars.Series(DOCUMENTS), np.array(DOCUMENTS), as_tokens(DOCUMENTS)):
        assert_array_equal(clone(fitted).fit(given).transform(given), expected)
    assert_array_equal(clone(fitted).fit_transform(iter(DOCUMENTS)), expected)
    table = clone(fitted).set_output(transform="pandas").fit_transform(column)
    assert table.index.tolist() == list(range(100, 220))
    assert table.columns.tolist() == [f"word2vecvectorizer{place}" for place in range(6)]
    assert clone(fitted).set_output(transform="polars").fit_transform(DOCUMENTS).shape == (120, 6)


def test_lists_of_ids_are_documents_whose_words_are_digits():
    baskets = [RNG.integers(0, 9, 5).tolist() for _ in range(30)]
    vectorizer = Word2VecVectorizer(weighting="sif", **SMALL).fit(baskets)
    assert set(vectorizer.vocabulary_) == set("012345678")
    digits = [list(map(str, basket)) for basket in baskets]
    assert_array_equal(vectorizer.transform(map(np.array, baskets)), vectorizer.transform(digits))


def test_the_random_state_may_be_a_number_a_generator_or_none():
    def matrix(random_state):
        return Word2VecVectorizer(random_state=random_state, **SMALL).fit(DOCUMENTS).vectors_.matrix

    assert_array_equal(matrix(7), matrix(np.int64(7)))
    assert_array_equal(matrix(np.random.RandomState(7)), matrix(np.random.RandomState(7)))
    shared = np.random.RandomState(7)
    assert (matrix(shared) != matrix(shared)).any()
    assert (matrix(None) != matrix(None)).any()


BAD_DOCUMENTS = {
    "X must be several documents, each a string or a list of tokens, not str": "a film",
    "X must be several documents, each a string or a list of tokens, not int": 3,
    "X must be one column of documents, not a table of shape (2, 3); give that column": np.zeros((2, 3)),
    "sentence 2 is of type float; give a string or a list of tokens": ["a film", float("nan")],
    "sentence 2 is of type bytes": ["a film", b"a film"],
}


@pytest.mark.parametrize("sentence", BAD_DOCUMENTS)
def test_what_is_no_list_of_documents_is_refused_by_every_method(fitted, sentence):
    for method in (fitted.transform, fitted.coverage, Word2VecVectorizer(**SMALL).fit):
        with pytest.raises(InputError) as raised:
            method(BAD_DOCUMENTS[sentence])
        assert sentence in str(raised.value)


def test_tables_are_refused_whose_iteration_gives_the_names_of_their_columns():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for table in (pandas.DataFrame({"text": DOCUMENTS}), polars.DataFrame({"text": DOCUMENTS})):
        with pytest.raises(InputError, match=r"not a table of shape \(120, 1\)"):
            Word2VecVectorizer(**SMALL).fit(table)


@pytest.mark.parametrize(
    ("options", "documents", "error", "message"),
    [
        ({"min_count": 5}, ["a film"], InputError, "no word occurs 5 times"),
        ({}, [], InputError, "the text is empty"),
        ({}, [["a", 3]], InputError, "holds a token of type int"),
        ({"dim": 0}, DOCUMENTS, ConfigError, "dim must be at least 1, not 0"),
        ({"random_state": -1}, DOCUMENTS, ConfigError, "seed must be at least 0"),
        ({"n_jobs": 0}, DOCUMENTS, InputError, "n_jobs must be None or a whole number other than 0, not 0"),
        ({"weighting": "max"}, DOCUMENTS, InputError, "weighting must be one of mean, sif, not 'max'"),
    ],
)
def test_what_cannot_be_trained_is_a_value_error_of_one_sentence_and_leaves_no_half_fit(
    options, documents, error, message
):
    vectorizer = Word2VecVectorizer(**SMALL | options)
    with pytest.raises(error, match=message) as raised:
        vectorizer.fit(documents)
    assert isinstance(raised.value, ValueError)
    with pytest.raises(NotFittedError):
        vectorizer.transform(documents)


def test_it_works_beside_other_features_in_a_pipeline():
    sif = Word2VecVectorizer(weighting="sif", **SMALL)
    vectors = FeatureUnion([("mean", Word2VecVectorizer(**SMALL)), ("sif", sif)])
    pipeline = make_pipeline(vectors, LogisticRegression(C=1e4)).fit(DOCUMENTS, LABELS)
    assert pipeline.score(DOCUMENTS, LABELS) > 0.9
    assert pipeline[0].get_feature_names_out()[[0, -1]].tolist() == [
        "mean__word2vecvectorizer0",
        "sif__word2vecvectorizer5",
    ]


# -------------------- cores


def searched(n_jobs, backend):
    pipeline = Pipeline([("vectors", Word2VecVectorizer(**SMALL)), ("classifier", LogisticRegression())])
    with parallel_config(backend=backend):
        grid = GridSearchCV(pipeline, {"vectors__dim": [4, 6]}, cv=2, n_jobs=n_jobs)
        return grid.fit(DOCUMENTS, LABELS)


def test_a_grid_search_finds_the_same_with_one_job_with_processes_and_with_threads(monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    grids = [searched(1, "loky"), searched(2, "loky"), searched(2, "threading")]
    scores = [grid.cv_results_["mean_test_score"] for grid in grids]
    assert np.isfinite(scores[0]).all()
    for grid, score in zip(grids[1:], scores[1:], strict=True):
        assert_array_equal(score, scores[0])
        assert_array_equal(grid.best_estimator_[0].vectors_.matrix, grids[0].best_estimator_[0].vectors_.matrix)
    with parallel_config(backend="loky"):  # the same worker processes
        shares = Parallel(n_jobs=2)(delayed(training_threads)() for _ in range(4))
    assert shares == [max(1, joblib.cpu_count() // 2)] * 4


def test_jobs_are_counted_as_scikit_learn_does(monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    assert [training_threads(n_jobs) for n_jobs in (None, 1, 3, -1, -2, -20)] == [8, 1, 3, 8, 7, 1]
    assert Parallel(n_jobs=1)(delayed(training_threads)() for _ in range(2)) == [8, 8]
    assert Parallel(n_jobs=2, backend="threading")(delayed(training_threads)() for _ in range(2)) == [1, 1]


def test_a_limit_in_the_environment_holds_except_in_threads_of_joblib_s(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    for limit, threads in (("3", 3), ("20", 8), ("0", 8), ("many", 8)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", limit)
        assert training_threads() == threads
        assert Parallel(n_jobs=2, backend="threading")(delayed(training_threads)() for _ in range(2)) == [1, 1]


# -------------------- copies


def test_copies_transform_alike(fitted):
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), joblib.load(file)):
        assert_array_equal(twin.transform(DOCUMENTS), fitted.transform(DOCUMENTS))
        assert twin.history_ == fitted.history_
        assert twin.get_params() == fitted.get_params()


def test_a_copy_of_an_unfitted_one_is_unfitted_and_keeps_the_kind_of_its_output():
    twin = pickle.loads(pickle.dumps(Word2VecVectorizer(**SMALL).set_output(transform="pandas")))
    with pytest.raises(NotFittedError):
        twin.transform(DOCUMENTS)
    assert type(twin.fit_transform(DOCUMENTS)).__name__ == "DataFrame"


def test_the_state_holds_plain_values_and_bytes_alone(fitted):
    state = fitted.__getstate__()
    assert {type(value) for value in state["params"].values()} <= {int, float, str, bool, type(None)}
    assert [type(state[name]) for name in ("version", "output", "image")] == [int, type(None), bytes]
    assert len(state) == 4


def test_a_state_that_lies_is_refused_in_one_sentence(fitted):
    state = fitted.__getstate__()
    image, row = state["image"], fitted.vectors_.matrix[2].tobytes()
    sif = SentenceVectorizer(fitted.vectors_, weighting="sif").fit(DOCUMENTS)
    weights, component = sif.weights_.tobytes(), sif.component_.tobytes()
    assert weights in image
    assert component in image
    lies = {
        "no dict": [],
        "another version": state | {"version": 2},
        "no parameters": {name: state[name] for name in ("version", "output", "image")},
        "one parameter less": state | {"params": {"dim": 6}},
        "one parameter more": state | {"params": state["params"] | {"extra": 1}},
        "an unknown output": state | {"output": "spreadsheet"},
        "an image that is no bytes": state | {"image": "text"},
        "an image of something else": state | {"image": b"\0" * 16},
        "an image cut short": state | {"image": image[:-1]},
        "a longer image": state | {"image": image + b"\0"},
        "another format": state | {"image": image.replace(b"lexigrad-vectorizer", b"lexigrad-vectorized")},
        "no history": state | {"image": image.replace(b'"history"', b'"mystery"')},
        "a history that is no list": state | {"image": image.replace(b'"history":"[', b'"history":"8')},
        "a component that is missing": state | {"image": image.replace(b'"component"', b'"komponent"')},
        "weights of another type": state | {"image": image.replace(b'"F64"', b'"I64"')},
        "a vector that is not finite": state | {"image": image.replace(row, b"\xff" * len(row))},
        "words that are not UTF-8": state | {"image": image.replace(b"superb", b"super\xff")},
        "weights above 1": state | {"image": image.replace(weights, weights[:-8] + np.float64(2).tobytes())},
        "a component of another length": state
        | {"image": image.replace(component, component[:-8] + np.float64(2).tobytes())},
        "a word twice": state | {"image": image.replace(b"weak", b"dull")},
    }
    for name, lie in lies.items():
        twin = Word2VecVectorizer.__new__(Word2VecVectorizer)
        with pytest.raises(FormatError) as raised:
            twin.__setstate__(lie)
        assert "\n" not in str(raised.value), name
        assert vars(twin) == {}, name


@pytest.mark.parametrize("seed", range(200))
def test_a_damaged_image_is_read_as_vectors_or_refused(fitted, seed):
    rng = np.random.default_rng(seed)
    state = fitted.__getstate__()
    damaged = bytearray(state["image"])
    for place in rng.integers(0, len(damaged) if seed % 2 else 900, 3):
        damaged[place] = rng.integers(256)
    twin = Word2VecVectorizer.__new__(Word2VecVectorizer)
    try:
        twin.__setstate__(state | {"image": bytes(damaged)})
    except LexigradError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert twin.transform(DOCUMENTS).shape == (120, 6)


# -------------------- without scikit-learn


def test_without_scikit_learn_the_error_names_the_extra():
    code = "import sys; sys.modules['sklearn'] = None; sys.modules['joblib'] = None\nimport lexigrad.compat.sklearn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "MissingExtraError: lexigrad.compat.sklearn needs scikit-learn: pip install 'lexigrad[sklearn]'" in run.stderr
    )

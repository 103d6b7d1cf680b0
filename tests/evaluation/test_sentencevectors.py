"""Sentences become weighted means of word vectors, with the component that they share taken out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from lexigrad import reference
from lexigrad.errors import InputError
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.vectors.keyedvectors import KeyedVectors

WORDS = ["the", "a", "good", "film", "bore", "dull"]
VECTORS = KeyedVectors(WORDS, np.random.default_rng(1).normal(size=(6, 4)))
FITTED = ["the good film", "the Dull bore", "a the film unheard the", "", "good good"]
LATER = [["the", "good", "good", "unheard"], ["a", "bore"], ["unheard"], []]


def ids_of(sentences):
    tokens = [sentence.lower().split() if isinstance(sentence, str) else sentence for sentence in sentences]
    return [[WORDS.index(token) for token in each if token in WORDS] for each in tokens]


def test_sif_is_that_of_the_reference_with_what_was_learned_in_fit():
    counts = np.bincount(np.concatenate([ids for ids in ids_of(FITTED) if ids]), minlength=len(WORDS))
    p = counts / counts.sum()
    u = reference.common_component(reference.sif_means(VECTORS.matrix, ids_of(FITTED), p, a=0.01))
    expected = reference.without_component(reference.sif_means(VECTORS.matrix, ids_of(LATER), p, a=0.01), u)

    vectorizer = SentenceVectorizer(VECTORS, weighting="sif", smoothing=0.01).fit(FITTED)
    assert_allclose(vectorizer.component_, u, rtol=1e-7)
    assert_allclose(vectorizer.transform(LATER), expected, rtol=1e-7, atol=1e-12)
    assert not expected[2:].any()


def test_a_word_that_fit_did_not_see_counts_whole():
    vectorizer = SentenceVectorizer(VECTORS, weighting="sif").fit(["the good film"])
    assert_allclose(vectorizer.weights_, [1e-3 / (1e-3 + 1 / 3), 1, 1e-3 / (1e-3 + 1 / 3), 1e-3 / (1e-3 + 1 / 3), 1, 1])


def test_fit_transform_of_a_generator_is_transform_after_fit():
    vectorizer = SentenceVectorizer(VECTORS, weighting="sif")
    assert_array_equal(vectorizer.fit_transform(iter(FITTED)), vectorizer.fit(FITTED).transform(FITTED))


def test_the_component_does_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(2)
    vectors = KeyedVectors([f"w{n}" for n in range(500)], rng.normal(size=(500, 90)))
    sentences = [[f"w{n}" for n in rng.integers(0, 500, 7)] for _ in range(700)]
    components = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            components.append(SentenceVectorizer(vectors, weighting="sif").fit(sentences).component_)
    assert_array_equal(*components)


def test_sif_must_learn_before_it_transforms():
    vectorizer = SentenceVectorizer(VECTORS, weighting="sif")
    with pytest.raises(InputError, match="call fit first"):
        vectorizer.transform(LATER)
    vectorizer.fit(FITTED).set_params(smoothing=0.1)
    with pytest.raises(InputError, match="call fit first"):
        vectorizer.transform(LATER)


def test_what_was_learned_is_pickled_with_the_vectorizer():
    vectorizer = SentenceVectorizer(VECTORS, weighting="sif").fit(FITTED)
    assert_array_equal(pickle.loads(pickle.dumps(vectorizer)).transform(LATER), vectorizer.transform(LATER))


def test_its_parameters_can_be_read_and_set():
    vectorizer = SentenceVectorizer(VECTORS)
    assert vectorizer.get_params() == {"vectors": VECTORS, "weighting": "mean", "smoothing": 1e-3}
    assert repr(vectorizer.set_params(weighting="sif")).endswith(", weighting='sif')")
    with pytest.raises(InputError, match="no argument 'dim'; it has vectors, weighting, smoothing"):
        vectorizer.set_params(dim=3)


@pytest.mark.parametrize(
    ("parameters", "sentences", "message"),
    [
        ({"weighting": "tfidf"}, FITTED, "weighting must be one of mean, sif, not 'tfidf'"),
        ({"smoothing": 0}, FITTED, "smoothing must be a finite number above 0, not 0"),
        ({"smoothing": "1"}, FITTED, "smoothing must be a finite number above 0, not '1'"),
        ({}, ["unheard", "of"], "in 2 sentences there is none"),
        ({}, None, "in 0 sentences there is none"),
        ({}, ["the", 3], "sentence 2 is of type int; give a string or a list of tokens"),
        ({}, ["the", b"a"], "sentence 2 is of type bytes"),
        ({}, "the film", "put it in a list"),
    ],
)
def test_what_sif_cannot_learn_from_is_refused(parameters, sentences, message):
    with pytest.raises(InputError, match=message):
        SentenceVectorizer(VECTORS, **{"weighting": "sif"} | parameters).fit(sentences)

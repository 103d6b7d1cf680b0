"""gensim's names on lexigrad: what they do, what they refuse, and that searches agree with gensim's own."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import lexigrad
from lexigrad.compat.gensim import (
    RULE_DEFAULT,
    RULE_DISCARD,
    RULE_KEEP,
    CallbackAny2Vec,
    LineSentence,
    NotKeptError,
    StateError,
    Word2Vec,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXT = [["the", "cat", "sat", "on", "the", "mat"], ["the", "dog", "sat", "on", "the", "rug"]] * 30
NEW_TEXT = [["the", "bird", "sang"], ["a", "bird", "sat"]] * 10
SMALL = {"vector_size": 8, "min_count": 1, "epochs": 2, "workers": 1}


def small(**options: Any) -> Word2Vec:
    return Word2Vec(TEXT, **{**SMALL, **options})


# the vocabulary


def test_words_are_ordered_by_falling_count_and_have_counts_vectors_and_outside_vectors() -> None:
    model = small()
    assert model.wv.index_to_key[0] == "the"
    assert model.wv.get_vecattr("the", "count") == 120
    assert (model.corpus_count, model.corpus_total_words) == (60, 360)
    assert model.wv.vectors.shape == model.syn1neg.shape == (7, 8)
    assert np.abs(model.syn1neg).max() > 0


def test_unsorted_words_keep_the_order_of_the_text_and_their_own_vectors() -> None:
    by_count, by_place = small(sg=1), small(sg=1, sorted_vocab=0)
    assert by_place.wv.index_to_key == ["the", "cat", "sat", "on", "mat", "dog", "rug"]
    assert by_place.wv.get_vecattr("sat", "count") == by_count.wv.get_vecattr("sat", "count") == 60
    assert by_place.predict_output_word(["cat"], topn=1) is not None


def test_a_file_gives_the_counts_that_its_sentences_give(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in TEXT), encoding="utf-8")
    from_file, from_lines = (
        Word2Vec(**SMALL, **text) for text in ({"corpus_file": path}, {"sentences": LineSentence(path)})
    )
    for model in (from_file, from_lines):
        assert (model.corpus_count, model.corpus_total_words) == (60, 360)
        counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
        assert counts == {word: small().wv.get_vecattr(word, "count") for word in counts}


def test_max_final_vocab_raises_min_count_until_no_more_words_are_left() -> None:
    model = small(max_final_vocab=3)
    assert set(model.wv.index_to_key) == {"the", "sat", "on"}
    assert model.effective_min_count == 31


def test_max_vocab_size_forgets_rare_words_while_counting() -> None:
    model = Word2Vec(vector_size=4, min_count=1, max_vocab_size=2)
    model.build_vocab([["a", "b"], ["a", "b"], ["b", "c"], ["a", "b"], ["d", "e", "d", "e", "d"]])
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.key_to_index} == {"a": 3, "b": 4, "d": 3}


@pytest.mark.parametrize(("ruling", "is_there"), [(RULE_DISCARD, False), (RULE_KEEP, True), (RULE_DEFAULT, True)])
def test_a_rule_says_which_words_stay(ruling: int, is_there: bool) -> None:
    least = 1 if ruling == RULE_DEFAULT else 31 if ruling == RULE_KEEP else 1
    model = Word2Vec(vector_size=4, min_count=least)
    model.build_vocab(TEXT, trim_rule=lambda word, _count, _least: ruling if word == "cat" else RULE_DEFAULT)
    assert ("cat" in model.wv) == is_there


def test_counts_in_place_of_a_text_and_more_of_them() -> None:
    model = Word2Vec(vector_size=4, min_count=2)
    model.build_vocab_from_freq({"a": 5, "b": 2, "c": 1})
    assert model.wv.index_to_key == ["a", "b"]
    before = model.wv["a"].copy()
    model.build_vocab_from_freq({"b": 2, "d": 3}, update=True)
    assert [model.wv.get_vecattr(word, "count") for word in ("a", "b", "d")] == [5, 4, 3]
    assert_array_equal(model.wv["a"], before)
    assert model.syn1neg.shape == (3, 4)


def test_cum_table_is_the_noise_distribution_summed_up() -> None:
    model = Word2Vec(vector_size=4, min_count=1, ns_exponent=1.0)
    assert model.cum_table is None
    model.build_vocab_from_freq({"a": 3, "b": 1})
    assert_array_equal(model.cum_table, np.round(np.array([0.75, 1.0]) * (2**31 - 1)))


def test_reset_from_takes_words_but_no_vectors() -> None:
    model, other = Word2Vec(vector_size=4), small()
    model.reset_from(other)
    assert model.wv.index_to_key == other.wv.index_to_key
    assert (model.wv.vectors.shape, model.syn1neg.any()) == ((7, 4), False)


# training


def test_training_is_the_same_in_one_step_or_two_and_with_any_number_of_workers() -> None:
    whole = small(sg=1, workers=1)
    parts = Word2Vec(**{**SMALL, "workers": 2}, sg=1)
    parts.build_vocab(TEXT)
    parts.train(TEXT, total_examples=parts.corpus_count, epochs=parts.epochs)
    assert_array_equal(whole.wv.vectors, parts.wv.vectors)
    assert_array_equal(whole.syn1neg, parts.syn1neg)
    assert not np.array_equal(whole.wv.vectors, small(sg=1, seed=2).wv.vectors)


def test_attributes_become_lexigrads_options() -> None:
    model = small(
        sg=0, window=3, negative=7, sample=20, ns_exponent=0.5, alpha=0.04, min_alpha=0.01, shrink_windows=False
    )
    config = model.to_lexigrad().config
    assert (config.model, config.cbow_update) == ("cbow", "word2vec")
    assert (config.window, config.dynamic_window, config.negatives, config.noise_exponent) == (3, False, 7, 0.5)
    assert (config.learning_rate, config.min_learning_rate) == (0.04, 0.01)
    assert_allclose(config.subsample, int(20 * (3 + 5**0.5) / 2) / 360)  # from 1 on a number of occurrences


def test_training_goes_on_from_the_vectors_and_passes_over_unknown_words() -> None:
    model = small(sg=1, sample=0)
    before = model.wv.vectors.copy()
    text = [["the", "bird", "sat", "sat"]] * 20
    assert model.train(text, total_examples=20, epochs=2, start_alpha=1e-3, end_alpha=1e-3) == (120, 160)
    assert_allclose(model.wv.vectors, before, atol=0.05)
    assert not np.array_equal(model.wv["the"], before[0])
    assert "bird" not in model.wv
    assert model.train_count == 2


@pytest.mark.parametrize("text", [[["hello", "world"]], [[]], []])
def test_a_text_without_a_known_word_trains_nothing(
    text: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    model, told = small(), Recorder()
    before = model.wv.vectors.copy()
    words = sum(map(len, text))
    with caplog.at_level(logging.WARNING):
        assert model.train(text, total_examples=len(text), epochs=2, callbacks=[told]) == (0, 2 * words)
    assert "nothing is trained" in caplog.text
    assert_array_equal(model.wv.vectors, before)
    assert told.calls[0] == "train begins"
    path = tmp_path / "text.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in text if sentence), encoding="utf-8")
    assert model.train(corpus_file=path, total_words=words, epochs=2) == (0, 2 * words)


def test_a_text_that_cannot_be_read_is_an_error_though_no_word_was_known() -> None:
    with pytest.raises(lexigrad.CorpusError, match="token of type int"):
        small().train([["hello"], [1, 2]], total_examples=2, epochs=1)


def test_updating_adds_words_that_training_moves() -> None:
    model = small(sg=1)
    model.build_vocab(NEW_TEXT, update=True)
    assert (len(model.wv), model.wv.get_vecattr("the", "count")) == (10, 130)
    before = model.wv["bird"].copy()
    model.train(NEW_TEXT, total_examples=20, epochs=3)
    assert not np.allclose(model.wv["bird"], before)


def test_a_rate_that_would_rise_stays_where_it_ends() -> None:
    model = small(alpha=0.01, min_alpha=0.02)
    config = model.to_lexigrad().config
    assert (config.learning_rate, config.min_learning_rate) == (0.02, 0.02)


class Recorder(CallbackAny2Vec):
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.vectors: list[Any] = []
        self.losses: list[float] = []

    def on_train_begin(self, model: Any) -> None:
        self.calls.append("train begins")

    def on_epoch_begin(self, model: Any) -> None:
        self.calls.append("epoch begins")

    def on_epoch_end(self, model: Any) -> None:
        self.calls.append("epoch ends")
        self.vectors.append(model.wv.vectors.copy())
        self.losses.append(model.get_latest_training_loss())

    def on_train_end(self, model: Any) -> None:
        self.calls.append("train ends")


def test_callbacks_are_called_in_order_and_see_the_vectors_and_the_loss_so_far() -> None:
    told = Recorder()
    model = small(sg=1, callbacks=[told], compute_loss=True)
    epoch = ["epoch begins", "epoch ends"]
    assert told.calls == ["train begins", *epoch, *epoch, "train ends"]
    assert not np.array_equal(told.vectors[0], told.vectors[1])
    assert_array_equal(told.vectors[1], model.wv.vectors)
    assert 0 < told.losses[0] < told.losses[1] == model.get_latest_training_loss()
    assert_allclose(told.losses, np.cumsum([record["loss"] for record in model.history]))


def test_what_a_callback_raises_ends_the_training_and_the_model_keeps_what_was_trained() -> None:
    class Enough(Recorder):
        def on_epoch_end(self, model: Any) -> None:
            super().on_epoch_end(model)
            raise KeyError("enough")

    model, told = Word2Vec(**SMALL), Enough()
    model.build_vocab(TEXT)
    with pytest.raises(KeyError, match="enough"):
        model.train(TEXT, total_examples=60, epochs=5, callbacks=[told])
    assert len(told.vectors) == 1
    assert_array_equal(model.wv.vectors, told.vectors[0])


def test_a_callback_that_sets_alpha_is_told_that_it_would_do_nothing() -> None:
    class Slower(CallbackAny2Vec):
        def on_epoch_begin(self, model: Any) -> None:
            model.alpha /= 2

    with pytest.raises(lexigrad.InputError, match="alpha"):
        small(callbacks=[Slower()])


def test_no_loss_is_measured_unless_it_is_asked_for() -> None:
    assert small().get_latest_training_loss() == 0.0


def test_totals_that_do_not_fit_the_text_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    model = small()
    with caplog.at_level(logging.WARNING):
        model.train(TEXT, total_examples=7, epochs=1)
    assert "total_examples is 7, but the text has 60" in caplog.text


def test_predicted_words_come_with_the_softmax_of_their_scores() -> None:
    model = small(sg=1)
    rows = [model.wv.get_index("cat"), model.wv.get_index("sat")]
    scores = np.exp(model.syn1neg.astype(float) @ model.wv.vectors[rows].mean(axis=0))
    found = model.predict_output_word(["cat", rows[1], "unknown"], topn=7)
    assert found is not None
    assert_allclose([chance for _, chance in found], np.sort(scores / scores.sum())[::-1], rtol=1e-5)
    assert model.predict_output_word(["unknown"]) is None


# what is refused


@pytest.mark.parametrize(
    ("options", "instead"),
    [
        ({"hs": 1}, "negative=5"),
        ({"cbow_mean": 0}, "cbow_mean=1"),
        ({"null_word": 1}, "leave it out"),
    ],
)
def test_an_option_that_cannot_be_kept_says_what_to_write(options: dict[str, Any], instead: str) -> None:
    with pytest.raises(NotKeptError, match=instead):
        Word2Vec(**options)


def test_skip_gram_has_no_mean_to_leave_out() -> None:
    assert small(sg=1, cbow_mean=0).train_count == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Word2Vec(TEXT, dimension=8), TypeError, "unexpected keyword argument 'dimension'"),
        (lambda: Word2Vec(TEXT, vector_size=8, size=8), TypeError, "both 'vector_size' and its old name 'size'"),
        (lambda: Word2Vec("text.txt"), TypeError, "corpus_file"),
        (lambda: Word2Vec(5), TypeError, "lists of words"),
        (lambda: Word2Vec(sentence for sentence in TEXT), TypeError, "generator"),
        (lambda: Word2Vec([(word for word in TEXT[0])]), TypeError, "list of words"),
        (lambda: Word2Vec(TEXT, corpus_file="text.txt"), TypeError, "either"),
        (lambda: Word2Vec(corpus_file="nowhere.txt"), TypeError, "nowhere"),
        (lambda: Word2Vec([]), StateError, "build_vocab"),
        (lambda: Word2Vec(TEXT, min_count=1000), RuntimeError, "build_vocab"),
        (lambda: Word2Vec(negative=0), ValueError, "negative=5"),
        (lambda: Word2Vec().train(TEXT, total_examples=60, epochs=1), StateError, "build_vocab"),
        (lambda: small().train(TEXT, epochs=1), ValueError, "total_examples"),
        (lambda: small().train(TEXT, total_examples=60), ValueError, "epochs"),
        (lambda: small(epochs=0), ValueError, "epochs, at least 1"),
        (lambda: small(vector_size=0), ValueError, "dim must be at least 1"),
        (lambda: small(workers=0), lexigrad.InputError, "workers"),
        (lambda: Word2Vec([[1, 2, 1]], min_count=1), lexigrad.InputError, "strings"),
        (lambda: small().score(TEXT), RuntimeError, "held_out_loss"),
        (lambda: small().wv.wmdistance(["cat"], ["dog"]), NotKeptError, "optimal-transport"),
        (lambda: small().syn1, AttributeError, "hs=0"),
        (lambda: small().load("model"), AttributeError, "on the class"),
        (lambda: Word2Vec().predict_output_word(["cat"]), RuntimeError, "train it"),
        (lambda: Word2Vec().build_vocab(TEXT, update=True), RuntimeError, "without it first"),
        (lambda: small().save(io.BytesIO()), NotKeptError, "give the path"),
        (lambda: small().save("model", ignore=["syn1neg"]), NotKeptError, "model.wv"),
    ],
)
def test_bad_calls_raise_gensims_kind_of_error_and_say_what_to_do(
    call: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call()


def test_vectors_that_are_to_be_held_still_are_refused() -> None:
    model = small()
    model.wv.vectors_lockf = np.zeros(7, dtype=np.float32)
    with pytest.raises(NotKeptError, match="vectors_lockf"):
        model.train(TEXT, total_examples=60, epochs=1)


def test_strings_in_place_of_lists_are_logged_and_cut_into_characters(caplog: pytest.LogCaptureFixture) -> None:
    model = Word2Vec(vector_size=4, min_count=1, epochs=1)
    with caplog.at_level(logging.WARNING):
        model.build_vocab(["abc", "cab"])
    assert "should be a list of words" in caplog.text
    assert sorted(model.wv.index_to_key) == ["a", "b", "c"]
    assert model.train(["abc", "cab"], total_examples=2, epochs=1)[1] == 6


# old names


def test_gensim_3s_options_warn_and_work() -> None:
    with pytest.warns(DeprecationWarning, match="write vector_size="), pytest.warns(match="write epochs="):
        model = Word2Vec(TEXT, size=6, iter=2, min_count=1)
    assert (model.vector_size, model.epochs) == (6, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda model: list(model.wv.vocab), lambda model: list(model.wv.key_to_index)),
        (lambda model: model.wv.vocab["the"].count, lambda model: model.wv.get_vecattr("the", "count")),
        (lambda model: model.wv.vocab["cat"].index, lambda model: model.wv.get_index("cat")),
        (lambda model: model.wv.index2word, lambda model: model.wv.index_to_key),
        (lambda model: model.wv.index2entity, lambda model: model.wv.index_to_key),
        (lambda model: model.wv.syn0, lambda model: model.wv.vectors),
        (lambda model: model.wv.syn0norm, lambda model: model.wv.get_normed_vectors()),
        (lambda model: model.wv.vectors_norm, lambda model: model.wv.get_normed_vectors()),
        (lambda model: model.wv.word_vec("cat"), lambda model: model.wv.get_vector("cat")),
        (lambda model: model.wv.words_closer_than("cat", "on"), lambda model: model.wv.closer_than("cat", "on")),
        (lambda model: model.iter, lambda model: model.epochs),
        (lambda model: model.vocab["the"].count, lambda model: model.wv.get_vecattr("the", "count")),
        (lambda model: model.index2word, lambda model: model.wv.index_to_key),
        (lambda model: model.syn0, lambda model: model.wv.vectors),
        (lambda model: model["cat"], lambda model: model.wv["cat"]),
        (lambda model: "cat" in model, lambda model: "cat" in model.wv),
        (lambda model: model.most_similar("cat", topn=3), lambda model: model.wv.most_similar("cat", topn=3)),
        (lambda model: model.similarity("cat", "dog"), lambda model: model.wv.similarity("cat", "dog")),
        (lambda model: model.doesnt_match(["cat", "on"]), lambda model: model.wv.doesnt_match(["cat", "on"])),
        (lambda model: model.trainables.syn1neg, lambda model: model.syn1neg),
        (lambda model: model.vocabulary.min_count, lambda model: model.min_count),
    ],
)
def test_an_old_name_warns_and_gives_what_the_new_one_gives(old: Any, new: Any) -> None:
    model = small()
    with pytest.warns(DeprecationWarning, match="old name; write"):
        found = old(model)
    assert_array_equal(found, new(model))


def test_init_sims_with_replace_leaves_vectors_of_length_1() -> None:
    model = small()
    with pytest.warns(DeprecationWarning, match="unit_normalize_all"):
        model.wv.init_sims(replace=True)
    assert_allclose(np.linalg.norm(model.wv.vectors, axis=1), 1, rtol=1e-6)
    with pytest.warns(DeprecationWarning, match="model.epochs"):
        model.iter = 9
    assert model.epochs == 9

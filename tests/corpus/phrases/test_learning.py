"""Phrases found in a text are gensim's, whatever the threads and tables; joined text is what gensim would join."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lexigrad
from lexigrad import CorpusError, InputError, TrainConfig, learn_phrases, read_corpus
from lexigrad.corpus.phrases import bigrams as candidates
from lexigrad.corpus.phrases import learning as collocations
from lexigrad.corpus.phrases.phrases import Phrase, Phrases
from lexigrad.corpus.sources import sentences as sentences_module

if TYPE_CHECKING:
    from collections.abc import Iterator

Sentences = list[list[str]]

ALL = TrainConfig(min_count=1, phrases=1, phrase_threshold=0.1, phrase_min_count=1, threads=2)
WORDS = ["a", "b", "c", "d", "e", "a_b", "b_c", "_", "c_", "x", "y"]


def random_text(draw: random.Random) -> Sentences:
    """Sentences of few words, some of which are spelt like two others joined, or are connector words."""
    words = draw.sample(WORDS, draw.randint(2, len(WORDS)))
    lengths = [draw.choice([1, 2, 5, 40]) for _ in range(draw.randint(1, 40))]
    return [[draw.choice(words) for _ in range(length)] for length in lengths]


def sentences_of(corpus: lexigrad.Corpus) -> Sentences:
    words = [*corpus.vocabulary.words, ""]
    ends = [-1, *np.flatnonzero(corpus.ids < 0).tolist()]
    return [[words[word_id] for word_id in corpus.ids[end + 1 : next_end]] for end, next_end in pairwise(ends)]


@contextmanager
def cut(span: int, slots: int) -> Iterator[None]:
    """Let threads go so far at a time, and have tables of so many slots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "SPAN", span)
        patch.setattr(collocations, "SPAN", span)
        patch.setattr(candidates, "MOST_SLOTS", slots)
        patch.setattr(candidates, "FIRST_RUNS", 2)
        yield


class GensimPass:
    """What gensim makes of a text in one pass."""

    def __init__(self, text: Sentences, config: TrainConfig) -> None:
        models = pytest.importorskip("gensim.models.phrases")
        scoring = {"mikolov": "default", "npmi": "npmi"}[config.phrase_scoring]
        self.phrases = models.Phrases(
            text,
            min_count=config.phrase_min_count,
            threshold=config.threshold_of_phrases,
            scoring=scoring,
            connector_words=config.connectors,
        )
        self.joined = [self.phrases[sentence] for sentence in text]
        self.scores = dict(self._scores(text, config.connectors))

    def _scores(self, text: Sentences, connectors: frozenset[str]) -> Iterator[tuple[tuple[str, ...], float]]:
        """Gensim's score of each candidate of the text that is a phrase."""
        for sentence in text:
            places = [place for place, word in enumerate(sentence) if word not in connectors]
            for begin, end in pairwise(places):
                parts = sentence[begin : end + 1]
                _, score = self.phrases.score_candidate(parts[0], parts[-1], parts[1:-1])
                if score is not None:
                    yield tuple(parts), score


@pytest.mark.parametrize("connectors", [None, "x y", "a b"])
@pytest.mark.parametrize(("scoring", "thresholds"), [("mikolov", (0.2, 1, 3)), ("npmi", (-0.5, 0, 0.3))])
def test_phrases_scores_and_joined_sentences_are_those_of_gensim(
    scoring: Any, thresholds: tuple[float, ...], connectors: str | None
) -> None:
    draw = random.Random(f"{scoring} {connectors}")
    joined = 0
    for _ in range(20):
        text = random_text(draw)
        config = replace(
            ALL,
            phrases=draw.randint(1, 3),
            phrase_scoring=scoring,
            phrase_threshold=draw.choice(thresholds),
            phrase_min_count=draw.randint(1, 3),
            connector_words=connectors,
            threads=draw.randint(1, 3),
        )
        with cut(draw.choice([3, 50, 1 << 18]), draw.choice([16, 1 << 18])), read_corpus(text, config) as corpus:
            assert corpus.phrases is not None
            sentences = text
            for number in range(config.phrases):
                expected = GensimPass(sentences, config)
                found = corpus.phrases.passes[number] if number < len(corpus.phrases.passes) else ()
                scores = {phrase.parts: phrase.score for phrase in found}
                assert scores == pytest.approx(expected.scores, rel=1e-12)
                sentences = expected.joined
            assert sentences_of(corpus) == sentences
            assert [corpus.phrases.join(sentence) for sentence in text] == sentences
            joined += corpus.report.joined
    assert joined > 100


def test_the_file_is_the_same_for_any_threads_tables_and_chunks(tmp_path: Any) -> None:
    draw = random.Random(5)
    text = [sentence for _ in range(20) for sentence in random_text(draw)]
    config = replace(ALL, phrases=2, phrase_threshold=1, connector_words="x y")
    files = set()
    for threads, span, slots, chunk_bytes in [(1, 1 << 18, 1 << 18, 1 << 20), (2, 7, 16, 40), (3, 64, 32, 1000)]:
        with cut(span, slots), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sentences_module, "CHUNK_BYTES", chunk_bytes)
            read_corpus(text, replace(config, threads=threads), save=tmp_path / "corpus").close()
        files.add((tmp_path / "corpus").read_bytes())
    assert len(files) == 1


def test_without_phrases_a_corpus_is_as_it_was_before_there_were_any(tmp_path: Any) -> None:
    read_corpus([["a", "b"]], TrainConfig(min_count=1), save=tmp_path / "corpus").close()
    content = (tmp_path / "corpus").read_bytes()
    assert b"phrase" not in content
    assert b"joined" not in content


def test_a_text_where_every_place_hangs_on_the_one_before_is_joined_from_the_left() -> None:
    text = [["a"] * 1001]
    with cut(10, 16), read_corpus(text, replace(ALL, phrase_threshold=1e-9)) as corpus:
        assert sentences_of(corpus) == [["a_a"] * 500 + ["a"]]
        assert corpus.report.joined == 500


def test_runs_of_connector_words_may_be_long_and_end_sentences() -> None:
    text = [["x"] * 30, ["a", *["x"] * 300, "b"], ["a", *["x"] * 300, "b"], ["a", *["x"] * 299], ["b", "x", "a"]]
    config = replace(ALL, connector_words="x", phrase_threshold=0.3)
    with cut(10, 16), read_corpus(text, config) as corpus:
        assert sentences_of(corpus) == [text[0], ["_".join(text[1])], ["_".join(text[1])], *text[3:]]


def test_too_many_runs_of_connector_words_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "FIRST_RUNS", 2)
    monkeypatch.setattr(candidates, "MOST_RUNS", 8)
    text = [["a", *["x"] * 20, "b"]]
    with pytest.raises(InputError, match="more than 8 different runs of connector words"):
        learn_phrases(text, replace(ALL, connector_words="x"))


def test_no_candidate_goes_over_a_sentence_end() -> None:
    assert len(learn_phrases([["a"], ["b"]] * 50, replace(ALL, phrase_threshold=1e-9))) == 0
    assert len(learn_phrases([["a", "b"]] * 50, replace(ALL, phrase_threshold=1e-9))) == 1


def test_what_is_spelt_alike_counts_together() -> None:
    text = [["a_b"]] * 3 + [["a", "b"]] * 2 + [["c"]]
    counted = collocations.counted_strings(text, "_", (), 100)
    assert counted.counts == {"a_b": 5, "a": 2, "b": 2, "c": 1}
    (phrase,) = learn_phrases(text, replace(ALL, phrase_threshold=0.5)).passes[0]
    assert phrase == Phrase(("a", "b"), 5, (5 - 1) / 4 * 4)


def test_what_is_spelt_alike_counts_in_mutual_information_too() -> None:
    text = [["a", "b"], ["a_b"]]  # p(a) and p(b) are 1 / 3, and p(ab) is 2 / 3
    config = replace(ALL, phrase_scoring="npmi", phrase_threshold=-1)
    assert learn_phrases(text, config).passes[0][0].score == pytest.approx(np.log(6) / np.log(1.5))


def test_min_count_and_the_largest_vocabulary_hold_after_joining() -> None:
    text = [["new", "york", "is", "new"]] * 3 + [["york"]]
    config = replace(ALL, min_count=2, phrase_threshold=0.1, phrase_min_count=2)
    with read_corpus(text, replace(config, max_vocabulary=2)) as corpus:
        assert corpus.vocabulary.words == ["is_new", "new_york"]
        assert (corpus.report.tokens, corpus.report.joined, corpus.report.dropped_rare) == (7, 6, 1)


def test_phrases_of_another_text_are_joined_as_they_are() -> None:
    passes = [[Phrase(("new", "york"), 9, 20.0)], [Phrase(("new_york", "of", "old"), 6, 12.0)]]
    phrases = Phrases(passes, connector_words=["of"])
    with read_corpus(["new york of old", "in new york", "york"], TrainConfig(min_count=1), phrases=phrases) as corpus:
        assert sentences_of(corpus) == [["new_york_of_old"], ["in", "new_york"], ["york"]]
        assert corpus.phrases is phrases
        assert corpus.report.joined == 3
    with read_corpus(["old york"], ALL, phrases=phrases) as corpus:  # which learns none
        assert sentences_of(corpus) == [["old", "york"]]


def test_known_words_of_which_nothing_is_left_are_no_words_of_the_text() -> None:
    known = lexigrad.Vocabulary(["new", "new_york"], [3, 2])
    phrases = Phrases([[Phrase(("new", "york"), 9, 20.0)]])
    with read_corpus([["new", "york"]], TrainConfig(), known=known, phrases=phrases) as corpus:
        assert corpus.vocabulary.words == ["new_york"]


def test_progress_reaches_its_end() -> None:
    seen: list[tuple[int, int]] = []
    text = [["a", "b", "c"]] * 100
    with cut(50, 64):
        config = replace(ALL, phrases=2, phrase_threshold=0.01)
        learn_phrases(text, config, phrase_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 16
    assert seen[-1] == (1600, 1600)  # 400 ids, learnt from and joined, twice


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="asks for no phrases"):
        learn_phrases(["a b"], TrainConfig())
    with pytest.raises(CorpusError, match="has no word in it"):
        learn_phrases([""])
    read_corpus(["a b"], TrainConfig(min_count=1), save=tmp_path / "corpus").close()
    with pytest.raises(InputError, match="saved corpus, which lacks its rare words"):
        learn_phrases(tmp_path / "corpus")


@pytest.mark.parametrize("most", [5, 20, 1000])
def test_strings_are_counted_and_pruned_as_by_gensim(most: int) -> None:
    models = pytest.importorskip("gensim.models.phrases")
    draw = random.Random(most)
    for _ in range(10):
        text = [[], *random_text(draw), [], []]
        draw.shuffle(text)
        expected = models.Phrases(text, connector_words=frozenset("xy"), max_vocab_size=most)
        counted = collocations.counted_strings(text, "_", "xy", most)
        assert counted.counts == expected.vocab
        assert counted.words == expected.corpus_word_count

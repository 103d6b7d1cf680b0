"""gensim's names for phrases: what its own tests ask of it, what its files may be, and what is refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from lexigrad import CorpusError, FormatError, InputError
from lexigrad.compat.gensim.phrases import (
    ENGLISH_CONNECTOR_WORDS,
    FrozenPhrases,
    Phraser,
    Phrases,
    npmi_scorer,
    original_scorer,
)
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    from pathlib import Path

TEXT = [
    ["human", "interface", "with", "computer"],
    ["survey", "of", "user", "computer", "system", "lack", "of", "interest"],
    ["user", "lack", "of", "interest"],
    ["graph", "of", "trees"],
    ["data", "and", "graph", "of", "trees"],
    ["data", "and", "graph", "survey", "for", "human", "interface"],
]
NEW = ["the", "lack", "of", "interest", "of", "graph", "of", "trees", "and"]
CONNECTORS = ["of", "and", "for"]


def always(
    worda_count: int, wordb_count: int, bigram_count: int, len_vocab: int, min_count: int, corpus_word_count: int
) -> float:
    return 1.0


@pytest.mark.parametrize("options", [{}, {"scoring": "npmi", "threshold": 0.3}, {"scoring": always, "threshold": 0.5}])
@pytest.mark.parametrize("connectors", [(), CONNECTORS])
@pytest.mark.parametrize("delimiter", ["_", " ", "::"])
def test_phrases_do_what_those_of_gensim_do(options: dict[str, Any], connectors: Any, delimiter: str) -> None:
    models = pytest.importorskip("gensim.models.phrases")
    draw = random.Random(delimiter)
    words = [*"abcd", "a_b", "x", "of"]
    text = [*TEXT, *([draw.choice(words) for _ in range(draw.randint(0, 9))] for _ in range(60))]
    how = {"min_count": 1, "threshold": 1, "connector_words": connectors, "delimiter": delimiter, **options}
    ours, theirs = Phrases(text, **how), models.Phrases(text, **how)
    for _ in range(2):
        assert ours.vocab == theirs.vocab
        assert (ours.corpus_word_count, ours.min_reduce) == (theirs.corpus_word_count, theirs.min_reduce)
        assert ours.export_phrases() == theirs.export_phrases()
        assert ours.find_phrases(text) == theirs.find_phrases(text)
        assert list(ours[text]) == list(theirs[text])
        assert list(ours.analyze_sentence(NEW)) == list(theirs.analyze_sentence(NEW))
        assert ours.score_candidate("graph", "trees", ["of"]) == theirs.score_candidate("graph", "trees", ["of"])
        assert ours.freeze().phrasegrams == theirs.freeze().phrasegrams
        assert list(ours.freeze()[text]) == list(theirs.freeze()[text])
        ours.add_vocab([NEW, NEW])
        theirs.add_vocab([NEW, NEW])
    twice = list(Phrases(ours[text], **how)[ours[text]])
    assert twice == list(models.Phrases(theirs[text], **how)[theirs[text]])


def test_scorers_are_those_of_gensim() -> None:
    models = pytest.importorskip("gensim.models.phrases")
    draw = random.Random(2)
    for _ in range(200):
        a, b, together = (draw.choice([0, 1, 7, draw.randint(1, 10**6)]) for _ in range(3))
        arguments = dict(zip(("worda_count", "wordb_count", "bigram_count"), (a, b, together), strict=True))
        arguments |= {"len_vocab": 1000, "min_count": draw.choice([1, 5]), "corpus_word_count": 10**7}
        assert original_scorer(**arguments) == models.original_scorer(**arguments)
        if a and b:  # gensim divides by 0
            assert npmi_scorer(**arguments) == models.npmi_scorer(**arguments)
    assert models.ENGLISH_CONNECTOR_WORDS == ENGLISH_CONNECTOR_WORDS


def test_sentences_may_be_a_generator_and_joined_ones_are_gone_through_again() -> None:
    phrases = Phrases(((word for word in sentence) for sentence in TEXT), min_count=1, threshold=1)
    joined = phrases[TEXT]
    assert list(joined) == list(joined)
    assert len(joined) == len(TEXT)
    assert joined[0] == phrases[TEXT[0]]
    assert list(phrases[iter([[], TEXT[3]])]) == [[], phrases[TEXT[3]]]
    assert phrases[[]] == []


def test_the_old_names_still_do() -> None:
    phrases = Phrases(TEXT, min_count=1, threshold=1, common_terms=CONNECTORS, delimiter=b"_")
    assert phrases.common_terms == phrases.connector_words == set(CONNECTORS)
    assert phrases.delimiter == "_"
    assert Phraser is FrozenPhrases
    assert Phraser(phrases)[["lack", "of", "interest"]] == ["lack_of_interest"]
    assert Phraser(Phraser(phrases)).phrasegrams == Phraser(phrases).phrasegrams
    assert str(phrases).startswith("Phrases<")
    assert str(phrases.freeze()).startswith("FrozenPhrases<")
    with pytest.raises(InputError, match=r"write find_phrases\(sentences\)"):
        phrases.export_phrases(TEXT)


@pytest.mark.parametrize("scoring", ["default", "npmi", always])
def test_what_is_saved_comes_back(tmp_path: Path, scoring: Any) -> None:
    phrases = Phrases(TEXT, min_count=1, threshold=0.1, connector_words=CONNECTORS, scoring=scoring)
    phrases.save(tmp_path / "phrases")
    phrases.freeze().save(tmp_path / "frozen")
    given = {"scoring": always} if scoring is always else {}
    loaded, frozen = Phrases.load(tmp_path / "phrases", **given), FrozenPhrases.load(tmp_path / "frozen", **given)
    assert vars(loaded) == vars(phrases)
    assert vars(frozen) == vars(phrases.freeze())
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "phrases").read_bytes()
    if scoring is always:
        with pytest.raises(FormatError, match="scored by a function, which no file keeps; load it with scoring="):
            Phrases.load(tmp_path / "phrases")
    with pytest.raises(FormatError, match="holds 'frozen', where 'phrases' is needed"):
        Phrases.load(tmp_path / "frozen", **given)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(FormatError, match="is a pickle, as gensim saves phrases"):
        Phrases.load(tmp_path / "pickle")
    with pytest.raises(FormatError, match="cannot read"):
        FrozenPhrases.load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("settings", b"{", "not JSON"),
        ("settings", b"[]", "no JSON object"),
        ("settings", b"{}", "have values that they cannot have"),
        ("settings", b'{"connector_words": [], "delimiter": "_", "min_count": "1"}', "have values that they cannot"),
        ("settings", b'{"connector_words": [], "delimiter": "_", "min_count": 1}', "not those of phrases"),
        ("entries", b"x", "divide"),
        ("values", b"", "no tensor 'values'"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    import numpy as np

    Phrases(TEXT).save(tmp_path / "phrases")
    tensors, metadata = read_native(tmp_path / "phrases")
    changed = {**tensors, name: np.frombuffer(content, dtype=np.uint8)}
    write_native(tmp_path / "damaged", changed, metadata)
    with pytest.raises(FormatError, match=reason):
        Phrases.load(tmp_path / "damaged")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_count": 0}, "min_count must be at least 1"),
        ({"threshold": -1}, "threshold must be above 0"),
        ({"threshold": 2, "scoring": "npmi"}, "from -1 to 1"),
        ({"scoring": "other"}, "scoring must be default, npmi or a function"),
        ({"scoring": 3}, "scoring must be default, npmi or a function"),
        ({"scoring": lambda worda_count: 1}, "lacks the parameters wordb_count"),
    ],
)
def test_wrong_options_are_value_errors(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Phrases(TEXT, **options)


def test_a_sentence_that_is_a_string_is_refused() -> None:
    with pytest.raises(CorpusError, match="is a string; give lists of tokens"):
        Phrases(["new york"])
    with pytest.raises(CorpusError, match="holds a token of type int"):
        Phrases([[1, 2]])

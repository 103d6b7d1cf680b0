"""Phrases are kept with what was trained on them, joined wherever its text is read, and trusted in no file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import lexigrad
from lexigrad import (
    ConfigError,
    Corpus,
    CorpusError,
    FormatError,
    InputError,
    Phrases,
    TrainConfig,
    WindowCounts,
    Word2Vec,
    count_windows,
    held_out_loss,
    learn_phrases,
    read_corpus,
    train,
)
from lexigrad.cli import main as cli
from lexigrad.corpus.phrases.phrases import PHRASE_TENSORS, Phrase
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = TrainConfig(dim=4, min_count=1, epochs=1, threads=1, phrases=2, phrase_threshold=0.2, connector_words="of")
TEXT = 10 * ["the mayor of new york spoke", "new york is far", "the far city"] + 3 * ["to new towns the mayor spoke"]
PHRASES = Phrases(
    [
        [Phrase(("bank", "of", "the", "west"), 7, 30.5), Phrase(("new", "york"), 20, 11.0)],
        [Phrase(("new_york", "été"), 8, 12.0)],
    ],
    connector_words={"of", "the"},
    threshold=10.5,
)


@pytest.fixture(scope="module")
def model() -> Word2Vec:
    return train(TEXT, CONFIG)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def test_phrases_are_joined_pass_by_pass_from_left_to_right() -> None:
    assert PHRASES.join(["new", "york", "été"]) == ["new_york_été"]
    assert PHRASES.join(["new", "new", "york", "york", "été"]) == ["new", "new_york", "york", "été"]
    assert PHRASES.join(["the", "bank", "of", "the", "west", "of"]) == ["the", "bank_of_the_west", "of"]
    assert PHRASES.join(["bank", "of", "west", "bank", "of", "the"]) == ["bank", "of", "west", "bank", "of", "the"]
    assert PHRASES.join([]) == []


def test_scores_are_those_of_the_joined_strings_the_best_of_two() -> None:
    assert PHRASES.scores == {"bank_of_the_west": 30.5, "new_york": 11.0, "new_york_été": 12.0}
    alike = Phrases([[Phrase(("a", "b_c"), 5, 1.0), Phrase(("a_b", "c"), 5, 3.0)]])
    assert alike.scores == {"a_b_c": 3.0}


@pytest.mark.parametrize("parts", [("a",), ("of", "a"), ("a", "of"), ("a", "b", "c"), ("a", ""), ()])
def test_what_is_no_phrase_is_refused(parts: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="is no phrase: it needs two words"):
        Phrases([[Phrase(parts, 1, 1.0)]], connector_words=["of"])


def test_a_phrase_that_comes_twice_in_a_pass_is_refused() -> None:
    phrase = Phrase(("a", "b"), 1, 1.0)
    with pytest.raises(InputError, match="twice"):
        Phrases([[phrase, phrase]])
    assert len(Phrases([[phrase], [phrase]])) == 2


@pytest.mark.parametrize("phrases", [PHRASES, Phrases([]), Phrases([[], []])])
def test_what_is_saved_comes_back(tmp_path: Path, phrases: Phrases) -> None:
    phrases.save(tmp_path / "phrases")
    loaded = Phrases.load(tmp_path / "phrases")
    assert loaded == phrases
    assert (loaded.connector_words, loaded.threshold) == (phrases.connector_words, phrases.threshold)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "phrases").read_bytes()


def broken(name: str, value: Any) -> dict[str, Any]:
    """The arrays of PHRASES, one of them changed, or gone."""
    tensors = PHRASES.to_tensors()
    if value is None:
        return {key: tensor for key, tensor in tensors.items() if key != name}
    return tensors | {name: np.asarray(value, dtype=PHRASE_TENSORS[name])}


def settings(**changes: Any) -> np.ndarray:
    known = json.loads(PHRASES.to_tensors()["phrase_settings"].tobytes())
    return np.frombuffer(json.dumps(known | changes).encode(), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("phrase_counts", None, "lack an array 'phrase_counts'"),
        ("phrase_words", [[1]], "lack an array 'phrase_words'"),
        ("phrase_counts", [1, 2], "not a count and a score each"),
        ("phrase_counts", [1, 2, 0], "not a count and a score each"),
        ("phrase_scores", [1, 2], "not a count and a score each"),
        ("phrase_scores", [1, 2, np.nan], "not a count and a score each"),
        ("phrase_ends", [4, 6], "not a count and a score each"),
        ("phrase_ends", [4, 6, 9], "do not divide them"),
        ("phrase_ends", [6, 4, 8], "do not divide them"),
        ("phrase_ends", [-4, 6, 8], "do not divide them"),
        ("phrase_ends", [1, 6, 8], "is no phrase"),
        ("phrase_pass_ends", [2], "do not divide them"),
        ("phrase_pass_ends", [], "do not divide them"),
        ("phrase_pass_ends", [2, 2**62], "do not divide them"),
        ("phrase_parts", [9] * 8, "a word that the file does not hold"),
        ("phrase_parts", [-1] * 8, "a word that the file does not hold"),
        ("phrase_word_ends", [1, 2, 3, 4, 5, 6, 7], "do not divide the words"),
        ("phrase_words", [0xFF] * 28, "do not divide the words|not UTF-8"),
        ("phrase_settings", [0x7B], "not JSON"),
        ("phrase_settings", np.frombuffer(b"[" * 100_000, dtype=np.uint8), "not JSON"),
        ("phrase_settings", settings(more=1), "are not connector_words"),
        ("phrase_settings", settings(min_count=True), "min_count of the phrases"),
        ("phrase_settings", settings(connector_words=[1]), "is no string"),
        ("phrase_settings", settings(connector_words=["bank"]), "is no phrase"),
        ("phrase_settings", settings(threshold="x"), "threshold of the phrases"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(tmp_path: Path, name: str, value: Any, reason: str) -> None:
    write_native(tmp_path / "phrases", broken(name, value), {"format": "lexigrad-phrases", "version": "1"})
    with pytest.raises(FormatError, match=reason):
        Phrases.load(tmp_path / "phrases")


def test_a_file_cut_or_changed_anywhere_is_refused_or_read_but_does_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "phrases"
    PHRASES.save(path)
    content = path.read_bytes()
    draw = np.random.default_rng(3)
    refused = 0
    for _ in range(400):
        changed = bytearray(content)
        for place in draw.integers(len(content), size=draw.integers(1, 4)):
            changed[place] = draw.integers(256)
        path.write_bytes(bytes(changed[: draw.choice([len(content), draw.integers(len(content))])]))
        try:
            Phrases.load(path).join(["new", "york"])
        except FormatError:
            refused += 1
    assert refused > 200


def test_a_model_keeps_the_phrases_of_its_text(model: Word2Vec, tmp_path: Path) -> None:
    assert model.phrases == learn_phrases(TEXT, CONFIG)
    assert {"new_york", "the_mayor_of_new_york"} <= model.phrases.scores.keys()
    assert "the_mayor_of_new_york" in model.vocabulary
    model.save(tmp_path / "model.safetensors")
    loaded = Word2Vec.load(tmp_path / "model.safetensors")
    assert loaded.phrases == model.phrases
    assert lexigrad.load_vectors(tmp_path / "model.safetensors").words == model.vocabulary.words
    without = train(TEXT, replace(CONFIG, phrases=0))
    assert without.phrases is None
    without.save(tmp_path / "without.safetensors")
    assert not PHRASE_TENSORS.keys() & read_native(tmp_path / "without.safetensors")[0].keys()


def test_a_model_with_broken_phrases_is_refused(model: Word2Vec, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    tensors, metadata = read_native(tmp_path / "model")
    write_native(tmp_path / "broken", {**tensors, "phrase_scores": tensors["phrase_scores"][1:]}, metadata)
    with pytest.raises(FormatError, match="broken: the phrases have not a count"):
        Word2Vec.load(tmp_path / "broken")


@pytest.mark.parametrize("model_name", ["skipgram", "cbow"])
def test_a_model_is_measured_on_text_with_its_phrases(model_name: Any) -> None:
    model = train(TEXT, replace(CONFIG, model=model_name, subsample=0))
    assert model.phrases is not None
    joined = [model.phrases.join(sentence.split()) for sentence in TEXT]
    bare = replace(model, phrases=None)
    assert held_out_loss(model, TEXT) == held_out_loss(bare, joined)
    assert held_out_loss(model, TEXT).unknown == 0
    with read_corpus(TEXT, CONFIG, vocabulary=model.vocabulary, phrases=model.phrases) as corpus:
        assert held_out_loss(model, corpus) == held_out_loss(model, TEXT)
        with pytest.raises(CorpusError, match="other phrases"):
            held_out_loss(bare, corpus)


def test_held_out_text_is_read_with_the_phrases_of_the_training() -> None:
    other = ["to new towns new york is far", "spoke the mayor"]  # in which nothing comes often enough to be learnt
    model = train(TEXT, CONFIG, validation=other)
    assert model.phrases is not None
    expected = train(TEXT, CONFIG, validation=[model.phrases.join(text.split()) for text in other])
    assert model.history == expected.history
    with read_corpus(other, TrainConfig(min_count=1)) as plain, pytest.raises(CorpusError, match="held-out text"):
        train(TEXT, CONFIG, validation=plain)


def test_a_share_that_is_held_out_has_the_phrases_too() -> None:
    assert train(TEXT, CONFIG, validation=0.2).phrases == learn_phrases(TEXT, CONFIG)


def test_training_further_joins_the_phrases_of_the_model(model: Word2Vec) -> None:
    assert model.phrases is not None
    text = ["the mayor of new york met a cat", "a cat met a cat", "a cat met new york"]
    further = train(text, start=model)
    assert further.phrases == model.phrases
    assert {word for sentence in text for word in model.phrases.join(sentence.split())} <= set(further.vocabulary)
    with read_corpus(text, replace(CONFIG, phrases=0)) as corpus, pytest.raises(CorpusError, match="other phrases"):
        train(corpus, replace(CONFIG, phrases=0), start=model)
    without = train(TEXT, replace(CONFIG, phrases=0))
    with pytest.raises(InputError, match="trained without phrases"):
        train(text, CONFIG, start=without)


def test_a_saved_corpus_has_its_phrases(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    with read_corpus(TEXT, CONFIG, save=path) as corpus:
        phrases = corpus.phrases
        assert corpus.report.joined > 0
    with Corpus.load(path) as loaded:
        assert loaded.phrases == phrases
        assert loaded.report.joined == corpus.report.joined
        loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    with read_corpus(path, replace(CONFIG, min_count=11)) as narrowed:
        assert narrowed.phrases == phrases
    assert train(path, replace(CONFIG, phrases=0)).phrases == phrases
    with pytest.raises(CorpusError, match="read with other phrases"):
        read_corpus(path, phrases=PHRASES)
    read_corpus(TEXT, TrainConfig(min_count=1), save=path).close()
    with pytest.raises(CorpusError, match="read without phrases"):
        read_corpus(path, CONFIG)


def test_a_saved_corpus_with_broken_phrases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    read_corpus(TEXT, CONFIG, save=path).close()
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"threshold": 0.2', b'"threshold": "ab'))
    with pytest.raises(FormatError, match="no whole saved corpus: the settings of the phrases are not JSON"):
        Corpus.load(path)
    path.write_bytes(content.replace(b'"phrase_ends"', b'"phrase_ENDS"'))
    with pytest.raises(FormatError, match="no whole saved corpus: the phrases lack an array 'phrase_ends'"):
        Corpus.load(path)


def test_window_counts_keep_the_phrases(tmp_path: Path) -> None:
    with read_corpus(TEXT, CONFIG) as corpus:
        counts = count_windows(corpus, CONFIG)
        assert counts.phrases == corpus.phrases
    counts.save(tmp_path / "counts.npz")
    loaded = WindowCounts.load(tmp_path / "counts.npz")
    assert loaded.phrases == counts.phrases
    assert (loaded + counts).phrases == counts.phrases
    assert loaded.head(3).phrases == counts.phrases
    with pytest.raises(InputError, match="different phrases"):
        _ = loaded + replace(counts, phrases=None)
    for solver in ("svd", "exact"):
        model = train(loaded, replace(CONFIG, solver=solver), validation=TEXT)
        assert model.phrases == counts.phrases
    with pytest.raises(InputError, match="WindowCounts was read without phrases"):
        train(replace(counts, phrases=None), replace(CONFIG, solver="svd"))
    with read_corpus(TEXT, replace(CONFIG, phrases=0)) as plain, pytest.raises(InputError, match="read without"):
        train(plain, CONFIG)


def test_callbacks_and_seeds_see_models_with_phrases() -> None:
    seen: list[Phrases | None] = []

    class Look(lexigrad.Callback):
        def on_epoch_end(self, model: Word2Vec) -> bool:
            seen.append(model.phrases)
            return False

    models = lexigrad.train_seeds(TEXT, CONFIG, seeds=2, callbacks=[Look()])
    assert [model.phrases for model in models] == seen
    assert seen[0] is not None


def test_the_vectors_are_those_of_text_joined_by_hand(model: Word2Vec) -> None:
    assert model.phrases is not None
    joined = [model.phrases.join(sentence.split()) for sentence in TEXT]
    by_hand = train(joined, replace(CONFIG, phrases=0))
    assert by_hand.vocabulary == model.vocabulary
    assert np.array_equal(by_hand.V, model.V)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"phrases": -1}, "phrases must be at least 0"),
        ({"phrase_threshold": 0}, "phrase_threshold must be above 0, not 0"),
        ({"phrase_threshold": 2, "phrase_scoring": "npmi"}, "from -1 to 1 for npmi, not 2"),
        ({"phrase_min_count": 0}, "phrase_min_count must be at least 1"),
        ({"phrase_scoring": "default"}, "phrase_scoring must be one of mikolov, npmi"),
        ({"connector_words": ["of"]}, "connector_words must be a string"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        TrainConfig(**options)


def test_english_stands_for_the_connector_words_of_gensim() -> None:
    models = pytest.importorskip("gensim.models.phrases")
    assert TrainConfig(connector_words="english").connectors == models.ENGLISH_CONNECTOR_WORDS
    assert TrainConfig(connector_words="der  die").connectors == {"der", "die"}
    assert TrainConfig().connectors == frozenset()


def test_the_command_line_learns_saves_and_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("\n".join(TEXT))
    options = ["--phrases", "1", "--phrase-threshold", "0.2", "--connector-words", "of", "--min-count", "1"]
    done = run("vocab", "text", "--json", *options)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["report"]["joined"] > 0
    assert "phrases 100%" in done.stderr
    assert "joined " in done.stderr
    assert run("train", "text", "-o", "m.safetensors", "--dim", "4", "--epochs", "1", *options, "-q").exit_code == 0
    expected = held_out_loss(Word2Vec.load("m.safetensors"), TEXT).to_dict()
    assert json.loads(run("loss", "m.safetensors", "text", "--json").stdout) == [
        {"vectors": "m.safetensors", **expected}
    ]
    assert run("train", "text", "-o", "m2.safetensors", "--from", "m.safetensors", "-q").exit_code == 0
    assert Word2Vec.load("m2.safetensors").phrases == Word2Vec.load("m.safetensors").phrases
    assert run("cooccur", "text", "-o", "counts.npz", *options, "-q").exit_code == 0
    assert WindowCounts.load("counts.npz").phrases == Word2Vec.load("m.safetensors").phrases
    wrong = run("vocab", "text", "--phrases", "1", "--phrase-threshold", "-1")
    assert wrong.exit_code == 2
    assert "phrase_threshold must be above 0" in wrong.stderr

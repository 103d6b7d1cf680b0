"""Training a model further on other text: what begins with its vectors, what begins anew, what stays as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from contract import planted_sentences, topic_precision

import lexigrad
from lexigrad import Checkpoints, InputError, TrainConfig, Vocabulary, Word2Vec
from lexigrad.cli import main as cli

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = TrainConfig(dim=8, min_count=2, subsample=0, epochs=2, threads=1)
STILL = replace(CONFIG, learning_rate=1e-30)
OLD = [["cat", "sat", "mat"], ["dog", "sat", "rug"]] * 20
NEW = [["cat", "sat", "roof"], ["bird", "sat", "roof"]] * 10 + [["dog", "bird"]]


@pytest.fixture(scope="module")
def start() -> Word2Vec:
    return lexigrad.train(OLD, CONFIG)


def rows(model: Word2Vec, *words: str) -> np.ndarray:
    ids = [model.vocabulary.id_of(word) for word in words]
    return np.concatenate([model.V[ids], model.U[ids]])


@pytest.mark.parametrize("loss", ["negative_sampling", "naive_softmax"])
@pytest.mark.parametrize("deterministic", [True, False])
def test_known_words_begin_with_their_vectors_and_new_ones_anew(
    start: Word2Vec, loss: Any, deterministic: bool
) -> None:
    config = replace(STILL, loss=loss, deterministic=deterministic)
    model = lexigrad.train(NEW, config, start=start)
    known = ("cat", "sat", "dog")
    np.testing.assert_allclose(rows(model, *known), rows(start, *known), rtol=1e-6, atol=1e-20)
    anew = lexigrad.train(NEW, replace(config, min_count=1))  # the same words in the same rows
    np.testing.assert_allclose(rows(model, "roof", "bird"), rows(anew, "roof", "bird"), rtol=1e-6, atol=1e-20)
    assert rows(model, "roof").any()


def test_words_that_the_text_lacks_come_out_as_they_were(start: Word2Vec) -> None:
    model = lexigrad.train(NEW, CONFIG, start=start)
    assert np.array_equal(rows(model, "mat", "rug"), rows(start, "mat", "rug"))
    for word in ("cat", "sat"):
        assert not np.array_equal(rows(model, word), rows(start, word))


def test_counts_add_up_and_the_vocabulary_is_in_their_order(start: Word2Vec) -> None:
    model = lexigrad.train(NEW, CONFIG, start=start)
    counts = dict(zip(model.vocabulary.words, model.vocabulary.counts.tolist(), strict=True))
    assert counts == {"sat": 60, "cat": 30, "dog": 21, "roof": 20, "mat": 20, "rug": 20, "bird": 11}
    assert model.V.shape == model.U.shape == (7, 8)
    assert model.config == CONFIG
    assert [record["epoch"] for record in model.history] == [1, 2]


def test_known_words_count_however_rare_they_are_and_new_ones_as_the_options_say(start: Word2Vec) -> None:
    config = replace(CONFIG, min_count=15, max_vocabulary=4)
    model = lexigrad.train(NEW, config, start=start)
    assert sorted(set(model.vocabulary) - set(start.vocabulary)) == [
        "roof"
    ]  # bird is too rare; dog, once there, is not
    with lexigrad.read_corpus(NEW, config, known=start.vocabulary) as corpus:
        assert corpus.vocabulary.words == ["roof", "sat", "cat", "dog"]
        assert corpus.report.dropped_rare == 11
    with lexigrad.read_corpus(NEW, replace(config, max_vocabulary=2), known=start.vocabulary) as corpus:
        assert sorted(corpus.vocabulary.words) == ["cat", "dog", "sat"]


def test_a_saved_corpus_keeps_known_words_too(start: Word2Vec, tmp_path: Path) -> None:
    lexigrad.read_corpus(NEW, TrainConfig(min_count=1), save=tmp_path / "saved")
    config = replace(CONFIG, min_count=15)
    with (
        lexigrad.read_corpus(tmp_path / "saved", config, known=start.vocabulary) as saved,
        lexigrad.read_corpus(NEW, config, known=start.vocabulary) as direct,
    ):
        assert saved.vocabulary == direct.vocabulary
        assert saved.ids.tolist() == direct.ids.tolist()
        assert saved.report == direct.report


def test_a_text_without_a_known_word_is_trained_beside_the_others(start: Word2Vec) -> None:
    model = lexigrad.train([["sun", "moon"]] * 10, CONFIG, start=start)
    assert set(model.vocabulary) == {*start.vocabulary, "sun", "moon"}
    words = start.vocabulary.words
    assert np.array_equal(rows(model, *words), rows(start, *words))


def test_without_a_config_the_options_are_those_of_the_model(start: Word2Vec) -> None:
    assert lexigrad.train(NEW, start=start).config == CONFIG


def test_what_was_learnt_is_not_forgotten_at_a_small_rate() -> None:
    config = TrainConfig(dim=20, min_count=1, subsample=0, threads=1)
    start = lexigrad.train(planted_sentences(), config)
    more = replace(config, learning_rate=0.005, epochs=1)
    assert topic_precision(lexigrad.train(planted_sentences(200, seed=1), more, start=start)) > 0.95


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dim": 9}, "the model has dim 8, and dim is 9 here; give the same"),
        ({"solver": "exact"}, "exact ends where it ends, from wherever it starts; train further with solver='sgd'"),
        ({"solver": "svd"}, "svd ends where it ends"),
    ],
)
def test_options_that_do_not_suit_the_model_are_refused(
    start: Word2Vec, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        lexigrad.train(NEW, replace(CONFIG, **changes), start=start)


def test_a_model_with_a_bias_is_refused(start: Word2Vec) -> None:
    biased = replace(start, bias=np.zeros(len(start.vocabulary), dtype=np.float32))
    with pytest.raises(InputError, match="the model has a bias, as exact training makes one, and SGD trains none"):
        lexigrad.train(NEW, CONFIG, start=biased)


def test_further_training_goes_on_from_a_checkpoint_and_only_with_the_same_model(
    start: Word2Vec, tmp_path: Path
) -> None:
    whole = lexigrad.train(NEW, CONFIG, start=start)

    class Stop(lexigrad.Callback):
        def on_epoch_end(self, model: Any) -> None:
            if len(model.history) == 2:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lexigrad.train(NEW, CONFIG, start=start, callbacks=[Stop()], checkpoints=Checkpoints(tmp_path / "m"))
    other = replace(start, V=start.V + 1)
    for wrong, named in ((other, "another model to start from"), (None, "a model to start from, and now there is")):
        with pytest.raises(InputError, match=f"is of a run with {named}|another text"):
            lexigrad.train(NEW, CONFIG, start=wrong, checkpoints=Checkpoints(tmp_path / "m", resume=True))
    with Checkpoints(tmp_path / "m", resume=True) as checkpoints:
        resumed = lexigrad.train(NEW, CONFIG, start=start, checkpoints=checkpoints)
    assert checkpoints.state is not None
    assert np.array_equal(resumed.V, whole.V)
    assert np.array_equal(resumed.U, whole.U)


# the command line


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, start: Word2Vec) -> Path:
    start.save(tmp_path / "old.safetensors")
    (tmp_path / "new.txt").write_text("\n".join(" ".join(words) for words in NEW))
    return tmp_path


def test_the_command_takes_the_options_of_the_model_and_says_what_it_does(folder: Path) -> None:
    out = folder / "new.safetensors"
    how = ["--from", folder / "old.safetensors", "--learning-rate=0.01", "--epochs=3"]
    result = run("train", folder / "new.txt", "-o", out, *how)
    assert result.exit_code == 0, result.stderr
    assert (
        "training further: 3 words of the text are known, 2 are new, and 2 others stay as they are; "
        "learning rate 0.01 to 0 over 3 epochs"
    ) in result.stderr
    assert "wrote 7 vectors of length 8" in result.stderr
    config = Word2Vec.load(out).config
    assert (config.dim, config.subsample, config.min_count) == (8, 0, 2)  # the model's
    assert (config.learning_rate, config.epochs, config.threads) == (0.01, 3, None)  # this run's
    old = Word2Vec.load(folder / "old.safetensors")
    again = lexigrad.train(NEW, replace(CONFIG, learning_rate=0.01, epochs=3), start=old)
    assert np.allclose(again.V, Word2Vec.load(out).V, atol=0.05)


def test_an_option_that_is_given_counts(folder: Path) -> None:
    how = ["--from", folder / "old.safetensors", "--dim=9"]
    result = run("train", folder / "new.txt", "-o", folder / "new.bin", *how)
    assert result.exit_code == 1
    assert "the model has dim 8, and dim is 9 here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "old.safetensors", "--from", "old.safetensors"], "is to be read and to be written"),
        (["-o", "new.bin", "--from", "old.safetensors", "--seeds=2"], "leave out --checkpoint-every, --resume and --f"),
        (["-o", "new.bin", "--checkpoint-every=1", "--seeds=2"], "leave out --checkpoint-every, --resume and --from"),
        (["-o", "new.bin", "--checkpoint-every=often"], "give minutes, more than 0, or the word epoch, not 'often'"),
        (["-o", "new.bin", "--checkpoint-every=0"], "give minutes, more than 0, or the word epoch, not '0'"),
    ],
)
def test_wrong_usage_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    result = run("train", "new.txt", *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert sorted(folder.iterdir()) == before


def test_vectors_alone_cannot_be_trained_further(folder: Path, start: Word2Vec) -> None:
    lexigrad.save_vectors(folder / "vectors.safetensors", start.vectors)
    result = run("train", folder / "new.txt", "-o", folder / "new.bin", "--from", folder / "vectors.safetensors")
    assert result.exit_code == 1
    assert "holds word vectors, not a whole model" in result.stderr


def test_a_given_vocabulary_still_fixes_the_words_that_are_trained(start: Word2Vec) -> None:
    model = lexigrad.train(NEW, CONFIG, vocabulary=Vocabulary(["sat", "cat"], [20, 10]), start=start)
    assert set(model.vocabulary) == set(start.vocabulary)
    assert np.array_equal(rows(model, "dog"), rows(start, "dog"))

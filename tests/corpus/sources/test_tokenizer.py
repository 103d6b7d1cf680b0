"""Tokenizers of Hugging Face, and other objects that tokenize, cut lines as their own methods would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lexigrad
from lexigrad import TrainConfig, read_corpus
from lexigrad.corpus.sources import tokenizer as tokenizing
from lexigrad.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LINES = ["The cat sat on the mat.", "", "Dogs, too!", "été " * 40]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """WordPiece with special tokens, learned from the lines."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    special = ["[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(LINES, tokenizers.trainers.WordPieceTrainer(vocab_size=30, special_tokens=special))
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made


def read(source: Any, tokens: Any, **options: Any) -> list[list[str]]:
    """The sentences of a corpus, as words."""
    with read_corpus(source, TrainConfig(min_count=1, tokens=tokens, **options)) as corpus:
        words = [corpus.vocabulary.words[word_id] if word_id >= 0 else "\n" for word_id in corpus.ids.tolist()]
    return [line.split(" ") for line in " ".join(words).removesuffix(" \n").split(" \n ")]


def expected(tokenizer: Any, lines: list[str]) -> list[list[str]]:
    cut = [tokenizer.encode(line, add_special_tokens=False).tokens for line in lines]
    return [tokens for tokens in cut if tokens]


def test_a_tokenizer_cuts_strings_files_and_tables(tokenizer: Any, tmp_path: Path) -> None:
    wanted = expected(tokenizer, LINES)
    assert "##" in str(wanted)
    assert "[CLS]" not in str(wanted)
    (tmp_path / "text").write_text("\n".join(LINES), encoding="utf-8")
    sources = [LINES, iter(LINES), tmp_path / "text"]
    pyarrow = pytest.importorskip("pyarrow")
    sources += [pyarrow.array(LINES), pyarrow.table({"text": ["\n".join(LINES[:2]), None, *LINES[2:]]})]
    for source in sources:
        assert read(source, tokenizer) == wanted


def test_lines_are_neither_cut_short_nor_filled_up_and_the_tokenizer_stays_as_it_is(tokenizer: Any) -> None:
    wanted = expected(tokenizer, LINES)
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)
    try:
        assert read(LINES, tokenizer) == wanted
        assert tokenizer.truncation["max_length"] == 4
        assert tokenizer.padding["length"] == 64
    finally:
        tokenizer.no_truncation()
        tokenizer.no_padding()


def test_lower_case_comes_before_the_tokenizer(tokenizer: Any) -> None:
    assert read(LINES, tokenizer, lowercase=True) == expected(tokenizer, [line.lower() for line in LINES])


def test_many_lines_are_given_in_batches(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizing, "LINES", 3)
    assert read(LINES * 5, tokenizer) == expected(tokenizer, LINES * 5)


def test_lists_of_tokens_are_left_to_be_what_they_are(tokenizer: Any) -> None:
    assert read([["Hello", "The cat"], "The cat"], tokenizer)[0] == ["Hello", "The", "cat"]


def test_a_transformers_tokenizer_cuts_as_its_tokenize_does(tokenizer: Any) -> None:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    assert read(LINES, fast) == [tokens for tokens in map(fast.tokenize, LINES) if tokens]


class Slow:
    """As a slow tokenizer of transformers, or one of nltk: not to be called, but with a method."""

    def tokenize(self, text: str) -> list[str]:
        return text.replace(".", " .").split()


def test_an_object_that_tokenizes_is_asked_to() -> None:
    assert read(["The mat. It"], Slow()) == [["The", "mat", ".", "It"]]


def test_the_config_says_which_tokenizer_it_was_and_comes_back_without(tokenizer: Any, tmp_path: Path) -> None:
    config = TrainConfig(dim=4, min_count=1, epochs=1, threads=1, tokens=tokenizer)
    assert config.to_dict()["tokens"] == "callable:Tokenizer"
    assert TrainConfig.from_dict(config.to_dict()).tokens == "whitespace"
    model = lexigrad.train(LINES * 9, config)
    model.save(tmp_path / "model.safetensors")
    assert lexigrad.Word2Vec.load(tmp_path / "model.safetensors").vocabulary == model.vocabulary


@pytest.mark.parametrize("tokens", [3, None, ["words"], "letters"])
def test_what_does_not_tokenize_is_refused(tokens: Any) -> None:
    with pytest.raises(ConfigError, match="tokens must be one of whitespace, words, not"):
        TrainConfig(tokens=tokens)


def test_only_tokens_may_be_a_tokenizer() -> None:
    with pytest.raises(ConfigError, match="schedule must be one of"):
        TrainConfig(schedule=Slow())

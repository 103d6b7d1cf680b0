"""Hub folders: other libraries load them and give the same vectors, the card says what is so, and nothing else."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import unicodedata
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lexigrad import (
    KeyedVectors,
    SentenceVectorizer,
    TrainConfig,
    Vocabulary,
    Word2Vec,
    evaluate_analogies,
    evaluate_similarity,
    load_vectors,
    save_hub,
)
from lexigrad.compat.hub import tokenizer as hub_tokenizer
from lexigrad.errors import FormatError, InputError, LexigradError
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Encode = Callable[[list[str]], np.ndarray[Any, Any]]

FILES = [
    *("README.md", "config.json", "config_sentence_transformers.json"),
    *("model.safetensors", "modules.json", "tokenizer.json"),
]
LOWER = ["the", "a", "x", "film", "été", "日本", "don't", "good", "▁y", "new_york", "new york", "i̇", "☃", "b\n", "οδός"]
CASED = [*LOWER, "The", "Film", "NASA", "İ", "ΟΔΟΣ"]
SENTENCES = [
    "the good film",
    "the the film the",
    "the unknown film of axolotls",
    "Film THE été ÉTÉ NASA İ",
    "film,good the日本 日本\u3000☃\x1ca \u00a0don't ▁y y",
    "nothing known here",
    "",
    "   ",
    "new_york new york b x",
    "xx xa ax",
    "ΟΔΌΣ ΟΔΟΣ οδός ὈΔΌΣ.",
]


def vectors_of(words: list[str], dim: int = 8) -> KeyedVectors:
    random_numbers = np.random.default_rng(1)
    return KeyedVectors(words, random_numbers.standard_normal((len(words), dim)), np.arange(len(words), 0, -1))


def model_of(words: list[str], **options: Any) -> Word2Vec:
    vectors = vectors_of(words)
    history = [{"epoch": 1, "loss": 2.5, "learning_rate": 0.0125, "words": 1234}]
    vocabulary = Vocabulary(words, vectors.counts)
    return Word2Vec(vectors.matrix, vectors.matrix, vocabulary, TrainConfig(dim=8, **options), history)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There is none, and nothing asks for it: not even what gets over its absence."""
    asked: list[str] = []

    def refuse(*address: object, **_: object) -> None:
        asked.append(repr(address))
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert asked == []


@pytest.fixture(params=["model2vec", "sentence_transformers"])
def load(request: pytest.FixtureRequest, no_network: None) -> Iterator[Callable[[Path], Encode]]:
    """Loads a folder by another library; returns its function from texts to embeddings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of others
        library = pytest.importorskip(request.param)
        if request.param == "model2vec":
            yield lambda folder: library.StaticModel.from_pretrained(folder).encode
        else:
            yield lambda folder: library.SentenceTransformer(str(folder), device="cpu").encode


def tokenizer_of(words: list[str], tokens: str = "whitespace", *, lowercase: bool = False) -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer.from_str(hub_tokenizer.tokenizer_json(words, tokens, lowercase=lowercase))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("words", [LOWER, CASED], ids=["lower case", "both cases"])
def test_other_libraries_give_the_mean_of_the_known_words(
    tmp_path: Path, load: Callable[[Path], Encode], words: list[str]
) -> None:
    vectors = vectors_of(words)
    save_hub(tmp_path / "hub", vectors)
    known = set(words)
    cut = [s.split() if words is LOWER else [token for token in s.split() if token in known] for s in SENTENCES]
    expected = SentenceVectorizer(vectors).transform(cut)
    found = load(tmp_path / "hub")(SENTENCES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert len(np.unique(expected.round(9), axis=0)) > 7
    assert found.dtype == np.float32


def test_a_model_whose_tokens_are_words_is_cut_into_words_elsewhere_too(
    tmp_path: Path, load: Callable[[Path], Encode]
) -> None:
    model = model_of(LOWER, tokens="words")
    save_hub(tmp_path / "hub", model)
    expected = SentenceVectorizer(model.vectors).transform([re.findall(r"\w+", s.lower()) for s in SENTENCES])
    np.testing.assert_allclose(load(tmp_path / "hub")(SENTENCES), expected, rtol=0, atol=1e-6)


def test_a_long_text_is_not_cut_short(tmp_path: Path, load: Callable[[Path], Encode]) -> None:
    """Which model2vec does after 512 tokens, unless told; its sums in 32 bits are rounded 700 times."""
    vectors = vectors_of(["the", "film"])
    save_hub(tmp_path / "hub", vectors)
    text = "the " * 700 + "film " * 700
    expected = SentenceVectorizer(vectors).transform([text])
    np.testing.assert_allclose(load(tmp_path / "hub")([text]), expected, rtol=0, atol=2e-5)


def test_each_word_alone_is_its_vector_to_the_bit(tmp_path: Path, load: Callable[[Path], Encode]) -> None:
    words = [word for word in LOWER if len(word.split()) == 1 and word == word.strip()]
    vectors = vectors_of(words)
    save_hub(tmp_path / "hub", vectors)
    assert np.array_equal(load(tmp_path / "hub")(words), vectors.matrix)


@pytest.mark.parametrize("tokens", ["whitespace", "words"])
@pytest.mark.parametrize("words", [LOWER, CASED], ids=["lower case", "both cases"])
def test_the_tokenizer_finds_in_any_text_what_lexigrad_finds(tokens: str, words: list[str]) -> None:
    lowercase = words is LOWER
    tokenizer, ids = tokenizer_of(words, tokens, lowercase=lowercase), {word: n for n, word in enumerate(words)}
    cut = str.split if tokens == "whitespace" else re.compile(r"\w+").findall
    draw = random.Random(1)
    others = " \t\n\r\x0b\x1f\x85\u2028.,'-:_Σσςa▁\u0301\ufeff\0"
    pieces = [*words, *(word.upper() for word in words), *others, *20 * " "]
    some_known = 0
    for _ in range(5000):
        text = "".join(draw.choices(pieces, k=draw.randrange(12)))
        expected = [ids[token] for token in cut(text.lower() if lowercase else text) if token in ids]
        assert tokenizer.encode(text, add_special_tokens=False).ids == expected, repr(text)
        some_known += bool(expected)
    assert some_known > 1000


def test_every_character_parts_tokens_or_does_not_as_in_lexigrad() -> None:
    """But for characters that this Python's Unicode does not know yet; those of private use are all alike."""
    characters = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    for tokens, parts in (("whitespace", str.isspace), ("words", lambda c: not (c.isalnum() or c == "_"))):
        tokenizer = tokenizer_of(["a", "b"], tokens)
        found = tokenizer.encode_batch([f"a{c}b" for c in characters], add_special_tokens=False)
        differ = [c for c, encoding in zip(characters, found, strict=True) if (encoding.ids == [0, 1]) != parts(c)]
        assert differ == []


def test_a_last_sigma_is_turned_to_lower_case_as_python_does() -> None:
    lower = tokenizer_of(["ς"], lowercase=True).normalizer.normalize_str
    draw = random.Random(1)
    texts = ["".join(draw.choices("ΣΣΣΑς.'\u0301\u00adʰǅa1 İ日-", k=draw.randrange(1, 10))) for _ in range(20_000)]
    assert [text for text in texts if lower(text) != text.lower()] == []


def test_lexigrad_reads_the_folder_back(tmp_path: Path) -> None:
    vectors = vectors_of(CASED)
    save_hub(tmp_path / "hub", vectors)
    assert names(tmp_path / "hub") == FILES
    for path in (tmp_path / "hub", str(tmp_path / "hub"), tmp_path / "hub" / "model.safetensors"):
        loaded = load_vectors(path)
        assert loaded.words == CASED
        assert np.array_equal(loaded.matrix, vectors.matrix)
        assert np.array_equal(loaded.counts, vectors.counts)  # type: ignore[arg-type]
    with pytest.raises(FormatError, match="not a whole model"):
        Word2Vec.load(tmp_path / "hub" / "model.safetensors")


def test_the_bytes_depend_on_what_is_given_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_hub(tmp_path / name, model_of(LOWER), name="same")
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in FILES)


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (KeyedVectors(["a", ""], [[1.0], [2.0]]), "the word of row 1 is empty"),
        (KeyedVectors([], np.empty((0, 3))), "no word to write"),
        (KeyedVectors(["a"], [[np.nan]], check=False), "the vector of 'a'"),
        (KeyedVectors(["\ud800"], [[1.0]]), "cannot be written in UTF-8"),
        (model_of(["a"], tokens=str.split), "tokenizer is a function"),
    ],
    ids=["an empty word", "no words", "not a number", "half a character", "a function"],
)
def test_what_no_folder_can_hold_is_refused_and_nothing_is_left(tmp_path: Path, vectors: Any, sentence: str) -> None:
    with pytest.raises(LexigradError, match=sentence):
        save_hub(tmp_path / "hub", vectors)
    assert names(tmp_path) == []


def test_a_tokenizer_that_was_a_function_can_be_replaced_by_a_name(tmp_path: Path) -> None:
    save_hub(tmp_path / "hub", model_of(["a"], tokens=str.split), tokens="words")
    assert (
        hub_tokenizer.SEPARATORS["words"]
        in json.loads((tmp_path / "hub" / "tokenizer.json").read_text())["pre_tokenizer"]["pretokenizers"][0][
            "pattern"
        ].values()
    )
    with pytest.raises(InputError, match="one of whitespace, words"):
        save_hub(tmp_path / "other", vectors_of(["a"]), tokens="letters")  # type: ignore[arg-type]


def test_a_folder_with_something_in_it_is_taken_only_when_told_and_keeps_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    save_hub(folder, vectors_of(["old"]))
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(LexigradError, match="not empty"):
        save_hub(folder, vectors_of(["new"]))
    assert load_vectors(folder).words == ["old"]
    save_hub(folder, vectors_of(["new"]), overwrite=True)
    assert load_vectors(folder).words == ["new"]
    assert names(folder) == sorted([*FILES, "notes.txt"])
    assert names(tmp_path) == ["hub"]


def test_a_folder_that_is_half_replaced_is_refused_by_its_readers(
    tmp_path: Path, load: Callable[[Path], Encode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New words with old vectors would be worse than nothing."""
    folder = tmp_path / "hub"
    save_hub(folder, vectors_of(["old", "words"]))
    replace = os.replace

    def fail_at_the_tokenizer(source: Any, target: Any) -> None:
        if Path(target) == folder / "tokenizer.json":
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_tokenizer)
    with pytest.raises(LexigradError, match=r"cannot write .*hub: Input/output error"):
        save_hub(folder, vectors_of(["new", "words"]), overwrite=True)
    assert names(tmp_path) == ["hub"]
    with pytest.raises(Exception):  # noqa: B017  # each library has its own
        load(folder)


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.safetensors"])
def test_a_disk_that_fills_up_leaves_nothing_and_the_error_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == missing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LexigradError) as caught:
        save_hub(tmp_path / "hub", vectors_of(["a"]))
    assert str(caught.value) == f"cannot write {tmp_path / 'hub' / missing}: No space left on device"
    assert names(tmp_path) == []


def test_folders_that_are_no_hub_folders_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"it is a folder without model\.safetensors"):
        load_vectors(tmp_path)
    write_native(tmp_path / "model.safetensors", {"embeddings": np.zeros((2, 3), np.float32)}, {"format": "pt"})
    with pytest.raises(FormatError, match="names the format 'pt'"):
        load_vectors(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"embeddings": np.zeros((3, 4), np.float32)}, "2 words need a matrix of as many rows|need a matrix"),
        ({"embeddings": np.zeros((2, 4), np.float64)}, "must be float32 of 2 dimensions"),
        ({"embeddings": np.zeros(2, np.float32)}, "must be float32 of 2 dimensions"),
        ({"word_ends": np.array([9, 2])}, "do not divide"),
        ({"counts": np.array([-1, 2])}, "counts must be at least 0"),
        ({"words": None}, "no tensor 'words'"),
        ({"embeddings": None}, "no tensor 'V'"),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    save_hub(tmp_path / "hub", vectors_of(["a", "b"], 4))
    path = tmp_path / "hub" / "model.safetensors"
    tensors, metadata = read_native(path)
    changed = {**{name: tensor.copy() for name, tensor in tensors.items()}, **change}
    write_native(path, {name: tensor for name, tensor in changed.items() if tensor is not None}, metadata)
    with pytest.raises(FormatError, match=sentence):
        load_vectors(tmp_path / "hub")


def test_a_model_without_V_is_no_crash(tmp_path: Path) -> None:
    model_of(["a"]).save(tmp_path / "model.safetensors")
    tensors, metadata = read_native(tmp_path / "model.safetensors")
    renamed = {("embeddings" if name == "V" else name): tensor.copy() for name, tensor in tensors.items()}
    write_native(tmp_path / "renamed.safetensors", renamed, metadata)
    assert Word2Vec.load(tmp_path / "renamed.safetensors").vectors.words == ["a"]


# The card


def card_of(folder: Path) -> Any:
    """The card as the Hub's own library reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hub = pytest.importorskip("huggingface_hub")
        return hub.ModelCard.load(folder / "README.md")


@pytest.fixture
def results(tmp_path: Path) -> list[Any]:
    (tmp_path / "questions.txt").write_text(": pairs\na b c d\nb a d c\na c b d\na b x y\n")
    (tmp_path / "pairs.txt").write_text("a b 9\na c 5\nb c 1\nd a 3\na y 2\n")
    vectors = vectors_of(list("abcd"))
    return [
        evaluate_similarity(vectors, tmp_path / "pairs.txt"),
        evaluate_analogies(vectors, tmp_path / "questions.txt", restrict=3, count_unknown=True),
    ]


def test_the_hub_reads_the_metadata_of_the_card(tmp_path: Path, results: list[Any]) -> None:
    told: Any = {"name": "me/four", "license": "mit", "languages": ["no", "en"]}
    save_hub(tmp_path / "hub", vectors_of(list("abcd")), results=results, **told)
    data = card_of(tmp_path / "hub").data
    assert (data.license, data.language, data.library_name) == ("mit", ["no", "en"], "sentence-transformers")
    assert data.pipeline_tag == "feature-extraction"
    assert data.model_name == "me/four"
    found = {(entry.dataset_name, entry.metric_type): entry.metric_value for entry in data.eval_results}
    similar, analogies = results
    assert found == {
        ("pairs.txt", "spearman"): pytest.approx(similar.spearman, abs=1e-6),
        ("pairs.txt", "pearson"): pytest.approx(similar.pearson, abs=1e-6),
        ("questions.txt", "accuracy"): pytest.approx(analogies.total.accuracy, abs=1e-6),
    }


def test_the_card_shows_each_score_with_its_interval_and_coverage(tmp_path: Path, results: list[Any]) -> None:
    save_hub(tmp_path / "hub", vectors_of(list("abcd")), results=results)
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    similar = results[0]
    low, high = similar.spearman_interval
    assert f"| pairs.txt | Spearman | {similar.spearman:.3f} | {low:.3f} to {high:.3f} | 4 | 5 | 1 |" in text
    assert "| questions.txt: pairs | 3CosAdd | 0.0 % | 0.0 to 63.1 | 0 | 4 | 4 |" in text
    assert "Only the 3 most frequent words were asked and could answer." in text
    assert "Questions with unknown words count as answered wrongly." in text
    assert "Pairs with unknown words count" not in text


def test_scores_that_are_not_defined_are_not_invented(tmp_path: Path) -> None:
    (tmp_path / "banana.txt").write_text("x y 1\ny z 2\n")
    vectors = vectors_of(list("ab"))
    save_hub(tmp_path / "hub", vectors, results=[evaluate_similarity(vectors, tmp_path / "banana.txt")])
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "| banana.txt | Spearman | – | – | 0 | 2 | 2 |" in text
    assert "model-index" not in text


def test_the_card_tells_every_option_of_the_training_and_its_records(tmp_path: Path) -> None:
    model = model_of(LOWER, window=7, noise_exponent=0.5)
    save_hub(tmp_path / "hub", model)
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == set(model.config.to_dict())
    assert "| `window` | 7 |" in text
    assert "| `noise_exponent` | 0.5 |" in text
    assert "| `learning_rate` | 0.025 |" in text
    assert "| 1 | 1,234 | 0.0125 | 2.5000 |" in text
    assert f"Vectors of {len(LOWER)} words, 8 numbers each" in text
    assert f"come {int(model.vectors.counts.sum()):,} times" in text  # type: ignore[union-attr]


def test_of_a_long_history_the_card_shows_some_records_the_kept_and_the_last_one(tmp_path: Path) -> None:
    model = model_of(LOWER)
    model.history.clear()
    model.history.extend({"epoch": n, "loss": 1 / n, **({"kept": True} if n == 42 else {})} for n in range(1, 102))
    save_hub(tmp_path / "hub", model)
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    epochs = [int(n) for n in re.findall(r"^\| (\d+) \| [\d.]+ \|", text, flags=re.MULTILINE)]
    assert epochs == sorted({*range(6, 102, 6), 42, 101})
    assert f"{len(epochs)} of 101 records" in text


def test_of_vectors_alone_the_card_says_nothing_of_a_training(tmp_path: Path) -> None:
    save_hub(tmp_path / "hub", KeyedVectors(["a", "b"], [[1], [2]]))
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "## Training" not in text
    assert "## Evaluation" not in text
    assert "license" not in text
    assert "language" not in text
    assert "times in the text" not in text


def test_the_code_on_the_card_runs(tmp_path: Path, no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_hub(tmp_path / 'hu"b`', vectors_of(["a`b", "c\\d", 'e"f', "g\u202eh"]))
    ran = []
    for block in re.findall(r"^```python\n(.*?)^```", card_text(tmp_path / 'hu"b`'), flags=re.DOTALL | re.MULTILINE):
        library = re.findall(r"^(?:import|from) (\w+)", block, flags=re.MULTILINE)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                __import__(library)
            except ImportError:
                continue
            names: dict[str, Any] = {}
            exec(block, names)
        ran.append(library)
        embeddings = names.get("embeddings")
        assert embeddings is None or np.abs(embeddings).min(axis=1).all()  # all words of the examples are known
    assert "lexigrad" in ran


def card_text(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:1)",
    "http://evil.example",
    "www.evil.example",
    "a | b || c",
    "**bold** _x_ `code`",
    "``` \n# heading\n---\n",
    'quo"te \\ slash',
    "\u202eltr\u2028line\x00\x1b[31m",
    "{{ jinja }} $x^2$",
    "&lt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_stays_text_in_the_card(tmp_path: Path, text: str) -> None:
    (tmp_path / "questions.txt").write_text(f": {text!r}\na b c d\n")
    vectors = vectors_of([*"abcd", text])
    model = model_of([*"abcd", text], device=text)
    model.history.append({text: text, "validation": {text: [text]}, "list": [text]})
    result = evaluate_analogies(vectors, tmp_path / "questions.txt")
    save_hub(tmp_path / "hub", model, name=text, license=text, languages=[text], results=[result])
    data = card_of(tmp_path / "hub").data
    assert (data.license, data.language, data.model_name) == (text, [text], text)
    body = card_text(tmp_path / "hub").split("\n---\n", 1)[1]
    assert all(character.isprintable() or character == "\n" for character in body)
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark", {"linkify": False}).enable("table")
    kinds: list[str] = []
    for token in markdown.parse(body):
        kinds += [token.type, *(child.type for child in token.children or ())]
    assert not {"html_inline", "html_block", "link_open", "image", "em_open", "strong_open", "hr"} & set(kinds)
    assert (kinds.count("heading_open"), kinds.count("fence"), kinds.count("table_open")) == (4, 3, 3)


def test_the_folder_names_the_model_when_nothing_else_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "royals").mkdir()
    monkeypatch.chdir(tmp_path / "royals")
    save_hub(".", vectors_of(["a"]))
    assert "\n# royals\n" in card_text(tmp_path / "royals")
    shutil.rmtree(tmp_path / "royals")

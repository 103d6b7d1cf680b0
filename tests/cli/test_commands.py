"""The commands that measure, compare, classify and draw: what they print, write and refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result

import lexigrad
from lexigrad.cli import main as cli
from lexigrad.cli.console import Display
from lexigrad.evaluation import sentiment
from lexigrad.gradcheck import classifiers

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["man", "woman", "king", "queen", "boy", "girl"]
MATRIX = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 3], [0, 1, 3], [2, 0, 1], [2, 1, 1]], dtype=float)
QUESTIONS = (
    ": royals\nman woman king queen\nking queen boy girl\nman woman prince princess\n: young\nman woman boy girl\n"
)
PAIRS = "king queen 9\nman boy 7\nking girl 2\nboy queen 1\nking horse 3\n"
TEXT = 60 * "the king and the queen sat in the hall of the land\nthe man and the woman ate bread in the house\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with good and bad vectors, questions, pairs and a text."""
    counts = [400, 200, 90, 80, 9, 6]
    lexigrad.save_vectors(tmp_path / "good.safetensors", lexigrad.KeyedVectors(WORDS, MATRIX, counts))
    lexigrad.save_vectors(tmp_path / "bad.safetensors", lexigrad.KeyedVectors(WORDS, MATRIX[::-1] ** 2 - 1, counts))
    (tmp_path / "questions.txt").write_text(QUESTIONS)
    (tmp_path / "pairs.txt").write_text(PAIRS)
    (tmp_path / "corpus.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# evaluate


def test_evaluate_prints_scores_with_intervals_and_coverage(folder: Path) -> None:
    result = run("evaluate", "good.safetensors", "--analogies", "questions.txt", "--similarity", "pairs.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *rows = result.stdout.splitlines()
    assert heading.split()[:3] == ["set", "measure", "score"]
    assert [row.split("  ")[0] for row in rows] == [
        *("pairs.txt", "pairs.txt", "questions.txt: royals", "questions.txt: young", "questions.txt")
    ]
    low = lexigrad.evaluate_analogies(lexigrad.load_vectors("good.safetensors"), "questions.txt").total.interval[0]
    bounds = [f"{100 * low:.1f}", "to", "100.0"]
    assert rows[-1].split() == ["questions.txt", "3CosAdd", "100.0", "%", *bounds, "3", "4", "1"]


def test_evaluate_compares_several_vectors_on_common_items(folder: Path) -> None:
    result = run("evaluate", "good.safetensors", "bad.safetensors", "--analogies", "questions.txt")
    rows = result.stdout.splitlines()
    assert [row.split()[0] for row in rows if row] == [
        "vectors",
        "good.safetensors",
        "bad.safetensors",
        "first",
        rows[-1].split()[0],
    ]
    assert rows[-1].split()[:2] == ["good.safetensors", "bad.safetensors"]
    assert rows[-1].split()[-1] in {"yes", "no"}


def test_evaluate_as_json_is_what_the_library_finds(folder: Path) -> None:
    options = ["--analogies=questions.txt", "--similarity=pairs.txt", "--method=3cosmul", "--restrict=5"]
    printed = json.loads(run("evaluate", "good.safetensors", "bad.safetensors", *options, "--json").stdout)
    vectors = lexigrad.load_vectors("good.safetensors")
    expected = [
        lexigrad.evaluate_similarity(vectors, "pairs.txt", restrict=5).to_dict(),
        lexigrad.evaluate_analogies(vectors, "questions.txt", restrict=5, method="3cosmul").to_dict(),
    ]
    assert printed["vectors"][0] == {"vectors": "good.safetensors", "results": expected}
    assert [found["set"] for found in printed["differences"]] == ["pairs.txt", "questions.txt"]


def test_evaluate_searches_all_words_when_restricted_to_0(folder: Path) -> None:
    printed = json.loads(
        run("evaluate", "good.safetensors", "--analogies=questions.txt", "--restrict=0", "--json").stdout
    )
    assert printed["vectors"][0]["results"][0]["restrict"] is None


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["evaluate", "good.safetensors"], 2, "give --analogies or --similarity"),
        (["evaluate", "good.safetensors", "--similarity=questions.txt"], 1, "questions.txt, line 1"),
        (["evaluate", "good.safetensors", "--analogies=pairs.txt"], 1, "pairs.txt, line 1"),
        (["evaluate", "missing.bin", "--analogies=questions.txt"], 1, "missing.bin"),
        (["stability", "good.safetensors"], 1, "at least two"),
        (["neighbors", "good.safetensors", "--also=bad.safetensors", "quen"], 1, "queen"),
        (["plot", "good.safetensors", "king", "queen", "-o", "words.doc"], 2, "must end in .svg, .pdf or .png"),
        (["plot", "good.safetensors", "king", "quen", "-o", "words.svg"], 1, "queen"),
        (["sentiment", "good.safetensors", "--treebank=nowhere"], 1, "nowhere"),
        (["course", "--treebank=nowhere"], 1, "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    folder: Path, arguments: list[str], status: int, sentence: str
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in " ".join(result.stderr.split())
    assert sorted(path.name for path in folder.iterdir()) == before


# seeds and stability


def test_train_writes_a_file_for_each_seed(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "model.safetensors", "--dim=8", "--threads=1", "--seeds=2", "--seed=5")
    assert result.exit_code == 0
    assert not (folder / "model.safetensors").exists()
    models = [lexigrad.Word2Vec.load(folder / f"model.seed{seed}.safetensors") for seed in (5, 6)]
    assert [model.config.seed for model in models] == [5, 6]
    alone = run("train", "corpus.txt", "-o", "alone.safetensors", "--dim=8", "--threads=1", "--seed=6")
    assert alone.exit_code == 0
    assert (lexigrad.Word2Vec.load("alone.safetensors").V == models[1].V).all()


def test_train_with_seeds_as_json_lists_the_models(folder: Path) -> None:
    result = run("train", "corpus.txt", "-o", "v.bin", "--dim=8", "--epochs=1", "--seeds=2", "--json", "--quiet")
    printed = json.loads(result.stdout)
    assert [model["output"] for model in printed["models"]] == ["v.seed1.bin", "v.seed2.bin"]
    assert printed["words_done"] == 2 * printed["report"]["kept"]


def test_neighbors_of_several_trainings_say_how_many_agree(folder: Path) -> None:
    also = run("neighbors", "good.safetensors", "--also", "bad.safetensors", "king", "-n2")
    expected = lexigrad.VectorsSet(
        [lexigrad.load_vectors("good.safetensors"), lexigrad.load_vectors("bad.safetensors")]
    ).most_similar("king", n=2)
    assert also.stdout == "".join(f"{word}\t{cosine:.4f}\t{agree}/2\n" for word, cosine, agree in expected)
    by_glob = json.loads(run("neighbors", "*.safetensors", "king", "-n2", "--json").stdout)
    assert [row[0] for row in by_glob["king"]] == [neighbor.word for neighbor in expected]


def test_stability_is_printed_for_rare_and_for_frequent_words(folder: Path) -> None:
    result = run("stability", "*.safetensors", "-n1")
    assert result.exit_code == 0
    assert [line.split("  ")[0] for line in result.stdout.splitlines()] == [
        *("occurrences", "5 to 19", "20 to 99", "100 to 999", "any")
    ]
    printed = json.loads(run("stability", "good.safetensors", "good.safetensors", "-n1", "--json").stdout)
    assert printed["words"] == dict.fromkeys(WORDS, 1.0)


def test_words_that_some_trainings_lack_are_counted(folder: Path) -> None:
    lexigrad.save_vectors("few.bin", lexigrad.KeyedVectors(WORDS[:4], MATRIX[:4]))
    assert (
        "left out words that not all of the files have: 2, 0" in run("stability", "good.safetensors", "few.bin").stderr
    )


# sentences and pictures


@pytest.fixture
def treebank(folder: Path) -> Path:
    """Trees and the official sentences, side by side."""
    trees = "(4 (3 Queen) (2 girl))\n(0 (1 King) (2 man))\n(3 (3 woman) (2 girl))\n(1 (1 boy) (2 man))\n"
    (folder / "trees").mkdir()
    for split in ("train", "dev", "test"):
        (folder / "trees" / f"{split}.txt").write_text(trees)
    (folder / "official").mkdir()
    lines = [f"{number}\tThe king of land {number} saw queen {number}" for number in range(1, 200)]
    sentences = "\n".join(["sentence_index\tsentence", *lines]) + "\n"
    (folder / "official" / "datasetSentences.txt").write_text(sentences)
    return folder


def test_sentiment_prints_a_table_confusions_and_errors_and_draws(treebank: Path) -> None:
    result = run("sentiment", "good.safetensors", "--treebank", "trees", "--plot-to", "pictures", "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("vectors")
    for said in (
        "confusion on the dev set",
        "groups of errors on the dev set",
        "worst error of",
        "L2 below 100 brings",
    ):
        assert f"good.safetensors: {said}" in result.stdout
    assert "extremes: " in result.stdout
    assert "first less second" not in result.stdout
    names = sorted(path.name for path in (treebank / "pictures").iterdir())
    assert names == ["sentiment-confusion.svg", "sentiment-groups.svg", "sentiment-sweep.svg"]


def test_sentiment_as_json_has_each_file_by_name(treebank: Path) -> None:
    files = ["good.safetensors", "bad.safetensors"]
    printed = json.loads(run("sentiment", *files, "--treebank", "trees", "--hidden=2", "--json", "--quiet").stdout)
    names = [name for file in files for name in (file, f"{file}, 2 hidden")]
    assert [found["name"] for found in printed] == names
    assert [found["hidden"] for found in printed] == [None, 2, None, 2]
    for found in printed:
        assert found["gradient_check"]["entries"] == found["parameters"]
        assert found["gradient_check"]["worst_error"] < 1e-6
        assert sorted(found["less"]) == sorted({*names} - {found["name"]})
    first, network = printed[0]["less"][names[1]]["test"], printed[1]["less"][names[0]]["test"]
    assert first["difference"] == -network["difference"]
    assert (first["only_first"], first["only_second"]) == (network["only_second"], network["only_first"])


def test_several_files_are_compared_in_pairs(treebank: Path) -> None:
    lines = run("sentiment", "good.safetensors", "bad.safetensors", "--treebank", "trees", "-q").stdout.splitlines()
    start = lines.index("first less second, in points")
    assert lines[start + 2].split()[:2] == ["good.safetensors", "bad.safetensors"]
    assert "p = " in lines[start + 2]
    assert lines[start + 3] == ""


def test_course_prints_costs_keeps_the_vectors_and_classifies(treebank: Path) -> None:
    arguments = ["course", "--treebank", "official", "--iterations=20", "-o", "v.bin", "--plot-to", "pictures", "-q"]
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    costs = [line.split("\t") for line in result.stdout.splitlines()[:2]]
    assert [iteration for iteration, _ in costs] == ["10", "20"]
    assert "published: dev 30.4" in result.stdout
    assert lexigrad.load_vectors("v.bin").dim == 20
    assert "course-costs.svg" in {path.name for path in (treebank / "pictures").iterdir()}


def test_course_says_why_nothing_is_classified(treebank: Path) -> None:
    (treebank / "trees" / "train.txt").unlink()
    result = run("course", "--treebank", "official", "--iterations=10", "--json")
    assert result.exit_code == 0
    assert "sentences are not classified" in result.stderr
    assert json.loads(result.stdout)["sentiment"] is None


def break_labels(folder: Path, kind: str) -> None:
    """Make the labels beside the official folder unusable for a classifier."""
    if kind == "train only":
        (folder / "trees" / "dev.txt").unlink()
        (folder / "trees" / "test.txt").unlink()
    elif kind == "one class":
        (folder / "trees" / "train.txt").write_text("(4 king)\n(4 queen)\n")
    else:
        (folder / "trees" / f"{kind}.txt").write_text("(3 king)\n(9 queen)\n")


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("train only", 0, "dev.txt"),
        ("one class", 1, "all 2 sentences of the training set have the label 4"),
        ("train", 1, "train.txt, line 2: a label is '9'"),
        ("dev", 1, "dev.txt, line 2: a label is '9'"),
        ("test", 1, "test.txt, line 2: a label is '9'"),
    ],
)
def test_course_finds_bad_labels_before_it_trains_and_prints_what_it_computed(
    treebank: Path, monkeypatch: pytest.MonkeyPatch, kind: str, status: int, reason: str
) -> None:
    break_labels(treebank, kind)
    said: list[str] = []
    monkeypatch.setattr(Display, "say", lambda _, message: said.append(message))
    monkeypatch.setattr(Display, "course", lambda *_: said.append("trained"))
    arguments = ["course", "--treebank=official", "--iterations=10", "--plot-to=pictures"]
    told = run(*arguments)
    assert reason in said[0]
    assert said[1] == "trained"
    assert told.exit_code == status
    assert told.stdout.startswith("10\t")
    assert reason in told.stdout
    assert (treebank / "pictures" / "course-costs.svg").exists()
    data = run(*arguments, "--json")
    assert data.exit_code == status
    assert len(json.loads(data.stdout)["costs"]) == 1
    assert reason in json.loads(data.stdout)["not_classified"]
    assert (reason in data.stderr) == (status == 1)


def test_course_prints_its_costs_when_classifying_fails(treebank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise lexigrad.MissingExtraError("classifying needs scikit-learn: install it")

    monkeypatch.setattr(sentiment, "classify_sentiment", fail)
    result = run("course", "--treebank=official", "--iterations=10", "--json", "-q")
    assert (result.exit_code, result.stderr) == (1, "Error: classifying needs scikit-learn: install it\n")
    assert json.loads(result.stdout)["not_classified"] == "classifying needs scikit-learn: install it"


def test_a_failed_check_of_a_gradient_takes_no_result(treebank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, name: str, **__: object) -> None:
        raise lexigrad.GradientError(f"{name}: the gradient is 2, but finite differences give 3")

    monkeypatch.setattr(classifiers, "check_classifier", fail)
    arguments = ["sentiment", "good.safetensors", "bad.safetensors", "--treebank=trees", "-q"]
    sentence = "good.safetensors: the gradient is 2, but finite differences give 3; scale the vectors to lengths near 1"
    told = run(*arguments)
    assert told.exit_code == 1
    assert "bad.safetensors: the check of its gradient failed\n" in told.stdout
    assert "bad.safetensors: worst errors on the dev set" in told.stdout
    assert told.stderr == f"Error: {sentence}, and classify again\n"
    data = run(*arguments, "--json")
    assert (data.exit_code, data.stderr) == (1, told.stderr)
    first, second = json.loads(data.stdout)
    assert first["gradient_check"]["failed"].startswith(sentence)
    assert list(second["less"]) == ["good.safetensors"]


def test_one_file_of_vectors_that_cannot_be_used_takes_no_others_results(treebank: Path) -> None:
    lexigrad.save_vectors("huge.bin", lexigrad.KeyedVectors(WORDS, 1e38 * MATRIX / MATRIX.max()))
    lexigrad.save_vectors("other.bin", lexigrad.KeyedVectors(["buono"], [[1.0]]))
    result = run("sentiment", "huge.bin", "good.safetensors", "other.bin", "--treebank=trees", "-q", "--json")
    assert result.exit_code == 1
    assert [found["name"] for found in json.loads(result.stdout)] == ["good.safetensors"]
    assert result.stderr.startswith("Error: huge.bin: the mean vector of a sentence holds a number of size ")
    assert "overflows in 32 bits; scale the vectors" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["sentiment", "good.safetensors", "--treebank=trees"], ["course", "--treebank=x"]])
@pytest.mark.parametrize("place", ["a.file", "a.file/below", "/proc/none", "taken"])
def test_a_place_where_no_picture_can_be_is_wrong_usage(treebank: Path, command: list[str], place: str) -> None:
    (treebank / "a.file").touch()
    (treebank / "taken" / "sentiment-sweep.svg").mkdir(parents=True)
    result = run(*command, "--plot-to", place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--plot-to'" in result.stderr
    assert place == "a.file" or "; name another" in result.stderr


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_plot_draws_words_into_a_file(folder: Path, ending: str, start: bytes) -> None:
    result = run("plot", "good.safetensors", "king", "queen", "man", "-o", f"words.{ending}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (folder / f"words.{ending}").read_bytes().startswith(start)


# hub


def test_hub_writes_a_folder_with_the_training_and_the_scores_on_its_card(folder: Path) -> None:
    assert run("train", "corpus.txt", "-o", "model.safetensors", "--dim=8", "--epochs=2", "--quiet").exit_code == 0
    told = ["--name=me/royals", "--license=mit", "--language=en", "--language=no"]
    result = run("hub", "model.safetensors", "royals", *told, "--similarity=pairs.txt", "--analogies=questions.txt")
    assert (result.exit_code, result.stdout) == (0, "")
    model = lexigrad.Word2Vec.load("model.safetensors")
    assert result.stderr == f"wrote royals: {len(model.vocabulary)} words, 8 numbers each\n"
    card = (folder / "royals" / "README.md").read_text(encoding="utf-8")
    lexigrad.save_hub(
        folder / "same",
        model,
        name="me/royals",
        license="mit",
        languages=["en", "no"],
        results=[
            lexigrad.evaluate_similarity(model.vectors, "pairs.txt"),
            lexigrad.evaluate_analogies(model.vectors, "questions.txt"),
        ],
    )
    assert card == (folder / "same" / "README.md").read_text(encoding="utf-8")
    assert "| `epochs` | 2 |" in card
    assert "| pairs.txt | Spearman |" in card
    assert (
        run("neighbors", "royals", "king", "-n1").stdout == run("neighbors", "model.safetensors", "king", "-n1").stdout
    )


def test_hub_takes_vectors_of_any_format_and_says_what_the_card_lacks(folder: Path) -> None:
    assert run("convert", "good.safetensors", "good.bin").exit_code == 0
    for vectors in ("good.safetensors", "good.bin"):
        result = run("hub", vectors, "royals", "--force")
        assert result.stderr == "wrote royals: 6 words, 3 numbers each; the card states no license and no language\n"
        assert np.array_equal(lexigrad.load_vectors("royals").matrix, lexigrad.load_vectors(vectors).matrix)
    assert "## Training" not in (folder / "royals" / "README.md").read_text(encoding="utf-8")


def test_hub_takes_a_folder_that_is_not_empty_only_by_force_and_says_so_before_any_work(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "README.md").write_text("mine")
    result = run("hub", "no such file", "mine")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (folder / "mine" / "README.md").read_text() == "mine"
    assert run("hub", "good.safetensors", "mine", "--force").exit_code == 0
    result = run("hub", "no such file", "new")
    assert (result.exit_code, "no such file" in result.stderr) == (1, True)
    assert not (folder / "new").exists()

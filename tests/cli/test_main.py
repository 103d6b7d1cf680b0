"""The command line: what it prints where, its exit status, and that it refuses early and in one sentence."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
import warnings
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result
from places import GOLDEN

import lexigrad
from lexigrad.cli import main as cli
from lexigrad.cli.console import Display, print_columns
from lexigrad.config import TrainConfig
from lexigrad.errors import GradientError
from lexigrad.training.progress import TrainProgress
from lexigrad.vectors.formats import sniff

if TYPE_CHECKING:
    from pathlib import Path

TEXT = 60 * "the king and the queen sat in the hall of the land\nthe man and the woman ate bread in the house\n"
FAST = ["--dim=8", "--epochs=2", "--threads=1"]
WORDS = {"king": [1.0, 0.0], "queen": [0.9, 0.1], "man": [0.1, 0.9], "woman": [0.0, 1.0]}


def run(*arguments: str | Path, **options: str) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments], **options)


def start(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    """A process of its own, as a shell would start it."""
    command = [sys.executable, "-m", "lexigrad", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, text=True, **pipes)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    lexigrad.save_vectors(path, lexigrad.KeyedVectors(list(WORDS), list(WORDS.values())))
    return path


# train


def test_train_writes_a_model_and_prints_nothing_to_standard_output(corpus: Path) -> None:
    out = corpus.with_name("model.safetensors")
    result = run("train", corpus, "-o", out, *FAST, "--model=cbow", "--seed=7")
    assert (result.exit_code, result.stdout) == (0, "")
    model = lexigrad.Word2Vec.load(out)
    assert (model.config.dim, model.config.model, model.config.seed) == (8, "cbow", 7)
    assert f"wrote {len(model.vocabulary)} vectors of length 8 to {out}" in result.stderr
    assert "read 1 file" in result.stderr


@pytest.mark.parametrize("ending", ["txt", "bin"])
def test_train_writes_vectors_in_the_format_of_the_ending(corpus: Path, ending: str) -> None:
    out = corpus.with_name(f"vectors.{ending}")
    assert run("train", corpus, "-o", out, *FAST).exit_code == 0
    assert lexigrad.load_vectors(out).dim == 8


def test_train_reads_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "model.safetensors"
    assert run("train", "-", "-o", out, *FAST, input=TEXT).exit_code == 0
    assert "queen" in lexigrad.load_vectors(out)


def test_train_says_nothing_when_quiet_and_json_when_asked(corpus: Path) -> None:
    result = run("train", corpus, "-o", corpus.with_name("v.bin"), *FAST, "--quiet", "--json")
    assert result.stderr == ""
    printed = json.loads(result.stdout)
    assert printed["report"]["lines"] == 120
    assert printed["words_done"] == 2 * printed["report"]["kept"]
    assert printed["words_per_second"] == pytest.approx(printed["words_done"] / printed["seconds"])
    assert [epoch["epoch"] for epoch in printed["history"]] == [1, 2]


def test_progress_is_a_few_plain_lines_where_there_is_no_terminal(corpus: Path) -> None:
    result = run("train", corpus, "-o", corpus.with_name("v.bin"), *FAST)
    lines = [line for line in result.stderr.splitlines() if line.startswith("training")]
    assert 1 <= len(lines) <= 10
    assert all("words/s, learning rate" in line for line in lines)
    assert "\x1b" not in result.stderr


def test_a_saved_corpus_is_trained_on_with_the_vocabulary_it_was_saved_with(corpus: Path) -> None:
    corpus.write_text(TEXT + "rare rare\n", encoding="utf-8")
    saved, out = corpus.with_name("saved"), corpus.with_name("model.safetensors")
    assert run("vocab", corpus, "--save", saved, "--min-count=2").exit_code == 0
    assert run("train", saved, "-o", out, *FAST).exit_code == 0
    assert "rare" in lexigrad.load_vectors(out)
    assert run("train", saved, "-o", out, *FAST, "--max-vocabulary=100").exit_code == 0
    assert "rare" in lexigrad.load_vectors(out)
    assert run("train", saved, "-o", out, *FAST, "--min-count=3").exit_code == 0
    assert "rare" not in lexigrad.load_vectors(out)


def test_a_saved_vocabulary_is_used_as_it_is(corpus: Path) -> None:
    vocabulary, out = corpus.with_name("words.txt"), corpus.with_name("v.bin")
    vocabulary.write_text("king 60\nqueen 60\n", encoding="utf-8")
    assert run("train", corpus, "-o", out, *FAST, "--vocabulary", vocabulary).exit_code == 0
    assert lexigrad.load_vectors(out).words == ["king", "queen"]


def test_train_has_an_option_for_every_field_of_the_config() -> None:
    flags = {flag for option in cli.train.params for flag in option.opts}
    assert {f"--{option.name.replace('_', '-')}" for option in fields(TrainConfig)} <= flags


def test_options_mean_the_defaults_of_the_config_when_not_given() -> None:
    defaults = {option.name: option.default for option in fields(TrainConfig)}
    with cli.train.make_context("train", ["corpus", "-o", os.path.join(tempfile.gettempdir(), "v.bin")]) as ctx:
        assert {name: ctx.params[name] for name in defaults} == defaults


# refusals


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "model.pickle"], "must end in .safetensors, .txt, .vec, .bin or .npz"),
        (["-o", "no/such/folder/model.bin"], "cannot be written: No such file or directory"),
        (["-o", "folder.bin"], "is a directory"),
        (["-o", "corpus.txt"], "is to be read and to be written"),
        (["-o", "v.bin", "--dim=2001"], "2001 is not in the range"),
        (["-o", "v.bin", "--dim=0"], "0 is not in the range 1<=x<=2000"),
        (["-o", "v.bin", "--model=glove"], "'glove' is not one of"),
        (["-o", "v.bin", "--subsample=nan"], "subsample must be finite"),
        (["-o", "v.bin", "--learning-rate=0.01", "--min-learning-rate=0.1"], "min_learning_rate is 0.1, above"),
        ([], "Missing option '-o'"),
    ],
)
def test_wrong_usage_ends_with_2_before_the_text_is_read(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(corpus.parent)
    (corpus.parent / "folder.bin").mkdir()
    monkeypatch.setattr(lexigrad, "read_corpus", lambda *_, **__: pytest.fail("the text was read"))
    result = run("train", "corpus.txt", *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert corpus.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "missing.txt", "-o", "v.bin"], "missing.txt"),
        (["train", "empty.txt", "-o", "v.bin"], "empty"),
        (["vocab", "latin.txt"], "latin.txt"),
        (["neighbors", "missing.bin", "king"], "missing.bin"),
        (["neighbors", "vectors.txt", "kin"], "king"),
        (["analogy", "vectors.txt", "king", "quen", "man"], "queen"),
        (["convert", "empty.txt", "out.bin"], "empty.txt"),
        (["train", "corpus.txt", "-o", "v.bin", "--vocabulary", "missing"], "missing"),
    ],
)
@pytest.mark.usefixtures("vectors")
def test_what_the_library_refuses_is_one_sentence_and_status_1(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(corpus.parent)
    (corpus.parent / "empty.txt").touch()
    (corpus.parent / "latin.txt").write_bytes(b"caf\xe9 \xe9\n")
    before = sorted(os.listdir())
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "/tmp/x"), "Error: /tmp/x: No space left on device\n"),
        (MemoryError("Unable to allocate 1 TiB"), "Error: not enough memory: Unable to allocate 1 TiB\n"),
    ],
)
def test_what_the_system_refuses_is_one_sentence_too(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(lexigrad, "read_corpus", fail)
    result = run("vocab", corpus)
    assert (result.exit_code, result.stderr) == (1, sentence)


STRANGE = "no\x1b[31mne\n.txt"
SEEN = r"no\x1b[31mne\n.txt"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["neighbors", STRANGE, "king"], 1),
        (["convert", STRANGE, "v.bin"], 1),
        (["sentiment", "v.txt", "--treebank", STRANGE], 1),
        (["course", "--treebank", STRANGE], 1),
        (["convert", "vectors.txt", f"{STRANGE}/v.bin"], 2),
        (["convert", "vectors.txt", f"v.{STRANGE}x"], 2),
        (["gradcheck", STRANGE], 2),
        ([STRANGE], 2),
    ],
)
@pytest.mark.usefixtures("vectors")
def test_no_name_breaks_the_lines_of_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == status
    assert "\x1b" not in result.output
    assert SEEN in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")


def test_no_name_breaks_a_table_a_progress_line_or_a_report(
    vectors: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(vectors.parent)
    (vectors.parent / STRANGE).write_bytes(vectors.read_bytes())
    (vectors.parent / "pairs.txt").write_text("king queen 9\nman woman 7\nking woman 1\n")
    table = run("evaluate", STRANGE, "vectors.txt", "--similarity=pairs.txt").stdout
    assert "\x1b" not in table
    assert {SEEN, "vectors.txt"} <= {line.split("  ")[0] for line in table.splitlines()}
    written = run("train", "-", "-o", "v\x1b\n.txt", *FAST, input=TEXT)
    assert written.exit_code == 0
    assert r"to v\x1b\n.txt" in written.stderr.splitlines()[-1]
    Display().steps(STRANGE)(1, 2)
    assert capsys.readouterr().err == f"{SEEN}  50%, 1 of 2\n"


def test_a_warning_of_many_lines_is_one_line(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*_: object, **__: object) -> None:
        warnings.warn("a matrix is\nsingular \x1b[0m:\n  row 1", stacklevel=1)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(lexigrad, "read_corpus", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("vocab", corpus)
    assert result.stderr.splitlines()[0] == r"Warning: a matrix is singular \x1b[0m: row 1"


# vocab


def test_vocab_prints_the_vocabulary_and_reports_on_standard_error(corpus: Path) -> None:
    result = run("vocab", corpus, "--max-vocabulary=2")
    assert (result.exit_code, result.stdout) == (0, "the 420\nand 120\n")
    assert "read 1 file" in result.stderr


def test_vocab_writes_files_instead_when_asked(corpus: Path) -> None:
    words, saved = corpus.with_name("words"), corpus.with_name("saved")
    result = run("vocab", corpus, "-o", words, "--save", saved)
    assert (result.exit_code, result.stdout) == (0, "")
    with lexigrad.Corpus.load(saved) as loaded:
        assert loaded.vocabulary == lexigrad.Vocabulary.load(words)


def test_vocab_refuses_one_file_for_both(corpus: Path) -> None:
    both = corpus.with_name("both")
    result = run("vocab", corpus, "-o", both, "--save", both)
    assert result.exit_code == 2
    assert "name two files" in result.stderr


def test_vocab_prints_json_when_asked(corpus: Path) -> None:
    printed = json.loads(run("vocab", corpus, "--json", "--quiet", "--max-vocabulary=1").stdout)
    assert printed["counts"] == {"the": 420}
    assert printed["report"]["dropped_by_max_vocabulary"] > 0


# vectors


def test_neighbors_are_lines_of_a_word_and_its_cosine(vectors: Path) -> None:
    result = run("neighbors", vectors, "king", "-n2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "queen\t0.9939\nman\t0.1104\n"


def test_neighbors_of_several_words_begin_with_the_word(vectors: Path) -> None:
    assert run("neighbors", vectors, "king", "man", "-n1").stdout == "king\tqueen\t0.9939\nman\twoman\t0.9939\n"


def test_neighbors_as_json_are_keyed_by_the_word(vectors: Path) -> None:
    printed = json.loads(run("neighbors", vectors, "king", "--json", "--restrict=2").stdout)
    assert printed == {"king": [["queen", pytest.approx(0.9939, abs=1e-4)]]}


def test_analogy_prints_the_word_that_completes_it(vectors: Path) -> None:
    assert run("analogy", vectors, "king", "queen", "man", "-n1").stdout.startswith("woman\t0.99")
    assert json.loads(run("analogy", vectors, "king", "queen", "man", "--json").stdout)[0][0] == "woman"


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        ("out.safetensors", [], "native"),
        ("out.bin", [], "word2vec-binary"),
        ("out.txt", ["--to=glove"], "glove"),
        ("out.vec", ["--to=word2vec-text"], "word2vec-text"),
    ],
)
def test_convert_writes_the_format_of_the_ending_or_of_the_option(
    vectors: Path, name: str, options: list[str], found: str
) -> None:
    out = vectors.with_name(name)
    assert run("convert", vectors, out, *options).exit_code == 0
    assert sniff(out) == found
    assert lexigrad.load_vectors(out)["queen"].tolist() == pytest.approx([0.9, 0.1])


def test_convert_asks_for_the_format_of_an_ending_that_says_nothing(vectors: Path) -> None:
    result = run("convert", vectors, vectors.with_name("out.xyz"))
    assert result.exit_code == 2
    assert "or give --to" in result.stderr


def test_convert_writes_tables_of_fewer_bits_and_says_what_they_cost(vectors: Path) -> None:
    result = run("convert", vectors, vectors.with_name("out.safetensors"), "--dtype=int8")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.startswith("int8: vectors turned by 0.")
    assert "OUT takes " in result.stderr
    result = run("convert", vectors, vectors.with_name("out.npz"), "--dtype=float16", "--json", "-q")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert (report["format"], report["dim"], report["reduction"]["dtype"]) == ("npz", 2, "float16")
    assert 0 < report["size_ratio"] < 1
    assert report["reduction"]["neighbors_kept"] == 1.0
    assert run("convert", vectors, vectors.with_name("out.txt"), "--dtype=int8").exit_code == 1


def test_convert_writes_the_outside_vectors_of_a_model_or_both_tables(tmp_path: Path) -> None:
    V = np.array([[1, 2], [3, 4]], dtype=np.float32)
    model = lexigrad.Word2Vec(V, -V, lexigrad.Vocabulary(["the", "cat"], [5, 2]), lexigrad.TrainConfig(dim=2))
    model.save(tmp_path / "model")
    assert run("convert", tmp_path / "model", tmp_path / "U.txt", "--table=U").exit_code == 0
    assert lexigrad.load_vectors(tmp_path / "U.txt")["cat"].tolist() == [-3, -4]
    assert run("convert", tmp_path / "model", tmp_path / "both.npz", "--table=both").exit_code == 0
    assert lexigrad.load_vectors(tmp_path / "both.npz", table="U")["cat"].tolist() == [-3, -4]
    assert lexigrad.load_vectors(tmp_path / "both.npz")["cat"].tolist() == [3, 4]
    refused = run("convert", tmp_path / "model", tmp_path / "both.txt", "--table=both")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "word2vec-text holds one table; write V and U to two files" in refused.stderr
    missing = run("convert", tmp_path / "U.txt", tmp_path / "again.txt", "--table=U")
    assert "holds one table; the outside vectors are not in it" in missing.stderr
    assert model.outside_vectors["cat"].tolist() == [-3, -4]


def test_convert_says_when_ngrams_are_lost(tmp_path: Path) -> None:
    model = GOLDEN / "fasttext-skipgram.bin"
    result = run("convert", model, tmp_path / "v.vec")
    assert "the n-grams of IN are not in OUT, which has vectors for its 26 words only" in result.stderr
    kept = run("convert", model, tmp_path / "v.safetensors", "--json")
    assert kept.stderr == ""
    assert json.loads(kept.stdout)["ngrams_kept"] is True
    assert run("neighbors", tmp_path / "v.safetensors", "Füchse", "-n1").exit_code == 0
    assert run("neighbors", tmp_path / "v.vec", "Füchse", "-n1").exit_code == 1


# gradcheck and demo


def test_gradcheck_prints_each_formula_and_each_kernel_with_its_worst_error() -> None:
    result = run("gradcheck")
    assert result.exit_code == 0
    names = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert {"naive_softmax", "negative_sampling"} <= set(names)
    assert any("kernel" in name for name in names)
    rows = json.loads(run("gradcheck", "--json").stdout)
    assert [row["name"] for row in rows] == names[1:]


def test_gradcheck_ends_with_1_when_a_gradient_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> None:
        raise GradientError("sigmoid: the gradient of x at (0,) is 3, but finite differences give 6")

    monkeypatch.setattr("lexigrad.gradcheck.equations.formulas", lambda: [wrong])
    result = run("gradcheck")
    assert result.exit_code == 1
    assert "finite differences give 6" in result.stderr


def test_demo_prints_what_the_library_says_and_saves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    def run_demo(say: object, **options: object) -> None:
        asked.update(options)
        say("string: text")  # type: ignore[operator]

    monkeypatch.setattr("lexigrad.cli.prove.run_demo", run_demo)
    result = run("demo", "--save", tmp_path / "demo.bin")
    assert (result.exit_code, result.stdout) == (0, "string: text\n")
    assert asked["save"] == tmp_path / "demo.bin"


# help and version


def test_version_and_help_are_printed() -> None:
    assert run("--version").stdout == f"lexigrad, version {lexigrad.__version__}\n"
    for command in ([], *([name] for name in cli.main.commands)):
        assert run(*command, "-h").stdout == run(*command, "--help").stdout != ""


def test_commands_are_listed_in_the_order_of_use() -> None:
    listed = [line.split()[0] for line in run("--help").stdout.split("Commands:\n")[1].splitlines()]
    assert listed == [
        *("train", "vocab", "cooccur", "neighbors", "analogy", "index"),
        *("evaluate", "loss", "stability", "sentiment", "plot", "explore"),
        *("convert", "hub", "plan", "gradcheck", "course", "demo"),
    ]


# real processes


def test_the_reader_of_a_pipe_may_go_away(corpus: Path) -> None:
    corpus.write_text("\n".join(f"word{n}" for n in range(30_000)), encoding="utf-8")
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with start("vocab", corpus, "--min-count=1", "--quiet", env=buffered) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "word0 1\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_ctrl_c_ends_with_130_one_sentence_and_no_file(corpus: Path) -> None:
    options = ["--dim=20", "--epochs=1000000", "--threads=2"]
    arguments = ["train", str(corpus), "-o", str(corpus.with_name("v.bin")), *options]
    press = "console.Display.training = lambda self, progress: os.kill(os.getpid(), signal.SIGINT)"  # while it trains
    foreground = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # a job in the background ignores Ctrl-C
    code = f"import os, signal\nfrom lexigrad.cli import console, main\n{foreground}\n{press}\nmain.main({arguments})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 130
    assert run.stderr.splitlines()[-1] == "Stopped by the keyboard; no half-written file is left behind."
    assert "Traceback" not in run.stderr
    assert os.listdir(corpus.parent) == ["corpus.txt"]


def test_a_character_that_the_output_cannot_hold_is_one_sentence(corpus: Path) -> None:
    corpus.write_text("\u0436\u0443\u043a " * 5, encoding="utf-8")
    with start("vocab", corpus, "--quiet", env={**os.environ, "PYTHONIOENCODING": "latin-1"}) as process:
        said = process.communicate()[1]
    assert process.returncode == 1
    assert said.startswith("Error: the output's encoding is latin-1, which lacks a character; set PYTHONIOENCODING")


def test_an_error_has_no_traceback_in_a_real_process(tmp_path: Path) -> None:
    with start("vocab", tmp_path / "missing.txt") as process:
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("Error: ")
    assert "Traceback" not in said


def run_in_terminal(command: list[str], **environment: str) -> tuple[str, str]:
    """Standard output, and what a terminal on standard error got, of a process that ends well."""
    primary, secondary = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    kept |= {"TERM": "xterm-256color", "COLUMNS": "120", **environment}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=secondary, text=True, env=kept)
    os.close(secondary)
    said = b""
    try:
        while part := os.read(primary, 65536):
            said += part
    except OSError:  # how Linux ends a terminal that nobody holds open
        pass
    os.close(primary)
    printed, _ = process.communicate()
    assert process.returncode == 0, said
    return printed, said.decode()


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_a_live_bar_and_colors_unless_it_refuses_them(corpus: Path, no_color: bool) -> None:
    command = [sys.executable, "-m", "lexigrad", "train", str(corpus), "-o", str(corpus.with_name("v.bin")), *FAST]
    _, said = run_in_terminal(command, **({"NO_COLOR": "1"} if no_color else {}))
    assert "training" in said
    assert "100%" in said
    assert ("\x1b[38;" in said) is not no_color


def test_a_dumb_terminal_gets_plain_lines(corpus: Path) -> None:
    command = [sys.executable, "-m", "lexigrad", "train", str(corpus), "-o", str(corpus.with_name("v.bin")), *FAST]
    _, said = run_in_terminal(command, TERM="dumb")
    assert "training 100%" in said
    assert "\x1b" not in said


def test_data_goes_to_standard_output_while_a_bar_is_shown() -> None:
    code = "import click, lexigrad.cli.console as c\nwith c.Display() as d: d.reading(1, 10); click.echo('data')"
    printed, said = run_in_terminal([sys.executable, "-c", code])
    assert printed == "data\n"
    assert "reading" in said
    assert "data" not in said


# the display by itself


def test_the_display_prints_a_line_for_each_tenth_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        for done in range(0, 1001, 10):
            display.training(TrainProgress(done, 1000, done / 100, 0.025, 1))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[4] == "training  50%, epoch 1, 0.00 M words/s, learning rate 0.0250, 0:00:05 left"


def test_the_display_is_silent_when_quiet_or_when_the_total_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=True) as display:
        display.reading(5, 10)
        display.say("hello")
    with Display() as display:
        display.reading(5, None)
    assert capsys.readouterr() == ("", "")


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(("name", "error"), [("sigmoid", "1e-9"), ("x", "1.5e-10")])
    assert capsys.readouterr().out == "name       error\nsigmoid     1e-9\nx        1.5e-10\n"

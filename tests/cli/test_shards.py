"""`vocab` and `cooccur` with --ray: what they write, print and refuse."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from counted import random_text

from lexigrad.cli import main as cli
from lexigrad.engines import opening
from lexigrad.engines.threads import ThreadEngine


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a text, and threads in place of Ray."""
    (tmp_path / "text.txt").write_text(random_text(50, 2000))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "open_engine", lambda ray, workers, **_: ThreadEngine(workers or 2))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments)


PHRASES_ASKED = ("--phrases=1", "--phrase-threshold=0.5", "--phrase-min-count=2")


@pytest.mark.parametrize("options", [(), PHRASES_ASKED, ("--max-vocabulary=9", "--min-count=2")])
def test_vocab_and_cooccur_write_and_print_the_same_with_ray(options, folder):
    for name, engine in (("a", ()), ("b", ("--ray=local", "--workers=2"))):
        results = [
            run("vocab", "text.txt", "-o", f"{name}.txt", *options, *engine, "--json"),
            run("cooccur", "text.txt", "-o", f"{name}.npz", *options, *engine, "--json", "--window=3"),
            run("cooccur", "text.txt", "-o", f"{name}2.npz", *options, *engine, "-q", "--vocabulary=a.txt"),
        ]
        assert [result.exit_code for result in results] == [0, 0, 0]
        assert results[2].output == ""
        printed = [json.loads(result.stdout) for result in results[:2]]
        printed[0]["report"].pop("seconds")
        printed[1]["pairs"] = round(printed[1]["pairs"], 6)
        del printed[1]["output"]
        (folder / f"{name}.json").write_text(json.dumps(printed))
    for ending in (".txt", ".npz", "2.npz", ".json"):
        assert (folder / f"a{ending}").read_bytes() == (folder / f"b{ending}").read_bytes()


def test_the_vocabulary_goes_to_standard_output_and_what_was_read_to_standard_error(folder):
    plain, on_engine = run("vocab", "text.txt"), run("vocab", "text.txt", "--ray=local")
    assert plain.stdout == on_engine.stdout
    said = on_engine.stderr.splitlines()
    assert said[0] == "Ray on this machine with 2 workers"
    assert "reading 100%" in on_engine.stderr
    assert [line.partition(" in ")[0] for line in plain.stderr.splitlines()[-2:]] == [
        line.partition(" in ")[0] for line in said[-2:]
    ]


@pytest.mark.parametrize("command", [("vocab",), ("cooccur", "-o", "counts.npz")])
def test_a_vocabulary_that_is_not_there_is_missed_before_ray_starts(command, folder, monkeypatch):
    monkeypatch.setattr(opening, "open_engine", None)
    result = run(*command, "text.txt", "--ray=local", "--vocabulary=none.txt")
    assert result.exit_code == 1
    assert "none.txt" in result.stderr


def test_counts_of_a_given_vocabulary_say_what_was_read(folder):
    (folder / "words.txt").write_text("w1 5\nw2 4\n")
    result = run("cooccur", "text.txt", "-o", "c.npz", "--ray=local", "--vocabulary=words.txt", "--memory-gb=0.01")
    assert result.exit_code == 0
    assert "dropped 1,753 that the vocabulary does not have" in result.stderr
    assert "wrote 4 counts of 2 words to c.npz" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("vocab", "text.txt", "--ray=local", "--save=a.corpus"), 2, "--save keeps the text that one process encodes"),
        (("vocab", "-", "--ray=local"), 1, "'-' is no file on disk, so it cannot be cut into shards; name files"),
        (("cooccur", "none.txt", "-o", "c.npz", "--ray=local"), 1, "there is no file, folder or glob 'none.txt'"),
        (("cooccur", "c.npz", "-o", "d.npz", "--ray=local"), 2, "--ray is for counting text"),
        (("vocab", "text.txt", "--workers=2"), 2, "goes with --ray only"),
    ],
)
def test_the_command_line_refuses_what_cannot_be_counted_on_ray(arguments, status, reason, folder):
    run("cooccur", "text.txt", "-o", "c.npz")
    result = run(*arguments)
    assert (result.exit_code, reason in result.stderr, "Traceback" in result.stderr) == (status, True, False)
    assert "Ray on" not in result.stderr

"""What commands show of a cluster, and what they say when it loses something or is not there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from lexigrad.cli import main as cli
from lexigrad.cli.console import Display
from lexigrad.engines import opening
from lexigrad.engines.interface import LostValueError
from lexigrad.engines.ray.health import EngineProgress
from lexigrad.engines.threads import ThreadEngine
from lexigrad.training.progress import TrainProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SLOW: dict[str, Any] = {"lags": True, "slowest": "worker 2 on beta in lexigrad.f for 12 s"}
TEXT = "\n".join(" ".join(f"w{(a * b) % 23}" for b in range(1, 9)) for a in range(400))


def report(**values: Any) -> EngineProgress:
    """What an engine says of its workers."""
    usual = {"workers": 3, "calls_made": 9, "calls_done": 5, "bytes_done": 12_345_678, "restarts": 0, "slowest": ""}
    return EngineProgress(**(usual | {"lags": False, "seconds": 7.0} | values))


def run(name: str, *options: str) -> Result:
    return CliRunner().invoke(cli.main, [name, "corpus.txt", "--min-count=1", *options])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a text."""
    (tmp_path / "corpus.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# the display


def test_workers_stand_beside_other_progress_and_what_is_wrong_with_them_is_said_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display() as display:
        display.working(report())
        assert capsys.readouterr().err == ""
        display.training(TrainProgress(500, 1000, 5.0, 0.025, 1, merges=1))
        said = "training  50%, epoch 1, 0.00 M words/s, learning rate 0.0250, 1 merge, 0:00:05 left"
        assert capsys.readouterr().err == f"{said}, 3 workers, 12 MB from them\n"
        display.working(report(**SLOW))
        slow = "3 workers, 12 MB from them, waiting for worker 2 on beta in lexigrad.f for 12 s\n"
        assert capsys.readouterr().err == slow
        display.working(report(**{**SLOW, "slowest": "worker 2 on beta in lexigrad.f for 13 s"}))
        display.working(report())
        assert capsys.readouterr().err == ""
        display.working(report(restarts=1))
        display.working(report(restarts=1))
        assert capsys.readouterr().err == "3 workers, 12 MB from them, 1 restart\n"


def test_nothing_is_said_of_workers_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=True) as display:
        display.working(report(restarts=2, **SLOW))
        display.reading(5, 10)
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_the_workers_while_nothing_else_gets_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Display() as display:
        display.working(report())
        display.reading(1_000_000, 10_000_000)
        display.working(report(workers=1))
    said = capsys.readouterr().err
    assert said.index("working") < said.index("reading")
    assert "1 MB, 3 workers, 12 MB from them" in said
    assert "1 MB, 1 worker, 12 MB from them" in said


# commands


class ReportingEngine(ThreadEngine):
    """Reports as a cluster does, each time that values are asked for."""

    dashboard = "http://127.0.0.1:8265"

    def __init__(self, tell: Callable[[EngineProgress], object]) -> None:
        super().__init__(2)
        self._tell = tell

    def get(self, refs: Iterable[Any]) -> list[Any]:
        self._tell(report(workers=2, **SLOW))
        return super().get(refs)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vocab", ["-o", "words.txt"]),
        ("cooccur", ["-o", "counts.npz"]),
        ("train", ["-o", "m.txt", "--dim=4"]),
        ("train", ["-o", "m.txt", "--dim=4", "--replicas=2", "--epochs=10"]),
        ("train", ["-o", "m.txt", "--dim=4", "--solver=exact"]),
    ],
    ids=["vocab", "cooccur", "alone", "replicas", "exact"],
)
@pytest.mark.usefixtures("folder")
def test_every_command_on_a_cluster_shows_its_workers_and_its_dashboard(
    name: str, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_engine", lambda ray, workers, report, **_: ReportingEngine(report))
    result = run(name, "--ray=local", *options)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert lines.count("Ray's dashboard is at http://127.0.0.1:8265") == 1
    assert lines.count("2 workers, 12 MB from them, waiting for worker 2 on beta in lexigrad.f for 12 s") == 1
    assert any(" merge" in line for line in lines) == ("--replicas=2" in options)
    (quiet := run(name, "--ray=local", "--quiet", *options))
    assert (quiet.exit_code, quiet.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--epochs=1"], "1 worker trains; --replicas says how many do, and with it the result"),
        (["--replicas=2", "--epochs=10"], "2 workers train; --replicas says how many do, and with it the result"),
        (["--replicas=3", "--epochs=10"], None),
        (["--solver=exact", "--parts=2"], "at most 2 share a pass; --parts says how many can"),
        (["--solver=exact", "--parts=8"], None),
        (["--solver=svd", "--parts=1"], None),
    ],
)
@pytest.mark.usefixtures("folder")
def test_who_asks_for_workers_that_have_nothing_to_do_is_told(
    options: list[str], sentence: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_engine", lambda *_, **__: ThreadEngine(1))
    result = run("train", "-o", "m.txt", "--dim=4", "--ray=local", "--workers=3", *options)
    assert result.exit_code == 0, result.output
    assert ("says how many" in result.stderr) == (sentence is not None)
    assert sentence is None or sentence in result.stderr


@pytest.mark.parametrize("options", [["none.txt"], ["--counts=none.npz", "--solver=exact"]])
@pytest.mark.usefixtures("folder")
def test_text_that_is_not_there_is_refused_before_ray_starts(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_engine", lambda *_, **__: pytest.fail("Ray was started"))
    result = CliRunner().invoke(cli.main, ["train", *options, "-o", "m.txt", "--ray=local"])
    assert result.exit_code == 1
    assert "none." in result.stderr


class LosingEngine(ThreadEngine):
    """Has lost whatever is asked for, but the first values."""

    def __init__(self, first: int = 0) -> None:
        super().__init__(2)
        self._first = first

    def get(self, refs: Iterable[Any]) -> list[Any]:
        self._first -= 1
        if self._first < 0:
            raise LostValueError("a value was lost with a machine")
        return super().get(refs)


@pytest.mark.parametrize("options", [["--replicas=2", "--epochs=10"], ["--epochs=1"], ["--solver=exact"]])
def test_values_that_were_lost_end_in_a_sentence_that_says_how_to_go_on(
    folder: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_engine", lambda *_, **__: LosingEngine())
    result = run("train", "-o", "m.txt", "--ray=local", "--dim=4", "--quiet", *options)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: a value was lost with a machine",
        "With --checkpoint-every, and then --resume, it need not begin anew.",
    ]
    assert [path.name for path in folder.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize(
    ("options", "first"),
    [(["--solver=exact"], 20), (["--replicas=2", "--epochs=20"], 40), (["--epochs=20"], 40)],
    ids=["exact", "replicas", "alone"],
)
def test_after_values_were_lost_a_run_goes_on_from_its_checkpoint_to_the_same_bytes(
    folder: Path, options: list[str], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ["--dim=4", "--quiet", "--checkpoint-every=epoch", *options]
    assert run("train", "-o", "one.txt", *usual).exit_code == 0
    engines = [LosingEngine(first), ThreadEngine(2)]
    monkeypatch.setattr(opening, "open_engine", lambda *_, **__: engines.pop(0))
    result = run("train", "-o", "m.txt", "--ray=local", *usual)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: a value was lost with a machine",
        "The same command with --resume goes on from m.txt.checkpoint.",
    ]
    assert run("train", "-o", "m.txt", "--ray=local", "--resume", *usual).exit_code == 0
    assert (folder / "m.txt").read_bytes() == (folder / "one.txt").read_bytes()


@pytest.mark.parametrize("name", ["vocab", "cooccur", "train"])
def test_without_ray_a_command_names_the_extra_and_works_in_one_process(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    options = ["-o", "out.txt", "--quiet", *(["--dim=4"] if name == "train" else [])]
    result = run(name, "--ray=local", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: work on a cluster needs Ray: pip install 'lexigrad[ray]'\n"
    assert not (folder / "out.txt").exists()
    assert run(name, *options).exit_code == 0
    assert (folder / "out.txt").exists()

"""A training that is watched: what is looked at, that it changes nothing, the map's frame, what pages are told."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from click.testing import CliRunner
from contract import planted_sentences
from explorer_pages import HOSTILE, ask, serving

import lexigrad
from lexigrad import Callback, InputError, LexigradError, TrainConfig
from lexigrad.cli.console import Display
from lexigrad.cli.main import main
from lexigrad.cli.watch import begin_watch, watched
from lexigrad.kernels.compiler.rowshape import row_parts
from lexigrad.kernels.sgd.tables import Table
from lexigrad.training.progress import SolverProgress, TrainProgress
from lexigrad.view.explorer import watch as watching
from lexigrad.view.explorer.curves import MOST_POINTS, Course, Curve
from lexigrad.view.explorer.data import Explorer
from lexigrad.view.explorer.frame import Frame, unit_vectors
from lexigrad.view.explorer.watch import Watch
from lexigrad.view.projection import principal_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lexigrad.view.explorer.server import ExplorerServer

SMALL: Final = TrainConfig(dim=8, min_count=1, epochs=3, threads=1, loss_sample=300)
TEXT: Final = planted_sentences(150)
SOLVERS: Final = [
    {"model": model, "loss": loss, "threads": threads}
    for model in ("skipgram", "cbow")
    for loss in ("negative_sampling", "naive_softmax")
    for threads in (1, 2)
]


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look whenever the training rests, however short that is."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)


def trained(config: TrainConfig, text: Any = TEXT) -> tuple[Watch, lexigrad.Word2Vec]:
    """A training that was watched, and its model."""
    watch = Watch("mine")
    with lexigrad.read_corpus(text, config) as corpus:
        begin_watch(watch, corpus.vocabulary, config)
        model = lexigrad.train(corpus, config, callbacks=[watch])
    watch.end(model.V, "done")
    return watch, model


@pytest.fixture(scope="module")
def run() -> tuple[Watch, lexigrad.Word2Vec]:
    """One that ended, of five looks: before, after each epoch, and of what came of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "LOOK_SECONDS", 0.0)
        patch.setattr(watching, "LOOK_EVERY", 0)
        return trained(replace(SMALL, subsample=0.0))


# -------------------- the training does not notice


class Spoil(Callback):
    """Writes over what it was given."""

    looks = 0

    def on_rest(self, rows: Callable[[int], Any]) -> None:
        copy = rows(50)
        assert copy.shape == (50, 8)
        copy[:] = 7
        self.looks += 1


@pytest.mark.parametrize("options", [*SOLVERS, {"deterministic": False}, {"solver": "exact", "threads": 2}], ids=str)
def test_the_bytes_are_the_same_watched_or_not(options: dict[str, Any]) -> None:
    config = replace(SMALL, **options)
    spoil = Spoil()
    plain = lexigrad.train(TEXT, config)
    spoilt = lexigrad.train(TEXT, config, callbacks=[spoil])
    watch, seen = trained(config)
    assert spoil.looks > 2
    assert watch.news()["look"] > 2
    for model in (spoilt, seen):
        assert model.V.tobytes() + model.U.tobytes() == plain.V.tobytes() + plain.U.tobytes()
        assert (model.bias is None) == (plain.bias is None)
        assert model.bias is None or plain.bias is None or model.bias.tobytes() == plain.bias.tobytes()


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("words", [1, 63, 64, 65, 200])
def test_the_first_rows_of_a_table_are_those_of_the_whole(parts: int, words: int) -> None:
    table = Table(words, 40, row_parts(40, parts))
    table.put(np.random.default_rng(0).standard_normal((words, 40), dtype=np.float32))
    for first in (0, 1, 63, 64, 65, 129, 1_000):
        np.testing.assert_array_equal(table.rows(first), table.rows()[:first])


@pytest.mark.parametrize("options", [{}, {"loss": "naive_softmax"}, {"deterministic": False}], ids=str)
def test_a_callback_gets_a_copy_of_the_first_rows_after_each_epoch(options: dict[str, Any]) -> None:
    class Look(Callback):
        found: list[NDArray[np.float32]]

        def on_rest(self, rows: Callable[[int], Any]) -> None:
            self.found.append(rows(50))
            assert len(rows(10_000)) == 96

        def on_epoch_end(self, model: lexigrad.Word2Vec) -> None:
            self.expected = np.array(model.V[:50])

    look = Look()
    look.found = []
    lexigrad.train(TEXT, replace(SMALL, **options), callbacks=[look])
    np.testing.assert_array_equal(look.found[-1], look.expected)
    assert not np.array_equal(look.found[0], look.found[-1])


def test_looks_are_rarer_where_they_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says what a look took it; many times that must pass."""
    clock = [0.0]
    monkeypatch.undo()
    monkeypatch.setattr(watching, "LOOK_EVERY", 100)
    monkeypatch.setattr(watching.time, "monotonic", lambda: clock[0])
    watch = Watch("mine")
    watch.begin(["a", "b"], np.array([2, 1]), 3)
    looks = []
    for _ in range(300):
        clock[0] += 0.1
        watch.on_rest(lambda n: np.ones((n, 3), np.float32))
        if watch.news(took=0.05)["look"] > len(looks):
            looks.append(clock[0])
    assert np.diff(looks).min() == pytest.approx(5.0, abs=0.11)


# -------------------- the frame


def scattered(seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((200, 6), dtype=np.float32) * np.array([3, 2, 1, 0.5, 0.5, 0.5], np.float32)
    return unit_vectors(rows)


def test_the_first_map_is_that_of_the_principal_axes_and_fills_the_square() -> None:
    units = scattered()
    places = Frame(slice(0, 200)).places(units)
    expected = principal_axes(units).coordinates
    assert np.corrcoef(places[:, 0], expected[:, 0])[0, 1] > 0.9999
    assert np.corrcoef(places[:, 1], expected[:, 1])[0, 1] > 0.9999
    assert (np.abs(places) <= 1).mean() > 0.97


def test_a_rotation_of_all_vectors_does_not_move_the_map() -> None:
    units = scattered()
    frame = Frame(slice(0, 200))
    first = frame.places(units)
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))
    for _ in range(40):  # the axes must find the words' plane anew
        turned = frame.places((units @ turn).astype(np.float32))
    np.testing.assert_allclose(turned, first, atol=0.02)


def test_the_map_does_not_leap_where_two_variances_change_places() -> None:
    """Axes computed anew would be other ones from one look to the next."""
    signs = np.array(list(itertools.product((-1, 1), repeat=5)), np.float64)
    rows = signs + 0.003 * np.random.default_rng(0).standard_normal(signs.shape)
    frame, maps, axes = Frame(slice(0, 32)), [], []
    for share in np.linspace(0, 1, 40):
        units = unit_vectors((rows * [3, 2 - share, 1 + share, 0.3, 0.3]).astype(np.float32))
        maps.append(frame.places(units))
        axes.append(principal_axes(units).axes)
    turned = [float(np.linalg.svd(one @ other.T)[1].min()) for one, other in itertools.pairwise(axes)]
    assert min(turned) < 0.5  # the plane is another one at once
    assert max(float(np.abs(one - other).max()) for one, other in itertools.pairwise(maps)) < 0.6
    last = maps[-1] - maps[-1].mean(axis=0)
    wanted = principal_axes(units).coordinates
    assert np.linalg.svd(np.linalg.qr(last)[0].T @ np.linalg.qr(wanted)[0])[1].min() > 0.99  # and it gets there


@pytest.mark.parametrize("shape", [(1, 4), (2, 1), (3, 2), (1, 1)])
def test_few_words_and_few_dimensions_have_a_map(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    frame = Frame(slice(0, 500))
    for units in (unit_vectors(rows), unit_vectors(-rows), np.zeros(shape, np.float32)):
        places = frame.places(units)
        assert places.shape == (shape[0], 2)
        assert np.isfinite(places).all()


def test_rows_that_are_zero_or_not_finite_have_no_direction() -> None:
    rows = np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1]], np.float32)
    np.testing.assert_allclose(unit_vectors(rows), [[0.6, 0.8], [0, 0], [0, 0], [0, 0]], atol=1e-7)


# -------------------- the course


def test_a_long_curve_keeps_its_ends_and_its_shape() -> None:
    curve = Curve()
    for x in range(100_000):
        curve.add(x, x * x)
    points = curve.points()
    assert MOST_POINTS / 2 < len(points) <= MOST_POINTS + 1
    assert points[0] == [0, 0]
    assert points[-1] == [99_999, pytest.approx(99_999**2, rel=1e-5)]
    assert all(y == pytest.approx(x * x, rel=1e-5) for x, y in points)
    assert np.diff([x for x, _ in points]).min() > 0


def test_the_course_of_epochs() -> None:
    course = Course(2)
    for done in range(0, 201, 10):
        loss = 3.0 if done < 100 else 2.0
        held_out = float("nan") if done < 100 else 2.5
        course.add(TrainProgress(done, 200, done / 10, 0.025 * (1 - done / 200), 1, loss, held_out))
    found = json.loads(json.dumps(course.to_dict(), allow_nan=False))
    assert found["at"] == found["epochs"] == 2
    assert found["curves"]["loss"] == [[0, 3], [1, 2]]
    assert found["curves"]["held_out"] == [[1, 2.5]]
    assert {y for _, y in found["curves"]["speed"]} == {10}
    assert found["curves"]["rate"][-1] == [2, 0]
    assert found["figures"]["left_seconds"] == 0


def test_each_stage_of_a_solver_has_a_curve_of_its_own() -> None:
    course = Course(None)
    nan = float("nan")
    for stage, seconds in (("svd", 1.0), ("negative sampling", 2.0), ("negative sampling", 3.0)):
        course.add(SolverProgress(stage, seconds, nan if stage == "svd" else 4 - seconds, nan, seconds))
    found = json.loads(json.dumps(course.to_dict(), allow_nan=False))
    assert found["curves"]["loss"] == [[2, 2], [3, 1]]
    assert found["figures"] == {
        "stage": "negative sampling",
        "passes": 3.0,
        "loss": 1.0,
        "perplexity": None,
        "seconds": 3.0,
    }


# -------------------- what pages are told


def test_neighbors_are_those_of_the_vectors_and_say_since_when(run: tuple[Watch, lexigrad.Word2Vec]) -> None:
    watch, model = run
    news = watch.news([5], [])
    expected = model.vectors.most_similar(watch.words[5], n=10)
    assert [watch.words[item["id"]] for item in news["neighbors"]] == [word for word, _ in expected]
    np.testing.assert_allclose([item["cosine"] for item in news["neighbors"]], [c for _, c in expected], atol=1e-5)
    assert [look["at"] for look in news["settled"]] == [0, 1, 2, 3, 3]
    assert news["settled"][-1]["ids"] == [item["id"] for item in news["neighbors"]]
    assert news["settled"][0]["ids"] != news["settled"][-1]["ids"]


def test_arithmetic_and_what_makes_no_sense(run: tuple[Watch, lexigrad.Word2Vec]) -> None:
    watch, model = run
    words = watch.words
    expected = model.vectors.analogy(words[1], words[4], words[2], n=5)
    found = watch.nearest([4, 2], [1], n=5)
    assert [words[int(item["id"])] for item in found] == [word for word, _ in expected]
    for plus in ([], [96], [-1], ["t0w0"]):
        with pytest.raises(InputError):
            watch.nearest(plus, [])


def test_of_many_looks_some_are_kept() -> None:
    watch = Watch("mine")
    watch.begin(["a", "b", "c"], np.array([3, 2, 1]), 4)
    rng = np.random.default_rng(0)
    for number in range(1, 201):
        watch.on_report(TrainProgress(number, 200, number / 10, 0.1, 1))
        watch.on_rest(lambda n: rng.standard_normal((n, 4), dtype=np.float32))
        kept = [look["at"] for look in watch.news([0], [], look=number)["settled"]]
        assert len(kept) <= watching.LOOKS_KEPT + 2
        assert len(kept) >= min(number, watching.LOOKS_KEPT // 2)
        assert kept == sorted(kept)
        assert kept[0] == pytest.approx(1 / 200)
        assert kept[-1] == pytest.approx(number / 200)
    gaps = np.diff(kept[:-1])
    assert gaps.min() == pytest.approx(gaps.max())


def test_a_page_waits_until_there_is_news() -> None:
    watch = Watch("mine")
    watch.begin(["a", "b"], np.array([2, 1]), 3)
    seen, found = watch.news()["version"], []
    is_asking = Event()

    def page() -> None:
        is_asking.set()
        found.append(watch.news(seen=seen))

    thread = Thread(target=page)
    thread.start()
    assert is_asking.wait(10)
    watch.on_rest(lambda n: np.eye(n, 3, dtype=np.float32))
    thread.join(10)
    assert found[0]["version"] > seen
    assert found[0]["look"] == 1


def test_words_that_have_no_vectors_yet_have_none() -> None:
    """The exact solver has those of the head first."""
    watch = Watch("mine")
    watch.begin(["a", "b", "c"], np.array([3, 2, 1]), 2)
    watch.on_rest(lambda _: np.array([[1, 0], [0, 1]], np.float32))
    assert [item["cosine"] for item in watch.nearest([0], [])] == [0, 0]


def test_frequent_words_that_subsampling_thins_are_not_what_the_map_is_made_for() -> None:
    text = [["the", *sentence] for sentence in TEXT]
    assert trained(replace(SMALL, subsample=0.02), text)[0].summary()["labelled_from"] == 1
    assert trained(replace(SMALL, subsample=0.0), text)[0].summary()["labelled_from"] == 0


def test_the_svd_is_seen_at_its_end() -> None:
    watch, _ = trained(replace(SMALL, solver="svd"))
    assert watch.news()["look"] == 1
    assert watch.news()["course"]["figures"]["stage"] == "svd"


# -------------------- the server


@pytest.fixture(scope="module")
def server() -> Iterator[ExplorerServer]:
    watch = Watch("hostile")
    words = [word for word in HOSTILE if word]
    watch.begin(words, np.arange(len(words), 0, -1), 3)
    watch.end(np.random.default_rng(0).standard_normal((len(words), 3)).astype(np.float32), "<b>over</b>")
    with serving(watch) as running:
        yield running


def test_news_and_words_come_as_data(server: ExplorerServer) -> None:
    status, content, _ = ask(server, "/api/news?plus=1,2&minus=0&seen=0&look=0&took=12")
    news = json.loads(content)
    assert (status, news["state"], news["note"]) == (200, "over", "<b>over</b>")
    assert json.loads(ask(server, "/api/words")[1]) == server.explorer.words
    assert json.loads(ask(server, "/api/summary")[1])["watched"] is True
    assert len(ask(server, "/api/places?map=pca")[1]) == 8 * len(server.explorer.words)
    assert json.loads(ask(server, "/api/nearest?plus=1&n=2")[1]) == server.explorer.nearest([1], [], 2)
    for path in ("/", "/watch.js", "/api/status", "/api/different", "/api/column?number=0"):
        assert ask(server, path)[0] == 200


@pytest.mark.parametrize("query", ["plus=-1", "plus=~the", "seen=x", "look=-1", "took=1e9", "took=100000", "word=1"])
def test_news_that_make_no_sense_are_refused(server: ExplorerServer, query: str) -> None:
    assert ask(server, f"/api/news?{query}")[0] == 400


def test_the_watching_server_is_guarded_as_the_explorer_is(server: ExplorerServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert ask(server, "/api/news", headers={"Host": "evil.example"})[0] == 403
    assert ask(server, "/api/news", headers={"Origin": "http://evil.example"})[0] == 403
    assert ask(server, "/api/news", method="POST")[0] == 405
    assert ask(server, "/api/news/x")[0] == 404


def test_an_explorer_has_no_news() -> None:
    vectors = lexigrad.KeyedVectors(["a", "b"], [[1, 0], [0, 1]])
    with serving(Explorer(vectors, "mine")) as running:
        assert ask(running, "/api/news")[0] == 404


# -------------------- the command


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "text.txt"
    path.write_text("\n".join(" ".join(sentence) for sentence in TEXT), encoding="utf-8")
    return path


def command(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["train", "text.txt", "--min-count=1", "--dim=8", "--epochs=2", *arguments])


@pytest.mark.parametrize("options", [[], ["--solver=exact"]])
def test_the_command_writes_the_same_bytes_and_says_where_to_watch(text: Path, options: list[str]) -> None:
    plain = command("-o", "plain.safetensors", *options)
    seen = command("-o", "seen.safetensors", "--watch", *options)
    assert (plain.exit_code, seen.exit_code) == (0, 0)
    assert text.with_name("plain.safetensors").read_bytes() == text.with_name("seen.safetensors").read_bytes()
    assert seen.stderr.startswith("watch at http://127.0.0.1:")
    assert "watch at" not in plain.stderr
    assert seen.stdout == ""


def test_a_port_that_is_taken_is_told_before_the_text_is_read(text: Path, server: ExplorerServer) -> None:
    found = command("-o", "model.bin", "--watch", f"--watch-port={server.server_port}")
    assert found.exit_code == 1
    assert f"cannot listen on port {server.server_port}" in found.stderr
    assert "give another --watch-port" in found.stderr
    assert "read 1 file" not in found.stderr
    assert os.listdir(text.parent) == ["text.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--watch", "--seeds=2"], "--watch shows one training: leave out --seeds."),
        (["--watch-port=0"], "--watch-port says where --watch listens: give --watch."),
    ],
)
def test_options_that_contradict_are_refused(text: Path, options: list[str], message: str) -> None:
    found = command("-o", "model.bin", *options)
    assert found.exit_code == 2
    assert message in found.stderr


def test_ctrl_c_ends_a_watched_training_as_any_other(text: Path) -> None:
    arguments = ["train", "text.txt", "-o", "v.bin", "--min-count=1", "--epochs=1000000", "--threads=2", "--watch"]
    press = "console.Display.training = lambda self, progress: os.kill(os.getpid(), signal.SIGINT)"  # while it trains
    foreground = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # a job in the background ignores Ctrl-C
    code = f"import os, signal\nfrom lexigrad.cli import console, main\n{foreground}\n{press}\nmain.main({arguments})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr.splitlines()[-1] == "Stopped by the keyboard; no half-written file is left behind."
    assert os.listdir(text.parent) == ["text.txt"]


def test_the_command_waits_until_a_page_knows_the_end() -> None:
    found: list[dict[str, Any]] = []
    is_asking = Event()

    def page(watch: Watch) -> None:
        news = watch.news()
        is_asking.set()
        while news["state"] == "training":
            news = watch.news(seen=news["version"])
        found.append(news)

    def training() -> None:
        with watched("mine", 0, Display(quiet=True)) as watch:
            watch.begin(["a", "b"], np.array([2, 1]), 3)
            threads.append(Thread(target=page, args=(watch,)))
            threads[0].start()
            assert is_asking.wait(10)
            raise LexigradError("broken")

    threads: list[Thread] = []
    with pytest.raises(LexigradError, match="broken"):
        training()
    threads[0].join(10)
    assert found[0]["state"] == "stopped"

"""What the explorer shows: maps, colors, neighbors, and the files that it writes."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.request import urlopen

import numpy as np
import pytest
from click.testing import CliRunner
from explorer_pages import HOSTILE, Elements, composing, planted

import lexigrad
from lexigrad.cli.main import main
from lexigrad.errors import FormatError, InputError, UnknownWordError
from lexigrad.vectors.search import unit_rows
from lexigrad.view.explorer.colors import read_table
from lexigrad.view.explorer.data import Explorer
from lexigrad.view.explorer.export import export_atlas, export_page, export_tensorboard
from lexigrad.view.explorer.places import aligned, clusters, pca_places, slow_places
from lexigrad.view.explorer.server import ExplorerServer
from lexigrad.view.projection import principal_axes

if TYPE_CHECKING:
    from pathlib import Path


def test_the_map_is_that_of_the_principal_axes_of_unit_vectors() -> None:
    vectors = planted()
    expected = principal_axes(unit_rows(vectors.matrix.astype(np.float64))).coordinates
    np.testing.assert_allclose(pca_places(vectors), expected, atol=1e-5)


@pytest.mark.parametrize(("words", "dim"), [(1, 1), (1, 3), (2, 1), (3, 2)])
def test_the_smallest_vectors_have_a_map(words: int, dim: int) -> None:
    vectors = lexigrad.KeyedVectors([str(i) for i in range(words)], np.ones((words, dim)))
    explorer = Explorer(vectors, "small")
    assert explorer.maps["pca"][0].shape == (words, 2)
    assert np.isfinite(explorer.maps["pca"][0]).all()
    assert len(explorer.nearest([0], [])) == words - 1


def test_a_turned_and_mirrored_map_is_laid_over_the_other() -> None:
    target = np.random.default_rng(1).standard_normal((30, 2)).astype(np.float32)
    turned = 3 * target @ np.array([[0.6, 0.8], [0.8, -0.6]], dtype=np.float32) + 5
    np.testing.assert_allclose(aligned(turned, target), target, atol=1e-5)


def test_an_unlike_map_keeps_the_size_of_the_other() -> None:
    one, other = np.random.default_rng(2).standard_normal((2, 300, 2)).astype(np.float32)
    assert aligned(9 * one, other).std(axis=0).mean() == pytest.approx(other.std(axis=0).mean(), rel=0.05)


def test_clusters_are_the_planted_groups() -> None:
    found = clusters(planted(), 3)
    groups = {frozenset(np.flatnonzero(found == number).tolist()) for number in range(3)}
    assert groups == {frozenset(range(first, 60, 3)) for first in range(3)}


def test_the_slow_map_keeps_groups_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="t-SNE is scikit-learn's")
    monkeypatch.setattr("lexigrad.view.explorer.places.LANDMARKS", 45)  # so that 15 words are placed among the others
    places = slow_places(planted(), "tsne")
    distances = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) % 3 == np.arange(60) % 3).all()


def test_nearest_words_are_those_of_the_vectors() -> None:
    vectors = planted()
    explorer = Explorer(vectors, "mine")
    found = [(vectors.words[int(item["id"])], item["cosine"]) for item in explorer.nearest([0, 4], [5], n=7)]
    assert found == vectors.most_similar(["w0", "w4"], ["w5"], n=7)


@pytest.mark.parametrize(("plus", "side"), [([60], 0), ([-1], 0), ([], 0), ([1], 1), ([1], -1)])
def test_what_is_out_of_range_is_refused(plus: list[int], side: int) -> None:
    with pytest.raises(InputError):
        Explorer(planted(), "mine").nearest(plus, [], side=side)


def test_two_models_show_their_common_words_and_where_they_differ() -> None:
    one = planted()
    matrix = one.matrix.copy()
    matrix[6] = matrix[7]  # this word has gone to another group
    other = lexigrad.KeyedVectors([*one.words[:-1], "alone"], matrix)
    explorer = Explorer(one, "one", compare=other, compare_name="other")
    assert explorer.left_out == [1, 1]
    explorer.begin().join()
    assert explorer.failure == ""
    assert explorer.different is not None
    assert explorer.different[0] == {"id": 6, "shared": 0.0}
    assert not explorer.status()["waiting"]


def test_further_trainings_say_in_how_many_a_word_is_a_neighbor() -> None:
    one = planted()
    explorer = Explorer(one, "one", also=[planted(seed=1), planted(seed=2)])
    expected = lexigrad.VectorsSet([one, planted(seed=1), planted(seed=2)]).most_similar("w3", n=5)
    found = [
        (explorer.words[int(item["id"])], item["cosine"], item["agree"]) for item in explorer.nearest([3], [], n=5)
    ]
    assert found == [tuple(shared) for shared in expected]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError("too large"), "there is not enough memory; --restrict shows fewer words"),
        (ImportError("no such library"), "its package cannot be loaded: no such library"),
        (np.linalg.LinAlgError("no convergence"), "its package says: no convergence"),
    ],
)
def test_a_failing_map_is_told_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("lexigrad.view.explorer.data.slow_places", fail)
    explorer = Explorer(planted(), "mine", slow="tsne")
    explorer.begin().join()
    assert explorer.status() == {"maps": ["pca"], "coming": None, "failure": sentence, "waiting": False}


def test_what_is_coming_is_said_while_it_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def wait(vectors: lexigrad.KeyedVectors, _: str) -> np.ndarray:
        assert go_on.wait(60)
        return np.zeros((len(vectors), 2), dtype=np.float32)

    monkeypatch.setattr("lexigrad.view.explorer.data.slow_places", wait)
    explorer = Explorer(planted(), "mine", slow="tsne")
    thread = explorer.begin()
    assert explorer.status() == {"maps": ["pca"], "coming": "tsne", "failure": "", "waiting": True}
    go_on.set()
    thread.join()
    assert explorer.status() == {"maps": ["pca", "tsne"], "coming": None, "failure": "", "waiting": False}


def test_a_word_made_of_its_subwords_is_looked_up() -> None:
    vectors = composing()
    explorer = Explorer(vectors, "subwords")
    assert explorer.summary()["unlisted"] == "Not on the map: it has its vector from its subwords."
    for plus, minus in ((["cats"], []), (["cats", "cat"], ["teas"])):
        ids = [vectors.word_ids.get(word, word) for word in plus]
        found = [(explorer.words[int(item["id"])], item["cosine"]) for item in explorer.nearest(ids, minus)]
        expected = vectors.most_similar(plus, minus)
        assert [word for word, _ in found] == [word for word, _ in expected]
        np.testing.assert_allclose([cosine for _, cosine in found], [cosine for _, cosine in expected])


def test_a_word_beyond_those_shown_is_looked_up() -> None:
    vectors = planted()
    first = lexigrad.KeyedVectors(vectors.words[:30], vectors.matrix[:30])
    explorer = Explorer(first, "first", whole=[vectors])
    assert explorer.summary()["unlisted"] == "Not on the map: it is not among the words shown."
    found = [(explorer.words[int(item["id"])], item["cosine"]) for item in explorer.nearest(["w59"], [], n=5)]
    assert found == vectors.most_similar("w59", n=5, restrict=30)
    with pytest.raises(UnknownWordError):
        explorer.nearest(["nothere"], [])
    assert Explorer(vectors, "all").summary()["unlisted"] == ""


def test_a_table_gives_numbers_and_categories(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("word\tkind\tage\nw1\tx\t1.5\nw0\ty\t\nother\tx\t3\n", encoding="utf-8")
    (kind, age), others = read_table(path, ["w0", "w1", "w2"])
    assert others == 1
    assert kind.labels is not None
    assert [kind.labels[int(value)] if value == value else None for value in kind.values] == ["y", "x", None]
    np.testing.assert_array_equal(age.values, [np.nan, 1.5, np.nan])
    assert age.labels is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no column"),
        ("word\nw0\n", "no column"),
        ("word,kind\nw0,a,b\n", "row 2 .* has 3 columns, not 2"),
        ("word,kind\nother,a\n", "none of the words"),
        ('word,kind\nw0,"a\n', "cannot be read"),
        ("word,kind\nw0,\udcff\n", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FormatError, match=message):
        read_table(path, ["w0"])


def hostile_explorer() -> Explorer:
    vectors = lexigrad.KeyedVectors(HOSTILE, np.random.default_rng(0).standard_normal((len(HOSTILE), 6)))
    return Explorer(vectors, "<b>name</b>")


def test_the_exported_page_names_nothing_elsewhere_and_holds_words_as_data(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    export_page(hostile_explorer(), path)
    page = path.read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    assert not {"img", "iframe", "b"} & {tag for tag, _ in elements.found}
    assert [values.get("href") for _, values in elements.found if values.get("href") or values.get("src")] == ["data:,"]
    script, data = elements.texts["script"]
    assert json.loads(data)["words"] == HOSTILE
    policy = next(str(v["content"]) for _, v in elements.found if v.get("http-equiv") == "Content-Security-Policy")
    for text in (script, elements.texts["style"][0]):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")


def test_the_exported_vectors_keep_the_cosines(tmp_path: Path) -> None:
    vectors = planted(dim=50)
    path = tmp_path / "page.html"
    export_page(Explorer(vectors, "mine"), path)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    table = np.frombuffer(base64.b64decode(data["vectors"][0]), dtype=np.int8).reshape(60, 50).astype(np.float64)
    units, exact = unit_rows(table), unit_rows(vectors.matrix.astype(np.float64))
    np.testing.assert_allclose(units @ units.T, exact @ exact.T, atol=0.01)


def test_tensorboard_gets_a_row_for_each_word_whatever_is_in_it(tmp_path: Path) -> None:
    explorer = hostile_explorer()
    export_tensorboard(explorer, tmp_path / "board")
    lines = (tmp_path / "board" / "vectors.tsv").read_bytes().decode().split("\n")[:-1]
    rows = (tmp_path / "board" / "metadata.tsv").read_bytes().decode().split("\n")[:-1]
    matrix = np.array([line.split("\t") for line in lines], dtype=np.float32)
    np.testing.assert_allclose(matrix, explorer.sides[0].matrix, rtol=1e-6)
    assert rows[0].split("\t") == ["word", "cluster"]
    assert [row.split("\t")[0] for row in rows[1:]] == [word.replace("\t", " ").replace("\n", " ") for word in HOSTILE]
    assert 'tensor_path: "vectors.tsv"' in (tmp_path / "board" / "projector_config.pbtxt").read_text()


def test_atlas_gets_places_and_neighbors(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet files need pyarrow")
    explorer = Explorer(planted(), "mine")
    export_atlas(explorer, tmp_path / "words.parquet")
    table = parquet.read_table(tmp_path / "words.parquet").to_pydict()
    assert table["word"] == explorer.words
    np.testing.assert_array_equal(np.array([table["x"], table["y"]]).T, explorer.maps["pca"][0])
    expected = explorer.nearest([3], [], n=15)
    assert table["neighbors"][3]["ids"] == [item["id"] for item in expected]
    np.testing.assert_allclose(table["neighbors"][3]["distances"], [1 - item["cosine"] for item in expected], atol=1e-6)
    assert table["count"][0] == 60


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["explore", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_writes_all_three(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    source = tmp_path / "vectors.txt"
    lexigrad.save_vectors(source, planted())
    with (tmp_path / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["word", "kind"], ["w0", "a"], ["w1", "b"], ["w59", "b"]])
    targets = ["--export", tmp_path / "p.html", "--tensorboard", tmp_path / "b", "--atlas", tmp_path / "a.parquet"]
    status, said = run(source, "--map", "pca", "--restrict", 50, "--table", tmp_path / "table.csv", *targets)
    assert status == 0
    assert "shows the first 50 of 60 words" in said
    assert "left out 1 rows" in said
    assert (tmp_path / "p.html").stat().st_size > 20_000
    assert len((tmp_path / "b" / "vectors.tsv").read_text().splitlines()) == 50
    status, said = run(source, "--map", "pca", "--tensorboard", tmp_path / "b")
    assert status == 1
    assert "--force" in said
    assert run(source, "--map", "pca", "--tensorboard", tmp_path / "b", "--force")[0] == 0


def test_the_command_refuses_to_write_over_what_it_reads(tmp_path: Path) -> None:
    source = tmp_path / "vectors.txt"
    lexigrad.save_vectors(source, planted())
    status, said = run(source, "--export", source)
    assert status == 2
    assert "name another file" in said


def test_the_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    source = tmp_path / "vectors.txt"
    lexigrad.save_vectors(source, planted())
    arguments = ["explore", str(source), "--map", "pca", "--no-browser"]
    foreground = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # a job in the background ignores Ctrl-C
    code = f"import signal\nfrom lexigrad.cli import main as cli\n{foreground}\ncli.main({arguments})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().decode().rstrip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
            with urlopen(url + "api/words", timeout=60) as answer:
                assert json.load(answer) == planted().words
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert rest == b""
    assert said.decode() == "\nStopped by the keyboard; no half-written file is left behind.\n"


def test_the_command_opens_the_browser_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "vectors.txt"
    lexigrad.save_vectors(source, planted())
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(ExplorerServer, "serve_forever", lambda self: None)
    status, said = run(source, "--map", "pca")
    assert status == 0
    assert opened == [said.rstrip()]
    assert run(source, "--map", "pca", "--no-browser")[0] == 0
    assert len(opened) == 1


def test_a_port_that_is_taken_is_told_in_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "vectors.txt"
    lexigrad.save_vectors(source, planted())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = run(source, "--map", "pca", "--port", port, "--no-browser")
    assert status == 1
    assert said.startswith(f"Error: cannot listen on port {port}: ")
    assert said.rstrip().endswith("give another --port, or none to take any that is free")
    assert said.count("\n") == 1


def test_vectors_without_words_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to show"):
        Explorer(lexigrad.KeyedVectors([], np.empty((0, 3))), "empty")

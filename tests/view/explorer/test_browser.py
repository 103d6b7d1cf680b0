"""The explorer's page in a real browser: headless Chromium, driven by Selenium."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import numpy as np
import pytest
from browsing import (
    NEEDS_BROWSER,
    WAIT_SECONDS,
    ActionChains,
    By,
    Keys,
    complaints,
    listed,
    reach,
    until,
)
from explorer_pages import HOSTILE, composing, planted, serving

import lexigrad
from lexigrad.view.explorer.data import Explorer
from lexigrad.view.explorer.export import export_page
from lexigrad.view.explorer.server import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = NEEDS_BROWSER


def visit(driver: Any, url: str) -> None:
    driver.get("about:blank")  # so that a new fragment is a new page
    driver.get(url)
    until(
        driver, "document.documentElement.dataset.ready === 'true' && performance.getEntriesByName('first map').length"
    )
    if url.startswith("http:"):
        reach(driver)


def begin_at(driver: Any, url: str) -> None:
    """The page with nothing chosen: the one that is open, where it is this one, as opening takes longest."""
    if not driver.current_url.startswith(url):
        visit(driver, url)
    driver.execute_script("explorer.clear(); explorer.fit()")


def type_in(driver: Any, text: str) -> None:
    box = driver.find_element(By.ID, "query")
    box.clear()
    box.send_keys(text, Keys.ENTER)


def requested(driver: Any) -> list[str]:
    """All addresses that the page has asked for since this was called last."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def answers(explorer: Explorer, plus: list[int], minus: list[int]) -> list[str]:
    return [explorer.words[int(item["id"])] for item in explorer.nearest(plus, minus)]


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer(planted(), "mine")


@pytest.fixture(scope="module")
def url(explorer: Explorer) -> Iterator[str]:
    with serving(explorer) as server:
        yield server.url


def test_a_word_typed_shows_its_neighbors_and_has_an_address(browser: Any, url: str, explorer: Explorer) -> None:
    visit(browser, url)
    type_in(browser, "w7")
    until(browser, "explorer.query === 'w7'")
    assert listed(browser) == answers(explorer, [7], [])
    address = until(browser, "location.hash.includes('q=w7') && location.href")
    visit(browser, address)
    assert listed(browser) == answers(explorer, [7], [])
    browser.back()


def test_completion_by_keys(browser: Any, url: str) -> None:
    begin_at(browser, url)
    box = browser.find_element(By.ID, "query")
    box.send_keys("w1 - w2 + w5")
    offered = browser.execute_script(
        "return [...document.querySelectorAll('#completions bdi')].map((x) => x.textContent)"
    )
    assert offered == ["w5", "w50", "w51", "w52", "w53", "w54", "w55", "w56", "w57", "w58", "w59"]
    box.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    until(browser, "explorer.query === 'w1 - w2 + w50'")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    until(browser, "explorer.query === ''")


def test_a_click_on_a_point_chooses_its_word(browser: Any, url: str, explorer: Explorer) -> None:
    begin_at(browser, url)
    box = browser.find_element(By.CSS_SELECTOR, ".map")
    places = np.array(browser.execute_script("return explorer.words.map((_, id) => explorer.maps[0].toScreen(id))"))
    clicked = np.rint(places[0])
    near = int(np.linalg.norm(places - clicked, axis=1).argmin())
    middle = [box.size["width"] / 2, box.size["height"] / 2]
    ActionChains(browser).move_to_element_with_offset(box, *(clicked - np.floor(middle)).tolist()).click().perform()
    assert until(browser, "explorer.query") == explorer.words[near]


def test_arithmetic_in_text_gives_the_nearest_words_and_a_path(browser: Any, url: str, explorer: Explorer) -> None:
    begin_at(browser, url)
    for text in ("w4 − w1 + w2", "w4 - w1 + w2", "w4-w1+w2", "w2 + w4 – w1", "  w4  −w1   +w2 "):
        type_in(browser, text)
        until(browser, f"explorer.query.trim() === {json.dumps(text.strip())}")
        assert listed(browser) == answers(explorer, [4, 2], [1])
        assert len(browser.execute_script("return explorer.path")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothere", "“nothere” is not among the words"),
        ("w1 +", "a word is missing at the end"),
        ("w1 w2", "put + or − before “w2”"),
        ("+".join(["w1"] * 21), "at most 20 words can be added"),
    ],
)
def test_arithmetic_that_makes_no_sense_is_told(browser: Any, url: str, text: str, message: str) -> None:
    begin_at(browser, url)
    type_in(browser, text)
    assert until(browser, "document.getElementById('message').textContent") == message


def test_words_with_hyphens_and_blanks_are_words(browser: Any) -> None:
    vectors = lexigrad.KeyedVectors(
        ["a", "b", "a-b", "new york", "-"], np.random.default_rng(0).standard_normal((5, 3))
    )
    with serving(Explorer(vectors, "mine")) as server:
        visit(browser, server.url)
        parse = "const p = parseArithmetic(arguments[0], (word) => explorer.ids.get(word)); return [p.plus, p.minus]"
        assert browser.execute_script(parse, "a-b - a") == [[2], [0]]
        assert browser.execute_script(parse, "b-a") == [[1], [0]]
        assert browser.execute_script(parse, "new york + b") == [[3, 1], []]
        assert browser.execute_script(parse, "−a − b") == [[], [0, 1]]


def test_words_that_are_not_on_the_map_are_looked_up(browser: Any) -> None:
    vectors = composing()
    explorer = Explorer(vectors, "subwords")
    with serving(explorer) as server:
        visit(browser, server.url)
        for text, plus, minus in (
            ("cats", ["cats"], []),
            ("tea-cats", ["tea-cats"], []),
            ("cats − tea", ["cats"], [1]),
            ("−cats", [], ["cats"]),
        ):
            type_in(browser, text)
            until(browser, f"explorer.query === {json.dumps(text)}")
            assert listed(browser) == [explorer.words[int(item["id"])] for item in explorer.nearest(plus, minus)]
            assert "Not on the map: " in browser.execute_script("return document.querySelector('.soft').textContent")
        type_in(browser, "a")
        assert "is not in the vocabulary" in until(browser, "document.getElementById('message').textContent")


def test_two_models_side_by_side_mark_what_differs(browser: Any) -> None:
    one = planted()
    matrix = one.matrix.copy()
    matrix[6] = matrix[7]
    explorer = Explorer(one, "one", compare=lexigrad.KeyedVectors(one.words, matrix), compare_name="other")
    explorer.begin().join()
    with serving(explorer) as server:
        visit(browser, server.url)
        assert listed(browser)[0] == "w6"
        type_in(browser, "w6")
        until(browser, "explorer.query === 'w6'")
        own = browser.execute_script("return document.querySelectorAll('#selected .own').length")
        sides = [{item["id"] for item in explorer.nearest([6], [], side=side)} for side in (0, 1)]
        assert own == 2 * len(sides[0] - sides[1])
        assert browser.execute_script("return document.querySelectorAll('.map').length") == 2


def test_a_slow_map_is_swapped_in_when_it_is_there(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    square = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)
    go_on = threading.Event()

    def computed(*_: object) -> Any:
        assert go_on.wait(WAIT_SECONDS)
        return square

    monkeypatch.setattr("lexigrad.view.explorer.data.slow_places", computed)
    explorer = Explorer(planted(), "mine", slow="tsne")
    thread = explorer.begin()
    with serving(explorer) as server:
        visit(browser, server.url)
        shown = browser.execute_script("const m = document.getElementById('map'); return [m.value, m.textContent]")
        assert shown == ["pca", "PCAt-SNE is coming"]
        go_on.set()
        thread.join()
        until(browser, "document.getElementById('map').value === 'tsne' && explorer.moved === 1")
        visit(browser, server.url)
        assert browser.execute_script("return explorer.map") == "tsne"
        visit(browser, server.url + "#map=pca")
        assert browser.execute_script("return explorer.map") == "pca"


def test_hostile_words_are_shown_as_text(browser: Any) -> None:
    vectors = lexigrad.KeyedVectors(HOSTILE, np.random.default_rng(0).standard_normal((len(HOSTILE), 6)))
    with serving(Explorer(vectors, "<b>name</b>", compare=vectors, compare_name="<img src=x>")) as server:
        complaints(browser)
        visit(browser, server.url)
        for number, word in enumerate(HOSTILE):
            browser.execute_script("explorer.choose(explorer.words[arguments[0]])", number)
            until(browser, f"explorer.query === explorer.words[{number}]")
            assert browser.execute_script("return document.querySelector('#selected h2').textContent") == word
        assert browser.execute_script("return document.querySelectorAll('img, b, iframe').length") == 0
        assert browser.execute_script("return document.scripts.length") == 1
        assert complaints(browser) == []


def test_light_and_dark_and_the_keys_of_the_map(browser: Any, url: str) -> None:
    visit(browser, url + "#theme=dark")
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"
    browser.find_element(By.ID, "theme").click()
    until(browser, "location.hash.includes('theme=light')")
    before = browser.execute_script("return [explorer.view.x, explorer.view.scale]")
    browser.find_element(By.CSS_SELECTOR, ".map").send_keys(Keys.ARROW_RIGHT, "+", Keys.ENTER)
    after = browser.execute_script("return [explorer.view.x, explorer.view.scale]")
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert until(browser, "explorer.query").startswith("w")


def test_no_request_leaves_the_machine(browser: Any, url: str) -> None:
    requested(browser)
    complaints(browser)
    visit(browser, url)
    type_in(browser, "w7 - w1 + w2")
    until(browser, "explorer.query")
    asked = [urlsplit(address) for address in requested(browser)]
    assert {part.scheme for part in asked} <= {"http", "data", "about"}
    assert {part.netloc for part in asked if part.scheme == "http"} == {urlsplit(url).netloc}
    assert complaints(browser) == []  # the policy stopped nothing, as nothing was tried


def test_the_exported_page_works_from_disk_and_asks_for_nothing(
    browser: Any, explorer: Explorer, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    export_page(explorer, path)
    requested(browser)
    complaints(browser)
    visit(browser, path.as_uri())
    type_in(browser, "w7 - w1 + w2 + w5")  # a sum whose length is not about 1
    until(browser, "document.querySelector('#selected h2')")
    figures = (
        "return [...document.querySelectorAll('#selected .words .figure')].map((item) => Number(item.textContent))"
    )
    exact = [float(item["cosine"]) for item in explorer.nearest([7, 2, 5], [1])]
    np.testing.assert_allclose(browser.execute_script(figures), exact, atol=0.02)
    assert len(set(listed(browser)) - set(answers(explorer, [7, 2, 5], [1]))) <= 2
    assert {urlsplit(address).scheme for address in requested(browser)} <= {"file", "data", "about"}
    assert complaints(browser) == []


def test_modules_leave_no_names_in_the_window(browser: Any, url: str) -> None:
    browser.get("about:blank")
    browser.get(url)
    until(browser, "document.documentElement.dataset.ready === 'true'")
    every = "Promise.all(arguments[0].map((name) => import(`/${name}`)))"
    exported = browser.execute_script(f"return {every}.then((modules) => modules.flatMap(Object.keys))", SCRIPTS)
    assert {"explorer", "WordMap", "byId"} <= set(exported)
    assert browser.execute_script("return arguments[0].filter((name) => name in window)", exported) == []


PANNING: Final = """
const done = arguments[0], from = explorer.drawn;
let frames = 0;
const step = () => {
  explorer.pan(7, 3 * Math.sin(++frames / 5));
  if (frames < 20) requestAnimationFrame(step);
  else requestAnimationFrame(() => requestAnimationFrame(() => done(explorer.drawn - from)));
};
requestAnimationFrame(step);
"""


def test_100_000_words_are_drawn_in_each_frame_and_answered(browser: Any) -> None:
    words = 100_000
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((40, 10), dtype=np.float32)[np.arange(words) % 40]
    matrix = matrix + rng.standard_normal((words, 10), dtype=np.float32)
    explorer = Explorer(lexigrad.KeyedVectors([f"word{i}" for i in range(words)], matrix), "large")
    with serving(explorer) as server:
        visit(browser, server.url)
        assert browser.execute_script("return explorer.words.length") == words
        assert browser.execute_script("return explorer.maps[0].labelled.length") > 20
        assert browser.execute_async_script(PANNING) >= 20
        browser.execute_script("explorer.zoom(20, 0, 0)")
        assert browser.execute_async_script(PANNING) >= 20
        type_in(browser, "word99999")
        until(browser, "explorer.query === 'word99999'")
        assert listed(browser) == answers(explorer, [words - 1], [])


BOTH_KINDS_OF_POINTS: Final = """
return [GlPoints, PlainPoints].map((Kind) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 101;
  const points = new Kind(canvas);
  const places = new Float32Array([-0.5, 0.5, 0.5, -0.5]);
  points.places(places, places);
  points.colors(new Uint8Array([255, 0, 0, 255, 0, 0, 255, 255]));
  points.draw({ x: 0, y: 0, scale: 50 }, 7, 1, 1);
  const copy = new OffscreenCanvas(101, 101).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return [[25, 25], [75, 75], [25, 75]].map(([x, y]) => [...copy.getImageData(x, y, 1, 1).data]);
});
"""


def test_webgl_draws_what_the_plain_canvas_draws(browser: Any, url: str) -> None:
    begin_at(browser, url)
    assert browser.execute_script("return explorer.maps[0].points instanceof PlainPoints")  # no card: it is emulated
    for seen in browser.execute_script(BOTH_KINDS_OF_POINTS):
        assert seen == [[255, 0, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]]


def test_buttons_zoom_and_show_all(browser: Any, url: str) -> None:
    begin_at(browser, url)
    fit = browser.execute_script("return explorer.view.scale")
    for name, factor in (("in", 1.5), ("out", 1.0), ("out", 1 / 1.5), ("all", 1.0)):
        browser.find_element(By.ID, name).click()
        assert browser.execute_script("return explorer.view.scale") == pytest.approx(factor * fit)


def test_an_island_far_off_does_not_make_the_rest_small(browser: Any, url: str) -> None:
    begin_at(browser, url)
    spread = """
    const cloud = Float32Array.from({ length: 2000 }, (_, k) => Math.sin(k * k)), far = cloud.slice();
    for (let k = 0; k < 20; k++) far[2 * k] = 50;
    return [cloud, far].map((places) => {
      const extent = normalize([places]);
      return [extent, Math.max(...places.filter((_, i) => i % 2 === 1))];
    });
    """
    (extent, top), (_, top_beside_island) = browser.execute_script(spread)
    assert extent == pytest.approx([1, 1], abs=0.05)
    assert top == pytest.approx(1, abs=0.05)
    assert top_beside_island > 0.6


def test_a_keyboard_goes_through_the_neighbors_and_keeps_its_place(browser: Any, url: str, explorer: Explorer) -> None:
    begin_at(browser, url)
    type_in(browser, "w7")
    until(browser, "explorer.query === 'w7'")
    browser.find_element(By.CSS_SELECTOR, "#selected .words button").send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    until(browser, f"explorer.query === {json.dumps(answers(explorer, [7], [])[1])}")
    assert browser.execute_script("return document.activeElement.tagName") == "H2"
    browser.find_element(By.CSS_SELECTOR, ".map").send_keys(Keys.ARROW_RIGHT)
    middle = "const m = explorer.maps[0]; return explorer.words[m.nearestPoint(m.width / 2, m.height / 2, 1e9)]"
    said = browser.execute_script("return document.getElementById('status').textContent")
    assert said == f"in the middle: {browser.execute_script(middle)}"

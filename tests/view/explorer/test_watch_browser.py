"""A training watched in a real browser, to its end."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from browsing import NEEDS_BROWSER, complaints, listed, reach, until
from contract import planted_sentences
from explorer_pages import HOSTILE, serving

import lexigrad
from lexigrad import Callback, TrainConfig
from lexigrad.cli.watch import begin_watch
from lexigrad.view.explorer import watch as watching
from lexigrad.view.explorer.watch import Watch

if TYPE_CHECKING:
    import pytest

    from lexigrad import Word2Vec

pytestmark = NEEDS_BROWSER


class Until(Callback):
    """Ends the training after the epoch in which it is told to."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def on_epoch_end(self, model: Word2Vec) -> bool:
        return self.event.is_set()


def set_offline(driver: Any, *, offline: bool) -> None:
    driver.execute_cdp_cmd("Network.enable", {})
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def test_a_training_is_watched_to_its_end(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look comes when the page has shown the one before, and the training ends when enough is seen."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LOOK_EVERY", 0)
    config = TrainConfig(dim=8, min_count=1, epochs=1_000_000, threads=1, loss_sample=50, subsample=0.0)
    hostile = [word for word in HOSTILE if word and len(word) < 100]
    text = [*planted_sentences(60), *([word, "t0w0", "t0w1"] for word in hostile)]
    watch, enough, models = Watch("<b>mine</b>"), Event(), []

    def train() -> None:
        with lexigrad.read_corpus(text, config) as corpus:
            begin_watch(watch, corpus.vocabulary, config)
            models.append(lexigrad.train(corpus, config, callbacks=[watch, Until(enough)]))
        watch.end(models[0].V, "<i>mine</i> is written")

    with serving(watch) as server:
        browser.get(server.url)
        reach(browser)
        until(browser, "document.querySelector('#training h2')?.textContent === 'Reading the text'")
        thread = Thread(target=train)
        thread.start()
        try:
            until(browser, "document.documentElement.dataset.ready === 'true' && explorer.training.look > 3")
            until(browser, "explorer.drawn > 2 && explorer.maps[0].labelled.length > 5")
            assert "waiting" not in browser.execute_script("return document.documentElement.className")
            browser.execute_script("explorer.choose('t0w0')")
            until(browser, "document.querySelectorAll('#selected .strip').length === 10")
            look = browser.execute_script("return explorer.training.look")
            until(browser, f"explorer.training.look > {look + 2} && document.getElementById('stayed')")
            assert until(browser, "document.querySelector('#training polyline').getAttribute('points')")
            places = browser.execute_script("return [...explorer.training.trail.at(-1)].slice(0, 20)")
            assert browser.execute_script("return [...explorer.maps[0].places].slice(0, 20)") != places
        finally:
            enough.set()
            thread.join()
        until(browser, "explorer.training.isOver")
        expected = [word for word, _ in models[0].vectors.most_similar("t0w0", n=10)]
        until(browser, "document.querySelector('#training h2').textContent === 'Training is over'")
        assert listed(browser) == expected
        assert browser.execute_script("return document.querySelector('#training .soft').textContent").startswith("<i>")
    set_offline(browser, offline=True)  # as the page is when the command has ended
    browser.execute_script("explorer.choose('t1w1')")
    assert until(browser, "document.getElementById('message').textContent").startswith("Training is over")
    set_offline(browser, offline=False)
    assert browser.execute_script("return document.querySelectorAll('b, #training i b, img, iframe').length") == 0
    assert [entry for entry in complaints(browser) if "ERR_INTERNET_DISCONNECTED" not in entry["message"]] == []

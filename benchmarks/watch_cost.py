"""The cost to a training of being watched: `python benchmarks/watch_cost.py TEXT [--rounds 5]`.

The text is read once. Then, in this process and in turn, it is trained on without and with a page that watches: a
headless Chromium, which has the page open and follows a word's neighbors. The page learns the words before the clock
starts, as the command gives them to it before it loads the kernels. The time is that of `lexigrad.train` by the clock.
The cost is that of the best round of each kind, as other work on a machine only ever adds; the median of the rounds is
written besides. The vectors' digests must agree. Needs selenium, chromium and chromedriver. The figures go to
results/watch_cost-TEXT.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from statistics import median
from threading import Thread
from typing import TYPE_CHECKING, Any

from reading import machine
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import lexigrad
from lexigrad.cli.watch import begin_watch
from lexigrad.view.explorer.server import ExplorerServer
from lexigrad.view.explorer.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parent / "results"
WAITS = "return document.documentElement.classList.contains('waiting')"
IS_BUILT = "return document.documentElement.dataset.ready === 'true'"
FIGURES = "[Number(document.documentElement.dataset.news), page.explorer.drawn, page.explorer.query]"
SEEN = f"return import('/served.js').then((page) => {FIGURES})"


def main() -> None:
    """Time the rounds, print each when it is there, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--word", default="france")
    options = parser.parse_args()
    config = lexigrad.TrainConfig(epochs=options.epochs)
    rounds: list[dict[str, Any]] = []
    with lexigrad.read_corpus(options.text, config) as corpus, chromium() as driver:
        lexigrad.train(corpus, lexigrad.TrainConfig(epochs=1))  # compiles and reads all that is needed
        for number in range(options.rounds):
            row: dict[str, Any] = {}
            for kind in ("plain", "watched") if number % 2 else ("watched", "plain"):  # neither always comes first
                watch_it = kind == "watched"
                row[kind] = watched(corpus, config, driver, options.word) if watch_it else plain(corpus, config, driver)
            rounds.append(row)
            print(json.dumps(row), flush=True)
    digests = {run["digest"] for row in rounds for run in row.values()}
    plains, watches = ([row[kind]["seconds"] for row in rounds] for kind in ("plain", "watched"))
    result = {
        "text": options.text.name,
        "epochs": options.epochs,
        "machine": machine(),
        "best_seconds": {"plain": min(plains), "watched": min(watches)},
        "cost_of_the_best": min(watches) / min(plains) - 1,
        "median_cost": median(watch / plain - 1 for watch, plain in zip(watches, plains, strict=True)),
        "same_bytes": len(digests) == 1,
        "rounds": rounds,
    }
    target = RESULTS / f"watch_cost-{options.text.stem}.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print({name: value for name, value in result.items() if name != "rounds"})


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,900"):
        options.add_argument(switch)
    with webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"))) as driver:
        yield driver


def plain(corpus: lexigrad.Corpus, config: lexigrad.TrainConfig, driver: Any) -> dict[str, Any]:
    """Train while the browser shows nothing."""
    driver.get("about:blank")
    return trained(corpus, config)


def watched(corpus: lexigrad.Corpus, config: lexigrad.TrainConfig, driver: Any, word: str) -> dict[str, Any]:
    """Train while the page follows a word."""
    watch = Watch("watched")
    with ExplorerServer(watch) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        driver.get("about:blank")
        driver.get(f"{server.url}#q={word}")
        wait_for(driver, WAITS)
        begin_watch(watch, corpus.vocabulary, config)
        wait_for(driver, IS_BUILT)
        row = trained(corpus, config, watch)
        seen, drawn, query = driver.execute_script(SEEN)
        watch.stop("done")
        server.shutdown()
        thread.join()
    if query != word:
        raise SystemExit(f"the page followed {query!r}, not {word!r}")
    return {**row, "news": seen, "drawn": drawn}


def wait_for(driver: Any, script: str) -> None:
    """Wait until a script returns a true value."""
    while not driver.execute_script(script):
        time.sleep(0.05)


def trained(corpus: lexigrad.Corpus, config: lexigrad.TrainConfig, *callbacks: lexigrad.Callback) -> dict[str, Any]:
    """The seconds of a training, and a digest of its tables."""
    began = time.perf_counter()
    model = lexigrad.train(corpus, config, callbacks=callbacks)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "digest": blake2b(model.V.tobytes() + model.U.tobytes(), digest_size=16).hexdigest()}


if __name__ == "__main__":
    main()

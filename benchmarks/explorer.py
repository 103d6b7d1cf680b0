"""How fast the explorer's page is with 100,000 words, in headless Chromium.

    python benchmarks/explorer.py                                # 100,000 made vectors of 300 numbers
    python benchmarks/explorer.py --vectors model.safetensors    # vectors of your own

The first map is the time from the start of the navigation, when the server is up, until points and labels are drawn.
Panning moves the map in each of 120 frames, with all words in sight and close up; frames a second are 120 by the time
they took. Neighbors are asked for by the page, over HTTP, for 20 words one after another, after one for warmth: median
and greatest time. Each round is a new page; all rounds are kept. Results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from browser import chromium, served, visit
from train_vs_gensim import RESULTS, machine

import lexigrad
from lexigrad.view.explorer.data import Explorer

ROUNDS, FRAMES, ASKED = 3, 120, 20
WIDTH, HEIGHT = 1440, 900

PANNING = """
const [frames, done] = arguments, from = explorer.drawn, times = [];
const step = (now) => {
  times.push(now);
  explorer.pan(7, 3 * Math.sin(times.length / 5));
  if (times.length <= frames) requestAnimationFrame(step);
  else done([times[frames] - times[0], explorer.drawn - from]);
};
requestAnimationFrame(step);
"""

ASKING = """
const [words, done] = arguments, times = [];
(async () => {
  for (const word of words) {
    const from = performance.now();
    await explorer.source.nearest([word], [], 20, 0);
    times.push(performance.now() - from);
  }
  done(times.slice(1));
})();
"""


def main() -> None:
    """Serve the page, measure, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--vectors", type=Path, help="look at these in place of made ones")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    vectors = lexigrad.load_vectors(options.vectors) if options.vectors else made(options.words, options.dim)
    name = options.vectors.stem if options.vectors else f"made-{len(vectors)}"
    with served(Explorer(vectors, name)) as url, chromium(WIDTH, HEIGHT) as browser:
        rounds = [measured(browser, url, len(vectors)) for _ in range(ROUNDS)]
        versions = browser.capabilities["browserVersion"]
    for figures in rounds:
        print(", ".join(f"{name} {value:,.1f}" for name, value in figures.items()))
    results = {
        "vectors": name, "words": len(vectors), "dim": vectors.dim, "window": [WIDTH, HEIGHT], "chromium": versions,
        "machine": machine(), "rounds": rounds,
    }  # fmt: skip
    path = options.results / f"explorer-{name}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def made(words: int, dim: int) -> lexigrad.KeyedVectors:
    """Made words in 40 groups, and their vectors."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((40, dim), dtype=np.float32)[np.arange(words) % 40]
    matrix = matrix + rng.standard_normal((words, dim), dtype=np.float32)
    return lexigrad.KeyedVectors([f"word{i}" for i in range(words)], matrix)


def measured(browser: Any, url: str, words: int) -> dict[str, float]:
    """The figures of one round."""
    visit(browser, url)
    first = browser.execute_script("return performance.getEntriesByName('first map')[0].startTime")
    far = panned(browser)
    browser.execute_script("explorer.fit(); explorer.zoom(20, 0, 0)")
    close = panned(browser)
    asked = browser.execute_async_script(ASKING, np.linspace(0, words - 1, ASKED + 1, dtype=int).tolist())
    return {
        "first_map_ms": first, "frames_per_second": far, "frames_per_second_close": close,
        "neighbors_ms": statistics.median(asked), "neighbors_most_ms": max(asked),
    }  # fmt: skip


def panned(browser: Any) -> float:
    """Frames a second while the map moves, all of them drawn."""
    milliseconds, drawn = browser.execute_async_script(PANNING, FRAMES)
    if drawn < FRAMES:
        raise SystemExit(f"only {drawn} of {FRAMES} frames were drawn")
    return float(1e3 * FRAMES / milliseconds)


if __name__ == "__main__":
    main()

"""Text that is counted in shards, by an engine and by one process."""

from __future__ import annotations

import numpy as np

from lexigrad import TrainConfig, count_windows, read_corpus
from lexigrad.corpus.shards import count_words, write_window_counts

TRICKY = (
    "\ufeffthe cat sat\r\non the mat\n\n\r\n  \nété ΣΑΣ Σ the été\x00 the\u2003cat\n"
    "a sentence that is longer than the shards are so that it goes on and on the cat the mat été\n"
    "the\x1fcat\vsat\fon the mat 日本語 日本語 the 🐈 sat\n\n\ncat"
)


def config(**options):
    return TrainConfig(**({"min_count": 1, "threads": 1, "subsample": 0.01} | options))


def by_one_process(paths, options, folder, vocabulary=None, phrases=None):
    """The vocabulary, the report and the counts file that one process makes."""
    with read_corpus(paths, options, vocabulary=vocabulary, phrases=phrases) as corpus:
        count_windows(corpus, options).save(folder / "one.npz")
        return corpus.vocabulary, corpus.report, (folder / "one.npz").read_bytes()


def by_engine(engine, paths, options, folder, vocabulary=None, phrases=None, shard_bytes=None, memory_bytes=None):
    """The vocabulary, the report and the counts file that an engine makes."""
    how = {"engine": engine, "shard_bytes": shard_bytes}
    words = count_words(paths, options, vocabulary=vocabulary, phrases=phrases, **how)
    name = folder / "engine.npz"
    written = write_window_counts(paths, name, options, words=words, memory_bytes=memory_bytes, **how)
    found, report, _ = words
    assert written.report.kept == report.kept
    assert (written.report.lines, written.report.tokens) == (report.lines, report.tokens)
    return found, report, name.read_bytes()


def random_text(words, length, seed=0):
    """Lines of words of which the first are far more frequent."""
    rng = np.random.default_rng(seed)
    ids = (words * rng.random(length) ** 3).astype(int)
    ends = np.sort(rng.integers(0, length, length // 30))
    return "".join(" ".join(f"w{i}" for i in part) + "\n" for part in np.split(ids, ends))

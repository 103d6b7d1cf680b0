"""How fast this machine's cores are: short runs of the kernels that do the work, on words that are drawn as in a text.

The words' frequencies fall as 1 / (rank + 2.7), after Zipf and Mandelbrot; each word is drawn independently.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.windows.counts import count_windows
from lexigrad.engines.cores import available_cores, one_blas_thread
from lexigrad.engines.threads import ThreadEngine
from lexigrad.training.exact.fused import FusedObjective, SpreadCounts
from lexigrad.training.exact.objective import SUMMED, Counts, Point
from lexigrad.training.planning.job import Rates
from lexigrad.training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexigrad.corpus.windows.counts import WindowCounts
    from lexigrad.training.exact.objective import Loss

__all__ = ["measured_rates"]

WORDS: Final = 1_000_000
"""The words of the text that is drawn: each rate takes some tenths of a second."""
MOST_VOCABULARY: Final = 200_000
"""The most words of the vocabulary; more do not make a core slower, as the tables are far larger than any cache."""
HEAD: Final = 4_096
RUNS: Final = 3
"""The runs of a pass, of which the fastest counts, as other programs can only slow a run down."""
REPEATED: Final = 0.4
"""The share of the lines that repeat an earlier line, so that pairs of words recur about as often as in Wikipedia."""
SHIFT: Final = 2.7
LINE: Final = 75
"""The words of a line, about as in Wikipedia."""
FLOATS: Final = 1 << 22
"""The numbers of a vector: 16 MiB, more than a core's caches hold."""
LETTERS: Final = "etaoinshrdlucmfwypvbgkjqxz"
WARM_WORDS: Final = 2_000
"""The words of a first run, in which kernels are compiled or loaded."""


def measured_rates(config: TrainConfig, vocabulary: int, threads: int | None = None, words: int = WORDS) -> Rates:
    """Measure all cores of this machine at once, for a job of some kind, in a few seconds.

    The first run of a version of lexigrad compiles its kernels, which takes some seconds more.

    Args:
        config: the options of the job.
        vocabulary: words of the job's vocabulary; 200,000 of them are taken at most.
        threads: the number of threads; all cores when not given.
        words: words of the text that is drawn.

    Returns:
        The rates of one core, which are those of all threads divided by their number.

    Example:
        >>> from lexigrad import TrainConfig
        >>> rates = measured_rates(TrainConfig(dim=8), vocabulary=100, threads=1, words=5_000)
        >>> rates.sgd > 0 and rates.naive_softmax > 0
        True
    """
    threads = threads or available_cores()
    fixed = {"epochs": 1, "min_count": 1, "max_vocabulary": None, "loss_sample": 0, "early_stop": None, "phrases": 0}
    run = TrainConfig(**{**config.to_dict(), **fixed, "solver": "sgd", "loss": "negative_sampling", "threads": threads})
    drawn = min(vocabulary, MOST_VOCABULARY)
    with tempfile.TemporaryDirectory() as folder, one_blas_thread():
        path = Path(folder) / "text"
        for length in (min(words, WARM_WORDS), words):  # the first run is thrown away
            path.write_text(drawn_text(length, drawn), encoding="ascii")
            of_text, counts = _text_rates(path, run)
            of_passes = [_pass_rate(counts, loss, run) for loss in ("negative_sampling", "naive_softmax")]
    reading, counting, sgd = (rate / threads for rate in of_text)
    negative_sampling, naive_softmax = (rate / threads for rate in of_passes)
    return Rates(reading, counting, sgd, negative_sampling, naive_softmax, _vector_rate())


def drawn_text(words: int, vocabulary: int) -> str:
    r"""A text of about this number of words, the same in every call.

    Example:
        >>> drawn_text(8, vocabulary=100)
        'emeee eioee eteee ooee eeneee deee eextee eereee\n'
    """
    random = np.random.default_rng(1)
    weights = 1 / (np.arange(vocabulary) + SHIFT)
    ids = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(words))
    lines = np.arange(-(-words // LINE))
    earlier = (lines * random.random(lines.size)).astype(np.int64)
    lines = np.where(random.random(lines.size) < REPEATED, earlier, lines)
    names = [_name(rank) for rank in range(vocabulary + 1)]
    texts = (" ".join([names[word] for word in ids[line * LINE : (line + 1) * LINE].tolist()]) for line in lines)
    return "\n".join(texts) + "\n"


def _name(rank: int) -> str:
    """The word of a rank, of four to six letters, as the words of a text have five in the mean."""
    letters = "e" * (rank % 3)
    number = rank
    for _ in range(4):
        number, letter = divmod(number, len(LETTERS))
        letters += LETTERS[letter]
    return letters


def _text_rates(path: Path, config: TrainConfig) -> tuple[tuple[float, float, float], WindowCounts]:
    """The words a second of reading, counting and SGD, and the window counts."""
    began = time.perf_counter()
    with read_corpus(path, config) as corpus:
        read = time.perf_counter()
        counts = count_windows(corpus, config)
        counted = time.perf_counter()
        last: list[Any] = []
        train(corpus, config, progress=last.append)
        words = corpus.words
    return (words / (read - began), words / (counted - read), last[-1].words_per_second), counts


def _pass_rate(counts: WindowCounts, loss: Loss, config: TrainConfig) -> float:
    """The floating-point operations a second of all threads: six for each pair of the head's words and dimension."""
    head = counts.head(HEAD)
    words = len(head.vocabulary)
    noise = head.vocabulary.noise_distribution(config.noise_exponent)
    factors = config.negatives * head.center_weights, noise
    table = np.full((words, config.dim), 0.01, dtype=np.float32)
    point = Point(table, table.copy(), np.zeros(words, dtype=np.float32))
    with ThreadEngine(config.threads or 1) as engine:
        spread = SpreadCounts(Counts(head.starts, head.outside, head.weights, words, *factors), engine, config.parts)
        objective = FusedObjective(spread, loss, SUMMED[loss].l2)
        seconds = min(_seconds(lambda: objective.evaluate(point)) for _ in range(RUNS))
        spread.close()
    return 6 * words**2 * config.dim / seconds


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _vector_rate() -> float:
    """The bytes a second of L-BFGS on its vectors, by one thread: sums of products, and sums of multiples."""
    x, y, scaled = (np.full(FLOATS, 0.5, dtype=np.float32) for _ in range(3))

    def work() -> None:
        np.dot(x, y)
        np.multiply(x, 0.5, out=scaled)
        np.add(y, scaled, out=y)

    return 7 * x.nbytes / min(_seconds(work) for _ in range(RUNS))

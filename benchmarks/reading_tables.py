"""How fast and in how much memory tables become a vocabulary and word ids, against the same text as a plain file.

    python benchmarks/reading_tables.py TEXT [--rounds 7] [--output benchmarks/results/reading-tables.json]

Each line of TEXT becomes a row: of strings, of lists of tokens, or of lists of ids. The forms take turns, after one
round that is not counted; the best round of each counts. Memory is the most that a process of its own ever held, for
the text once and four times.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import ipc, parquet
from reading import machine

from lexigrad import TrainConfig, read_corpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIN_COUNT = 5
ROWS = 20_000
"""The rows of a row group or a record batch."""
COPIES = (1, 4)

PEAK = """
import sys
from pathlib import Path
from lexigrad import TrainConfig, read_corpus
with read_corpus(Path(sys.argv[1]), TrainConfig(threads=int(sys.argv[2]))) as corpus:
    words = corpus.words
status = Path("/proc/self/status").read_text()  # getrusage would count what the parent held when it began this one
print(words, status.split("VmHWM:")[1].split()[0])
"""


def batches(text: Path, copies: int = 1, *, tokens: bool = False, ids: bool = False) -> Iterator[pa.RecordBatch]:
    """The lines of a text as record batches."""
    numbers: dict[str, int] = {}
    for _ in range(copies):
        with open(text, encoding="utf-8") as file:
            while lines := [line.removesuffix("\n") for line in islice(file, ROWS)]:
                rows: list[Any] = lines
                if tokens:
                    rows = [line.split() for line in lines]
                elif ids:
                    rows = [[numbers.setdefault(word, len(numbers)) for word in line.split()] for line in lines]
                yield pa.record_batch({"text": rows})


def write_parquet(path: Path, made: Iterator[pa.RecordBatch], compression: str) -> Path:
    """A Parquet file of the batches."""
    first = next(made)
    with parquet.ParquetWriter(path, first.schema, compression=compression) as writer:
        writer.write_batch(first)
        for batch in made:
            writer.write_batch(batch)
    return path


def write_arrow(path: Path, made: Iterator[pa.RecordBatch]) -> Path:
    """An Arrow file of the batches."""
    first = next(made)
    with ipc.new_file(str(path), first.schema) as writer:
        writer.write_batch(first)
        for batch in made:
            writer.write_batch(batch)
    return path


def forms(text: Path, folder: Path) -> dict[str, Callable[[], Any]]:
    """A function that gives the text in each form, by the form's name."""
    import datasets

    files = {
        "text": text,
        "parquet snappy": write_parquet(folder / "snappy.parquet", batches(text), "snappy"),
        "parquet zstd": write_parquet(folder / "zstd.parquet", batches(text), "zstd"),
        "arrow": write_arrow(folder / "text.arrow", batches(text)),
        "parquet, lists of tokens": write_parquet(folder / "t.parquet", batches(text, tokens=True), "snappy"),
        "parquet, lists of ids": write_parquet(folder / "i.parquet", batches(text, ids=True), "snappy"),
    }
    dataset = datasets.Dataset.from_parquet(str(files["parquet snappy"]), cache_dir=str(folder))
    given: dict[str, Callable[[], Any]] = {name: (lambda path=path: path) for name, path in files.items()}  # type: ignore[misc]
    return {**given, "datasets.Dataset": lambda: dataset, "datasets, streaming": lambda: dataset.to_iterable_dataset()}


def words_of(source: Any, threads: int) -> int:
    """Read the text; returns the number of words kept."""
    with read_corpus(source, TrainConfig(min_count=MIN_COUNT, threads=threads)) as corpus:
        return corpus.words


def measure(given: dict[str, Callable[[], Any]], rounds: int, threads: int) -> dict[str, Any]:
    """The best seconds of each form, which take turns, and their ratio to those of plain text."""
    words = {name: words_of(give(), threads) for name, give in given.items()}
    assert len(set(words.values())) == 1, f"the forms disagree: {words}"
    seconds: dict[str, list[float]] = {name: [] for name in given}
    for _ in range(rounds):
        for name, give in given.items():
            source = give()
            started = time.perf_counter()
            words_of(source, threads)
            seconds[name].append(time.perf_counter() - started)
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "words": words["text"],
        "seconds": {name: [round(value, 4) for value in times] for name, times in seconds.items()},
        "times_text": {name: round(value / best["text"], 3) for name, value in best.items()},
    }


def peaks(text: Path, folder: Path, threads: int) -> dict[str, dict[str, float]]:
    """The most memory in MB that reading took in a process of its own, for the text once and four times."""
    found: dict[str, dict[str, float]] = {"text": {}, "parquet snappy": {}}
    for copies in COPIES:
        plain = folder / f"copies-{copies}.txt"
        plain.write_bytes(text.read_bytes() * copies)
        packed = write_parquet(folder / f"copies-{copies}.parquet", batches(text, copies), "snappy")
        for name, path in (("text", plain), ("parquet snappy", packed)):
            run = [sys.executable, "-c", PEAK, str(path), str(threads)]
            printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
            found[name][f"{copies} x"] = round(int(printed[1]) / 1024, 1)
            path.unlink()
    return found


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "reading-tables.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        given = forms(options.text, Path(name))
        print("the files are written; measuring", file=sys.stderr)
        results = {
            "machine": {**machine(), "pyarrow": pa.__version__},
            "text": options.text.name,
            "bytes": options.text.stat().st_size,
            "rounds": options.rounds,
            "threads": {str(threads): measure(given, options.rounds, threads) for threads in options.threads},
            "peak_mb": {str(threads): peaks(options.text, Path(name), threads) for threads in options.threads},
        }
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

"""``python -m tests.fuzz --reader native --inputs 1000000 --seed 1``: a long search, by hand."""

# ruff: noqa: T201  # it is a command
from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import time
import warnings
from typing import NoReturn

from .engine import Search, smallest
from .readers import READERS

HUNG_SECONDS = 20
SPARE_BYTES = 400 << 20
"""The memory that the search may take beyond that of its beginning: no lie in a header may get more."""


def main() -> int:
    """Fuzz the readers that are named, in turns."""
    options = _options()
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, _hung)
    searches = [Search(READERS[name], options.seed) for name in options.reader or READERS]
    for search in searches:
        search.run(0)  # takes the memory that the sound files need
    _limit_memory()
    for done in range(0, options.inputs, options.turn):
        for search in searches:
            _take_turn(search, min(options.turn, options.inputs - done), options.pause)
    return int(any(search.faults for search in searches))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the readers.")
    parser.add_argument("--reader", action="append", choices=READERS, help="which; may be repeated; all without it")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many inputs for each reader")
    parser.add_argument("--turn", type=int, default=50_000, help="how many inputs before the next reader has its turn")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices")
    parser.add_argument("--pause", metavar="FILE", default="", help="wait while this file exists")
    return parser.parse_args()


def _take_turn(search: Search, inputs: int, pause: str) -> None:
    """Try ``inputs`` more inputs, and print the state of the search."""
    known = set(search.faults)
    started = time.process_time()

    def each(number: int) -> None:
        signal.setitimer(signal.ITIMER_PROF, HUNG_SECONDS)
        while number % 256 == 0 and pause and os.path.exists(pause):
            time.sleep(1)

    search.run(inputs, each)
    signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - started
    print(
        f"{search.reader.name}: {search.inputs:,} inputs, the last {inputs:,} in {seconds:,.0f} s, {search.read:,} of "
        f"all read, {len(search.steps):,} steps, {len(search.pool):,} kept, {len(search.faults):,} faults",
        flush=True,
    )
    for kind in search.faults.keys() - known:
        small = smallest(search.reader, search.faults[kind])
        print(f"  {small.kind}\n  {small.content!r}\n{small.report}", flush=True)


def _limit_memory() -> None:
    """Refuse the process more memory than a reader of small files can need; MemoryError is a fault then."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + SPARE_BYTES, resource.RLIM_INFINITY))


def _hung(*_: object) -> NoReturn:
    raise RuntimeError(f"one input took more than {HUNG_SECONDS} seconds of processor time")


if __name__ == "__main__":
    sys.exit(main())

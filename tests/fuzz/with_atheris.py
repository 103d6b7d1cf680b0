"""``python -m tests.fuzz.with_atheris native -runs=100000``: the search by Atheris, which also sees comparisons.

Atheris is no dependency: ``pip install atheris`` first. The arguments after the reader's name go to libFuzzer.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["lexigrad"], exclude=["lexigrad.kernels"]):
    from .mutations import mutated
    from .readers import READERS, feed, scratch_folder

PAUSE = os.environ.get("FUZZ_PAUSE", "")
"""While the file of this name exists, the search waits."""


def main() -> None:
    """Fuzz one reader until something is found or libFuzzer's limits end it."""
    reader = READERS[sys.argv[1]]
    seeds = reader.seeds()
    warnings.simplefilter("error")
    with scratch_folder() as folder, scratch_folder() as pool:
        for number, seed in enumerate(seeds):
            (Path(pool) / f"seed-{number}").write_bytes(seed)
        inputs = 0

        def try_one(content: bytes) -> None:
            nonlocal inputs
            inputs += 1
            while PAUSE and inputs % 256 == 0 and os.path.exists(PAUSE):
                time.sleep(1)
            feed(reader, Path(folder), content)

        def mutate(content: bytes, largest: int, seed: int) -> bytes:
            if seed % 2:
                return bytes(atheris.Mutate(content, largest))
            return mutated(Random(seed), content, seeds, reader.tokens)[:largest]

        flags = ["-max_len=4096", "-timeout=1000000", "-print_final_stats=1", *sys.argv[2:]]
        atheris.Setup([sys.argv[0], *flags, pool], try_one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""How much memory exact training takes, and whether the machine has it, which is checked before any table is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lexigrad.errors import InputError
from lexigrad.training.exact.layout import BLOCK
from lexigrad.training.exact.lbfgs import MEMORY
from lexigrad.training.exact.objective import SUMMED

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.windows.counts import WindowCounts

__all__ = ["available_bytes", "check_memory", "needed_bytes"]

FLOAT: Final = 4
VECTORS: Final = 10
"""The number of vectors as long as both tables: the point, its trial, gradients and the curvature."""

CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
CGROUP_USED: Final = Path("/sys/fs/cgroup/memory.current")
MEMINFO: Final = Path("/proc/meminfo")


def needed_bytes(words: int, head: int, entries: int, config: TrainConfig, threads: int) -> int:
    """The memory of exact training beside the window counts, in bytes.

    Args:
        words: words in the vocabulary.
        head: words that are solved together.
        entries: entries of the window counts in the head's rows.
        config: its loss, ``dim`` and ``parts`` are used.
        threads: threads that make the passes; none where other processes carry them out.
    """
    row = FLOAT * (config.dim + 16)  # a row of a table, with its bias and the zeros that fill it up
    remembered = 2 * MEMORY if threads else 0
    search = (VECTORS + remembered) * 2 * head * row
    # each thread's gradients and curvatures, one for each level of its part of the tree, and the tables in both layouts
    sharing = min(threads, config.parts)
    levels = 2 + (config.parts // max(sharing, 1)).bit_length()
    sums = (2 * sharing * levels + 8) * head * row
    scores = threads * BLOCK * FLOAT * (head if SUMMED[config.loss].is_normalized else 1024)
    counts = 2 * 8 * entries  # the head's part of the counts, and the SVD's matrix
    return search + sums + scores + counts + 4 * words * row


def available_bytes() -> int | None:
    """The bytes that the machine, or the container, has left; None where that cannot be found out."""
    left = []
    try:
        limit, used = CGROUP_LIMIT.read_text().strip(), CGROUP_USED.read_text()
        if limit != "max":
            left.append(int(limit) - int(used))
    except (OSError, ValueError):
        pass
    try:
        fields = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
        left.append(1024 * int(fields["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):
        pass
    return min(left) if left else None


def check_memory(counts: WindowCounts, config: TrainConfig, threads: int) -> int:
    """The bytes that training will take.

    Raises:
        InputError: the machine has fewer bytes left; the message names a head that would fit.
    """
    words = len(counts.vocabulary)
    head = min(config.head, words)
    entries = int(counts.starts[head])
    needed, available = needed_bytes(words, head, entries, config, threads), available_bytes()
    if available is None or needed <= available:
        return needed
    least = needed_bytes(words, 1, entries, config, threads)
    fitting = int((head - 1) * (available - least) / (needed - least)) if least < available else 0
    advice = (
        f"a head of {fitting // 100 * 100:,} words would fit (--head)"
        if fitting >= 100
        else "use fewer words (--max-vocabulary) or a smaller --dim"
    )
    raise InputError(
        f"exact training of a head of {head:,} words needs {needed / 1e9:.1f} GB of memory, and "
        f"{available / 1e9:.1f} GB are free; {advice}"
    )

"""Threads that train together: what they share, and what is each one's own.

Threads are cut into groups, and each group computes some columns of the tables, in memory that no other group touches.
In a group each thread takes some of the blocks of a superstep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.simd import CHUNK, part_floats
from lexigrad.kernels.sgd.barrier import looks
from lexigrad.kernels.sgd.span import PIECE, floats_of, new_changes, new_cuts, new_panels, new_piece, new_scores
from lexigrad.kernels.sgd.step import Changes
from lexigrad.kernels.sgd.tables import aligned

if TYPE_CHECKING:
    from lexigrad.kernels.sgd.span import Settings

__all__ = ["PIECES", "Share", "Shared", "new_shared", "new_shares"]

PIECES: Final = 8
"""Pieces in a round: so many threads can make them ready."""

COUNTERS: Final = 4096
"""Counters of the words in a superstep; words that share one are counted together."""


class Shared(NamedTuple):
    """What all threads read and write, each in its turn."""

    pieces: Any  # the Pieces of a round, one in each row
    cuts: Any  # their Cuts
    places: Any  # int64 (PIECES, 4): what `ready_piece` returned
    steps: Any  # int64 (PIECES, PIECE + 2): each superstep's first block, the number of blocks; last, of supersteps
    scores: Any  # the Scores of all blocks of a superstep and the next: float32 (2, slots, parts, ...)


class Share(NamedTuple):
    """One thread's part, and its notes."""

    thread: Any
    threads: Any
    looks: Any  # how long to wait before giving the core away
    first: Any  # the first part of its columns,
    offset: Any  # where they begin in a table,
    dim: Any  # and how many of them count
    number: Any  # among the threads that share these columns,
    sharers: Any  # of which there are so many
    changes: Any  # the Changes of all blocks of a superstep in these columns, one after the other; the sharers' own
    counters: Any  # uint16 (2, COUNTERS): occurrences and draws of words in a superstep


class Lists(NamedTuple):
    """Where several threads have the same columns: which changes one of them is to add."""

    rows: Any  # int64 (3, n): offsets of rows that the thread owns, for d_V, d_U and d_N
    sources: Any  # int64 (3, n): offsets of the changes to add to them
    listed: Any  # int64 (3,): how many there are


def new_shared(settings: Settings, parts: int, cbow: bool) -> Shared:
    """Room for what the threads share."""
    return Shared(
        new_piece(settings, PIECES),
        new_cuts(settings, PIECES),
        np.zeros((PIECES, 4), np.int64),
        np.zeros((PIECES, PIECE + 2), np.int64),
        new_scores(settings, cbow, 2, settings.slots, parts),
    )


def new_shares(
    settings: Settings, shape: tuple[tuple[int, ...], ...], cbow: bool, threads: int, cores: int
) -> list[tuple[Any, ...]]:
    """What is each thread's own: the arguments of `train_together` from ``columns`` on, for each.

    Columns are shared out first, if each part finds a thread; of each group of threads with the same columns, each
    takes some of the blocks. There are no more threads than that shares out evenly.
    """
    groups = len(shape) if threads >= len(shape) else 1  # one part or all: some parts would not show the table's stride
    sharers = threads // groups
    lengths = list(map(len, shape))
    shares = []
    for group in range(groups):
        first, stop = (len(shape) * end // groups for end in (group, group + 1))
        columns, before = shape[first:stop], floats_of(shape[:first])
        one = new_changes(settings, columns)
        changes = Changes(*(aligned(settings.slots * part.size) for part in one))
        places = settings.slots * max(part.size for part in one) // floats_of(columns) + 1
        for number in range(sharers):
            share = Share(
                thread=group * sharers + number,
                threads=groups * sharers,
                looks=looks(groups * sharers, cores),
                first=first,
                offset=first * CHUNK * part_floats(lengths),
                dim=min(floats_of(columns), settings.dim - before),
                number=number,
                sharers=sharers,
                changes=changes,
                counters=np.zeros((2, COUNTERS), np.uint16),
            )
            lists = Lists(np.zeros((3, places), np.int64), np.zeros((3, places), np.int64), np.zeros(3, np.int64))
            panels, means = new_panels(settings, columns, cbow, settings.slots)
            shares.append((columns, share, lists if sharers > 1 else None, panels, means))
    return shares

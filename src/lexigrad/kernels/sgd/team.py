"""Threads that train together: the memory that they share, and the memory that is each one's own.

Threads are cut into groups, and each group computes some columns of the tables, in memory that no other group touches.
In a group each thread takes some of the blocks of a superstep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.rowshape import CHUNK, part_floats
from lexigrad.kernels.sgd.barrier import looks
from lexigrad.kernels.sgd.span import PIECE, floats_of, new_changes, new_cuts, new_panels, new_piece, new_scores
from lexigrad.kernels.sgd.step import Changes, Means, Panels, Scores
from lexigrad.kernels.sgd.tables import aligned

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Int64s, Shape, UInt16s
    from lexigrad.kernels.sgd.piece import Cuts, Piece
    from lexigrad.kernels.sgd.span import Settings

__all__ = ["PIECES", "Lists", "Member", "Share", "Shared", "Team", "new_members", "new_shared"]

PIECES: Final = 8
"""Pieces in a round: so many threads can make them ready."""

COUNTERS: Final = 4096
"""Counters of the words in a superstep; words that share one are counted together."""


class Shared(NamedTuple):
    """The memory that all threads read and write, each in its turn."""

    pieces: Piece  # the pieces of a round, one in each row of these arrays
    cuts: Cuts  # their cuts, likewise
    places: Int64s  # (PIECES, 4): the `Places` of each piece
    steps: Int64s  # (PIECES, PIECE + 2): each superstep's first block, the number of blocks; last, of supersteps
    scores: Scores  # of all blocks of a superstep and of the next: (2, slots, parts, ...)


class Team(NamedTuple):
    """Threads that train together: where they meet, and the memory that they share."""

    gate: Int64s  # the state of the `lexigrad.kernels.sgd.barrier.Gate` where they meet
    shared: Shared


class Share(NamedTuple):
    """One thread's part of the work, and its notes."""

    thread: int  # its number
    threads: int  # the number of all threads
    looks: int  # how long to wait before giving the core away
    first: int  # the first part of its columns
    offset: int  # where its columns begin in a table
    dim: int  # how many of its columns count
    number: int  # its number among the threads that share these columns
    sharers: int  # the number of threads that share them
    changes: Changes  # of all blocks of a superstep in these columns, one after the other; the sharers have the same
    counters: UInt16s  # (2, COUNTERS): occurrences and draws of words in a superstep


class Lists(NamedTuple):
    """Where several threads have the same columns: which changes one of them is to add."""

    rows: Int64s  # (3, n): offsets of rows that the thread owns, for d_V, d_U and d_N
    sources: Int64s  # (3, n): offsets of the changes to add to them
    listed: Int64s  # (3,): how many changes there are of each kind


class Member(NamedTuple):
    """One thread of a team: its part of the work, and its own memory."""

    columns: Shape  # the parts of a row that it computes
    share: Share
    lists: Lists | None  # None where no other thread has the same columns
    panels: Panels
    means: Means | None  # CBOW's buffers, None for skip-gram


def new_shared(settings: Settings, parts: int, cbow: bool) -> Shared:
    """The memory that threads share."""
    return Shared(
        new_piece(settings, PIECES),
        new_cuts(settings, PIECES),
        np.zeros((PIECES, 4), np.int64),
        np.zeros((PIECES, PIECE + 2), np.int64),
        new_scores(settings, cbow, 2, settings.slots, parts),
    )


def new_members(settings: Settings, shape: Shape, cbow: bool, threads: int, cores: int) -> list[Member]:
    """The threads of a team.

    Columns are shared out first, if each part finds a thread; of each group of threads with the same columns, each
    takes some of the blocks. There are no more threads than that shares out evenly.
    """
    groups = len(shape) if threads >= len(shape) else 1  # one part or all: some parts would not show the table's stride
    sharers = threads // groups
    lengths = list(map(len, shape))
    members = []
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
            members.append(Member(columns, share, lists if sharers > 1 else None, panels, means))
    return members

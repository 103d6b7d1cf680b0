"""Predictions of many windows at once, as lists of (row, word), and the exponentials of a softmax over their scores.

This is for a trainer that works by matrix products: a batch is one step of `lexigrad.reference.skipgram` or
`lexigrad.reference.cbow` under `lexigrad.reference.naive_softmax`.

Row i of a batch has one input x_i and one or more words to predict from it. Under skip-gram x_i is a center word's
vector, all its occurrences in the batch being one row, and the outside words of all their windows are predicted; under
CBOW x_i is the mean over a window, and its center word is predicted. Words are dropped and windows drawn as in
`lexigrad.kernels.sgd.span`.

The scores of a tile of the vocabulary are in the cache once they are computed; `exp_rows` turns them into
exp(score − peak) where they stand, the peak being the largest of a row within the tile, so that none overflows. Tiles
are put together by their peaks:

    log Z = m + log Σ_tiles exp(peak − m) · sum,  m the largest peak
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.compiler.rowshape import LANES
from lexigrad.kernels.compiler.simd import Lanes, vector_kernel
from lexigrad.kernels.sgd.piece import Piece, count_windows, keep_piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llvmlite.ir import Value

    from lexigrad.kernels.arraytypes import Floats, Int32s
    from lexigrad.kernels.sgd.piece import Draws

__all__ = ["Batch", "BatchSettings", "add_rows", "exp_rows", "sum_rows", "window_batches"]

PIECE = 1 << 20
"""Tokens of the corpus made ready at a time, in 20 MB; a batch ends with its piece."""

STRANDS = 256
"""A piece is cut into so many strands, and its windows are taken from each in turn.

Windows that follow each other in the text have the same words and the same topic, and their gradients, summed at the
same tables, would push the same rows too far.
"""


class BatchSettings(NamedTuple):
    """The kind of a batch, and its limits."""

    cbow: bool  # whether a row is a context (or else a center word)
    window: int  # the widest window
    dynamic: bool  # whether widths are drawn
    reach: int  # the widest window that the sentences have room for
    rows: int  # most rows in a batch
    links: int  # a batch takes no further window when it has so many predictions (skip-gram) or context words (CBOW)
    repeats: int  # most occurrences of a center word in a batch


class Batch(NamedTuple):
    """Some windows; the arrays are overwritten by the next batch."""

    start: int  # tokens of the corpus before the batch, about
    sizes: Int32s  # (rows,): words of which a row's input is the mean
    predictions: Int32s  # (rows,): words to predict from a row
    input_rows: Int32s  # (inputs,): the row that an input belongs to, rising
    inputs: Int32s  # (inputs,): word ids, rows of V
    output_rows: Int32s  # (outputs,): the row from which a word is predicted
    outputs: Int32s  # (outputs,): the word, a row of U


class _Limits(NamedTuple):
    """Where in a piece a batch is gathered."""

    turn: int  # windows of the piece that earlier batches have taken or passed over
    length: int  # places of a strand
    first: int  # the piece's first place
    last: int  # the place after its last
    places: int  # the number of all places


class _Gathered(NamedTuple):
    """The memory of a batch."""

    inputs: Int32s  # (2, inputs): the row that an input belongs to, and its word
    outputs: Int32s  # (2, outputs): the row from which a word is predicted, and the word
    sizes: Int32s  # (rows,): words of which a row's input is the mean
    predictions: Int32s  # (rows,): words to predict from a row
    rows_of: Int32s  # (words,): the row of a center word
    counts: Int32s  # (words,): occurrences of a center word in the batch; all zero between batches


def window_batches(
    ids: Int32s, words: int, settings: BatchSettings, draws: Draws, start: int = 0, stop: int | None = None
) -> Iterator[Batch]:
    """All windows of ``ids[start:stop]`` with their predictions, batch by batch, in the order of the text.

    Args:
        ids: int32, word ids with -1 after each sentence.
        words: size of the vocabulary.
        settings: the kind of a batch, and its limits.
        draws: the draws of the epoch; keep thresholds of 2 ** 32 − 1 keep every word.
        start: the first token.
        stop: the token after the last, the end of ``ids`` if None.
    """
    stop = ids.size if stop is None else stop
    size = min(PIECE, stop - start) + 2 * settings.reach + 1
    piece = Piece(np.empty(size, np.int64), *(np.empty(size, np.int32) for _ in range(3)))
    links, rows = settings.links + 2 * settings.reach, settings.rows
    longer, shorter = (np.empty((2, size), np.int32) for size in (links, rows))
    inputs, outputs = (longer, shorter) if settings.cbow else (shorter, longer)
    room = _Gathered(inputs, outputs, *(np.zeros(size, np.int32) for size in (rows, rows, words, words)))
    fill = _fill_cbow if settings.cbow else _fill_skipgram
    for begin in range(start, stop, PIECE):
        end = min(stop, begin + PIECE)
        first, last, places = keep_piece((), ids, begin, end, settings.window, settings.dynamic, draws, piece)
        count_windows(piece, places, 1, settings.reach)
        turn, length = 0, -(-(last - first) // STRANDS)
        while turn < length * STRANDS:
            position = begin + (end - begin) * turn // (length * STRANDS)
            turn, n, m, k = fill(piece, _Limits(turn, length, first, last, places), settings, room)
            if n:
                yield Batch(position, room.sizes[:n], room.predictions[:n], *inputs[:, :m], *outputs[:, :k])


@kernel
def _fill_skipgram(
    piece: Piece, limits: _Limits, settings: BatchSettings, room: _Gathered
) -> tuple[int, int, int, int]:
    """Gather center words and their outside words, until the batch is full.

    The outside words of a center are those in whose windows it stands, as in `lexigrad.kernels.sgd.step`.

    Returns the place after the last, and the numbers of rows, inputs and outputs.
    """
    start, length, first, last, places = limits
    inputs, outputs, sizes, predictions, rows_of, counts = room
    rows = pairs = 0
    stop = length * STRANDS
    for turn in range(start, stop):
        place = first + turn % STRANDS * length + turn // STRANDS
        if place >= last or piece.windows[place] == 0:
            continue
        word = piece.rows[place]
        new = counts[word] == 0
        if pairs >= settings.links or (new and rows == settings.rows) or counts[word] == settings.repeats:
            stop = turn
            break
        if new:
            rows_of[word], inputs[0, rows], inputs[1, rows] = rows, rows, word
            sizes[rows], predictions[rows] = 1, 0
            rows += 1
        row = rows_of[word]
        counts[word] += 1
        predictions[row] += piece.windows[place]
        for outside in range(max(0, place - settings.reach), min(places, place + settings.reach + 1)):
            reaches = piece.right[outside] if outside < place else piece.left[outside]
            if 0 < abs(outside - place) <= reaches:
                outputs[0, pairs], outputs[1, pairs] = row, piece.rows[outside]
                pairs += 1
    for row in range(rows):
        counts[inputs[1, row]] = 0
    return stop, rows, rows, pairs


@kernel
def _fill_cbow(piece: Piece, limits: _Limits, settings: BatchSettings, room: _Gathered) -> tuple[int, int, int, int]:
    """Gather contexts and their center words, until the batch is full; returns as `_fill_skipgram`."""
    start, length, first, last, _ = limits
    inputs, outputs, sizes, predictions, _, counts = room
    rows = members = 0
    stop = length * STRANDS
    for turn in range(start, stop):
        place = first + turn % STRANDS * length + turn // STRANDS
        if place >= last or piece.left[place] + piece.right[place] == 0:
            continue
        word = piece.rows[place]
        if members >= settings.links or rows == settings.rows or counts[word] == settings.repeats:
            stop = turn
            break
        left, right = place - piece.left[place], place + piece.right[place]
        counts[word] += 1
        for other in range(left, right + 1):
            if other != place:
                inputs[0, members], inputs[1, members] = rows, piece.rows[other]
                members += 1
        outputs[0, rows], outputs[1, rows] = rows, word
        sizes[rows], predictions[rows] = right - left, 1
        rows += 1
    for row in range(rows):
        counts[outputs[1, row]] = 0
    return stop, rows, members, rows


@kernel
def sum_rows(table: Floats, words: Int32s, rows: Int32s, sums: Floats) -> None:
    """sums[rows[j]] += table[words[j]], one j after the other."""
    for j in range(words.size):
        source, target = table[words[j]], sums[rows[j]]
        for i in range(source.size):
            target[i] += source[i]


@kernel
def add_rows(table: Floats, words: Int32s, rows: Int32s, changes: Floats) -> None:
    """table[words[j]] += changes[rows[j]], one j after the other."""
    for j in range(words.size):
        source, target = changes[rows[j]], table[words[j]]
        for i in range(source.size):
            target[i] += source[i]


@kernel
def exp_rows(scores: Floats, width: int, peaks: Floats, sums: Floats) -> None:
    """scores[i] ← exp(scores[i] − peaks[i]), peaks[i] its largest score and sums[i] the sum of the exponentials.

    Args:
        scores: float32 (rows, floats), starting on a cache line, floats a multiple of 16.
        width: numbers in a row; the numbers beyond become 0 or next to it.
        peaks: float32 (rows,).
        sums: float32 (rows,).
    """
    scores[:, width:] = -np.inf  # never the largest, so whole vectors can be read to the end of the row
    for i in range(scores.shape[0]):
        _exp_row((0,), scores[i], scores.shape[1], peaks[i:], sums[i:])


@vector_kernel
def _exp_row(lanes: Lanes, _vectors: int, scores: Value, floats: Value, peak: Value, total: Value) -> None:
    """One row of `exp_rows`."""

    def larger(i: Value, carried: list[Value]) -> list[Value]:
        return [lanes.larger(carried[0], lanes.load(scores, i))]

    def exponential(i: Value, carried: list[Value]) -> list[Value]:
        value = lanes.exp(lanes.sub(lanes.load(scores, i), largest))
        lanes.store(value, scores, i)
        return [lanes.add(carried[0], value)]

    largest = lanes.folded(lanes.larger, lanes.loop(0, floats, LANES, [lanes.load(scores)], larger)[0])
    totals = lanes.loop(0, floats, LANES, [lanes.constant(0.0)], exponential)
    lanes.store_first(largest, peak)
    lanes.store_first(lanes.folded(lanes.add, totals[0]), total)

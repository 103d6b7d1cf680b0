"""Predictions of many windows at once, as lists of (row, word), for a trainer that works by matrix products.

Row i of a batch has one input x_i and one or more words to predict from it. Under skip-gram x_i is a center word's
vector, all its occurrences in the batch being one row, and the outside words of all their windows are predicted; under
CBOW x_i is the mean over a window, and its center word is predicted. Words are dropped and windows drawn as in
`lexigrad.kernels.sgd.span`.

The softmax is computed over one tile of the vocabulary at a time, while the tile's scores are in the cache: a kernel
turns them into exp(score − peak) where they stand, the peak being the largest of a row within the tile, so that none
overflows. Tiles are put together by their peaks:

    log Z = m + log Σ_tiles exp(peak − m) · sum,  m the largest peak
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import kernel
from lexigrad.kernels.compiler.simd import LANES, Lanes, vector_kernel
from lexigrad.kernels.sgd.piece import Piece, count_windows, keep_piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llvmlite.ir import Value

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
    """What is gathered, and how much at a time."""

    cbow: Any  # whether a row is a context (or else a center word)
    window: Any  # the widest window
    dynamic: Any  # whether widths are drawn
    reach: Any  # the widest window that the sentences have room for
    rows: Any  # most rows in a batch
    links: Any  # a batch takes no further window when it has so many predictions (skip-gram) or context words (CBOW)
    repeats: Any  # most occurrences of a center word in a batch


class Batch(NamedTuple):
    """Some windows; the arrays are overwritten by the next batch."""

    start: Any  # tokens of the corpus before the batch, about
    sizes: Any  # int32 (rows,): words of which a row's input is the mean
    predictions: Any  # int32 (rows,): words to predict from a row
    input_rows: Any  # int32 (inputs,): the row that an input belongs to, rising
    inputs: Any  # int32 (inputs,): word ids, rows of V
    output_rows: Any  # int32 (outputs,): the row from which a word is predicted, and ...
    outputs: Any  # int32 (outputs,): ... the word, a row of U


def window_batches(
    ids: Any, words: int, settings: BatchSettings, draws: Draws, start: int = 0, stop: int | None = None
) -> Iterator[Batch]:
    """All windows of ``ids[start:stop]`` with their predictions, batch by batch, in the order of the text.

    Args:
        ids: int32, word ids with -1 after each sentence.
        words: size of the vocabulary.
        settings: what a batch is made of.
        draws: those of the epoch; keep thresholds of 2 ** 32 − 1 keep every word.
        start: the first token.
        stop: the token after the last, the end of ``ids`` if None.
    """
    stop = ids.size if stop is None else stop
    room = min(PIECE, stop - start) + 2 * settings.reach + 1
    piece = Piece(np.empty(room, np.int64), *(np.empty(room, np.int32) for _ in range(3)))
    links, rows = settings.links + 2 * settings.reach, settings.rows
    longer, shorter = (np.empty((2, size), np.int32) for size in (links, rows))
    inputs, outputs = (longer, shorter) if settings.cbow else (shorter, longer)
    sizes, predictions, rows_of, counts = (np.zeros(size, np.int32) for size in (rows, rows, words, words))
    fill = _fill_cbow if settings.cbow else _fill_skipgram
    for begin in range(start, stop, PIECE):
        end = min(stop, begin + PIECE)
        first, last, places = keep_piece((), ids, begin, end, settings.window, settings.dynamic, draws, piece)
        count_windows(piece, places, 1, settings.reach)
        turn, length = 0, -(-(last - first) // STRANDS)
        while turn < length * STRANDS:
            position = begin + (end - begin) * turn // (length * STRANDS)
            limits = turn, length, first, last, places
            turn, n, m, k = fill(piece, limits, settings, inputs, outputs, sizes, predictions, rows_of, counts)
            if n:
                yield Batch(position, sizes[:n], predictions[:n], *inputs[:, :m], *outputs[:, :k])


@kernel
def _fill_skipgram(
    piece: Any,
    limits: Any,
    settings: Any,
    inputs: Any,
    outputs: Any,
    sizes: Any,
    predictions: Any,
    rows_of: Any,
    counts: Any,
) -> tuple[int, int, int, int]:
    """Gather center words and their outside words, until the batch is full.

    The outside words of a center are those in whose windows it stands, as in `lexigrad.kernels.sgd.step`.

    Returns the place after the last, and the numbers of rows, inputs and outputs.
    """
    start, length, first, last, places = limits
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
def _fill_cbow(
    piece: Any,
    limits: Any,
    settings: Any,
    inputs: Any,
    outputs: Any,
    sizes: Any,
    predictions: Any,
    rows_of: Any,
    counts: Any,
) -> tuple[int, int, int, int]:
    """Gather contexts and their center words, until the batch is full; returns as `_fill_skipgram`."""
    start, length, first, last, _ = limits
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
def sum_rows(table: Any, words: Any, rows: Any, sums: Any) -> None:
    """sums[rows[j]] += table[words[j]], one j after the other."""
    for j in range(words.size):
        source, target = table[words[j]], sums[rows[j]]
        for i in range(source.size):
            target[i] += source[i]


@kernel
def add_rows(table: Any, words: Any, rows: Any, changes: Any) -> None:
    """table[words[j]] += changes[rows[j]], one j after the other."""
    for j in range(words.size):
        source, target = changes[rows[j]], table[words[j]]
        for i in range(source.size):
            target[i] += source[i]


@kernel
def exp_rows(scores: Any, width: int, peaks: Any, sums: Any) -> None:
    """scores[i] ← exp(scores[i] − peaks[i]), peaks[i] its largest and sums[i] the sum of what is left there.

    Args:
        scores: float32 (rows, floats), starting on a cache line, floats a multiple of 16.
        width: numbers in a row; those beyond become 0 or next to it.
        peaks: float32 (rows,).
        sums: float32 (rows,).
    """
    scores[:, width:] = -np.inf
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

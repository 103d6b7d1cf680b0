"""Rows of a table as bytes that `WordTable` encodes, or as items: Arrow's buffers copied, with ends between.

Text lies in ``values``, and element i of a column of strings from ``begins[i]`` to ``ends[i]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

__all__ = ["LINE_FEED", "join_items", "join_lines", "join_tokens"]

LINE_FEED = np.uint8(0x0A)
WORD_END, LINE_END = np.uint8(0xFE), np.uint8(0xFF)  # of tokens that are cut already


@kernel
def join_lines(values: Any, begins: Any, ends: Any, out: Any) -> int:
    """Write the rows, each with a line feed behind it unless it ends with one; returns the bytes written."""
    written = 0
    for row in range(begins.size):
        begin, length = begins[row], ends[row] - begins[row]
        out[written : written + length] = values[begin : begin + length]
        written += length
        if length == 0 or out[written - 1] != LINE_FEED:
            out[written] = LINE_FEED
            written += 1
    return written


@kernel
def join_tokens(values: Any, begins: Any, ends: Any, row_begins: Any, row_ends: Any, out: Any) -> int:
    """Write the tokens of rows, each with its end behind it; row i has the tokens from ``row_begins[i]`` on.

    Returns:
        The bytes written; −1 − i if row i holds an empty token.
    """
    written = 0
    for row in range(row_begins.size):
        for token in range(row_begins[row], row_ends[row]):
            if begins[token] == ends[token]:
                return -1 - row
            for position in range(begins[token], ends[token]):
                out[written] = values[position]
                written += 1
            out[written] = WORD_END
            written += 1
        out[written] = LINE_END
        written += 1
    return written


@kernel
def join_items(items: Any, row_begins: Any, row_ends: Any, out: Any) -> int:
    """Write the items of rows, each row with −1 behind it.

    Returns:
        The numbers written; −1 − i if row i holds a negative one.
    """
    written = 0
    for row in range(row_begins.size):
        for position in range(row_begins[row], row_ends[row]):
            if items[position] < 0:
                return -1 - row
            out[written] = items[position]
            written += 1
        out[written] = -1
        written += 1
    return written

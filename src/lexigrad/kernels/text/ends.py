"""The bytes by which tokens that are cut already are told apart; importing this loads no Numba."""

from __future__ import annotations

from typing import Final

__all__ = ["LINE_END_BYTE", "WORD_END_BYTE"]

WORD_END_BYTE: Final = b"\xfe"
"""Stands behind each token. It occurs in no UTF-8, so that a token may hold any character."""

LINE_END_BYTE: Final = b"\xff"
"""Stands behind the tokens of each line. Like the end of a word it occurs in no UTF-8."""

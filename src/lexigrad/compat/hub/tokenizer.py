"""A ``tokenizer.json`` that cuts text as lexigrad does and leaves out the words that have no vector.

Libraries that take the mean of a sentence's tokens count unknown words too, where a tokenizer has a token for them.
This tokenizer has none. Its model is a table of whole words: byte-pair encoding without any pair, told to look for the
whole word first (``ignore_merges``). A word that is not in the table falls into its characters, and characters that are
not in the table are dropped, as there is no token for them (``unk_token`` is null). No single character ever is in the
table: each word has a space put in front, in the table as well as in the text, so that every entry has at least two
characters.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SEPARATORS", "is_lowercase", "tokenizer_json"]

MARKER: Final = " "
"""The character in front of each word. It parts words, so that no word holds it, however text is cut."""

# Characters stand in the patterns as themselves: how to escape them is where dialects of patterns differ.
WHITESPACE: Final = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SEPARATORS: Final = {"whitespace": f"[{WHITESPACE}]+", "words": r"[^\p{L}\p{N}_]+"}
"""The patterns that part tokens, as `TrainConfig.tokens` has it: where ``str.split()`` cuts, and Python's ``\\W+``."""

CASED, IGNORED = r"(?!\p{Case_Ignorable})\p{Cased}", r"\p{Case_Ignorable}*"
FINAL_SIGMA: Final = rf"{CASED}{IGNORED}\KΣ(?!{IGNORED}{CASED})"
"""A capital sigma that ends a word, which ``str.lower`` turns into ς, and the normalizer ``Lowercase`` into σ."""


def tokenizer_json(words: Sequence[str], tokens: str, *, lowercase: bool) -> str:
    """The tokenizer that gives the ids of known words, in the form of the package ``tokenizers``.

    Args:
        words: the words, none of them empty; a word's id is its place.
        tokens: how text is cut, ``whitespace`` or ``words``.
        lowercase: whether text is turned to lower case first.

    Example:
        >>> made = json.loads(tokenizer_json(["the", "cat"], "whitespace", lowercase=True))
        >>> made["model"]["vocab"], made["normalizer"]
        ({' the': 0, ' cat': 1}, {'type': 'Lowercase'})

    Source: the sources of tokenizers 0.23, ``models/bpe`` and ``pre_tokenizers/metaspace``.
    """
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": _normalizer(words) if lowercase else None,
            "pre_tokenizer": _pre_tokenizer(tokens),
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": True,
                "vocab": {MARKER + word: word_id for word_id, word in enumerate(words)},
                "merges": [],
            },
        },
        ensure_ascii=False,
    )


def is_lowercase(words: Sequence[str]) -> bool:
    """Whether no word would change in lower case, so that text can be turned to lower case and none is lost."""
    return all(word == word.lower() for word in words)


def _normalizer(words: Sequence[str]) -> dict[str, Any]:
    lower = {"type": "Lowercase"}
    if not any("σ" in word or "ς" in word for word in words):
        return lower
    sigma = {"type": "Replace", "pattern": {"Regex": FINAL_SIGMA}, "content": "ς"}
    return {"type": "Sequence", "normalizers": [sigma, lower]}


def _pre_tokenizer(tokens: str) -> dict[str, Any]:
    """The step that cuts text into words, and puts the marker in front of each."""
    cut = {"type": "Split", "pattern": {"Regex": SEPARATORS[tokens]}, "behavior": "Removed", "invert": False}
    mark = {"type": "Metaspace", "replacement": MARKER, "prepend_scheme": "always", "split": False}
    return {"type": "Sequence", "pretokenizers": [cut, mark]}

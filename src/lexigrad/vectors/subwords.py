"""Vectors of words from the n-grams of their characters, as fastText and floret compose them.

A word is written between ``<`` and ``>``. Each of its n-grams, from ``minn`` to ``maxn`` characters long, is hashed to
one of ``bucket`` rows, and the word's vector is the mean of these rows and, if the word is known, of a row of its own.

Source: Bojanowski, Grave, Joulin, Mikolov 2017, "Enriching word vectors with subword information". Which n-grams count
and how they are hashed follows fastText 0.9.3 and floret 0.10.5, whose code is the only specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from lexigrad.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["END_OF_SENTENCE", "LONGEST_NGRAM", "Subwords", "composed"]

END_OF_SENTENCE: Final = b"</s>"
"""The word for the end of a sentence, which has no n-grams."""
LONGEST_NGRAM: Final = 64
"""No n-gram has more characters, so that the time to compose a file's words stays in proportion to the file."""

SPANS_AT_ONCE: Final = 1 << 17
SUMMED_BYTES: Final = 1 << 20  # for the sums of a block of words, so that they stay in the processor's cache
TEXT_BYTES: Final = 1 << 14  # for the letters of a block of words
ONE_BY_ONE: Final = 256  # n-grams of a word that are added in turn; the rest of a very long word is added by groups
GROUP: Final = 1 << 10

FNV_OFFSET: Final = np.uint32(2166136261)
FNV_PRIME: Final = np.uint32(16777619)
MURMUR_SEED: Final = 2166136261


@dataclass(frozen=True)
class Subwords:
    """Which n-grams a word has, and the rows that they are hashed to.

    Attributes:
        minn: how many characters the shortest n-gram has, ``<`` and ``>`` included; a single ``<`` or ``>`` is none.
        maxn: how many characters the longest n-gram has; 0 for no n-grams at all.
        bucket: how many rows the n-grams are hashed to.
        mode: ``fasttext``: FNV-1a of an n-gram's bytes, taken as signed numbers. ``floret``: MurmurHash3 of an n-gram,
            and of the whole word, which has no row of its own.
        hashes: how many rows each n-gram has, from 1 to 4; 1 in the mode ``fasttext``.

    Raises:
        InputError: a number is out of range.

    Example:
        >>> subwords = Subwords(minn=3, maxn=4, bucket=1000)
        >>> rows, counts = subwords.rows([b"cat", b"to"])
        >>> rows.tolist(), counts.tolist()  # <ca <cat cat cat> at>, <to <to> to>
        ([747, 973, 31, 995, 106, 294, 984, 126], [5, 3])
    """

    minn: int
    maxn: int
    bucket: int
    mode: Literal["fasttext", "floret"] = "fasttext"
    hashes: int = 1

    def __post_init__(self) -> None:
        if self.maxn > LONGEST_NGRAM:
            raise InputError(f"n-grams of up to {self.maxn} characters are too long; maxn is at most {LONGEST_NGRAM}")
        if self.mode not in ("fasttext", "floret") or not 1 <= self.hashes <= (4 if self.mode == "floret" else 1):
            raise InputError(f"n-grams hashed in the mode {self.mode!r} cannot have {self.hashes} rows each")
        if not (self.bucket > 0 or (self.bucket == 0 and not self.used)) or self.bucket >= 2**31:
            raise InputError(f"n-grams cannot be hashed to {self.bucket} rows")

    @property
    def used(self) -> bool:
        """Whether words have any n-grams."""
        return self.mode == "floret" or (self.maxn > 0 and self.maxn >= self.minn)

    def has_own_row(self, word_id: int) -> bool:
        """Whether a known word's mean has a row of its own; floret keeps such a row for the first word only."""
        return self.mode == "fasttext" or word_id == 0

    def rows(self, words: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The rows of the words' n-grams, from 0 to bucket − 1.

        Args:
            words: the words in UTF-8, without ``<`` and ``>``.

        Returns:
            The rows of all words, in the order of the words and then of the n-grams, and how many rows each word has.
        """
        if not self.used:
            return np.empty(0, dtype=np.int32), np.zeros(len(words), dtype=np.int64)
        text = _Text.of(words)
        pieces = [np.empty(0, dtype=np.int32)]
        counts = np.zeros(len(words), dtype=np.int64)
        for rows, owners in self._pieces(text):
            pieces.append(rows)
            counts += self.hashes * np.bincount(owners, minlength=len(words))
        return np.concatenate(pieces), counts

    def _pieces(self, text: _Text) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """The rows of n-grams and the words that these belong to, for some characters of the text at a time."""
        step = max(1, SPANS_AT_ONCE // max(1, self.maxn))
        for first in range(0, len(text.characters), step):
            last = min(first + step, len(text.characters))
            characters, columns, ends = self._spans(text, first, last)
            if self.mode == "fasttext":
                hashed = _fnv1a(text, first, last, self.maxn)[characters - first, columns + max(self.minn, 1) - 1]
            else:
                hashed = _murmur3(text.content, text.borders[characters], ends)[:, : self.hashes].ravel()
            yield (hashed % np.uint32(self.bucket)).astype(np.int32), text.owners[characters]

    def _spans(
        self, text: _Text, first: int, last: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The n-grams that begin at characters ``first`` to ``last``: first characters, columns of lengths, ends."""
        characters = np.arange(first, last)[:, np.newaxis]
        owners = text.owners[first:last, np.newaxis]
        lengths = np.arange(max(self.minn, 1), self.maxn + 1)[np.newaxis]
        is_whole = np.zeros((1, lengths.size), dtype=bool)
        if self.mode == "floret":  # the whole word comes before the n-grams of its first character
            lengths, is_whole = np.append(0, lengths)[np.newaxis], np.append(True, is_whole)[np.newaxis]
        lasts = np.where(is_whole, text.word_ends[owners], characters + lengths)
        is_first, is_last = characters == text.word_begins[owners], characters + 1 == text.word_ends[owners]
        is_mark = (lengths == 1) & (is_first | is_last)
        valid = np.where(is_whole, is_first, (lasts <= text.word_ends[owners]) & ~is_mark)
        chosen, columns = np.nonzero(valid)
        return first + chosen, columns, text.borders[lasts[chosen, columns]]


class _Text(NamedTuple):
    """Words between their marks, one after another."""

    content: NDArray[np.uint8]
    characters: NDArray[np.int64]
    """Where each character begins."""
    borders: NDArray[np.int64]
    """Where each character begins, and where the last one ends."""
    owners: NDArray[np.int64]
    """The word of each character."""
    word_begins: NDArray[np.int64]
    """The first character of each word."""
    word_ends: NDArray[np.int64]
    """The character after the last one of each word."""

    @classmethod
    def of(cls, words: Sequence[bytes]) -> _Text:
        marked = [b"" if word == END_OF_SENTENCE else b"<" + word + b">" for word in words]
        content = np.frombuffer(b"".join(marked), dtype=np.uint8)
        characters = np.flatnonzero((content & 0xC0) != 0x80)
        ends = np.cumsum([len(word) for word in marked], dtype=np.int64)
        owners = np.searchsorted(ends, characters, side="right")
        word_ends = np.searchsorted(characters, ends)
        word_begins = np.append(0, word_ends[:-1]) if len(words) else word_ends
        return cls(content, characters, np.append(characters, content.size), owners, word_begins, word_ends)


def composed(
    words: Sequence[bytes],
    own: NDArray[np.float32],
    has_own: NDArray[np.bool_],
    ngrams: NDArray[np.float32],
    subwords: Subwords,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The vector of each word: (its own row + Σ the rows of its n-grams) / their number.

    Rows are added in float32, in fastText's order, so that the sums have the same bits.

    Args:
        words: the words in UTF-8.
        own: the row of its own that each word has, shape ``(len(words), dim)``.
        has_own: whether each word has such a row, shape ``(len(words),)``.
        ngrams: the rows of the n-grams, shape ``(bucket, dim)``.
        subwords: which n-grams count.

    Returns:
        The vectors, shape ``(len(words), dim)``, zero where a word has no rows, and how many rows each is the mean of.
    """
    vectors = np.zeros((len(words), ngrams.shape[1]), dtype=np.float32)
    totals = np.zeros(len(words), dtype=np.int64)
    for begin, end in _blocks(words, ngrams.shape[1]):
        rows, counts = subwords.rows(words[begin:end])
        sums = np.where(has_own[begin:end, np.newaxis], own[begin:end], np.float32(0))
        totals[begin:end] = counts + has_own[begin:end]
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is reported with its word
            _add(sums, rows, counts, ngrams)
            vectors[begin:end] = sums * (1.0 / np.maximum(totals[begin:end, np.newaxis], 1)).astype(np.float32)
    return vectors, totals


def _blocks(words: Sequence[bytes], dim: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each block of words, whose sums and n-grams take little room."""
    most_words = max(1, SUMMED_BYTES // (4 * dim))
    begin, size = 0, 0
    for number, word in enumerate(words):
        if number > begin and (number - begin == most_words or size + len(word) > TEXT_BYTES):
            yield begin, number
            begin, size = number, 0
        size += len(word) + 2
    if begin < len(words):
        yield begin, len(words)


def _add(
    sums: NDArray[np.float32], rows: NDArray[np.int32], counts: NDArray[np.int64], ngrams: NDArray[np.float32]
) -> None:
    """Add to each word's sum its rows of ``ngrams``, the first row of all words, then the second, and so on."""
    begins = np.cumsum(counts) - counts
    order = np.argsort(-counts, kind="stable")  # so that the words that still have rows come first
    ordered, firsts = sums[order], begins[order]
    left = np.searchsorted(-counts[order], -np.arange(min(ONE_BY_ONE, int(counts.max(initial=0)))), side="left")
    for place, words in enumerate(left.tolist()):
        ordered[:words] += ngrams[rows[firsts[:words] + place]]
    sums[order] = ordered
    for word in np.flatnonzero(counts > ONE_BY_ONE).tolist():
        rest = rows[begins[word] + ONE_BY_ONE : begins[word] + counts[word]]
        for start in range(0, rest.size, GROUP):
            sums[word] += ngrams[rest[start : start + GROUP]].sum(axis=0, dtype=np.float32)


def _fnv1a(text: _Text, first: int, last: int, maxn: int) -> NDArray[np.uint32]:
    """FNV-1a, 32 bits, of the 1, 2, … ``maxn`` characters from each of the characters ``first`` to ``last`` on.

    Bytes from 128 on are widened as negative numbers, which they are in C.

    Returns:
        The hashes, shape ``(last - first, maxn)``; without meaning where the text ends before the last character.
    """
    widened = text.content.view(np.int8).astype(np.int32).view(np.uint32)
    hashed = np.full(last - first, FNV_OFFSET)
    of_lengths = np.empty((last - first, maxn), dtype=np.uint32)
    for length in range(maxn):
        added = np.minimum(np.arange(first, last) + length, text.borders.size - 1)
        begins = text.borders[added]
        sizes = text.borders[np.minimum(added + 1, text.borders.size - 1)] - begins
        for offset in range(int(sizes.max(initial=0))):
            longer = np.flatnonzero(sizes > offset)
            hashed[longer] = (hashed[longer] ^ widened[begins[longer] + offset]) * FNV_PRIME
        of_lengths[:, length] = hashed
    return of_lengths


def _murmur3(content: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """MurmurHash3 of spans of bytes, the variant of 128 bits for processors of 64 bits: shape ``(spans, 4)``.

    Source: Austin Appleby, "MurmurHash3", 2011, in the public domain.
    """
    padded = np.append(content, np.zeros(16, dtype=np.uint8))
    lengths = ends - begins
    h1 = np.full(begins.size, MURMUR_SEED, dtype=np.uint64)
    h2 = h1.copy()
    for block in range(int(lengths.max(initial=0)) // 16):
        longer = np.flatnonzero(lengths >= 16 * (block + 1))
        k1, k2 = _halves(padded, begins[longer] + 16 * block, np.full(longer.size, 16))
        mixed1 = _rotated(h1[longer] ^ _mixed(k1, 0), 27) + h2[longer]
        h1[longer] = mixed1 * np.uint64(5) + np.uint64(0x52DCE729)
        mixed2 = _rotated(h2[longer] ^ _mixed(k2, 1), 31) + h1[longer]
        h2[longer] = mixed2 * np.uint64(5) + np.uint64(0x38495AB5)
    k1, k2 = _halves(padded, begins + lengths // 16 * 16, lengths % 16)
    h1 ^= _mixed(k1, 0) ^ lengths.astype(np.uint64)
    h2 ^= _mixed(k2, 1) ^ lengths.astype(np.uint64)
    h1 += h2
    h2 += h1
    h1, h2 = _finished(h1), _finished(h2)
    h1 += h2
    h2 += h1
    return np.stack([h1, h2], axis=1).astype("<u8").view("<u4").astype(np.uint32, copy=False)


def _halves(
    content: NDArray[np.uint8], begins: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Up to 16 bytes from each place on, as two numbers; bytes beyond ``lengths`` count as zeros."""
    offsets = np.arange(16)
    taken = np.where(offsets < lengths[:, np.newaxis], content[begins[:, np.newaxis] + offsets], np.uint8(0))
    numbers = np.ascontiguousarray(taken, dtype=np.uint8).view("<u8").astype(np.uint64, copy=False)
    return numbers[:, 0], numbers[:, 1]


def _mixed(numbers: NDArray[np.uint64], half: int) -> NDArray[np.uint64]:
    """The number that one half of a block adds to the state."""
    factors = np.array([0x87C37B91114253D5, 0x4CF5AD432745937F], dtype=np.uint64)
    rotated = _rotated(numbers * factors[half], (31, 33)[half])
    return np.asarray(rotated * factors[1 - half])


def _rotated(numbers: NDArray[np.uint64], places: int) -> NDArray[np.uint64]:
    return (numbers << np.uint64(places)) | (numbers >> np.uint64(64 - places))


def _finished(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    shift = np.uint64(33)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        numbers = (numbers ^ (numbers >> shift)) * np.uint64(factor)
    return numbers ^ (numbers >> shift)

"""A hash table of items that turns lists of them into word ids and counts: as `WordTable` does with text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lexigrad.kernels import items as kernels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ItemTable", "Names"]

FIRST_SLOTS = 1 << 16


class Names(Protocol):
    """The names of items, such as `lexigrad.itemids.ItemNames`."""

    def of(self, items: list[int]) -> list[str]:
        """The names of distinct items."""

    def items(self, names: list[str], known: list[int]) -> list[int]:
        """The items of these names among those ``known``, -1 for a name that none of them has."""


class ItemTable:
    """Items with word ids in the order of their first occurrence, and their counts.

    Args:
        names: the names of the items.

    Example:
        >>> from lexigrad.itemids import ItemNames
        >>> table = ItemTable(ItemNames())
        >>> table.encode(np.array([70, 9, -1, 9, -1])).tolist()
        [0, 1, -1, 1, -1]
        >>> table.words([1, 0]), table.counts.tolist()
        (['9', '70'], [1, 2])
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known = 0
        self._slots = np.full((FIRST_SLOTS, 2), -1, dtype=np.int64)
        self._items = np.zeros(FIRST_SLOTS // 2, dtype=np.int64)
        self._counts = np.zeros(FIRST_SLOTS // 2, dtype=np.int64)

    def __len__(self) -> int:
        return self._known

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each item has occurred, by id."""
        return self._counts[: self._known]

    def words(self, word_ids: ArrayLike) -> list[str]:
        """The names of the items of these ids."""
        return self._names.of(self._items[np.asarray(word_ids, dtype=np.int64)].tolist())

    def encode(self, items: NDArray[np.int64]) -> NDArray[np.int32]:
        """Count items, 0 and above; returns their ids, and -1 for each -1."""
        ids = np.empty(items.size, dtype=np.int32)
        position = 0
        while position < items.size:
            if self._known == self._items.size:
                self._double()
            position, self._known = kernels.encode_items(
                items, position, self._slots, self._items, self._counts, self._known, ids
            )
        return ids

    def ids_of(self, words: list[str]) -> NDArray[np.int32]:
        """The ids of the items with these names, -1 where there is none."""
        items = np.array(self._names.items(words, self._items[: self._known].tolist()), dtype=np.int64)
        ids = np.full(items.size, -1, dtype=np.int32)
        named = items >= 0
        found = np.empty(int(named.sum()), dtype=np.int32)
        kernels.find_items(items[named], self._slots, found)
        ids[named] = found
        return ids

    def merge(self, other: ItemTable) -> NDArray[np.int32]:
        """Add the items and counts of ``other``; returns the id that each of its items has here."""
        ids = self.encode(other._items[: other._known])
        self._counts[ids] += other.counts - 1
        return ids

    def _double(self) -> None:
        """Double the slots, so that at most half of them are ever taken."""
        self._slots = np.full((2 * self._slots.shape[0], 2), -1, dtype=np.int64)
        kernels.rehash_items(self._items[: self._known], self._slots)
        self._items = np.concatenate([self._items, np.zeros_like(self._items)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])

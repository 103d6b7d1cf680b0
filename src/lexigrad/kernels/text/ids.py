"""Items, whole numbers from 0 on, to word ids in one pass: look each up in a hash table, count it, write its id.

`ItemTable` does with lists of items what `lexigrad.kernels.text.words.WordTable` does with text. ``slots`` is an
open-addressing hash table of pairs, an item and its id, -1 where a slot is empty; ``items`` holds the items by id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lexigrad.kernels.compiler.compile import kernel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lexigrad.kernels.arraytypes import Int32s, Int64s

__all__ = ["ItemTable", "Names", "encode_items", "find_items", "rehash_items"]

FIRST_SLOTS = 1 << 16

HASH_SHIFT = np.uint64(32)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)  # SplitMix64's finalizer: items are often numbers in a row
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


class Names(Protocol):
    """The names of items, such as `lexigrad.corpus.sources.ids.ItemNames`."""

    def of(self, items: list[int]) -> list[str]:
        """The names of distinct items."""

    def items(self, names: list[str], known: list[int]) -> list[int]:
        """The items of these names among those ``known``, -1 for a name that none of them has."""


class ItemTable:
    """Items with word ids in the order of their first occurrence, and their counts.

    Args:
        names: what the items are called.

    Example:
        >>> from lexigrad.corpus.sources.ids import ItemNames
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
            position, self._known = encode_items(
                items, position, self._slots, self._items, self._counts, self._known, ids
            )
        return ids

    def ids_of(self, words: list[str]) -> NDArray[np.int32]:
        """The ids of the items with these names, -1 where there is none."""
        items = np.array(self._names.items(words, self._items[: self._known].tolist()), dtype=np.int64)
        ids = np.full(items.size, -1, dtype=np.int32)
        named = items >= 0
        found = np.empty(int(named.sum()), dtype=np.int32)
        find_items(items[named], self._slots, found)
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
        rehash_items(self._items[: self._known], self._slots)
        self._items = np.concatenate([self._items, np.zeros_like(self._items)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])


@kernel
def find_item(item: int, slots: Int64s, mask: np.uint64) -> np.uint64:
    """The slot of an item: its own, or the empty one for it."""
    mixed = np.uint64(item)
    mixed = (mixed ^ (mixed >> HASH_SHIFT)) * FIRST_FACTOR
    mixed = (mixed ^ (mixed >> HASH_SHIFT)) * SECOND_FACTOR
    place = (mixed ^ (mixed >> HASH_SHIFT)) & mask
    while slots[place, 0] != item and slots[place, 0] >= 0:
        place = (place + np.uint64(1)) & mask
    return place


@kernel
def encode_items(
    text: Int64s, position: int, slots: Int64s, items: Int64s, counts: Int64s, known: int, ids: Int32s
) -> Any:
    """Write the ids of the items of ``text`` from ``position`` on, and -1 for every -1; stops when the table is full.

    Returns:
        The position reached, and the number of items known.
    """
    mask = np.uint64(slots.shape[0] - 1)
    while position < text.size and known < items.size:
        item = text[position]
        if item < 0:
            ids[position] = -1
        else:
            place = find_item(item, slots, mask)
            if slots[place, 0] < 0:
                slots[place, 0] = item
                slots[place, 1] = known
                items[known] = item
                known += 1
            word_id = slots[place, 1]
            counts[word_id] += 1
            ids[position] = word_id
        position += 1
    return position, known


@kernel
def find_items(wanted: Int64s, slots: Int64s, ids: Int32s) -> None:
    """Write the id of each of the ``wanted`` items, -1 where the table does not have it."""
    mask = np.uint64(slots.shape[0] - 1)
    for position in range(wanted.size):
        ids[position] = slots[find_item(wanted[position], slots, mask), 1]


@kernel
def rehash_items(items: Int64s, slots: Int64s) -> None:
    """Enter all items in ``slots``, which are empty."""
    mask = np.uint64(slots.shape[0] - 1)
    for word_id in range(items.size):
        place = find_item(items[word_id], slots, mask)
        slots[place, 0] = items[word_id]
        slots[place, 1] = word_id

"""Items, whole numbers from 0 on, to word ids in one pass: look each up in a hash table, count it, write its id.

``slots`` is an open-addressing hash table of pairs, an item and its id, -1 where a slot is empty; ``items`` holds the
items by id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexigrad.kernels.compiling import kernel

__all__ = ["encode_items", "find_items", "rehash_items"]

HASH_SHIFT = np.uint64(32)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)  # SplitMix64's finalizer: items are often numbers in a row
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


@kernel
def find_item(item, slots, mask):  # type: ignore[no-untyped-def]
    """The slot of an item: its own, or the empty one for it."""
    mixed = np.uint64(item)
    mixed = (mixed ^ (mixed >> HASH_SHIFT)) * FIRST_FACTOR
    mixed = (mixed ^ (mixed >> HASH_SHIFT)) * SECOND_FACTOR
    place = (mixed ^ (mixed >> HASH_SHIFT)) & mask
    while slots[place, 0] != item and slots[place, 0] >= 0:
        place = (place + np.uint64(1)) & mask
    return place


@kernel
def encode_items(text: Any, position: int, slots: Any, items: Any, counts: Any, known: int, ids: Any) -> Any:
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
def find_items(wanted: Any, slots: Any, ids: Any) -> None:
    """Write the id of each of the ``wanted`` items, -1 where the table does not have it."""
    mask = np.uint64(slots.shape[0] - 1)
    for position in range(wanted.size):
        ids[position] = slots[find_item(wanted[position], slots, mask), 1]


@kernel
def rehash_items(items: Any, slots: Any) -> None:
    """Enter all items in ``slots``, which are empty."""
    mask = np.uint64(slots.shape[0] - 1)
    for word_id in range(items.size):
        place = find_item(items[word_id], slots, mask)
        slots[place, 0] = items[word_id]
        slots[place, 1] = word_id

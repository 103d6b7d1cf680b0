"""Pairs of words side by side: counted in a hash table, scored, and joined from left to right.

A candidate is a word, the connector words behind it (most often none), and the word behind these, all of one sentence.
It is written as two numbers: both words' ids in one, and the id of the run of connector words in the other. A run's id
is a node in a tree of prefixes: 0 is the empty run, and each other node its parent with one connector word more.

Candidates are told apart by these numbers. Their fingerprints, which follow from their letters alone, say only where
they stand in tables, and which of them may be spelt alike: ``new`` before ``york_city`` and ``new_york`` before
``city``.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.kernels.compiler.compile import compiled, internal

if TYPE_CHECKING:
    from lexigrad.kernels.arraytypes import Booleans, Bytes, Doubles, Int32s, Int64s, UInt64s

__all__ = [
    "BUCKETS",
    "COUNT_BITS",
    "FACTOR",
    "Runs",
    "Words",
    "candidates",
    "combine",
    "count_pairs",
    "count_words",
    "drain",
    "enter_phrases",
    "fingerprint_words",
    "fingerprints",
    "first_sure",
    "flush",
    "join",
    "npmi",
    "number_runs",
    "rehash_runs",
]

FACTOR: Final = np.uint64(0x100000001B3)
MIX_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
HALF: Final = np.uint64(32)
LOW_HALF: Final = np.uint64(0xFFFFFFFF)
ONE: Final = np.uint64(1)

COUNT_BITS: Final = 40
"""Bits of a record's second number that are the count; the other bits are the run's."""

COUNT_SHIFT: Final = np.uint64(COUNT_BITS)
LOW_COUNT: Final = np.uint64((1 << COUNT_BITS) - 1)
BUCKETS: Final = 256
BUCKET_SHIFT: Final = np.uint64(56)


class Words(NamedTuple):
    """Words by id: their letters as numbers, and which of them are connectors."""

    fingerprints: UInt64s  # Σ (byte + 1) · FACTOR ** (bytes behind it), modulo 2 ** 64
    powers: UInt64s  # FACTOR ** (number of bytes)
    is_connector: Booleans


class Runs(NamedTuple):
    """Runs of connector words, each with a delimiter before it, behind it, and between its words."""

    slots: Int64s  # a node + 1 where its key points, 0 is empty
    keys: UInt64s  # of each node, its parent and its last word's id
    fingerprints: UInt64s  # of each node's letters, as of words
    powers: UInt64s  # FACTOR ** (number of bytes)
    size: Int64s  # (1): the number of nodes


@internal
def spread(fingerprint: Any) -> Any:
    """A fingerprint's bits, mixed."""
    mixed = (fingerprint ^ (fingerprint >> HALF)) * MIX_FACTOR
    return mixed ^ (mixed >> HALF)


@internal
def pair_key(first: Any, second: Any) -> Any:
    """Two ids in one number."""
    return np.uint64(first) << HALF | np.uint64(second)


@internal
def fingerprint(words: Words, runs: Runs, key: Any, node: Any) -> Any:
    """The fingerprint of a candidate's letters, joined."""
    first, second = np.int64(key >> HALF), np.int64(key & LOW_HALF)
    begun = words.fingerprints[first] * runs.powers[node] + runs.fingerprints[node]
    return begun * words.powers[second] + words.fingerprints[second]


@internal
def run_slot(runs: Runs, key: Any) -> Any:
    """Where a run stands in the table, or the empty slot for it."""
    mask = np.uint64(runs.slots.size - 1)
    place = spread(key * FACTOR) & mask
    while runs.slots[place] != 0 and runs.keys[runs.slots[place] - 1] != key:
        place = (place + ONE) & mask
    return place


@internal
def longer_run(runs: Runs, node: Any, word_id: int) -> Any:
    """The run with one word more, -1 if it is not known."""
    return np.int64(runs.slots[run_slot(runs, pair_key(node, word_id))]) - 1


@compiled
def fingerprint_words(arena: Bytes, starts: Int64s, words: Words) -> None:
    """Fill in the fingerprints and powers of words that stand in an arena, each with one byte behind it."""
    for word_id in range(words.powers.size):
        fingerprint, power = np.uint64(0), ONE
        for place in range(starts[word_id], starts[word_id + 1] - 1):
            fingerprint = fingerprint * FACTOR + np.uint64(arena[place]) + ONE
            power *= FACTOR
        words.fingerprints[word_id], words.powers[word_id] = fingerprint, power


@compiled
def number_runs(ids: Int32s, at: Int64s, words: Words, runs: Runs) -> bool:
    """Enter the runs of connector words that stand between two words, from ``at[0]`` on; False when there is no room.

    Nodes are numbered as they come in the text. ``at[1]`` is the run so far, -1 outside of one.
    """
    node = at[1]
    for place in range(at[0], ids.size):
        word_id = ids[place]
        if word_id < 0:
            node = -1
        elif not words.is_connector[word_id]:
            node = 0
        elif node >= 0:
            size = runs.size[0]
            key = pair_key(node, word_id)
            slot = run_slot(runs, key)
            if runs.slots[slot] == 0:
                if size == runs.keys.size:
                    at[0], at[1] = place, node
                    return False
                runs.keys[size] = key
                longer = runs.fingerprints[node] * words.powers[word_id] + words.fingerprints[word_id]
                runs.fingerprints[size] = longer * runs.powers[0] + runs.fingerprints[0]
                runs.powers[size] = runs.powers[node] * words.powers[word_id] * runs.powers[0]
                runs.slots[slot] = size + 1
                runs.size[0] = size + 1
            node = runs.slots[slot] - 1
    return True


@compiled
def rehash_runs(runs: Runs) -> None:
    """Enter all nodes but the empty run in slots that are empty."""
    for node in range(1, runs.size[0]):
        runs.slots[run_slot(runs, runs.keys[node])] = node + 1


@internal
def right_of(ids: Int32s, place: int, words: Words, runs: Runs) -> Any:
    """The word behind the one at ``place``, over connector words, and the run of these; -1 at the sentence's end.

    All runs of the text have numbers.
    """
    node = 0
    place += 1
    while place < ids.size and ids[place] >= 0 and words.is_connector[ids[place]]:
        node = longer_run(runs, node, ids[place])
        place += 1
    return (ids[place] if place < ids.size else -1), node


@internal
def pair_slot(slots: UInt64s, place: Any, key: Any, node: Any, shift: Any) -> Any:
    """Where a candidate stands in a table of which a record's second number has the run above ``shift`` bits."""
    mask = np.uint64(slots.shape[0] - 1)
    place &= mask
    while slots[place, 1] != 0 and not (slots[place, 0] == key and slots[place, 1] >> shift == np.uint64(node)):
        place = (place + ONE) & mask
    return place


@compiled
def count_pairs(
    ids: Int32s, at: Int64s, stop: int, words: Words, runs: Runs, occurrences: Int64s, slots: UInt64s, taken: Int64s
) -> bool:
    """Count words and the candidates that begin with them, from ``at[0]`` to ``stop``; False when the table is full."""
    for place in range(at[0], stop):
        word_id = ids[place]
        if word_id < 0:
            continue
        if 2 * taken[0] >= slots.shape[0]:
            at[0] = place
            return False
        occurrences[word_id] += 1
        if words.is_connector[word_id]:
            continue
        other, node = right_of(ids, place, words, runs)
        if other >= 0:
            key = pair_key(word_id, other)
            slot = pair_slot(slots, spread(fingerprint(words, runs, key, node)), key, node, COUNT_SHIFT)
            if slots[slot, 1] == 0:
                slots[slot, 0], slots[slot, 1] = key, np.uint64(node) << COUNT_SHIFT
                taken[0] += 1
            slots[slot, 1] += ONE
    return True


@internal
def copy_record(records: UInt64s, place: int, others: UInt64s, other_place: int) -> None:
    """Put a record in another table."""
    others[other_place, 0], others[other_place, 1] = records[place, 0], records[place, 1]


@compiled
def drain(slots: UInt64s, words: Words, runs: Runs, ends: Int64s, records: UInt64s) -> None:
    """Empty a table: its records by buckets, of which ``ends`` has where each begins and where the last ends."""
    ends[:] = 0
    for place in range(slots.shape[0]):
        if slots[place, 1] != 0:
            bucket = bucket_of(slots, place, words, runs)
            if bucket + 2 < ends.size:
                ends[bucket + 2] += 1
    for bucket in range(2, ends.size):
        ends[bucket] += ends[bucket - 1]
    for place in range(slots.shape[0]):
        if slots[place, 1] != 0:
            bucket = bucket_of(slots, place, words, runs)
            copy_record(slots, place, records, ends[bucket + 1])
            ends[bucket + 1] += 1
            slots[place, 1] = 0


@internal
def bucket_of(records: UInt64s, place: int, words: Words, runs: Runs) -> Any:
    """The bucket of a record."""
    mixed = spread(fingerprint(words, runs, records[place, 0], records[place, 1] >> COUNT_SHIFT))
    return np.int64(mixed >> BUCKET_SHIFT)


@compiled
def combine(records: UInt64s, words: Words, runs: Runs, slots: UInt64s) -> int:
    """Add up the counts of records of the same candidate, in place; returns how many are left.

    ``slots`` is an empty table with room for all of them.
    """
    kept = 0
    for place in range(records.shape[0]):
        key, node = records[place, 0], records[place, 1] >> COUNT_SHIFT
        slot = pair_slot(slots, spread(fingerprint(words, runs, key, node)), key, node, COUNT_SHIFT)
        if slots[slot, 1] == 0:
            slots[slot, 0], slots[slot, 1] = key, records[place, 1]
        else:
            slots[slot, 1] += records[place, 1] & LOW_COUNT
    for slot in range(slots.shape[0]):
        if slots[slot, 1] != 0:
            copy_record(slots, slot, records, kept)
            kept += 1
    return kept


@compiled
def fingerprints(records: UInt64s, words: Words, runs: Runs, found: UInt64s) -> None:
    """The fingerprints of records."""
    for place in range(records.shape[0]):
        found[place] = fingerprint(words, runs, records[place, 0], records[place, 1] >> COUNT_SHIFT)


@compiled
def npmi(firsts: Int64s, seconds: Int64s, together: Int64s, total: float, scores: Doubles) -> None:
    """ln(p(ab) / (p(a) · p(b))) / −ln p(ab) from counts; p(ab) is below 1, as a sentence has fewer pairs than words."""
    for i in range(scores.size):
        p_first, p_second, p_both = firsts[i] / total, seconds[i] / total, together[i] / total
        scores[i] = log(p_both / (p_first * p_second)) / -log(p_both)


@compiled
def candidates(ids: Int32s, words: Words, runs: Runs, found: UInt64s) -> int:
    """The candidates of a text in order, each as both words' ids and its run; returns how many there are."""
    size = 0
    for place in range(ids.size):
        if ids[place] >= 0 and not words.is_connector[ids[place]]:
            other, node = right_of(ids, place, words, runs)
            if other >= 0:
                found[size, 0], found[size, 1] = pair_key(ids[place], other), np.uint64(node)
                size += 1
    return size


@internal
def phrase_slot(slots: UInt64s, key: Any, node: Any) -> Any:
    """Where a phrase stands in the table of phrases, or the empty slot for it."""
    return pair_slot(slots, spread(key * FACTOR + np.uint64(node)), key, node, HALF)


@compiled
def enter_phrases(phrases: UInt64s, new_ids: Int64s, slots: UInt64s) -> None:
    """Enter phrases, as ``candidates`` gives them, in an empty table with room for them, each with its id."""
    for i in range(new_ids.size):
        slot = phrase_slot(slots, phrases[i, 0], phrases[i, 1])
        slots[slot, 0] = phrases[i, 0]
        slots[slot, 1] = phrases[i, 1] << HALF | np.uint64(new_ids[i] + 1)


@internal
def phrase_id(slots: UInt64s, first: Any, node: Any, second: Any) -> Any:
    """The id of the phrase that two words and the run between them make, -1 if they make none."""
    if node < 0:
        return -1
    return np.int64(slots[phrase_slot(slots, pair_key(first, second), node), 1] & LOW_HALF) - 1


@compiled
def first_sure(ids: Int32s, start: int, stop: int, words: Words, runs: Runs, slots: UInt64s) -> int:
    """The first place at which no phrase goes on, with any words before ``start``; ``stop`` if there is none.

    It is a sentence's end, or a word that makes no phrase with the one before it: joined or not, that one is done with.
    """
    before, node = -1, 0
    for place in range(start, stop):
        word_id = ids[place]
        if word_id < 0:
            return place
        if words.is_connector[word_id]:
            node = longer_run(runs, node, word_id) if node >= 0 else -1
            continue
        if before >= 0 and phrase_id(slots, before, node, word_id) < 0:
            return place
        before, node = word_id, 0
    return stop


@compiled
def join(
    ids: Int32s, start: int, stop: int, state: Int64s, words: Words, runs: Runs, slots: UInt64s, joined: Int32s
) -> int:
    """Join phrases from left to right, the first one that fits; returns how many ids are written to ``joined``.

    ``state`` goes from one part of the text to the next: where the word stands that may begin a phrase, -1 for none;
    the run behind it; and how many phrases have been joined. From that word on nothing is written yet.
    """
    opened, node, written = state[0], state[1], 0
    for place in range(start, stop):
        word_id = ids[place]
        if word_id >= 0 and not words.is_connector[word_id]:
            new_id = phrase_id(slots, ids[opened], node, word_id) if opened >= 0 else -1
            if new_id >= 0:
                joined[written] = new_id
                written += 1
                state[2] += 1
                opened = -1
            else:
                written = write_open(ids, opened, place, joined, written)
                opened, node = place, 0
            continue
        if word_id >= 0 and opened >= 0:
            node = longer_run(runs, node, word_id)
            if node >= 0:
                continue
        written = write_open(ids, opened, place, joined, written)
        opened = -1
        joined[written] = word_id
        written += 1
    state[0], state[1] = opened, node
    return written


@compiled
def flush(ids: Int32s, stop: int, state: Int64s, joined: Int32s, written: int) -> Any:
    """Write the words before ``stop`` that wait for a phrase, and make none."""
    written = write_open(ids, state[0], stop, joined, written)
    state[0] = -1
    return written


@internal
def write_open(ids: Int32s, opened: int, stop: int, joined: Int32s, written: int) -> Any:
    """Write the words from ``opened`` on as they are."""
    if opened >= 0:
        for place in range(opened, stop):
            joined[written] = ids[place]
            written += 1
    return written


@compiled
def count_words(ids: Int32s, counts: Int64s) -> None:
    """Add up how often each word occurs."""
    for word_id in ids:
        if word_id >= 0:
            counts[word_id] += 1

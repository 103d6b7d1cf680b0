"""A bounded fuzzing of every reader; docs/concepts/hostile-input.md says how it is done at length."""

from __future__ import annotations

import sys
from random import Random
from typing import TYPE_CHECKING

import pytest
from fuzz.engine import Search, smallest
from fuzz.mutations import mutated
from fuzz.readers import READERS, Reader, feed

from lexigrad.errors import LexigradError
from lexigrad.evaluation.treebank import parse_tree

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = 300


@pytest.mark.parametrize("name", READERS)
def test_hostile_bytes_give_a_value_or_a_lexigrad_error(name: str) -> None:
    search = Search(READERS[name])
    search.run(INPUTS)
    assert not search.faults, "\n".join(fault.report for fault in search.faults.values())
    assert search.inputs == INPUTS + len(READERS[name].seeds())
    assert len(search.pool) > len(READERS[name].seeds())


@pytest.mark.parametrize("name", READERS)
def test_the_files_that_a_search_begins_with_are_sound(tmp_path: Path, name: str) -> None:
    assert sum(feed(READERS[name], tmp_path, seed) is None for seed in READERS[name].seeds()) >= 1


def planted(path: Path) -> None:
    """A reader that fails at trees of the label 4 with two words or more."""
    parse_and_fail(path.read_bytes())


def parse_and_fail(content: bytes) -> None:
    words, label = parse_tree(content.decode(errors="replace"))
    if label == 4 and len(words) > 1:
        raise KeyError(label)


PLANTED = Reader("planted", planted, lambda: [b"(3 (1 a) (2 b))"], (b"4",))


def test_a_search_finds_a_planted_fault_and_makes_it_small() -> None:
    search = Search(PLANTED)
    search.run(2000)
    (fault,) = search.faults.values()
    assert fault.kind.startswith("KeyError")
    small = smallest(PLANTED, fault)
    assert len(small.content) <= len(b"(4 (1 a)(2 b))")
    with pytest.raises(KeyError):
        parse_and_fail(small.content)


def test_the_same_seed_takes_the_same_course() -> None:
    first, second = Search(READERS["trees"], seed=5), Search(READERS["trees"], seed=5)
    first.run(200)
    second.run(200)
    assert first.pool == second.pool
    assert first.steps == second.steps
    assert Search(READERS["trees"], seed=6).seed != first.seed


def test_a_search_leaves_the_trace_function_as_it_was() -> None:
    before = sys.gettrace()
    Search(READERS["analogies"]).run(3)
    assert sys.gettrace() is before


def say(sentence: str) -> Reader:
    def refuse(path: Path) -> None:
        raise LexigradError(sentence)

    return Reader("talkative", refuse, lambda: [b""])


@pytest.mark.parametrize("sentence", ["two\nlines", "long " * 200])
def test_a_message_that_is_not_one_short_line_is_a_fault(tmp_path: Path, sentence: str) -> None:
    with pytest.raises(AssertionError, match="the message"):
        feed(say(sentence), tmp_path, b"")
    assert feed(say("short"), tmp_path, b"") == "short"


@pytest.mark.parametrize("name", READERS)
def test_mutations_of_any_file_are_other_files_of_bounded_size(name: str) -> None:
    seeds = READERS[name].seeds()
    random = Random(1)
    made = {mutated(random, random.choice(seeds), seeds, READERS[name].tokens) for _ in range(100)}
    assert len(made) > 60
    assert max(map(len, made)) <= 4096

"""Pickles taken apart without being unpickled: nothing that they name is looked up, nothing that they call is called.

A pickle is a program for a small machine with a stack. Here is the table of its opcodes, and the loop that carries them
out on a machine (``lexigrad.vectors.formats.gensim.machine``) that makes no object: what the program would call becomes
a record of the call, with its arguments and the state that the object would get. The reader of the result knows a few
names and what their records stand for, such as an array.

Source: Python's ``pickletools`` describes the opcodes. Those that Python writes in protocols 2 to 5 are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lexigrad.errors import FormatError
from lexigrad.vectors.formats.gensim.machine import Machine, Name, Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["first_name", "parse_pickle"]

STEPS: Final[dict[int, Callable[[Machine], None]]] = {
    ord(opcode): carry_out
    for opcode, carry_out in {
        "\x80": Machine.protocol,
        "\x95": Machine.frame,
        ".": Machine.stop,
        "(": Machine.mark,
        "0": Machine.pop,
        "1": Machine.pop_to_mark,
        "N": lambda machine: machine.push(None),
        "\x88": lambda machine: machine.push(True),
        "\x89": lambda machine: machine.push(False),
        "K": lambda machine: machine.integer(1),
        "M": lambda machine: machine.integer(2),
        "J": lambda machine: machine.integer(4, signed=True),
        "I": Machine.integer_in_digits,
        "\x8a": lambda machine: machine.long_integer(1),
        "\x8b": lambda machine: machine.long_integer(4),
        "G": Machine.real_number,
        "\x8c": lambda machine: machine.text(1),
        "X": lambda machine: machine.text(4),
        "\x8d": lambda machine: machine.text(8),
        "U": lambda machine: machine.old_text(1),
        "T": lambda machine: machine.old_text(4),
        "C": lambda machine: machine.raw_bytes(1),
        "B": lambda machine: machine.raw_bytes(4),
        "\x8e": lambda machine: machine.raw_bytes(8),
        "\x96": lambda machine: machine.raw_bytes(8),
        "]": Machine.new_list,
        "a": lambda machine: machine.append([machine.pop()]),
        "e": lambda machine: machine.append(machine.pop_to_mark()),
        ")": lambda machine: machine.new_tuple(0),
        "\x85": lambda machine: machine.new_tuple(1),
        "\x86": lambda machine: machine.new_tuple(2),
        "\x87": lambda machine: machine.new_tuple(3),
        "t": Machine.tuple_to_mark,
        "}": Machine.new_pairs,
        "s": Machine.set_item,
        "u": lambda machine: machine.set_items(machine.pop_to_mark()),
        "\x8f": Machine.new_list,
        "\x90": lambda machine: machine.append(machine.pop_to_mark()),
        "\x91": Machine.list_to_mark,
        "h": lambda machine: machine.get(1),
        "j": lambda machine: machine.get(4),
        "q": lambda machine: machine.put(1),
        "r": lambda machine: machine.put(4),
        "\x94": Machine.memoize,
        "c": Machine.name,
        "\x93": Machine.name_from_stack,
        "R": Machine.call,
        "\x81": Machine.call,
        "\x92": Machine.call_with_names,
        "b": Machine.build,
    }.items()
}
REFUSED: Final[dict[int, str]] = {
    ord(opcode): f"({name}) is not carried out here: {reason}"
    for opcode, name, reason in (
        ("P", "PERSID", "it refers to what is outside of the file"),
        ("Q", "BINPERSID", "it refers to what is outside of the file"),
        ("\x82", "EXT1", "it names a function by a number"),
        ("\x83", "EXT2", "it names a function by a number"),
        ("\x84", "EXT4", "it names a function by a number"),
        ("\x97", "NEXT_BUFFER", "it refers to what is outside of the file"),
        ("i", "INST", "protocol 2 and later have no such calls"),
        ("o", "OBJ", "protocol 2 and later have no such calls"),
    )
}
"""No opcode that is missing in ``STEPS`` is carried out; the error gives the reason for these."""


def parse_pickle(path: Path, content: bytes | memoryview) -> Value:
    """The content of a pickle of protocol 2 to 5, as inert values.

    Args:
        path: the file that it comes from, for errors.
        content: the whole pickle. Long bytes in it are not copied.

    Raises:
        FormatError: the pickle is damaged, holds opcodes that Python does not write, or would take more memory than a
            sound pickle of its size. The message names the byte.

    Example:
        >>> import pickle
        >>> from fractions import Fraction
        >>> from pathlib import Path
        >>> record = parse_pickle(Path("half"), pickle.dumps(Fraction(1, 2)))
        >>> str(record.name), record.arguments
        ('fractions.Fraction', (1, 2))
    """
    machine = Machine(path, memoryview(content))
    while not machine.stopped:
        _step(machine)
    if len(machine.stack) != 1 or machine.marks:
        machine.fail(f"the pickle ends with {len(machine.stack):,} values in hand, where one is due")
    if machine.position < len(content):
        machine.fail(f"{len(content) - machine.position:,} bytes follow the end of the pickle")
    return machine.stack[0]


def first_name(path: Path, content: bytes) -> Name | None:
    """The first name in a pickle, which is the class of the object that it holds; None when there is none.

    Args:
        path: the file that it comes from.
        content: the pickle, or its beginning.
    """
    machine = Machine(path, memoryview(content))
    try:
        while True:
            _step(machine)
            if machine.stack and type(machine.stack[-1]) is Name:
                return machine.stack[-1]
    except FormatError:
        return None


def _step(machine: Machine) -> None:
    """Carry out one opcode."""
    machine.place = machine.position
    if machine.place == len(machine.content):
        machine.fail("the pickle has no end")
    opcode = machine.content[machine.place]
    machine.position += 1
    carry_out = STEPS.get(opcode)
    if carry_out is None:
        machine.fail(f"the opcode {bytes([opcode])!r} {REFUSED.get(opcode, 'is none that gensim writes')}")
    carry_out(machine)

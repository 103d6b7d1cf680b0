"""Pickles taken apart without being unpickled: nothing that they name is looked up, nothing that they call is called.

A pickle is a program for a small machine with a stack. Python's machine looks up the names in it and calls what they
mean. This one has no way to do either: a name stays a pair of strings, and what the program would call becomes a record
of what would be called with which arguments and then given which state. Whoever reads the result knows a few names and
what their records stand for, such as an array.

Source: Python's ``pickletools`` describes the opcodes. Those that Python writes in protocols 2 to 5 are read.
"""

from __future__ import annotations

import struct
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Name", "Pairs", "Record", "first_name", "parse_pickle"]

OBJECTS_PER_BYTE: Final = 16
LEAST_OBJECT_BYTES: Final = 1 << 24
"""The objects may take so much memory, or 16 times the file if that is more; a vocabulary takes 3 to 9 times."""
COPIED_BYTES: Final = 1 << 12  # longer ones stay where they are, in the file
LONGEST_INTEGER_BYTES: Final = 64
LONGEST_LINE: Final = 256  # of a name, or of an integer in digits
LIST_BYTES, PAIRS_BYTES, RECORD_BYTES, NUMBER_BYTES, ITEM_BYTES, MARK_BYTES = 72, 240, 112, 40, 9, 48

Value: TypeAlias = Any
"""None, bool, int, float, str, bytes or memoryview, list (sets too), tuple, Pairs, Name or Record."""


class Name(NamedTuple):
    """A class or a function, by name only."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Pairs:
    """A dictionary as two lists: its keys need no hash, which hostile ones could make slow, or deep without end."""

    __slots__ = ("keys", "values")

    def __init__(self) -> None:
        self.keys: list[Value] = []
        self.values: list[Value] = []

    def by_text(self) -> dict[str, Value]:
        """The values whose keys are strings; only of them does Python choose hashes that nobody can foresee."""
        return {key: value for key, value in zip(self.keys, self.values, strict=True) if type(key) is str}


class Record:
    """An object that was not made: what would be called, with what, and the state and the items it would then get."""

    __slots__ = ("arguments", "items", "name", "state")

    def __init__(self, name: Name, arguments: tuple[Value, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Value = None
        self.items: Pairs | list[Value] | None = None


def parse_pickle(path: Path, content: bytes | memoryview) -> Value:
    """What a pickle of protocol 2 to 5 holds, as inert values.

    Args:
        path: where it comes from, for errors.
        content: the whole pickle. Long bytes in it are not copied.

    Raises:
        FormatError: the pickle is damaged, holds what Python does not write, or would take more memory than a sound
            one of its size. The message names the byte.

    Example:
        >>> import pickle
        >>> from fractions import Fraction
        >>> from pathlib import Path
        >>> record = parse_pickle(Path("half"), pickle.dumps(Fraction(1, 2)))
        >>> str(record.name), record.arguments
        ('fractions.Fraction', (1, 2))
    """
    return _Machine(path, memoryview(content)).run()


def first_name(path: Path, content: bytes) -> Name | None:
    """The first name in a pickle, which is the class of the object that it holds; None when there is none.

    Args:
        path: where it comes from.
        content: the pickle, or its beginning.
    """
    machine = _Machine(path, memoryview(content))
    try:
        while True:
            machine.step()
            if machine.stack and type(machine.stack[-1]) is Name:
                return machine.stack[-1]
    except FormatError:
        return None


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self, path: Path, content: memoryview) -> None:
        self.path = path
        self.content = content
        self.position = 0
        self.place = 0  # of the opcode that is being carried out
        self.stack: list[Value] = []
        self.marks: list[int] = []
        self.memo: list[Value] = []
        self.room = max(LEAST_OBJECT_BYTES, OBJECTS_PER_BYTE * len(content))
        self.stopped = False

    def run(self) -> Value:
        while not self.stopped:
            self.step()
        if len(self.stack) != 1 or self.marks:
            self.fail(f"the pickle ends with {len(self.stack):,} values in hand, where one is due")
        if self.position < len(self.content):
            self.fail(f"{len(self.content) - self.position:,} bytes follow the end of the pickle")
        return self.stack[0]

    def step(self) -> None:
        """Carry out one opcode."""
        self.place = self.position
        if self.place == len(self.content):
            self.fail("the pickle has no end")
        opcode = self.content[self.place]
        self.position += 1
        carry_out = STEPS.get(opcode)
        if carry_out is None:
            self.fail(f"the opcode {bytes([opcode])!r} {REFUSED.get(opcode, 'is none that gensim writes')}")
        carry_out(self)

    def fail(self, what: str) -> NoReturn:
        raise FormatError(f"{self.path}, byte {self.place:,}: {what}; the file is damaged, or no model of gensim's")

    def spend(self, size: int) -> None:
        """Take room for an object of so many bytes."""
        self.room -= size
        if self.room < 0:
            self.fail(
                f"the objects of the pickle take more than {LEAST_OBJECT_BYTES >> 20} MiB and more than "
                f"{OBJECTS_PER_BYTE} times the size of the file"
            )

    def take(self, size: int) -> memoryview:
        end = self.position + size
        if end > len(self.content):
            self.fail(f"{size:,} bytes are due, of which the file has {len(self.content) - self.position:,}")
        taken = self.content[self.position : end]
        self.position = end
        return taken

    def take_number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def take_line(self) -> str:
        """ASCII text up to a line break."""
        window = bytes(self.content[self.position : self.position + LONGEST_LINE])
        line, line_break, _ = window.partition(b"\n")
        if not line_break or not line.isascii():
            self.fail(f"no line of text ends within {LONGEST_LINE} bytes")
        self.position += len(line) + 1
        return line.decode()

    def push(self, value: Value, size: int = 0) -> None:
        self.spend(size + ITEM_BYTES)
        self.stack.append(value)

    def pop(self) -> Value:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            self.fail("a value is due and there is none")
        return self.stack.pop()

    def top(self) -> Value:
        value = self.pop()
        self.stack.append(value)
        return value

    def pop_to_mark(self) -> list[Value]:
        if not self.marks:
            self.fail("a mark is due and there is none")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def mark(self) -> None:
        self.spend(MARK_BYTES)
        self.marks.append(len(self.stack))

    def stop(self) -> None:
        self.stopped = True

    def protocol(self) -> None:
        if not 2 <= self.take(1)[0] <= 5:
            self.fail("the protocol is none from 2 to 5")

    def frame(self) -> None:
        size = self.take_number(8)
        if size > len(self.content) - self.position:
            self.fail(f"a frame of {size:,} bytes is longer than the file")

    def text(self, size: int) -> None:
        try:
            text = str(self.take(self.take_number(size)), "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.fail("a string is not UTF-8")
        self.push(text, getsizeof(text))

    def old_text(self, size: int) -> None:
        """A string of Python 2, which gensim reads as Latin-1."""
        text = str(self.take(self.take_number(size)), "latin-1")
        self.push(text, getsizeof(text))

    def raw_bytes(self, size: int) -> None:
        taken = self.take(self.take_number(size))
        value = bytes(taken) if len(taken) < COPIED_BYTES else taken
        self.push(value, getsizeof(value))

    def integer(self, size: int, *, signed: bool = False) -> None:
        self.push(int.from_bytes(self.take(size), "little", signed=signed), NUMBER_BYTES)

    def long_integer(self, size: int) -> None:
        length = self.take_number(size)
        if length > LONGEST_INTEGER_BYTES:
            self.fail(f"an integer of {length:,} bytes is longer than any that gensim writes")
        self.push(int.from_bytes(self.take(length), "little", signed=True), NUMBER_BYTES + length)

    def integer_in_digits(self) -> None:
        line = self.take_line()
        if line in ("00", "01"):
            self.push(line == "01")
        elif not line.removeprefix("-").isdecimal():
            self.fail(f"{line[:30]!r} is no whole number")
        else:
            self.push(int(line), NUMBER_BYTES + len(line))

    def real_number(self) -> None:
        self.push(struct.unpack(">d", self.take(8))[0], NUMBER_BYTES)

    def new_list(self) -> None:
        self.push([], LIST_BYTES)

    def new_pairs(self) -> None:
        self.push(Pairs(), PAIRS_BYTES)

    def new_tuple(self, size: int) -> None:
        values = [self.pop() for _ in range(size)]
        self.push(tuple(reversed(values)), LIST_BYTES + size * ITEM_BYTES)

    def tuple_to_mark(self) -> None:
        values = self.pop_to_mark()
        self.push(tuple(values), LIST_BYTES + len(values) * ITEM_BYTES)

    def list_to_mark(self) -> None:
        """A frozen set; what is in it is looked at no more than what is in a list."""
        values = self.pop_to_mark()
        self.push(values, LIST_BYTES + len(values) * ITEM_BYTES)

    def append(self, values: list[Value]) -> None:
        target = self.top()
        if type(target) is Record:
            if target.items is None:
                target.items = []
                self.spend(LIST_BYTES)
            target = target.items
        if type(target) is not list:
            self.fail("items go to what is no list")
        self.spend(len(values) * ITEM_BYTES)
        target += values

    def set_items(self, values: list[Value]) -> None:
        target = self.top()
        if type(target) is Record:
            if target.items is None:
                target.items = Pairs()
                self.spend(PAIRS_BYTES)
            target = target.items
        if type(target) is not Pairs or len(values) % 2:
            self.fail("keys and values go to what is no dictionary")
        self.spend(len(values) * ITEM_BYTES)
        target.keys += values[::2]
        target.values += values[1::2]

    def set_item(self) -> None:
        value = self.pop()
        self.set_items([self.pop(), value])

    def get(self, size: int) -> None:
        index = self.take_number(size)
        if index >= len(self.memo):
            self.fail(f"value {index:,} is used before there is one")
        self.push(self.memo[index])

    def put(self, size: int) -> None:
        index = self.take_number(size)
        if index > len(self.memo) + 1:  # Python 2 counts from 1
            self.fail(f"value {index:,} is kept where {len(self.memo):,} is due")
        while index >= len(self.memo):
            self.memoize()
        self.memo[index] = self.top()

    def memoize(self) -> None:
        self.spend(ITEM_BYTES)
        self.memo.append(self.top())

    def name(self) -> None:
        self.push_name(self.take_line(), self.take_line())

    def name_from_stack(self) -> None:
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            self.fail("a name is no string")
        self.push_name(module, name)

    def push_name(self, module: str, name: str) -> None:
        self.push(Name(module, name), LIST_BYTES + getsizeof(module) + getsizeof(name))

    def call(self) -> None:
        arguments = self.pop()
        self.push_record(self.pop(), arguments)

    def call_with_names(self) -> None:
        names = self.pop()
        if type(names) is not Pairs:
            self.fail("the named arguments of a call are no dictionary")
        self.call()

    def push_record(self, name: Value, arguments: Value) -> None:
        if type(name) is not Name or type(arguments) is not tuple:
            self.fail("what is called is no name, or its arguments are no tuple")
        self.push(Record(name, arguments), RECORD_BYTES)

    def build(self) -> None:
        state = self.pop()
        target = self.top()
        if type(target) is not Record or target.state is not None:
            self.fail("a state is given to what takes none")
        target.state = state


STEPS: Final[dict[int, Callable[[_Machine], None]]] = {
    ord(opcode): carry_out
    for opcode, carry_out in {
        "\x80": _Machine.protocol,
        "\x95": _Machine.frame,
        ".": _Machine.stop,
        "(": _Machine.mark,
        "0": _Machine.pop,
        "1": _Machine.pop_to_mark,
        "N": lambda machine: machine.push(None),
        "\x88": lambda machine: machine.push(True),
        "\x89": lambda machine: machine.push(False),
        "K": lambda machine: machine.integer(1),
        "M": lambda machine: machine.integer(2),
        "J": lambda machine: machine.integer(4, signed=True),
        "I": _Machine.integer_in_digits,
        "\x8a": lambda machine: machine.long_integer(1),
        "\x8b": lambda machine: machine.long_integer(4),
        "G": _Machine.real_number,
        "\x8c": lambda machine: machine.text(1),
        "X": lambda machine: machine.text(4),
        "\x8d": lambda machine: machine.text(8),
        "U": lambda machine: machine.old_text(1),
        "T": lambda machine: machine.old_text(4),
        "C": lambda machine: machine.raw_bytes(1),
        "B": lambda machine: machine.raw_bytes(4),
        "\x8e": lambda machine: machine.raw_bytes(8),
        "\x96": lambda machine: machine.raw_bytes(8),
        "]": _Machine.new_list,
        "a": lambda machine: machine.append([machine.pop()]),
        "e": lambda machine: machine.append(machine.pop_to_mark()),
        ")": lambda machine: machine.new_tuple(0),
        "\x85": lambda machine: machine.new_tuple(1),
        "\x86": lambda machine: machine.new_tuple(2),
        "\x87": lambda machine: machine.new_tuple(3),
        "t": _Machine.tuple_to_mark,
        "}": _Machine.new_pairs,
        "s": _Machine.set_item,
        "u": lambda machine: machine.set_items(machine.pop_to_mark()),
        "\x8f": _Machine.new_list,
        "\x90": lambda machine: machine.append(machine.pop_to_mark()),
        "\x91": _Machine.list_to_mark,
        "h": lambda machine: machine.get(1),
        "j": lambda machine: machine.get(4),
        "q": lambda machine: machine.put(1),
        "r": lambda machine: machine.put(4),
        "\x94": _Machine.memoize,
        "c": _Machine.name,
        "\x93": _Machine.name_from_stack,
        "R": _Machine.call,
        "\x81": _Machine.call,
        "\x92": _Machine.call_with_names,
        "b": _Machine.build,
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
"""What is not in ``STEPS`` is not carried out; of these the error says more."""

"""The machine that takes a pickle apart: a stack and a memo, on which nothing is looked up and nothing is called.

Python's own machine looks up the names in a pickle and calls what they mean. This one has no way to do either: a name
stays a pair of strings, and a call becomes a record of what would be called with which arguments. Which opcode is which
method stands in ``lexigrad.vectors.formats.gensim.pickle``.
"""

from __future__ import annotations

import struct
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from lexigrad.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Machine", "Name", "Pairs", "Record", "Value"]

OBJECTS_PER_BYTE: Final = 16
LEAST_OBJECT_BYTES: Final = 1 << 24
"""The objects may take so much memory, or 16 times the size of the file if that is more; a vocabulary takes 3 to 9
times."""
COPIED_BYTES: Final = 1 << 12  # longer strings of bytes stay where they are, in the file
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
    """A dictionary as two lists: its keys need no hash, which hostile keys could make slow, or deep without end."""

    __slots__ = ("keys", "values")

    def __init__(self) -> None:
        self.keys: list[Value] = []
        self.values: list[Value] = []

    def by_text(self) -> dict[str, Value]:
        """The values whose keys are strings; only for strings does Python choose hashes that a file cannot foresee."""
        return {key: value for key, value in zip(self.keys, self.values, strict=True) if type(key) is str}


class Record:
    """An object that was not made: the function that would make it, its arguments, and its state and items."""

    __slots__ = ("arguments", "items", "name", "state")

    def __init__(self, name: Name, arguments: tuple[Value, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Value = None
        self.items: Pairs | list[Value] | None = None


class Machine:
    """The stack, the marks and the memo of one pickle, and the operations on them that opcodes stand for.

    Args:
        path: where the pickle comes from, for errors.
        content: the whole pickle, or its beginning.
    """

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

    def fail(self, what: str) -> NoReturn:
        """Raise an error that names the file and the byte of the opcode."""
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
        """The next bytes of the pickle."""
        end = self.position + size
        if end > len(self.content):
            self.fail(f"{size:,} bytes are due, of which the file has {len(self.content) - self.position:,}")
        taken = self.content[self.position : end]
        self.position = end
        return taken

    def take_number(self, size: int) -> int:
        """The whole number, little-endian, in the next bytes of the pickle."""
        return int.from_bytes(self.take(size), "little")

    def take_line(self) -> str:
        """The ASCII text up to the next line break."""
        window = bytes(self.content[self.position : self.position + LONGEST_LINE])
        line, line_break, _ = window.partition(b"\n")
        if not line_break or not line.isascii():
            self.fail(f"no line of text ends within {LONGEST_LINE} bytes")
        self.position += len(line) + 1
        return line.decode()

    def push(self, value: Value, size: int = 0) -> None:
        """Put a value on the stack, and take room for it."""
        self.spend(size + ITEM_BYTES)
        self.stack.append(value)

    def pop(self) -> Value:
        """Take the topmost value off the stack; values below the last mark are out of reach."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            self.fail("a value is due and there is none")
        return self.stack.pop()

    def top(self) -> Value:
        """The topmost value, which stays."""
        value = self.pop()
        self.stack.append(value)
        return value

    def pop_to_mark(self) -> list[Value]:
        """Take the last mark and all values above it off the stack."""
        if not self.marks:
            self.fail("a mark is due and there is none")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def mark(self) -> None:
        """Remember how high the stack is."""
        self.spend(MARK_BYTES)
        self.marks.append(len(self.stack))

    def stop(self) -> None:
        """End the program."""
        self.stopped = True

    def protocol(self) -> None:
        """Check the protocol that the pickle names."""
        if not 2 <= self.take(1)[0] <= 5:
            self.fail("the protocol is none from 2 to 5")

    def frame(self) -> None:
        """Check the length of a frame, which means nothing else to a pickle that is in memory."""
        size = self.take_number(8)
        if size > len(self.content) - self.position:
            self.fail(f"a frame of {size:,} bytes is longer than the file")

    def text(self, size: int) -> None:
        """Push a string of UTF-8; ``size`` is that of the number that says how long it is."""
        try:
            text = str(self.take(self.take_number(size)), "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.fail("a string is not UTF-8")
        self.push(text, getsizeof(text))

    def old_text(self, size: int) -> None:
        """Push a string of Python 2, which gensim reads as Latin-1."""
        text = str(self.take(self.take_number(size)), "latin-1")
        self.push(text, getsizeof(text))

    def raw_bytes(self, size: int) -> None:
        """Push bytes; ``size`` is that of the number that says how many there are."""
        taken = self.take(self.take_number(size))
        value = bytes(taken) if len(taken) < COPIED_BYTES else taken
        self.push(value, getsizeof(value))

    def integer(self, size: int, *, signed: bool = False) -> None:
        """Push a whole number of ``size`` bytes."""
        self.push(int.from_bytes(self.take(size), "little", signed=signed), NUMBER_BYTES)

    def long_integer(self, size: int) -> None:
        """Push a whole number of any length; ``size`` is that of the number that says how long it is."""
        length = self.take_number(size)
        if length > LONGEST_INTEGER_BYTES:
            self.fail(f"an integer of {length:,} bytes is longer than any that gensim writes")
        self.push(int.from_bytes(self.take(length), "little", signed=True), NUMBER_BYTES + length)

    def integer_in_digits(self) -> None:
        """Push a whole number that stands in a line of text, or a truth value of protocol 2."""
        line = self.take_line()
        if line in ("00", "01"):
            self.push(line == "01")
        elif not line.removeprefix("-").isdecimal():
            self.fail(f"{line[:30]!r} is no whole number")
        else:
            self.push(int(line), NUMBER_BYTES + len(line))

    def real_number(self) -> None:
        """Push a number in double precision."""
        self.push(struct.unpack(">d", self.take(8))[0], NUMBER_BYTES)

    def new_list(self) -> None:
        """Push an empty list, which stands for an empty set as well."""
        self.push([], LIST_BYTES)

    def new_pairs(self) -> None:
        """Push an empty dictionary."""
        self.push(Pairs(), PAIRS_BYTES)

    def new_tuple(self, size: int) -> None:
        """Push a tuple of the topmost ``size`` values."""
        values = [self.pop() for _ in range(size)]
        self.push(tuple(reversed(values)), LIST_BYTES + size * ITEM_BYTES)

    def tuple_to_mark(self) -> None:
        """Push a tuple of the values above the last mark."""
        values = self.pop_to_mark()
        self.push(tuple(values), LIST_BYTES + len(values) * ITEM_BYTES)

    def list_to_mark(self) -> None:
        """Push a list of the values above the last mark, which stands for a frozen set."""
        values = self.pop_to_mark()
        self.push(values, LIST_BYTES + len(values) * ITEM_BYTES)

    def append(self, values: list[Value]) -> None:
        """Append values to the list, or to the items of the object, on top of the stack."""
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
        """Add keys and values, in turn, to the dictionary or the object on top of the stack."""
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
        """Add one key and its value, which are on the stack, to the dictionary below them."""
        value = self.pop()
        self.set_items([self.pop(), value])

    def get(self, size: int) -> None:
        """Push a value of the memo; its number has ``size`` bytes."""
        index = self.take_number(size)
        if index >= len(self.memo):
            self.fail(f"value {index:,} is used before there is one")
        self.push(self.memo[index])

    def put(self, size: int) -> None:
        """Keep the topmost value in the memo, under a number of ``size`` bytes."""
        index = self.take_number(size)
        if index > len(self.memo) + 1:  # Python 2 counts from 1
            self.fail(f"value {index:,} is kept where {len(self.memo):,} is due")
        while index >= len(self.memo):
            self.memoize()
        self.memo[index] = self.top()

    def memoize(self) -> None:
        """Keep the topmost value in the memo, under the next number."""
        self.spend(ITEM_BYTES)
        self.memo.append(self.top())

    def name(self) -> None:
        """Push a name whose two parts stand in lines of text."""
        self.push_name(self.take_line(), self.take_line())

    def name_from_stack(self) -> None:
        """Push a name whose two parts are on the stack."""
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            self.fail("a name is no string")
        self.push_name(module, name)

    def push_name(self, module: str, name: str) -> None:
        """Push a name; nothing is imported."""
        self.push(Name(module, name), LIST_BYTES + getsizeof(module) + getsizeof(name))

    def call(self) -> None:
        """Push the record of a call; nothing is called."""
        arguments = self.pop()
        self.push_record(self.pop(), arguments)

    def call_with_names(self) -> None:
        """Push the record of a call whose named arguments are passed over."""
        names = self.pop()
        if type(names) is not Pairs:
            self.fail("the named arguments of a call are no dictionary")
        self.call()

    def push_record(self, name: Value, arguments: Value) -> None:
        """Push the record of a call."""
        if type(name) is not Name or type(arguments) is not tuple:
            self.fail("what is called is no name, or its arguments are no tuple")
        self.push(Record(name, arguments), RECORD_BYTES)

    def build(self) -> None:
        """Give a state to the record on top of the stack."""
        state = self.pop()
        target = self.top()
        if type(target) is not Record or target.state is not None:
            self.fail("a state is given to what takes none")
        target.state = state

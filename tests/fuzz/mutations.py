"""Sound files made hostile: bytes changed anyhow, and numbers, lines, JSON headers and packed contents on purpose."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

__all__ = ["mutated"]

LARGEST_BYTES = 4096
NUMBERS_OF_CHANGES = (1, 1, 1, 2, 2, 4)
BYTES = (0, 1, 9, 10, 13, 32, 127, 128, 192, 255)
INTEGERS = (0, 1, 2, 3, 7, 255, 256, 2**15, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
LONG_NUMBER = "9" * 400
JSON_VALUES: tuple[Any, ...] = (
    None, True, -1, 0.5, 1e300, 2**63, 2**64, int("9" * 400), "", "é" * 300, "\ud800", [], {}, [[]], [0] * 70,
    [2**40] * 2,
)  # fmt: skip
UNPACKERS: tuple[tuple[bytes, Callable[[bytes], bytes], Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress, lambda content: gzip.compress(content, 1, mtime=0)),
    (b"BZh", bz2.decompress, lambda content: bz2.compress(content, 1)),
    (b"\xfd7zXZ\0", lzma.decompress, lambda content: lzma.compress(content, preset=0)),
)


def mutated(random: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """``content`` with one to four changes.

    Args:
        random: the source of all choices.
        content: the file to change.
        others: files of the same kind, pieces of which may be taken over.
        tokens: pieces of text that mean something in this kind of file.
    """
    if (unpacked := _unpacked(content)) is not None and random.random() < 0.5:
        inner, pack = unpacked
        return pack(mutated(random, inner, (), tokens))[:LARGEST_BYTES]
    if (header := _header(content)) is not None and random.random() < 0.7:
        changed = _changed_json(random, header) if random.random() < 0.6 else _changed(random, header, (), tokens)
        content = len(changed).to_bytes(8, "little") + changed + content[8 + len(header) :]
        if random.random() < 0.5:
            return content[:LARGEST_BYTES]
    return _changed(random, content, others, tokens)[:LARGEST_BYTES]


def _changed(random: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    for _ in range(random.choice(NUMBERS_OF_CHANGES)):
        change = random.choice(CHANGES)
        content = change(random, content, others, tokens)
    return content


def _byte(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + bytes([random.choice(BYTES)]) + content[place + 1 :]


def _bit(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    place = random.randrange(len(content) + 1)
    flipped = bytes(byte ^ (1 << random.randrange(8)) for byte in content[place : place + 1])
    return content[:place] + flipped + content[place + 1 :]


def _removed(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    begin, end = _span(random, content)
    return content[:begin] + content[end:]


def _repeated(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    begin, end = _span(random, content)
    return content[:end] + content[begin:end] * random.choice((1, 1, 2, 9)) + content[end:]


def _cut(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _inserted(random: Random, content: bytes, _: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    place = random.randrange(len(content) + 1)
    piece = random.choice(tokens) if tokens and random.random() < 0.7 else random.randbytes(random.randint(1, 8))
    return content[:place] + piece + content[place + random.choice((0, 0, len(piece))) :]


def _integer(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    """Eight or four bytes become some integer."""
    place, size = random.randrange(len(content) + 1), random.choice((4, 8))
    number = random.choice(INTEGERS) % 256**size
    return content[:place] + number.to_bytes(size, random.choice(("little", "big"))) + content[place + size :]  # type: ignore[arg-type]


def _decimal(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    """A number in digits becomes another one."""
    found = list(re.finditer(rb"-?\d+", content))
    if not found:
        return content
    match = found[0] if random.random() < 0.3 else random.choice(found)
    old = int(match[0][:18] or 0) if match[0] != b"-" else 0
    new = random.choice((old + 1, old - 1, -old, 10 * old, random.choice(INTEGERS), LONG_NUMBER, ""))
    return content[: match.start()] + str(new).encode() + content[match.end() :]


def _lines(random: Random, content: bytes, *_: Sequence[bytes]) -> bytes:
    """A line is repeated, removed, or moved."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    line = lines[random.randrange(len(lines))]
    if random.random() < 0.5:
        lines.remove(line)
    for _ in range(random.choice((0, 1, 1, 5))):
        lines.insert(random.randrange(len(lines) + 1), line)
    return b"".join(lines)


def _spliced(random: Random, content: bytes, others: Sequence[bytes], *_: Sequence[bytes]) -> bytes:
    """The beginning of this file and the end of another."""
    if not others:
        return content
    other = random.choice(others)
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]


CHANGES = (_byte, _bit, _removed, _repeated, _cut, _inserted, _inserted, _integer, _decimal, _decimal, _lines, _spliced)


def _span(random: Random, content: bytes) -> tuple[int, int]:
    begin = random.randrange(len(content) + 1)
    return begin, min(len(content), begin + random.choice((1, 2, 4, 8, 32, 200)))


def _unpacked(content: bytes) -> tuple[bytes, Callable[[bytes], bytes]] | None:
    """The content that is packed in a file, and the function that packs it again."""
    for magic, unpack, pack in UNPACKERS:
        if content.startswith(magic):
            try:
                return unpack(content), pack
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                return None
    return None


def _header(content: bytes) -> bytes | None:
    """The JSON header of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    return content[8 : 8 + length] if 2 <= length <= len(content) - 8 and content[8:9] == b"{" else None


def _changed_json(random: Random, text: bytes) -> bytes:
    """JSON with one of its values, at any depth, replaced or removed; a string may hold JSON itself."""
    try:
        root = json.loads(text)
    except (ValueError, RecursionError):
        return text
    place, value = None, root
    while isinstance(value, (dict, list)) and value and (place is None or random.random() < 0.8):
        key = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
        place, value = (value, key), value[key]
    if place is None:
        return text
    container, key = place
    if isinstance(value, str) and value[:1] in ("{", "[") and random.random() < 0.8:
        container[key] = _changed_json(random, value.encode(errors="replace")).decode()
    elif random.random() < 0.15:
        del container[key]
    elif isinstance(value, int) and random.random() < 0.6:
        container[key] = random.choice((value + 1, value - 1, value + 8, 0, random.choice(INTEGERS)))
    else:
        container[key] = random.choice(JSON_VALUES)
    return json.dumps(root).encode()

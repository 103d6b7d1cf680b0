"""Functions that the tests have engines call; workers of a cluster import this file by its name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexigrad.errors import CorpusError


@dataclass(frozen=True)
class Counted:
    """A value of a class that the tests define."""

    name: str
    counts: np.ndarray


def total(*parts: Any) -> Any:
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def ramp(length: int, start: float) -> np.ndarray:
    return np.arange(length, dtype=np.float64) + start


def halves(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return array[: len(array) // 2], array[len(array) // 2 :]


def counted(name: str, counts: np.ndarray) -> Counted:
    return Counted(name, counts * 2)


def pair(first: Any, second: Any) -> tuple[Any, Any]:
    return first, second


def refuse(path: str) -> None:
    raise CorpusError(f"there is no file '{path}'")


def divide(number: int) -> float:
    return number / 0


def write_to(array: np.ndarray) -> np.ndarray:
    array[0] = 1
    return array


def are_read_only(*values: Any) -> list[bool]:
    arrays = [value.counts if isinstance(value, Counted) else value for value in values]
    return [not array.flags.writeable for array in arrays]


def process_id() -> int:
    return os.getpid()


def kept_bytes(length: int) -> int:
    """The bytes that the process holds more after it made and dropped arrays of ``length`` bytes, one at a time."""
    before = _private_bytes()
    for _ in range(3):
        array = np.ones(length, dtype=np.uint8)
        del array
    return _private_bytes() - before


def _private_bytes() -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(status["RssAnon"].split()[0])


def wait_for(path: str, started: str = "") -> int:
    """Say in a file that it began, and wait for another file."""
    if started:
        with Path(started).open("a") as file:
            file.write(f"{os.getpid()}\n")
    while not os.path.exists(path):
        time.sleep(0.01)
    return os.getpid()


CALLS: list[int] = []


def impure() -> int:
    CALLS.append(0)
    return len(CALLS)


def append_to(values: list[int]) -> int:
    values.append(1)
    return len(values)


def a_set() -> set[int]:
    return {1}


def note(number: int) -> int:
    CALLS.append(number)
    return number


def length(array: np.ndarray) -> int:
    return len(array)


def die() -> None:
    os._exit(1)


def touch_when_gone(process: int, path: str) -> None:
    """Make a file as soon as a process has ended."""
    while os.path.exists(f"/proc/{process}"):
        time.sleep(0.01)
    Path(path).touch()

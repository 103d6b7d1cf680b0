"""The search: inputs that make a reader take a step that no input made it take before are kept and changed further."""

from __future__ import annotations

import sys
import traceback
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import lexigrad

from .mutations import mutated
from .readers import Reader, feed, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

__all__ = ["Fault", "Search", "fault_of", "smallest"]

PACKAGE = str(Path(lexigrad.__file__).parent)
UNWATCHED = ("config.py", "errors.py", "files.py")  # their steps say nothing about the file that is read
EAGER_INPUTS = 2_000
SELDOM = 4
"""Watching a reader takes twice as long as its work: where nothing was found for long, one input in four is watched."""
Step = tuple["CodeType", int, int]


@dataclass(frozen=True)
class Fault:
    """An input on which a reader raised another exception than a LexigradError."""

    kind: str
    """The exception and its place: faults of one kind are taken for the same."""
    content: bytes
    report: str


@dataclass
class Search:
    """A search for hostile inputs; the same seed takes the same course.

    Args:
        reader: the reader to feed.
        seed: the seed of the random choices.
    """

    reader: Reader
    seed: int = 0
    pool: list[bytes] = field(init=False)
    """The sound files and every input that led somewhere new."""
    steps: set[Step] = field(init=False, default_factory=set)
    """The steps from line to line that were taken."""
    faults: dict[str, Fault] = field(init=False, default_factory=dict)
    inputs: int = field(init=False, default=0)
    read: int = field(init=False, default=0)
    """The number of inputs that were read and not refused."""
    last_find: int = field(init=False, default=0)
    """The number of the input that last led somewhere new."""
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.pool = list(self.reader.seeds())
        self.random = Random(self.seed)

    def run(self, inputs: int, each: Callable[[int], None] = lambda _: None) -> None:
        """Try ``inputs`` more inputs; ``each`` is called before each of them with its number."""
        with scratch_folder() as folder:
            if not self.inputs:
                for content in list(self.pool):
                    self._try(content, Path(folder))
            for _ in range(inputs):
                each(self.inputs)
                content = mutated(self.random, self._parent(), self.pool, self.reader.tokens)
                self._try(content, Path(folder))

    def _parent(self) -> bytes:
        """An input of the pool, one of the last more often."""
        if self.random.random() < 0.3:
            return self.random.choice(self.pool[-20:])
        return self.random.choice(self.pool)

    def _try(self, content: bytes, folder: Path) -> None:
        known = len(self.steps)
        self.inputs += 1
        watched = self.inputs - self.last_find < EAGER_INPUTS or self.inputs % SELDOM == 0
        try:
            with _Steps(self.steps) if watched else nullcontext():
                self.read += feed(self.reader, folder, content) is None
        except Exception as error:
            fault = fault_of(error, content)
            self.faults.setdefault(fault.kind, fault)
        else:
            if len(self.steps) > known:
                self.last_find = self.inputs
                if content not in self.pool:
                    self.pool.append(content)


class _Steps:
    """While it is entered, steps from line to line in the package go into ``steps``."""

    def __init__(self, steps: set[Step]) -> None:
        self.steps = steps
        self.watched: dict[CodeType, bool] = {}

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE) or frame.f_code.co_filename.endswith(UNWATCHED):
            return None
        code, before, steps = frame.f_code, 0, self.steps

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            if event == "line":
                steps.add((code, before, frame.f_lineno))
                before = frame.f_lineno
            return line

        return line


def fault_of(error: BaseException, content: bytes) -> Fault:
    """The fault that an exception shows: its type and the last line of the package that it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(PACKAGE)]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside"
    what = str(error)[:60] if isinstance(error, AssertionError) and not frames else ""
    kind = f"{type(error).__name__} at {place} {what}".strip()
    return Fault(kind, content, "".join(traceback.format_exception(error)))


def smallest(reader: Reader, fault: Fault) -> Fault:
    """A fault of the same kind, from as few bytes as removing pieces leaves."""
    with scratch_folder() as folder:
        size = len(fault.content) // 2
        while size:
            begin = 0
            while begin < len(fault.content):
                content = fault.content[:begin] + fault.content[begin + size :]
                found = _fault(reader, Path(folder), content)
                if found is not None and found.kind == fault.kind:
                    fault = found
                else:
                    begin += size
            size //= 2
    return fault


def _fault(reader: Reader, folder: Path, content: bytes) -> Fault | None:
    try:
        feed(reader, folder, content)
    except Exception as error:
        return fault_of(error, content)
    return None

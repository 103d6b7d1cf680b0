"""Checkpoints: the state of a run, kept beside its output, so that a killed run goes on and ends in the same bytes.

A checkpoint is a native file. It holds the state from which the solver goes on; the options and digests of all inputs
of the run, so that a checkpoint of another run is refused; and a digest of itself, so that damage is noticed.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from dataclasses import dataclass
from hashlib import blake2b
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from lexigrad import __version__
from lexigrad.config.losses import SOLVERS
from lexigrad.engines.cores import available_cores
from lexigrad.errors import FormatError, InputError
from lexigrad.files.atomic import remove_stale
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from lexigrad.config import TrainConfig

__all__ = ["Checkpoints", "State", "array_digest"]

FORMAT: Final = "lexigrad-checkpoint"
BLOCK_BYTES: Final = 1 << 23
VALUES: Final = "values"
"""The tensor with the plain values as JSON; a header could not hold a long history."""


@dataclass(frozen=True)
class State:
    """The state of a solver between two steps.

    Attributes:
        where: how far the run is, for a reader: ``epoch 2 of 5``.
        values: plain values that JSON can hold.
        arrays: arrays by name; float32, float64, int32, int64 or uint8.
    """

    where: str
    values: dict[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Checkpoints:
    """The checkpoints of one training run; a context manager that removes them when its block ends well.

    The last two are kept beside the output: ``OUTPUT.checkpoint`` and, the one before it, ``OUTPUT.checkpoint-before``.
    Each is written whole or not at all. Training that goes on from one ends in the same model, to the byte, as training
    that was never interrupted. With ``deterministic=False`` and several threads no two trainings end in the same model;
    there too, training goes on from a checkpoint.

    Args:
        path: the output beside which the checkpoints lie; it need not exist, and is not written.
        every: minutes between two checkpoints, or ``epoch`` for one at the end of each epoch, which for the exact
            solver is each accepted step; None writes none, and a run can still go on from one that is there.
        resume: go on from the newest checkpoint that is whole, or begin where there is none.
        say: a function that gets a sentence on where training goes on. When not given, a damaged checkpoint is a
            warning, and nothing else is said.

    Raises:
        InputError: checkpoints of an earlier run are there, and ``resume`` is not asked for.

    Example:
        >>> import lexigrad
        >>> path = getfixture("tmp_path") / "model.safetensors"
        >>> sentences = ["the cat sat on the mat", "the dog sat on the rug"] * 50
        >>> config = lexigrad.TrainConfig(dim=8, min_count=1)
        >>> with Checkpoints(path, every="epoch", resume=True) as checkpoints:
        ...     model = lexigrad.train(sentences, config, checkpoints=checkpoints)
        ...     sorted(entry.name for entry in path.parent.iterdir())
        ...     model.save(path)
        ['model.safetensors.checkpoint', 'model.safetensors.checkpoint-before']
        >>> [entry.name for entry in path.parent.iterdir()]
        ['model.safetensors']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: float | Literal["epoch"] | None = "epoch",
        *,
        resume: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.every = _checked(every)
        self.resume = resume
        self._say = say
        path = Path(path)
        self.newest = path.with_name(f"{path.name}.checkpoint")
        self.before = path.with_name(f"{path.name}.checkpoint-before")
        self._metadata: dict[str, str] = {}
        self._written_at = time.monotonic()
        self._is_newest_whole = False
        self.state: State | None = None
        self.latest: Path | None = None
        """The newest whole checkpoint of this run, if it has one."""
        remove_stale(self.newest)
        if not resume and (there := self.kept):
            raise InputError(
                f"{there[0]} is of a run that did not end; go on with it (--resume), or remove it to begin anew"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.remove()

    @property
    def kept(self) -> list[Path]:
        """The checkpoints that exist, the newest first."""
        return [path for path in (self.newest, self.before) if path.exists()]

    def remove(self) -> None:
        """Remove the checkpoints, as the output is written."""
        for path in (self.before, self.newest):
            path.unlink(missing_ok=True)

    def begin(self, config: TrainConfig, digests: Mapping[str, str]) -> None:
        """Say which run this is, and find where it goes on: ``state``, which is None for its beginning.

        Args:
            config: the options of the run.
            digests: the digests of its inputs, each by the name that messages give the input.

        Raises:
            InputError: the newest checkpoint is of another run, or no checkpoint is whole.
        """
        options = json.dumps(_options(config), sort_keys=True)
        self._metadata = {"options": options, "digests": json.dumps(dict(digests), sort_keys=True)}
        self._written_at = time.monotonic()
        if self.resume and not SOLVERS[config.solver].minimizes:
            self._tell(f"{config.solver} is a single step, of which nothing is kept: it begins anew")
        elif self.resume:
            self.state = self._found()

    def is_due(self, *, epoch_ends: bool) -> bool:
        """Whether it is time for a checkpoint."""
        if self.every is None or self.every == "epoch":
            return self.every is not None and epoch_ends
        return time.monotonic() - self._written_at >= 60 * self.every

    def write(self, state: State) -> None:
        """Keep a state as the newest checkpoint, and the newest until now as the one before.

        Raises:
            LexigradError: the checkpoint cannot be written; the one before still exists.
        """
        values = json.dumps({"where": state.where, "values": state.values}).encode()
        tensors = {**state.arrays, VALUES: np.frombuffer(values, dtype=np.uint8)}
        metadata = {**self._metadata, "format": FORMAT, "version": "1", "lexigrad": __version__}
        metadata["digest"] = _digest(tensors, metadata)
        if self._is_newest_whole:
            self._is_newest_whole = False  # until the new one is written
            os.replace(self.newest, self.before)
            self.latest = self.before
        write_native(self.newest, tensors, metadata)
        self._is_newest_whole, self.latest = True, self.newest
        self._written_at = time.monotonic()

    def _found(self) -> State | None:
        """The newest state that is whole and of this run."""
        damage = []
        for path in self.kept:
            try:
                state, metadata = _read(path)
            except FormatError as error:
                damage.append(str(error))
                continue
            self._check(path, metadata)
            self._is_newest_whole, self.latest = path == self.newest, path
            if damage:
                self._tell(f"{damage[0]}; the one before is whole", is_warning=True)
            self._tell(f"going on from {path}, {state.where}")
            return state
        if damage:
            raise InputError(f"{damage[0]}, and there is no other; remove it to begin anew")
        self._tell(f"there is no checkpoint {self.newest}: training begins anew")
        return None

    def _check(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Refuse a checkpoint of another run."""
        written, version = json.loads(metadata["options"]), metadata["lexigrad"]
        ours = json.loads(self._metadata["options"])
        advice = "go on with what it was begun with, or remove the checkpoints to begin anew"
        if version != __version__:
            raise InputError(f"{path} was written by lexigrad {version}, and this is {__version__}; {advice}")
        for name in sorted(written.keys() | ours.keys()):
            if written.get(name) != ours.get(name):
                raise InputError(
                    f"{path} is of a run with {name} {written.get(name)}, and now it is {ours.get(name)}; {advice}"
                )
        theirs, digests = json.loads(metadata["digests"]), json.loads(self._metadata["digests"])
        for name in sorted(theirs.keys() | digests.keys()):
            if theirs.get(name) != digests.get(name):
                raise InputError(f"{path} is of a run with {_another(name, theirs, digests)}; {advice}")

    def _tell(self, sentence: str, *, is_warning: bool = False) -> None:
        if self._say is not None:
            self._say(sentence)
        elif is_warning:
            warnings.warn(sentence, stacklevel=2)


def array_digest(arrays: Iterable[NDArray[Any]]) -> str:
    """The digest of some arrays: of their types, shapes and numbers."""
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        rows = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), rows):
            digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()


def _digest(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> str:
    """The digest of a checkpoint's content."""
    names = sorted(tensors)
    text = json.dumps([names, sorted(metadata.items())])
    return array_digest([np.frombuffer(text.encode(), dtype=np.uint8), *(tensors[name] for name in names)])


def _read(path: Path) -> tuple[State, dict[str, str]]:
    """The state in a checkpoint, in memory, and the metadata.

    Raises:
        FormatError: the file is damaged, or no checkpoint.
    """
    tensors, metadata = read_native(path, FORMAT)
    expected = metadata.pop("digest", None)
    if _digest(tensors, metadata) != expected or not {"options", "digests", "lexigrad"} <= metadata.keys():
        raise FormatError(f"{path} is damaged: its content is not what was written")
    try:
        text = json.loads(tensors.pop(VALUES).tobytes())
        where, values = text["where"], dict(text["values"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FormatError(f"{path} holds no state of a training") from error
    return State(where, values, {name: np.array(tensor) for name, tensor in tensors.items()}), metadata


def _options(config: TrainConfig) -> dict[str, Any]:
    """The options that decide the result, as JSON has them: of ``threads`` only whether one thread races alone."""
    options = config.to_dict()
    threads = options.pop("threads")
    if config.has_effect("deterministic") and not config.deterministic:
        options["threads"] = "1" if (threads or available_cores()) == 1 else "several"
    return options


def _another(name: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """The words for an input whose digest differs."""
    if name not in ours:
        return f"a {name}, and now there is none"
    return f"another {name}" if name in theirs else f"no {name}, and now there is one"


def _checked(every: Any) -> float | Literal["epoch"] | None:
    """The time between checkpoints, if it is minutes, ``epoch`` or None."""
    if every is None or every == "epoch":
        return None if every is None else "epoch"
    if isinstance(every, bool) or not isinstance(every, Real) or not 0 < float(every) < float("inf"):
        raise InputError(f"checkpoints are written every so many minutes, above 0, or every 'epoch', not {every!r}")
    return float(every)

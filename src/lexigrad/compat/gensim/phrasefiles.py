"""The file of gensim-like phrases, a native one; docs/reference/formats.md specifies it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import FormatError
from lexigrad.files.strings import pack_words, unpack_words
from lexigrad.files.tensors import read_native, write_native

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["read_phrases", "write_phrases"]

FORMAT: Final = "lexigrad-gensim-phrases"
PICKLE: Final = b"\x80"
"""The first byte of a file that gensim saves."""


def write_phrases(
    path: str | os.PathLike[str], kind: str, settings: dict[str, Any], values: dict[str, Any], dtype: type
) -> None:
    """Write entries with their numbers, and settings, as a native file.

    Args:
        path: the file to write.
        kind: ``phrases`` or ``frozen``.
        settings: values that JSON can hold, by name.
        values: the number of each entry.
        dtype: the type of the numbers.
    """
    values = dict(sorted(values.items()))
    text, ends = pack_words(list(values))
    tensors: dict[str, NDArray[Any]] = {
        "entries": text,
        "entry_ends": ends,
        "values": np.array(list(values.values()), dtype=dtype),
        "settings": np.frombuffer(json.dumps(settings, sort_keys=True).encode(), dtype=np.uint8),
    }
    write_native(path, tensors, {"format": FORMAT, "version": "1", "kind": kind})


def read_phrases(
    path: str | os.PathLike[str], kind: str, dtype: type, scoring: Callable[..., float] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a file that ``write_phrases`` wrote.

    Returns:
        The settings, with a scoring that can be used, and the number of each entry.

    Raises:
        FormatError: the file is of another kind, or damaged, or was scored by a function and none is given.
    """
    _refuse_pickles(path)
    tensors, metadata = read_native(path, FORMAT)
    if metadata.get("kind") != kind:
        raise FormatError(f"{path} holds {str(metadata.get('kind'))[:60]!r}, where {kind!r} is needed")
    wanted = {"entries": np.uint8, "entry_ends": np.int64, "values": dtype, "settings": np.uint8}
    for name, needed in wanted.items():
        if name not in tensors or tensors[name].dtype != needed or tensors[name].ndim != 1:
            raise FormatError(f"{path} has no tensor {name!r} of one dimension and type {np.dtype(needed)}")
    if tensors["values"].size != tensors["entry_ends"].size or np.isnan(tensors["values"]).any():
        raise FormatError(f"{path} has not one number for each entry; it is damaged")
    try:
        settings = json.loads(tensors["settings"].tobytes())
        entries = unpack_words(tensors["entries"], tensors["entry_ends"])
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the settings in {path} are not JSON; it is damaged") from error
    if not isinstance(settings, dict):
        raise FormatError(f"the settings in {path} are no JSON object; it is damaged")
    if settings.get("scoring") == "custom":
        if scoring is None:
            raise FormatError(f"{path} was scored by a function, which no file keeps; load it with scoring=…")
        settings["scoring"] = scoring
    return settings, dict(zip(entries, tensors["values"].tolist(), strict=True))


def _refuse_pickles(path: str | os.PathLike[str]) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(1)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    if start == PICKLE:
        raise FormatError(
            f"{path} is a pickle, as gensim saves phrases, and loading one may run any code; in gensim, take its vocab "
            "and options, and set them here, or learn the phrases again"
        )

"""Files of what the explorer shows: one page that needs no server, and tables for other programs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import LexigradError, MissingExtraError
from lexigrad.files.atomic import atomic_folder, atomic_write
from lexigrad.view.explorer.modules import join_modules, modules_of
from lexigrad.view.explorer.server import page_file

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.view.explorer.data import Explorer

__all__ = ["export_atlas", "export_page", "export_tensorboard"]

STYLE: Final = '<link rel="stylesheet" href="explorer.css">'
SCRIPT: Final = '<script type="module" src="served.js"></script>'
ENTRY: Final = "exported.js"
CHARSET: Final = '<meta charset="utf-8">'
MAIN_END: Final = "</main>"
NEIGHBORS: Final = 15
ROWS_AT_ONCE: Final = 1 << 12


def export_page(explorer: Explorer, path: str | os.PathLike[str]) -> None:
    """Write the page with its data as one file that works from disk, without a network.

    The page holds the vectors in 8 bits a number, each row scaled by its largest number, and finds neighbors among
    those, so its cosines are good to about 0.01. Its policy lets it load nothing, run no other script, and send
    nothing.

    Args:
        explorer: the vectors to show, with the maps that are ready.
        path: the file to write.

    Raises:
        LexigradError: the file cannot be written.
    """
    summary = explorer.summary() | {"exported": True, "trainings": 0, "unlisted": ""}
    data = {
        "summary": summary,
        "words": explorer.words,
        "different": explorer.different or [],
        "vectors": [_text(_in_bytes(side)) for side in explorer.sides],
        "places": {name: [_text(places.astype("<f4")) for places in sides] for name, sides in explorer.maps.items()},
        "columns": [_text(column.values.astype("<f4")) for column in explorer.columns],
    }
    style = page_file("explorer.css").decode()
    script = join_modules(modules_of(ENTRY, lambda name: page_file(name).decode()))
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        CHARSET: f'{CHARSET}\n<meta http-equiv="Content-Security-Policy" content="{policy}">',
        STYLE: f"<style>{style}</style>",
        MAIN_END: f'{MAIN_END}\n<script type="application/json" id="data">{_inside_markup(data)}</script>',
        SCRIPT: f'<script type="module">{script}</script>',
    }
    page = page_file("index.html").decode()
    for mark, content in parts.items():
        before, found, after = page.partition(mark)
        if not found:
            raise LexigradError(f"the page's index.html lacks {mark}; install lexigrad anew")
        page = before + content + after
    with atomic_write(path) as file:
        file.write(page.encode("utf-8"))


def export_tensorboard(explorer: Explorer, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a folder that TensorBoard's projector reads: ``vectors.tsv``, ``metadata.tsv`` and its configuration.

    Tabs and line breaks in words, which the format cannot hold, are written as spaces.

    Args:
        explorer: the vectors to write, those of its first side.
        folder: the folder to write.
        overwrite: whether to replace a folder that holds files.

    Raises:
        LexigradError: the folder cannot be written, or holds files and must not be overwritten.
    """
    vectors = explorer.sides[0]
    # Named relative to the configuration, so that the folder can be moved.
    configuration = 'embeddings {\n  tensor_path: "vectors.tsv"\n  metadata_path: "metadata.tsv"\n}\n'
    with atomic_folder(folder, overwrite=overwrite) as hidden:
        with open(hidden / "vectors.tsv", "w", encoding="utf-8", newline="") as file:
            for row in vectors.matrix:
                file.write("\t".join(format(number, ".7g") for number in row.tolist()) + "\n")
        with open(hidden / "metadata.tsv", "w", encoding="utf-8", newline="", errors="replace") as file:
            file.writelines("\t".join(map(_one_line, row)) + "\n" for row in _metadata(explorer))
        (hidden / "projector_config.pbtxt").write_text(configuration, encoding="utf-8")


def export_atlas(explorer: Explorer, path: str | os.PathLike[str]) -> None:
    """Write a Parquet file as Embedding Atlas reads it: ``word``, ``x``, ``y``, ``neighbors`` and the colors.

    ``neighbors`` holds for each row the numbers of the nearest rows and their cosine distances, as
    ``{ids, distances}``. ``embedding-atlas FILE --text word --x x --y y --neighbors neighbors`` shows the file.

    Args:
        explorer: the vectors to write, those of its first side, with the places of its last map.
        path: the file to write.

    Raises:
        MissingExtraError: pyarrow is not installed: ``pip install 'lexigrad[arrow]'``.
        LexigradError: the file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("a Parquet file needs pyarrow: pip install 'lexigrad[arrow]'") from error
    places = list(explorer.maps.values())[-1][0]
    columns: dict[str, Any] = {
        "word": [word.encode("utf-8", "replace").decode() for word in explorer.words],
        "x": places[:, 0],
        "y": places[:, 1],
        "neighbors": pyarrow.array(
            _neighbors(explorer.sides[0]),
            pyarrow.struct([("ids", pyarrow.list_(pyarrow.int64())), ("distances", pyarrow.list_(pyarrow.float32()))]),
        ),
    }
    if explorer.sides[0].counts is not None:
        columns["count"] = explorer.sides[0].counts
    for column in explorer.columns[1:]:
        name = column.name if column.name not in columns else f"{column.name} (table)"
        columns[name] = column.values if column.labels is None else _labels(column.values, column.labels)
    with atomic_write(path) as file:
        parquet.write_table(pyarrow.table(columns), file, compression="zstd")


def _in_bytes(vectors: KeyedVectors) -> NDArray[np.int8]:
    """Return the rows in 8 bits a number, each scaled so that its largest number is 127."""
    largest = np.abs(vectors.matrix).max(axis=1, keepdims=True, initial=0.0)
    scaled = vectors.matrix / np.where(largest == 0, np.float32(1), largest)
    return np.asarray(np.rint(127 * scaled), dtype=np.int8)


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _digest(text: str) -> str:
    """Return the hash by which a policy names a script or a style that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _inside_markup(value: Any) -> str:
    """Return a value as JSON without any markup, so that no word in it can end the element that holds it."""
    return re.sub(r"[<>&]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, separators=(",", ":")))


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", " ", text)


def _metadata(explorer: Explorer) -> list[list[str]]:
    """Return the rows of a table of the words: the heading, then each word with its count and its colors."""
    titles = ["word"]
    columns: list[list[str]] = [explorer.words]
    if explorer.sides[0].counts is not None:
        titles.append("count")
        columns.append([str(count) for count in explorer.sides[0].counts.tolist()])
    for column in explorer.columns[1:]:
        titles.append(column.name)
        if column.labels is None:
            columns.append([format(value, ".7g") if value == value else "" for value in column.values.tolist()])
        else:
            columns.append([label or "" for label in _labels(column.values, column.labels)])
    return [titles, *map(list, zip(*columns, strict=True))]


def _labels(values: NDArray[np.float32], labels: list[str]) -> list[str | None]:
    """Return the category of each word, None where it has none."""
    return [labels[int(value)] if value == value else None for value in values.tolist()]


def _neighbors(vectors: KeyedVectors) -> list[dict[str, list[Any]]]:
    """Return for each word the nearest other words, with their cosine distances."""
    found = []
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(vectors)))
        ids, cosines = vectors.nearest(vectors.matrix[rows], NEIGHBORS, exclude=rows[:, np.newaxis])
        for row, values in zip(ids, cosines, strict=True):
            kept = row >= 0
            found.append({"ids": row[kept].tolist(), "distances": (1 - values[kept]).tolist()})
    return found

"""The command that shows words in a browser: `explore`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from lexigrad.cli.console import Display
from lexigrad.cli.options import FILE, OUTPUT_FILE, keep_inputs, quiet_option, writable

if TYPE_CHECKING:
    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.view.explorer.data import Explorer
    from lexigrad.view.explorer.places import Slow

__all__ = ["explore"]

WORDS_SHOWN: Final = 100_000


@click.command()
@click.argument("vectors", type=FILE)
@click.option("--compare", type=FILE, help="vectors to show beside the first, such as those of another training")
@click.option(
    "--also",
    type=FILE,
    multiple=True,
    help="vectors of a further training with another seed; neighbors then say in how many they are neighbors; can be "
    "given several times",
)
@click.option("--table", type=FILE, help="a .csv or .tsv file to color words by; its first column holds the words")
@click.option(
    "--map",
    "other_map",
    type=click.Choice(["auto", "pca", "tsne", "umap"]),
    default="auto",
    show_default=True,
    help="the map that follows that of the principal axes, computed meanwhile; auto takes UMAP or t-SNE, where one is "
    "installed, and pca none",
)
@click.option(
    "--restrict",
    type=click.IntRange(min=1),
    default=WORDS_SHOWN,
    show_default=True,
    help="show only so many words, the most frequent ones",
)
@click.option(
    "--port", type=click.IntRange(min=0, max=65535), default=0, help="where to listen; any free one when not given"
)
@click.option("--no-browser", is_flag=True, help="open no browser; the address is printed anyway")
@click.option(
    "--export", type=OUTPUT_FILE, callback=writable, help="write one .html file that needs no server, and end"
)
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path, file_okay=False),
    help="write a folder for TensorBoard's projector, and end",
)
@click.option("--atlas", type=OUTPUT_FILE, callback=writable, help="write a .parquet file for Embedding Atlas, and end")
@click.option("--force", is_flag=True, help="let --tensorboard replace files in a folder that is not empty")
@quiet_option
def explore(
    vectors: Path,
    compare: Path | None,
    also: tuple[Path, ...],
    table: Path | None,
    other_map: Literal["auto", "pca", "tsne", "umap"],
    restrict: int,
    port: int,
    no_browser: bool,
    export: Path | None,
    tensorboard: Path | None,
    atlas: Path | None,
    force: bool,
    quiet: bool,
) -> None:
    """Show words as a map in the browser: search, neighbors, arithmetic, two trainings side by side.

    Prints the page's address and serves it until Ctrl-C. The page loads nothing from elsewhere, and only browsers on
    this machine can see it. --export writes the same page as a file to mail or publish.
    """
    from lexigrad.view.explorer.server import ExplorerServer

    sources = [vectors, *([compare] if compare else []), *also]
    for output in (export, atlas):
        keep_inputs(map(str, sources), output)
    with Display(quiet=quiet) as display:
        explorer = _explorer(display, sources, bool(compare), table, other_map, restrict)
        if export or tensorboard or atlas:
            _write(display, explorer, export, tensorboard, atlas, force)
            return
        with ExplorerServer(explorer, port) as server:
            explorer.begin()
            click.echo(server.url)
            if not no_browser:
                webbrowser.open(server.url)
            server.serve_forever()


def _explorer(
    display: Display,
    sources: list[Path],
    is_compared: bool,
    table: Path | None,
    other_map: Literal["auto", "pca", "tsne", "umap"],
    restrict: int,
) -> Explorer:
    """The explorer that the page shows; says which words and rows are left out of it."""
    import lexigrad
    from lexigrad.view.explorer.colors import read_table
    from lexigrad.view.explorer.data import Explorer
    from lexigrad.view.explorer.places import available_slow, check_slow

    slow: Slow | None = available_slow() if other_map == "auto" else None if other_map == "pca" else other_map
    if slow:
        check_slow(slow)
    loaded = [lexigrad.load_vectors(path) for path in sources]
    first = _first_words(loaded[0], restrict)
    if len(first) < len(loaded[0]):
        display.say(f"shows the first {len(first):,} of {len(loaded[0]):,} words; --restrict shows more or fewer")
    columns, others = read_table(table, first.words) if table else ([], 0)
    if others:
        display.say(f"left out {others:,} rows of {table}, whose words are not shown")
    explorer = Explorer(
        first,
        sources[0].name,
        compare=loaded[1] if is_compared else None,
        compare_name=sources[1].name if is_compared else "",
        also=loaded[2 if is_compared else 1 :],
        columns=columns,
        slow=slow,
        whole=loaded,
    )
    if any(explorer.left_out):
        counts = ", ".join(f"{count:,}" for count in explorer.left_out)
        display.say(f"left out words that not all of the files have: {counts}")
    return explorer


def _first_words(vectors: KeyedVectors, restrict: int) -> KeyedVectors:
    """The most frequent words, and their vectors."""
    from lexigrad import KeyedVectors

    if len(vectors) <= restrict:
        return vectors
    counts = None if vectors.counts is None else vectors.counts[:restrict]
    return KeyedVectors(vectors.words[:restrict], vectors.matrix[:restrict], counts)


def _write(
    display: Display,
    explorer: Explorer,
    export: Path | None,
    tensorboard: Path | None,
    atlas: Path | None,
    force: bool,
) -> None:
    """Write the files that are asked for."""
    from lexigrad.files.atomic import check_folder
    from lexigrad.view.explorer.export import export_atlas, export_page, export_tensorboard

    if tensorboard:
        check_folder(tensorboard, overwrite=force)
    if export or atlas:
        if explorer.slow:
            display.say(f"computing the {explorer.slow} map; --map pca leaves it out")
        explorer.begin().join()
        if explorer.failure:
            display.say(f"left out what could not be computed: {explorer.failure}")
    if export:
        export_page(explorer, export)
    if atlas:
        export_atlas(explorer, atlas)
    if tensorboard:
        export_tensorboard(explorer, tensorboard, overwrite=force)

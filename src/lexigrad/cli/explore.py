"""The command that shows words in a browser: `explore`."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

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
def explore(quiet: bool, **given: Any) -> None:
    """Show words as a map in the browser: search, neighbors, arithmetic, two trainings side by side.

    Prints the page's address and serves it until Ctrl-C. The page loads nothing from elsewhere, and only browsers on
    this machine can see it. --export writes the same page as a file to mail or publish.
    """
    from lexigrad.view.explorer.server import ExplorerServer

    asked = Asked(**given)
    for output in (asked.export, asked.atlas):
        keep_inputs(map(str, asked.sources), output)
    with Display(quiet=quiet) as display:
        explorer = _explorer(asked, display)
        if asked.export or asked.tensorboard or asked.atlas:
            _write(asked, explorer, display)
            return
        with ExplorerServer(explorer, asked.port) as server:
            explorer.begin()
            click.echo(server.url)
            if not asked.no_browser:
                webbrowser.open(server.url)
            server.serve_forever()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of `explore`, each under its name on the command line."""

    vectors: Path
    compare: Path | None
    also: tuple[Path, ...]
    table: Path | None
    other_map: Literal["auto", "pca", "tsne", "umap"]
    restrict: int
    port: int
    no_browser: bool
    export: Path | None
    tensorboard: Path | None
    atlas: Path | None
    force: bool

    @property
    def sources(self) -> list[Path]:
        """The files of vectors: the first, the one to compare, and those of other seeds."""
        return [self.vectors, *([self.compare] if self.compare else []), *self.also]


def _explorer(asked: Asked, display: Display) -> Explorer:
    """The explorer that the page shows; says which words and rows are left out of it."""
    import lexigrad
    from lexigrad.view.explorer.colors import read_table
    from lexigrad.view.explorer.data import Explorer
    from lexigrad.view.explorer.places import available_slow, check_slow

    chosen, sources, table = asked.other_map, asked.sources, asked.table
    slow: Slow | None = available_slow() if chosen == "auto" else None if chosen == "pca" else chosen
    if slow:
        check_slow(slow)
    loaded = [lexigrad.load_vectors(path) for path in sources]
    first = _first_words(loaded[0], asked.restrict)
    if len(first) < len(loaded[0]):
        display.say(f"shows the first {len(first):,} of {len(loaded[0]):,} words; --restrict shows more or fewer")
    columns, others = read_table(table, first.words) if table else ([], 0)
    if others:
        display.say(f"left out {others:,} rows of {table}, whose words are not shown")
    explorer = Explorer(
        first,
        sources[0].name,
        compare=loaded[1] if asked.compare else None,
        compare_name=sources[1].name if asked.compare else "",
        also=loaded[2 if asked.compare else 1 :],
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


def _write(asked: Asked, explorer: Explorer, display: Display) -> None:
    """Write the files that are asked for."""
    from lexigrad.files.atomic import check_folder
    from lexigrad.view.explorer.export import export_atlas, export_page, export_tensorboard

    if asked.tensorboard:
        check_folder(asked.tensorboard, overwrite=asked.force)
    if asked.export or asked.atlas:
        if explorer.slow:
            display.say(f"computing the {explorer.slow} map; --map pca leaves it out")
        explorer.begin().join()
        if explorer.failure:
            display.say(f"left out what could not be computed: {explorer.failure}")
    if asked.export:
        export_page(explorer, asked.export)
    if asked.atlas:
        export_atlas(explorer, asked.atlas)
    if asked.tensorboard:
        export_tensorboard(explorer, asked.tensorboard, overwrite=asked.force)

"""The command that builds an index for approximate search: `index`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lexigrad.commands.options import FILE, OUTPUT_FILE, ef_option, json_option, keep_inputs, quiet_option, writable
from lexigrad.console import Display, print_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["index"]


@click.command()
@click.argument("vectors", type=FILE)
@click.option("-o", "--output", type=OUTPUT_FILE, callback=writable, required=True, help="the index to write")
@ef_option
@click.option("--threads", type=click.IntRange(min=1), help="worker threads; all cores when not given")
@quiet_option
@json_option
def index(vectors: Path, output: Path, ef: int, threads: int | None, quiet: bool, as_json: bool) -> None:
    """Build an index for approximate search, for `neighbors --index`.

    Prints the recall: how many of the true 10 nearest words a search with this --ef finds, on the average of 1,000
    words. --ef is no part of the index. With one thread the same vectors give the same bytes. Needs an extra: pip
    install 'lexigrad[index]'.
    """
    import lexigrad

    keep_inputs([str(vectors)], output)
    loaded = lexigrad.load_vectors(vectors)
    with Display(quiet=quiet) as display:
        built = loaded.index(ef=ef, threads=threads, progress=display.steps("vectors"))
    built.save(output)
    recall = built.recall(10) if len(loaded) > 1 else 1.0
    if as_json:
        print_json({"words": len(loaded), "bytes": output.stat().st_size, "ef": ef, "recall": recall})
    else:
        click.echo(f"recall at 10: {recall:.4f}")

"""The command that makes a folder for the Hugging Face Hub: `hub`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from lexigrad.cli.console import tell
from lexigrad.cli.evaluate import measured, measures
from lexigrad.cli.options import FILE
from lexigrad.errors import LexigradError

if TYPE_CHECKING:
    from pathlib import Path

    from lexigrad.training.model import Word2Vec
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["hub"]


@click.command()
@click.argument("model", type=FILE)
@click.argument("folder", type=FILE)
@click.option(
    "--name", metavar="NAME", help="of the model on the Hub, such as me/wiki-100; the folder's name when not given"
)
@click.option(
    "--license", metavar="NAME", help="the license that the card states, by the Hub's id, such as cc-by-sa-4.0"
)
@click.option(
    "--language",
    "languages",
    metavar="NAME",
    multiple=True,
    help="of the text, by its code, such as en; can be given several times",
)
@click.option(
    "--tokens",
    type=click.Choice(["whitespace", "words"]),
    help="how text is cut; when not given as it was for the training, or at white space if MODEL does not say",
)
@click.option("--force", is_flag=True, help="take a folder that is not empty; its other files stay")
@measures
def hub(
    model: Path,
    folder: Path,
    name: str | None,
    license: str | None,
    languages: tuple[str, ...],
    tokens: Literal["whitespace", "words"] | None,
    force: bool,
    **how: Any,
) -> None:
    """Write MODEL as a folder for the Hugging Face Hub; nothing is sent.

    MODEL is a model that train wrote, or vectors in any format. FOLDER gets the vectors, a tokenizer and a model card,
    README.md, with all that is known of the training, and with the scores by --analogies and --similarity. It loads in
    sentence-transformers, in model2vec, and wherever lexigrad takes a file of vectors.
    """
    import lexigrad
    from lexigrad.files.atomic import check_folder

    try:
        check_folder(folder, overwrite=force)
    except LexigradError as error:
        raise click.UsageError(f"{error}.") from error
    found = _model_or_vectors(model)
    vectors = found.vectors if isinstance(found, lexigrad.Word2Vec) else found
    results = measured(vectors, **how)
    lexigrad.save_hub(
        folder,
        found,
        name=name,
        license=license,
        languages=languages,
        results=results,
        tokens=tokens,
        overwrite=force,
    )
    missing = [f"no {what}" for what, given in (("license", license), ("language", languages)) if not given]
    note = f"; the card states {' and '.join(missing)}" if missing else ""
    tell(f"wrote {folder}: {len(vectors):,} words, {vectors.dim} numbers each{note}")


def _model_or_vectors(path: Path) -> Word2Vec | KeyedVectors:
    """The whole model, if the file holds one, and else its vectors."""
    import lexigrad
    from lexigrad.files.tensors import read_native
    from lexigrad.vectors.formats.sniffing import sniff

    if path.is_file() and sniff(path) == "native" and "config" in read_native(path)[1]:
        return lexigrad.Word2Vec.load(path)
    return lexigrad.load_vectors(path)

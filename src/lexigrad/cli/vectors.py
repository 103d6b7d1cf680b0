"""Commands on vectors: `neighbors`, `analogy`, `stability`, `plot`, `convert`, and `index` for approximate search."""

from __future__ import annotations

from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import click

from lexigrad.cli.console import Display, print_columns, print_json, tell
from lexigrad.cli.options import (
    FILE,
    OUTPUT_FILE,
    ef_option,
    either,
    json_option,
    keep_inputs,
    n_option,
    quiet_option,
    restrict_option,
    save_figure,
    writable,
)
from lexigrad.vectors.formats import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.figure import Figure

    from lexigrad.evaluation.stability import CountBand, VectorsSet
    from lexigrad.vectors.keyedvectors import KeyedVectors
    from lexigrad.vectors.precision import Dtype

__all__ = ["analogy", "convert", "index", "neighbors", "plot", "stability"]


TableOrBoth: TypeAlias = Literal["V", "U", "both"]
TABLES: Final[tuple[TableOrBoth, ...]] = get_args(TableOrBoth)
PICTURES: Final = (".svg", ".pdf", ".png")


@click.command()
@click.argument("vectors", type=FILE)
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--also", type=FILE, multiple=True, help="vectors of another training; can be given several times")
@click.option("--index", type=FILE, help="search approximately, with an index of VECTORS that `index` wrote")
@ef_option
@n_option
@restrict_option
@json_option
def neighbors(
    vectors: Path,
    words: tuple[str, ...],
    also: tuple[Path, ...],
    index: Path | None,
    ef: int,
    n: int,
    restrict: int | None,
    as_json: bool,
) -> None:
    """Print the words nearest to each WORD.

    A line holds a neighbor and the cosine of the two vectors, with a tab between them; with several WORDs, each line
    begins with its WORD.

    One training is a matter of chance. Of several, given with --also or as a quoted glob such as 'model.seed*', a line
    holds the mean cosine, and then in how many of them the neighbor is among the nearest.

    With --index the search is approximate. To load an index takes longer than to search for a few words exactly; load
    only what you built or trust.
    """
    import lexigrad

    loaded = [lexigrad.load_vectors(path) for path in _files([vectors, *also])]
    if index is not None and (len(loaded) > 1 or restrict is not None):
        raise click.UsageError("--index searches all words of one file of vectors; leave out --also and --restrict.")
    found: dict[str, Sequence[tuple[object, ...]]]
    if len(loaded) > 1:
        together = _together(loaded)
        found = {word: together.most_similar(word, n=n, restrict=restrict) for word in words}
    elif index is not None:
        indexed = loaded[0].index(index, ef=ef)
        found = {word: indexed.most_similar(word, n=n) for word in words}
    else:
        found = {word: loaded[0].most_similar(word, n=n, restrict=restrict) for word in words}
    if as_json:
        print_json(found)
        return
    for word, nearest in found.items():
        _print_nearest(nearest, [word] if len(found) > 1 else [], len(loaded))


@click.command()
@click.argument("vectors", type=FILE)
@click.argument("a")
@click.argument("b")
@click.argument("c")
@n_option
@restrict_option
@json_option
def analogy(vectors: Path, a: str, b: str, c: str, n: int, restrict: int | None, as_json: bool) -> None:
    """Print words for: A is to B as C is to ...?

    A line holds a word and the cosine of its vector with B - A + C, with a tab between them.
    """
    import lexigrad

    found = lexigrad.load_vectors(vectors).analogy(a, b, c, n=n, restrict=restrict)
    if as_json:
        print_json(found)
    else:
        _print_nearest(found)


@click.command()
@click.argument("vectors", type=FILE, nargs=-1, required=True)
@click.option("-n", type=click.IntRange(min=1), default=10, show_default=True, help="how many nearest words to look at")
@restrict_option
@json_option
def stability(vectors: tuple[Path, ...], n: int, restrict: int | None, as_json: bool) -> None:
    """Print how far several trainings agree on nearest words.

    VECTORS are two or more files, as `train --seeds` writes them. The overlap of a word is the share of its n nearest
    words that two of them have in common, on the average of all pairs. A line holds how often words occur, how many
    such words there are, and their mean overlap; --json has that of each word.
    """
    import lexigrad
    from lexigrad.evaluation.stability import stability as measure

    found = measure(_together([lexigrad.load_vectors(path) for path in _files(vectors)]), n, restrict=restrict)
    if as_json:
        print_json(found.to_dict())
        return
    bands = [] if found.counts is None else [band for band in found.by_count() if band.words]
    rows = [(_occurrences(band), f"{band.words:,}", f"{100 * band.overlap:.1f} %") for band in bands]
    print_columns(
        ("occurrences", "words", "overlap"), [*rows, ("any", f"{len(found.words):,}", f"{100 * found.mean:.1f} %")]
    )


@click.command()
@click.argument("vectors", type=FILE)
@click.argument("words", nargs=-1, metavar="WORD...")
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    callback=writable,
    required=True,
    help="the picture to write: .svg, .pdf or .png",
)
@click.option(
    "--history",
    is_flag=True,
    help="draw the losses after each epoch in place of words; VECTORS, and WORDs if any, are models that train wrote",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne", "umap"]),
    default="pca",
    show_default=True,
    help="pca shows the two principal axes of the words; tsne and umap keep neighbors together",
)
def plot(
    vectors: Path, words: tuple[str, ...], output: Path, history: bool, method: Literal["pca", "tsne", "umap"]
) -> None:
    """Draw words as points of the plane, or how losses fell.

    Words whose vectors are alike are near each other, as far as two dimensions can show it. Needs an extra: pip install
    'lexigrad[plots]'.
    """
    if output.suffix not in PICTURES:
        raise click.UsageError(f"'{output}' must end in {either(PICTURES)}.")
    if not history and not words:
        raise click.UsageError("Missing argument 'WORD...'.")
    import lexigrad
    from lexigrad.view.plots import plot_words

    if history:
        save_figure(_losses([vectors, *map(Path, words)]), output)
        return
    loaded = lexigrad.load_vectors(vectors)
    try:
        figure = plot_words(loaded, words, method)
    except lexigrad.InputError as error:
        raise lexigrad.InputError(f"{vectors}: {error}") from error
    save_figure(figure, output)


def _endings() -> str:
    """The endings that choose a format, with the format's name where that is another."""
    choices = [known for known in registry.written() if known.endings]
    named = [(" or ".join(known.endings), known.name) for known in choices]
    return ", ".join(ending if ending == f".{name}" else f"{ending} ({name})" for ending, name in named)


@click.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("target", type=OUTPUT_FILE, callback=writable, metavar="OUT")
@click.option(
    "--to",
    type=click.Choice([known.name for known in registry.written()]),
    help=f"the format of OUT; unless given, its ending says it: {_endings()}",
)
@click.option(
    "--dtype",
    type=click.Choice(registry.dtypes()),
    default="float32",
    show_default=True,
    help="numbers of fewer bits, for OUT to be smaller; says what that costs in quality",
)
@click.option(
    "--table",
    type=click.Choice(TABLES),
    default="V",
    show_default=True,
    help="of a model: the center vectors, the outside vectors, or both tables",
)
@json_option
@quiet_option
def convert(
    source: Path, target: Path, to: str | None, dtype: Dtype, table: TableOrBoth, as_json: bool, quiet: bool
) -> None:
    """Write vectors in another format.

    IN's format is found by its content; models of fastText and floret are read too, and those that gensim saved, of
    which nothing is run. OUT's follows from its ending, and --to overrules it.

    What OUT cannot hold, and what fewer bits cost, is said on standard error; --json prints it as JSON.
    """
    import lexigrad

    written = registry.named(to) if to else registry.by_ending(target.suffix)
    if written is None:
        raise click.UsageError(f"'{target}' must end in {either(registry.endings())}, or give --to.")
    vectors = lexigrad.load_vectors(source, table="U" if table == "U" else "V")
    outside = lexigrad.load_vectors(source, table="U") if table == "both" else None
    lexigrad.save_vectors(target, vectors, to, dtype=dtype, outside=outside)
    report = _conversion(vectors, 1 if outside is None else 2, target, written.name, dtype)
    if as_json:
        print_json(report)
    if not quiet:
        for line in _told(report):
            tell(line)


def _conversion(vectors: KeyedVectors, tables: int, target: Path, written: str, dtype: Dtype) -> dict[str, Any]:
    """The report on a conversion: the file that was written, and the loss of precision and of n-grams."""
    from lexigrad import SubwordVectors, reduction_loss

    taken = target.stat().st_size if target.is_file() else None
    report: dict[str, Any] = {"words": len(vectors), "dim": vectors.dim, "format": written, "bytes": taken}
    rows = tables * len(vectors)
    if isinstance(vectors, SubwordVectors):
        report["ngrams_kept"] = written == "native"
        rows += vectors.subwords.bucket if report["ngrams_kept"] else 0
    if dtype != "float32":
        loss = reduction_loss(vectors, dtype)
        saved = (1 - loss.table_ratio) * 4 * rows * vectors.dim
        report |= {"reduction": loss.to_dict(), "size_ratio": taken and taken / (taken + saved)}
    return report


def _told(report: dict[str, Any]) -> Iterator[str]:
    """Sentences for a person on what a conversion lost."""
    if not report.get("ngrams_kept", True):
        yield (
            f"the n-grams of IN are not in OUT, which has vectors for its {report['words']:,} words only; a native "
            "file (.safetensors) keeps them"
        )
    if "reduction" in report:
        from lexigrad import ReductionLoss

        smaller = f"; OUT takes {100 * report['size_ratio']:.0f} % of its size in float32" if report["bytes"] else ""
        yield ReductionLoss(**report["reduction"]).summary() + smaller


def _losses(paths: Iterable[Path]) -> Figure:
    """A picture of the losses of whole models on held-out text, by the loss that the first was trained to minimise."""
    import lexigrad
    from lexigrad.view.plots import plot_losses

    models = {path.stem: lexigrad.Word2Vec.load(path) for path in paths}
    measure = next(iter(models.values())).config.loss
    return plot_losses({name: model.history for name, model in models.items()}, measure)


def _files(paths: Iterable[Path]) -> list[Path]:
    """The paths, quoted globs being replaced by the files that they match."""
    files: list[Path] = []
    for path in paths:
        matches = [] if path.exists() else sorted(glob(str(path)))
        files += [Path(match) for match in matches] or [path]
    return files


def _together(loaded: list[KeyedVectors]) -> VectorsSet:
    """The vectors as a set; says how many words are left out because some of the files lack them."""
    from lexigrad.evaluation.stability import VectorsSet

    together = VectorsSet(loaded)
    if any(together.left_out):
        counts = ", ".join(f"{count:,}" for count in together.left_out)
        tell(f"left out words that not all of the files have: {counts}")
    return together


def _occurrences(band: CountBand) -> str:
    return f"{band.least:,} or more" if band.below is None else f"{band.least:,} to {band.below - 1:,}"


def _print_nearest(nearest: Iterable[tuple[Any, ...]], before: Sequence[str] = (), members: int = 1) -> None:
    for word, cosine, *agree in nearest:
        shared = [f"{count}/{members}" for count in agree]
        click.echo("\t".join([*before, word, f"{cosine:.4f}", *shared]))


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

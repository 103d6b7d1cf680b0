"""Commands that need no text of the user's: `gradcheck` proves the gradients, `demo` trains on Python's documentation.

The docstrings of the standard library and of the installed packages are taken from their source files by `ast`; nothing
is imported or executed for it. The order of the files is fixed, so the same Python gives the same text.
"""

from __future__ import annotations

import ast
import os
import sysconfig
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lexigrad.cli.console import Display, print_columns, print_json
from lexigrad.cli.options import OUTPUT_FILE, json_option, quiet_option, writable_with_ending
from lexigrad.config import TrainConfig
from lexigrad.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lexigrad.training.model import Word2Vec
    from lexigrad.training.progress import TrainProgress
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Documentation", "demo", "gradcheck", "read_documentation", "run_demo"]


SOURCE_LIMIT_BYTES: Final = 32_000_000
SKIPPED_FOLDERS: Final = frozenset(
    {"__pycache__", "test", "tests", "idle_test", "site-packages", "dist-packages", "node_modules"}
)
TOPICS: Final = os.path.join("pydoc_data", "topics.py")
PROMPTS: Final = (">>>", "...")
CONFIG: Final = TrainConfig(dim=64, epochs=20, min_count=20, lowercase=True, tokens="words")
SHOWN_WORDS: Final = (
    "string",
    "integer",
    "file",
    "socket",
    "thread",
    "exception",
    "dictionary",
    "method",
    "true",
    "import",
    "matrix",
)
SHOWN_AT_MOST: Final = 8


@click.command()
@json_option
def gradcheck(as_json: bool) -> None:
    """Prove each formula and each kernel.

    The gradients of the formulas are compared with finite differences of their losses, the kernels with the formulas. A
    line holds its name and the worst relative error of its gradients. The exit status is 1 if one of them is wrong.
    """
    from lexigrad.gradcheck.equations import check_all
    from lexigrad.gradcheck.kernels import check_kernels

    rows = [*check_all(), *check_kernels()]
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_columns(("checked", "worst error"), [(row.name, f"{row.worst_error:.1e}") for row in rows])


@click.command()
@click.option("--save", type=OUTPUT_FILE, callback=writable_with_ending, help="keep the vectors in this file")
@quiet_option
def demo(save: Path | None, quiet: bool) -> None:
    """Train on the documentation of this Python.

    The text is the docstrings of Python's standard library and of the installed packages, read without running them. It
    takes some seconds, and some more on the first run, when the kernels are compiled.
    """
    with Display(quiet=quiet) as display:
        run_demo(click.echo, save=save, progress=display.training)


@dataclass(frozen=True)
class Documentation:
    """The documentation found in source files, and the counts of files that were taken and left out.

    Attributes:
        paragraphs: the text, each paragraph one string.
        files: the number of source files read.
        bytes: the size of these files together.
        not_parsed: the number of files that could not be read or are not Python.
        left_out: the number of files beyond the limit on bytes.
    """

    paragraphs: list[str]
    files: int
    bytes: int
    not_parsed: int
    left_out: int

    def summary(self) -> str:
        """One sentence with all the counts."""
        return (
            f"read {self.files:,} source files ({self.bytes / 1e6:.1f} MB): {len(self.paragraphs):,} paragraphs; "
            f"{self.not_parsed:,} more files do not parse, {self.left_out:,} lie beyond the limit of the demo"
        )


def read_documentation(folders: list[Path] | None = None, *, limit_bytes: int = SOURCE_LIMIT_BYTES) -> Documentation:
    r"""Collect the docstrings of all Python source files below some folders, and the topics of `pydoc`.

    Args:
        folders: the folders to search; the standard library and the installed packages of the running Python if not
            given. Folders of tests are passed over.
        limit_bytes: files are taken until they hold so many bytes together.

    Returns:
        Each paragraph once, in the order of the files' names.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> _ = (folder / "nap.py").write_text('def nap():\n    "Sleep a little."\n')
        >>> read_documentation([folder]).paragraphs
        ['Sleep a little.']
    """
    paragraphs: dict[str, None] = {}  # a set that keeps its order: inherited docstrings repeat
    files = done_bytes = not_parsed = left_out = 0
    for path in _source_files(python_folders() if folders is None else folders):
        size_bytes = path.stat().st_size
        if done_bytes + size_bytes > limit_bytes:
            left_out += 1
            continue
        done_bytes += size_bytes
        try:
            texts = list(_documentation_of(path))
        except (OSError, SyntaxError, ValueError, RecursionError):
            not_parsed += 1
            continue
        files += 1
        paragraphs.update(dict.fromkeys(paragraph for text in texts for paragraph in _paragraphs(text)))
    return Documentation(list(paragraphs), files, done_bytes, not_parsed, left_out)


def run_demo(
    say: Callable[[str], None],
    *,
    save: Path | None = None,
    progress: Callable[[TrainProgress], None] | None = None,
) -> None:
    """Train on the documentation of the running Python, telling each step.

    Args:
        say: gets each line of the report.
        save: the file to keep the model in, if any.
        progress: gets the progress of the training.

    Raises:
        CorpusError: this Python carries no source files.
    """
    from lexigrad.corpus.reading import read_corpus
    from lexigrad.training.train import train

    say("Word vectors from the documentation of this Python and its packages.")
    documentation = read_documentation()
    say(documentation.summary())
    if not documentation.paragraphs:
        raise CorpusError(
            f"there are no docstrings below {', '.join(map(str, python_folders()))}; give a text to train"
        )
    last: TrainProgress | None = None

    def watch(now: TrainProgress) -> None:
        nonlocal last
        last = now
        if progress is not None:
            progress(now)

    with read_corpus(documentation.paragraphs, CONFIG) as corpus:
        say(corpus.report.summary())
        model = train(corpus, CONFIG, progress=watch)
    say(_trained(model, last))
    for line in neighbor_lines(model.vectors):
        say(line)
    if save is not None:
        model.save(save)
        say(f"wrote {save}")


def _trained(model: Word2Vec, last: TrainProgress | None) -> str:
    """One sentence on the model that was trained, and on the speed."""
    made = f"{model.config.epochs} epochs make {len(model.vocabulary):,} vectors of length {model.config.dim}"
    if last is None:
        return made
    return f"{made} in {last.seconds:.1f} s, {last.words_per_second / 1e6:.2f} M words/s"


def neighbor_lines(vectors: KeyedVectors) -> list[str]:
    """For some words that documentation uses, a line with the word and its nearest neighbors."""
    shown = [word for word in SHOWN_WORDS if word in vectors]
    shown = (shown or vectors.words)[:SHOWN_AT_MOST]
    width = max(map(len, shown))
    return [
        f"{word.rjust(width)}: {', '.join(neighbor for neighbor, _ in vectors.most_similar(word, n=6))}"
        for word in shown
    ]


def python_folders() -> list[Path]:
    """The folders of the running Python's standard library and installed packages."""
    paths = sysconfig.get_paths()
    return [Path(path) for path in dict.fromkeys(paths[name] for name in ("stdlib", "purelib", "platlib"))]


def _source_files(folders: list[Path]) -> Iterator[Path]:
    """All Python files below the folders, but those of tests, in the order of their names."""
    for folder in folders:
        for parent, below, names in os.walk(folder):
            below[:] = sorted(set(below) - SKIPPED_FOLDERS)
            yield from (Path(parent, name) for name in sorted(names) if name.endswith(".py"))


def _documentation_of(path: Path) -> Iterator[str]:
    """The docstrings of one source file, or the topics of `pydoc` if it is the file that holds them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of old escapes in other people's strings
        module = ast.parse(path.read_bytes())
    return _strings(module) if str(path).endswith(TOPICS) else _docstrings(module)


def _strings(module: ast.Module) -> Iterator[str]:
    """All strings in the source."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _docstrings(module: ast.Module) -> Iterator[str]:
    """The docstrings of the module and of its classes and functions, in their order."""
    todo: list[ast.AST] = [module]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""
            todo.extend(reversed(node.body))


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a docstring, without the lines that an interpreter's prompt begins."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        words = line.strip()
        if words and not words.startswith(PROMPTS):
            lines.append(words)
        elif lines and not words:
            yield " ".join(lines)
            lines = []

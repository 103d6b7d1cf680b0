"""Every error that lexigrad raises on purpose, and how a word or a name is shown to a person.

An error has one sentence: what is wrong, where, and what to do. The command line prints that sentence and exits with
status 1.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ConfigError",
    "CorpusError",
    "EngineError",
    "FormatError",
    "GradientError",
    "InputError",
    "LexigradError",
    "MissingExtraError",
    "TrainingInterrupted",
    "UnknownWordError",
    "near_spellings",
    "quoted",
    "unknown_word_message",
    "visible",
]

SPELLINGS_SEARCHED: Final = 100_000  # to compare spellings is slow; the frequent words are the likely ones
JOINERS: Final = "\u200c\u200d"  # letters are joined and parted by them in Persian and in the scripts of India
LONGEST_SPELLING: Final = 100  # a text without white space is one word, of any length


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped a solver that had a model to show for it.

    Attributes:
        model: the `lexigrad.Word2Vec` of the last accepted step.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model


class LexigradError(Exception):
    """The base of all errors below: catch it to catch every refusal of lexigrad's.

    Example:
        >>> import lexigrad
        >>> try:
        ...     lexigrad.load_vectors("missing.txt")
        ... except lexigrad.LexigradError as error:
        ...     print(type(error).__name__)
        FormatError
    """


class ConfigError(LexigradError, ValueError):
    """An option of the training has a value that it cannot have.

    Example:
        >>> import lexigrad
        >>> try:
        ...     lexigrad.TrainConfig(dim=0)
        ... except lexigrad.ConfigError as error:
        ...     print(error)
        dim must be at least 1, not 0
    """


class InputError(LexigradError, ValueError):
    """An argument has the wrong shape, an id out of range, or a number that is not finite.

    Example:
        >>> import lexigrad
        >>> try:
        ...     lexigrad.reference.softmax([1.0, float("nan")])
        ... except lexigrad.InputError as error:
        ...     print(error)
        x must be finite, but has shape (2,) and is nan at (1,)
    """


class CorpusError(LexigradError):
    """A text cannot be read: it is missing, empty, not in its encoding, or compressed in an unknown way.

    Example:
        >>> import lexigrad
        >>> try:
        ...     lexigrad.read_corpus("missing.txt")
        ... except lexigrad.CorpusError as error:
        ...     print(error)
        there is no file, folder or glob 'missing.txt'; check its spelling, or give text as lists of tokens
    """


class EngineError(LexigradError):
    """An engine cannot carry out a job: a worker makes other bytes, a cluster is out of reach, no answer comes in time.

    Example:
        >>> import lexigrad
        >>> try:
        ...     raise lexigrad.EngineError("no worker answered for 600 seconds; see whether the cluster is up")
        ... except lexigrad.LexigradError as error:
        ...     print(error)
        no worker answered for 600 seconds; see whether the cluster is up
    """


class FormatError(LexigradError):
    """A file is truncated, contradicts its name, its header or itself, or is in no known format.

    Example:
        >>> import lexigrad
        >>> from pathlib import Path
        >>> written = Path("notes.txt").write_text("call the plumber")
        >>> try:
        ...     lexigrad.load_vectors("notes.txt")
        ... except lexigrad.FormatError as error:
        ...     print(str(error).partition(",")[0])
        notes.txt is in no known format
    """


class GradientError(LexigradError, AssertionError):
    """A gradient and its finite differences disagree.

    Example:
        >>> import lexigrad
        >>> try:
        ...     lexigrad.gradcheck.check(lambda x: (x @ x, x), {"x": [3.0]}, name="square")
        ... except lexigrad.GradientError as error:
        ...     print(str(error).partition(";")[0])
        square: the gradient of x at (0,) is 3, but finite differences give 6
    """


class UnknownWordError(LexigradError, KeyError):
    """A word is not in the vocabulary; the message names near spellings.

    Example:
        >>> import lexigrad
        >>> vectors = lexigrad.KeyedVectors(["king", "queen"], [[1, 0], [0, 1]])
        >>> try:
        ...     vectors["kign"]
        ... except lexigrad.UnknownWordError as error:
        ...     print(error)
        'kign' is not in the vocabulary; did you mean 'king'?
    """

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class MissingExtraError(LexigradError, ImportError):
    """A feature needs a package that is installed by one of lexigrad's extras; the message names it.

    Example:
        >>> import importlib
        >>> try:
        ...     estimator = importlib.import_module("lexigrad.compat.sklearn")
        ... except MissingExtraError as error:
        ...     print(error)  # lexigrad.compat.sklearn needs scikit-learn: pip install 'lexigrad[sklearn]'
    """


def near_spellings(word: str, words: Iterable[str]) -> list[str]:
    """Up to three of the ``words`` (the first 100,000 are searched) that are spelt nearly like ``word``.

    Example:
        >>> near_spellings("Pariss", ["london", "paris", "parish", "Paris"])
        ['Paris', 'paris', 'parish']
    """
    if len(word) > LONGEST_SPELLING:
        return []
    import difflib  # only this error needs it, and its import would delay each start of the command line

    candidates = list(islice(words, SPELLINGS_SEARCHED))
    other_case = [candidate for candidate in candidates if candidate.casefold() == word.casefold()]
    alike = [*other_case, *difflib.get_close_matches(word, candidates, n=3)]
    return list(dict.fromkeys(alike))[:3]


def unknown_word_message(word: str, words: Iterable[str]) -> str:
    """The sentence that says that ``word`` is not among ``words``, with near spellings where there are any."""
    alike = near_spellings(word, words)
    hint = f"; did you mean {' or '.join(map(repr, alike))}?" if alike else ""
    return f"{quoted(word)} is not in the vocabulary{hint}"


def quoted(word: str) -> str:
    """The word in quotation marks, for a message; of a long word only the beginning."""
    return repr(word) if len(word) <= LONGEST_SPELLING else f"{word[:LONGEST_SPELLING]!r}… ({len(word):,} characters)"


def visible(text: str) -> str:
    r"""The text on one line, for a person to read: characters that cannot be seen stand there as Python writes them.

    A terminal would obey an escape character in the name of a file, and a line break would tear a table apart; an SVG
    with either is broken.

    Args:
        text: such as a word, or the name of a file.

    Example:
        >>> print(visible("a\x1b[31m red\n word"))
        a\x1b[31m red\n word
    """
    return "".join(one if one.isprintable() or one in JOINERS else repr(one)[1:-1] for one in text)

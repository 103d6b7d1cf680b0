"""Lines cut into tokens by a function of the user's, or by a tokenizer of Hugging Face's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from lexigrad.corpus.sources.arrow import ColumnChunk
from lexigrad.corpus.sources.files import Chunk, Source, decoded
from lexigrad.corpus.sources.sentences import SentenceSource
from lexigrad.errors import CorpusError

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig
    from lexigrad.corpus.sources.ids import ItemChunk

__all__ = ["TokenizedSource", "text_cutter"]

LINES: Final = 1_000
"""The lines that a tokenizer is given at once, if it takes several."""

Cutter = Callable[[list[str]], Iterable[Any]]
"""From lines to the tokens of each."""


@dataclass(slots=True)
class TokenizedSource(Source):
    """Iterates over the chunks of a source whose lines are cut into tokens as ``config.tokens`` does.

    Lists of tokens stay as they are. A function is called in the thread that iterates, so it need not be safe for use
    by several.

    Args:
        source: the source of the lines, which cuts its text at line ends only.
        config: its ``tokens``, ``lowercase`` and ``encoding_errors`` are used.
    """

    source: Source
    config: TrainConfig

    def __post_init__(self) -> None:
        self._count()

    def __iter__(self) -> Iterator[Chunk | ItemChunk]:
        cutter = _cutter(self.config.tokens)
        cut = SentenceSource((), replace(self.config, lowercase=False))
        replaced_bytes = 0
        for given in self.source:
            chunk = given.read() if isinstance(given, ColumnChunk) else given
            if isinstance(chunk, Chunk) and not chunk.separated:
                text, replaced = decoded(chunk, self.config.encoding_errors)
                replaced_bytes += replaced
                cut.sentences = _token_lists(text.lower() if self.config.lowercase else text, cutter)
                yield from cut
            else:
                yield chunk
            self._count(replaced_bytes + cut.replaced_bytes)

    def _count(self, replaced_bytes: int = 0) -> None:
        """Take over the counters of the source."""
        for counter in fields(Source):
            setattr(self, counter.name, getattr(self.source, counter.name))
        self.replaced_bytes += replaced_bytes


def text_cutter(tokenizer: Any) -> Callable[[str], list[str]]:
    """A function from a text to the tokens of all its lines, as ``tokenizer`` cuts them for training."""
    cutter = _cutter(tokenizer)
    return lambda text: [token for tokens in _token_lists(text, cutter) for token in tokens]


def _token_lists(text: str, cutter: Cutter) -> Iterator[list[Any]]:
    """The tokens of each line."""
    lines = (line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
    while batch := list(islice(lines, LINES)):
        for tokens in cutter(batch):
            if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Iterable):
                raise CorpusError(f"the tokenizer returned {type(tokens).__name__}; let it return a list of strings")
            yield list(tokens)


def _cutter(tokenizer: Any) -> Cutter:
    """The function by which a tokenizer (of tokenizers or transformers), an object that tokenizes, or a function cuts.

    The first two add no special tokens, as those have no neighbors of their own.
    """
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)  # of transformers' fast ones
    if hasattr(backend, "encode_batch"):
        encode = _of_whole_lines(backend).encode_batch
        return lambda lines: (encoding.tokens for encoding in encode(lines, add_special_tokens=False))
    function = getattr(tokenizer, "tokenize", tokenizer)
    return lambda lines: map(function, lines)


def _of_whole_lines(tokenizer: Any) -> Any:
    """A tokenizer that neither cuts lines short nor fills them up, even if it was told to for its model."""
    if tokenizer.truncation is None and tokenizer.padding is None:
        return tokenizer
    copy = type(tokenizer).from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy

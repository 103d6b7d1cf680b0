"""Sentences from Python as chunks of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lexigrad.corpus.sources.files import CHUNK_BYTES, REPLACEMENT, Chunk, Source
from lexigrad.errors import CorpusError
from lexigrad.kernels.text.ends import LINE_END_BYTE, WORD_END_BYTE

if TYPE_CHECKING:
    from lexigrad.config import TrainConfig

__all__ = ["SentenceSource"]

SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class SentenceSource(Source):
    """Iterates over the chunks of an iterable of sentences: strings, whose lines are sentences, or lists of tokens.

    Args:
        sentences: an iterable that is read once, so it may be a generator; a string's last line ends with the string.
        config: its ``lowercase`` (for lists) and ``encoding_errors`` (for lone surrogates) are used.

    Raises:
        CorpusError: A sentence is neither a string nor a list of strings, or a token is empty.
    """

    sentences: Iterable[Any]
    config: TrainConfig
    sentences_read: int = field(init=False, default=0)

    def __iter__(self) -> Iterator[Chunk]:
        gathered: list[bytes] = []
        gathered_bytes, gathered_separated = 0, False
        for sentence in self.sentences:
            self.sentences_read += 1
            text, separated = self._encoded(sentence, f"sentence {self.sentences_read:,}")
            if gathered and (separated != gathered_separated or gathered_bytes >= CHUNK_BYTES):
                yield self._chunk(gathered, separated=gathered_separated)
                gathered, gathered_bytes = [], 0
            gathered.append(text)
            gathered_bytes += len(text)
            gathered_separated = separated
        if gathered:
            yield self._chunk(gathered, separated=gathered_separated)

    def _chunk(self, texts: list[bytes], *, separated: bool) -> Chunk:
        text = b"".join(texts)
        self.text_bytes += len(text)
        self.done_bytes = self.text_bytes
        return Chunk(text, "the given text", separated=separated)

    def _encoded(self, sentence: Any, where: str) -> tuple[bytes, bool]:
        """A sentence as bytes, and whether its tokens are separated already."""
        if isinstance(sentence, str):
            return self._utf8(sentence if sentence.endswith("\n") else sentence + "\n", where), False
        if isinstance(sentence, (bytes, bytearray)) or not isinstance(sentence, Iterable):
            raise CorpusError(f"{where} is of type {type(sentence).__name__}; give a string or a list of tokens or ids")
        tokens = list(sentence)
        if self.config.lowercase:
            tokens = [token.lower() if isinstance(token, str) else token for token in tokens]
        return self._joined(tokens, where), True

    def _joined(self, tokens: list[Any], where: str) -> bytes:
        """The tokens of one sentence, each with its end behind it."""
        for token in tokens:
            if not isinstance(token, str):
                raise CorpusError(f"{where} holds a token of type {type(token).__name__}; give tokens as strings")
            if not token:
                raise CorpusError(f"{where} holds an empty token; leave empty tokens out")
        return b"".join([self._utf8(token, where) + WORD_END_BYTE for token in tokens]) + LINE_END_BYTE

    def _utf8(self, text: str, where: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            if self.config.encoding_errors == "strict":
                raise CorpusError(
                    f"{where} holds {text[error.start]!r}, half of a character, at position {error.start:,}; "
                    "mend it, or go on with encoding_errors='replace'"
                ) from error
        mended, replaced = SURROGATE.subn(REPLACEMENT, text)
        self.replaced_bytes += replaced
        return mended.encode()

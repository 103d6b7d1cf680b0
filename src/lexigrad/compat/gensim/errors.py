"""Errors that are of lexigrad's and of gensim's kinds at once, so that scripts written for gensim catch them too."""

from __future__ import annotations

from lexigrad.errors import FormatError, LexigradError

__all__ = ["DamagedFileError", "NotKeptError", "ShortFileError", "StateError", "WrongKindError"]


class NotKeptError(LexigradError, NotImplementedError):
    """A feature of gensim's that lexigrad does not have; the message says what to write instead.

    The error is a RuntimeError too, which gensim raises where an option of a model rules a method out.
    """


class StateError(LexigradError, RuntimeError):
    """A method was called before another one that it needs, such as ``train`` before ``build_vocab``."""


class WrongKindError(FormatError, AttributeError):
    """A file holds another kind of object than the one that is loaded; gensim raises AttributeError."""


class DamagedFileError(FormatError, ValueError):
    """A file of vectors is damaged, or in another format; gensim raises ValueError."""


class ShortFileError(FormatError, EOFError):
    """A file of vectors ends before it should; gensim raises EOFError."""

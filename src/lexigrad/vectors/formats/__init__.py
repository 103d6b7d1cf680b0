"""Files of vectors: lexigrad's own, those of word2vec, GloVe, fastText, gensim, NumPy and Arrow, and Hub folders.

Each is specified byte by byte in ``docs/reference/formats.md``, and has one record in ``registry``. Importing this
package loads none of their readers: each name is imported when it is first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigrad.vectors.formats.gensim.saved import GensimFile, read_gensim
    from lexigrad.vectors.formats.loading import load_vectors
    from lexigrad.vectors.formats.saving import save_vectors
    from lexigrad.vectors.formats.sniffing import sniff

__all__ = ["GensimFile", "load_vectors", "read_gensim", "save_vectors", "sniff"]

_HOMES = {
    "GensimFile": "lexigrad.vectors.formats.gensim.saved",
    "load_vectors": "lexigrad.vectors.formats.loading",
    "read_gensim": "lexigrad.vectors.formats.gensim.saved",
    "save_vectors": "lexigrad.vectors.formats.saving",
    "sniff": "lexigrad.vectors.formats.sniffing",
}


def __getattr__(name: str) -> Any:
    """Import a name on first touch (PEP 562)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value

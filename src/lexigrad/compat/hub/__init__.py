"""Folders for the Hugging Face Hub, which other libraries load: vectors, a tokenizer and a model card.

One layout serves both sentence-transformers and model2vec, and lexigrad reads it back.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from lexigrad.compat.hub.card import Card, model_card
from lexigrad.compat.hub.tokenizer import SEPARATORS, is_lowercase, tokenizer_json
from lexigrad.errors import InputError
from lexigrad.files.atomic import atomic_folder, atomic_write
from lexigrad.training.model import Word2Vec
from lexigrad.vectors.formats.safetensors import write_hub_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lexigrad.evaluation.scores import AnalogyResult, SimilarityResult
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["save_hub"]

CONFIG: Final = {"normalize": False, "max_length": None, "embedding_dtype": "float32"}
"""The settings for model2vec: vectors keep their lengths, and no sentence is cut short."""

MODULES: Final = [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}]
"""The modules for sentence-transformers: a single one, in the folder itself."""

SIMILARITY: Final = {"similarity_fn_name": "cosine"}
"""The default of sentence-transformers, whose versions 4 and 5 ask the Hub for this file where a folder lacks it."""

KEYS: Final = ("config.json", "modules.json")
"""The files without which the libraries refuse the folder."""


def save_hub(
    folder: str | os.PathLike[str],
    model: Word2Vec | KeyedVectors,
    *,
    name: str | None = None,
    license: str | None = None,
    languages: Iterable[str] = (),
    results: Iterable[AnalogyResult | SimilarityResult] = (),
    tokens: Literal["whitespace", "words"] | None = None,
    overwrite: bool = False,
) -> None:
    """Write vectors as a folder that sentence-transformers, model2vec and ``load_vectors`` load; nothing is sent.

    Both libraries give a sentence the mean of its words' vectors, x = 1/|S| · Σ_{w ∈ S} v_w, S being its tokens that
    have a vector, each as often as it comes; a sentence without such tokens has the zero vector. This is the mean of
    `SentenceVectorizer` up to the rounding of 32-bit numbers. Text is turned to lower case if all words are in lower
    case.

    Args:
        folder: the folder to write, new or empty unless ``overwrite``. It gets ``model.safetensors``,
            ``tokenizer.json``, three small files for the libraries, and the model card, ``README.md``, with all that is
            known of the training.
        model: the model, of which V is written, or vectors, of whose training the card then says nothing.
        name: the model's name on the Hub, such as ``me/wiki-100``; the folder's name when None.
        license: the license's name on the Hub, such as ``cc-by-sa-4.0``; the card states none when None.
        languages: the languages of the text, as codes such as ``en``.
        results: the results of `evaluate_analogies` and `evaluate_similarity` on these vectors; the card shows them
            with coverage and intervals.
        tokens: how text is cut, as in `TrainConfig`; when None as the model's config says, at white space for vectors.
        overwrite: take a folder that is not empty; files of these six names are replaced, others stay.

    Raises:
        InputError: there is no word, a word is empty, a number is not finite, or the model's own tokenizer was a
            function, which no file can hold, and ``tokens`` is not given.
        FormatError: a word cannot be written in UTF-8.
        LexigradError: the folder is not empty, or cannot be written.

    Example:
        >>> from lexigrad import KeyedVectors, load_vectors
        >>> folder = getfixture("tmp_path") / "royals"
        >>> save_hub(folder, KeyedVectors(["king", "queen"], [[1, 0], [0, 2]]), license="cc0-1.0", languages=["en"])
        >>> [path.name for path in sorted(folder.glob("[Rmt]*"))]
        ['README.md', 'model.safetensors', 'modules.json', 'tokenizer.json']
        >>> load_vectors(folder)["queen"].tolist()
        [0.0, 2.0]

    Source: the layouts that sentence-transformers 4 to 6 and model2vec 0.5 to 0.10 load.
    """
    trained = model if isinstance(model, Word2Vec) else None
    vectors = model.vectors if isinstance(model, Word2Vec) else model
    _ = vectors.lengths  # raises here, before a file is begun, when a number is not finite
    if not len(vectors):
        raise InputError("there is no word to write; give vectors of at least one")
    if "" in vectors:
        raise InputError(f"the word of row {vectors.id_of(''):,} is empty, and no text holds it; leave it out")
    cut = _cut(trained, tokens)
    lowercase = is_lowercase(vectors.words)
    card = Card(
        name=name or Path(os.path.abspath(folder)).name,
        vectors=vectors,
        model=trained,
        tokens=cut,
        lowercase=lowercase,
        license=license,
        languages=tuple(languages),
        results=tuple(results),
    )
    files = {
        "README.md": model_card(card),
        "tokenizer.json": tokenizer_json(vectors.words, cut, lowercase=lowercase),
        "config.json": _json(CONFIG),
        "config_sentence_transformers.json": _json(SIMILARITY),
        "modules.json": _json(MODULES),
    }
    with atomic_folder(folder, overwrite=overwrite, keys=KEYS) as hidden:
        write_hub_vectors(hidden / "model.safetensors", vectors)
        for file_name, text in files.items():
            with atomic_write(hidden / file_name) as file:
                file.write(text.encode())


def _cut(model: Word2Vec | None, tokens: str | None) -> str:
    """How text is cut into tokens."""
    found = tokens or ("whitespace" if model is None else model.config.tokens)
    if not isinstance(found, str):
        raise InputError(
            "the model's tokenizer is a function, which no tokenizer.json can hold; give tokens as 'whitespace' or "
            "'words'"
        )
    if found not in SEPARATORS:
        raise InputError(f"tokens must be one of {', '.join(SEPARATORS)}, not {found!r}")
    return found


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"

"""The model card of a Hub folder: it describes the vectors, their loading, their training and their scores.

The card states nothing that is not known: facts that were not recorded, measured or given are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from lexigrad import __version__
from lexigrad.hub.evaluated import evaluation, model_index
from lexigrad.hub.markup import in_code, in_prose, yaml_string
from lexigrad.hub.trained import kind_of_training, training
from lexigrad.report import counted

if TYPE_CHECKING:
    from lexigrad.keyedvectors import KeyedVectors
    from lexigrad.model import Word2Vec
    from lexigrad.scores import AnalogyResult, SimilarityResult

__all__ = ["Card", "model_card"]

TAGS: Final = ("word2vec", "static-embeddings", "sentence-transformers", "model2vec", "lexigrad")
CUTS: Final = {
    "whitespace": "cut at white space",
    "words": "cut into runs of letters, digits and underscores",
}
ON_THE_HUB: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""An owner and a name, as repositories of the Hub have them."""

RANKS: Final = slice(100, 1000)
"""The ranks of words that have some meaning and that every reader knows."""

LONG_ENOUGH: Final = 5

USE: Final = """\
## Use

With lexigrad:

```python
import lexigrad

vectors = lexigrad.load_vectors({folder}){where}
vectors.most_similar({word}, n=5)
```

With sentence-transformers:

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({name})
embeddings = model.encode({sentences})
```

With model2vec:

```python
from model2vec import StaticModel

model = StaticModel.from_pretrained({name})
embeddings = model.encode({sentences})
```
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The facts that a card states.

    Attributes:
        name: the model's name, on the Hub or elsewhere.
        vectors: the vectors of the folder.
        model: the model that the vectors are from, if it is known.
        tokens: how text is cut, ``whitespace`` or ``words``.
        lowercase: whether text is turned to lower case.
        license: the license's name on the Hub, if it is known.
        languages: the codes of the text's languages.
        results: the evaluations of the vectors.
    """

    name: str
    vectors: KeyedVectors
    model: Word2Vec | None
    tokens: str
    lowercase: bool
    license: str | None
    languages: tuple[str, ...]
    results: tuple[AnalogyResult | SimilarityResult, ...]


def model_card(card: Card) -> str:
    """The text of ``README.md``: metadata in YAML for the Hub, then Markdown."""
    parts = [_metadata(card), f"# {in_prose(card.name)}\n", _description(card), _use(card)]
    if card.model is not None:
        parts.append(training(card.model))
    if card.results:
        parts.append(evaluation(card.results, len(card.vectors)))
    return "\n".join(parts)


def _metadata(card: Card) -> str:
    lines = ["---"]
    if card.languages:
        lines += ["language:", *(f"- {yaml_string(language)}" for language in card.languages)]
    if card.license is not None:
        lines.append(f"license: {yaml_string(card.license)}")
    lines += ["library_name: sentence-transformers", "pipeline_tag: feature-extraction"]
    lines += ["tags:", *(f"- {tag}" for tag in TAGS)]
    lines += model_index(card.name, card.results)
    return "\n".join([*lines, "---\n"])


def _description(card: Card) -> str:
    vectors = card.vectors
    made = f", {kind_of_training(card.model.config)}" if card.model is not None else ""
    lines = [f"Vectors of {counted(len(vectors), 'word')}, {counted(vectors.dim, 'number')} each{made}."]
    if vectors.counts is not None:
        lines.append(f"These words come {int(vectors.counts.sum()):,} times in the text.")
    lines.append(f"Written by lexigrad {__version__}.")
    if card.lowercase:
        cut = f"Text is turned to lower case and {CUTS[card.tokens]}."
    else:
        cut = f"Text is {CUTS[card.tokens]}; upper and lower case are told apart."
    mean = (
        "The embedding of a text is the mean of its words' vectors, each as often as the word comes; words that have "
        "no vector are left out, and a text without any other has a vector of zeros."
    )
    return f"{' '.join(lines)}\n\n{cut} {mean}\n"


def _use(card: Card) -> str:
    where, folder = "  # this folder", card.name
    if ON_THE_HUB.fullmatch(card.name):
        folder = card.name.partition("/")[2]
        where = f"  # the folder that `hf download {card.name} --local-dir {folder}` makes"
    words = _examples(card.vectors)
    half = (len(words) + 1) // 2
    sentences = ", ".join(in_code(" ".join(part)) for part in (words[:half], words[half:]) if part)
    return USE.format(
        folder=in_code(folder), where=where, name=in_code(card.name), word=in_code(words[0]), sentences=f"[{sentences}]"
    )


def _examples(vectors: KeyedVectors) -> list[str]:
    """Four words for examples: frequent, but not the most frequent, and not short, as far as there are such."""
    readable = (word for word in vectors.words[RANKS] if word.isalpha() and len(word) >= LONG_ENOUGH)
    return list(islice(dict.fromkeys(chain(readable, vectors.words)), 4))

"""The model card of a Hub folder: it describes the vectors, their loading, their training and their scores.

The card states nothing that is not known: facts that were not recorded, measured or given are left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import chain, islice
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from lexigrad import __version__
from lexigrad.compat.hub.markup import in_code, in_prose, table, yaml_string
from lexigrad.config.losses import LOSSES, SOLVERS
from lexigrad.corpus.report import counted
from lexigrad.evaluation.intervals import SAMPLES
from lexigrad.evaluation.scores import METHODS, AnalogyResult, SimilarityResult, percents, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lexigrad.evaluation.scores import AnalogyScore, Interval
    from lexigrad.training.model import Word2Vec
    from lexigrad.vectors.keyedvectors import KeyedVectors

    Results = Sequence[AnalogyResult | SimilarityResult]
    from collections.abc import Mapping, Sequence

    from lexigrad.config import TrainConfig

__all__ = ["Card", "evaluation", "kind_of_training", "model_card", "model_index", "training"]


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

HEADING: Final = ("set", "measure", "score", "95 % interval", "answered", "asked", "unknown")
NOTE: Final = f"""\
`asked` are the questions or pairs of a set, `answered` those whose words all have vectors. Correlations are those of
the vectors' cosines with people's ratings. The intervals of correlations are by the bootstrap, {SAMPLES:,}
samples of the pairs; those of accuracies know which word pairs questions have in common. All say what other items of
the same kind would have given, and not what another training would have given.
"""

MOST_ROWS: Final = 20
NOTHING: Final = "–"
MODELS: Final = {"skipgram": "skip-gram", "cbow": "CBOW"}
FIRST: Final = ("epoch", "stage", "passes", "words", "learning_rate", "loss")
"""The columns that come first, in this order."""


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


def evaluation(results: Results, words: int) -> str:
    """The section with all scores of vectors of ``words`` words."""
    rows = [(in_prose(name), *map(_defined, cells)) for found in results for name, *cells in found.rows()]
    limits = dict.fromkeys(sentence for found in results for sentence in _limits(found, words))
    return "\n".join(["## Evaluation\n", table(HEADING, rows) + "\n", NOTE, *(f"{limit}\n" for limit in limits)])


def model_index(name: str, results: Results) -> list[str]:
    """The lines of metadata in which the Hub looks for scores; scores that are not defined are left out."""
    lines = [line for found in results for line in _result(found)]
    return ["model-index:", f"- name: {yaml_string(name)}", "  results:", *lines] if lines else []


def _defined(cell: str) -> str:
    """The cell, or a dash where its score is not a number; the cell must hold no name, in which "nan" could stand."""
    return "–" if "nan" in cell else cell


def _limits(found: AnalogyResult | SimilarityResult, words: int) -> Iterator[str]:
    """Sentences on the words that could be asked and could answer, and on unknown words."""
    if found.restrict is not None and found.restrict < words:
        yield f"Only the {found.restrict:,} most frequent words were asked and could answer."
    if found.count_unknown and isinstance(found, AnalogyResult):
        yield "Questions with unknown words count as answered wrongly."
    if found.count_unknown and isinstance(found, SimilarityResult):
        yield "Pairs with unknown words count, with a cosine of 0."


def _result(found: AnalogyResult | SimilarityResult) -> Iterator[str]:
    """The lines of one entry of the index."""
    covered: AnalogyScore | SimilarityResult
    if isinstance(found, AnalogyResult):
        task, covered, label = "Word analogies", found.total, f"Accuracy by {METHODS[found.method]}"
        measured = [("accuracy", found.total.accuracy, found.total.interval)]
    else:
        task, covered, label = "Word similarity", found, "correlation"
        measured = [
            ("spearman", found.spearman, found.spearman_interval),
            ("pearson", found.pearson, found.pearson_interval),
        ]
    defined = [(kind, value, bounds) for kind, value, bounds in measured if not isnan(value)]
    if not defined:
        return
    yield f"  - task:\n      type: {task.lower().replace(' ', '-')}\n      name: {task}"
    yield f"    dataset:\n      type: {yaml_string(found.name)}\n      name: {yaml_string(found.name)}"
    yield "    metrics:"
    for kind, value, bounds in defined:
        told = label if kind == "accuracy" else f"{kind.capitalize()}'s {label}"
        told = f"{told}, 95 % interval {_bounds(kind, bounds)}; {covered.answered:,} of {covered.asked:,} answered"
        yield f"    - type: {kind}\n      value: {value:.6f}\n      name: {yaml_string(told)}"


def _bounds(kind: str, bounds: Interval) -> str:
    return f"{percents(bounds)} %" if kind == "accuracy" else span(bounds)


def kind_of_training(config: TrainConfig) -> str:
    """Half a sentence on how vectors were made."""
    solver = SOLVERS[config.solver]
    if not solver.minimizes:
        return solver.summary
    return f"trained as word2vec's {MODELS[config.model]} with {LOSSES[config.loss].phrase}, {solver.summary}"


def training(model: Word2Vec) -> str:
    """The section on the training of a model."""
    options = {**model.config.to_dict(), "learning_rate": model.config.starting_learning_rate}
    parts = [
        "## Training\n",
        f"The options, by their names in `lexigrad train`; {NOTHING} is for those not given:\n",
        table(("option", "value"), [(f"`{name}`", _value(value)) for name, value in options.items()]) + "\n",
    ]
    if history := [record for record in model.history if isinstance(record, dict)]:
        parts.append(_history(history, LOSSES[model.config.loss].measures))
    return "\n".join(parts)


def _history(history: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> str:
    """The records of each epoch of SGD or each step of the exact solver, with these measures on held-out text."""
    shown = _shown(history)
    rows = [_flat(record, measures) for record in shown]
    found = dict.fromkeys(name for row in rows for name in row)
    names = [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]
    cells = [[_number(row.get(name)) for name in names] for row in rows]
    heading = [in_prose(name.replace("_", " ")) for name in names]
    parts = [f"{_which(len(shown), len(history))}{_held_out(history[-1])}\n", table(heading, cells) + "\n"]
    if "loss" in names:
        parts.append("`loss` is that of the text that the vectors were trained on.\n")
    return "\n".join(parts)


def _shown(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records for a table of few rows: evenly spaced ones, the last, and that of the vectors that were kept."""
    every = -(-len(history) // MOST_ROWS)
    last = len(history)
    return [record for n, record in enumerate(history, 1) if n % every == 0 or n == last or record.get("kept")]


def _which(shown: int, records: int) -> str:
    if shown == records:
        return "What the training recorded, in order."
    return f"What the training recorded, in order: {shown:,} of {records:,} records."


def _held_out(record: Mapping[str, Any]) -> str:
    match record.get("validation"):
        case {"words": int(words), "unknown": int(unknown), "pairs": int() | float() as pairs}:
            return f" Held out: {words:,} words and {unknown:,} unknown ones, {pairs:,.0f} pairs of words."
    return ""


def _flat(record: Mapping[str, Any], measures: Sequence[str]) -> dict[str, Any]:
    """A record without objects in it."""
    flat = {name: value for name, value in record.items() if name != "validation"}
    match record.get("validation"):
        case dict() as measured:
            flat |= {f"held-out {name}": measured.get(name) for name in measures}
    return flat


def _value(value: Any) -> str:
    """An option's value, as people read it."""
    return f"{value:g}" if isinstance(value, float) else _number(value)


def _number(value: Any) -> str:
    """A recorded value, as people read it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4f}" if abs(value) >= 1 else f"{value:.4g}"
        case str():
            return in_prose(value)
    return in_prose(json.dumps(value, ensure_ascii=False))

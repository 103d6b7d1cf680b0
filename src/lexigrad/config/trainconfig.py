"""The options of reading and training: their names, defaults, help and checks, in this one place.

The command line, the saved file, the documentation and the plots take their words from here. What a loss or a solver
can do stands in its record (`lexigrad.config.losses`), by which options are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from math import cos, isfinite, pi
from numbers import Integral, Real
from operator import gt, le, lt
from typing import Any, Final, Literal

from lexigrad.config.losses import LOSSES, SOLVERS, LossName, SolverName, has_effect, with_option
from lexigrad.errors import ConfigError

__all__ = ["ENGLISH_CONNECTOR_WORDS", "PHRASE_OPTIONS", "TEXT_OPTIONS", "Schedule", "Tokenizer", "TrainConfig"]

Tokenizer = Callable[[str], Iterable[str]] | Any
"""A function from a line to its tokens, or a tokenizer of the packages tokenizers or transformers."""

Schedule = Callable[[float], float]
"""A function from the share of the training that is done, 0 to 1, to the learning rate: 1 is ``learning_rate``, 0 is
``min_learning_rate``."""

FALLS: Final[dict[str, Schedule]] = {
    "linear": lambda progress: progress,
    "cosine": lambda progress: (1 - cos(pi * progress)) / 2,
    "constant": lambda _: 0.0,
}
"""How far the learning rate has fallen, from 0 to 1, by the name of the schedule."""


def _option(
    default: Any,
    help: str,
    *,
    choices: Collection[str] | None = None,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    also_off: str | None = None,
    or_callable: bool = False,
) -> Any:
    """A dataclass field that carries its help text, its check, and a further word for False on the command line."""
    metadata = {"help": help, "choices": choices, "at_least": at_least, "above": above, "at_most": at_most}
    return field(default=default, metadata={**metadata, "also_off": also_off, "or_callable": or_callable})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All options of a training run; immutable, checked when made, saved with the model.

    Raises:
        ConfigError: an option has a value that it cannot have.

    Example:
        >>> config = TrainConfig(model="cbow", dim=50)
        >>> config.window, config.starting_learning_rate
        (5, 0.15)
    """

    model: Literal["skipgram", "cbow"] = _option(
        "skipgram",
        "skipgram predicts the outside words from the center word, cbow the center word from the mean of its context",
        choices=("skipgram", "cbow"),
    )
    loss: LossName = _option(
        "negative_sampling",
        "the loss of one prediction: against a few drawn words, or against the whole vocabulary",
        choices=LOSSES.keys(),
    )
    solver: SolverName = _option(
        "sgd",
        "sgd goes through the text; exact (skip-gram) minimises the loss of the whole text from its window counts; svd "
        "factorises their positive pointwise mutual information",
        choices=SOLVERS.keys(),
    )
    head: int = _option(
        20_000, "exact solver: the most frequent words that are solved together; all others against these", at_least=1
    )
    parts: int = _option(
        8,
        "exact solver: parts of the head's rows, a power of two; as many threads or workers can share a pass. They "
        "decide the order of sums, and so the last digits",
        at_least=1,
        at_most=1024,
    )
    device: str | None = _option(
        None, "exact solver: compute by torch on this device, such as cuda; by our own kernels when not given"
    )
    dim: int = _option(100, "length of a word vector", at_least=1, at_most=2000)
    window: int = _option(5, "words on either side of the center, at most", at_least=1, at_most=2**31 - 1)
    dynamic_window: bool = _option(True, "draw each window's width from 1 to --window, as word2vec.c does")
    negatives: int = _option(5, "negative words for each true one", at_least=1, at_most=64)
    noise_exponent: float = _option(
        0.75, "negatives are drawn with probability count ** exponent", at_most=10, at_least=-10
    )
    subsample: float = _option(
        1e-3, "frequency above which words are dropped at random, more often the more frequent; 0 keeps all", at_least=0
    )
    cbow_update: Literal["gradient", "word2vec"] = _option(
        "gradient",
        "gradient divides the step of a context word by the window's size; word2vec leaves the division out, as "
        "word2vec.c and gensim do",
        choices=("gradient", "word2vec"),
    )
    epochs: int = _option(5, "passes over the corpus", at_least=1)
    learning_rate: float | None = _option(
        None,
        "at the start; when not given, 0.025 for skipgram and 0.15 for cbow, twice that under the naive softmax, and "
        "0.05 for cbow with the word2vec update",
        above=0,
    )
    min_learning_rate: float = _option(0.0, "at the end", at_least=0)
    schedule: str | Schedule = _option(
        "linear",
        "how the learning rate goes from the one to the other over all epochs: in a straight line, or as half a cosine "
        "wave; constant stays at --learning-rate",
        choices=("linear", "cosine", "constant"),
        or_callable=True,
    )
    early_stop: int | None = _option(
        None,
        "end when so many epochs (exact solver: steps, 2 when not given) bring no smaller loss on the held-out text, "
        "and keep the vectors of the best; needs --validation",
        at_least=1,
    )
    loss_sample: int = _option(
        5_000,
        "SGD: windows of the text, about, on which the training loss is measured after each epoch; 0 measures none",
        at_least=0,
        at_most=10_000_000,
    )
    min_count: int = _option(5, "words seen less often are left out", at_least=1)
    max_vocabulary: int | None = _option(None, "keep this many of the most frequent words at most", at_least=1)
    lowercase: bool = _option(False, "turn all text to lower case")
    tokens: str | Tokenizer = _option(
        "whitespace",
        "whitespace cuts at white space; words takes runs of Unicode letters, digits and underscores",
        choices=("whitespace", "words"),
        or_callable=True,
    )
    column: str | None = _option(
        None,
        "of tables and datasets: the column that holds the text, strings or lists of tokens or of ids; when not given, "
        "the only one that does",
    )
    phrases: int = _option(
        0,
        "passes that join words which follow each other more often than by chance, such as new_york; each pass joins "
        "what the one before has joined, too",
        at_least=0,
        at_most=16,
    )
    phrase_scoring: Literal["mikolov", "npmi"] = _option(
        "mikolov",
        "how pairs are scored: (count(ab) - phrase_min_count) / (count(a) * count(b)) * size of the vocabulary, or "
        "normalized pointwise mutual information, from -1 to 1",
        choices=("mikolov", "npmi"),
    )
    phrase_threshold: float | None = _option(
        None, "pairs that score above it are joined; 10 when not given, 0.5 for npmi"
    )
    phrase_min_count: int = _option(5, "pairs seen less often are not joined", at_least=1)
    connector_words: str | None = _option(
        None,
        "words that phrases may hold inside but not at their ends, separated by spaces; english stands for articles, "
        "prepositions, and, and or",
    )
    encoding_errors: Literal["strict", "replace"] = _option(
        "strict",
        "what to do with bytes that are not UTF-8: stop, or put U+FFFD in their place",
        choices=("strict", "replace"),
    )
    threads: int | None = _option(None, "worker threads; all cores when not given", at_least=1, at_most=1024)
    deterministic: bool = _option(
        True,
        "the same bytes with any number of threads; with --no-deterministic, or --races for short, threads add to the "
        "tables without waiting, some 6 % faster, and runs with several differ",
        also_off="races",
    )
    replicas: int = _option(
        1,
        "negative sampling by SGD: train so many copies of the tables, each on its share of the text, and merge them "
        "often; for several machines",
        at_least=1,
        at_most=1024,
    )
    seed: int = _option(1, "start of all random numbers", at_least=0, at_most=2**63 - 1)

    def __post_init__(self) -> None:
        for option in fields(self):
            object.__setattr__(self, option.name, _checked(option, getattr(self, option.name)))
        self._check_loss()
        if self.parts & (self.parts - 1):
            raise ConfigError(f"parts must be a power of two, such as 8, 16 or 32, not {self.parts:,}")
        self._check_phrase_threshold()
        self._check_replicas()
        if self.min_learning_rate > self.starting_learning_rate:
            raise ConfigError(
                f"min_learning_rate is {self.min_learning_rate:g}, above the learning rate at the start, "
                f"{self.starting_learning_rate:g}; give a smaller one"
            )

    def _check_loss(self) -> None:
        """Refuse a model, a loss and a solver that do not go together."""
        loss, solver = LOSSES[self.loss], SOLVERS[self.solver]
        if self.model not in solver.models:
            raise ConfigError(
                f"{self.model} does not follow from window counts, so {self.solver} cannot train it; take "
                f"{' or '.join(solver.models)} or sgd"
            )
        if self.model not in loss.models:
            raise ConfigError(f"{self.model} does not train under {loss.phrase}; take {' or '.join(loss.models)}")
        if solver.minimizes and self.solver not in loss.solvers:
            raise ConfigError(
                f"{loss.phrase} cannot be minimized by {self.solver}; take the solver {' or '.join(loss.solvers)}"
            )
        if self.early_stop is not None and not self.has_effect("early_stop"):
            raise ConfigError(f"{self.solver} takes one step, so early_stop has nothing to stop; leave it out")

    def _check_phrase_threshold(self) -> None:
        threshold = self.threshold_of_phrases
        if self.phrase_scoring == "npmi" and not -1 <= threshold <= 1:
            raise ConfigError(f"phrase_threshold must be from -1 to 1 for npmi, not {threshold:g}")
        if self.phrase_scoring == "mikolov" and threshold <= 0:
            raise ConfigError(f"phrase_threshold must be above 0, not {threshold:g}; only npmi has scores below")

    def _check_replicas(self) -> None:
        if self.replicas == 1:
            return
        if not self.has_effect("replicas"):
            having = with_option("replicas")
            other = self.loss if any(solver.name == self.solver for _, solver in having) else self.solver
            pairs = " or ".join(f"{loss.phrase} by {solver.title}" for loss, solver in having)
            raise ConfigError(f"replicas are of {pairs}, and {other} has none; leave replicas out")
        if not self.deterministic:
            raise ConfigError("replicas are merged to the same bytes every time, so they cannot race; leave one out")

    @property
    def threshold_of_phrases(self) -> float:
        """``phrase_threshold``, or where it was not given the usual one of the scoring: 10, or 0.5 for npmi."""
        if self.phrase_threshold is not None:
            return self.phrase_threshold
        return 0.5 if self.phrase_scoring == "npmi" else 10.0

    @property
    def connectors(self) -> frozenset[str]:
        """The words that ``connector_words`` stands for."""
        if self.connector_words == "english":
            return ENGLISH_CONNECTOR_WORDS
        return frozenset((self.connector_words or "").split())

    @property
    def starting_learning_rate(self) -> float:
        """``learning_rate``, or where it was not given the usual one of the model and the loss."""
        if self.learning_rate is not None:
            return self.learning_rate
        historic = self.model == "cbow" and self.cbow_update == "word2vec"
        return LOSSES[self.loss].learning_rates["cbow word2vec" if historic else self.model]

    def has_effect(self, option: str) -> bool:
        """Whether an option can change a training under the config's loss by its solver.

        Example:
            >>> TrainConfig(solver="exact").has_effect("epochs"), TrainConfig(solver="exact").has_effect("head")
            (False, True)
        """
        return has_effect(option, self.loss, self.solver)

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate when a share of the training is done.

        Args:
            progress: this share, from 0 to 1.

        Raises:
            ConfigError: ``schedule`` is a function, and gives something else than a number from 0 to 1.

        Example:
            >>> warm = TrainConfig(schedule=lambda progress: min(progress / 0.1, 1) * (1 - progress))
            >>> [round(warm.learning_rate_at(progress), 4) for progress in (0, 0.04, 0.1, 0.2, 1)]
            [0.0, 0.0096, 0.0225, 0.02, 0.0]
        """
        first, last = self.starting_learning_rate, self.min_learning_rate
        if isinstance(self.schedule, str):
            return first + (last - first) * FALLS[self.schedule](progress)
        factor = self.schedule(progress)
        if isinstance(factor, bool) or not isinstance(factor, Real) or not 0 <= factor <= 1:
            raise ConfigError(
                f"schedule must give a number from 0 to 1, where 1 is learning_rate, but gives {factor!r} "
                f"at {progress:g}"
            )
        return last + (first - last) * float(factor)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values that JSON can hold; a function becomes ``callable:its.name``."""
        options = {option.name: getattr(self, option.name) for option in fields(self)}
        for name in FUNCTIONS:
            if not isinstance(value := options[name], str):
                options[name] = f"callable:{getattr(value, '__qualname__', type(value).__name__)}"
        return options

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> TrainConfig:
        """The config that ``to_dict`` wrote.

        A function cannot be saved, nor can a tokenizer of another package: where ``tokens`` was one, the config says
        ``whitespace``, and where ``schedule`` was one, ``linear``.

        Raises:
            ConfigError: there is no option of some name, or an option cannot have its value.
        """
        known = {option.name for option in fields(cls)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise ConfigError(f"unknown option {unknown[0]!r}; known are {', '.join(sorted(known))}")
        values = dict(options)
        for name in FUNCTIONS:
            if str(values.get(name, "")).startswith("callable:"):
                del values[name]
        return cls(**values)


BOUNDS: Final = (("at_least", lt, "at least"), ("above", le, "above"), ("at_most", gt, "at most"))
"""The checks of numbers: a rule's name, the comparison that refuses a number, and the words for it."""

FUNCTIONS: Final = ("tokens", "schedule")
"""The options that may be functions."""

ENGLISH_CONNECTOR_WORDS: Final = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without")
)
"""Articles, prepositions and conjunctions that phrases may hold inside: the words of gensim's set of this name."""

PHRASE_OPTIONS: Final = ("phrases", "phrase_scoring", "phrase_threshold", "phrase_min_count", "connector_words")
"""The options that say which phrases are joined."""

TEXT_OPTIONS: Final = (
    "min_count",
    "max_vocabulary",
    "lowercase",
    "tokens",
    "column",
    *PHRASE_OPTIONS,
    "encoding_errors",
    "threads",
)
"""The options that matter when text is read; all others matter when vectors are trained."""


def _checked(option: Field[Any], value: Any) -> Any:
    """The value as a plain one, if the option can have it."""
    name, choices, kind = option.name, option.metadata["choices"], str(option.type)
    if value is None and option.default is None:
        return None
    if choices is not None:
        is_choice = isinstance(value, str) and value in choices
        if not is_choice and not (option.metadata["or_callable"] and _is_function(name, value)):
            raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value
    if kind.startswith("str"):
        if not isinstance(value, str):
            raise ConfigError(f"{name} must be a string, not {value!r}")
        return value
    if kind == "bool":
        if not isinstance(value, bool):
            raise ConfigError(f"{name} must be True or False, not {value!r}")
        return value
    number = _number(name, value, whole=kind.startswith("int"))
    for bound, refuses, words in BOUNDS:
        limit = option.metadata[bound]
        if limit is not None and refuses(number, limit):
            raise ConfigError(f"{name} must be {words} {limit:,}, not {value!r}")
    return number


def _is_function(name: str, value: Any) -> bool:
    """Whether the value of an option can be called, or is a tokenizer with one of the methods that are known."""
    is_tokenizer = hasattr(value, "encode_batch") or hasattr(value, "tokenize")
    return callable(value) or (name == "tokens" and is_tokenizer)


def _number(name: str, value: Any, *, whole: bool) -> int | float:
    """The value as Python's own kind of number: NumPy's are taken too, but JSON does not know them."""
    if isinstance(value, bool) or not (isinstance(value, Integral) if whole else isinstance(value, Real)):
        raise ConfigError(f"{name} must be a {'whole ' if whole else ''}number, not {value!r}")
    try:
        number = int(value) if whole else float(value)
        is_finite = isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        is_finite = False
    if not is_finite:
        raise ConfigError(f"{name} must be finite, not {repr(value)[:60]}")
    return number

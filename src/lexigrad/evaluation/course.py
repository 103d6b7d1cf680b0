"""The word vectors of a university course's assignment, reproduced to the digit.

Students of Stanford's CS224n train vectors of 10 numbers on the sentences of the Stanford Sentiment Treebank: 40,000
steps, a fixed sequence of random numbers, and at the end a smoothed cost that all correct programs share, 9.812206.
The assignment's program takes hours, as every step goes over all 39,078 rows of both tables. A step moves some 1,700 of
them; the same computation done on these alone takes seconds.

The experiment stands here twice. `plain_course` is the one to read: Python's `random`, and the gradient of
`lexigrad.reference.negative_sampling`. `run_course` is the one to run: a compiled kernel that draws the same numbers
and takes the same steps. Tests hold the two against each other.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import ConfigError, CorpusError
from lexigrad.reference import negative_sampling, skipgram
from lexigrad.vectors.keyedvectors import KeyedVectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["CourseConfig", "CourseResult", "CourseText", "plain_course", "read_sentences", "run_course"]

FILE_NAME: Final = "datasetSentences.txt"
UNKNOWN: Final = "UNK"
STEPS_AT_ONCE: Final = 500


@dataclass(frozen=True)
class CourseConfig:
    """The numbers of the schedule; with other numbers it is another experiment."""

    iterations: int = 40_000
    dim: int = 10
    window: int = 5
    negatives: int = 10
    contexts: int = 50
    """The contexts of one step, all at the same parameters."""
    learning_rate: float = 0.3
    halve_every: int = 20_000
    print_every: int = 10
    smoothing: float = 0.95
    copies: int = 30
    """How often the text is copied before frequent words are thinned out."""
    subsample: float = 1e-5
    noise_exponent: float = 0.75
    noise_slots: int = 1_000_000
    seed: int = 31415
    """The seed of Python's `random`, which draws everything but the start."""
    start_seed: int = 9265
    """The seed of NumPy's old generator, which draws the center vectors' start."""

    def __post_init__(self) -> None:
        if self.iterations < self.print_every:
            raise ConfigError(
                f"iterations must be at least {self.print_every}, as the first cost is printed then, "
                f"but is {self.iterations}"
            )

    def rates(self, first: int, last: int) -> Floats:
        """The learning rates of these iterations, counted from 0."""
        halvings = np.arange(first, last) // self.halve_every
        return np.asarray(self.learning_rate * 0.5**halvings, dtype=np.float64)

    def start(self, words: int) -> tuple[Floats, Floats]:
        """V and U before the first step: small random numbers, and zeros."""
        legacy = np.random.RandomState(self.start_seed)  # the sequence of np.random.seed, without its global state
        return (legacy.rand(words, self.dim) - 0.5) / self.dim, np.zeros((words, self.dim))


@dataclass(frozen=True, eq=False)
class CourseResult:
    """The result of the experiment.

    Attributes:
        words: the words in the order of their first appearance, then ``UNK``.
        counts: how often each word occurs, int64.
        V: the center vectors, float64 (words, dim).
        U: the outside vectors, float64 (words, dim).
        costs: the smoothed cost of every 10th iteration, as the assignment's program prints it.
        config: the schedule.
    """

    words: list[str]
    counts: NDArray[np.int64]
    V: Floats
    U: Floats
    costs: Floats
    config: CourseConfig

    @property
    def vectors(self) -> KeyedVectors:
        """V and U side by side, 20 columns as float32, with which the assignment goes on."""
        return KeyedVectors(self.words, np.hstack([self.V, self.U]), self.counts)


class CourseText:
    """The sentences as word ids, and the two distributions that follow from the counts.

    Args:
        sentences: lists of words.
        config: the schedule.

    Attributes:
        words: the words in the order of their first appearance, then ``UNK``, which counts as one occurrence.
        counts: int64 (words,).
        sentences: lists of word ids.
        rejection: the probability of leaving a token out, r(w) = max(0, 1 − √(subsample · total / count(w))), (words,).
        noise: a word id in each slot, int32 (slots,): slot i has the first word up to which the words' shares of
            count^0.75 add up to at least i / slots.

    Example:
        >>> text = CourseText([["the", "cat", "sat"], ["the", "end"]], CourseConfig(noise_slots=10))
        >>> text.words, text.counts.tolist(), text.sentences
        (['the', 'cat', 'sat', 'end', 'UNK'], [2, 1, 1, 1, 1], [[0, 1, 2], [0, 3]])
        >>> text.noise.tolist()
        [0, 0, 0, 1, 1, 2, 2, 3, 3, 4]
    """

    def __init__(self, sentences: list[list[str]], config: CourseConfig) -> None:
        word_ids: dict[str, int] = {}
        self.sentences = [[word_ids.setdefault(word, len(word_ids)) for word in words] for words in sentences]
        self.words = [*word_ids, UNKNOWN]
        tokens = [word_id for sentence in self.sentences for word_id in sentence]
        self.counts: NDArray[np.int64] = np.bincount([*tokens, len(word_ids)]).astype(np.int64)
        self.rejection: Floats = np.maximum(0, 1 - np.sqrt(config.subsample * self.counts.sum() / self.counts))
        shares = self.counts**config.noise_exponent
        borders = np.cumsum(shares / shares.sum()) * config.noise_slots
        self.noise: NDArray[np.int32] = np.searchsorted(borders, np.arange(config.noise_slots)).astype(np.int32)


def run_course(
    path: str | os.PathLike[str],
    iterations: int = 40_000,
    progress: Callable[[int, int, float], None] | None = None,
    *,
    config: CourseConfig | None = None,
) -> CourseResult:
    r"""Run the course experiment.

    Each step adds up the gradients of 50 contexts at the same parameters, in each of them
    J = Σ_o −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c) with 10 negatives k drawn for every outside word o, divides them by
    50 and goes down: V ← V − rate · ∂J/∂V, U ← U − rate · ∂J/∂U.

    Args:
        path: the folder with ``datasetSentences.txt``, or that file.
        iterations: steps, at least 10; the published figures are those of 40,000.
        progress: called every 500 steps with the steps done, all steps, and the smoothed cost.
        config: another schedule, in place of ``iterations``.

    Returns:
        Vectors and costs; ``costs[-1]`` is 9.812206 for the treebank and 40,000 iterations.

    Raises:
        CorpusError: the file is missing, a line is not as it should be, or nothing can be learnt from the text.
        ConfigError: there are fewer than 10 iterations.

    Example:
        >>> file = getfixture("tmp_path") / "datasetSentences.txt"
        >>> _ = file.write_text("sentence_index\tsentence\n1\tthe cat sat\n2\tthe dog ran\n")
        >>> every_token = CourseConfig(iterations=10, subsample=1.0)  # thinning would leave nothing of so short a text
        >>> result = run_course(file, config=every_token)
        >>> result.vectors, len(result.costs)
        (KeyedVectors(6 words, dim 20), 1)

    Source: CS224n, Stanford University, assignment 2 (formerly 1). It computes dense gradients; the sums are the same.
    """
    from lexigrad.kernels.course import Sampling, thin, train_steps

    config = config or CourseConfig(iterations)
    text = CourseText(read_sentences(path), config)
    generator = random.Random(config.seed)
    width = generator.randint(1, config.window)  # the schedule thins the text after it has drawn the first width
    state = np.array(generator.getstate()[1], dtype=np.uint32)
    tokens, ends = thin(state, *_joined(text.sentences), text.rejection, config.copies)
    _check_can_train(path, tokens, ends, text.noise)
    sampling = Sampling(tokens, ends, text.noise, config.contexts, config.negatives, config.window)
    V, U = config.start(len(text.words))
    losses = np.empty(config.iterations)
    for first in range(0, config.iterations, STEPS_AT_ONCE):
        last = min(first + STEPS_AT_ONCE, config.iterations)
        width = train_steps(state, sampling, V, U, width, config.rates(first, last), losses[first:last])
        if progress is not None:
            costs = _smoothed(losses[:last], config)
            progress(last, config.iterations, float(costs[-1]))
    return CourseResult(text.words, text.counts, V, U, _smoothed(losses, config), config)


def plain_course(
    path: str | os.PathLike[str], iterations: int = 10, *, config: CourseConfig | None = None
) -> CourseResult:
    r"""Run the course experiment in plain Python, as the assignment describes it: for reading, and for a few steps.

    Args:
        path: as for `run_course`.
        iterations: as for `run_course`; ten take some seconds, 40,000 would take hours.
        config: as for `run_course`.

    Returns:
        The result that `run_course` returns, but for the rounding of sums.

    Raises:
        CorpusError: as for `run_course`.

    Example:
        >>> file = getfixture("tmp_path") / "datasetSentences.txt"
        >>> _ = file.write_text("sentence_index\tsentence\n1\tthe cat sat\n2\tthe dog ran\n")
        >>> every_token = CourseConfig(iterations=10, subsample=1.0)
        >>> plain, fast = plain_course(file, config=every_token), run_course(file, config=every_token)
        >>> np.allclose(plain.V, fast.V)
        True
    """
    config = config or CourseConfig(iterations)
    text = CourseText(read_sentences(path), config)
    sampler = _PlainSampler(path, text, config)
    V, U = config.start(len(text.words))
    losses = []
    for rate in config.rates(0, config.iterations):
        loss, d_V, d_U = 0.0, np.zeros_like(V), np.zeros_like(U)
        for _ in range(config.contexts):
            center, outside = sampler.context()
            loss_c, d_V_c, d_U_c = skipgram(
                center, outside, V, U, lambda v_c, o, U: negative_sampling(v_c, o, sampler.negatives(o), U)
            )
            loss += loss_c / config.contexts
            d_V += d_V_c / config.contexts
            d_U += d_U_c / config.contexts
        V, U = V - rate * d_V, U - rate * d_U
        losses.append(loss)
    return CourseResult(text.words, text.counts, V, U, _smoothed(np.array(losses), config), config)


class _PlainSampler:
    """Draws contexts and negatives in the order of the schedule."""

    def __init__(self, path: str | os.PathLike[str], text: CourseText, config: CourseConfig) -> None:
        self.path, self.text, self.config = path, text, config
        self.random = random.Random(config.seed)
        self.sentences: list[list[int]] = []

    def context(self) -> tuple[int, list[int]]:
        """A center word and the outside words around it, at least one; words that equal the center are left out."""
        width = self.random.randint(1, self.config.window)
        if not self.sentences:
            self.sentences = self._thinned()
        while True:
            sentence = self.sentences[self.random.randint(0, len(self.sentences) - 1)]
            position = self.random.randint(0, len(sentence) - 1)
            center = sentence[position]
            around = sentence[max(0, position - width) : position + width + 1]
            if outside := [word_id for word_id in around if word_id != center]:
                return center, outside

    def negatives(self, o: int) -> list[int]:
        """The negatives drawn for one outside word o, which is never among them."""
        drawn: list[int] = []
        while len(drawn) < self.config.negatives:
            word_id = int(self.text.noise[self.random.randint(0, len(self.text.noise) - 1)])
            if word_id != o:
                drawn.append(word_id)
        return drawn

    def _thinned(self) -> list[list[int]]:
        """Copies of the text, without words left out at random, and then without sentences of fewer than two words."""
        rejection = self.text.rejection.tolist()
        thinned = [
            [word for word in sentence if rejection[word] <= 0 or self.random.random() >= rejection[word]]
            for sentence in self.text.sentences * self.config.copies
        ]
        kept = [sentence for sentence in thinned if len(sentence) >= 2]
        _check_can_train(self.path, *_joined(kept), self.text.noise)
        return kept


def read_sentences(path: str | os.PathLike[str]) -> list[list[str]]:
    r"""Read the sentences of the treebank's official release: lower-cased, cut at white space.

    Args:
        path: the folder with ``datasetSentences.txt``, or that file.

    Returns:
        The words of each sentence.

    Raises:
        CorpusError: the file is missing, is not UTF-8, or has a line that is not a number, a tab and a sentence.

    Example:
        >>> file = getfixture("tmp_path") / "datasetSentences.txt"
        >>> _ = file.write_text("sentence_index\tsentence\n1\tThe Rock is destined .\n")
        >>> read_sentences(file.parent)
        [['the', 'rock', 'is', 'destined', '.']]
    """
    file = Path(path, FILE_NAME) if os.path.isdir(path) else Path(path)
    lines = _lines(file)
    if not lines or lines[0].split()[:1] != ["sentence_index"]:
        raise CorpusError(
            f"{file}, line 1: the header `sentence_index<tab>sentence` is not there; "
            f"give {FILE_NAME} of the Stanford Sentiment Treebank"
        )
    sentences = [_sentence(file, number, line) for number, line in enumerate(lines[1:], start=2)]
    if not sentences:
        raise CorpusError(f"{file} holds no sentence after its header; give the whole file")
    return sentences


def _lines(file: Path) -> list[str]:
    """The lines of a text file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"cannot read {file}: {error.strerror or error}; give the folder of the Stanford Sentiment Treebank "
            f"that holds {FILE_NAME}"
        ) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{file}, line {number}, byte {error.start}: this is not UTF-8; give the file as it was released"
        ) from error
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _sentence(file: Path, number: int, line: str) -> list[str]:
    """The words of one line, without the number in front of them."""
    index, *words = line.split() or [""]
    if not index.isdecimal() or not words:
        raise CorpusError(f"{file}, line {number}: a number, a tab and a sentence belong here, not {line[:60]!r}")
    return [word.lower() for word in words]


def _joined(sentences: list[list[int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """All tokens one after the other, and where each sentence ends."""
    tokens = np.array([word_id for sentence in sentences for word_id in sentence], dtype=np.int32)
    return tokens, np.array(list(accumulate(map(len, sentences))), dtype=np.int64)


def _check_can_train(path: str | os.PathLike[str], tokens: Any, ends: Any, noise: Any) -> None:
    """Refuse a text from which no context or no negative could ever be drawn: drawing would not end."""
    differs = tokens[1:] != tokens[:-1]
    differs[ends[:-1] - 1] = False  # from one sentence to the next
    if not differs.any():
        raise CorpusError(f"{path}: no sentence has two different words left after thinning; give a longer text")
    if noise[0] == noise[-1]:
        raise CorpusError(f"{path}: one word fills the whole noise table; give a text with more of other words")


def _smoothed(losses: Floats, config: CourseConfig) -> Floats:
    """The costs as they are printed: 0.95 · the cost printed before + 0.05 · the cost of this iteration."""
    printed = losses[config.print_every - 1 :: config.print_every].tolist()
    smoothing = config.smoothing
    return np.array(list(accumulate(printed, lambda old, cost: smoothing * old + (1 - smoothing) * cost)))

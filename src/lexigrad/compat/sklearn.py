"""Word vectors as a step of a scikit-learn pipeline: trained on the documents of fit, documents turned into vectors.

The module needs the extra ``sklearn``. ``docs/decisions/estimator.md`` says which parameters have scikit-learn's names.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from inspect import signature
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from lexigrad.config import TrainConfig
from lexigrad.corpus.sources.tokenizer import text_cutter
from lexigrad.errors import CorpusError, FormatError, InputError, MissingExtraError
from lexigrad.evaluation.sentencevectors import SentenceVectorizer
from lexigrad.files.tensors import native_image, read_native_image
from lexigrad.training.train import train
from lexigrad.vectors.formats.safetensors import vectors_from_tensors, vectors_to_tensors

try:
    import joblib
    from joblib.parallel import get_active_backend
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingExtraError("lexigrad.compat.sklearn needs scikit-learn: pip install 'lexigrad[sklearn]'") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexigrad.config import Tokenizer
    from lexigrad.config.losses import LossName, SolverName
    from lexigrad.evaluation.sentencevectors import Coverage, Sentence
    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Word2VecVectorizer", "training_threads"]

STATE_VERSION: Final = 1
STATE_FORMAT: Final = "lexigrad-vectorizer"
STATE: Final = "the state of a Word2VecVectorizer"
CONTAINERS: Final = ("default", "pandas", "polars")
SEEDS: Final = 2**31 - 1
ROUNDING: Final = 1e-6
RUN_OF_LETTERS: Final = re.compile(r"\w+")
"""What ``tokens="words"`` takes for a word in training."""


class Word2VecVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Trains word vectors on the documents of ``fit``, and turns each document into the mean of its words' vectors.

    x = 1/|S| · Σ_{w ∈ S} v_w, S being the document's tokens that have a vector, or its frequency-weighted form; see
    `lexigrad.SentenceVectorizer`, which computes it, also for vectors that exist already.

    Args:
        weighting: ``mean``; or ``sif``, where a word counts a / (a + p(w)) and the component that the documents of
            ``fit`` have in common is taken out.
        smoothing: a of ``sif``, above 0.
        model: ``skipgram`` or ``cbow``. This and all parameters up to ``tokens`` are options of `lexigrad.TrainConfig`,
            which says more of them.
        loss: the loss of one prediction.
        solver: the method that trains.
        dim: the length of a word vector, and so the number of features.
        window: the most words on either side of the center.
        negatives: the number of negatives for each outside word.
        noise_exponent: the power of the counts by which negatives are drawn.
        subsample: the frequency above which words are dropped at random.
        epochs: the number of passes over the documents.
        learning_rate: the learning rate at the start.
        min_count: the least number of occurrences of a word.
        max_vocabulary: the most words to keep.
        lowercase: whether all text is turned to lower case; lists of tokens too.
        tokens: how documents that are strings are cut, in ``fit`` and in ``transform``.
        random_state: the seed of all random numbers. The same number gives the same vectors, whatever ``n_jobs``; a
            ``RandomState`` is asked for one at each ``fit``; None takes NumPy's global one.
        n_jobs: threads that train. None is all cores, or this worker's share of them where joblib runs several: of a
            grid search over processes the part that joblib gives to each, one in each of several threads. A negative
            number counts from the number of cores; −1 is all.

    Attributes:
        vectors_: the words' vectors, a `lexigrad.KeyedVectors`.
        vocabulary_: each word's row in ``vectors_.matrix``.
        history_: the records of the training, as in `lexigrad.Word2Vec`.

    Example:
        >>> documents = ["the cat sat on the mat", "a dog sat on the rug", "dogs and cats"] * 20
        >>> vectorizer = Word2VecVectorizer(dim=8, min_count=1, weighting="sif")
        >>> features = vectorizer.fit_transform(documents)
        >>> features.shape, str(features.dtype), vectorizer.get_feature_names_out()[0]
        ((60, 8), 'float32', 'word2vecvectorizer0')
        >>> vectorizer.coverage(["the bird sat"]).unknown
        {'bird': 1}

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality"; Arora,
    Liang, Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings".

    A pickle holds the parameters and a native image of the vectors, and is checked when it is read; like every pickle,
    it must come from a source that you trust.
    """

    def __init__(
        self,
        *,
        weighting: Literal["mean", "sif"] = "mean",
        smoothing: float = 1e-3,
        model: Literal["skipgram", "cbow"] = "skipgram",
        loss: LossName = "negative_sampling",
        solver: SolverName = "sgd",
        dim: int = 100,
        window: int = 5,
        negatives: int = 5,
        noise_exponent: float = 0.75,
        subsample: float = 1e-3,
        epochs: int = 5,
        learning_rate: float | None = None,
        min_count: int = 5,
        max_vocabulary: int | None = None,
        lowercase: bool = False,
        tokens: str | Tokenizer = "whitespace",
        random_state: int | np.random.RandomState | None = 1,
        n_jobs: int | None = None,
    ) -> None:
        self.weighting = weighting
        self.smoothing = smoothing
        self.model = model
        self.loss = loss
        self.solver = solver
        self.dim = dim
        self.window = window
        self.negatives = negatives
        self.noise_exponent = noise_exponent
        self.subsample = subsample
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.lowercase = lowercase
        self.tokens = tokens
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Iterable[Sentence], y: object = None) -> Self:
        """Train vectors of the documents' words, and for ``sif`` learn what the documents have in common.

        Args:
            X: documents, each a string, whose lines are sentences, or a list of tokens or ids, which is one sentence.
            y: not used.

        Returns:
            The vectorizer.

        Raises:
            InputError: ``X`` is no list of documents, or no word in it occurs ``min_count`` times.
            ConfigError: a parameter has a value that it cannot have.
        """
        documents = list(_documents(X))
        try:
            model = train(iter(documents), self._config())  # not a list, whose strings might be taken for paths
        except CorpusError as error:
            raise InputError(str(error)) from error
        sentences = SentenceVectorizer(model.vectors, weighting=self.weighting, smoothing=self.smoothing)
        self._set_fitted(sentences.fit(self._cut(documents)), model.history)
        return self

    def transform(self, X: Iterable[Sentence]) -> NDArray[np.float32]:
        """The vector of each document; a document without a known word has the zero vector.

        Args:
            X: as for ``fit``.

        Returns:
            Shape ``(documents, dim)``.

        Raises:
            InputError: ``X`` is no list of documents.
            sklearn.exceptions.NotFittedError: ``fit`` has not been called.
        """
        check_is_fitted(self)
        return self._sentences.transform(self._cut(_documents(X))).astype(np.float32)

    def fit_transform(self, X: Iterable[Sentence], y: object = None) -> NDArray[np.float32]:
        """Train as ``fit`` does, and return the documents' vectors; ``X`` may be a generator here too."""
        documents = list(X) if isinstance(X, Iterator) else X
        return self.fit(documents).transform(documents)

    def coverage(self, X: Iterable[Sentence]) -> Coverage:
        """Count the documents' tokens with and without a vector.

        Args:
            X: as for ``fit``.

        Raises:
            InputError: ``X`` is no list of documents.
            sklearn.exceptions.NotFittedError: ``fit`` has not been called.
        """
        check_is_fitted(self)
        return self._sentences.coverage(self._cut(_documents(X)))

    @property
    def _n_features_out(self) -> int:
        return self.vectors_.dim

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def __getstate__(self) -> dict[str, Any]:
        fitted = self.__dict__.get("_sentences")
        return {
            "version": STATE_VERSION,
            "params": self.get_params(deep=False),
            "output": self.__dict__.get("_sklearn_output_config", {}).get("transform"),
            "image": None if fitted is None else _image(fitted, self.history_),
        }

    def __setstate__(self, state: Any) -> None:
        match state:
            case {"version": 1, "params": dict(params), "output": output, "image": bytes() | None as image}:
                pass
            case _:
                raise FormatError(f"{STATE} lacks its parts, or has another version than {STATE_VERSION}; fit it anew")
        if params.keys() != signature(type(self)).parameters.keys():
            raise FormatError(f"{STATE} is of another version, as its parameters are others; fit it anew")
        if output is not None and output not in CONTAINERS:
            raise FormatError(f"{STATE} names the output {output!r:.60}, where {', '.join(CONTAINERS)} are known")
        fitted = None if image is None else _fitted_of(image)
        self.__dict__.update(params)
        if output is not None:
            self._sklearn_output_config = {"transform": output}
        if fitted is not None:
            self._set_fitted(*fitted)

    def _set_fitted(self, sentences: SentenceVectorizer, history: list[dict[str, Any]]) -> None:
        self._sentences = sentences
        self.vectors_: KeyedVectors = sentences.vectors
        self.vocabulary_: dict[str, int] = sentences.vectors.word_ids
        self.history_ = history

    def _config(self) -> TrainConfig:
        names = TrainConfig.__dataclass_fields__.keys() & self.get_params(deep=False).keys()
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = int(check_random_state(seed).randint(SEEDS))
        options = {name: getattr(self, name) for name in names}
        return TrainConfig(**options, seed=seed, threads=training_threads(self.n_jobs))

    def _cut(self, documents: Iterable[Sentence]) -> Iterator[Sentence]:
        """The documents with strings cut as in training; at white space ``SentenceVectorizer`` cuts them itself."""
        cutters: dict[str, Callable[[str], Sentence]] = {"whitespace": str, "words": RUN_OF_LETTERS.findall}
        tokens = TrainConfig(tokens=self.tokens).tokens  # checked, as it may have been set after fit
        cut = cutters[tokens] if isinstance(tokens, str) else text_cutter(tokens)
        for document in documents:
            if isinstance(document, str):
                yield cut(document.lower() if self.lowercase else document)
            else:
                yield _with_words(document)


def _documents(X: Any) -> Iterable[Sentence]:
    """The documents, or an InputError: iterating over a table would give the names of its columns."""
    if isinstance(X, (str, bytes)) or not isinstance(X, Iterable):
        raise InputError(f"X must be several documents, each a string or a list of tokens, not {type(X).__name__}")
    if len(shape := getattr(X, "shape", (0,))) != 1:
        raise InputError(f"X must be one column of documents, not a table of shape {tuple(shape)}; give that column")
    return X


def _with_words(document: Any) -> Any:
    """Return a list of ids as a list of their digits, which are the ids' words; and any other document as it is."""
    if isinstance(document, (bytes, bytearray)) or not isinstance(document, Iterable):
        return document
    tokens = list(document)
    return list(map(str, tokens)) if tokens and isinstance(tokens[0], Integral) else tokens


def training_threads(n_jobs: int | None = None) -> int:
    """How many threads a `Word2VecVectorizer` with this ``n_jobs`` trains with, if it is fitted here.

    joblib tells a worker process its share of the cores by the environment, by NUMBA_NUM_THREADS among others, which is
    obeyed in any process. A thread of its threading backend learns only that others run beside it.

    Args:
        n_jobs: None for all cores, or this worker's share of them; negative numbers count from the number of cores,
            −1 being all.

    Raises:
        InputError: ``n_jobs`` is 0, or no whole number.

    Example:
        >>> training_threads(3)
        3
        >>> from joblib import Parallel, delayed
        >>> Parallel(n_jobs=2, backend="threading")(delayed(training_threads)() for _ in range(2))
        [1, 1]
    """
    cores: int = joblib.cpu_count()
    if n_jobs is not None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) or n_jobs == 0:
            raise InputError(f"n_jobs must be None or a whole number other than 0, not {n_jobs!r}")
        return int(n_jobs) if n_jobs > 0 else max(1, cores + 1 + int(n_jobs))
    limit = os.environ.get("NUMBA_NUM_THREADS", "")
    has_limit = limit.isdecimal() and int(limit) > 0
    in_worker = bool(get_active_backend()[0].nesting_level)
    if in_worker and not (has_limit and threading.current_thread() is threading.main_thread()):
        return 1
    return min(cores, int(limit)) if has_limit else cores


def _image(fitted: SentenceVectorizer, history: list[dict[str, Any]]) -> bytes:
    """The fitted vectorizer and its history, as the bytes of a native file."""
    tensors = vectors_to_tensors(fitted.vectors)
    if fitted.weights_ is not None and fitted.component_ is not None:
        tensors |= {"weights": fitted.weights_, "component": fitted.component_}
    return native_image(tensors, {"format": STATE_FORMAT, "version": "1", "history": json.dumps(history)})


def _fitted_of(image: bytes) -> tuple[SentenceVectorizer, list[dict[str, Any]]]:
    """The vectorizer and the history in an image that `_image` made, after checks of all its parts."""
    tensors, metadata = read_native_image(image, STATE, STATE_FORMAT)
    vectors = vectors_from_tensors(STATE, tensors)
    fitted = SentenceVectorizer(vectors)
    try:
        _ = vectors.lengths
        history = json.loads(metadata["history"])
    except (InputError, KeyError, ValueError, RecursionError) as error:
        raise FormatError(f"{STATE} is damaged: {error}") from error
    if not isinstance(history, list) or not all(isinstance(record, dict) for record in history):
        raise FormatError(f"{STATE} is damaged: its history is no list of records")
    if tensors.keys() & {"weights", "component"}:
        fitted.weights_ = weights = _numbers(tensors, "weights", len(vectors))
        fitted.component_ = component = _numbers(tensors, "component", vectors.dim)
        if not ((weights >= 0) & (weights <= 1)).all() or not abs(np.linalg.norm(component) - 1) < ROUNDING:
            raise FormatError(f"{STATE} is damaged: weights must lie in 0 to 1, and the component be of length 1")
    return fitted, history


def _numbers(tensors: dict[str, NDArray[Any]], name: str, size: int) -> NDArray[np.float64]:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype != np.float64 or tensor.shape != (size,):
        raise FormatError(f"{STATE} is damaged: its {name} are not {size:,} numbers of 64 bits")
    return tensor

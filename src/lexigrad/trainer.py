"""Training: a corpus and a config in, a model out, by the solver that the config names."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from lexigrad.checkpoints import array_digest, text_digest
from lexigrad.config import TrainConfig
from lexigrad.corpus import Corpus, read_corpus
from lexigrad.errors import InputError
from lexigrad.exact.solve import train_exact, train_svd
from lexigrad.heldout import check_windows, held_out_loss
from lexigrad.monitor import Monitor
from lexigrad.sgd import train_sgd
from lexigrad.softmaxsgd import train_softmax
from lexigrad.splitting import set_aside
from lexigrad.vocabulary import pack_words
from lexigrad.windowcounts import WindowCounts, count_windows

if TYPE_CHECKING:
    from lexigrad.checkpoints import Checkpoints
    from lexigrad.model import Word2Vec
    from lexigrad.progress import Progress
    from lexigrad.vocabulary import Vocabulary

__all__ = ["train"]


def train(
    corpus: Any,
    config: TrainConfig | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    validation: Any = None,
    progress: Progress | None = None,
    checkpoints: Checkpoints | None = None,
) -> Word2Vec:
    """Train word vectors, by the solver and under the loss that the config names.

    Skip-gram minimises Σ −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c) over all pairs of a center and an outside word, CBOW the
    same with the mean of the context's vectors for v_c and the center word for o; the k are drawn from the noise
    distribution. Under the naive softmax the loss of a pair is −u_o·v_c + log Σ_w exp(u_w·v_c). Stochastic gradient
    descent steps from batch to batch of the text, each step following the gradient of its summed loss
    (`lexigrad.reference.skipgram`, `lexigrad.reference.cbow`).

    The exact solver counts skip-gram's windows (`count_windows`) and minimises the loss of all pairs together, with a
    bias for each outside word; ``svd`` factorises the counts' positive pointwise mutual information.

    Args:
        corpus: a `Corpus`, or whatever `read_corpus` takes: paths, sentences as strings, lists of tokens; for the exact
            solver and svd also `WindowCounts`.
        config: the options; the defaults are word2vec.c's, except that CBOW follows its gradient.
        vocabulary: words and counts to use, in place of those of the text.
        validation: what the model is measured on in the end by `held_out_loss`; the last entry of its history then has
            a key ``validation``. A number between 0 and 1: this share of the sentences, which the seed picks, is
            held out, and the others are trained on. Or a text of its own, in any form that ``corpus`` may have. The
            exact solver stops where the loss on it no longer falls.
        progress: called from the calling thread: by SGD some ten times a second and at the end, with `TrainProgress`;
            by the others after each pass, with `lexigrad.progress.SolverProgress`.
        checkpoints: where to keep what a killed run goes on from, and whether to go on.

    Returns:
        The model, V and U of shape (|V|, dim).

    Raises:
        CorpusError: the text cannot be read, or no word is left; or a saved corpus was written to meanwhile.
        InputError: a `Corpus` or `WindowCounts` are given, and a vocabulary besides; or window counts to a solver that
            needs text; or the exact solver lacks memory; or the checkpoints are of another text or other options.
        TrainingInterrupted: Ctrl-C stopped the exact solver after its first step; a KeyboardInterrupt whose ``model``
            is that of the last step.

    Example:
        >>> sentences = ["the cat sat on the mat", "the dog sat on the rug"] * 50
        >>> model = train(sentences, TrainConfig(dim=8, min_count=1, epochs=2, threads=1))
        >>> model.V.shape, model.vectors.most_similar("cat", n=1)[0][0] in model.vocabulary
        ((7, 8), True)

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality"; shared
    negatives after Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory". word2vec.c, gensim and
    fastText draw negatives for every pair, cut long sentences, and step CBOW by the historic update.
    """
    config = config or TrainConfig()
    if isinstance(corpus, Corpus | WindowCounts):
        if vocabulary is not None:
            raise InputError(f"{type(corpus).__name__} has its vocabulary; give the vocabulary to read_corpus")
        if isinstance(corpus, Corpus):
            return _trained(corpus, config, validation, progress, checkpoints)
        return _from_counts(corpus, config, validation, progress, checkpoints)
    with read_corpus(corpus, config, vocabulary=vocabulary) as encoded:
        return _trained(encoded, config, validation, progress, checkpoints)


def _trained(
    corpus: Corpus, config: TrainConfig, validation: Any, progress: Progress | None, checkpoints: Checkpoints | None
) -> Word2Vec:
    """Train on what is not held out, and measure on what is."""
    with set_aside(corpus, validation, config) as (training, held_out):
        if held_out is not None:
            check_windows(held_out, config)
        if config.solver == "sgd":
            solve = train_softmax if config.loss == "naive_softmax" else train_sgd
            if checkpoints is not None:
                parts = _digest_of(training, "text") | _digest_of(held_out, "held-out text")
                checkpoints.begin(config, parts)
            model = solve(training, config, Monitor(training, config, progress, checkpoints))
        else:
            counts = count_windows(training, config)
            corpus.check_unchanged()
            model = _solved(counts, config, held_out, progress, checkpoints)
        corpus.check_unchanged()
        return _measured(model, held_out)


def _from_counts(
    counts: WindowCounts,
    config: TrainConfig,
    validation: Any,
    progress: Progress | None,
    checkpoints: Checkpoints | None,
) -> Word2Vec:
    """Train on window counts, and measure on a text."""
    config = replace(config, **counts.options)  # what the counts were made with, whatever the config says
    if config.solver == "sgd":
        raise InputError("SGD goes through the text, and window counts have none; take solver='exact' or 'svd'")
    if validation is None:
        return _solved(counts, config, None, progress, checkpoints)
    if isinstance(validation, Real):
        raise InputError("window counts have no sentences to hold out; give a text of its own as validation")
    with read_corpus(validation, config, vocabulary=counts.vocabulary) as held_out:
        check_windows(held_out, config)
        return _measured(_solved(counts, config, held_out, progress, checkpoints), held_out)


def _solved(
    counts: WindowCounts,
    config: TrainConfig,
    held_out: Corpus | None,
    progress: Progress | None,
    checkpoints: Checkpoints | None,
) -> Word2Vec:
    """The model by a solver that works on counts."""
    if checkpoints is not None:
        words = *pack_words(counts.vocabulary.words), counts.vocabulary.counts
        digests = {"text": array_digest([counts.starts, counts.outside, counts.weights, *words])}
        checkpoints.begin(config, {**digests, **_digest_of(held_out, "held-out text")})
    if config.solver == "svd":
        return train_svd(counts, config, progress)
    held_out_counts = None if held_out is None else count_windows(held_out, config)
    return train_exact(counts, config, progress, held_out_counts, checkpoints)


def _digest_of(corpus: Corpus | None, name: str) -> dict[str, str]:
    """What stands for a text in a checkpoint."""
    return {} if corpus is None else {name: text_digest(corpus.ids, corpus.vocabulary)}


def _measured(model: Word2Vec, held_out: Corpus | None) -> Word2Vec:
    """The model with its losses on held-out text in the last entry of its history."""
    if held_out is None:
        return model
    loss = held_out_loss(model, held_out, threads=model.config.threads)
    *others, last = model.history or [{}]
    return replace(model, history=[*others, {**last, "validation": loss.to_dict()}])

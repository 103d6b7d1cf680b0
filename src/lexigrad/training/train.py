"""Training: a corpus and a config in, a model out, by the solver that the config names."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from lexigrad.config import TrainConfig
from lexigrad.config.losses import LOSSES, SOLVERS, is_shareable
from lexigrad.corpus.corpus import Corpus, check_phrases
from lexigrad.corpus.reading import read_corpus
from lexigrad.corpus.split import set_aside
from lexigrad.corpus.windows.counts import WindowCounts, count_windows
from lexigrad.errors import ConfigError, InputError
from lexigrad.files.strings import pack_words
from lexigrad.training.checkpoints import array_digest
from lexigrad.training.exact.solve import train_exact, train_svd
from lexigrad.training.further import Start
from lexigrad.training.loss.heldout import HeldOutText
from lexigrad.training.monitor import Monitor
from lexigrad.training.progress import Callback
from lexigrad.training.records import Listeners, open_log
from lexigrad.training.sgd.solvers import SGD

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexigrad.corpus.vocabulary import Vocabulary
    from lexigrad.engines.interface import Engine
    from lexigrad.training.checkpoints import Checkpoints
    from lexigrad.training.model import Word2Vec
    from lexigrad.training.progress import Progress

__all__ = ["train"]


def train(
    corpus: Any,
    config: TrainConfig | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    names: Any = None,
    validation: Any = None,
    progress: Progress | None = None,
    callbacks: Sequence[Callback] = (),
    log: str | os.PathLike[str] | None = None,
    checkpoints: Checkpoints | None = None,
    start: Word2Vec | None = None,
    engine: Engine | None = None,
) -> Word2Vec:
    """Train word vectors, by the solver and under the loss that the config names.

    Skip-gram minimises Σ −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c) over all pairs of a center and an outside word; CBOW
    minimises the same sum with the mean of the context's vectors for v_c and the center word for o. The k are drawn
    from the noise distribution. Under the naive softmax the loss of a pair is −u_o·v_c + log Σ_w exp(u_w·v_c).
    Stochastic gradient descent steps from batch to batch of the text, each step following the gradient of its summed
    loss (`lexigrad.reference.skipgram`, `lexigrad.reference.cbow`).

    The exact solver counts skip-gram's windows (`count_windows`) and minimises the loss of all pairs together, with a
    bias for each outside word; ``svd`` factorises the counts' positive pointwise mutual information.

    Args:
        corpus: a `Corpus`, or anything that `read_corpus` takes: paths, sentences as strings, lists of tokens or of
            ids; for the exact solver and svd also `WindowCounts`.
        config: the options; the defaults are word2vec.c's, except that CBOW follows its gradient.
        vocabulary: words and counts to use, in place of those of the text.
        names: what ids are called, as for `read_corpus`: a list, or a mapping from id to name.
        validation: the text on which `held_out_loss` measures the model, after each epoch of SGD or at the end of the
            other solvers; entries of its history then have a key ``validation``. A number between 0 and 1: this share
            of the sentences, which the seed picks, is held out, and the others are trained on. Or a text of its own, in
            any form that ``corpus`` may have. The exact solver stops where the loss on it no longer falls, SGD does
            with ``early_stop``.
        progress: called from the calling thread: by SGD some ten times a second and after each epoch, with
            `TrainProgress`; by the other solvers after each pass, with `lexigrad.training.progress.SolverProgress`.
        callbacks: each gets the same reports, and SGD shows it the model after each epoch; it may end the training.
        log: a file, .csv or .jsonl, to which each record of the history is written at once, with its times; it is
            overwritten, but a run that goes on from a checkpoint goes on with its log.
        checkpoints: where to keep the state that a killed run goes on from, and whether to go on.
        start: a model to train further by SGD on this text. Words that it knows begin with its vectors, however rare
            they are here; the others begin anew. Its words that the text lacks come out as they were, and counts add
            up. Its phrases are joined, and no others. The learning rate begins at the config's again; without a config,
            all options are those of the model.
        engine: the workers, such as a cluster's, that carry the training out; the threads of this process when not
            given. The bytes are the same with any engine.

    Returns:
        The model, V and U of shape (|V|, dim). Its ``history`` has a record for each epoch of SGD: ``epoch``,
        ``words`` and ``learning_rate`` at its end, the training loss as ``loss`` (`lexigrad.training.loss.sample`), and
        ``validation``; of more than 1,000 epochs it has every second, fourth and so on. Under early stopping the record
        of the epoch whose tables the model has says ``kept``.

    Raises:
        CorpusError: the text cannot be read, or no word is left; or a saved corpus was written to meanwhile.
        ConfigError: ``early_stop`` is given, and nothing to measure on; or training ran away; or the text is too short
            for so many replicas.
        InputError: a `Corpus` or `WindowCounts` are given, and a vocabulary or names besides, or the config asks for
            phrases that they lack; or ids lack names; or window counts are given to a solver that needs text; or the
            exact solver lacks memory; or the checkpoints are of another text or other options; or the options do not
            suit the model to start from.
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
    config = config or (TrainConfig() if start is None else start.config)
    _check(config, validation, callbacks, engine)
    resume = checkpoints is not None and checkpoints.resume
    measured = validation is not None
    opened = nullcontext() if log is None else open_log(log, config, has_validation=measured, resume=resume)
    begin = None if start is None else Start(start, config)
    with opened as opened_log:
        how = config, Listeners(progress, callbacks, opened_log), checkpoints, begin, engine
        if isinstance(corpus, Corpus | WindowCounts):
            if vocabulary is not None or names is not None:
                has = f"{type(corpus).__name__} has its vocabulary"
                raise InputError(f"{has}; give the vocabulary to read_corpus, and names too")
            if config.phrases and corpus.phrases is None:
                raise InputError(f"the {type(corpus).__name__} was read without phrases; read it with phrases=…")
            if isinstance(corpus, Corpus):
                if start is not None:
                    check_phrases(corpus.phrases, start.phrases, "the corpus")
                return _trained(Job(corpus, *how), validation)
            return _from_counts(Job(corpus, *how), validation)
        known, phrases = (None, None) if start is None else (start.vocabulary, start.phrases)
        with read_corpus(corpus, config, vocabulary=vocabulary, known=known, names=names, phrases=phrases) as encoded:
            return _trained(Job(encoded, *how), validation)


@dataclass(frozen=True)
class Job:
    """One training: the text, and all that it is trained with.

    Attributes:
        text: a `Corpus`, or `WindowCounts` for a solver that works on them.
        config: the options.
        listeners: the functions that are told how far the training is, and the log.
        checkpoints: where a killed run goes on from, if anywhere.
        start: the model to train further, if any.
        engine: the workers that carry the training out; the threads of this process when there is none.
        held_out: the text to measure on, if any.
    """

    text: Any
    config: TrainConfig
    listeners: Listeners
    checkpoints: Checkpoints | None
    start: Start | None
    engine: Engine | None
    held_out: HeldOutText | None = None


def _check(config: TrainConfig, validation: Any, callbacks: Sequence[Callback], engine: Engine | None) -> None:
    """Refuse options that do not go together, before the text is read."""
    if config.early_stop is not None and validation is None:
        raise ConfigError("early_stop follows the loss on held-out text, and there is none; give a validation")
    if engine is not None and not callable(getattr(engine, "call", None)):
        raise InputError(f"engine must be one that lexigrad.engines.opening.open_engine opened, not {engine!r}")
    if engine is not None and not is_shareable(config.loss, config.solver):
        names = f"{LOSSES[config.loss].phrase} by {SOLVERS[config.solver].title}"
        raise InputError(f"{names} trains in the threads of this process; leave out engine")
    if engine is not None and not config.deterministic:
        raise InputError("threads race in one process only; leave out engine, or deterministic=False")
    if engine is not None and config.device is not None:
        raise InputError("a device computes in this process, and an engine elsewhere; leave out device or engine")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise InputError(f"callbacks must be instances of lexigrad.Callback, not {callback!r}")


def _trained(job: Job, validation: Any) -> Word2Vec:
    """Train on the sentences that are not held out, and measure on the others or on a text of its own."""
    config, start, engine = job.config, job.start, job.engine
    with set_aside(job.text, validation, config) as (training, set_apart):
        held_out = None if set_apart is None else HeldOutText(set_apart, config)
        if not SOLVERS[config.solver].reads_text:
            counts = count_windows(training, config)
            job.text.check_unchanged()
            return _solved(replace(job, text=counts, held_out=held_out))
        _begin(replace(job, text=training, held_out=held_out))
        monitor = Monitor(training, config, held_out, job.listeners, job.checkpoints)
        if config.replicas > 1:
            from lexigrad.training.replicas.run import train_replicas

            model = train_replicas(training, config, monitor, start, engine)
        elif engine is not None:
            from lexigrad.training.replicas.alone import train_alone

            model = train_alone(training, config, monitor, start, engine)
        else:
            model = SGD[config.loss](training, config, monitor, start)
        return model if start is None else start.joined(model)


def _from_counts(job: Job, validation: Any) -> Word2Vec:
    """Train on window counts, and measure on a text."""
    counts = job.text
    config = replace(job.config, **counts.options)  # the counts were made with these, and the config may differ
    job = replace(job, config=config)
    if SOLVERS[config.solver].reads_text:
        raise InputError("SGD goes through the text, and window counts have none; take solver='exact' or 'svd'")
    if validation is None:
        return _solved(job)
    if isinstance(validation, Real):
        raise InputError("window counts have no sentences to hold out; give a text of its own as validation")
    reading = replace(config, phrases=0)  # the phrases of the counts are joined, and the text learns none of its own
    with read_corpus(validation, reading, vocabulary=counts.vocabulary, phrases=counts.phrases) as text:
        check_phrases(text.phrases, counts.phrases, "the held-out text")
        return _solved(replace(job, held_out=HeldOutText(text, config)))


def _solved(job: Job) -> Word2Vec:
    """The model by a solver that works on counts."""
    _begin(job)
    if not SOLVERS[job.config.solver].minimizes:
        return train_svd(job.text, job.config, job.listeners, job.held_out, job.engine)
    return train_exact(job.text, job.config, job.listeners, job.held_out, job.checkpoints, job.engine)


def _begin(job: Job) -> None:
    """Find where the run goes on, and let the log go on there."""
    checkpoints, log = job.checkpoints, job.listeners.log
    if checkpoints is None:
        return
    digests = {"text": _digest(job.text)}
    if job.held_out is not None:
        digests["held-out text"] = _digest(job.held_out.corpus)
    if job.start is not None:
        digests["model to start from"] = _digest(job.start.model)
    checkpoints.begin(job.config, digests)
    if log is not None and checkpoints.resume:
        log.go_on_after(0 if checkpoints.state is None else checkpoints.state.values["records"]["total"])


def _digest(source: Corpus | WindowCounts | Word2Vec) -> str:
    """The digest that stands in a checkpoint for a text, its window counts or a model."""
    vocabulary = source.vocabulary
    numbers: Sequence[NDArray[Any]]
    if isinstance(source, Corpus):
        numbers = [source.ids]
    elif isinstance(source, WindowCounts):
        numbers = [source.starts, source.outside, source.weights]
    else:
        numbers = [source.V, source.U]
    return array_digest([*numbers, *pack_words(vocabulary.words), vocabulary.counts])

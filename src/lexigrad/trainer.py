"""Training: a corpus and a config in, a model out, by the solver that the config names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexigrad.config import TrainConfig
from lexigrad.corpus import Corpus, read_corpus
from lexigrad.errors import InputError
from lexigrad.sgd import train_sgd

if TYPE_CHECKING:
    from lexigrad.model import Word2Vec
    from lexigrad.progress import Progress
    from lexigrad.vocabulary import Vocabulary

__all__ = ["train"]


def train(
    corpus: Any,
    config: TrainConfig | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    progress: Progress | None = None,
) -> Word2Vec:
    """Train word vectors by stochastic gradient descent.

    Skip-gram minimises Σ −log σ(u_o·v_c) − Σ_k log σ(−u_k·v_c) over all pairs of a center and an outside word, CBOW the
    same with the mean of the context's vectors for v_c and the center word for o; the k are drawn from the noise
    distribution. One step takes up to 64 consecutive words, whose negatives are shared and whose gradients are summed
    (`lexigrad.reference.skipgram`, `lexigrad.reference.cbow`).

    Args:
        corpus: a `Corpus`, or whatever `read_corpus` takes: paths, sentences as strings, lists of tokens.
        config: the options; the defaults are word2vec.c's, except that CBOW follows its gradient.
        vocabulary: words and counts to use, in place of those of the text.
        progress: called some ten times a second, and at the end, from the calling thread.

    Returns:
        The model, V and U of shape (|V|, dim).

    Raises:
        CorpusError: the text cannot be read, or no word is left.
        InputError: a `Corpus` is given, and a vocabulary besides.

    Example:
        >>> sentences = ["the cat sat on the mat", "the dog sat on the rug"] * 50
        >>> model = train(sentences, TrainConfig(dim=8, min_count=1, epochs=2, threads=1))
        >>> model.V.shape, model.vectors.most_similar("cat", n=1)[0][0] in model.vocabulary
        ((7, 8), True)

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their compositionality"; shared
    negatives after Ji et al. 2016, "Parallelizing word2vec in shared and distributed memory". word2vec.c, gensim and
    fastText draw negatives for every pair, cut long sentences, and step CBOW by the historic update.
    """
    if isinstance(corpus, Corpus):
        if vocabulary is not None:
            raise InputError("a Corpus has its vocabulary; give the vocabulary to read_corpus")
        return train_sgd(corpus, config or TrainConfig(), progress)
    with read_corpus(corpus, config, vocabulary=vocabulary) as encoded:
        return train_sgd(encoded, config or TrainConfig(), progress)

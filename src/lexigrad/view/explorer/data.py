"""The content of the explorer's page as plain data; nothing here knows of HTTP."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lexigrad.errors import InputError
from lexigrad.evaluation.stability import VectorsSet
from lexigrad.vectors.search import unit_rows
from lexigrad.vectors.subwordvectors import SubwordVectors
from lexigrad.view.explorer.colors import Column
from lexigrad.view.explorer.places import Slow, aligned, clusters, pca_places, slow_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexigrad.vectors.keyedvectors import KeyedVectors

__all__ = ["Explorer"]

COMPARED_WORDS: Final = 2_000
COMPARED_NEIGHBORS: Final = 10
MOST_DIFFERENT: Final = 100
LEAST_WORDS: Final = 5
"""Of fewer words the principal axes show all that there is."""


class Explorer:
    """Vectors with the maps of their words, their colors, and what is asked about them.

    Args:
        vectors: the vectors to look at.
        name: their name on the page.
        compare: other vectors, shown beside the first.
        compare_name: the name of the other vectors on the page.
        also: vectors of further trainings; the page then says in how many of them a neighbor is one too.
        columns: further values to color words by, for the words of ``vectors``.
        slow: the map that `begin` computes after that of the principal axes; None for no other map.
        whole: the larger vectors of which ``vectors`` and ``compare`` hold only the first words: the other words are
            not on the map, but the page can ask about them.

    Attributes:
        sides: the vectors, and those that they are compared with: the same words in the same order.
        left_out: how many words of each are left out because the others lack them.
        columns: the values that words can be colored by.
        maps: for each map that is ready, the places of the words, float32 ``(words, 2)``, on each side.
        whole: on each side the vectors in which words that are not on the map are looked up.
        unlisted: the page's sentence about a word that is not on the map; empty where no such word can be looked up.

    Raises:
        InputError: there are no words, or vectors to be compared have fewer than two words in common.

    Example:
        >>> from lexigrad import KeyedVectors
        >>> vectors = KeyedVectors(["king", "queen", "apple"], [[1, 1], [1, 0.8], [-1, 0]])
        >>> Explorer(vectors, "mine").nearest([0], [], n=1)[0]["id"]
        1
    """

    def __init__(
        self,
        vectors: KeyedVectors,
        name: str,
        *,
        compare: KeyedVectors | None = None,
        compare_name: str = "",
        also: Sequence[KeyedVectors] = (),
        columns: Sequence[Column] = (),
        slow: Slow | None = None,
        whole: Sequence[KeyedVectors] = (),
    ) -> None:
        if not len(vectors):
            raise InputError(f"{name} holds no words; there is nothing to show")
        given = [vectors, *([] if compare is None else [compare]), *also]
        self.left_out = [0]
        kept = list(columns)
        members = given
        if len(given) > 1:
            common = VectorsSet(given)
            members, self.left_out = common.members, common.left_out
            rows = np.array([vectors.word_ids[word] for word in common.words])
            kept = [Column(column.name, column.values[rows], column.labels) for column in columns]
        number_of_sides = 1 if compare is None else 2
        self.sides = members[:number_of_sides]
        self.names = [name, compare_name][:number_of_sides]
        self.whole = list(whole or given)[:number_of_sides]
        self.unlisted = _of_unlisted(self.whole, len(self.sides[0]))
        self.trainings = VectorsSet([members[0], *members[number_of_sides:]]) if also else None
        self.columns = [_frequency(self.sides[0]), _cluster_column(self.sides[0]), *kept]
        first = pca_places(self.sides[0])
        self.maps = {"pca": [first, *(aligned(pca_places(side), first) for side in self.sides[1:])]}
        self.different: list[dict[str, Any]] | None = None
        self.slow = slow if len(self.words) >= LEAST_WORDS else None
        self.failure = ""
        self._is_computing = False

    @property
    def words(self) -> list[str]:
        """All words that the page shows."""
        return self.sides[0].words

    def begin(self) -> threading.Thread:
        """Begin to compute how two models differ, and the slow map; return the thread that does it."""
        self._is_computing = True
        thread = threading.Thread(target=self._compute, name="explorer", daemon=True)
        thread.start()
        return thread

    def summary(self) -> dict[str, Any]:
        """The facts that the page needs before it draws: names, sizes, the maps that are ready or to come, colors."""
        counts = self.sides[0].counts
        return {
            "names": self.names,
            "words": len(self.words),
            "dim": [side.dim for side in self.sides],
            "left_out": self.left_out,
            "trainings": len(self.trainings) if self.trainings else 0,
            "counts": None if counts is None else counts.tolist(),
            "columns": [column.to_dict() for column in self.columns],
            "unlisted": self.unlisted,
            **self.status(),
        }

    def status(self) -> dict[str, Any]:
        """Which maps are ready, and which is being computed."""
        coming = self.slow if self._is_computing and self.slow not in self.maps else None
        return {"maps": list(self.maps), "coming": coming, "failure": self.failure, "waiting": self._is_computing}

    def nearest(
        self, plus: Sequence[int | str], minus: Sequence[int | str], n: int = 20, side: int = 0
    ) -> list[dict[str, float | int]]:
        """The words nearest to Σ plus − Σ minus.

        Args:
            plus: the words that are added: ids, or text for words that are not on the map.
            minus: the words that are subtracted, in the same form.
            n: how many words to return.
            side: the vectors to search, the number of one of ``sides``.

        Returns:
            For each word its ``id`` and ``cosine``. For the neighbors of one word, where there are further trainings,
            the cosine is the mean over all trainings, and ``agree`` says in how many the word is among the nearest.

        Raises:
            InputError: nothing is given, or an id or the side is out of range.
            UnknownWordError: a word given as text has no vector.
        """
        if not 0 <= side < len(self.sides):
            raise InputError(f"side must be below {len(self.sides)}, not {side}")
        for term in (*plus, *minus):
            if isinstance(term, int) and not 0 <= term < len(self.words):
                raise InputError(f"a word's id must be from 0 to {len(self.words) - 1:,}, not {term}")
        if self.trainings and side == 0 and len(plus) == 1 and not minus and isinstance(plus[0], int):
            shared = self.trainings.most_similar(self.words[plus[0]], n)
            ids = self.trainings.members[0].word_ids
            return [{"id": ids[word], "cosine": cosine, "agree": agree} for word, cosine, agree in shared]
        vectors = self.sides[side]
        alone = len(plus) + len(minus) == 1
        query, given = vectors.combined(*([self._term(term, side, alone) for term in terms] for terms in (plus, minus)))
        found, cosines = vectors.nearest([query], n, exclude=np.array([given or [-1]]))
        pairs = zip(found[0].tolist(), cosines[0].tolist(), strict=True)
        return [{"id": word_id, "cosine": cosine} for word_id, cosine in pairs if word_id >= 0]

    def _term(self, term: int | str, side: int, alone: bool) -> str | NDArray[np.float64]:
        """Return a word on the map as text, and another as its vector, of length 1 where it is not alone."""
        if isinstance(term, int):
            return self.words[term]
        row = self.whole[side].vectors_for([term]).astype(np.float64)
        vector: NDArray[np.float64] = (row if alone else unit_rows(row))[0]
        return vector

    def _compute(self) -> None:
        """Compute what `begin` names; without a result that cannot be had the page goes on, and says why."""
        try:
            if len(self.sides) > 1:
                self.different = _most_different(self.sides)
            if self.slow:
                first = slow_places(self.sides[0], self.slow)
                others = [aligned(slow_places(side, self.slow), first) for side in self.sides[1:]]
                self.maps = {**self.maps, self.slow: [first, *others]}
        except MemoryError:
            self.failure = "there is not enough memory; --restrict shows fewer words"
        except ImportError as error:
            self.failure = f"its package cannot be loaded: {error}"
        except (ValueError, RuntimeError) as error:  # what UMAP and scikit-learn raise for vectors they cannot place
            self.failure = f"its package says: {error}"
        finally:
            self._is_computing = False


def _of_unlisted(whole: Sequence[KeyedVectors], shown: int) -> str:
    """The page's sentence about words that are looked up but are not on the map."""
    reasons = ["is not among the words shown"] if any(len(vectors) > shown for vectors in whole) else []
    if any(isinstance(vectors, SubwordVectors) for vectors in whole):
        reasons.append("has its vector from its subwords")
    return f"Not on the map: it {' or '.join(reasons)}." if reasons else ""


def _frequency(vectors: KeyedVectors) -> Column:
    """How frequent each word is: the logarithm of its count, or of its rank where counts are not known."""
    if vectors.counts is not None:
        return Column("frequency", np.log10(np.maximum(vectors.counts, 1)).astype(np.float32))
    return Column("rank", -np.log10(np.arange(1, len(vectors) + 1)).astype(np.float32))


def _cluster_column(vectors: KeyedVectors) -> Column:
    """The words' clusters, each named by its three most frequent words."""
    of = clusters(vectors)
    labels = []
    for number in range(int(of.max()) + 1):
        examples = [vectors.words[i] for i in np.flatnonzero(of == number)[:3]]
        labels.append(", ".join(word if len(word) <= 20 else f"{word[:20]}…" for word in examples))
    return Column("cluster", of.astype(np.float32), labels)


def _most_different(sides: Sequence[KeyedVectors]) -> list[dict[str, Any]]:
    """The frequent words whose neighbors on the two sides have the fewest words in common, and the share of these."""
    looked_at = np.arange(min(len(sides[0]), COMPARED_WORDS))
    found = []
    for side in sides:
        ids, _ = side.nearest(side.matrix[looked_at], COMPARED_NEIGHBORS, exclude=looked_at[:, np.newaxis])
        found.append([set(row[row >= 0].tolist()) for row in ids])
    shares = np.array([len(one & other) / max(len(one), 1) for one, other in zip(*found, strict=True)])
    order = np.argsort(shares, kind="stable")[:MOST_DIFFERENT]
    return [{"id": int(i), "shared": float(shares[i])} for i in order]

"""A training run as the page shows it while it goes on: its course, a map of some words, and how neighbors settle.

`Watch` is a callback of the training: while training rests, the callback copies the vectors of the frequent words, and
does nothing else. All else is computed when a page asks, in the server's threads.
"""

from __future__ import annotations

import base64
import time
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.errors import InputError
from lexigrad.training.progress import Callback
from lexigrad.view.explorer.colors import Column
from lexigrad.view.explorer.curves import Course
from lexigrad.view.explorer.frame import Frame, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lexigrad.training.progress import SolverProgress, TrainProgress

__all__ = ["WORDS_WATCHED", "Watch"]

WORDS_WATCHED: Final = 5_000
"""So many of the most frequent words are on the map and can be neighbors."""
WORDS_FITTED: Final = 500
"""The map's axes are the principal axes of so many words."""
LOOK_SECONDS: Final = 0.8
"""At least so many seconds lie between two looks: training rests about once a second."""
LOOK_EVERY: Final = 150
"""A look waits so many times as long as the last one took, here and in a page: looks cost some percent at most."""
MOST_SECONDS: Final = 10.0
"""No look waits longer than this, and pages get new figures after this time even without a look."""
LOOKS_KEPT: Final = 12
"""So many looks, spread over the run, show how neighbors settle; each takes 4 bytes for each number of its vectors."""
NEIGHBORS: Final = 10
ANSWERS_KEPT: Final = 1_000
LONGEST_WAIT: Final = 10.0
"""Seconds after which a page that waits for news is told that there is none."""


class _Look(NamedTuple):
    """The words' unit vectors as they were at one time of the run."""

    number: int
    at: float  # epochs, or seconds
    units: NDArray[np.float32]


class Watch(Callback):
    """One training run, watched; give it to `lexigrad.train` as a callback.

    A watch has all that the explorer's server asks of an `lexigrad.view.explorer.data.Explorer`, and `news` besides.

    Args:
        name: the name of the run on the page.

    Attributes:
        state: ``reading``, ``training``, ``over`` or ``stopped``.

    Example:
        >>> import lexigrad
        >>> watch = Watch("mine")
        >>> with lexigrad.read_corpus(["the cat sat", "the dog sat"], lexigrad.TrainConfig(min_count=1)) as corpus:
        ...     watch.begin(corpus.vocabulary.words, corpus.vocabulary.counts, 4, epochs=5)
        ...     model = lexigrad.train(corpus, lexigrad.TrainConfig(dim=4, threads=1), callbacks=[watch])
        >>> watch.end(model.vectors.matrix, "done")
        >>> news = watch.news([0])
        >>> news["state"], len(news["neighbors"]), news["course"]["at"]
        ('over', 3, 5.0)
    """

    def __init__(self, name: str) -> None:
        self.names = [name]
        self.words: list[str] = []
        self.columns: list[Column] = []
        self.different: list[dict[str, Any]] = []
        self.sides: list[Watch] = [self]
        self.state, self.note = "reading", ""
        self._counts: list[int] = []
        self._first = 0
        self._course = Course(None)
        self._looks: list[_Look] = []
        self._every = 1
        self._looked = -float("inf")
        self._published = -float("inf")
        self._version = 0
        self._changed = Condition()
        self._placing = Lock()
        self._placed: tuple[int, NDArray[np.float32]] | None = None
        self._dim = 0
        self._cost = self._page_cost = 0.0  # seconds of the latest look here, and in the page that took longest
        self._found: dict[tuple[Any, ...], list[dict[str, float | int]]] = {}
        self._waiting = 0  # pages that wait for news
        self._audience = [0, 0]  # how many pages waited when news came last, and when news came before that
        self._told = 0  # pages that know that training is over

    # -------------------- what training tells, from its own thread

    def begin(
        self,
        words: Sequence[str],
        counts: NDArray[np.int64],
        dim: int,
        *,
        thinned: int = 0,
        epochs: int | None = None,
    ) -> None:
        """Take in the vocabulary when training begins.

        Args:
            words: the words of the vocabulary, the most frequent first.
            counts: how often each word occurs.
            dim: the length of a vector.
            thinned: how many of the first words subsampling leaves out at times: they stand beside everything and say
                little, so the map is made for the words behind them, and these are labelled first.
            epochs: the number of epochs, where the solver counts them.
        """
        n = min(len(words), WORDS_WATCHED)
        self.words, self._counts = list(words[:n]), np.asarray(counts[:n]).tolist()
        self.columns = [Column("frequency", np.log10(np.maximum(counts[:n], 1)).astype(np.float32))]
        self._dim = dim
        self._first = thinned if thinned + 2 <= n else 0
        self._frame = Frame(slice(self._first, self._first + WORDS_FITTED))
        self._course = Course(epochs)
        self._publish("training")

    def on_report(self, progress: TrainProgress | SolverProgress) -> None:
        """Add a report to the course of the run."""
        with self._changed:
            self._course.add(progress)
        if time.monotonic() - self._published >= MOST_SECONDS:
            self._publish("training")

    def on_rest(self, rows: Callable[[int], Any]) -> None:
        """Look at the frequent words, if the last look is long enough ago."""
        pause = max(LOOK_SECONDS, min(LOOK_EVERY * (self._cost + self._page_cost), MOST_SECONDS))
        if time.monotonic() - self._looked >= pause:
            self._look(rows(len(self.words)))
            self._publish("training")

    def end(self, matrix: NDArray[np.float32], note: str) -> None:
        """Take in the vectors with which training has ended, and a note that the page shows."""
        self._look(matrix[: len(self.words)])
        self._publish("over", note)

    def stop(self, note: str) -> None:
        """Tell pages that training ended before its time; after `end` this does nothing."""
        if self.state != "over":
            self._publish("stopped", note)

    @property
    def is_over(self) -> bool:
        """Whether training has ended, so that no news will follow."""
        return self.state in ("over", "stopped")

    # -------------------- what pages ask, from the server's threads

    @property
    def maps(self) -> dict[str, list[NDArray[np.float32]]]:
        """The only map, with the places of the words at the latest look."""
        return {"pca": [self._places()[1]]}

    def summary(self) -> dict[str, Any]:
        """The names, sizes and colors that the page needs before it draws."""
        return {
            "names": self.names,
            "words": len(self.words),
            "dim": [self._dim],
            "left_out": [0],
            "trainings": 0,
            "counts": self._counts,
            "columns": [column.to_dict() for column in self.columns],
            "watched": True,
            "labelled_from": self._first,
            **self.status(),
        }

    def status(self) -> dict[str, Any]:
        """The state of the run, and the only map, which is always ready."""
        return {"maps": ["pca"], "coming": None, "failure": "", "waiting": False, "state": self.state}

    def nearest(
        self, plus: Sequence[int | str], minus: Sequence[int | str], n: int = 20, side: int = 0
    ) -> list[dict[str, float | int]]:
        """The words nearest to Σ plus − Σ minus at the latest look, of the words that are watched.

        Args:
            plus: ids of the words that are added.
            minus: ids of the words that are subtracted.
            n: how many words to return.
            side: not used, as one run has one side.

        Raises:
            InputError: nothing is given, or an id is out of range, or text.
        """
        added, taken = self._ids(plus), self._ids(minus)
        if not (added or taken):
            raise InputError("give at least one word")
        looks = self._looks
        return self._nearest(looks[-1], added, taken, n) if looks else []

    def news(
        self,
        plus: Sequence[int | str] = (),
        minus: Sequence[int | str] = (),
        *,
        seen: int = 0,
        look: int = 0,
        took: float = 0.0,
    ) -> dict[str, Any]:
        """How the run stands: the answer waits until there is something newer than what the page has seen.

        Args:
            plus: ids of words; the page wants the neighbors of Σ plus − Σ minus.
            minus: ids of the words that are subtracted.
            seen: the ``version`` of the news that the page has; 0 where it has none.
            look: the ``look`` of the news that the page has; 0 where it has none.
            took: the seconds in which the page showed that news; looks become rarer where they are many.

        Returns:
            ``version``, ``state``, ``note``, ``course``, and ``look``, the number of the latest look, 0 before the
            first. If that look is new to the page, also ``places``: float32, little-endian, in base 64. If words are
            given, also ``neighbors``, the 10 nearest with cosines, and ``settled``: for each look that is kept, and for
            the latest, ``at`` and the ids of the 10 words that were nearest then.

        Raises:
            InputError: an id is out of range, or text.
        """
        added, taken = self._ids(plus), self._ids(minus)
        with self._changed:
            self._waiting += 1
            self._page_cost = max(self._page_cost, took)
            self._changed.wait_for(lambda: self._version > seen or self.is_over, timeout=LONGEST_WAIT)
            self._waiting -= 1
            self._told += self.is_over
            self._changed.notify_all()
            found: dict[str, Any] = {
                "version": self._version,
                "state": self.state,
                "note": self.note,
                "course": self._course.to_dict(),
                "look": self._looks[-1].number if self._looks else 0,
            }
            looks = list(self._looks)
        if looks and looks[-1].number != look:
            found["look"], places = self._places()
            found["places"] = base64.b64encode(places.astype("<f4").tobytes()).decode("ascii")
        if looks and (added or taken):
            nearest = [self._nearest(one, added, taken, NEIGHBORS) for one in looks]
            found["neighbors"] = nearest[-1]
            found["settled"] = [
                {"at": one.at, "ids": [item["id"] for item in items]} for one, items in zip(looks, nearest, strict=True)
            ]
        return found

    def wait_until_told(self, seconds: float) -> bool:
        """Wait until the pages that followed the run know its end, at most so many seconds; return whether they do."""
        with self._changed:
            return self._changed.wait_for(lambda: self._told >= max(self._audience), timeout=seconds)

    def _ids(self, terms: Sequence[int | str]) -> list[int]:
        """Return the ids; refuse one that is of no word that is watched."""
        for term in terms:
            if not (isinstance(term, int) and 0 <= term < len(self.words)):
                raise InputError(f"a word's id must be from 0 to {len(self.words) - 1:,}, not {term!r}")
        return [int(term) for term in terms]

    def _nearest(self, look: _Look, plus: Sequence[int], minus: Sequence[int], n: int) -> list[dict[str, float | int]]:
        """Return the words nearest at a look, which are computed once and kept."""
        key = look.number, tuple(plus), tuple(minus), n
        if len(self._found) > ANSWERS_KEPT:
            self._found = {}
        if key not in self._found:
            self._found[key] = _nearest(look.units, plus, minus, n)
        return self._found[key]

    def _places(self) -> tuple[int, NDArray[np.float32]]:
        """Return the latest look's number and its places, which one thread at a time computes, once for each look."""
        with self._placing:
            looks = self._looks
            if not looks:
                return 0, np.zeros((len(self.words), 2), np.float32)
            if self._placed is None or self._placed[0] != looks[-1].number:
                self._placed = looks[-1].number, self._frame.places(looks[-1].units)
            return self._placed

    def _look(self, rows: NDArray[np.float32]) -> None:
        """Keep the rows as the latest look, and some of the looks before it."""
        began = time.monotonic()
        units = np.zeros((len(self.words), rows.shape[1]), np.float32)
        units[: len(rows)] = unit_vectors(rows)
        number = self._looks[-1].number + 1 if self._looks else 1
        kept = [look for look in self._looks if (look.number - 1) % self._every == 0]
        if len(kept) > LOOKS_KEPT:
            kept, self._every = kept[::2], 2 * self._every
        self._looks = [*kept, _Look(number, self._course.at, units)]
        self._looked = time.monotonic()
        self._cost, self._page_cost = self._looked - began, 0.0  # until a page tells

    def _publish(self, state: str, note: str = "") -> None:
        """Set the state and the note, and wake all pages that wait for news."""
        with self._changed:
            self.state, self.note = state, note
            self._version += 1
            self._published = time.monotonic()
            self._audience = [self._waiting, self._audience[0]]
            self._changed.notify_all()


def _nearest(
    units: NDArray[np.float32], plus: Sequence[int], minus: Sequence[int], n: int
) -> list[dict[str, float | int]]:
    """Return ids and cosines of the rows nearest to Σ plus − Σ minus, the given rows left out."""
    query = units[list(plus)].sum(axis=0) - units[list(minus)].sum(axis=0)
    length = float(np.sqrt(query @ query)) or 1.0
    cosines = np.einsum("ij,j->i", units, query) / length
    cosines[[*plus, *minus]] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:n]
    return [{"id": int(i), "cosine": round(float(cosines[i]), 6)} for i in order if cosines[i] > -np.inf]

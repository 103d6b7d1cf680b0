"""A training run as the page shows it while it goes on: its course, a map of some words, and how neighbors settle.

`Watch` is a callback of the training: while that rests, it copies the vectors of the frequent words, and nothing else.
All else is computed when a page asks, in the server's threads.
"""

from __future__ import annotations

import base64
import time
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lexigrad.errors import InputError
from lexigrad.explorer.columns import Column
from lexigrad.explorer.curves import Course
from lexigrad.explorer.frames import Frame, unit_vectors
from lexigrad.progress import Callback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lexigrad.progress import SolverProgress, TrainProgress

__all__ = ["WORDS_WATCHED", "Watch"]

WORDS_WATCHED: Final = 5_000
"""So many of the most frequent words are on the map and can be neighbors."""
WORDS_FITTED: Final = 500
"""The map's axes are those of so many words."""
LOOK_SECONDS: Final = 0.8
"""Between two looks at least so long: training rests about once a second."""
LOOK_EVERY: Final = 150
"""A look waits until so many times what the last one cost have passed, here and in a page: some percent at most."""
MOST_SECONDS: Final = 10.0
"""It does not wait longer; and pages get new figures so often, look or not."""
LOOKS_KEPT: Final = 12
"""Looks, spread over the run, by which neighbors are followed; each takes 4 bytes for each number of its vectors."""
NEIGHBORS: Final = 10
ANSWERS_KEPT: Final = 1_000
LONGEST_WAIT: Final = 10.0
"""Seconds after which a page that waits for news is told that there is none."""


class _Look(NamedTuple):
    """The words as they were."""

    number: int
    at: float  # epochs, or seconds
    units: NDArray[np.float32]


class Watch(Callback):
    """One training run, watched; give it to `lexigrad.train` as a callback.

    It has what the explorer's server asks of an `lexigrad.explorer.data.Explorer`, and `news` besides.

    Args:
        name: how the page calls the run.

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
        self._cost = self._page_cost = 0.0  # seconds that the latest look took here, and in the page that took longest
        self._found: dict[tuple[Any, ...], list[dict[str, float | int]]] = {}
        self._waiting = 0  # pages that wait for news
        self._audience = [0, 0]  # how many did when news came last, and the time before
        self._told = 0  # pages that know that it is over

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
        """Training begins.

        Args:
            words: its vocabulary, the most frequent first.
            counts: how frequent each is.
            dim: the length of a vector.
            thinned: how many of the first words subsampling leaves out at times: they stand beside everything and say
                little, so the map is made for the words behind them, and those are labelled first.
            epochs: how many there will be, where a solver counts them.
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
        """Follow the course."""
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
        """Training is over, and this is what came of it; the page shows the note."""
        self._look(matrix[: len(self.words)])
        self._publish("over", note)

    def stop(self, note: str) -> None:
        """Training ended before its time; after `end` this does nothing."""
        if self.state != "over":
            self._publish("stopped", note)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("over", "stopped")

    # -------------------- what pages ask, from the server's threads

    @property
    def maps(self) -> dict[str, list[NDArray[np.float32]]]:
        """The one map there is, with the places of the words at the latest look."""
        return {"pca": [self._places()[1]]}

    def summary(self) -> dict[str, Any]:
        """What the page must know before it draws."""
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
        """That the one map is there."""
        return {"maps": ["pca"], "coming": None, "failure": "", "waiting": False, "state": self.state}

    def nearest(
        self, plus: Sequence[int | str], minus: Sequence[int | str], n: int = 20, side: int = 0
    ) -> list[dict[str, float | int]]:
        """The words nearest to Σ plus − Σ minus at the latest look, of the words that are watched.

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
            plus: ids of words whose neighbors are wanted; ``minus`` likewise.
            minus: ids.
            seen: the ``version`` of the news before; 0 where there was none.
            look: that news' ``look``, likewise.
            took: seconds that it took the page to show it; looks become rarer where that is long.

        Returns:
            ``version``, ``state``, ``note``, ``course``, and ``look``, the number of the latest look, 0 before the
            first. Where that is a new one ``places``: float32, little-endian, in base 64. If words are given,
            ``neighbors``, the 10 nearest with cosines, and ``settled``: for each look that is kept, and the latest,
            ``at`` and the ids of the 10 nearest then.
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
        """Wait until the pages that followed the run know its end, at most so long; says whether they do."""
        with self._changed:
            return self._changed.wait_for(lambda: self._told >= max(self._audience), timeout=seconds)

    def _ids(self, terms: Sequence[int | str]) -> list[int]:
        """The ids of words that are watched."""
        for term in terms:
            if not (isinstance(term, int) and 0 <= term < len(self.words)):
                raise InputError(f"a word's id must be from 0 to {len(self.words) - 1:,}, not {term!r}")
        return [int(term) for term in terms]

    def _nearest(self, look: _Look, plus: Sequence[int], minus: Sequence[int], n: int) -> list[dict[str, float | int]]:
        """The words nearest at a look; found once."""
        key = look.number, tuple(plus), tuple(minus), n
        if len(self._found) > ANSWERS_KEPT:
            self._found = {}
        if key not in self._found:
            self._found[key] = _nearest(look.units, plus, minus, n)
        return self._found[key]

    def _places(self) -> tuple[int, NDArray[np.float32]]:
        """The latest look's number, and the places then; computed once, one after the other."""
        with self._placing:
            looks = self._looks
            if not looks:
                return 0, np.zeros((len(self.words), 2), np.float32)
            if self._placed is None or self._placed[0] != looks[-1].number:
                self._placed = looks[-1].number, self._frame.places(looks[-1].units)
            return self._placed

    def _look(self, rows: NDArray[np.float32]) -> None:
        """Keep the rows as the latest look; of those before it, some."""
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
        """Tell all who wait."""
        with self._changed:
            self.state, self.note = state, note
            self._version += 1
            self._published = time.monotonic()
            self._audience = [self._waiting, self._audience[0]]
            self._changed.notify_all()


def _nearest(
    units: NDArray[np.float32], plus: Sequence[int], minus: Sequence[int], n: int
) -> list[dict[str, float | int]]:
    """Ids and cosines of the rows nearest to Σ plus − Σ minus, without these."""
    query = units[list(plus)].sum(axis=0) - units[list(minus)].sum(axis=0)
    length = float(np.sqrt(query @ query)) or 1.0
    cosines = np.einsum("ij,j->i", units, query) / length
    cosines[[*plus, *minus]] = -np.inf
    order = np.argsort(-cosines, kind="stable")[:n]
    return [{"id": int(i), "cosine": round(float(cosines[i]), 6)} for i in order if cosines[i] > -np.inf]

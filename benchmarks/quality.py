"""How good word vectors are, by two old yardsticks; NumPy only: `python benchmarks/quality.py VECTORS EVAL_FOLDER`.

Similarity: Spearman's rank correlation between the cosines of pairs of words and the scores that people gave them.
Analogies: the share of Google's questions that 3CosAdd answers, of those whose words are all among the 30,000 most
frequent, which are also the only answers looked at. Vectors are to be ordered by frequency, as all trainers write them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import lexigrad

SEARCHED_WORDS = 30_000
BLOCK_QUESTIONS = 512

Floats = NDArray[np.float64]


def evaluate(vectors: Path, folder: Path) -> dict[str, float]:
    """All scores times 100: one for each file ``EN-*.txt`` in the folder, ``analogies`` for ``questions-words.txt``.

    ``questions`` is the number of questions asked.
    """
    loaded = lexigrad.load_vectors(vectors)
    words = {word: word_id for word_id, word in enumerate(loaded.words)}
    matrix = np.asarray(loaded.matrix, dtype=np.float32)
    units = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    scores = {path.stem: similarity(units, words, path) for path in sorted(folder.glob("EN-*.txt"))}
    questions = read_questions(folder / "questions-words.txt", words)
    return {**scores, "analogies": analogies(units[:SEARCHED_WORDS], questions), "questions": float(len(questions))}


def similarity(units: NDArray[np.float32], words: dict[str, int], path: Path) -> float:
    """Spearman's correlation times 100 over the pairs of which both words have a vector."""
    lines = [line.lower().split()[:3] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    known = [(words[a], words[b], float(score)) for a, b, score in lines if a in words and b in words]
    first, second, given = (np.array(column) for column in zip(*known, strict=True))
    cosines = np.einsum("ij,ij->i", units[first], units[second])
    return 100 * float(np.corrcoef(ranks(cosines), ranks(given))[0, 1])


def ranks(values: NDArray[np.floating]) -> Floats:
    """The rank of each value; equal values share the mean of their ranks."""
    _, groups, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return np.asarray((ends - (sizes - 1) / 2)[groups], dtype=np.float64)


def read_questions(path: Path, words: dict[str, int]) -> NDArray[np.int64]:
    """The ids of the four words of each question that can be asked."""
    lines = [
        line.lower().split() for line in path.read_text(encoding="utf-8").splitlines() if line[:1] not in {"", ":"}
    ]
    found = [[words.get(word, SEARCHED_WORDS) for word in line] for line in lines]
    return np.array([ids for ids in found if max(ids) < SEARCHED_WORDS], dtype=np.int64).reshape(-1, 4)


def analogies(units: NDArray[np.float32], questions: NDArray[np.int64]) -> float:
    """The share, times 100, of questions a : b = c : d for which d is nearest to b − a + c, a, b and c left out."""
    right = 0
    for begin in range(0, len(questions), BLOCK_QUESTIONS):
        a, b, c, d = questions[begin : begin + BLOCK_QUESTIONS].T
        cosines = (units[b] - units[a] + units[c]) @ units.T
        row = np.arange(len(a))
        for given in (a, b, c):
            cosines[row, given] = -np.inf
        right += int((cosines.argmax(axis=1) == d).sum())
    return 100 * right / max(len(questions), 1)


if __name__ == "__main__":
    print(json.dumps(evaluate(Path(sys.argv[1]), Path(sys.argv[2]))))

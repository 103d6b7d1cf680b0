"""How good word vectors are, by two old yardsticks: `python benchmarks/quality.py VECTORS EVAL_FOLDER`.

Similarity: Spearman's rank correlation between the cosines of pairs of words and the scores that people gave them.
Analogies: the share of Google's questions that 3CosAdd answers, of those whose words are all among the 30,000 most
frequent, which are also the only answers looked at. Vectors are to be ordered by frequency, as all trainers write them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lexigrad

SEARCHED_WORDS = 30_000


def evaluate(path: Path, folder: Path) -> dict[str, float]:
    """All scores times 100: one for each file ``EN-*.txt`` in the folder, ``analogies`` for ``questions-words.txt``.

    ``questions`` is the number of questions asked.
    """
    vectors = lexigrad.load_vectors(path)
    scores = {
        pairs.stem: 100 * lexigrad.evaluate_similarity(vectors, pairs, restrict=None).spearman
        for pairs in sorted(folder.glob("EN-*.txt"))
    }
    analogies = lexigrad.evaluate_analogies(vectors, folder / "questions-words.txt", restrict=SEARCHED_WORDS).total
    return {**scores, "analogies": 100 * analogies.accuracy, "questions": float(analogies.answered)}


if __name__ == "__main__":
    print(json.dumps(evaluate(Path(sys.argv[1]), Path(sys.argv[2]))))

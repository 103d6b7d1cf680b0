"""Vectors of lexigrad, gensim and GloVe on similarity, analogies and sentiment, side by side.

    python benchmarks/vectors.py TEXT --data FOLDER

lexigrad and gensim train skip-gram on TEXT (100 dimensions, window 5, 5 negatives, 5 epochs, one seed). FOLDER holds
`eval/` (EN-*.txt, questions-words.txt), `glove/` with one file of GloVe vectors, and `sst/trees/`. Scores are times
100; a score with few answers says little, so the table gives coverage. Results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from train_vs_gensim import RESULTS, Settings, command_of, machine, run_process

import lexigrad

RESTRICT = 30_000


def main() -> None:
    """Train, measure, print a Markdown table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with eval/, glove/ and sst/trees/")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    treebank = lexigrad.StanfordSentiment(options.data / "sst" / "trees")
    rows = [measure(name, vectors, options.data, treebank) for name, vectors in all_vectors(options)]
    results = {"text": options.text.name, "restrict": RESTRICT, "machine": machine(), "rows": rows}
    options.results.mkdir(parents=True, exist_ok=True)
    target = options.results / f"vectors-{options.text.stem}.json"
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print_table(rows)


def all_vectors(options: argparse.Namespace) -> list[tuple[str, lexigrad.KeyedVectors]]:
    """The vectors of each program, by name."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.bin"
        for program in ("lexigrad", "gensim"):
            run_process(command_of(program, "skipgram", 1, options.text, path, options, Settings()))
            found.append((f"{program}, {options.text.stem}", lexigrad.load_vectors(path)))
    (glove,) = sorted((options.data / "glove").iterdir())
    return [*found, (glove.name, lexigrad.load_vectors(glove))]


def measure(
    name: str, vectors: lexigrad.KeyedVectors, data: Path, treebank: lexigrad.StanfordSentiment
) -> dict[str, Any]:
    """All scores of one file of vectors."""
    similarity = {
        path.stem: lexigrad.evaluate_similarity(vectors, path).to_dict() | {"similarity": path.name}
        for path in sorted((data / "eval").glob("EN-*.txt"))
    }
    questions = data / "eval" / "questions-words.txt"
    asked = lexigrad.evaluate_analogies(vectors, questions, restrict=RESTRICT)
    analogies = asked.to_dict() | {"analogies": questions.name}
    sentiment = lexigrad.classify_sentiment(vectors, treebank, name=name, mistakes=0).to_dict()
    return {"name": name, "similarity": similarity, "analogies": analogies, "sentiment": sentiment}


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print a Markdown table: each score, and in brackets the numbers of questions answered and asked."""
    sets = list(rows[0]["similarity"])
    heading = ["vectors", *sets, "analogies", "sentiment dev / test", "tokens covered"]
    print(f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    for row in rows:
        scores = [row["similarity"][name] for name in sets]
        cells = [f"{100 * score['spearman']:.1f} ({score['answered']}/{score['asked']})" for score in scores]
        total = row["analogies"]["total"]
        cells.append(f"{100 * total['accuracy']:.1f} ({total['answered']}/{total['asked']})")
        sentiment = row["sentiment"]
        cells.append(f"{100 * sentiment['best_dev_accuracy']:.1f} / {100 * sentiment['test_accuracy']:.1f}")
        cells.append(f"{100 * sentiment['coverage']['share']:.1f} %")
        print(f"| {' | '.join([row['name'], *cells])} |")


if __name__ == "__main__":
    main()

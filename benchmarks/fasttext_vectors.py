"""Vectors of unknown words: lexigrad's from a model's file, and those that fastText and floret give themselves.

    python benchmarks/fasttext_vectors.py TEXT -o benchmarks/results/fasttext_vectors.json

Needs the packages fasttext and floret beside lexigrad. Trains small models of each kind on TEXT, and asks for 1,000
words that none of them lists: words of TEXT that are too rare, and words of other languages and scripts.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import fasttext
import floret
import numpy as np

import lexigrad
from lexigrad import SubwordVectors

WORDS = 1000
OTHERS = (
    "Donaudampfschifffahrtsgesellschaft Straßenbahnhaltestelle Größenwahn überqueren Käse naïveté café cafe\u0301",
    "достопримечательность ёжик кошками переводчица съезд İstanbul ﬁligree coöperate",
    "日本語 東京都庁舎 猫 ひらがな カタカナ 自然言語処理 한국어 언어처리 🤷🏽‍♀️ 🦊🦊 👩‍👩‍👧",
)
# Ten threads: with fewer, fastText 0.9.3 leaves parts of its tables without numbers of their own.
OPTIONS = {"dim": 100, "bucket": 20_000, "minCount": 5, "epoch": 1, "thread": 10, "verbose": 0}


def unknown_words(text: Path) -> list[str]:
    """Rare words of the text, and words of other scripts alone, in twos and with endings of others."""
    counts = Counter(text.read_text(encoding="utf-8").split())
    random = Random(1)
    others = " ".join(OTHERS).split()
    others += dict.fromkeys(random.choice(others) + random.choice(others) for _ in range(5 * WORDS))
    rare = sorted(word for word, count in counts.items() if count < OPTIONS["minCount"])
    return [*random.sample(rare, WORDS // 2), *(word for word in others if word not in counts)][:WORDS]


def models(text: Path, labelled: Path) -> dict[str, Any]:
    """One model of each kind."""
    return {
        "fasttext skipgram": fasttext.train_unsupervised(str(text), **OPTIONS),
        "fasttext cbow": fasttext.train_unsupervised(str(text), model="cbow", minn=1, maxn=4, **OPTIONS),
        "fasttext supervised": fasttext.train_supervised(str(labelled), minn=2, maxn=5, **OPTIONS),
        "floret, mode fasttext": floret.train_unsupervised(str(text), **OPTIONS),
        "floret, mode floret, 2 hashes": floret.train_unsupervised(str(text), mode="floret", hashCount=2, **OPTIONS),
    }


def compared(model: Any, path: Path, words: list[str]) -> dict[str, Any]:
    """The largest differences, over words that the model lists and words that it does not."""
    started = time.perf_counter()
    ours = lexigrad.load_vectors(path)
    opened = time.perf_counter() - started
    assert isinstance(ours, SubwordVectors)
    assert not [word for word in words if word in ours]
    listed = [word for word in model.words if word in ours]

    def difference(some: list[str]) -> tuple[float, int]:
        rows = [(ours[word], np.asarray(model[word])) for word in some]
        return max(float(np.abs(a - b).max()) for a, b in rows), sum(a.tobytes() == b.tobytes() for a, b in rows)

    unknown, same_bits = difference(words)
    return {
        "listed_words": len(listed),
        "opened_seconds": round(opened, 4),
        "unknown_words": len(words),
        "largest_difference_unknown": unknown,
        "unknown_with_the_same_bits": same_bits,
        "largest_difference_listed": difference(listed)[0],
    }


def other_checks(folder: Path, model: Any, labelled: Path) -> dict[str, Any]:
    """Whether fastText reads a .vec that lexigrad wrote, and whether a quantized model is refused."""
    words = lexigrad.load_vectors(folder / "model-0.bin")
    lexigrad.save_vectors(folder / "ours.vec", words)
    read = fasttext.train_supervised(
        str(labelled), pretrainedVectors=str(folder / "ours.vec"), **{**OPTIONS, "lr": 0.0, "bucket": 0}
    )
    shared = sorted(set(words.words) & set(read.words))
    difference = max(float(np.abs(read[word] - words[word]).max()) for word in shared)
    model.quantize()
    model.save_model(str(folder / "model.ftz"))
    try:
        lexigrad.load_vectors(folder / "model.ftz")
    except lexigrad.FormatError as error:
        refusal = str(error).replace(str(folder), "")
    return {"vec_words_read_by_fasttext": len(shared), "vec_largest_difference": difference, "ftz_refusal": refusal}


def main() -> None:
    """Train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    words = unknown_words(options.text)
    results: dict[str, Any] = {
        "programs": {name: version(name) for name in ("fasttext", "floret", "numpy")},
        "python": platform.python_version(),
        "text": options.text.name,
        "options": OPTIONS,
        "words_not_ascii": sum(not word.isascii() for word in words),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labelled = folder / "labelled.txt"
        tokens = options.text.read_text(encoding="utf-8").split()
        lines = [" ".join(tokens[start : start + 20]) + "\n" for start in range(0, len(tokens), 20)]
        (folder / "text.txt").write_text("".join(lines), encoding="utf-8")
        labelled.write_text("".join(f"__label__{number % 3} {line}" for number, line in enumerate(lines)), "utf-8")
        trained = models(folder / "text.txt", labelled)
        results["models"] = {}
        for number, (kind, model) in enumerate(trained.items()):
            path = folder / f"model-{number}.bin"
            model.save_model(str(path))
            results["models"][kind] = compared(model, path, words)
        results |= other_checks(folder, trained["fasttext supervised"], labelled)
    options.output.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()

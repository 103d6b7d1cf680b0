"""Makes the golden files of fastText and floret in this folder; README.md says what each stands for.

Run it in this folder, with both packages installed: python make_fasttext.py
"""

from __future__ import annotations

import json
from pathlib import Path

import fasttext
import floret

TEXT = [
    "der schnelle braune Fuchs springt über den faulen Hund",
    "чёрная кошка сидит на окне",
    "猫 は 椅子 の 上 に いる 🤷 naïve été no\u00a0break",
]
UNKNOWN = [
    "Füchse",
    "überspringen",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "кошками",
    "чернеть",
    "猫の椅子",
    "日本語",
    "🤷🏽‍♀️",
    "a\u0301",
    "x",
    "no break",
    "<>",
]
# Ten threads: with fewer, fastText 0.9.3 leaves parts of its tables without numbers of their own.
OPTIONS = {"dim": 10, "bucket": 30, "minCount": 1, "epoch": 1, "thread": 10, "verbose": 0}


def main() -> None:
    text, labelled = Path("text.tmp"), Path("labelled.tmp")
    text.write_text("\n".join(20 * TEXT) + "\n", encoding="utf-8")
    lines = [f"__label__{number} {line}" for number, line in enumerate(TEXT)]
    labelled.write_text("\n".join(20 * lines) + "\n", encoding="utf-8")
    grams = {"minn": 2, "maxn": 4, "wordNgrams": 2}
    models = {
        "fasttext-skipgram.bin": fasttext.train_unsupervised(str(text), **OPTIONS),
        "fasttext-cbow.bin": fasttext.train_unsupervised(str(text), model="cbow", minn=1, maxn=3, **OPTIONS),
        "fasttext-supervised.bin": fasttext.train_supervised(str(labelled), **OPTIONS, **grams),
        "floret-fasttext.bin": floret.train_unsupervised(str(text), **OPTIONS),
        "floret.bin": floret.train_unsupervised(str(text), mode="floret", hashCount=2, **OPTIONS),
    }
    vectors = {}
    for name, model in models.items():
        model.save_model(name)
        vectors[name] = {word: [float(number) for number in model[word]] for word in [*model.words[:3], *UNKNOWN]}
    models["floret-fasttext.bin"].save_vectors("floret.vec")  # fastText has this on its command line only
    lines = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(
            f"{json.dumps(word, ensure_ascii=False)}: [{', '.join(f'{number:.9g}' for number in row)}]"
            for word, row in rows.items()
        )
        + "}"
        for name, rows in vectors.items()
    ]
    Path("fasttext.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    for path in (text, labelled):
        path.unlink()


if __name__ == "__main__":
    main()

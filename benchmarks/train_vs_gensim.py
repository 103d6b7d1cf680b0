"""Times training against gensim (and other programs, by path) on the same text with the same settings.

    python benchmarks/train_vs_gensim.py TEXT --data EVAL_FOLDER

TEXT holds a sentence or paragraph a line. Every program runs as a process of its own, in interleaved rounds, each round
with another seed; times are the best of all rounds, quality is the mean. lexigrad takes part twice, by default and with
`--races`. Two times are taken: the whole process, from its start to its end with reading, vocabulary, training and
saving in word2vec's binary format; and the training loop alone, in words of the text (those that `min_count` left,
before subsampling) a second.

gensim reads TEXT by `corpus_file` and trains with as many workers; its loop is timed apart from `build_vocab`. It cuts
every text at 10,000 tokens, without a word, so keep lines shorter for a fair comparison. CBOW: gensim and word2vec.c
apply the historic update at a learning rate of 0.05, lexigrad the gradient at its default. Compiled kernels are made
before the first round. The results go to `benchmarks/results/`, with the machine they belong to, and a plot of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

from quality import evaluate

import lexigrad

RESULTS = Path(__file__).parent / "results"
WARM_UP_LINES = 2_000
LEARNING_RATES = {"skipgram": 0.025, "cbow": 0.05}  # those of gensim and word2vec.c
PROTOTYPE_KERNELS = {"skipgram": "block", "cbow": "cbow"}


@dataclass(frozen=True)
class Settings:
    """The settings that all programs are given."""

    dim: int = 100
    window: int = 5
    negatives: int = 5
    subsample: float = 1e-3
    min_count: int = 5
    epochs: int = 5
    threads: int = 2


@dataclass
class Run:
    """One process: the program, its seed, its times, and the quality of its vectors."""

    program: str
    model: str
    seed: int
    process_seconds: float
    peak_mib: float
    words_per_second: float | None
    quality: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Run all rounds, print a table, write the results and the plot."""
    options = parse()
    settings = Settings(epochs=options.epochs, threads=options.threads)
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        warm_up(options, settings, Path(folder))
        for seed in range(1, options.rounds + 1):
            for model in options.models:
                for program in programs(options, seed):
                    runs.append(measure(program, model, seed, options.text, options, settings, Path(folder)))
                    print(json.dumps(asdict(runs[-1])), flush=True)
    results: dict[str, Any] = {
        "text": {"name": options.text.name, "bytes": options.text.stat().st_size},
        "settings": asdict(settings) | {"learning_rate of gensim and word2vec.c": LEARNING_RATES},
        "machine": machine(),
        "best": summary(runs),
        "runs": [asdict(run) for run in runs],
    }
    options.results.mkdir(parents=True, exist_ok=True)
    target = options.results / f"train_vs_gensim-{options.text.stem}.json"
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plot(results, target.with_suffix(".svg"))
    print_table(results["best"])


def parse() -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--data", type=Path, help="folder with EN-*.txt and questions-words.txt; no quality without it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--models", nargs="+", choices=list(LEARNING_RATES), default=list(LEARNING_RATES))
    parser.add_argument("--gensim-rounds", type=int, help="gensim takes part in the first so many rounds only")
    parser.add_argument("--word2vec-c", type=Path, help="the compiled word2vec program")
    parser.add_argument("--prototype", type=Path, help="a Python script: PATH TEXT KERNEL THREADS EPOCHS VECTORS")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    return parser.parse_args()


def programs(options: argparse.Namespace, number: int = 1) -> list[str]:
    """The programs to run in a round, in their order."""
    wanted = {
        "lexigrad": True,
        "lexigrad --races": True,
        "gensim": options.gensim_rounds is None or number <= options.gensim_rounds,
        "word2vec.c": options.word2vec_c,
        "prototype": options.prototype,
    }
    return [name for name, is_wanted in wanted.items() if is_wanted]


def warm_up(options: argparse.Namespace, settings: Settings, folder: Path) -> None:
    """Let the programs that compile when first used do so, on the text's first lines."""
    head = folder / "head.txt"
    with options.text.open(encoding="utf-8") as lines:
        head.write_text("".join(islice(lines, WARM_UP_LINES)), encoding="utf-8")
    for model in options.models:
        for program in {"lexigrad", "lexigrad --races", "prototype"} & set(programs(options)):
            measure(program, model, 1, head, argparse.Namespace(**{**vars(options), "data": None}), settings, folder)


def measure(
    program: str,
    model: str,
    seed: int,
    text: Path,
    options: argparse.Namespace,
    settings: Settings,
    folder: Path,
) -> Run:
    """Run one program as a process, and judge its vectors."""
    vectors = folder / "vectors.bin"
    vectors.unlink(missing_ok=True)
    command = command_of(program, model, seed, text, vectors, options, settings)
    seconds, peak_mib, output = run_process(command)
    run = Run(program, model, seed, seconds, peak_mib, loop_rate(program, output))
    if options.data:
        run.quality = evaluate(vectors, options.data)
    return run


def command_of(
    program: str, model: str, seed: int, text: Path, vectors: Path, options: argparse.Namespace, settings: Settings
) -> list[str]:
    """The command that trains ``vectors`` on ``text``."""
    job = asdict(settings) | {"text": str(text), "vectors": str(vectors), "model": model, "seed": seed}
    if program == "gensim":
        return [sys.executable, "-c", GENSIM, json.dumps(job | {"learning_rate": LEARNING_RATES[model]})]
    if program == "prototype":
        kernel = [PROTOTYPE_KERNELS[model], str(settings.threads), str(settings.epochs)]
        return [sys.executable, str(options.prototype.resolve()), str(text), *kernel, str(vectors)]
    if program == "word2vec.c":
        flags = {
            "train": text, "output": vectors, "binary": 1, "cbow": int(model == "cbow"), "size": settings.dim,
            "window": settings.window, "negative": settings.negatives, "hs": 0, "sample": settings.subsample,
            "min-count": settings.min_count, "iter": settings.epochs, "threads": settings.threads,
            "alpha": LEARNING_RATES[model],
        }  # fmt: skip
        return [str(options.word2vec_c.resolve()), *(f"{x}" for k, v in flags.items() for x in (f"-{k}", v))]
    settings_flags = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(settings).items()]
    call = [sys.executable, "-m", "lexigrad", "train", str(text), "-o", str(vectors), "--json", "--quiet"]
    return [*call, *program.split()[1:], f"--model={model}", f"--seed={seed}", *settings_flags]


GENSIM = """
import json, sys, time
from gensim.models import Word2Vec
job = json.loads(sys.argv[1])
model = Word2Vec(
    vector_size=job["dim"], window=job["window"], negative=job["negatives"], sample=job["subsample"],
    min_count=job["min_count"], epochs=job["epochs"], workers=job["threads"], seed=job["seed"],
    alpha=job["learning_rate"], sg=int(job["model"] == "skipgram"),
)
model.build_vocab(corpus_file=job["text"])
started = time.perf_counter()
model.train(
    corpus_file=job["text"], total_examples=model.corpus_count, total_words=model.corpus_total_words,
    epochs=model.epochs,
)
seconds = time.perf_counter() - started
words = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
model.wv.save_word2vec_format(job["vectors"], binary=True)
print(json.dumps({"words_per_second": words * job["epochs"] / seconds}))
"""


def run_process(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak memory in MiB and standard output of a process; its failure ends the benchmark."""
    with tempfile.TemporaryFile() as output:
        started = perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command[:4])} ... ended with exit status {process.returncode}")
        output.seek(0)
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return seconds, peak_bytes / 2**20, output.read().decode()


def loop_rate(program: str, output: str) -> float | None:
    """Words a second of the training loop alone, as the program prints them; None for word2vec.c, which does not."""
    if program in {"lexigrad", "lexigrad --races", "gensim"}:
        return float(json.loads(output)["words_per_second"])
    found = re.search(r"([\d.]+) M words/s", output)
    return 1e6 * float(found[1]) if found else None


def summary(runs: list[Run]) -> list[dict[str, Any]]:
    """For each model and program: best times, mean quality, and how many times as fast as gensim."""
    rows = []
    for model, program in dict.fromkeys((run.model, run.program) for run in runs):
        mine = [run for run in runs if (run.model, run.program) == (model, program)]
        row: dict[str, Any] = {
            "model": model,
            "program": program,
            "process_seconds": min(run.process_seconds for run in mine),
            "words_per_second": max((run.words_per_second for run in mine if run.words_per_second), default=None),
            "peak_mib": max(run.peak_mib for run in mine),
            "quality": {name: mean(run.quality[name] for run in mine) for name in mine[0].quality},
        }
        rows.append(row)
    for row in rows:
        base = next((other for other in rows if (other["model"], other["program"]) == (row["model"], "gensim")), None)
        if base:
            row["process_times_gensim"] = base["process_seconds"] / row["process_seconds"]
            if row["words_per_second"]:
                row["loop_times_gensim"] = row["words_per_second"] / base["words_per_second"]
    return rows


def machine() -> dict[str, Any]:
    """The machine and the versions that the figures belong to."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "lexigrad": lexigrad.__version__,
        **{name: package_version(name) for name in ("gensim", "numpy", "numba")},
    }


def cpu_model() -> str:
    """The processor's name and, where the system tells, its model number and widest vector instructions."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    values = dict(re.findall(r"^(\w[\w ]*\w)\s*:\s*(.*)$", text, flags=re.MULTILINE))
    vectors = next((flag for flag in ("avx512f", "avx2", "avx") if flag in values.get("flags", "").split()), "no AVX")
    return f"{values.get('model name', '?')}, family {values.get('cpu family')}, model {values.get('model')}, {vectors}"


def package_version(name: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def print_table(rows: list[dict[str, Any]]) -> None:
    """A Markdown table of the best times and the mean quality."""
    scores = list(rows[0]["quality"])
    heading = ["model", "program", "loop, M words/s", "times gensim", "process, s", "times gensim", "peak MiB", *scores]
    print(f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    for row in rows:
        rate = f"{row['words_per_second'] / 1e6:.2f}" if row["words_per_second"] else ""
        cells = [row["model"], row["program"], rate, ratio(row, "loop_times_gensim"), f"{row['process_seconds']:.1f}"]
        cells += [ratio(row, "process_times_gensim"), f"{row['peak_mib']:.0f}"]
        cells += [f"{row['quality'][score]:.1f}" for score in scores]
        print(f"| {' | '.join(cells)} |")


def ratio(row: dict[str, Any], name: str) -> str:
    """A ratio with one decimal, or nothing."""
    return f"{row[name]:.1f}" if name in row else ""


def plot(results: dict[str, Any], target: Path) -> None:
    """Bars of the loops' speed and of the whole processes' time."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed (pip install '.[benchmarks]')")
        return
    mpl.use("svg")
    from matplotlib import pyplot

    figure, (rates, seconds) = pyplot.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
    rows = results["best"][::-1]
    labels = [f"{row['program']}, {row['model']}" for row in rows]
    rates.barh(labels, [(row["words_per_second"] or 0) / 1e6 for row in rows])
    rates.set_title("training loop, million words a second")
    seconds.barh(labels, [row["process_seconds"] for row in rows])
    seconds.set_title("whole process, seconds")
    for axes in (rates, seconds):
        axes.bar_label(axes.containers[0], fmt="%.2f", padding=3)
        axes.margins(x=0.15)
    figure.suptitle(f"{results['text']['name']}, {results['machine']['cpu']}", fontsize=8)
    figure.savefig(target)


if __name__ == "__main__":
    main()

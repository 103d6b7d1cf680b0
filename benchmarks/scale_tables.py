"""Tables of the figures of scale.py, exact_ray.py and replicas.py, with the model's beside them, and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure

from lexigrad.files.atomic import atomic_write
from lexigrad.view.style import COLORS, INK, STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["write_tables"]

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "replicas.svg"
RULES = {"spectral": "spectral damping", "adasum": "Adasum", "average": "averaging"}


def write_tables(results: Path) -> None:
    """Print the tables whose figures are there, as Markdown, and draw the picture."""
    for name, rows in (("scale-overhead", _overhead), ("scale-bytes", _bytes)):
        path = results / f"{name}.json"
        if path.exists():
            print("\n".join(rows(json.loads(path.read_text(encoding="utf-8")), results)) + "\n")
    quality = _quality(json.loads((results / "replicas-wiki-17m.json").read_text(encoding="utf-8")))
    print("\n".join(_quality_table(quality)))
    save(draw_quality(quality))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _overhead(report: dict[str, Any], results: Path) -> list[str]:
    """Seconds of one process, of Ray with one worker and of the model."""
    rows = []
    for name, found in report["jobs"].items():
        one, ray = found["best"].values()
        rows.append((f"{name}, {found['words']:,} words", one, ray, found["model_seconds"]))
    path = results / "exact-ray.json"
    passes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": []}
    for row in passes["rows"]:
        if not row["curvature"]:
            model = 6 * passes["words"] ** 2 * passes["dim"] / report["rates_of_a_pass"][row["loss"]]
            seconds = [row[way]["least_seconds"] for way in ("one process", "ray, one worker")]
            rows.append((f"a pass of {row['loss']}, {passes['words']:,} words", *seconds, model))
    return _table(
        ["job", "one process, s", "Ray, one worker, s", "overhead", "model, s"],
        [
            [name, f"{one:.2f}", f"{ray:.2f}", f"{100 * (ray / one - 1):+.1f} %", f"{m:.2f}"]
            for name, one, ray, m in rows
        ],
    )


def _bytes(report: dict[str, Any], results: Path) -> list[str]:
    """Bytes between machines, counted and by the model."""
    rows = [(row["job"], row["sent_bytes"], row["model_bytes"]) for row in report["rows"]]
    return _table(
        ["job", "counted, MB", "model, MB", "model / counted"],
        [[name, f"{sent / 1e6:,.0f}", f"{model / 1e6:,.0f}", f"{model / sent:.2f}"] for name, sent, model in rows],
    )


def _quality(figures: dict[str, Any]) -> dict[str, dict[int, list[float]]]:
    """The means of the test sets, by rule and number of replicas; with one replica nothing is merged."""
    found: dict[str, dict[int, list[float]]] = {rule: {} for rule in RULES}
    for job, row in figures.items():
        rule, replicas, _ = job.split(":")
        found[rule].setdefault(int(replicas), []).append(row["mean"])
    return found


def _quality_table(quality: dict[str, dict[int, list[float]]]) -> list[str]:
    numbers = sorted(quality["spectral"])
    rows = []
    for rule, found in quality.items():
        cells = [f"{mean(found[n]):.1f} ({len(found[n])})" if n in found else "" for n in numbers]
        rows.append([RULES[rule], *cells])
    return _table(["mean of the test sets (seeds)", *(f"R = {n}" for n in numbers)], rows)


def draw_quality(quality: dict[str, dict[int, list[float]]]) -> Figure:
    """Draw each seed, and each rule's means over the number of replicas."""
    one = quality["spectral"][1]
    with matplotlib.rc_context({**STYLE, "font.size": 12, "axes.titlesize": 12}):
        figure = Figure(figsize=(6.3, 3.4), layout="constrained")
        axes = figure.subplots()
        for color, (rule, found) in zip((COLORS[0], COLORS[1], INK), quality.items(), strict=True):
            points = {1: one, **found}
            numbers = sorted(points)
            axes.plot(numbers, [mean(points[n]) for n in numbers], color=color, label=RULES[rule])
            for n in numbers:
                axes.plot([n] * len(points[n]), points[n], "o", color=color, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_xticks([1, 8, 16], ["1", "8", "16"])
        axes.set(xlabel="replicas", ylabel="mean of the test sets", ylim=(0, 50))
        axes.legend(frameon=False, loc="lower left")
    return figure


def save(figure: Figure) -> None:
    """Write the picture, whose bytes depend on nothing but what it shows."""
    matplotlib.rcParams["svg.hashsalt"] = "lexigrad"
    with atomic_write(PICTURE) as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
    print(f"wrote {PICTURE}, {PICTURE.stat().st_size:,} bytes")

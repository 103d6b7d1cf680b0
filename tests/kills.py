"""Runs of ``lexigrad train`` that are killed at random moments and go on, compared with one that was not.

    python -m tests.kills --kills 200 --seed 1 --text FILE

Each run is a process of its own that marks what it is doing: reading, training, checkpointing or saving. It gets
SIGKILL, SIGTERM or Ctrl-C at a random moment of a phase drawn beforehand. After each kill every file must be the old
one or the new one, whole; then the run goes on with ``--resume``, and may be killed again. In the end its model has the
bytes of the run that was not killed, and nothing lies beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PHASES: Final = ("reading", "training", "checkpointing", "saving")
MARKS: Final = {b"r": "reading", b"t": "training", b"c": "checkpointing", b"s": "saving", b"e": "ended"}
SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
OLD: Final = b"what was there before"
MOST_KILLS: Final = 4
"""The most kills of one run."""

USUAL: Final = ["--quiet", "--min-count=2", "--checkpoint-every=0.002"]
CASES: Final = {
    "deterministic, 2 threads": ["--deterministic", "--threads=2", "--epochs=12"],
    "deterministic, cbow, held-out text": [
        *("--deterministic", "--threads=2", "--model=cbow", "--epochs=12", "--validation=0.1", "--early-stop=3"),
    ],
    "races, 1 thread": ["--races", "--threads=1", "--epochs=12"],
    "softmax": ["--loss=naive_softmax", "--epochs=1", "--dim=20", "--max-vocabulary=2000"],
    "exact": ["--solver=exact", "--dim=40", "--head=1500"],
}


def child(descriptor: int, arguments: list[str]) -> None:
    """Train as the command line does, and mark the phases."""
    from lexigrad import Checkpoints
    from lexigrad.cli import main as cli
    from lexigrad.cli import train as training
    from lexigrad.training import train as trainer

    def marked(function: Any, during: bytes, behind: bytes | None = None) -> Any:
        def work(*given: Any, **named: Any) -> Any:
            os.write(descriptor, during)
            result = function(*given, **named)
            if behind is not None:
                os.write(descriptor, behind)
            return result

        return work

    training.open_corpus = marked(training.open_corpus, b"r")
    trainer._trained = marked(trainer._trained, b"t")
    Checkpoints.write = marked(Checkpoints.write, b"c", b"t")  # type: ignore[method-assign]
    training._save = marked(training._save, b"s", b"e")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores Ctrl-C
    cli.main(["train", *arguments])


@dataclass
class Figures:
    """The figures of all runs."""

    kills: Counter[str] = field(default_factory=Counter)
    """The number of kills in each phase."""
    signals: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    same_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    """All faults, in words."""

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON takes them."""
        return {
            "kills": sum(self.kills.values()),
            "by_phase": {phase: self.kills[phase] for phase in PHASES},
            "by_signal": dict(self.signals),
            "runs": self.runs,
            "ended_in_the_same_bytes": self.same_bytes,
            "faults": self.faults,
        }


class Case:
    """One set of options, and the run that was not killed."""

    def __init__(self, name: str, options: list[str], text: Path, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.options = [str(text), "-o", str(folder / "model.safetensors"), *USUAL, *options]
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.output = folder / "model.safetensors"
        self.start([]).wait()  # compiles the kernels
        self.lasts = self._lasts()
        self.digest = digest(self.output)

    def start(self, more: list[str], pipe: int | None = None) -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        command = [sys.executable, "-m", "tests.kills", "--child", str(pipe or 2), *self.options, *more]
        environment = {**os.environ, "TMPDIR": str(self.temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
        kept = () if pipe is None else (pipe,)
        root = Path(__file__).parent.parent
        return subprocess.Popen(
            command, pass_fds=kept, cwd=root, env=environment, stderr=subprocess.PIPE, text=True, errors="replace"
        )

    def _lasts(self) -> dict[str, list[float]]:
        """The seconds that each phase of an undisturbed run lasts, each time that it comes."""
        read, write = os.pipe()
        process = self.start([], write)
        os.close(write)
        came = []
        while mark := os.read(read, 1):
            came.append((MARKS[mark], time.monotonic()))
        os.close(read)
        assert process.wait() == 0, process.stderr.read() if process.stderr else ""
        lasts: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for (phase, begin), (_, end) in pairwise(came):
            lasts[phase].append(end - begin)
        return lasts

    def killed(self, random_: random.Random, more: list[str]) -> tuple[str, signal.Signals, str]:
        """Start the run and kill it; returns the phase in which it died, the signal, and its messages."""
        aim = random_.choice([phase for phase in PHASES if self.lasts[phase]])
        seconds = self.lasts[aim]
        turn = random_.randrange(len(seconds))
        wait = random_.uniform(0, 1.05 * seconds[turn])
        number = random_.choice(SIGNALS)
        read, write = os.pipe()
        process = self.start(more, write)
        os.close(write)
        phase = "starting"
        while mark := os.read(read, 1):
            phase = MARKS[mark]
            if phase == aim:
                turn -= 1
            if turn < 0:
                break
        time.sleep(wait)
        process.send_signal(number)
        # A signal interrupts the phase that was marked when it came; after SIGTERM a last checkpoint may be marked.
        os.set_blocking(read, False)
        if number == signal.SIGKILL:
            process.wait()
        while mark := nonblocking(read):
            phase = MARKS[mark]
        os.set_blocking(read, True)
        said = process.communicate()[1]
        os.close(read)
        if process.returncode == 0:
            phase = "ended"
        elif phase in PHASES and number != signal.SIGKILL and process.returncode != 128 + number:
            said = f"ended with {process.returncode}: {said}"
        return phase, number, said


def nonblocking(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1)
    except BlockingIOError:
        return b""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def one_run(case: Case, random_: random.Random, figures: Figures, most: int) -> None:
    """Kill a run, let it go on, kill it again perhaps, and look for faults in its files."""
    case.output.write_bytes(OLD)
    more: list[str] = []
    for _ in range(random_.randint(1, min(most, MOST_KILLS))):
        phase, number, said = case.killed(random_, more)
        if phase not in PHASES:  # the kill came too early or too late
            break
        figures.faults += [f"{case.name}, {number.name} in {phase}: {fault}" for fault in faults(case, number, said)]
        figures.kills[phase] += 1
        figures.signals[number.name] += 1
        more = ["--resume"]
    process = case.start(["--resume"])
    said = process.communicate()[1]
    figures.runs += 1
    left = sorted(str(path.relative_to(case.folder)) for path in case.folder.rglob("*"))
    if process.returncode:
        figures.faults.append(f"{case.name}: the last run said {said}")
    elif left != ["model.safetensors", "temporary"]:
        figures.faults.append(f"{case.name}: there is {left} in the end")
    elif digest(case.output) == case.digest:
        figures.same_bytes += 1
    else:
        figures.faults.append(f"{case.name}: other bytes")


def faults(case: Case, number: signal.Signals, said: str) -> list[str]:
    """The faults after a kill, in words."""
    from lexigrad.training.checkpoints import _read

    found = []
    content = case.output.read_bytes()
    if content != OLD and hashlib.sha256(content).hexdigest() != case.digest:
        found.append("the output is neither the old file nor the new one")
    checkpoints = [path for path in case.folder.iterdir() if ".checkpoint" in path.name and path.name[0] != "."]
    for path in checkpoints:
        try:
            _read(path)
        except Exception as error:
            found.append(f"a half checkpoint: {error}")
    if list(case.temporary.iterdir()):
        found.append("a temporary file is left")
    if number != signal.SIGKILL:
        if any(path.name.startswith(".") for path in case.folder.iterdir()):
            found.append("a hidden file is left by a signal that could be handled")
        if "Traceback" in said or said.startswith("ended with"):
            found.append(said)
        if checkpoints and said and "The same command with --resume goes on from" not in said:
            found.append(f"it does not say how to go on: {said!r}")
    return found


def kill_series(
    text: Path, kills: int, seed: int, cases: list[str], between: Callable[[Figures], None] = lambda _: None
) -> Figures:
    """Make runs of each case in turn, until there were ``kills`` kills; calls ``between`` after each run."""
    random_ = random.Random(seed)
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        ready = [Case(name, CASES[name], text, Path(folder) / str(place)) for place, name in enumerate(cases)]
        while sum(figures.kills.values()) < kills:
            case = ready[figures.runs % len(ready)]
            one_run(case, random_, figures, kills - sum(figures.kills.values()))
            between(figures)
    return figures


def main() -> None:
    """Kill as many runs as the command line asks for."""
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--pause", type=Path, metavar="FILE", help="wait while this file exists")
    parser.add_argument("--case", choices=CASES, action="append", help="one or more; all when not given")
    given = parser.parse_args()

    def pause(figures: Figures) -> None:
        print(json.dumps(figures.to_dict()), flush=True)  # noqa: T201
        while given.pause is not None and given.pause.exists():
            time.sleep(1)

    figures = kill_series(given.text.resolve(), given.kills, given.seed, given.case or list(CASES), pause)
    print(json.dumps(figures.to_dict(), indent=2))  # noqa: T201
    sys.exit(bool(figures.faults))


if __name__ == "__main__":
    main()

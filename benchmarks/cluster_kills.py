"""Jobs on Ray whose workers, drivers and machines are killed at random moments; they must end in the same bytes.

    python benchmarks/cluster_kills.py TEXT [--kills 50] [--nodes 4] [--seed 1] [--words 1000000]

Commands run on two Ray nodes on this machine. At drawn moments a worker or the command itself gets SIGKILL; after the
latter the command is given again, with ``--resume`` where it trains. Then whole nodes are killed in mid-run, with the
workers on them; where values are lost with them that cannot be made again, the command ends and is given again. Each
job must end in the bytes of one process without Ray. The results go to
`benchmarks/results/cluster-kills-SEED.json`, or with ``--kills 0`` to `cluster-nodes-SEED.json`.
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
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scale_jobs import first_words, module_of_tests
from train_vs_gensim import RESULTS, machine

if TYPE_CHECKING:
    from collections.abc import Callable

EXACT: Final = ["train", "--solver=exact", "--dim=50", "--head=2000", "--max-vocabulary=5000"]
RESUMED: Final = ["--checkpoint-every=epoch", "--resume"]
JOBS: Final = {
    "counting": (["cooccur", "--max-vocabulary=20000"], []),
    "exact, negative sampling": ([*EXACT, "--loss=negative_sampling"], RESUMED),
    "exact, naive softmax": ([*EXACT, "--loss=naive_softmax"], RESUMED),
    "SGD, 4 replicas": (["train", "--replicas=4", "--epochs=10", "--dim=50", "--max-vocabulary=20000"], RESUMED),
}
"""Each job's command, and the further options with which it can go on."""

CORES: Final = 2
WORKERS: Final = 3
MOST_KILLS: Final = 6
"""The most kills in one run; Ray makes a call anew seven times."""
DEADLINE: Final = 240.0
"""The seconds that a command may take."""
BACK_SECONDS: Final = 15.0
"""The seconds within which a worker must be there again."""


class Command:
    """A command that runs, and the lines that it prints."""

    def __init__(self, arguments: list[str]) -> None:
        environment = {**os.environ, "LEXIGRAD_DEADLINE_SECONDS": "90"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lexigrad", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.lines: list[str] = []
        self.begun = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if line.startswith("Ray at"):
                self.begun.set()
        self.begun.set()

    @property
    def runs(self) -> bool:
        """Whether the command still runs."""
        return self.process.poll() is None

    def wait(self) -> int:
        """The command's exit status; a command that takes too long is killed."""
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.lines.append(f"killed after {DEADLINE:g} seconds")
        self._reader.join()
        return self.process.wait()


@dataclass
class Figures:
    """The figures of all runs."""

    kills: Counter[str] = field(default_factory=Counter)
    by_job: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in JOBS})
    runs: int = 0
    same_bytes: int = 0
    from_checkpoints: int = 0
    """The number of commands that went on from a checkpoint."""
    ended_by_loss: int = 0
    """The number of commands that ended because a value was lost with a machine."""
    faults: list[str] = field(default_factory=list)
    """All faults, in words."""

    def count(self, job: str, victim: str) -> None:
        """Count one more kill."""
        self.kills[victim] += 1
        self.by_job[job][victim] += 1

    def look(self, command: Command) -> None:
        """Count a command that has ended and had gone on from a checkpoint."""
        self.from_checkpoints += any("going on from" in line for line in command.lines)

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON takes them."""
        return {
            "kills": sum(self.kills.values()),
            "by_victim": dict(self.kills),
            "by_job": {name: dict(found) for name, found in self.by_job.items()},
            "runs": self.runs,
            "ended_in_the_same_bytes": self.same_bytes,
            "commands_that_went_on_from_a_checkpoint": self.from_checkpoints,
            "commands_that_ended_as_values_were_lost": self.ended_by_loss,
            "faults": self.faults,
        }


class Case:
    """One job: its command, the bytes that it is to end in, and how long its workers work."""

    def __init__(self, name: str, text: Path, folder: Path, address: str) -> None:
        self.name = name
        folder.mkdir()
        arguments, self.again = JOBS[name]
        self.output = folder / ("model.safetensors" if arguments[0] == "train" else "counts.npz")
        plain = [arguments[0], str(text), "-o", str(self.output), *arguments[1:]]
        self.on_ray = [*plain, f"--ray={address}", f"--workers={WORKERS}"]
        command = Command(plain)
        assert command.wait() == 0, command.lines
        self.digest = self.found()
        command = self.start()
        begun = time.monotonic()
        assert command.wait() == 0, command.lines
        assert self.found() == self.digest, f"{name}: Ray gives other bytes"
        self.seconds = time.monotonic() - begun

    def start(self) -> Command:
        """Begin the job on Ray, or go on with it; returns as soon as its work begins."""
        command = Command([*self.on_ray, *self.again])
        command.begun.wait(DEADLINE)
        return command

    def found(self) -> str:
        """The hash of the output, which is then removed."""
        digest = hashlib.sha256(self.output.read_bytes()).hexdigest()
        self.output.unlink()
        return digest


def run_killed(case: Case, random_: random.Random, figures: Figures, kills: int) -> None:
    """Make one run with ``kills`` kills of workers and drivers, or fewer if it ends before."""
    command = case.start()
    for _ in range(kills):
        victim = random_.choice(["worker", "worker", "driver"])
        if _ended(command, random_.uniform(0, 0.6) * case.seconds):
            break
        if victim == "driver":
            command.process.kill()
            if command.wait() != -signal.SIGKILL:
                break
            figures.count(case.name, victim)
            figures.look(command)
            command = case.start()
        elif _kill_worker(command, random_):
            figures.count(case.name, victim)
    _finish(case, command, figures)


def run_without_node(case: Case, random_: random.Random, figures: Figures, cluster: Any, kill: Any) -> None:
    """Make one run in which a node is killed; a new one comes after it, or before a command that is given again."""

    def renew() -> None:
        cluster.cluster.remove_node(cluster.nodes.pop(), allow_graceful=False)
        cluster.add(CORES)

    command = case.start()
    if not _ended(command, random_.uniform(0.05, 0.6) * case.seconds):
        kill(cluster.nodes[-1])
        figures.count(case.name, "node")
    if not _finish(case, command, figures, renew):
        renew()


def _ended(command: Command, seconds: float) -> bool:
    """Wait for so many seconds; returns whether the command ended before."""
    try:
        command.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill_worker(command: Command, random_: random.Random) -> bool:
    """Kill one of the workers, as soon as there is one, unless the command ends before."""
    until = time.monotonic() + BACK_SECONDS
    while time.monotonic() < until and command.runs:
        found = workers()
        if found:
            try:
                os.kill(random_.choice(found), signal.SIGKILL)
            except ProcessLookupError:
                continue
            return command.runs
        time.sleep(0.05)
    return False


def _finish(case: Case, command: Command, figures: Figures, renew: Callable[[], None] | None = None) -> bool:
    """Let a command end, give it again where values were lost, and compare; returns whether it was given again."""
    status = command.wait()
    again = bool(status) and any("a value was lost with a machine" in line for line in command.lines)
    if again:
        if renew is not None:
            renew()
        figures.ended_by_loss += 1
        figures.look(command)
        command = case.start()
        status = command.wait()
    figures.look(command)
    figures.runs += 1
    if status:
        figures.faults.append(f"{case.name}: the last command ended with {status}: {' | '.join(command.lines[-3:])}")
    elif case.found() == case.digest:
        figures.same_bytes += 1
    else:
        figures.faults.append(f"{case.name}: other bytes")
    left = sorted(path.name for path in case.output.parent.iterdir())
    if left:
        figures.faults.append(f"{case.name}: there is {left} in the end")
        for name in left:
            (case.output.parent / name).unlink()
    return again


def workers() -> list[int]:
    """The processes of lexigrad's workers below this process, in the order of their numbers."""
    found, parents = [], {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if (path / "cmdline").read_bytes().startswith(b"ray::Worker"):
                    found.append(int(path.name))
            except OSError:
                continue  # the process has ended
    return sorted(process for process in found if _is_below(process, parents))


def _is_below(process: int, parents: dict[int, int]) -> bool:
    while process in parents:
        process = parents[process]
        if process == os.getpid():
            return True
    return False


def measured(text: Path, options: argparse.Namespace, write: Callable[[Figures], None]) -> Figures:
    """Kill until there were as many kills as were asked for."""
    random_, figures = random.Random(options.seed), Figures()
    module = module_of_tests("ray_nodes")
    with tempfile.TemporaryDirectory() as temporary, module.nodes(2, CORES) as cluster:
        cases = [Case(name, text, Path(temporary) / str(i), cluster.address) for i, name in enumerate(JOBS)]
        print({case.name: round(case.seconds, 1) for case in cases}, flush=True)
        turn = 0
        while sum(figures.kills.values()) < options.kills and time.monotonic() < options.until:
            left = options.kills - sum(figures.kills.values())
            run_killed(cases[turn % len(cases)], random_, figures, min(left, random_.randint(1, MOST_KILLS)))
            turn += 1
            write(figures)
        for number in range(options.nodes):
            if time.monotonic() < options.until:
                run_without_node(cases[number % len(cases)], random_, figures, cluster, module.kill)
                write(figures)
    return figures


def main() -> int:
    """Kill, compare, write; returns 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--kills", type=int, default=50, help="of workers and drivers")
    parser.add_argument("--nodes", type=int, default=len(JOBS), help="runs in which a node is killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", type=int, default=1_000_000, help="of the text, from its beginning")
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin no run after so long")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    begun = time.monotonic()
    options.until = begun + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        words = first_words(options.text, options.words, text)
        report = {"text": f"the first {words:,} words of {options.text.name}", "seed": options.seed}
        report |= {"machine": machine(), "nodes": 2, "workers": WORKERS}

        def write(figures: Figures) -> None:
            found = {**report, **figures.to_dict(), "seconds": round(time.monotonic() - begun)}
            print(json.dumps(figures.to_dict()), flush=True)
            target = options.results / f"cluster-{'kills' if options.kills else 'nodes'}-{options.seed}.json"
            target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

        figures = measured(text, options, write)
    return 1 if figures.faults or figures.same_bytes != figures.runs else 0


if __name__ == "__main__":
    sys.exit(main())

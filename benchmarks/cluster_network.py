"""Jobs on Ray whose network is slow, fails for seconds, or for good; they must end in the same bytes, or in a sentence.

    sudo python benchmarks/cluster_network.py TEXT [--words 400000] [--seed 1]

Two machines are made of this one: network namespaces of Linux with a cable between them, which takes root, and Ray's
own commands started in each, with its tokens, as the guide says. The command runs on the first one. The cable is

- slow: 50 Mb/s, with a buffer so short that packets are lost whenever two meet;
- bad: down for some seconds, again and again, at drawn moments;
- cut: at a drawn moment, and whole again when the command has ended. A command that ended before its work was done is
  then given once more, on a new second machine.

The results go to `benchmarks/results/cluster-network.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cluster_kills import JOBS
from scale_jobs import first_words
from train_vs_gensim import RESULTS, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPACES: Final = "lexigrad-a", "lexigrad-b"
ADDRESSES: Final = "10.99.0.1", "10.99.0.2"
PORT: Final = 6379
CORES: Final = 2
DEADLINE: Final = 90
"""Seconds without progress that the command is told to wait."""
PATIENCE: Final = 600.0
"""Seconds after which a command counts as waiting for ever."""
BREAKS: Final = (2.0, 12.0)
"""Seconds that a bad cable is down."""
HEALTH: Final = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 1_000,
    "health_check_timeout_ms": 10_000,
    "health_check_failure_threshold": 3,
}
"""Settings with which Ray sees after ten seconds or so, not after half a minute, that a machine is gone."""
ENVIRONMENT: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "LEXIGRAD_DEADLINE_SECONDS": str(DEADLINE),
}


def ip(*arguments: str) -> None:
    """Change the network by Linux's command of this name."""
    subprocess.run(["ip", *arguments], check=True)


class Machines:
    """Two namespaces with a cable between them, and Ray in both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, **ENVIRONMENT, "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
        (folder / "token").write_text(random.SystemRandom().randbytes(32).hex(), encoding="utf-8")
        for space in SPACES:
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
        ip("link", "add", "eth0", "netns", SPACES[0], "type", "veth", "peer", "name", "eth0", "netns", SPACES[1])
        for space, address in zip(SPACES, ADDRESSES, strict=True):
            ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
        head = ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={folder / 'ray'}"]
        self._start(0, *head, f"--system-config={json.dumps(HEALTH)}")
        self.renew()

    @property
    def address(self) -> str:
        """The address of Ray's head."""
        return f"{ADDRESSES[0]}:{PORT}"

    def renew(self) -> None:
        """Put a new second machine in the place of the old one."""
        self._kill(SPACES[1])
        self._start(1, f"--address={self.address}")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command of lexigrad on the first machine."""
        command = ["ip", "netns", "exec", SPACES[0], sys.executable, "-m", "lexigrad", *arguments]
        how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=self.environment, start_new_session=True, **how)

    def plug(self, state: str) -> None:
        """Set the cable ``up`` or ``down``."""
        ip("-n", SPACES[1], "link", "set", "eth0", state)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Let the cable carry 50 Mb/s each way, and lose packets, while the block runs."""
        rule = ["dev", "eth0", "root", "tbf", "rate", "50mbit", "burst", "16kb", "latency", "5ms"]
        for space in SPACES:
            subprocess.run(["ip", "netns", "exec", space, "tc", "qdisc", "add", *rule], check=True)
        try:
            yield
        finally:
            for space in SPACES:
                subprocess.run(["ip", "netns", "exec", space, "tc", "qdisc", "del", "dev", "eth0", "root"], check=True)

    def close(self) -> None:
        """Remove both machines."""
        for space in SPACES:
            self._kill(space)
            ip("netns", "del", space)

    def _start(self, number: int, *options: str) -> None:
        node = [f"--node-ip-address={ADDRESSES[number]}", f"--num-cpus={CORES}"]
        command = ["ip", "netns", "exec", SPACES[number], sys.executable, "-m", "ray.scripts.scripts", "start"]
        how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, *node, *options], check=True, env=self.environment, **how)

    @staticmethod
    def _kill(space: str) -> None:
        found = subprocess.run(["ip", "netns", "pids", space], check=True, capture_output=True, text=True)
        for process in map(int, found.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def whole(machines: Machines, process: subprocess.Popen[str], random_: random.Random, seconds: float) -> int:
    """Leave the cable whole; returns 0 failures."""
    return 0


def bad(machines: Machines, process: subprocess.Popen[str], random_: random.Random, seconds: float) -> int:
    """Take the cable down for seconds, again and again; returns how often it was down."""
    times = 0
    while not _ended(process, random_.uniform(0.1, 0.5) * seconds):
        machines.plug("down")
        _ended(process, random_.uniform(*BREAKS))
        machines.plug("up")
        times += 1
    return times


def cut(machines: Machines, process: subprocess.Popen[str], random_: random.Random, seconds: float) -> int:
    """Cut the cable, unless the command ends before; returns the number of cuts."""
    if _ended(process, random_.uniform(0.3, 0.7) * seconds):
        return 0
    machines.plug("down")
    return 1


def _ended(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait for so many seconds; returns whether the command ended before."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class Case:
    """One job, and the bytes that it is to end in."""

    def __init__(self, name: str, text: Path, folder: Path, machines: Machines) -> None:
        folder.mkdir()
        arguments, self.again = JOBS[name]
        self.machines, self.name = machines, name
        self.output = folder / ("model.safetensors" if arguments[0] == "train" else "counts.npz")
        self.plain = [arguments[0], str(text), "-o", str(self.output), *arguments[1:]]
        self.digest, self.seconds = None, 20.0
        self.digest = self._once(self.plain, whole, random.Random(0))[1]
        self.seconds = min(self.once(whole, random.Random(0))["seconds"] for _ in range(2))

    def once(self, disturb: Callable[..., int], random_: random.Random) -> dict[str, Any]:
        """Run the job while the cable is disturbed, and once more if that run was in vain."""
        begun = time.monotonic()
        ray = [*self.plain, *self.again, f"--ray={self.machines.address}"]
        status, digest, said, times = self._once([*ray, f"--workers={2 * CORES}"], disturb, random_)
        found = {"job": self.name, "cable": disturb.__name__, "times_down": times, "status": status}
        found["same_bytes"] = digest == self.digest
        found["seconds"] = round(time.monotonic() - begun, 1)
        if status:
            found["said"] = said
        if disturb is cut:
            self.machines.plug("up")
            self.machines.renew()
            if status:
                status, digest, *_ = self._once([*ray, f"--workers={2 * CORES}"], whole, random_)
                found |= {"status_again": status, "same_bytes": digest == self.digest}
        return found

    def _once(
        self, arguments: list[str], disturb: Callable[..., int], random_: random.Random
    ) -> tuple[int, str | None, list[str], int]:
        """The command's status, its output's hash, if there is one, its last lines, and the cable's failures."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            process = self.machines.begin(*arguments)
            reader = subprocess.Popen(["cat"], stdin=process.stderr, stdout=said)
            times = disturb(self.machines, process, random_, self.seconds)
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                status = process.wait()
            reader.wait()
            said.seek(0)
            lines = said.read().splitlines()[-3:]
        digest = None
        if self.output.exists():
            digest = hashlib.sha256(self.output.read_bytes()).hexdigest()
            self.output.unlink()
        return status, digest, lines, times


def main() -> int:
    """Disturb, compare, write; returns 1 if there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--words", type=int, default=400_000, help="of the text, from its beginning")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args()
    if os.geteuid() or shutil.which("ip") is None or shutil.which("tc") is None:
        sys.exit("network namespaces need Linux, root, and the commands ip and tc")
    random_, rows = random.Random(options.seed), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        words = first_words(options.text, options.words, folder / "text.txt")
        machines = Machines(folder)
        try:
            cases = [Case(name, folder / "text.txt", folder / str(i), machines) for i, name in enumerate(JOBS)]
            for case in cases:
                with machines.slow():
                    rows.append(case.once(whole, random_) | {"cable": "slow"})
                rows.extend(case.once(disturb, random_) for disturb in (bad, cut))
                print(*map(json.dumps, rows[-3:]), sep="\n", flush=True)
        finally:
            machines.close()
    report = {"text": f"the first {words:,} words of {options.text.name}", "seed": options.seed, "machine": machine()}
    target = options.results / "cluster-network.json"
    target.write_text(json.dumps({**report, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row["same_bytes"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

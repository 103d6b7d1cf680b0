"""What an engine on Ray makes of dead workers, dead machines, silence, and workers of other bytes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import engine_jobs as jobs
import numpy as np
import pytest
import ray_nodes as cluster_of
from places import TESTS

from lexigrad.engines import opening
from lexigrad.engines.opening import open_engine
from lexigrad.engines.ray import connection as connecting
from lexigrad.engines.ray import connection as reaching
from lexigrad.engines.ray.health import Watch
from lexigrad.engines.ray.samebytes import Probe, difference
from lexigrad.engines.ray.worker import Pulse, Worker
from lexigrad.engines.threads import ThreadEngine
from lexigrad.errors import ConfigError, EngineError, InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lexigrad.engines.ray.engine import RayEngine
    from lexigrad.engines.ray.health import EngineProgress

    OnRay = Callable[[int], RayEngine]


def begun(path: Path) -> int:
    """The process that called ``wait_for`` first, as soon as it has."""
    while not path.exists() or not path.read_text().endswith("\n"):
        time.sleep(0.01)
    return int(path.read_text().splitlines()[0])


# --- workers that die, or say nothing


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSTOP])
def test_a_call_is_made_again_whose_worker_dies_or_falls_silent(
    on_ray: OnRay, tmp_path: Path, by: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = on_ray(3)
    reports: list[EngineProgress] = []
    monkeypatch.setattr(engine, "report", reports.append)
    if by == signal.SIGSTOP:
        monkeypatch.setattr(engine, "silence_seconds", 4.0)
    made = engine.call(jobs.wait_for, str(tmp_path / "go"), str(tmp_path / "begun"), on=1)
    rest = engine.call(jobs.ramp, 3, 0.0, on=1)
    first = begun(tmp_path / "begun")
    restarts = engine.progress().restarts
    os.kill(first, by)
    if by == signal.SIGKILL:
        (tmp_path / "go").touch()
    else:  # the file is there when the worker has been replaced
        engine.call(jobs.touch_when_gone, first, str(tmp_path / "go"), on=2)
    second, ramp = engine.get([made, rest])
    assert second != first
    assert ramp.tolist() == [0, 1, 2]
    assert reports[-1].workers == 3
    assert engine.progress().restarts >= restarts


def test_a_call_that_kills_every_worker_ends_in_a_sentence(on_ray: OnRay, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = on_ray(3)
    with monkeypatch.context() as patch:
        patch.setattr("lexigrad.engines.ray.engine.RETRIES", 1)
        dying = engine.call(jobs.die)
    with pytest.raises(EngineError, match="workers died again and again"):
        engine.get([dying])
    assert engine.get([engine.call(jobs.total, 1, 2)]) == [3]


def test_nothing_is_waited_for_without_end(on_ray: OnRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = on_ray(3)
    monkeypatch.setattr(engine, "deadline_seconds", 2.0)
    stuck = engine.call(jobs.wait_for, str(tmp_path / "go"))
    with pytest.raises(EngineError, match="no worker got on for 2 seconds"):
        engine.get([stuck])
    (tmp_path / "go").touch()
    assert isinstance(engine.get([stuck])[0], int)


def homes_of(engine: RayEngine) -> list[int]:
    """The raylet, and with it the machine, of each worker."""
    return engine.get([engine.call(os.getppid, on=number) for number in range(engine.workers)])


def test_workers_are_where_their_cores_are_and_what_is_lost_with_a_machine_is_made_again(
    ray_nodes: cluster_of.Nodes, on_ray: OnRay, tmp_path: Path
) -> None:
    from lexigrad.engines.ray.engine import RayEngine

    shared = on_ray(3)  # takes half of the cores
    node = ray_nodes.add(cores=1)
    with RayEngine("local", 4) as engine:  # the other half, and the new node's
        homes = Counter([*homes_of(shared), *homes_of(engine)])
        assert sorted(homes.values()) == [1, 3, 3]
        assert homes[node.all_processes["raylet"][0].process.pid] == 1
        made = [engine.call(jobs.ramp, 100_000, float(i), on=i) for i in range(4)]
        put = engine.put(np.ones(100_000))
        sums = [engine.call(jobs.total, part, put, on=i) for i, part in enumerate(made)]
        engine.get([engine.call(jobs.length, part, on=i) for i, part in enumerate(sums)])
        engine.free([*made, put])
        waits = [engine.call(jobs.wait_for, str(tmp_path / "go"), str(tmp_path / f"{i}"), on=i) for i in range(4)]
        for i in range(4):
            begun(tmp_path / str(i))
        cluster_of.kill(node)
        (tmp_path / "go").touch()
        assert len(engine.get(waits)) == 4
        for i, value in enumerate(engine.get(sums)):
            assert value.tobytes() == (np.arange(100_000.0) + i + 1.0).tobytes()
        assert engine.progress().workers == 4


# --- judging by pulses, without Ray


class Clock:
    """A clock that is told the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


def pulse(process: int = 1, calls: int = 0, cpu: float = 0.0, function: str = "", seconds: float = 0.0) -> Pulse:
    return Pulse("host", process, calls, 8 * calls, cpu, function, seconds)


def test_a_worker_that_computes_keeps_a_job_alive_and_one_that_rests_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = Watch(1)
    for clock.now in range(0, 300, 6):
        watch.hear(0, pulse(cpu=clock.now / 2, function="lexigrad.f"))
        watch.check(60)
    for clock.now in range(300, 350, 6):
        watch.hear(0, pulse(cpu=150 + clock.now / 100, function="lexigrad.f"))
        watch.check(60)
    clock.now = 370
    with pytest.raises(
        EngineError, match=r"no worker got on for 60 seconds.*\(process 1 on host in lexigrad\.f\) came 22 seconds"
    ):
        watch.check(60)


def test_a_watch_counts_the_calls_of_processes_that_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = Watch(2)
    watch.hear(0, pulse(1, calls=5))
    watch.hear(1, pulse(2, calls=1, function="lexigrad.f", seconds=3))
    watch.hear(0, pulse(3, calls=2, function="lexigrad.g", seconds=9))
    clock.now = 4.0
    seen = watch.progress(calls_made=10)
    assert (seen.calls_done, seen.bytes_done, seen.restarts, seen.seconds) == (8, 64, 1, 4.0)
    assert seen.slowest == "worker 0 on host in lexigrad.g for 13 s"
    assert watch.silent(4.0) == [0, 1]
    assert watch.silent(4.0) == []


def test_workers_are_idle_where_all_rest_and_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = Watch(2)
    watch.hear(0, pulse(1))
    watch.hear(1, pulse(2, function="lexigrad.f"))
    clock.now = 20.0
    assert watch.idle(10) == []  # one is at work
    watch.hear(1, pulse(2))
    assert watch.idle(30) == []
    assert watch.idle(10) == [0, 1]
    assert watch.idle(10) == []
    clock.now = 31.0
    assert watch.idle(10) == [0, 1]
    watch.progressed()
    assert watch.idle(10) == []


def test_a_worker_lags_that_is_at_a_call_twice_as_long_as_the_others_were(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    watch = Watch(2)
    watch.hear(0, pulse(1, calls=0, function="lexigrad.f", seconds=9))
    watch.hear(1, pulse(2, calls=0, function="lexigrad.f", seconds=8))
    assert not watch.progress(calls_made=2).lags  # both have as much to do
    watch.hear(1, pulse(2, calls=1))
    watch.hear(0, pulse(1, calls=0, function="lexigrad.f", seconds=15))
    assert not watch.progress(calls_made=2).lags
    watch.hear(0, pulse(1, calls=0, function="lexigrad.f", seconds=16))
    seen = watch.progress(calls_made=2)
    assert (seen.lags, seen.slowest) == (True, "worker 0 on host in lexigrad.f for 16 s")
    watch.hear(0, pulse(1, calls=1))
    assert not watch.progress(calls_made=2).lags


def test_a_worker_that_falls_silent_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    watch = Watch(2)
    watch.hear(0, pulse(1, function="lexigrad.f", seconds=2))
    watch.hear(1, pulse(2))
    assert not watch.progress(calls_made=2).lags
    clock.now = 4.0
    seen = watch.progress(calls_made=2)
    assert (seen.lags, seen.slowest) == (True, "worker 0 on host in lexigrad.f for 6 s")
    clock.now = 5.0
    watch.hear(0, pulse(1, calls=1))
    seen = watch.progress(calls_made=2)
    assert (seen.lags, seen.slowest) == (True, "worker 1 on host, silent for 5 s")


def test_one_worker_alone_does_not_lag_and_neither_does_a_short_call(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    watch = Watch(1)
    watch.hear(0, pulse(1, function="lexigrad.f", seconds=99))
    assert not watch.progress(calls_made=1).lags
    watch = Watch(2)
    watch.hear(0, pulse(1, function="lexigrad.f", seconds=4))
    watch.hear(1, pulse(2))
    assert not watch.progress(calls_made=1).lags


# --- workers of other bytes


AVX512_OF_NUMPY = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
"""The names that NumPy's versions have for it."""


def probe_in(**environment: str) -> Probe:
    """The probe of a process with another environment."""
    ask = "from lexigrad.engines.ray.samebytes import Probe; p = Probe.here(); print(repr((p.hashes, p.made_with)))"
    run = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    hashes, made_with = eval(run.stdout)
    return Probe(hashes, made_with)


def test_the_same_machine_gives_the_same_probe_in_another_process() -> None:
    assert difference(Probe.here(), probe_in()) is None


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}, "vector kernels"),
        ({"NPY_DISABLE_CPU_FEATURES": AVX512_OF_NUMPY}, "NumPy"),
    ],
)
def test_other_abilities_of_the_processor_show_in_the_probe(environment: dict[str, str], part: str) -> None:
    try:
        reason = difference(Probe.here(), probe_in(**environment))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this processor or NumPy knows no {environment}: {error.stderr.splitlines()[-1]}")
    if reason is None:
        pytest.skip(f"here {environment} changes no bits")
    assert reason.startswith("other bits come from")
    assert part in reason
    assert "processor" in reason


def test_a_worker_of_other_bytes_is_refused(on_ray: OnRay, monkeypatch: pytest.MonkeyPatch) -> None:
    from lexigrad.engines.ray.engine import RayEngine

    on_ray(1)
    here = Probe.here()
    other = Probe({**here.hashes, "compiled loops": "other"}, {**here.made_with, "NumPy": "1.0"})
    monkeypatch.setattr(Probe, "here", staticmethod(lambda: other))
    with pytest.raises(EngineError, match=r"would not give the same bytes: .* compiled loops \(NumPy .*, not 1\.0\)"):
        RayEngine("local", 1)


def test_a_worker_of_another_version_of_lexigrad_is_refused_whatever_its_bytes() -> None:
    here = Probe.here()
    worker = Worker(Probe(here.hashes, {**here.made_with, "lexigrad": "0.0.1"}))
    with pytest.raises(EngineError, match=r"it has lexigrad .*, not 0\.0\.1; install the same version"):
        worker.run("operator", "add", 1, 2)


# --- a Ray of one's own

OWN = """
import os, sys, time
from lexigrad.engines.opening import open_engine
with open_engine("local", 1) as engine:
    print(*engine.get([engine.call(os.getpid)]), flush=True)
    time.sleep(600)
"""

AGENTS = (b"ray::DashboardAgent", b"ray::RuntimeEnvAgent")


def descendants(process: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):  # it has ended meanwhile
            continue
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def listening(processes: set[int]) -> set[str]:
    """The local addresses at which processes listen by TCP, or receive by UDP, as hexadecimal digits."""
    sockets = set()
    for process in processes:
        for path in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.add(os.readlink(path))
            except OSError:
                continue
    found = set()
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == state and f"socket:[{words[9]}]" in sockets:
                found.add(words[1].partition(":")[0])
    return found


@pytest.fixture(scope="module")
def own_ray() -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """A process with a Ray of its own, and all the processes that this started."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    try:
        connecting.import_ray(local=True)
    except MissingExtraError as error:
        pytest.skip(str(error))
    with subprocess.Popen([sys.executable, "-c", OWN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            worker = int(process.stdout.readline())
            started = descendants(process.pid)
            assert worker in started
            yield process, started
        finally:
            process.kill()
            for each in started:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)


def test_a_ray_of_ones_own_listens_on_this_machine_alone(own_ray: tuple[subprocess.Popen[str], set[int]]) -> None:
    process, started = own_ray
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1, and the same within IPv6
    found = listening({process.pid, *started})
    assert found
    assert found <= loopback


def test_a_ray_of_ones_own_ends_when_its_driver_is_killed(own_ray: tuple[subprocess.Popen[str], set[int]]) -> None:
    """But for two of Ray's agents, which try for a minute to report that their parent is gone, and then end too."""
    process, started = own_ray
    agents = {each for each in started if Path(f"/proc/{each}/cmdline").read_bytes().startswith(AGENTS)}
    assert len(started - agents) >= 4  # two servers of Ray, a worker, what watches logs
    process.kill()
    process.wait()
    ends = time.monotonic() + 60
    while left := {each for each in started - agents if Path(f"/proc/{each}").exists()}:
        assert time.monotonic() < ends, left
        time.sleep(0.05)


# --- the way in


class NotConnected:
    """What a process has of Ray that is not connected to a cluster, on a machine with the address that is given."""

    def __init__(self, here: str = "127.0.0.1") -> None:
        self.util = type("util", (), {"get_node_ip_address": staticmethod(lambda: here)})

    def is_initialized(self) -> bool:
        return False


def test_where_there_is_no_cluster_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = NotConnected()
    with pytest.raises(EngineError, match=r"there is no Ray cluster at 127\.0\.0\.1:1: Connection refused"):
        connecting.connect(ray, "127.0.0.1:1", None)
    for address in ("ray://head:10001", "head", "head:port", "head:65536"):
        with pytest.raises(EngineError, match=f"'{address}' is no address of a Ray cluster; give HOST:PORT"):
            connecting.connect(ray, address, None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(EngineError, match=r"there is no Ray cluster at 127\.0\.0\.1:1"):
        connecting.connect(ray, "auto", None)


def test_an_address_that_ray_takes_for_another_is_looked_for_there() -> None:
    """Ray would look for it there for ten minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sentence = rf"there is no Ray cluster at localhost:{port}, which Ray takes for 127\.0\.0\.2:{port}: .*"
        with pytest.raises(EngineError, match=sentence + "set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 here too"):
            connecting.connect(NotConnected("127.0.0.2"), f"localhost:{port}", None)


@pytest.mark.parametrize("answer", [b"HTTP/1.0 400 Bad request\r\n", b"", None], ids=["http", "hangs up", "silent"])
def test_what_listens_and_is_no_head_of_ray_is_refused(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "CONNECT_SECONDS", 0.2 if answer is None else 60.0)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        answering = pool.submit(answer_once, server, answer)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(EngineError, match=f"what listens at {address} is no head of a Ray cluster, or it is stuck"):
            connecting.connect(NotConnected(), address, None)
        answering.result()


def answer_once(server: socket.socket, answer: bytes | None) -> None:
    """Take one connection, and answer, or wait until the other side hangs up."""
    connection, _ = server.accept()
    with connection:
        if answer is None:
            while connection.recv(99):
                pass
        else:
            connection.sendall(answer)


def test_a_head_that_goes_out_of_reach_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = reaching.HeadCheck(f"127.0.0.1:{server.getsockname()[1]}")
        for clock.now in range(0, 100, 6):
            head.check()
    for clock.now in range(102, 126, 6):
        head.check()
    clock.now = 126
    with pytest.raises(EngineError, match=r"the Ray cluster at 127\.0\.0\.1:\d+ went out of reach: Connection refused"):
        head.check()


HEADLESS = """
import os, signal, sys
import engine_jobs as jobs
from lexigrad.cli import main as cli
from lexigrad.engines.ray import connection, engine as ray_engine
head, go, *arguments = sys.argv[1:]
connection.HEAD_SECONDS, connection.UNREACHED_SECONDS = 0.2, 1.0
start = ray_engine.RayEngine._start

def start_and_kill_the_head(engine, threads):
    start(engine, threads)
    for number in range(engine.workers):
        engine.call(jobs.wait_for, go, on=number)
    os.kill(int(head), signal.SIGKILL)

ray_engine.RayEngine._start = start_and_kill_the_head
cli.main(arguments)
"""


def test_a_command_ends_in_a_sentence_when_the_head_goes_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the check Ray ends the process after a minute, in the midst of what it does."""
    try:
        connecting.import_ray(local=True)
    except MissingExtraError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *filter(None, sys.path)]))
    (tmp_path / "text.txt").write_text("to be or not to be\n")
    with cluster_of.nodes(1, cores=2) as started:
        (head,) = started.nodes[0].all_processes["gcs_server"]
        arguments = [str(head.process.pid), str(tmp_path / "go"), "vocab", "text.txt", "-o", "words.txt"]
        address = started.address
        command = [sys.executable, "-c", HEADLESS, *arguments, "--ray", address, "--workers=2"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        (tmp_path / "go").touch()
    assert run.returncode == 1
    (said,) = [line for line in run.stderr.splitlines() if line.startswith("Error: ")]
    assert said.startswith(f"Error: the Ray cluster at {address} went out of reach: ")
    assert sorted(os.listdir(tmp_path)) == ["go", "text.txt"]


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexigrad\[ray\]'"):
        open_engine("local")


def test_a_ray_that_was_imported_before_and_would_listen_elsewhere_is_refused() -> None:
    with pytest.raises(EngineError, match="Ray was imported before it could be told to stay on this machine"):
        connecting.connect(NotConnected("192.0.2.1"), "local", None)


def test_more_workers_than_cores_are_refused(on_ray: OnRay) -> None:
    on_ray(1)
    with pytest.raises(EngineError, match=r"99 workers with 2 cores each do not fit: the cluster has \d+;"):
        open_engine("local", 99, threads=2)


def test_a_closed_engine_starts_no_other_ray(on_ray: OnRay) -> None:
    on_ray(1)
    with open_engine("local", 1) as engine:
        value = engine.put(1)
    for use in (lambda: engine.put(1), lambda: engine.call(jobs.ramp, 3, 0.0), lambda: engine.get([value])):
        with pytest.raises(EngineError, match="the engine was closed; open another one"):
            use()


def test_a_value_that_ray_does_not_take_ends_in_a_sentence(on_ray: OnRay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's put waits without end for a raylet that is stopped."""
    engine, go = on_ray(1), Event()
    ray, exceptions = type("Stuck", (), {}), engine._ray.exceptions
    ray.put, ray.exceptions = staticmethod(lambda _: go.wait(60)), exceptions  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(engine, "deadline_seconds", 0.1)
        patch.setattr(engine, "_ray", ray)
        with pytest.raises(EngineError, match=r"Ray on this machine took no value for 0\.1 seconds"):
            engine.put(1)
        go.set()
        assert engine.put(1).object_ref is True
    assert engine.get([engine.put(1)]) == [1]


def test_a_ray_that_is_stuck_is_given_up_when_it_is_to_end(on_ray: OnRay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray waits without end for a head or a raylet that is stopped, and crashes the process if it is left alone."""
    on_ray(1)
    go, given_up, left = Event(), Event(), []
    monkeypatch.setattr("lexigrad.engines.ray.engine.CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(connecting, "GIVEN_UP", given_up)
    monkeypatch.setattr(connecting.atexit, "unregister", left.append)
    monkeypatch.setattr(connecting.os, "_exit", left.append)
    engine = open_engine("local", 1)
    end = engine._end  # type: ignore[attr-defined]
    monkeypatch.setattr(engine, "_end", lambda: go.wait(60) and end())
    connecting.leave(3)
    assert left == []
    engine.close()
    assert given_up.is_set()
    assert [each.__name__ for each in left] == ["shutdown"]
    connecting.leave(3)
    assert left[1:] == [3]
    go.set()


STUCK = """
import sys
from threading import Event, Thread
from lexigrad.cli import main as cli
from lexigrad.engines.ray import connection
Thread(target=Event().wait).start()  # as those of a Ray that is stuck, it would keep the process
connection.GIVEN_UP.set()
cli.main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("arguments", "status", "out", "error"),
    [
        (["--version"], 0, "lexigrad, version ", ""),
        (["convert", "missing.txt", "out.txt"], 1, "", "Error: cannot read "),
        (["convert", "--nothing"], 2, "", "Usage: "),
    ],
)
def test_a_command_ends_whose_ray_is_stuck(arguments: list[str], status: int, out: str, error: str) -> None:
    command = [sys.executable, "-c", STUCK, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == status
    assert run.stdout.startswith(out)
    assert run.stderr.startswith(error)
    assert bool(run.stdout) == bool(out)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "workers must be a whole number of at least 1, not 0"),
        ({"address": "local", "workers": 1.5}, "workers must be a whole number of at least 1, not 1.5"),
        ({"threads": True}, "threads must be a whole number of at least 1, not True"),
        ({"address": 6379}, "address must be None, 'local', 'auto' or HOST:PORT, not 6379"),
    ],
)
def test_what_opens_no_engine_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_engine(**options)


def test_no_address_means_threads_of_this_process() -> None:
    with open_engine(workers=3) as engine:
        assert isinstance(engine, ThreadEngine)
        assert engine.workers == 3


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_deadline_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(opening.DEADLINE, text)
    with pytest.raises(ConfigError, match=f"must be a number of seconds above 0, not '{text}'"):
        open_engine("local")

"""The way to Ray and from it: importing it, connecting, a cluster out of reach, and leaving one that is stuck.

The cluster is one's own on this machine, or one that is up. Whether it is within reach is looked at before Ray tries,
and while it works, as Ray would wait for long.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final, NamedTuple

from lexigrad.engines.ray.explained import first_line
from lexigrad.errors import EngineError, MissingExtraError

__all__ = [
    "LINEAGE_BYTES",
    "LOCAL",
    "LOOPBACK",
    "ON_LOOPBACK",
    "Connection",
    "HeadCheck",
    "connect",
    "give_up",
    "import_ray",
    "leave",
    "reachable",
]


LOCAL: Final = "local"
SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the way to be of Ray's next version; without it, it warns
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Ray prints to standard output when a worker dies, where our data goes
}
ONE_TRY: Final = {"RAY_gcs_server_port_wait_time_s": "1"}
"""Ray tries twenty times to reach a head, half a minute each."""

LINEAGE: Final = "RAY_max_lineage_bytes"
LINEAGE_BYTES: Final = 1 << 20
"""The size of the account of how values were made, by which Ray makes them again if a machine is lost. Ray also keeps
all values that were put and led to them: where each value is made of the last one, that would be everything."""

GIVEN_UP: Final = threading.Event()
"""Whether a Ray was given up in this process."""

LOOPBACK: Final = "127.0.0.1"
ON_LOOPBACK: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""On those systems Ray takes 127.0.0.1 for this machine's address unless this is set, so as not to wake the firewall,
and listens there alone; on Linux it does the same if this is 0."""

CONNECT_SECONDS: Final = 10.0
HEAD_SECONDS: Final = 5.0
UNREACHED_SECONDS: Final = 30.0
"""Ray waits for a minute, as a head may come back."""

LOCALHOSTS: Final = ("127.0.0.1", "localhost", "[::1]", "::1")
"""Ray takes these for this machine's own address."""

GREETING: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""The beginning of HTTP/2, which a head speaks: a line, and settings, of which there are none here."""
FRAME_TYPE: Final = 3
SETTINGS_FRAME: Final = 4
"""The fourth byte of an answer, which begins with settings, too (RFC 9113)."""


class Connection(NamedTuple):
    """This process's connection to Ray."""

    owned: bool
    """Whether the connection was made here, and so is to be ended here."""
    dashboard: str | None
    """The address of Ray's own page about the cluster, if it has one and it is known here."""


def import_ray(*, local: bool, lineage_bytes: int = LINEAGE_BYTES) -> Any:
    """The package ray, told to be quiet, and if it is to be local, to stay on this machine.

    Args:
        local: whether Ray is to stay on this machine.
        lineage_bytes: as for `RayEngine`; the environment, or the first import of a process, goes before it.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    for name, value in {**SETTINGS, **({} if local else ONE_TRY), LINEAGE: str(lineage_bytes)}.items():
        os.environ.setdefault(name, value)
    if local:
        os.environ[ON_LOOPBACK] = "0"
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("work on a cluster needs Ray: pip install 'lexigrad[ray]'") from error
    return ray


def connect(ray: Any, address: str, cores: int | None) -> Connection:
    """Connect this process to Ray, unless it is connected.

    Args:
        ray: the package.
        address: ``local``, ``auto`` or HOST:PORT.
        cores: the cores of a Ray of its own; all of this machine's if None.

    Raises:
        EngineError: there is no cluster at the address, or Ray does not start.
    """
    if ray.is_initialized():
        return Connection(owned=False, dashboard=None)
    if address == LOCAL:
        # None would join the last cluster of this machine, or wait for it, if a file says that there is one.
        if ray.util.get_node_ip_address() != LOOPBACK:
            raise EngineError(
                f"Ray was imported before it could be told to stay on this machine; set {ON_LOOPBACK}=0 before "
                "importing ray"
            )
        options: dict[str, Any] = {
            "address": LOCAL,
            "num_cpus": cores,
            "include_dashboard": False,
            "_node_ip_address": LOOPBACK,
        }
    else:
        options = {"address": reachable(ray, address)}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        context = ray.init(**options, log_to_driver=False, logging_level="CRITICAL")
    except Exception as error:
        where = "on this machine" if address == LOCAL else f"to the cluster at {address}"
        raise EngineError(
            f"Ray cannot {'start' if address == LOCAL else 'connect'} {where}: {first_line(error)}"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray sets its own; it still ends its processes when this one ends
    url = getattr(context, "dashboard_url", None)
    return Connection(owned=True, dashboard=f"http://{url}" if url else None)


def give_up(ray: Any) -> None:
    """Let go of a Ray that does not answer when it is told to end, as it would not when this process ends, either."""
    atexit.unregister(ray.shutdown)
    GIVEN_UP.set()


def leave(status: int) -> None:
    """End this process at once if a Ray was given up in it: its threads would crash it on the usual way out."""
    if GIVEN_UP.is_set():
        with suppress(OSError):  # their readers may be gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


class HeadCheck:
    """Looks every few seconds whether the head of a cluster is within reach.

    Without it, Ray itself ends this process after a minute, in the midst of what it does.

    Args:
        address: HOST:PORT of the head.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._looked = self._reached = time.monotonic()

    def check(self) -> None:
        """Look, if it is time.

        Raises:
            EngineError: the head was out of reach for half a minute.
        """
        now = time.monotonic()
        if now - self._looked < HEAD_SECONDS:
            return
        try:
            _knock(self._address, HEAD_SECONDS / 2)
            self._reached = now
        except OSError as error:
            if now - self._reached >= UNREACHED_SECONDS:
                raise EngineError(
                    f"the Ray cluster at {self._address} went out of reach: {_reason(error)}; see whether its head is "
                    "up, and run it again"
                ) from error
        self._looked = time.monotonic()


def reachable(ray: Any, address: str) -> str:
    """An address at which a Ray cluster listens; Ray would look for it for a long time.

    Raises:
        EngineError: no cluster listens there.
    """
    wanted = os.environ.get("RAY_ADDRESS") or address if address == "auto" else address
    if wanted == "auto":
        return wanted
    host, _, port = wanted.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or int(port) >= 1 << 16:
        raise EngineError(
            f"'{wanted}' is no address of a Ray cluster; give HOST:PORT as `ray start --head` prints it, on a machine "
            "of the cluster, or 'local'"
        )
    taken = f"{ray.util.get_node_ip_address()}:{port}" if host in LOCALHOSTS else wanted
    try:
        answer = _greeted(taken)
    except OSError as error:
        raise EngineError(_unreached(wanted, taken, error)) from error
    if answer is not None and not _is_http2(answer):
        raise EngineError(
            f"what listens at {wanted} is no head of a Ray cluster, or it is stuck; give HOST:PORT as "
            "`ray start --head` prints it"
        )
    return wanted


def _unreached(wanted: str, taken: str, error: OSError) -> str:
    """The message that there is no cluster at an address: why, and what to do."""
    where = wanted if taken == wanted else f"{wanted}, which Ray takes for {taken}"
    advice = "see whether it is up, and whether this machine reaches it"
    if taken.rpartition(":")[0] not in LOCALHOSTS and taken != wanted:
        advice += f"; where its head listens on {LOOPBACK} alone, set {ON_LOOPBACK}=0 here too"
    return f"there is no Ray cluster at {where}: {_reason(error)}; {advice}"


def _greeted(address: str) -> bytes | None:
    """The answer of HOST:PORT to a greeting, empty if it is silent; None where messages are enciphered."""
    if os.environ.get("RAY_USE_TLS", "0").lower() in {"1", "true"}:
        _knock(address, CONNECT_SECONDS)
        return None
    answer = b""
    with _connection(address, CONNECT_SECONDS) as server, suppress(TimeoutError, ConnectionError):
        server.sendall(GREETING)
        while len(answer) <= FRAME_TYPE and (block := server.recv(len(GREETING))):
            answer += block
    return answer


def _is_http2(answer: bytes) -> bool:
    return len(answer) > FRAME_TYPE and answer[FRAME_TYPE] == SETTINGS_FRAME


def _knock(address: str, seconds: float) -> None:
    """Connect to HOST:PORT and hang up; an OSError says why that cannot be."""
    _connection(address, seconds).close()


def _connection(address: str, seconds: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), seconds)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

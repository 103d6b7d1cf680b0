"""The way to Ray and from it: importing it, one's own or a cluster that is up, and leaving one that is stuck."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, Final, NamedTuple

from lexigrad.engines.reaching import LOOPBACK, ON_LOOPBACK, reachable
from lexigrad.engines.sentences import first_line
from lexigrad.errors import EngineError, MissingExtraError

__all__ = ["LINEAGE_BYTES", "LOCAL", "Connection", "connect", "give_up", "import_ray", "leave"]

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
"""Of the account of how values were made, by which Ray makes them again if a machine is lost. Ray also keeps all values
that were put and led to them: where each value is made of the last one, that would be everything."""

GIVEN_UP: Final = threading.Event()
"""Whether a Ray was given up in this process."""


class Connection(NamedTuple):
    """This process's connection to Ray."""

    owned: bool
    """Whether it was made here, and so is to be ended here."""
    dashboard: str | None
    """The address of Ray's own page about the cluster, if it has one and it is known here."""


def import_ray(*, local: bool, lineage_bytes: int = LINEAGE_BYTES) -> Any:
    """Ray, told to be quiet, and where it is to be local, to stay on this machine.

    Args:
        local: whether it is to be.
        lineage_bytes: as for `RayEngine`; what the environment, or the first import of a process, says goes before.

    Raises:
        MissingExtraError: it is not installed.
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
    """Connect this process to Ray, unless it is.

    Args:
        ray: the package.
        address: ``local``, ``auto`` or HOST:PORT.
        cores: of a Ray of its own; all of this machine's if None.

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
        with suppress(OSError):  # who reads them may be gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)

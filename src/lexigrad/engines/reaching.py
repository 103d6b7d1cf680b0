"""Whether a Ray cluster is within reach: looked at before Ray tries, and while it works, as Ray would wait for long."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Any, Final

from lexigrad.errors import EngineError

__all__ = ["LOOPBACK", "ON_LOOPBACK", "HeadCheck", "reachable"]

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
"""How HTTP/2 begins, by which a head is spoken to: with a line, and with settings, of which there are none here."""
FRAME_TYPE: Final = 3
SETTINGS_FRAME: Final = 4
"""What the fourth byte of an answer is, which begins with settings, too (RFC 9113)."""


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
        EngineError: none does.
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
    """Why there is no cluster at an address, and what to do."""
    where = wanted if taken == wanted else f"{wanted}, which Ray takes for {taken}"
    advice = "see whether it is up, and whether this machine reaches it"
    if taken.rpartition(":")[0] not in LOCALHOSTS and taken != wanted:
        advice += f"; where its head listens on {LOOPBACK} alone, set {ON_LOOPBACK}=0 here too"
    return f"there is no Ray cluster at {where}: {_reason(error)}; {advice}"


def _greeted(address: str) -> bytes | None:
    """What HOST:PORT answers to a greeting, nothing if it is silent; None where messages are enciphered."""
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

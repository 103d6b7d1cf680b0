"""What the tests of the explorer share: made-up vectors, hostile words, a server, a question to it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import numpy as np

import lexigrad
from lexigrad.vectors.subwords import Subwords
from lexigrad.vectors.subwordvectors import SubwordVectors
from lexigrad.view.explorer.server import ExplorerServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lexigrad.view.explorer.data import Explorer
    from lexigrad.view.explorer.watch import Watch

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'`&amp;",
    "שלום",
    "👩‍👩‍👧",
    "a\tb\nc",
    "x" * 10_000,
]


def planted(words: int = 60, groups: int = 3, dim: int = 8, seed: int = 0) -> lexigrad.KeyedVectors:
    """Words in groups: word i belongs to group i modulo ``groups``."""
    rng = np.random.default_rng(seed)
    centers = np.eye(dim)[:groups]
    matrix = centers[np.arange(words) % groups] + 0.05 * rng.standard_normal((words, dim))
    return lexigrad.KeyedVectors([f"w{i}" for i in range(words)], matrix, np.arange(words, 0, -1))


def composing() -> SubwordVectors:
    """Two words, and n-grams of which others are made."""
    rng = np.random.default_rng(3)
    rows, ngrams = (rng.standard_normal((count, 4)).astype(np.float32) for count in (2, 20))
    return SubwordVectors(["cat", "tea"], rows, ngrams, Subwords(4, 4, 20), whole=True)


@contextmanager
def serving(explorer: Explorer | Watch) -> Iterator[ExplorerServer]:
    with ExplorerServer(explorer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(
    server: ExplorerServer, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Status, content and headers of an answer."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        given = {"Host": f"127.0.0.1:{server.server_port}", **(headers or {})}
        connection.putrequest(method, path, skip_host=True)
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the texts of its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in self.texts and data.strip():
            self.texts[self.found[-1][0]].append(data)

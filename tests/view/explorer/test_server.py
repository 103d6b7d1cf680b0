"""The explorer's server: who may ask, what is answered, and what is refused."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from explorer_pages import HOSTILE, ask, serving

import lexigrad
from lexigrad.errors import LexigradError
from lexigrad.view.explorer.data import Explorer
from lexigrad.view.explorer.server import PAGE_FILES, ExplorerServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[ExplorerServer]:
    vectors = lexigrad.KeyedVectors(HOSTILE, np.random.default_rng(0).standard_normal((len(HOSTILE), 6)))
    with serving(Explorer(vectors, "hostile")) as running:
        yield running


def sent(server: ExplorerServer, request: bytes) -> bytes:
    """All that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def test_it_listens_on_this_machine_only(server: ExplorerServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize("path", [*PAGE_FILES, "/api/summary", "/api/words", "/api/status"])
def test_what_the_page_needs_is_there_and_may_load_nothing_from_elsewhere(server: ExplorerServer, path: str) -> None:
    status, content, headers = ask(server, path)
    assert status == 200
    assert content
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_hostile_words_come_as_data(server: ExplorerServer) -> None:
    _, content, headers = ask(server, "/api/words")
    assert json.loads(content) == HOSTILE
    assert headers["Content-Type"] == "application/json"


def test_places_and_colors_are_packed_floats(server: ExplorerServer) -> None:
    places = np.frombuffer(ask(server, "/api/places?map=pca&side=0")[1], dtype="<f4").reshape(-1, 2)
    np.testing.assert_array_equal(places, server.explorer.maps["pca"][0])
    column = np.frombuffer(ask(server, "/api/column?number=1")[1], dtype="<f4")
    np.testing.assert_array_equal(column, server.explorer.columns[1].values)


def test_neighbors_and_arithmetic(server: ExplorerServer) -> None:
    assert json.loads(ask(server, "/api/nearest?plus=0,2&minus=1&n=3")[1]) == server.explorer.nearest([0, 2], [1], 3)


def test_a_word_that_is_not_on_the_map_is_asked_for_as_text() -> None:
    vectors = lexigrad.KeyedVectors(["a", "b", "c,d\u00e9 ~%"], np.eye(3))
    explorer = Explorer(lexigrad.KeyedVectors(["a", "b"], vectors.matrix[:2]), "first", whole=[vectors])
    with serving(explorer) as server:
        word = quote(quote(vectors.words[2], safe=""), safe="")
        answer = json.loads(ask(server, f"/api/nearest?plus=0,~{word}&minus=1")[1])
    assert answer == explorer.nearest([0, vectors.words[2]], [1])


@pytest.mark.parametrize(
    "path",
    [
        "/index.html", "/explorer.py", "/../data.py", "/%2e%2e/data.py", "/..%2f..%2fetc/passwd", "//etc/passwd",
        "/api", "/api/", "/api/words/", "/API/words", "/favicon.ico", "/explorer.js/", "/\x7f", "*", "http://a.example/x",
    ],
)  # fmt: skip
def test_other_paths_are_not_there(server: ExplorerServer, path: str) -> None:
    answer = sent(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
    assert 400 <= int(answer.split()[1]) < 500
    assert b"import" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_not_allowed(server: ExplorerServer, method: str) -> None:
    status, _, headers = ask(server, "/", method)
    assert status == 405
    assert headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "query",
    [
        "nearest", "nearest?plus=", "nearest?plus=7", "nearest?plus=-1", "nearest?plus=1e3", "nearest?plus=٣",
        "nearest?plus=0&n=99999999999999999999", "nearest?plus=0&side=1", "nearest?plus=0&plus=1",
        "nearest?plus=" + ",".join(["0"] * 21), "nearest?plus=0&n=", "nearest?plus=%00", "nearest?x", "places?map=tsne",
        "places?map=../x", "places?map=pca&side=x", "column?number=2", "column?number=-0", "words?x=1",
        "nearest?plus=0&n=101", "nearest?plus=~", "nearest?plus=~nothere",
        "nearest?plus=~%2500", "nearest?plus=0;minus=1", "nearest?plus=0&evil=1",
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(server: ExplorerServer, query: str) -> None:
    request = f"GET /api/{query} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n"
    answer = sent(server, request.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("length", [2_001, 60_000])
def test_huge_addresses_are_refused(server: ExplorerServer, length: int) -> None:
    assert ask(server, "/?" + "1" * length)[0] == 414


def test_an_address_without_end_is_refused_before_its_end(server: ExplorerServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(b"GET /" + b"1" * 65_532)
        assert connection.recv(100).startswith(b"HTTP/1.1 414 ")


def test_too_many_headers_are_refused(server: ExplorerServer) -> None:
    headers = "".join(f"X-{i}: 1\r\n" for i in range(200))
    answer = sent(server, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n{headers}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "evil.example:{port}", "0.0.0.0:{port}", ""]
)
def test_another_host_is_refused(server: ExplorerServer, host: str) -> None:
    assert ask(server, "/api/words", headers={"Host": host.format(port=server.server_port)})[0] == 403


def test_no_host_and_two_hosts_are_refused(server: ExplorerServer) -> None:
    host = f"Host: 127.0.0.1:{server.server_port}\r\n"
    for hosts in ("", host + host, host + "Host: evil.example\r\n"):
        assert sent(server, f"GET / HTTP/1.1\r\n{hosts}\r\n".encode()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_pages_from_elsewhere_are_refused(server: ExplorerServer, headers: dict[str, str]) -> None:
    given = {name: value.format(port=server.server_port) for name, value in headers.items()}
    assert ask(server, "/api/words", headers=given)[0] == 403


def test_our_own_page_and_a_link_to_it_are_answered(server: ExplorerServer) -> None:
    own = {"Origin": f"http://localhost:{server.server_port}", "Host": f"localhost:{server.server_port}"}
    assert ask(server, "/api/words", headers=own | {"Sec-Fetch-Site": "same-origin"})[0] == 200
    assert ask(server, "/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})[0] == 200


def test_a_port_that_is_taken_is_one_sentence(server: ExplorerServer) -> None:
    with pytest.raises(LexigradError, match=r"cannot listen on port .* give another --port"):
        ExplorerServer(server.explorer, server.server_port)

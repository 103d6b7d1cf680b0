"""The explorer's page, served to a browser on this machine and to nobody else.

The server listens on 127.0.0.1 only, answers GET for a fixed table of paths, and refuses requests whose Host or Origin
is not its own, so that no page from elsewhere can ask it through the browser.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from threading import Condition
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np

from lexigrad.errors import InputError, LexigradError, UnknownWordError
from lexigrad.view.explorer.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lexigrad.view.explorer.data import Explorer

__all__ = ["ADDRESS", "PAGE_FILES", "SCRIPTS", "ExplorerServer", "page_file"]

ADDRESS: Final = "127.0.0.1"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SCRIPTS: Final = (
    *("elements.js", "source.js", "points.js", "search.js", "map.js", "panel.js", "watch.js", "explorer.js"),
    "served.js",
)
"""The modules of the page: served.js, which index.html names, and all that it imports."""
PAGE_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/explorer.css": ("explorer.css", "text/css; charset=utf-8"),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}
LONGEST_TARGET: Final = 2_000
LONGEST_ANSWER: Final = 100
MOST_TERMS: Final = 20
MOST_NEWS: Final = 1_000_000_000
LONGEST_TAKEN: Final = 100_000
SECONDS_TO_ASK: Final = 30


class RefusalError(Exception):
    """A request that is answered with another status than 200."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Answer(NamedTuple):
    """The content of an answer, and its type."""

    content: bytes
    kind: str


def page_file(name: str) -> bytes:
    """Return the bytes of one of the page's files."""
    return (files("lexigrad.view.explorer") / "page" / name).read_bytes()


class ExplorerServer(ThreadingHTTPServer):
    """Serves an `lexigrad.view.explorer.data.Explorer`, or a training that is watched, on 127.0.0.1.

    Args:
        explorer: the vectors, or the watched training, to show.
        port: the port to listen on; 0 takes one that is free.
        option: the option of the command that sets the port, which an error names.

    Raises:
        LexigradError: the port is taken or not allowed.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, explorer: Explorer | Watch, port: int = 0, option: str = "--port") -> None:
        self.explorer = explorer
        self._answering = 0
        self._answered = Condition()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            raise LexigradError(
                f"cannot listen on port {port}: {error.strerror or error}; give another {option}, or none to take "
                "any that is free"
            ) from error

    @property
    def hosts(self) -> set[str]:
        """The names, each with the port, by which a request may call this server."""
        return {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind, without HTTPServer's look-up of this machine's name, which may ask the network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, int(self.server_address[1])

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as being answered."""
        with self._answered:
            self._answering += 1
        try:
            yield
        finally:
            with self._answered:
                self._answering -= 1
                self._answered.notify_all()

    def wait_until_answered(self, seconds: float) -> bool:
        """Wait until no request is being answered, at most so many seconds; return whether none is."""
        with self._answered:
            return self._answered.wait_for(lambda: not self._answering, timeout=seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that went away is no error."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one browser."""

    server: ExplorerServer
    protocol_version = "HTTP/1.1"
    server_version = "lexigrad"
    sys_version = ""
    timeout = SECONDS_TO_ASK

    def parse_request(self) -> bool:
        """Read a request, and return whether it may be answered."""
        if not super().parse_request():
            return False
        try:
            self._check()
        except RefusalError as refusal:
            self.close_connection = True  # a body that may follow is not read
            self._refuse(refusal)
            return False
        return True

    def do_GET(self) -> None:
        """Answer a request for one of the paths in our tables; refuse all others."""
        with self.server.answering():
            try:
                answer = _answer(self.server.explorer, self.path)
            except RefusalError as refusal:
                self._refuse(refusal)
            else:
                self._send(HTTPStatus.OK, answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse, in our own form, a request that the base class refuses."""
        self.close_connection = True
        status = HTTPStatus(code)
        self._send(status, Answer(_json({"error": status.phrase}), "application/json"))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error is the user's."""

    def _check(self) -> None:
        """Refuse a request that no page of ours would send."""
        if self.headers.get_all("Host", []) not in [[host] for host in self.server.hosts]:
            raise RefusalError(HTTPStatus.FORBIDDEN, f"this server is {self.server.url} to all who ask")
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.server.hosts}:
            raise RefusalError(HTTPStatus.FORBIDDEN, "pages from elsewhere may not ask")
        is_foreign = self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        follows_link = self.headers.get("Sec-Fetch-Mode") == "navigate" and self.path == "/"
        if is_foreign and not follows_link:
            raise RefusalError(HTTPStatus.FORBIDDEN, "pages from elsewhere may not ask")
        if self.command != "GET":
            raise RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered")
        if len(self.path) > LONGEST_TARGET:
            raise RefusalError(HTTPStatus.REQUEST_URI_TOO_LONG, f"an address has at most {LONGEST_TARGET:,} characters")

    def _refuse(self, refusal: RefusalError) -> None:
        self._send(refusal.status, Answer(_json({"error": str(refusal)}), "application/json"))

    def _send(self, status: HTTPStatus, answer: Answer) -> None:
        self.send_response(status)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        headers = {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.content)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(answer.content)


def _answer(explorer: Explorer | Watch, target: str) -> Answer:
    """Return the answer to a request for an address."""
    parts = urlsplit(target)
    if parts.path in PAGE_FILES:
        name, kind = PAGE_FILES[parts.path]
        return Answer(page_file(name), kind)
    if parts.path not in ANSWERS:
        raise RefusalError(HTTPStatus.NOT_FOUND, "there is nothing here")
    names, answer = ANSWERS[parts.path]
    try:
        return answer(explorer, _parameters(parts.query, names))
    except (InputError, UnknownWordError) as error:
        raise RefusalError(HTTPStatus.BAD_REQUEST, str(error)) from error


def _parameters(query: str, names: frozenset[str]) -> dict[str, str]:
    """Return the parameters of a request; refuse one that is not known or is given twice."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=len(names))
    except ValueError as error:
        raise InputError(f"the parameters cannot be read: {error}") from error
    given = dict(pairs)
    if len(given) < len(pairs) or not given.keys() <= names:
        raise InputError(f"the parameters are {', '.join(sorted(names)) or 'none'}, each once")
    return given


def _number(given: dict[str, str], name: str, default: int, below: int) -> int:
    """Return a parameter that must be a whole number."""
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < below):
        raise InputError(f"{name} must be a whole number below {below:,}")
    return int(text)


def _terms(given: dict[str, str], name: str, words: int) -> list[int | str]:
    """Return the words that a parameter holds with commas between them: ids, or ~ and the percent-encoded word."""
    texts = [text for text in given.get(name, "").split(",") if text]
    if len(texts) > MOST_TERMS:
        raise InputError(f"{name} holds at most {MOST_TERMS} words")
    return [unquote(text[1:]) if text[0] == "~" else _number({name: text}, name, 0, words) for text in texts]


def _json(value: Any) -> bytes:
    # A word may hold half of a surrogate pair, which UTF-8 lacks: so everything beyond ASCII is escaped.
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _as_json(value: Any) -> Answer:
    return Answer(_json(value), "application/json")


def _summary(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    return _as_json(explorer.summary())


def _words(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    return _as_json(explorer.words)


def _status(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    return _as_json(explorer.status())


def _different(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    return _as_json(explorer.different)


def _places(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    name = given.get("map", "pca")
    if name not in explorer.maps:
        raise InputError(f"map must be one of {', '.join(explorer.maps)}")
    places = explorer.maps[name][_number(given, "side", 0, len(explorer.sides))]
    return Answer(np.ascontiguousarray(places, dtype="<f4").tobytes(), "application/octet-stream")


def _column(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    column = explorer.columns[_number(given, "number", 0, len(explorer.columns))]
    return Answer(np.ascontiguousarray(column.values, dtype="<f4").tobytes(), "application/octet-stream")


def _nearest(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    words = len(explorer.words)
    plus, minus = _terms(given, "plus", words), _terms(given, "minus", words)
    n = max(1, _number(given, "n", 20, LONGEST_ANSWER + 1))
    return _as_json(explorer.nearest(plus, minus, n, _number(given, "side", 0, len(explorer.sides))))


def _news(explorer: Explorer | Watch, given: dict[str, str]) -> Answer:
    if not isinstance(explorer, Watch):
        raise RefusalError(HTTPStatus.NOT_FOUND, "no training is watched here")
    words = len(explorer.words)
    asked = _terms(given, "plus", words), _terms(given, "minus", words)
    seen, look = (_number(given, name, 0, MOST_NEWS) for name in ("seen", "look"))
    took = _number(given, "took", 0, LONGEST_TAKEN) / 1000
    return _as_json(explorer.news(*asked, seen=seen, look=look, took=took))


ANSWERS: Final[dict[str, tuple[frozenset[str], Callable[[Explorer | Watch, dict[str, str]], Answer]]]] = {
    "/api/summary": (frozenset(), _summary),
    "/api/words": (frozenset(), _words),
    "/api/status": (frozenset(), _status),
    "/api/different": (frozenset(), _different),
    "/api/places": (frozenset({"map", "side"}), _places),
    "/api/column": (frozenset({"number"}), _column),
    "/api/nearest": (frozenset({"plus", "minus", "n", "side"}), _nearest),
    "/api/news": (frozenset({"plus", "minus", "seen", "look", "took"}), _news),
}

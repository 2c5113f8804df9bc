"""Web servers as calendars come from: a real one on loopback that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.answering import answering

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """A server, and what it was asked."""

    port: int
    answer: Answer
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """As it stands in an address."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/calendar.ics") -> str:
        """An address there."""
        return f"http://{self.host}{path}"


@contextmanager
def web(answer: Answer) -> Iterator[Web]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(dict(self.headers.items()))
            served.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Web(server.server_address[1], answer)
    with answering(server):
        yield served


def giving(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer everything alike; underscores in the names of headers stand for dashes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer

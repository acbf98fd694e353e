"""A server of keys, as an identity provider has one: it answers with what it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def body(data: bytes, status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


class Server(ThreadingHTTPServer):
    """Answers with what it is told to."""

    answer: Answer = staticmethod(body(b""))
    asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/jwks"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked += 1
        self.server.answer(self)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def key_server(data: bytes) -> Iterator[Server]:
    """A server that has this to answer until it is told otherwise."""
    with Server(("127.0.0.1", 0), _Handler) as server:
        server.answer = body(data)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""Web apps of other origins than the gateway's."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _App(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href='data:,'><title>app</title>")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def web_app(name: str) -> Iterator[str]:
    """The origin of an app with one empty page.

    :param name: its host's, below ``.localhost``.
    """
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _App) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://{name}.localhost:{server.server_port}"
        server.shutdown()
        thread.join()

"""Run in a container: answers like an S3 node that has nothing, and logs what it is asked."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code><Message>recorder</Message></Error>"


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(404)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(NO_SUCH_KEY)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(NO_SUCH_KEY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        print(f"asked: {self.command} {self.path}", flush=True)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the base class's names


if __name__ == "__main__":
    ThreadingHTTPServer(("", 9000), Recorder).serve_forever()

"""A socket in front of the Docker daemon's that counts the listings, and holds requests back."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

_LISTING = b"/containers/json?"
_EVENTS = b"/events?"


class Turnstile:
    """Passes everything through, both ways; requests of the kinds below only while let through."""

    def __init__(self, path: Path, daemon: Path) -> None:
        self.url = f"unix://{path}"
        self.listings = 0
        self.let_listings = threading.Event()
        self.let_events = threading.Event()
        self._daemon = str(daemon)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(128)

    @contextlib.contextmanager
    def turning(self) -> Iterator["Turnstile"]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self.let_listings.set()
            self.let_events.set()
            with self._lock:
                for sock in (self._listener, *self._open):
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
                    sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(self._daemon)
            with self._lock:
                self._open += [client, daemon]
            threading.Thread(target=self._requests, args=(client, daemon), daemon=True).start()
            threading.Thread(target=_copy, args=(daemon, client), daemon=True).start()

    def _requests(self, client: socket.socket, daemon: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                # A request of Docker's client without a body is one packet.
                if _LISTING in data:
                    with self._lock:
                        self.listings += 1
                    self.let_listings.wait()
                elif _EVENTS in data:
                    self.let_events.wait()
                daemon.sendall(data)
        with contextlib.suppress(OSError):
            daemon.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)

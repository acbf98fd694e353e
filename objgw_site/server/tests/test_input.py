"""``wsgi.input`` as PEP 3333 has it, of a body that was received with its head."""

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader

from objgw_site.server.body import Input

DATA = b"one\ntwo\n" + b"x" * 3000 + b"\nend"


@pytest.fixture
def stream() -> Input:
    unreader = SocketUnreader(None)
    unreader.unread(DATA + b"GET / HTTP/1.1\r\n")
    return Input(Body(LengthReader(unreader, len(DATA))), None, expects=False)  # type: ignore[arg-type]


def test_lines(stream: Input) -> None:
    lines = list(iter(stream.readline, b""))
    assert lines == [b"one\n", b"two\n", b"x" * 3000 + b"\n", b"end"]


def test_lines_of_a_size(stream: Input) -> None:
    assert [stream.readline(2), stream.readline(2), stream.readline(0)] == [b"on", b"e\n", b""]
    assert stream.readline(3) == b"two"
    assert stream.readline() == b"\n"


def test_a_line_and_the_rest(stream: Input) -> None:
    assert stream.readline() == b"one\n"
    assert stream.read(2) == b"tw"
    assert stream.read() == DATA[6:]
    assert stream.read() == stream.readline() == stream.read(5) == b""

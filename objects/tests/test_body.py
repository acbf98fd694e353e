"""Reading a request's body from the server."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.exceptions import IncompleteBody, LengthRequired, TooLarge
from objects.http.body import RequestBody
from objects.store.payload import Streamed
from objects.store.response import CHUNK

LIMIT = 1000


class Trickling(io.BytesIO):
    """Input that gives less than was asked for, as a socket does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(3, 3 if size is None or size < 0 else size))


class Unreadable(io.BytesIO):
    """Input that nobody may read."""

    def read(self, size: int | None = -1) -> bytes:
        pytest.fail("the body was read")


class Breaking(io.BytesIO):
    """Input that breaks after its bytes as servers' inputs do: each in its own way."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise self._error
        return data


def chunked(data: bytes, limit: int = LIMIT) -> RequestBody:
    environ = {
        "wsgi.input": io.BytesIO(data),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    return RequestBody.of(environ, limit)


@given(st.binary(max_size=200), st.integers(1, 70), st.sampled_from([io.BytesIO, Trickling]))
@settings(deadline=None)
def test_a_body_of_known_length_is_read_to_its_length_and_no_further(
    data: bytes, size: int, kind: type[io.BytesIO]
) -> None:
    stream = kind(data + b"the next request")
    body = RequestBody.of({"wsgi.input": stream, "CONTENT_LENGTH": str(len(data))}, LIMIT)
    assert body.length == len(data)
    found = b""
    while chunk := body.read(size):
        found += chunk
    assert found == data
    assert body.received == len(data)
    assert b"".join(iter(stream.read, b"")) == b"the next request"


@pytest.mark.parametrize("length", [None, "", "0"])
def test_no_body(length: str | None) -> None:
    environ = {"wsgi.input": Unreadable(), "CONTENT_LENGTH": length}
    body = RequestBody.of(environ, LIMIT)
    assert body.length == 0
    assert b"".join(Streamed(body)) == b""


@given(st.binary(max_size=LIMIT))
@settings(deadline=None)
def test_a_chunked_body_has_no_length_and_all_of_its_bytes(data: bytes) -> None:
    body = chunked(data)
    assert body.length is None
    assert b"".join(Streamed(body)) == data
    assert body.received == len(data)


def test_streaming_asks_for_bounded_pieces() -> None:
    data = bytes(range(256)) * (CHUNK // 128)
    pieces = list(Streamed(RequestBody(io.BytesIO(data), len(data), len(data))))
    # The last byte goes by itself, once it is sure that all of it may be stored.
    assert [len(piece) for piece in pieces] == [CHUNK, CHUNK - 1, 1]
    assert b"".join(pieces) == data


def test_a_body_that_ends_early_is_incomplete() -> None:
    body = RequestBody(io.BytesIO(b"x" * 512), 1024, 1024)
    with pytest.raises(IncompleteBody, match="ended after 512 of 1024 bytes"):
        b"".join(Streamed(body))


@pytest.mark.parametrize("length", [10, None])
@pytest.mark.parametrize("error", [OSError("reset"), ValueError("bad chunk"), TimeoutError()])
def test_what_the_server_raises_means_an_incomplete_body(
    error: Exception, length: int | None
) -> None:
    body = RequestBody(Breaking(b"abc", error), length, LIMIT)
    body.read(3)
    with pytest.raises(IncompleteBody, match=rf"after 3 bytes \({type(error).__name__}\)"):
        body.read(3)


def test_a_chunked_body_may_have_the_most_and_not_a_byte_more() -> None:
    assert len(b"".join(Streamed(chunked(b"x" * LIMIT)))) == LIMIT
    with pytest.raises(TooLarge, match=f"larger than {LIMIT} bytes"):
        b"".join(Streamed(chunked(b"x" * (LIMIT + 1))))


def test_a_body_announced_over_the_limit_is_refused_unread() -> None:
    environ = {"wsgi.input": Unreadable(), "CONTENT_LENGTH": str(LIMIT + 1)}
    with pytest.raises(TooLarge):
        RequestBody.of(environ, LIMIT)
    environ["CONTENT_LENGTH"] = str(LIMIT)
    assert RequestBody.of(environ, LIMIT).length == LIMIT


@pytest.mark.parametrize("terminated", [{}, {"wsgi.input_terminated": False}])
def test_a_server_that_does_not_decode_chunks_needs_a_length(terminated: dict[str, bool]) -> None:
    environ = {"wsgi.input": Unreadable(), "HTTP_TRANSFER_ENCODING": "chunked", **terminated}
    with pytest.raises(LengthRequired):
        RequestBody.of(environ, LIMIT)

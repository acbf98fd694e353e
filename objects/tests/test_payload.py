"""A body on its way into a store: complete, repeatable while nothing is lost, never held whole."""

import io
from collections.abc import Iterator
from contextlib import closing
from tempfile import SpooledTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objects.exceptions import IncompleteBody, TooLarge
from objects.http.body import RequestBody
from objects.store import payload, spool
from objects.store.payload import Parts, Streamed, Whole, payload_of
from objects.store.spool import Spool

SMALL = 16
PART = 64
LIMIT = 10_000
ROOM = 10 * PART


@pytest.fixture(autouse=True, scope="module")
def small_sizes() -> Iterator[None]:
    """As in production, only smaller: a part does not fit into memory, and into one read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payload, "SMALL", SMALL)
        patch.setattr(payload, "PART_SIZE", PART)
        patch.setattr(payload, "PARTS_OF_ONE_SIZE", 4)
        patch.setattr(payload, "_IN_MEMORY", PART // 2)
        patch.setattr(payload, "CHUNK", 24)
        patch.setattr(spool, "FIRST_SHARE", PART * 3 // 4)
        yield


def pattern(size: int) -> bytes:
    """Bytes of which no two pieces at different places are alike."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]


class Trickling(io.BytesIO):
    """Input that gives less than was asked for, as a socket does."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(7, 7 if size is None or size < 0 else size))


def body(data: bytes, *, length: bool) -> RequestBody:
    return RequestBody(Trickling(data), len(data) if length else None, LIMIT)


#: Sizes around every boundary there is.
SIZES = st.one_of(
    st.integers(0, 700),
    st.sampled_from([0, 1, SMALL, PART, 4 * PART, 6 * PART]).flatmap(
        lambda size: st.integers(max(0, size - 1), size + 1)
    ),
)


@given(SIZES, st.integers(1, 3))
@settings(deadline=None)
def test_a_body_of_known_length(size: int, times: int) -> None:
    data = pattern(size)
    with closing(payload_of(body(data, length=True), Spool(ROOM))) as made:
        assert isinstance(made, Whole if size <= SMALL else Streamed)
        assert made.length == size
        assert made.repeatable
        if isinstance(made, Streamed):
            assert b"".join(made) == data
            assert not made.repeatable
        else:
            assert [b"".join(made) for _ in range(times)] == [data] * times
            assert made.repeatable
        assert made.sent == size


@given(SIZES, st.integers(1, 3))
@settings(deadline=None)
def test_a_body_of_unknown_length(size: int, times: int) -> None:
    data = pattern(size)
    with closing(payload_of(body(data, length=False), Spool(ROOM))) as made:
        if size <= SMALL:
            assert isinstance(made, Whole)
        if size < PART:
            assert made.length == size
        if made.length is not None:
            assert [b"".join(made) for _ in range(times)] == [data] * times
            assert made.sent == made.length
            return
        assert isinstance(made, Parts)
        parts = []
        while True:
            part, *again = [b"".join(made) for _ in range(times)]
            assert again == [part] * (times - 1)
            assert len(part) == made.part_length
            parts.append(part)
            assert made.repeatable == (len(parts) == 1)
            if not made.read_next_part():
                break
        assert b"".join(parts) == data
        assert made.sent == size
        # Four parts of one size, and then larger ones, so that they suffice for any body.
        expected = [PART] * min(4, size // PART)
        assert [len(part) for part in parts[:4]] == [*expected, size - sum(expected)][:4] or (
            size == sum(expected)
        )
        assert all(len(part) <= 2 * PART for part in parts[4:])


def test_parts_grow() -> None:
    with closing(Parts(body(pattern(20 * PART), length=False), Spool(ROOM))) as parts:
        sizes = [parts.part_length]
        while parts.read_next_part():
            sizes.append(parts.part_length)
    assert sizes == [PART] * 4 + [2 * PART] * 4 + [3 * PART] * 2 + [2 * PART]


def test_one_part_is_held_and_no_more() -> None:
    stream = io.BytesIO(pattern(5 * PART))
    with closing(Parts(RequestBody(stream, None, LIMIT), Spool(ROOM))) as parts:
        for number in range(1, 5):
            assert stream.tell() == number * PART
            parts._file._file.seek(0, io.SEEK_END)
            assert parts._file._file.tell() == PART
            assert parts.read_next_part()


def test_an_ended_body_has_no_following_part() -> None:
    with closing(Parts(body(pattern(10), length=False), Spool(ROOM))) as parts:
        assert not parts.read_next_part()
        assert b"".join(parts) == pattern(10)


@pytest.mark.parametrize("size", [0, 5, SMALL])
def test_a_small_one_leaves_no_file(size: int, opened_files: list[io.IOBase]) -> None:
    payload_of(body(pattern(size), length=False), Spool(ROOM))
    assert [file.closed for file in opened_files] == [True]


def test_closing_ends_the_file(opened_files: list[io.IOBase]) -> None:
    made = payload_of(body(pattern(3 * PART), length=False), Spool(ROOM))
    assert [file.closed for file in opened_files] == [False]
    made.close()
    assert [file.closed for file in opened_files] == [True]


class NotNow(Exception):
    """What a permit may raise."""


@given(st.integers(0, 700), st.booleans())
@settings(deadline=None)
def test_the_last_byte_is_only_sent_with_permission(size: int, length: bool) -> None:
    sent: list[bytes] = []

    def refuse() -> None:
        raise NotNow

    with closing(payload_of(body(pattern(size), length=length), Spool(ROOM))) as made:
        made.permit = refuse
        with pytest.raises(NotNow):
            sent.extend(made)
    whole = made.part_length if isinstance(made, Parts) else size
    assert b"".join(sent) == (b"" if isinstance(made, Whole) else pattern(whole)[:-1])


def test_permission_is_asked_for_with_the_last_byte() -> None:
    asked: list[int] = []
    sent: list[bytes] = []
    with closing(payload_of(body(pattern(100), length=True), Spool(ROOM))) as made:
        made.permit = lambda: asked.append(sum(map(len, sent)))
        for chunk in made:
            sent.append(chunk)  # noqa: PERF402  (it is looked at in between)
    assert asked == [99]


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if data := super().read(size):
            return data
        raise OSError("gone")


def test_a_body_that_breaks_off_leaves_no_file(opened_files: list[io.IOBase]) -> None:
    with pytest.raises(IncompleteBody):
        payload_of(RequestBody(Broken(b"x" * 40), None, LIMIT), Spool(ROOM))
    assert [file.closed for file in opened_files] == [True]


def test_a_body_that_is_too_large_leaves_no_file(opened_files: list[io.IOBase]) -> None:
    with pytest.raises(TooLarge):
        payload_of(RequestBody(io.BytesIO(b"x" * 40), None, 30), Spool(ROOM))
    assert [file.closed for file in opened_files] == [True]


@pytest.fixture
def opened_files(monkeypatch: pytest.MonkeyPatch) -> list[io.IOBase]:
    """The temporary files that payloads open."""
    opened: list[io.IOBase] = []

    def opening(max_size: int) -> io.IOBase:
        opened.append(SpooledTemporaryFile(max_size))  # noqa: SIM115  (that it is closed is tested)
        return opened[-1]

    monkeypatch.setattr(spool, "SpooledTemporaryFile", opening)
    return opened

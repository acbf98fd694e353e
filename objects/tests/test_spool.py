"""The spool: what uploads without a length take of the disk, and that they give it back."""

import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from objects.exceptions import GatewayFull, IncompleteBody, SpoolFull, TooLarge
from objects.http.body import RequestBody
from objects.store.payload import PART_SIZE, SMALL, Parts, payload_of
from objects.store.spool import FIRST_SHARE, Spool, SpooledFile, default_size

MIB = 2**20
ANY = 2**40


def body(size: int, limit: int = ANY) -> RequestBody:
    return RequestBody(io.BytesIO(bytes(size)), None, limit)


@pytest.mark.parametrize("size", [0, 1, SMALL])
def test_a_small_body_needs_none_of_it(size: int) -> None:
    with closing(payload_of(body(size), Spool(0))) as payload:
        assert b"".join(payload) == bytes(size)


def test_a_body_of_known_length_needs_none_of_it() -> None:
    stream = RequestBody(io.BytesIO(bytes(2 * MIB)), 2 * MIB, ANY)
    with closing(payload_of(stream, Spool(0))) as payload:
        assert len(b"".join(payload)) == 2 * MIB


@pytest.mark.parametrize(
    ("size", "takes"),
    [
        (FIRST_SHARE, FIRST_SHARE),
        (FIRST_SHARE + 1, PART_SIZE),
        (PART_SIZE, PART_SIZE),
        (3 * PART_SIZE + 1, PART_SIZE),
    ],
)
def test_a_larger_one_takes_a_first_share_and_then_a_part(size: int, takes: int) -> None:
    spool = Spool(PART_SIZE)
    with closing(payload_of(body(size), spool)) as payload:
        if isinstance(payload, Parts) and payload.length is None:
            while payload.read_next_part():
                assert spool.used == takes
        assert payload.sent == size
        assert spool.used in (takes, 0 if size <= FIRST_SHARE else takes)
    assert spool.used == 0


def test_who_comes_too_late_is_refused_and_who_was_there_goes_on() -> None:
    spool = Spool(PART_SIZE + FIRST_SHARE - 1)
    with closing(Parts(body(3 * PART_SIZE), spool)) as first:
        with pytest.raises(SpoolFull):
            payload_of(body(PART_SIZE), spool)
        assert spool.used == PART_SIZE
        assert first.read_next_part()
        assert first.read_next_part()
    with closing(payload_of(body(PART_SIZE), spool)) as second:
        assert second.sent == PART_SIZE


def test_a_part_grows_only_if_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("objects.store.payload.PARTS_OF_ONE_SIZE", 1)
    spool = Spool(2 * PART_SIZE)
    with closing(Parts(body(9 * PART_SIZE), spool)) as parts:
        sizes = [parts.part_length]
        while parts.read_next_part():
            sizes.append(parts.part_length)
    assert sizes == [n * PART_SIZE for n in (1, 2, 2, 2, 2)]
    assert spool.used == 0


class Broken(io.BytesIO):
    """Input that is lost at its end."""

    def read(self, size: int | None = -1) -> bytes:
        if data := super().read(size):
            return data
        raise OSError("gone")


FAILURES: dict[str, tuple[Callable[[], RequestBody], type[Exception]]] = {
    "in the first part": (
        lambda: RequestBody(Broken(bytes(PART_SIZE - 1)), None, ANY),
        IncompleteBody,
    ),
    "in a further part": (
        lambda: RequestBody(Broken(bytes(PART_SIZE + 1)), None, ANY),
        IncompleteBody,
    ),
    "too large": (lambda: body(PART_SIZE, limit=PART_SIZE - 1), TooLarge),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_gives_it_back(name: str) -> None:
    make, kind = FAILURES[name]
    spool = Spool(PART_SIZE)

    def read_on() -> None:
        with closing(payload_of(make(), spool)) as payload:
            assert isinstance(payload, Parts)
            assert spool.used == PART_SIZE
            payload.read_next_part()

    with pytest.raises(kind):
        read_on()
    assert spool.used == 0


def test_closing_twice_gives_it_back_once() -> None:
    spool = Spool(10 * MIB)
    spool.take(MIB)
    file = SpooledFile(spool, in_memory=10, size=MIB)
    file.write(bytes(20))
    assert spool.used == 2 * MIB
    file.close()
    file.close()
    assert spool.used == MIB


@pytest.fixture
def no_file_over_4_mib() -> Iterator[None]:
    """As a full disk, of which write(2) says so by EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("no_file_over_4_mib")
def test_a_disk_that_is_full() -> None:
    spool = Spool(PART_SIZE)
    descriptors = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(GatewayFull) as caught:
        payload_of(body(PART_SIZE), spool)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert spool.used == 0
    assert set(os.listdir("/proc/self/fd")) <= descriptors  # noqa: PTH208


def test_a_disk_whose_end_is_met_when_the_buffer_is_written_out() -> None:
    """/dev/full takes nothing: what was written is refused when it leaves the buffer."""
    spool = Spool(PART_SIZE)
    file = SpooledFile(spool, in_memory=10, size=MIB)
    with suppress(OSError):
        file._file.close()
    file._file = open("/dev/full", "r+b", buffering=MIB)  # noqa: SIM115, PTH123
    file.write(bytes(100))
    with pytest.raises(GatewayFull):
        file.rewind()
    file.close()
    assert spool.used == 0


def test_other_errors_of_the_disk_are_what_they_are() -> None:
    file = SpooledFile(Spool(PART_SIZE), in_memory=10, size=MIB)
    file._file.close()
    file._file = open("/dev/null", "rb")  # noqa: SIM115, PTH123
    with pytest.raises(io.UnsupportedOperation):
        file.write(b"x")
    file.close()


def test_the_default_is_a_part_of_what_is_free() -> None:
    assert 0 < default_size(least=1) <= 4 * 2**30
    assert default_size(least=2**50) == 2**50

"""GET and HEAD, row by row of RFC 9110."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

import pytest

from demo.harness.gateway import GatewayProcess
from tests.contract.conftest import TEN, TEN_HEADERS, Stored
from tests.support.client import Answer, Client, random_id, request_head

Which = Literal["ten", "empty"]

#: What GET answers about the object of ten bytes, apart from what changes with each answer.
ABOUT_TEN = {**TEN_HEADERS, "Accept-Ranges": "bytes"}
#: RFC 9110 section 15.4.5: with a 304, only what helps to keep a cache up to date.
NOT_IN_304 = ("Content-Type", "Content-Length", "Transfer-Encoding", "X-Object-Meta-Colour")


@dataclass(frozen=True)
class Row:
    """A line of the RFC: these fields of a GET bring this answer.

    :ivar sent: values may name {etag}, {date}, {earlier} and {later}, those of the object.
    :ivar body: of the answer; None when it is a problem.
    :ivar content_range: None when there is to be none.
    """

    section: str
    name: str
    sent: Mapping[str, str]
    status: int
    body: bytes | None = None
    content_range: str | None = None
    code: str = ""
    of: Which = "ten"
    marks: tuple[pytest.MarkDecorator, ...] = field(default=())

    @property
    def param(self) -> object:
        return pytest.param(self, id=f"{self.section} {self.name}", marks=self.marks)


def whole(
    section: str, name: str, sent: Mapping[str, str], *, of: Which = "ten", body: bytes = TEN
) -> Row:
    return Row(section, name, sent, 200, body if of == "ten" else b"", of=of)


def part(section: str, name: str, value: str, first: int, last: int, **more: str) -> Row:
    return Row(
        section,
        name,
        {"Range": value, **more},
        206,
        TEN[first : last + 1],
        f"bytes {first}-{last}/10",
    )


def unsatisfiable(section: str, name: str, sent: Mapping[str, str], of: Which = "ten") -> Row:
    size = {"ten": 10, "empty": 0}[of]
    return Row(
        section,
        name,
        sent,
        416,
        None,
        f"bytes */{size}",
        code="range_not_satisfiable",
        of=of,
        marks=() if size else (EMPTY_416,),
    )


EMPTY_416 = pytest.mark.not_on_versitygw("it does not tell that the size is 0")
#: The status is tested there by the rows of section 13.2.2, which look at nothing else.
BARE_304 = (
    pytest.mark.not_on_moto("its 304 has no ETag, Last-Modified and Cache-Control"),
    pytest.mark.not_on_versitygw("its 304 has no Last-Modified and Cache-Control"),
)


def unmodified(
    section: str, name: str, sent: Mapping[str, str], *, node_decides: bool = True
) -> Row:
    return Row(section, name, sent, 304, b"", marks=BARE_304 if node_decides else ())


def failed(section: str, name: str, sent: Mapping[str, str]) -> Row:
    return Row(section, name, sent, 412, None, code="precondition_failed")


HUGE = "9" * 19
MORE_THAN_64_BITS = "9" * 25

RANGES = [
    part("14.1.2", "first to last", "bytes=2-5", 2, 5),
    part("14.1.2", "one byte", "bytes=0-0", 0, 0),
    part("14.1.2", "last byte", "bytes=9-9", 9, 9),
    part("14.1.2", "all of it", "bytes=0-9", 0, 9),
    part("14.1.2", "open end", "bytes=7-", 7, 9),
    part("14.1.2", "open end from the start", "bytes=0-", 0, 9),
    part("14.1.2", "suffix", "bytes=-3", 7, 9),
    part("14.1.2", "suffix longer than the object", "bytes=-11", 0, 9),
    part("14.1.2", "last position behind the end", "bytes=5-10", 5, 9),
    part("14.1.2", "last position far behind the end", f"bytes=5-{HUGE}", 5, 9),
    part("14.1.2", "last position of more than 64 bits", f"bytes=5-{MORE_THAN_64_BITS}", 5, 9),
    part("14.1.2", "suffix of more than 64 bits", f"bytes=-{MORE_THAN_64_BITS}", 0, 9),
    part("14.1", "unit names are case-insensitive", "Bytes=2-5", 2, 5),
    part("14.2", "white space around the range", "bytes= 2-5 ", 2, 5),
    unsatisfiable("14.1.2", "first position behind the end", {"Range": "bytes=10-"}),
    unsatisfiable("14.1.2", "first position far behind the end", {"Range": f"bytes={HUGE}-"}),
    unsatisfiable(
        "14.1.2", "first position of more than 64 bits", {"Range": f"bytes={MORE_THAN_64_BITS}-"}
    ),
    unsatisfiable("14.1.2", "behind the end with a last position", {"Range": "bytes=10-20"}),
    unsatisfiable("14.1.2", "suffix of no bytes", {"Range": "bytes=-0"}),
    whole("14.1.1", "last before first", {"Range": "bytes=5-2"}),
    whole("14.2", "other unit", {"Range": "items=2-5"}),
    whole("14.2", "no unit", {"Range": "2-5"}),
    whole("14.2", "no numbers", {"Range": "bytes=a-b"}),
    whole("14.2", "nothing but a hyphen", {"Range": "bytes=-"}),
    whole("14.2", "negative", {"Range": "bytes=--5"}),
    whole("14.2", "digits of another script", {"Range": "bytes=0-\xb2"}),
    whole("14.2", "several ranges", {"Range": "bytes=0-1,5-6"}),
    whole("14.2", "several ranges, one behind the end", {"Range": "bytes=0-1,50-60"}),
    whole("14.2", "several ranges that overlap", {"Range": "bytes=0-,0-,0-,0-"}),
    whole("14.1.2", "suffix of nothing", {"Range": "bytes=-1"}, of="empty"),
    whole("14.1.2", "long suffix of nothing", {"Range": "bytes=-500"}, of="empty"),
    whole("14.2", "several ranges of nothing", {"Range": "bytes=0-1,5-6"}, of="empty"),
    unsatisfiable("14.1.2", "all of nothing", {"Range": "bytes=0-"}, "empty"),
    unsatisfiable("14.1.2", "first byte of nothing", {"Range": "bytes=0-0"}, "empty"),
    unsatisfiable("14.1.2", "no bytes of nothing", {"Range": "bytes=-0"}, "empty"),
]

IF_RANGE = [
    part("13.1.5", "tag matches", "bytes=2-5", 2, 5, **{"If-Range": "{etag}"}),
    part("13.1.5", "date matches", "bytes=2-5", 2, 5, **{"If-Range": "{date}"}),
    whole("13.1.5", "another tag", {"Range": "bytes=2-5", "If-Range": '"other"'}),
    whole("13.1.5", "weak tag", {"Range": "bytes=2-5", "If-Range": "W/{etag}"}),
    whole("13.1.5", "tag without quotes", {"Range": "bytes=2-5", "If-Range": "abc"}),
    whole("13.1.5", "a list of tags is none", {"Range": "bytes=2-5", "If-Range": '{etag}, "b"'}),
    whole("13.1.5", "earlier date", {"Range": "bytes=2-5", "If-Range": "{earlier}"}),
    whole("13.1.5", "later date", {"Range": "bytes=2-5", "If-Range": "{later}"}),
    whole("13.1.5", "stale and behind the end", {"Range": "bytes=99-", "If-Range": '"other"'}),
    whole("13.1.5", "stale and no bytes", {"Range": "bytes=-0", "If-Range": '"other"'}),
    whole("13.1.5", "stale date and behind the end", {"Range": "bytes=99-", "If-Range": "{later}"}),
    whole("13.1.5", "without Range", {"If-Range": '"other"'}),
    unsatisfiable("13.1.5", "fresh, behind the end", {"Range": "bytes=99-", "If-Range": "{etag}"}),
    unsatisfiable("13.1.5", "fresh, no bytes", {"Range": "bytes=-0", "If-Range": "{etag}"}),
]

CONDITIONS = [
    whole("13.1.1", "If-Match, the tag", {"If-Match": "{etag}"}),
    whole("13.1.1", "If-Match, one of several", {"If-Match": '"a", {etag}, "b"'}),
    whole("13.1.1", "If-Match *", {"If-Match": "*"}),
    failed("13.1.1", "If-Match, another tag", {"If-Match": '"other"'}),
    failed("13.1.1", "If-Match, several others", {"If-Match": '"a", "b"'}),
    failed("13.1.1", "If-Match compares strongly", {"If-Match": "W/{etag}"}),
    unmodified("13.1.2", "If-None-Match, the tag", {"If-None-Match": "{etag}"}),
    unmodified("13.1.2", "If-None-Match compares weakly", {"If-None-Match": "W/{etag}"}),
    unmodified(
        "13.1.2",
        "If-None-Match, one of several",
        {"If-None-Match": '"a", {etag}'},
        node_decides=False,
    ),
    unmodified(
        "13.1.2",
        "If-None-Match, weak among others",
        {"If-None-Match": 'W/{etag},W/"b"'},
        node_decides=False,
    ),
    unmodified("13.1.2", "If-None-Match *", {"If-None-Match": "*"}, node_decides=False),
    whole("13.1.2", "If-None-Match, another tag", {"If-None-Match": '"other"'}),
    whole("13.1.2", "If-None-Match, several others", {"If-None-Match": '"a", W/"b"'}),
    unmodified("13.1.3", "If-Modified-Since, the date", {"If-Modified-Since": "{date}"}),
    unmodified("13.1.3", "If-Modified-Since, later", {"If-Modified-Since": "{later}"}),
    unmodified("5.6.7", "a date as RFC 850 has it", {"If-Modified-Since": "{rfc850}"}),
    unmodified("5.6.7", "a date as asctime has it", {"If-Modified-Since": "{asctime}"}),
    whole("13.1.3", "If-Modified-Since, earlier", {"If-Modified-Since": "{earlier}"}),
    whole("13.1.3", "If-Modified-Since, no date", {"If-Modified-Since": "yesterday"}),
    whole("13.1.4", "If-Unmodified-Since, the date", {"If-Unmodified-Since": "{date}"}),
    whole("13.1.4", "If-Unmodified-Since, later", {"If-Unmodified-Since": "{later}"}),
    whole("13.1.4", "If-Unmodified-Since, no date", {"If-Unmodified-Since": "yesterday"}),
    failed("13.1.4", "If-Unmodified-Since, earlier", {"If-Unmodified-Since": "{earlier}"}),
    part("13.2.2", "range after If-Match", "bytes=2-5", 2, 5, **{"If-Match": "{etag}"}),
    part("13.2.2", "range after If-None-Match", "bytes=2-5", 2, 5, **{"If-None-Match": '"a"'}),
    failed("13.2.2", "412 before 416", {"Range": "bytes=99-", "If-Match": '"other"'}),
    failed("13.2.2", "412 before 206", {"Range": "bytes=2-5", "If-Match": '"other"'}),
    unmodified("13.2.2", "304 before 416", {"Range": "bytes=99-", "If-None-Match": "{etag}"}),
    unmodified("13.2.2", "304 before 206", {"Range": "bytes=2-5", "If-None-Match": "{etag}"}),
    unsatisfiable("13.2.2", "416 when all hold", {"Range": "bytes=99-", "If-Match": "{etag}"}),
]

ROWS = [
    whole("15.3.1", "the object", {}),
    whole("15.3.1", "an object of no bytes", {}, of="empty"),
    *RANGES,
    *IF_RANGE,
    *CONDITIONS,
]


@pytest.fixture
def subject(ten: Stored, empty: Stored) -> Callable[[Row], Stored]:
    return lambda row: {"ten": ten, "empty": empty}[row.of]


def filled_in(sent: Mapping[str, str], stored: Stored) -> dict[str, str]:
    date = parsedate_to_datetime(stored.last_modified)
    hour = timedelta(hours=1)
    values = {
        "etag": stored.etag,
        "date": stored.last_modified,
        "earlier": http_date(date - hour),
        "later": http_date(date + hour),
        "rfc850": date.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        "asctime": date.strftime("%a %b %e %H:%M:%S %Y"),
    }
    return {name: value.format(**values) for name, value in sent.items()}


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize("row", [row.param for row in ROWS])
def test_get(http: Client, subject: Callable[[Row], Stored], row: Row) -> None:
    stored = subject(row)
    answer = http.request("GET", stored.path, filled_in(row.sent, stored))
    assert answer.status == row.status, answer
    assert answer["Content-Range"] == row.content_range
    if row.body is None:
        assert answer.code == row.code
        assert answer.json["status"] == row.status
    else:
        assert answer.body == row.body
    if row.status in (200, 206):
        assert answer["Content-Length"] == str(len(row.body or b""))
        assert_describes(answer, stored)
    elif row.status == 304:
        assert_revalidates(answer, stored)
    elif row.status == 416:
        assert answer["ETag"] is None


def assert_describes(answer: Answer, stored: Stored) -> None:
    """Sections 8.8 and 14.3: an answer with the object, or a part, has all there is to say."""
    assert answer["ETag"] == stored.etag
    assert answer["Last-Modified"] == stored.last_modified
    assert answer["Accept-Ranges"] == "bytes"
    if stored.body == TEN:
        for name, value in ABOUT_TEN.items():
            assert answer[name] == value


def assert_revalidates(answer: Answer, stored: Stored) -> None:
    """Section 15.4.5."""
    assert answer["ETag"] == stored.etag
    assert answer["Last-Modified"] == stored.last_modified
    assert answer["Cache-Control"] == stored.headers["Cache-Control"]
    for name in NOT_IN_304:
        assert answer[name] is None


# Fields that are of this one answer, not of the object.
_OWN = {"date", "x-request-id"}


def comparable(answer: Answer) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.fields if name.lower() not in _OWN)


@pytest.mark.parametrize("row", [row.param for row in ROWS])
def test_head_is_get_without_range_and_body(
    http: Client, subject: Callable[[Row], Stored], row: Row
) -> None:
    """Section 9.3.2, and 14.2: only GET knows Range."""
    stored = subject(row)
    sent = filled_in(row.sent, stored)
    without_range = {name: value for name, value in sent.items() if name != "Range"}
    get = http.request("GET", stored.path, without_range)
    head = http.request("HEAD", stored.path, sent)
    assert head.status == get.status
    if get.status < 400:
        assert comparable(head) == comparable(get)
        assert head.body == b""


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Range": "bytes=0-1"},
        {"Range": "bytes=0-1", "If-Range": '"a"'},
        {"If-Match": "*"},
        {"If-Match": '"a"'},
        {"If-None-Match": "*"},
        {"If-None-Match": '"a"'},
        {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        {"If-Unmodified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
    ],
    ids=str,
)
def test_conditions_do_not_matter_where_there_is_nothing(
    http: Client, sent: dict[str, str]
) -> None:
    """Section 13.2.1: they are ignored when the answer without them is neither 2xx nor 412."""
    path = f"/object/{random_id()}"
    answer = http.request("GET", path, sent)
    assert (answer.status, answer.code) == (404, "object_not_found")
    assert http.request("HEAD", path, sent).status == 404


@dataclass(frozen=True)
class Condition:
    """A condition, as it holds and as it does not."""

    field: str
    true: str
    false: str


CONDITION_FIELDS = [
    Condition("If-Match", "{etag}", '"other"'),
    Condition("If-Unmodified-Since", "{date}", "{earlier}"),
    Condition("If-None-Match", '"other"', "{etag}"),
    Condition("If-Modified-Since", "{earlier}", "{date}"),
    Condition("If-Range", "{etag}", '"other"'),
]
NO_RANGE, GOOD_RANGE, BAD_RANGE = "", "bytes=2-5", "bytes=99-"


def by_the_book(states: Mapping[str, bool], range_: str) -> int:
    """The status that the six steps of RFC 9110 section 13.2.2 lead to.

    :param states: whether each condition that is there holds.
    """
    if not states.get("If-Match", True):
        return 412
    if "If-Match" not in states and not states.get("If-Unmodified-Since", True):
        return 412
    if not states.get("If-None-Match", True):
        return 304
    if "If-None-Match" not in states and not states.get("If-Modified-Since", True):
        return 304
    if range_ == NO_RANGE or not states.get("If-Range", True):
        return 200
    return 206 if range_ == GOOD_RANGE else 416


def all_combinations() -> list[dict[str, bool]]:
    """Every condition absent, holding or failing: 243."""
    found: list[dict[str, bool]] = [{}]
    for condition in CONDITION_FIELDS:
        found += [{**one, condition.field: state} for one in found for state in (True, False)]
    return found


def sent_for(states: Mapping[str, bool], stored: Stored) -> dict[str, str]:
    by_field = {condition.field: condition for condition in CONDITION_FIELDS}
    sent = {
        name: by_field[name].true if holds else by_field[name].false
        for name, holds in states.items()
    }
    return filled_in(sent, stored)


@pytest.mark.parametrize("range_", [NO_RANGE, GOOD_RANGE, BAD_RANGE], ids=["none", "206", "416"])
@pytest.mark.parametrize(
    "states",
    [states for states in all_combinations() if len(states) == 2],
    ids=lambda states: " ".join(f"{name}:{holds}" for name, holds in states.items()),
)
def test_precedence_of_each_pair(
    http: Client, ten: Stored, states: dict[str, bool], range_: str
) -> None:
    """Section 13.2.2."""
    sent = sent_for(states, ten) | ({"Range": range_} if range_ else {})
    assert http.request("GET", ten.path, sent).status == by_the_book(states, range_)
    assert http.request("HEAD", ten.path, sent).status == by_the_book(states, NO_RANGE)


@pytest.mark.parametrize("range_", [NO_RANGE, GOOD_RANGE, BAD_RANGE], ids=["none", "206", "416"])
def test_precedence_of_all_combinations(http: Client, ten: Stored, range_: str) -> None:
    """Section 13.2.2, over one connection, so that no answer may leave a byte behind."""
    wrong = []
    with http.wire() as wire:
        for states in all_combinations():
            sent = sent_for(states, ten) | ({"Range": range_} if range_ else {})
            wire.send(request_head("GET", ten.path, sent, close=False))
            status = wire.answer().status
            if status != by_the_book(states, range_):
                wrong.append((states, status))
    assert wrong == []


@pytest.mark.parametrize("coding", ["gzip", "br", "identity"])
def test_a_stored_coding_is_not_undone(http: Client, coding: str) -> None:
    """Section 8.4: the object is the coded bytes; ranges, length and tag are of these."""
    object_id = random_id()
    http.put(object_id, TEN, Content_Encoding=coding)
    answer = http.get(f"/object/{object_id}", Accept_Encoding="identity")
    assert (answer["Content-Encoding"], answer.body) == (coding, TEN)
    answer = http.get(f"/object/{object_id}", Range="bytes=-2")
    assert (answer.status, answer["Content-Encoding"], answer.body) == (206, coding, b"89")


def test_a_replaced_object_is_a_new_version(http: Client) -> None:
    """Section 13.1.5, as a download manager meets it: never a mix of two versions."""
    object_id = random_id()
    path = f"/object/{object_id}"
    old = http.put(object_id, b"a" * 1000)["ETag"]
    assert old
    http.put(object_id, b"b" * 1000)
    resumed = http.get(path, Range="bytes=500-", If_Range=old)
    assert (resumed.status, resumed.body) == (200, b"b" * 1000)
    new = resumed["ETag"]
    assert new
    assert new != old
    resumed = http.get(path, Range="bytes=500-", If_Range=new)
    assert (resumed.status, resumed.body) == (206, b"b" * 500)


@pytest.mark.parametrize(
    "headers",
    [{"Accept": "image/png"}, {"Accept": "text/html"}, {"Accept": "garbage/"}, {}],
    ids=str,
)
def test_any_accept_gets_the_object(http: Client, ten: Stored, headers: dict[str, str]) -> None:
    """Section 12.5.1: there is one representation, and disregarding Accept is allowed."""
    assert http.request("GET", ten.path, headers).body == TEN


def test_the_requests_of_one_connection(http: Client, gateway: GatewayProcess, ten: Stored) -> None:
    """RFC 9112 section 9.3.2: pipelined requests are answered in order, each with its own."""
    sent = [
        ("HEAD", {}, 200),
        ("GET", {"If-None-Match": ten.etag}, 304),
        ("GET", {"Range": "bytes=2-5"}, 206),
        ("GET", {"Range": "bytes=99-"}, 416),
        ("GET", {"If-Match": '"other"'}, 412),
        ("GET", {}, 200),
    ]
    with http.wire() as wire:
        wire.send(
            b"".join(
                request_head(method, ten.path, given, close=False) for method, given, _ in sent
            )
        )
        answers = [wire.answer(method) for method, _, _ in sent]
    assert [answer.status for answer in answers] == [status for *_, status in sent]
    assert answers[2].body == b"2345"
    assert answers[-1].body == TEN

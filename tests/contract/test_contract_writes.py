"""PUT and DELETE, row by row of RFC 9110 and of what the gateway adds."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Literal

import pytest

from demo.harness.s3nodes import NodeProcess, S3Server
from tests.contract.conftest import TEN_HEADERS, client_of
from tests.functional.stored import BUCKET, keys_in_all, owner_of, s3_client
from tests.support.client import Answer, Client, chunked, random_id, request_head
from tests.support.servers import SharedServers
from tests.support.waiting import eventually_empty

MIB = 2**20
Framing = Literal["length", "chunked"]
FRAMINGS: tuple[Framing, ...] = ("length", "chunked")
#: The ways a body takes through the gateway: held whole, passed on as it comes, and in two parts.
WAYS: dict[str, tuple[int, Framing]] = {
    "empty": (0, "length"),
    "small": (100, "length"),
    "streamed": (200_000, "length"),
    "empty, chunked": (0, "chunked"),
    "small, chunked": (100, "chunked"),
    "one part": (200_000, "chunked"),
    "two parts": (8 * MIB + 1, "chunked"),
}
all_ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def put(
    http: Client,
    object_id: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    framing: Framing = "length",
) -> Answer:
    if framing == "length":
        return http.request("PUT", f"/object/{object_id}", headers or {}, body)
    given = {**(headers or {}), "Transfer-Encoding": "chunked"}
    return http.raw(request_head("PUT", f"/object/{object_id}", given) + chunked(body), "PUT")


def open_uploads(nodes: list[NodeProcess]) -> list[str]:
    """The multipart uploads that were begun and neither completed nor aborted."""
    found = []
    for process in nodes:
        with s3_client(process.node) as client:
            for bucket in client.list_buckets():
                result = client._list_multipart_uploads(bucket.name)
                found += [str(upload.object_name) for upload in result.uploads]
    return found


# --- conditions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A PUT with these conditions over an object, or where there is none, brings this answer."""

    section: str
    name: str
    sent: Mapping[str, str]
    over: Literal["object", "nothing"]
    status: int
    code: str = ""


def refused(section: str, name: str, sent: Mapping[str, str]) -> Row:
    return Row(section, name, sent, "object", 400, "invalid_condition")


FAILED = "precondition_failed"
CONDITIONS = [
    Row("13.1.2", "create only", {"If-None-Match": "*"}, "nothing", 201),
    Row("13.1.2", "create only", {"If-None-Match": "*"}, "object", 412, FAILED),
    Row("13.1.1", "replace only", {"If-Match": "*"}, "object", 201),
    Row("13.1.1", "replace only", {"If-Match": "*"}, "nothing", 412, FAILED),
    Row("13.1.1", "replace this version", {"If-Match": "{etag}"}, "object", 201),
    Row("13.1.1", "replace this version", {"If-Match": "{etag}"}, "nothing", 412, FAILED),
    Row("13.1.1", "replace another version", {"If-Match": '"other"'}, "object", 412, FAILED),
    Row("13.1.1", "replace another version", {"If-Match": '"other"'}, "nothing", 412, FAILED),
    Row("13.1.2", "unless it is this version", {"If-None-Match": "{etag}"}, "object", 412, FAILED),
    Row("13.1.2", "unless it is this version", {"If-None-Match": "{etag}"}, "nothing", 201),
    Row("13.1.2", "unless it is another version", {"If-None-Match": '"other"'}, "object", 201),
    refused("13.1.1", "If-Match with a list", {"If-Match": '{etag}, "b"'}),
    refused("13.1.1", "If-Match with a weak tag", {"If-Match": "W/{etag}"}),
    refused("13.1.1", "If-Match without quotes", {"If-Match": "abc"}),
    refused("13.1.1", "empty If-Match", {"If-Match": ""}),
    refused("13.1.2", "If-None-Match with a list", {"If-None-Match": '{etag}, "b"'}),
    refused("13.1.2", "If-None-Match with a weak tag", {"If-None-Match": "W/{etag}"}),
    refused("13.1.2", "both", {"If-Match": "{etag}", "If-None-Match": "*"}),
    refused("13.1.3", "If-Modified-Since", {"If-Modified-Since": "{date}"}),
    refused("13.1.4", "If-Unmodified-Since", {"If-Unmodified-Since": "{date}"}),
]


MOTO_IF_MATCH = pytest.mark.not_on_moto("it takes If-Match * for a tag, and ignores it with parts")


def condition_params() -> Iterator[object]:
    for row in CONDITIONS:
        # What is refused is refused before there is a body.
        for name in WAYS if row.status != 400 else ("small", "small, chunked"):
            deviates = "If-Match" in row.sent and row.status != 400
            yield pytest.param(
                row,
                WAYS[name],
                id=f"{row.section} {row.name}, over {row.over}, {name}",
                marks=MOTO_IF_MATCH if deviates else (),
            )


@pytest.mark.parametrize(("row", "way"), list(condition_params()))
def test_put_conditions(http: Client, row: Row, way: tuple[int, Framing]) -> None:
    size, framing = way
    object_id = random_id()
    path = f"/object/{object_id}"
    old = b"what was there"
    etag, date = '"781e5e245d69b566979b86e28d23f2c7"', "Mon, 23 Nov 2026 14:00:00 GMT"
    if row.over == "object":
        put(http, object_id, old)
        head = http.request("HEAD", path)
        etag, date = head["ETag"] or "", head["Last-Modified"] or ""
    sent = {name: value.format(etag=etag, date=date) for name, value in row.sent.items()}
    new = b"n" * size
    answer = put(http, object_id, new, sent, framing)
    assert answer.status == row.status, answer
    found = http.get(path)
    if row.status == 201:
        assert found.body == new
        assert answer["ETag"] == found["ETag"]
    else:
        assert answer.code == row.code
        assert (found.status, found.body) == (200, old) if row.over == "object" else (404, b"")


# The condition is judged when all parts are there, so not before the last byte.
@pytest.mark.parametrize(
    ("size", "framing"),
    [
        (0, "length"),
        (100, "length"),
        (200_000, "length"),
        (100, "chunked"),
        (8 * MIB + 1, "chunked"),
    ],
)
@pytest.mark.not_on_moto("it checks the condition and stores the object in two steps")
def test_of_ten_creators_exactly_one_wins(http: Client, size: int, framing: Framing) -> None:
    object_id = random_id()
    start = Barrier(10)

    def create(number: int) -> Answer:
        start.wait(30)
        return put(http, object_id, bytes([number]) * size, {"If-None-Match": "*"}, framing)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(create, range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [412] * 9
    [winner] = [number for number, answer in enumerate(answers) if answer.status == 201]
    assert http.get(f"/object/{object_id}").body == bytes([winner]) * size


@pytest.mark.not_on_moto("it checks the condition and stores the object in two steps")
def test_of_ten_who_replace_a_version_exactly_one_wins(http: Client) -> None:
    object_id = random_id()
    etag = put(http, object_id, b"old")["ETag"] or ""
    start = Barrier(10)

    def replace(number: int) -> Answer:
        start.wait(30)
        return put(http, object_id, b"%d" % number, {"If-Match": etag})

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(replace, range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [412] * 9


# --- checksum -----------------------------------------------------------------------------------


def md5_of(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@all_ways
def test_content_md5_that_matches(http: Client, way: tuple[int, Framing]) -> None:
    """RFC 1864."""
    size, framing = way
    object_id, body = random_id(), b"m" * size
    assert put(http, object_id, body, {"Content-MD5": md5_of(body)}, framing).status == 201
    answer = http.get(f"/object/{object_id}")
    assert answer.body == body
    assert answer["Content-MD5"] is None


@all_ways
@pytest.mark.not_on_moto("it does not look at Content-MD5")
def test_content_md5_that_does_not_match(
    http: Client, s3_nodes: list[NodeProcess], way: tuple[int, Framing]
) -> None:
    size, framing = way
    assert_digest_refused(http, s3_nodes, md5_of(b"another body"), b"m" * size, framing)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize(
    "digest",
    [
        pytest.param("", id="empty"),
        pytest.param("AAAA", id="short"),
        pytest.param("not base64 at all!", id="no base64"),
        pytest.param("d41d8cd98f00b204e9800998ecf8427e", id="hexadecimal"),
    ],
)
def test_content_md5_that_is_none(
    http: Client, s3_nodes: list[NodeProcess], digest: str, framing: Framing
) -> None:
    assert_digest_refused(http, s3_nodes, digest, b"m" * 100, framing)


def assert_digest_refused(
    http: Client, nodes: list[NodeProcess], digest: str, body: bytes, framing: Framing
) -> None:
    object_id = random_id()
    answer = put(http, object_id, body, {"Content-MD5": digest}, framing)
    assert (answer.status, answer.code) == (400, "invalid_digest")
    assert http.get(f"/object/{object_id}").status == 404
    assert object_id not in open_uploads(nodes)


# --- what is stored with an object --------------------------------------------------------------

ALL_HEADERS = {**TEN_HEADERS, "Content-Encoding": "br"}


@all_ways
def test_stored_headers_come_back(http: Client, way: tuple[int, Framing]) -> None:
    size, framing = way
    object_id = random_id()
    sent = {**ALL_HEADERS, "X-Object-Meta-Empty": "", "x-object-meta-a-1": "~ !"}
    assert put(http, object_id, b"b" * size, sent, framing).status == 201
    answer = http.request("HEAD", f"/object/{object_id}")
    for name, value in sent.items():
        # Nodes do not keep fields without a value.
        assert (answer[name] or "") == value


def test_what_is_not_sent_again_is_gone(http: Client) -> None:
    """A PUT replaces the whole object (RFC 9110 section 9.3.4)."""
    object_id = random_id()
    put(http, object_id, b"old", ALL_HEADERS)
    put(http, object_id, b"new")
    answer = http.request("HEAD", f"/object/{object_id}")
    default = {"Content-Type": "application/octet-stream", "Cache-Control": "no-cache"}
    assert {name: answer[name] for name in ALL_HEADERS} == {
        name: default.get(name) for name in ALL_HEADERS
    }


MOTO_FORMS = pytest.mark.not_on_moto("it takes such a body for a form, and stores nothing")


@pytest.mark.parametrize(
    "value",
    [
        "text/plain",
        "text/html; charset=utf-8",
        'multipart/mixed; boundary="x y"',
        pytest.param("application/x-www-form-urlencoded", marks=MOTO_FORMS),
        "application/json",
        "no type at all",
    ],
)
def test_a_content_type_is_kept_as_it_is(http: Client, value: str) -> None:
    """It says nothing to the gateway, which refuses the envelope of an upload form only."""
    object_id = random_id()
    assert put(http, object_id, b"a=b&c=d", {"Content-Type": value}).status == 201
    answer = http.get(f"/object/{object_id}")
    assert (answer["Content-Type"], answer.body) == (value, b"a=b&c=d")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"X-Object-Meta-With_Underscore": "a"}, id="underscore in a name"),
        pytest.param({"X_Object_Meta_Name": "a"}, id="underscore in the prefix"),
        pytest.param({"X-Object-Meta-": "a"}, id="no name"),
        pytest.param({"X-Object-Meta-a-": "a"}, id="hyphen last"),
        pytest.param({"X-Object-Meta-a.b": "a"}, id="dot in a name"),
        pytest.param({"X-Object-Meta-Name": "caf\xe9"}, id="latin-1"),
        pytest.param({"X-Object-Meta-Name": "café".encode().decode("latin-1")}, id="UTF-8"),
        pytest.param({"X-Object-Meta-Name": "a\tb"}, id="tab"),
        pytest.param({"X-Object-Meta-Name": "a  b"}, id="two spaces"),
        pytest.param({"X-Object-Meta-Name": "a" * 2034}, id="one byte too long"),
        pytest.param(
            {f"X-Object-Meta-{number}": "a" * 100 for number in range(21)}, id="long together"
        ),
    ],
)
def test_metadata_that_cannot_be_kept_is_refused(http: Client, sent: dict[str, str]) -> None:
    object_id = random_id()
    answer = put(http, object_id, b"body", sent)
    assert (answer.status, answer.code) == (400, "invalid_metadata")
    assert http.get(f"/object/{object_id}").status == 404


def test_the_most_metadata_that_can_be_kept(http: Client) -> None:
    object_id = random_id()
    value = "a" * (2048 - len("x-amz-meta-name"))
    assert put(http, object_id, b"", {"X-Object-Meta-Name": value}).status == 201
    assert http.request("HEAD", f"/object/{object_id}")["X-Object-Meta-Name"] == value


def test_a_part_of_an_object_is_not_taken_for_all_of_it(http: Client) -> None:
    """RFC 9110 section 14.5: what resumes an upload sends the rest, with Content-Range."""
    object_id = random_id()
    put(http, object_id, b"0123456789")
    answer = put(http, object_id, b"56789", {"Content-Range": "bytes 5-9/10"})
    assert (answer.status, answer.code) == (400, "partial_put")
    assert http.get(f"/object/{object_id}").body == b"0123456789"


# --- the size limit -----------------------------------------------------------------------------

LIMIT = 1000


@pytest.fixture
def limited_to(server: S3Server, shared: SharedServers) -> Callable[[int], Client]:
    """The gateway that has this limit."""
    return lambda limit: client_of(shared.gateway(server, OBJGW_MAX_OBJECT_SIZE=str(limit)))


@pytest.fixture
def limited(limited_to: Callable[[int], Client]) -> Client:
    return limited_to(LIMIT)


@pytest.mark.over_tls
def test_a_body_announced_as_too_large_is_not_read(
    limited: Client, s3_nodes: list[NodeProcess]
) -> None:
    before = keys_in_all(s3_nodes)
    with limited.wire() as wire:
        wire.send(request_head("PUT", "/object/large", {}, LIMIT + 1, close=False))
        answer = wire.answer("PUT")
        assert (answer.status, answer.code) == (413, "object_too_large")
        # Not one byte of the body was sent, so the connection cannot be used any more.
        assert answer["Connection"] == "close"
        wire.finish()
        assert wire.rest() == b""
    assert keys_in_all(s3_nodes) == before


@pytest.mark.over_tls
def test_a_body_announced_as_too_large_is_not_asked_for(limited: Client) -> None:
    """RFC 9110 section 10.1.1."""
    with limited.wire() as wire:
        wire.send(
            request_head("PUT", "/object/large", {"Expect": "100-continue"}, LIMIT + 1, close=False)
        )
        assert wire.answer("PUT").status == 413


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_largest_body(limited: Client, framing: Framing) -> None:
    object_id = random_id()
    assert put(limited, object_id, b"x" * LIMIT, None, framing).status == 201
    assert len(limited.get(f"/object/{object_id}").body) == LIMIT


@pytest.mark.over_tls
@pytest.mark.parametrize(
    ("limit", "size"),
    [(LIMIT, LIMIT + 1), (LIMIT, 20 * MIB), (9 * MIB, 9 * MIB + 1), (9 * MIB, 40 * MIB)],
    ids=["one byte", "in the first part", "one byte in the second part", "in the second part"],
)
def test_a_chunked_body_that_grows_too_large(
    limited_to: Callable[[int], Client], s3_nodes: list[NodeProcess], limit: int, size: int
) -> None:
    http = limited_to(limit)
    object_id = random_id()
    with http.wire() as wire:
        head = {"Transfer-Encoding": "chunked"}
        wire.send(request_head("PUT", f"/object/{object_id}", head, close=False))
        piece = chunked(b"x" * 65536).removesuffix(b"0\r\n\r\n")
        sent = 0
        try:
            while sent < size:
                last = min(65536, size - sent)
                wire.send(piece if last == 65536 else chunked(b"x" * last))
                sent += last
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before its end, as it should be
        answer = wire.answer("PUT")
    assert (answer.status, answer.code) == (413, "object_too_large")
    assert http.get(f"/object/{object_id}").status == 404
    eventually_empty(
        lambda: [key for key in open_uploads(s3_nodes) if key == object_id], "uploads are left"
    )


# --- Expect -------------------------------------------------------------------------------------


@pytest.mark.over_tls
@pytest.mark.parametrize("framing", FRAMINGS)
def test_expect_100_continue(http: Client, framing: Framing) -> None:
    """Section 10.1.1: the body is asked for, then answered."""
    object_id = random_id()
    path = f"/object/{object_id}"
    expect = {"Expect": "100-continue"}
    body = b"asked for"
    with http.wire() as wire:
        if framing == "length":
            wire.send(request_head("PUT", path, expect, len(body), close=False))
        else:
            wire.send(
                request_head("PUT", path, {**expect, "Transfer-Encoding": "chunked"}, close=False)
            )
        assert wire.answer("PUT").status == 100
        wire.send(body if framing == "length" else chunked(body))
        assert wire.answer("PUT").status == 201
        wire.send(request_head("GET", path))
        assert wire.answer().body == body


@pytest.mark.over_tls
@pytest.mark.parametrize(
    ("target", "headers", "code"),
    [
        ("/object/a-b", {}, "invalid_id"),
        ("/object/abc", {"Content-MD5": "AAAA"}, "invalid_digest"),
        ("/object/abc", {"If-Match": "abc"}, "invalid_condition"),
        ("/object/abc", {"X-Object-Meta-a": "\xe9"}, "invalid_metadata"),
        ("/nowhere", {}, "not_found"),
        ("/nodes", {}, "method_not_allowed"),
    ],
    ids=str,
)
def test_what_is_refused_is_not_asked_for(
    http: Client, target: str, headers: dict[str, str], code: str
) -> None:
    """Section 10.1.1: a final status instead of 100."""
    with http.wire() as wire:
        wire.send(request_head("PUT", target, {**headers, "Expect": "100-continue"}, 10**9))
        answer = wire.answer("PUT")
    assert answer.code == code


@pytest.mark.over_tls
@pytest.mark.parametrize("sent", [{"If-None-Match": "*"}, {"If-Match": '"other"'}], ids=str)
@pytest.mark.not_on_moto("it never says 100 Continue, so the gateway cannot wait for it")
@pytest.mark.not_on_versitygw("it asks for the body before it looks at the condition")
def test_a_condition_that_fails_is_told_before_the_body_is_asked_for(
    http: Client, sent: dict[str, str]
) -> None:
    object_id = random_id()
    put(http, object_id, b"old")
    with http.wire() as wire:
        headers = {**sent, "Expect": "100-continue"}
        wire.send(request_head("PUT", f"/object/{object_id}", headers, 10**9))
        assert wire.answer("PUT").status == 412


def test_other_expectations(http: Client) -> None:
    """Section 10.1.1: 417 is what says so."""
    answer = http.request("PUT", "/object/abc", {"Expect": "the-unexpected"}, b"x")
    assert (answer.status, answer.code) == (417, "expectation_failed")


@pytest.mark.over_tls
def test_an_expectation_of_http_1_0_is_ignored(http: Client) -> None:
    """Section 10.1.1."""
    object_id = random_id()
    with http.wire() as wire:
        wire.send(
            b"PUT /object/%s HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Content-Length: 3\r\n\r\nabc" % object_id.encode()
        )
        assert wire.answer("PUT").status == 201


# --- the body as HTTP/1.1 frames it -------------------------------------------------------------

CHUNKED = {
    "RFC 9112 7.1 chunk sizes": b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
    "RFC 9112 7.1 upper and lower case, leading zeros": b"0003\r\nabc\r\n1\r\nd\r\n000\r\n\r\n",
    "RFC 9112 7.1.1 chunk extensions are ignored": b"4;name=value\r\nabcd\r\n0;last\r\n\r\n",
    "RFC 9112 7.1.2 trailers are ignored": b"4\r\nabcd\r\n0\r\nX-Checksum: 1\r\n\r\n",
}


@pytest.mark.over_tls
@pytest.mark.parametrize("coded", CHUNKED.values(), ids=CHUNKED.keys())
def test_chunked_coding(http: Client, coded: bytes) -> None:
    object_id = random_id()
    head = request_head("PUT", f"/object/{object_id}", {"Transfer-Encoding": "chunked"})
    assert http.raw(head + coded, "PUT").status == 201
    assert http.get(f"/object/{object_id}").body == b"abcd"


@pytest.mark.parametrize(
    "coded",
    [b"x\r\nabcd\r\n0\r\n\r\n", b"-4\r\nabcd\r\n0\r\n\r\n", b"4\r\nabcdef\r\n0\r\n\r\n", b"\r\n"],
)
def test_broken_chunked_coding(http: Client, coded: bytes) -> None:
    """RFC 9112 section 8: an incomplete message is never taken for a complete one."""
    object_id = random_id()
    head = request_head("PUT", f"/object/{object_id}", {"Transfer-Encoding": "chunked"})
    answer = http.raw(head + coded, "PUT")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert http.get(f"/object/{object_id}").status == 404


def test_put_without_a_body(http: Client) -> None:
    """RFC 9112 section 6.3: neither length nor coding means that there is none."""
    object_id = random_id()
    answer = http.request("PUT", f"/object/{object_id}")
    assert (answer.status, answer.json["size"]) == (201, 0)
    found = http.get(f"/object/{object_id}")
    assert (found.status, found["Content-Length"], found.body) == (200, "0", b"")


# --- DELETE -------------------------------------------------------------------------------------


def test_delete(http: Client, s3_nodes: list[NodeProcess]) -> None:
    """Section 9.3.5, and 9.2.2: idempotent."""
    object_id = random_id()
    put(http, object_id, b"short-lived")
    for _ in range(2):
        answer = http.request("DELETE", f"/object/{object_id}")
        assert (answer.status, answer.body) == (204, b"")
        assert answer["Content-Length"] is None
        assert answer["Content-Type"] is None
        assert http.get(f"/object/{object_id}").code == "object_not_found"
        assert http.request("HEAD", f"/object/{object_id}").status == 404
    assert all((BUCKET, object_id) not in keys for keys in keys_in_all(s3_nodes).values())


def test_delete_leaves_other_ids(http: Client, s3_nodes: list[NodeProcess]) -> None:
    kept, gone = random_id(), random_id()
    while owner_of(kept, s3_nodes) is not owner_of(gone, s3_nodes):
        gone = random_id()
    put(http, kept, b"kept")
    put(http, gone, b"gone")
    http.request("DELETE", f"/object/{gone}")
    assert http.get(f"/object/{kept}").body == b"kept"


@pytest.mark.parametrize(
    "name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)
def test_delete_refuses_conditions(http: Client, name: str) -> None:
    """A node cannot judge them in one step with the deletion."""
    object_id = random_id()
    put(http, object_id, b"kept")
    answer = http.request("DELETE", f"/object/{object_id}", {name: "*"})
    assert (answer.status, answer.code) == (400, "invalid_condition")
    assert http.get(f"/object/{object_id}").body == b"kept"

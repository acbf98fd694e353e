"""Whatever a node answers, a client gets what is true: the object, or 502, 503, 504; never a 500.

A real gateway in front of a node that behaves but for the one answer of each row.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode
from objects.tests.node_server import Peer, Script, ok
from objects.tests.scripted_s3 import ETAG, ScriptedS3, Then, document
from tests.contract.conftest import client_of
from tests.support.client import Client, chunked, random_id, request_head
from tests.support.servers import HOST, make_gateway

READ_TIMEOUT = 2.0
#: Of a chunked body, what is sent as one part.
BIG = 8 * 2**20
TIME = "2026-11-23T03:40:11.123Z"


@pytest.fixture(scope="module")
def node() -> ScriptedS3:
    return ScriptedS3()


@pytest.fixture(scope="module")
def hostile(node: ScriptedS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """The gateway in front of the node; at the end its log shows no failure of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    with node.serve() as server:
        local = LocalNode("hostile", HOST, server.port, "key", "hush-hush", Path("none"))
        settings = {"OBJGW_READ_TIMEOUT": f"{READ_TIMEOUT:g}"}
        with make_gateway([local], folder / "gateway.log", **settings) as process:
            process.start()
            yield process
            text = process.log.read_text()
            process.stop()
    assert "Traceback" not in text
    assert "unexpected" not in text


@pytest.fixture
def http(hostile: GatewayProcess, node: ScriptedS3) -> Client:
    node.odd.clear()
    node.seen.clear()
    return client_of(hostile)


def answer(status: str, body: bytes = b"", *fields: str) -> bytes:
    """An answer that is complete, as HTTP."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def error(status: str, code: str, inner: str = "") -> bytes:
    return answer(status, document("Error", f"<Code>{code}</Code>{inner}"))


def part(content_range: str) -> bytes:
    return answer("206 Partial Content", b"el", f"Content-Range: {content_range}")


def in_chunks(status: str, body: bytes, *fields: str) -> bytes:
    head = [f"HTTP/1.1 {status}", "Transfer-Encoding: chunked", *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + chunked(body)


def without_end(piece: bytes, *, pause: float = 0.0, first: bytes = b"") -> Script:
    """Sends the same again and again until nobody listens."""

    def script(peer: Peer) -> None:
        peer.send(first)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            peer.send(piece)
            time.sleep(pause)

    return script


@dataclass(frozen=True)
class Row:
    """To this request, of which the node answers a part so, the client gets that."""

    name: str
    kind: str
    odd: bytes | Then | Script
    status: int = 502
    code: str = "node_error"
    headers: Mapping[str, str] | None = None

    @property
    def param(self) -> object:
        return pytest.param(self, id=f"{self.kind}: {self.name}")


CUT = b"HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n<Error><Code>NoSuchKey</Code>"
LONG = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % (2**16 + 1) + b"x" * (2**16 + 1)
ENDLESS_CODING = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n"
RANGE = {"Range": "bytes=1-2"}


def errors_of(kind: str) -> list[Row]:
    """What no request may take for an answer."""
    dripping = without_end(b" ", pause=0.1, first=CUT)
    extension = without_end(b"a" * 4096, first=ENDLESS_CODING + b"1;")
    trailers = without_end(b"a:b\r\n" * 99, first=ENDLESS_CODING + b"0\r\n")
    return [
        Row("error cut short", kind, CUT),
        Row("error over 64 KiB", kind, LONG),
        Row("error in chunks, cut short", kind, in_chunks("404 No", b"<Error>")[:-5]),
        Row("error in chunks over 64 KiB", kind, in_chunks("404 No", b"x" * 2**17)),
        Row("error that never ends", kind, Then(CUT), 504, "node_timeout"),
        Row("error that drips", kind, dripping, 504, "node_timeout"),
        Row("chunk extension without end", kind, extension),
        Row("trailers without end", kind, trailers),
        Row("error of an unknown coding", kind, in_chunks("404 No", b"", "Transfer-Encoding: x")),
        Row("error of an odd code", kind, error("400 No", "Forged\n2026-01-01 ERROR it was me")),
        Row("error with an entity bomb", kind, answer("400 No", BOMB)),
        Row("error with a page of a proxy", kind, answer("500 No", b"<!DOCTYPE html><p>Oops")),
        Row("a server that stops", kind, answer("503 No", b"Closed"), 503, "node_unavailable"),
    ]


def heads_of(kind: str) -> list[Row]:
    """What is no head of an answer."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    dripping = without_end(b"a", pause=0.1, first=b"HTTP/1.1 200 OK\r\nA: ")
    waiting = without_end(interim, pause=0.2)
    return [
        Row("nothing", kind, b"", 503, "node_unavailable"),
        Row("half a head", kind, b"HTTP/1.1 200 OK\r\nContent-", 503, "node_unavailable"),
        Row("half a head, then silence", kind, Then(b"HTTP/1.1 200"), 504, "node_timeout"),
        Row("a head that drips", kind, dripping, 504, "node_timeout"),
        Row("interim answers that drip", kind, waiting, 504, "node_timeout"),
        Row("interim answers without end", kind, without_end(interim)),
        Row("empty lines without end", kind, without_end(b"\r\n\r\n")),
        Row(
            "a head without end", kind, without_end(b"a: b\r\n" * 99, first=b"HTTP/1.1 200 OK\r\n")
        ),
        Row("13,000 fields", kind, answer("200 OK", b"", *["a:"] * 13_000)),
        Row("101, upgrade", kind, answer("101 No", b"", "Connection: upgrade", "Upgrade: x")),
        Row("101", kind, answer("101 Switching Protocols")),
        *(
            Row(f"status {status}", kind, answer(f"{status} Odd"))
            for status in ("000", "099", "20", "2000", "600", "999")
        ),
        *(
            Row(name, kind, b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\nhello")
            for name, field in {
                "length in words": b"Content-Length: five",
                "negative length": b"Content-Length: -5",
                "length with a sign": b"Content-Length: +5",
                "no length": b'ETag: "x"',
                "an empty length": b"Content-Length:",
                "a list of lengths": b"Content-Length: 5, 5",
                "a length of 70 bits": b"Content-Length: 1180591620717411303424",
                "a length of 64 bits": b"Content-Length: 18446744073709551615",
                "two lengths": b"Content-Length: 5\r\nContent-Length: 6",
                "the same length twice": b"Content-Length: 5\r\nContent-Length: 5",
                "length and coding": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
                "an unknown coding": b"Transfer-Encoding: gzip",
                "chunked not last": b"Transfer-Encoding: chunked, gzip",
                "chunked twice": b"Transfer-Encoding: chunked, chunked",
                "CR in a field": b"Content-Length: 5\r\nContent-Type: a\rSet-Cookie: b=c",
                "LF in a field": b"Content-Length: 5\r\nContent-Type: a\nSet-Cookie: b=c",
                "NUL in a field": b"Content-Length: 5\r\nContent-Type: a\0b",
                "a control character": b"Content-Length: 5\r\nContent-Type: a\x01b",
                "DEL in a field": b"Content-Length: 5\r\nContent-Type: a\x7fb",
                "a folded field": b"Content-Length: 5\r\nContent-Type: a\r\n b",
                "a name that is none": b"Content-Length: 5\r\nX-Amz-Meta-a b: c",
            }.items()
        ),
        Row("HTTP/2.0", kind, b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        Row("lines that end with LF", kind, b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello\r\n\r\n"),
        Row("TLS", kind, b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n"),
        Row("a request", kind, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]


def quick(rows: list[Row]) -> list[Row]:
    """Without those for which the read timeout passes: one kind of request will do for them."""
    return [row for row in rows if row.status != 504]


def statuses_of(kind: str, *fine: int) -> list[Row]:
    """Complete answers of any status, but those that mean something to this request."""
    odd = {201, 202, 203, 205, 206, 207, 300, 301, 302, 303, 307, 400, 409, 412, 416, 418, 500}
    no_body = {204, 304}
    return [
        *(Row(f"{status}", kind, answer(f"{status} Odd", b"", ETAG)) for status in odd - {*fine}),
        *(
            Row(f"{status}", kind, f"HTTP/1.1 {status} Odd\r\n{ETAG}\r\n\r\n".encode())
            for status in no_body - {*fine}
        ),
    ]


BOMB = (
    b"<!DOCTYPE a [<!ENTITY b 'bbbbbbbbbb'>"
    + b"".join(b"<!ENTITY %c '%b'>" % (at + 1, b"&%c;" % at * 10) for at in range(98, 106))
    + b"]><Error><Code>&j;</Code></Error>"
)
READS = [
    *errors_of("get"),
    *heads_of("get"),
    *statuses_of("get"),
    Row("in chunks", "get", in_chunks("200 OK", b"hello", ETAG)),
    Row("412 with a range only", "get", answer("412 No"), headers=RANGE),
    Row("a part, no Content-Range", "get", answer("206 P", b"el"), headers=RANGE),
    *(
        Row(f"a part, {value[:20]}", "get", part(value), headers=RANGE)
        for value in (
            "bytes 0-1/5",
            "bytes 1-3/5",
            "bytes 2-1/5",
            "bytes 1-2/2",
            "bytes */5",
            "bytes 1-2",
            "lines 1-2/5",
            f"bytes 1-{'2' * 5000}/5",
        )
    ),
    Row(
        "416 with a size of 5,000 digits",
        "get",
        error("416 No", "InvalidRange", f"<ActualObjectSize>{'1' * 5000}</ActualObjectSize>"),
        416,
        "range_not_satisfiable",
        RANGE,
    ),
    Row("a code that is for PUT", "get", error("400 No", "EntityTooLarge")),
    Row("a checksum that is for PUT", "get", error("400 No", "BadDigest")),
]


@pytest.mark.parametrize("row", [row.param for row in READS])
def test_get(http: Client, node: ScriptedS3, row: Row) -> None:
    node.odd["get"] = row.odd
    found = http.request("GET", f"/object/{random_id()}", row.headers or {})
    assert (found.status, found.code) == (row.status, row.code), found


HEADS = [
    *quick(heads_of("head")),
    *statuses_of("head"),
    Row("in chunks", "head", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
]


@pytest.mark.parametrize("row", [row.param for row in HEADS])
def test_head(http: Client, node: ScriptedS3, row: Row) -> None:
    node.odd["head"] = row.odd
    found = http.request("HEAD", f"/object/{random_id()}")
    assert found.status == row.status, found
    assert found["Content-Length"] != "0"


PUTS = [
    *quick(errors_of("put")),
    *quick(heads_of("put")),
    *statuses_of("put"),
    Row("404 without a condition", "put", error("404 No", "NoSuchKey")),
    Row("412 without a condition", "put", error("412 No", "PreconditionFailed")),
    Row("416", "put", error("416 No", "InvalidRange")),
    Row("BadDigest without a checksum", "put", error("400 No", "BadDigest")),
    Row("no ETag", "put", ok()),
    Row("an empty ETag", "put", ok(b"", "ETag:")),
]


@pytest.mark.parametrize("row", [row.param for row in PUTS])
@pytest.mark.parametrize("size", [5, 70_000], ids=["in memory", "streamed"])
def test_put(http: Client, node: ScriptedS3, row: Row, size: int) -> None:
    node.odd["put"] = row.odd
    found = http.request("PUT", f"/object/{random_id()}", {}, b"x" * size)
    assert (found.status, found.code) == (row.status, row.code), found


DELETES = [*quick(errors_of("delete")), *quick(heads_of("delete")), *statuses_of("delete", 204)]


@pytest.mark.parametrize("row", [row.param for row in DELETES])
def test_delete(http: Client, node: ScriptedS3, row: Row) -> None:
    node.odd["delete"] = row.odd
    found = http.request("DELETE", f"/object/{random_id()}")
    assert (found.status, found.code) == (row.status, row.code), found


def part_answers(kind: str) -> list[Row]:
    return [*quick(errors_of(kind)), *statuses_of(kind)]


def completed(inner: str, root: str = "CompleteMultipartUploadResult") -> bytes:
    return ok(document(root, inner))


#: Of a chunked body of two parts.
CHUNKED = [
    *part_answers("begin"),
    *part_answers("part"),
    *part_answers("complete"),
    Row("no XML", "begin", ok(b"hello")),
    Row("no body", "begin", ok()),
    Row("cut short", "begin", ok(b"<a></a>")[:-3]),
    Row("another document", "begin", ok(document("Error", "<Code>SlowDown</Code>"))),
    Row("no UploadId", "begin", ok(document("InitiateMultipartUploadResult"))),
    Row(
        "an UploadId of 60,000 characters",
        "begin",
        ok(document("InitiateMultipartUploadResult", f"<UploadId>{'a' * 60_000}</UploadId>")),
    ),
    Row("over 64 KiB", "begin", ok(b"<a>" + b"<b/>" * 2**15 + b"</a>")),
    Row("a document type", "begin", ok(BOMB)),
    Row("no ETag", "part", ok()),
    Row("no XML", "complete", ok(b"hello")),
    Row("cut short", "complete", completed("<ETag>x</ETag>")[:-5]),
    Row(
        "never done",
        "complete",
        Then(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        504,
        "node_timeout",
    ),
    Row("another document", "complete", completed("<ETag>x</ETag>", "ListPartsResult")),
    Row("no ETag", "complete", completed("")),
    Row(
        "late: disk full",
        "complete",
        completed("<Code>XMinioStorageFull</Code>", "Error"),
        507,
        "node_full",
    ),
    Row("late: busy", "complete", completed("<Code>SlowDown</Code>", "Error"), 503, "node_busy"),
    Row(
        "late: a condition nobody had",
        "complete",
        completed("<Code>PreconditionFailed</Code>", "Error"),
    ),
    Row("late: no code", "complete", completed("", "Error")),
]


@pytest.mark.parametrize("row", [row.param for row in CHUNKED])
def test_chunked_put(http: Client, node: ScriptedS3, row: Row) -> None:
    node.odd[row.kind] = row.odd
    found = http.put_chunked(random_id(), b"x" * (BIG + 1))
    assert (found.status, found.code) == (row.status, row.code), found
    assert ("abort" in node.seen) == (row.kind != "begin")


def test_a_completion_that_takes_longer_than_the_read_timeout(
    http: Client, node: ScriptedS3
) -> None:
    """S3 sends blanks meanwhile: silence is what the read timeout is for."""
    blanks = round(1.5 * READ_TIMEOUT / 0.1)

    def script(peer: Peer) -> None:
        body = completed("<ETag>&#34;a-2&#34;</ETag>").partition(b"\r\n\r\n")[2]
        declaration, end, body = body.partition(b"\n")
        length = len(declaration + end) + blanks + len(body)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        peer.send(declaration + end)
        for _ in range(blanks):
            time.sleep(0.1)
            peer.send(b" ")
        peer.send(body)

    node.odd["complete"] = script
    found = http.put_chunked(random_id(), b"x" * (BIG + 1))
    assert (found.status, found["ETag"]) == (201, '"a-2"')


def entry(key: str, size: str = "5", *, etag: str = "&#34;e&#34;", time: str = TIME) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>{etag}</ETag>"
        f"<Size>{size}</Size></Contents>"
    )


def listing(*entries: str, truncated: str = "false", root: str = "ListBucketResult") -> bytes:
    return ok(document(root, "".join(entries) + f"<IsTruncated>{truncated}</IsTruncated>"))


LISTINGS: dict[str, bytes | Then | Script] = {
    "Size xx": listing(entry("b1", "5xx")),
    "no Size": listing(entry("b1", "")),
    "negative Size": listing(entry("b1", "-5")),
    "Size of 5,000 digits": listing(entry("b1", "5" * 5000)),
    "no ETag": listing(entry("b1", etag="")),
    "no time": listing(entry("b1", time="yesterday")),
    "no key": listing(entry("")),
    "a key that is not UTF-8": listing(entry("b%FF")),
    "truncated without entries": listing(truncated="true"),
    "truncated perhaps": listing(entry("b1"), truncated="perhaps"),
    "not in order": listing(entry("b2"), entry("b1")),
    "a key twice": listing(entry("b1"), entry("b1")),
    "a key of the page before": listing(entry("b0")),
    "a key without the prefix": listing(entry("c1")),
    "more than asked for": listing(*(entry(f"b{number}") for number in range(1, 5))),
    "another document": listing(root="ListAllMyBucketsResult"),
    "an error with 200": ok(document("Error", "<Code>SlowDown</Code>")),
    "a page of a proxy": ok(b"<!DOCTYPE html><html><p>Hello</p></html>"),
    "no XML": ok(b"hello"),
    "no body": ok(),
    "an entity bomb": ok(BOMB.replace(b"Error", b"ListBucketResult")),
    "cut short": listing(entry("b1"))[:-9],
    "8 MB": ok(b"<a>" + b"<b/>" * 2**21 + b"</a>"),
    "8 MB in chunks": in_chunks("200 OK", b"<a>" + b"<b/>" * 2**21 + b"</a>"),
    "one tag of 70 KB": ok(b"<a b='" + b"x" * 70_000 + b"'/>"),
    "never ends": Then(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a>"),
    "404": error("404 No", "NoSuchKey"),
    "404 cut short": CUT,
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "206": listing(entry("b1")).replace(b"200 OK", b"206 OK"),
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
}


@pytest.mark.parametrize("name", LISTINGS)
def test_listing(http: Client, node: ScriptedS3, name: str) -> None:
    node.odd["list"] = LISTINGS[name]
    query = "/objects?prefix=b&after=b0&limit=3"
    found = http.get(query)
    assert (found.status, found.code) == (503, "node_unavailable"), found
    partial = http.get(f"{query}&partial=true")
    assert (partial.status, partial.json["objects"], partial.json["next"]) == (200, [], None)
    assert [missing["name"] for missing in partial.json["missing_nodes"]] == ["hostile"]


def test_a_listing_of_a_node_that_behaves(http: Client, node: ScriptedS3) -> None:
    node.odd["list"] = listing(entry("b1"), entry("b2"), truncated="true")
    found = http.get("/objects?prefix=b&after=b0&limit=3")
    assert [line["id"] for line in found.json["objects"]] == ["b1", "b2"]
    assert "after=b2" in found.json["next"]


#: What is odd, and all the same what was asked for.
FINE = {
    "two answers": ok(b"hello", ETAG) + ok(b"forged"),
    "more than its length": ok(b"hello", ETAG) + b"and more",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no ETag": ok(b"hello"),
    "blanks and zeros around the length": b"HTTP/1.1 200 OK\r\nContent-Length:  005 \r\n\r\nhello",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "a few interim answers": b"HTTP/1.1 103 Hints\r\nSet-Cookie: a=b\r\n\r\n" * 3 + ok(b"hello"),
    "fields that are not for clients": ok(
        b"hello",
        "Set-Cookie: a=b",
        "Location: http://evil.example/",
        "Access-Control-Allow-Origin: *",
        "Content-Security-Policy: none",
        "Transfer-Encodin: chunked",
        "Connection: keep-alive, upgrade",
        "Upgrade: websocket",
        "Trailer: Set-Cookie",
    ),
}
#: All that an object may come with.
KNOWN = {
    *("server", "date", "connection", "content-type", "content-length", "etag", "accept-ranges"),
    *("x-content-type-options", "content-security-policy", "x-request-id", "cache-control"),
    *("vary", "cross-origin-resource-policy"),
}


@pytest.mark.parametrize("name", FINE)
def test_an_odd_answer_that_is_the_object(http: Client, node: ScriptedS3, name: str) -> None:
    node.odd["get"] = FINE[name]
    found = http.get("/object/abc")
    assert (found.status, found.body) == (200, b"hello")
    assert found["Content-Length"] == "5"
    assert found.names <= KNOWN, found
    assert found["Content-Security-Policy"] != "none"
    # Nothing of it is left for the next one.
    del node.odd["get"]
    assert http.get("/object/abc").body == b"hello"


def test_stored_fields_are_given_back_to_the_byte(http: Client, node: ScriptedS3) -> None:
    odd = ["Content-Type: text/plain; \xe9\xff", "Content-Disposition: a\tb", "x-amz-meta-a: \x80"]
    node.odd["get"] = answer("200 OK", b"hello", *odd)
    found = http.get("/object/abc")
    assert found.body == b"hello"
    assert found["Content-Type"] == "text/plain; \xe9\xff"
    assert found["Content-Disposition"] == "a\tb"
    assert found["X-Object-Meta-A"] == "\x80"


@pytest.mark.parametrize("end", ["ends", "stays silent"])
def test_a_body_cut_short_breaks_the_connection(http: Client, node: ScriptedS3, end: str) -> None:
    """What the client has got must not look like all."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
    node.odd["get"] = cut if end == "ends" else Then(cut)
    with http.wire() as wire:
        wire.send(request_head("GET", "/object/abc"))
        received = wire.rest()
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 10" in head
    assert body == b"hello"


def test_a_part_that_is_the_one_asked_for(http: Client, node: ScriptedS3) -> None:
    node.odd["get"] = part("bytes 1-2/5")
    found = http.get("/object/abc", Range="bytes=1-2")
    assert (found.status, found["Content-Range"], found.body) == (206, "bytes 1-2/5", b"el")
    node.odd["get"] = part("bytes 3-4/5")
    assert http.get("/object/abc", Range="bytes=-2").status == 206
    assert http.get("/object/abc", Range="bytes=3-").status == 206
    assert http.get("/object/abc", Range="bytes=-1").status == 206


def test_a_node_that_answers_as_asked_is_believed(http: Client, node: ScriptedS3) -> None:
    node.odd = {"get": b"HTTP/1.1 304 Not Modified\r\n\r\n", "put": error("412 No", "x")}
    assert http.get("/object/abc", If_None_Match='"x"').status == 304
    assert http.put("abc", b"x", If_None_Match="*").code == "node_error"
    node.odd["put"] = error("412 No", "PreconditionFailed")
    assert http.put("abc", b"x", If_None_Match="*").code == "precondition_failed"
    node.odd["put"] = error("404 No", "NoSuchKey")
    assert http.put("abc", b"x", If_Match='"x"').code == "precondition_failed"

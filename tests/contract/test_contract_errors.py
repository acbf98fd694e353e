"""Every error, on every path: a problem document with a request id that is in the log as well."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess
from tests.support.client import Answer, Client, random_id, request_head
from tests.support.waiting import eventually

A_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@dataclass(frozen=True)
class Row:
    """These bytes bring this answer."""

    section: str
    name: str
    request: bytes
    status: int
    code: str

    @property
    def param(self) -> object:
        return pytest.param(self, id=f"{self.section} {self.name}")


def lines(*given: bytes, host: bytes = b"Host: gateway") -> bytes:
    return b"\r\n".join([given[0], *([host] if host else []), *given[1:], b"", b""])


def malformed(name: str, *given: bytes, section: str = "9112-5", host: bytes = b"Host: x") -> Row:
    return Row(section, name, lines(*given, host=host), 400, "invalid_request")


PUT = b"PUT /object/abc HTTP/1.1"
GET = b"GET /livez HTTP/1.1"
#: What the server refuses before there is a request for the application.
NO_REQUEST = [
    malformed("no request line", b"GARBAGE", section="9112-3"),
    malformed("no version", b"GET /livez", section="9112-3"),
    Row(
        "9110-15.6.6",
        "another version",
        lines(b"GET /livez HTTP/2.0"),
        505,
        "http_version_not_supported",
    ),
    Row(
        "9110-15.6.2",
        "lower-case method",
        lines(b"get /livez HTTP/1.1"),
        501,
        "method_not_implemented",
    ),
    malformed("target that is no path", b"GET livez HTTP/1.1", section="9112-3.2"),
    malformed("blank before the colon", GET, b"Accept : text/plain"),
    malformed("line folding", GET, b"Accept: text/plain,\r\n text/html"),
    malformed("field without a colon", GET, b"Accept"),
    malformed("NUL in a value", GET, b"Accept: a\0b"),
    malformed("CR in a value", GET, b"Accept: a\rb"),
    malformed("two hosts", GET, b"Host: y", section="9112-3.2"),
    malformed("negative length", PUT, b"Content-Length: -1", section="9112-6.3"),
    malformed("length with a sign", PUT, b"Content-Length: +1", section="9112-6.3"),
    malformed("length in words", PUT, b"Content-Length: one", section="9112-6.3"),
    malformed("two lengths", PUT, b"Content-Length: 1", b"Content-Length: 2", section="9112-6.3"),
    malformed(
        "length and coding",
        PUT,
        b"Content-Length: 1",
        b"Transfer-Encoding: chunked",
        section="9112-6.3",
    ),
    malformed("chunked not last", PUT, b"Transfer-Encoding: chunked, gzip", section="9112-6.3"),
    malformed("chunked twice", PUT, b"Transfer-Encoding: chunked, chunked", section="9112-7.1"),
    Row(
        "9112-6.1",
        "unknown transfer coding",
        lines(PUT, b"Transfer-Encoding: xyz"),
        501,
        "unknown_transfer_coding",
    ),
    Row(
        "9112-3",
        "target too long",
        lines(b"GET /%s HTTP/1.1" % (b"a" * 9000)),
        414,
        "uri_too_long",
    ),
    Row(
        "6585-5",
        "field too long",
        lines(GET, b"Accept: " + b"a" * 9000),
        431,
        "header_fields_too_large",
    ),
    Row(
        "6585-5",
        "too many fields",
        lines(GET, *[b"A: b"] * 200),
        431,
        "header_fields_too_large",
    ),
    Row(
        "9110-10.1.1",
        "unknown expectation",
        lines(GET, b"Expect: miracles"),
        417,
        "expectation_failed",
    ),
]
CLOSE = b"Connection: close"
REFUSED = [
    Row("9112-3.2", "empty Host", lines(GET, CLOSE, host=b"Host:"), 400, "bad_request"),
    Row("9112-3.2", "blank in Host", lines(GET, CLOSE, host=b"Host: a b"), 400, "bad_request"),
    Row("9112-3.2", "path in Host", lines(GET, CLOSE, host=b"Host: a/b"), 400, "bad_request"),
    Row("9112-3.2", "user in Host", lines(GET, CLOSE, host=b"Host: a@b"), 400, "bad_request"),
    Row("9112-3.2", "port in words", lines(GET, CLOSE, host=b"Host: a:http"), 400, "bad_request"),
    Row(
        "9112-6.1",
        "gzip, chunked",
        lines(PUT, b"Transfer-Encoding: gzip, chunked", CLOSE) + b"0\r\n\r\n",
        501,
        "unknown_transfer_coding",
    ),
    Row(
        "9110-12.5.1",
        "nothing acceptable",
        lines(b"GET /nodes HTTP/1.1", b"Accept: image/png", CLOSE),
        406,
        "not_acceptable",
    ),
    Row(
        "9110-12.5.1",
        "nothing acceptable, listing",
        lines(b"GET /objects HTTP/1.1", b"Accept: image/png", CLOSE),
        406,
        "not_acceptable",
    ),
    *(
        Row("9110-15.5.5", name, lines(b"GET %s HTTP/1.1" % path, CLOSE), 404, "not_found")
        for name, path in {
            "unknown path": b"/nowhere",
            "no id": b"/object",
            "slash behind": b"/nodes/",
            "two slashes": b"//nodes",
            "not UTF-8": b"/%FF%FE",
            "missing asset": b"/static/nothing.css",
            "out of the assets": b"/static/../manage.py",
            "out of the assets, encoded": b"/static/%2E%2E/manage.py",
            "page for people": b"/objects/abc",
        }.items()
    ),
]
METHODS = {
    "/": {"GET", "HEAD", "OPTIONS"},
    "/objects": {"GET", "HEAD", "OPTIONS"},
    "/object/": {"GET", "HEAD", "OPTIONS"},
    "/object/abc": {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"},
    "/nodes": {"GET", "HEAD", "OPTIONS"},
    "/livez": {"GET", "HEAD", "OPTIONS"},
    "/readyz": {"GET", "HEAD", "OPTIONS"},
    "/metrics": {"GET", "HEAD", "OPTIONS"},
    "/schema": {"GET", "HEAD", "OPTIONS"},
    "/docs": {"GET", "HEAD", "OPTIONS"},
}


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
    problem = answer.json
    assert problem["type"] == f"urn:objgw:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer["X-Request-ID"]
    assert len(problem["request_id"]) == 32


def assert_logged(gateway: GatewayProcess, answer: Answer) -> None:
    request_id = answer["X-Request-ID"]

    def logged() -> bool:
        return f"[{request_id}]" in gateway.log.read_text()

    eventually(logged, f"the log names {request_id}")


@pytest.mark.parametrize("row", [row.param for row in REFUSED])
def test_what_is_refused(http: Client, gateway: GatewayProcess, row: Row) -> None:
    answer = http.raw(row.request)
    assert_problem(answer, row.status, row.code)
    assert A_DATE.fullmatch(answer["Date"] or "")
    assert_logged(gateway, answer)


@pytest.mark.parametrize("row", [row.param for row in NO_REQUEST])
def test_what_is_no_request(http: Client, gateway: GatewayProcess, row: Row) -> None:
    answer = http.raw(row.request)
    assert_problem(answer, row.status, row.code)
    assert answer["Connection"] == "close"


@pytest.mark.parametrize("row", [row.param for row in NO_REQUEST])
def test_what_is_no_request_is_dated_and_logged(
    http: Client, gateway: GatewayProcess, row: Row
) -> None:
    """RFC 9110 section 6.6.1."""
    answer = http.raw(row.request)
    assert A_DATE.fullmatch(answer["Date"] or "")
    assert_logged(gateway, answer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", METHODS)
def test_methods(http: Client, gateway: GatewayProcess, path: str, method: str) -> None:
    """RFC 9110 section 15.5.6."""
    answer = http.request(method, path)
    if method in METHODS[path]:
        assert answer.status in (200, 201, 204, 404)
        return
    assert_problem(answer, 405, "method_not_allowed")
    assert_logged(gateway, answer)
    assert set((answer["Allow"] or "").split(", ")) == METHODS[path]


@pytest.mark.parametrize("path", METHODS)
def test_options(http: Client, path: str) -> None:
    """RFC 9110 section 9.3.7."""
    answer = http.request("OPTIONS", path)
    assert answer.status == 200
    assert set((answer["Allow"] or "").split(", ")) == METHODS[path]


@pytest.mark.parametrize("path", [*METHODS, "/nowhere", "/object/a-b", "/objects?limit=0"])
def test_head_is_get_without_the_body(http: Client, gateway: GatewayProcess, path: str) -> None:
    """RFC 9110 section 9.3.2, of all paths, and nobody is warned of it."""
    http.request("DELETE", "/object/abc")
    get, head = http.request("GET", path), http.request("HEAD", path)
    assert head.status == get.status
    assert head["Content-Type"] == get["Content-Type"]
    # They tell how old the snapshot is, are sent as they are made, or count these very requests.
    if path not in ("/readyz", "/object/", "/metrics"):
        assert head["Content-Length"] == str(len(get.body))
    assert head["X-Request-ID"] is not None
    assert not [line for line in gateway.log.read_text().splitlines() if "no-body response" in line]


@pytest.mark.parametrize(
    "target",
    ["/object/" + quote(text) for text in ("a-b", "ü", "a" * 33, "a/b", "a b", "\0", "a\n")],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_invalid_ids(http: Client, gateway: GatewayProcess, method: str, target: str) -> None:
    answer = http.request(method, target, {}, b"x" if method == "PUT" else None)
    assert_problem(answer, 400, "invalid_id")
    assert_logged(gateway, answer)


WELL_FORMED = ["a", "0" * 128, "5f1c0d2e-9b7a-4c3d-8e6f-1a2b3c4d5e6f", "a.b_c~d:e/f+g=h"]
ILL_FORMED = ["", "a" * 129, "a b", "a\tb", "caf\xe9", '"a"', "a;b", "<script>", "a,b", "%0A"]


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/object/a-b", "/object/abc"])
@pytest.mark.parametrize("offered", WELL_FORMED)
def test_a_well_formed_request_id_is_taken_over(http: Client, path: str, offered: str) -> None:
    answer = http.get(path, X_Request_ID=offered)
    assert answer["X-Request-ID"] == offered
    if answer.status >= 400:
        assert answer.json["request_id"] == offered


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/object/a-b", "/object/abc"])
@pytest.mark.parametrize("offered", ILL_FORMED)
def test_any_other_request_id_is_replaced(http: Client, path: str, offered: str) -> None:
    answer = http.get(path, X_Request_ID=offered)
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"] or "")
    if answer.status >= 400:
        assert answer.json["request_id"] == answer["X-Request-ID"]


def test_request_ids_differ(http: Client) -> None:
    with http.wire() as wire:
        wire.send(request_head("GET", "/livez", close=False) * 20)
        assert len({wire.answer()["X-Request-ID"] for _ in range(20)}) == 20


def test_http_1_1_needs_a_host(http: Client) -> None:
    """RFC 9112 section 3.2."""
    assert http.raw(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n").status == 400


def test_http_1_0_needs_no_host(http: Client) -> None:
    with http.wire() as wire:
        wire.send(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = wire.answer()
        assert (answer.status, answer["Transfer-Encoding"]) == (200, None)
        assert wire.rest() == b""


@pytest.mark.parametrize("target", ["http://gateway/livez", "/livez?a=b"])
def test_forms_of_the_target(http: Client, target: str) -> None:
    """RFC 9112 section 3.2."""
    assert http.get(target).json == {"status": "alive"}


def test_an_empty_line_before_a_request(http: Client) -> None:
    """RFC 9112 section 2.2."""
    assert http.raw(b"\r\n" + request_head("GET", "/livez")).status == 200


def test_a_connection_is_kept_over_errors(http: Client) -> None:
    """RFC 9112 section 9.3: only what could not be read to its end ends it."""
    targets = ["/nowhere", "/object/a-b", "/objects?limit=0", f"/object/{random_id()}", "/livez"]
    with http.wire() as wire:
        statuses = []
        for target in targets:
            wire.send(request_head("GET", target, close=False))
            statuses.append(wire.answer().status)
    assert statuses == [404, 400, 400, 404, 200]


def test_nodes(http: Client, s3_nodes: list[NodeProcess]) -> None:
    answer = http.get("/nodes")
    nodes = sorted((process.node for process in s3_nodes), key=lambda node: node.name)
    assert answer.json == [
        {
            "index": index,
            "name": node.name,
            "address": node.endpoint,
            "state": "assumed",
            "healthy": True,
            "reason": None,
            "role": "member",
        }
        for index, node in enumerate(nodes)
    ]
    for node in nodes:
        for secret in (node.access_key, node.secret_key, quote(node.secret_key, safe="")):
            assert secret not in answer.body.decode()


def test_production_serves_no_pages_for_people(http: Client) -> None:
    answer = http.get("/nodes", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer["Content-Type"] == "application/json"

"""Where a request ends: every way to say it wrong is refused, and what is behind a refusal is lost.

Two programs on the way that do not agree on the end of a request are what request smuggling lives
on (RFC 9112 section 11.2). So each row sends, right behind the request and in one piece with it,
what a smuggler would: a PUT. It must never be answered, and its object must never be there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.contract.test_contract_errors import assert_problem
from tests.support.client import Answer, Client, random_id, request_head

HELLO = b"5\r\nhello\r\n0\r\n\r\n"
#: The text of a status and code that a refusal may have.
INVALID = (400, "invalid_request")
CODING = (501, "unknown_transfer_coding")


@dataclass(frozen=True)
class Row:
    """A PUT with these fields and this body is refused so."""

    name: str
    fields: tuple[bytes, ...]
    refusal: tuple[int, str] = INVALID
    body: bytes = HELLO
    version: bytes = b"HTTP/1.1"

    @property
    def param(self) -> object:
        return pytest.param(self, id=self.name)


def coding(value: bytes) -> tuple[bytes, ...]:
    return (b"Transfer-Encoding: " + value,)


def length(value: bytes) -> tuple[bytes, ...]:
    return (b"Content-Length: " + value,)


CHUNKED = coding(b"chunked")
TRANSFER_ENCODING = [
    Row("unknown", coding(b"xchunked"), CODING),
    Row("cut short", coding(b"chunke"), CODING),
    Row("quoted", coding(b'"chunked"'), CODING),
    Row("with a parameter", coding(b"chunked;q=1"), CODING),
    Row("two words", coding(b"chunked chunked"), CODING),
    Row("separated by a semicolon", coding(b"chunked;gzip"), CODING),
    Row("comma before", coding(b", chunked"), CODING),
    Row("comma behind", coding(b"chunked,"), CODING),
    Row("empty", coding(b""), CODING),
    Row("identity", coding(b"identity")),
    Row("identity, chunked", coding(b"identity, chunked"), CODING),
    Row("chunked, identity", coding(b"chunked, identity")),
    Row("gzip", coding(b"gzip")),
    Row("gzip, chunked", coding(b"gzip, chunked"), CODING),
    Row("chunked, gzip", coding(b"chunked, gzip")),
    Row("chunked, chunked", coding(b"chunked, chunked")),
    Row("twice", CHUNKED * 2),
    Row("twice, in other letters", (*CHUNKED, b"transfer-encoding: CHUNKED")),
    Row("twice, once unknown", (*CHUNKED, *coding(b"x")), CODING),
    Row("twice, once identity", (*coding(b"identity"), *CHUNKED), CODING),
    Row("blank before the colon", (b"Transfer-Encoding : chunked",)),
    Row("tab before the colon", (b"Transfer-Encoding\t: chunked",)),
    Row("blank before the name", (b" Transfer-Encoding: chunked",)),
    Row("no colon", (b"Transfer-Encoding chunked",)),
    Row("folded", (b"Transfer-Encoding:\r\n chunked",)),
    Row("folded under another", (b"X: a\r\n Transfer-Encoding: chunked",)),
    Row("vertical tab", coding(b"\x0bchunked")),
    Row("form feed", coding(b"chunked\x0c")),
    Row("NUL in the value", coding(b"chunked\0")),
    Row("NUL in the name", (b"Transfer-Encoding\0: chunked",)),
    Row("bare CR in the value", coding(b"chu\rnked")),
    Row("bare LF before it", (b"X: a\nTransfer-Encoding: chunked",)),
    Row("bare LF behind it", (b"Transfer-Encoding: chunked\nX: a",)),
    Row("bare CR before it", (b"X: a\rTransfer-Encoding: chunked",)),
    Row("other than ASCII", coding(b"chunke\xc4\x91"), CODING),
    Row("no-break space", coding(b"\xa0chunked"), CODING),
    Row("long s", (b"Tran\xc5\xbffer-Encoding: chunked",)),
    Row("in HTTP/1.0", CHUNKED, version=b"HTTP/1.0"),
]
BOTH = [
    Row("length and coding", (*length(b"5"), *CHUNKED)),
    Row("coding and length", (*CHUNKED, *length(b"5"))),
    Row("length 0 and coding", (*length(b"0"), *CHUNKED)),
    Row("length and identity", (*length(b"5"), *coding(b"identity"))),
    Row("length and unknown coding", (*length(b"5"), *coding(b"xchunked")), CODING),
    Row("malformed length and coding", (*length(b"x"), *CHUNKED)),
    Row("length and coding in HTTP/1.0", (*length(b"5"), *CHUNKED), version=b"HTTP/1.0"),
]
TOO_LARGE = (413, "object_too_large")
CONTENT_LENGTH = [
    Row(name, fields, refusal, body=b"hello")
    for name, fields, refusal in [
        ("plus", length(b"+5"), INVALID),
        ("minus", length(b"-5"), INVALID),
        ("minus 0", length(b"-0"), INVALID),
        ("blank within", length(b"5 5"), INVALID),
        ("tab within", length(b"5\t5"), INVALID),
        ("list of the same", length(b"5, 5"), INVALID),
        ("list of others", length(b"5,6"), INVALID),
        ("comma behind", length(b"5,"), INVALID),
        ("comma before", length(b",5"), INVALID),
        ("twice the same", length(b"5") * 2, INVALID),
        ("twice, others", (*length(b"5"), *length(b"6")), INVALID),
        ("twice, in other letters", (*length(b"5"), b"content-length: 5"), INVALID),
        ("hexadecimal", length(b"0x5"), INVALID),
        ("hexadecimal digits", length(b"a"), INVALID),
        ("octal", length(b"0o5"), INVALID),
        ("underscore", length(b"5_0"), INVALID),
        ("decimal point", length(b"5.0"), INVALID),
        ("exponent", length(b"5e0"), INVALID),
        ("quoted", length(b'"5"'), INVALID),
        ("word", length(b"five"), INVALID),
        ("empty", length(b""), INVALID),
        ("blank", length(b" "), INVALID),
        ("parameter", length(b"5;a=b"), INVALID),
        ("NUL", length(b"5\0"), INVALID),
        ("vertical tab", length(b"\x0b5"), INVALID),
        ("form feed", length(b"5\x0c"), INVALID),
        ("bare CR", length(b"5\r5"), INVALID),
        ("bare LF", (b"X: a\nContent-Length: 5",), INVALID),
        ("superscript digit, Latin 1", length(b"\xb2"), INVALID),
        ("fraction, Latin 1", length(b"\xbc"), INVALID),
        ("Arabic digit, UTF-8", length(b"\xd9\xa5"), INVALID),
        ("full-width digit, UTF-8", length(b"\xef\xbc\x95"), INVALID),
        ("no-break space", length(b"\xa05"), INVALID),
        ("blank before the colon", (b"Content-Length : 5",), INVALID),
        ("folded", (b"Content-Length:\r\n 5",), INVALID),
        ("no colon", (b"Content-Length 5",), INVALID),
        # What fits no integer of C.
        ("over 32 bits and the limit", length(b"6597069766656"), TOO_LARGE),
        ("over 63 bits", length(b"9223372036854775808"), TOO_LARGE),
        ("over 64 bits: 5 of 2^64", length(b"18446744073709551621"), TOO_LARGE),
        ("over 64 bits by far", length(b"9" * 100), TOO_LARGE),
        ("of 5,000 digits", length(b"9" * 5000), INVALID),
    ]
]
LINES = [
    Row("blank before the colon", (*length(b"5"), b"X : a"), body=b"hello"),
    Row("empty name", (*length(b"5"), b": a"), body=b"hello"),
    Row("no colon", (*length(b"5"), b"X"), body=b"hello"),
    Row("folded", (*length(b"5"), b"X: a\r\n b"), body=b"hello"),
    Row("folded by a tab", (*length(b"5"), b"X: a\r\n\tb"), body=b"hello"),
    Row("NUL in a value", (*length(b"5"), b"X: a\0b"), body=b"hello"),
    Row("NUL in a name", (*length(b"5"), b"X\0: a"), body=b"hello"),
    Row("bare LF", (*length(b"5"), b"X: a\nY: b"), body=b"hello"),
    Row("bare CR", (*length(b"5"), b"X: a\rY: b"), body=b"hello"),
    Row("DEL in a value", (*length(b"5"), b"X: a\x7fb"), body=b"hello"),
    Row("blank in a name", (*length(b"5"), b"X Y: a"), body=b"hello"),
    Row("parenthesis in a name", (*length(b"5"), b"X(Y): a"), body=b"hello"),
    Row("name other than ASCII", (*length(b"5"), b"X\xc3\xa4: a"), body=b"hello"),
    Row("two hosts", (*length(b"5"), b"Host: other"), body=b"hello"),
    Row("version of three digits", length(b"5"), body=b"hello", version=b"HTTP/1.10"),
    Row("version in small letters", length(b"5"), body=b"hello", version=b"http/1.1"),
    Row("blank behind the version", length(b"5"), body=b"hello", version=b"HTTP/1.1 "),
    Row(
        "higher version",
        length(b"5"),
        (505, "http_version_not_supported"),
        body=b"hello",
        version=b"HTTP/2.0",
    ),
]
CHUNKS = [
    Row(name, CHUNKED, body=body)
    for name, body in {
        "hexadecimal prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
        "plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
        "blank before": b" 5\r\nhello\r\n0\r\n\r\n",
        "blank behind": b"5 \r\nhello\r\n0\r\n\r\n",
        "no size": b"\r\nhello\r\n0\r\n\r\n",
        "extension alone": b";a\r\nhello\r\n0\r\n\r\n",
        "over 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "other than ASCII": b"\xb5\r\nhello\r\n0\r\n\r\n",
        "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
        "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
        "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
        "nothing behind the data": b"5\r\nhello0\r\n\r\n",
        "more data than announced": b"5\r\nhello world\r\n0\r\n\r\n",
        "less data than announced": b"5\r\nhell\r\n0\r\n\r\n",
        "bare LF at the end": b"5\r\nhello\r\n0\n\n",
        "bare LF behind the trailers": b"5\r\nhello\r\n0\r\nX: a\n\r\n\r\n",
        "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        "length as a trailer": b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
        "coding as a trailer": b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "host as a trailer": b"5\r\nhello\r\n0\r\nHost: other\r\n\r\n",
        "folded trailer": b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
        "trailer without a colon": b"5\r\nhello\r\n0\r\nX\r\n\r\n",
        "too much overhead": b"".join([b"1%s\r\nx\r\n" % (b";a" * 500)] * 20) + b"0\r\n\r\n",
    }.items()
]


@dataclass(frozen=True)
class Attempt:
    """A request, and what a smuggler sends behind it."""

    gateway: Client
    victim: str = field(default_factory=random_id)
    smuggled: str = field(default_factory=random_id)

    def send(self, row: Row) -> Answer:
        """The answer to the request, behind which nothing came."""
        head = b"\r\n".join(
            [
                b"PUT /object/%s %s" % (self.victim.encode(), row.version),
                b"Host: gateway",
                *row.fields,
                b"",
                b"",
            ]
        )
        behind = request_head("PUT", f"/object/{self.smuggled}", length=2, close=False) + b"no"
        return self.gateway.raw(head + row.body + behind * 2, "PUT")

    def check(self) -> None:
        """Neither was stored."""
        for object_id in (self.victim, self.smuggled):
            assert self.gateway.get(f"/object/{object_id}").status == 404


@pytest.fixture
def attempt(http: Client) -> Iterator[Attempt]:
    attempt = Attempt(http)
    yield attempt
    attempt.check()


@pytest.mark.parametrize("row", [row.param for row in TRANSFER_ENCODING])
def test_transfer_encoding(attempt: Attempt, row: Row) -> None:
    assert_refused(attempt.send(row), row)


@pytest.mark.parametrize("row", [row.param for row in BOTH])
def test_both(attempt: Attempt, row: Row) -> None:
    assert_refused(attempt.send(row), row)


@pytest.mark.parametrize("row", [row.param for row in CONTENT_LENGTH])
def test_content_length(attempt: Attempt, row: Row) -> None:
    assert_refused(attempt.send(row), row)


@pytest.mark.parametrize("row", [row.param for row in LINES])
def test_lines_of_the_head(attempt: Attempt, row: Row) -> None:
    assert_refused(attempt.send(row), row)


@pytest.mark.parametrize("row", [row.param for row in CHUNKS])
def test_chunks(attempt: Attempt, row: Row) -> None:
    assert_refused(attempt.send(row), row)


def assert_refused(answer: Answer, row: Row) -> None:
    assert_problem(answer, *row.refusal)
    assert answer["Connection"] == "close"


#: Refused for another reason, before the body was read; it must not become the next request.
REFUSED_BEFORE_THE_BODY: Mapping[str, bytes] = {
    "no id": b"PUT /object/a-b HTTP/1.1",
    "no path": b"PUT /nowhere HTTP/1.1",
    "no method": b"POST /livez HTTP/1.1",
    "unknown method": b"BREW /livez HTTP/1.1",
    "body that nobody reads": b"GET /livez HTTP/1.1",
    "body of a deletion": b"DELETE /object/a-b HTTP/1.1",
    "out of the assets": b"PUT /static/x HTTP/1.1",
    "the server as a whole": b"OPTIONS * HTTP/1.1",
    "tunnel": b"CONNECT gateway:443 HTTP/1.1",
}


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("line", REFUSED_BEFORE_THE_BODY)
def test_a_body_that_was_not_read_is_no_request(http: Client, line: str, framing: str) -> None:
    smuggled = random_id()
    body = request_head("PUT", f"/object/{smuggled}", length=2, close=False) + b"no"
    chunked = framing == "chunked"
    head = [
        REFUSED_BEFORE_THE_BODY[line],
        b"Host: gateway",
        b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body),
    ]
    coded = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    answer = http.raw(b"\r\n".join([*head, b"", b""]) + coded + body)
    assert answer["Connection"] == "close"
    assert http.get(f"/object/{smuggled}").status == 404


@pytest.mark.parametrize(
    ("fields", "body", "stored"),
    [
        pytest.param(CHUNKED, HELLO, b"hello", id="chunked"),
        pytest.param(coding(b"CHUNKED"), HELLO, b"hello", id="in capitals"),
        pytest.param(coding(b" \tchunked\t "), HELLO, b"hello", id="blanks around the coding"),
        pytest.param(length(b"\t 5 \t"), b"hello", b"hello", id="blanks around the length"),
        pytest.param(length(b"0005"), b"hello", b"hello", id="leading zeros"),
        pytest.param((b"content-LENGTH: 5",), b"hello", b"hello", id="name in other letters"),
        # They are dropped: they are other fields than those with hyphens.
        pytest.param(
            (*length(b"5"), b"Transfer_Encoding: chunked", b"Content_Length: 1"),
            b"hello",
            b"hello",
            id="underscores",
        ),
        pytest.param(
            (*length(b"5"), b"X-Transfer-Encoding: chunked"), b"hello", b"hello", id="other fields"
        ),
    ],
)
def test_what_is_right_is_stored_and_the_next_request_is_behind_it(
    http: Client, fields: tuple[bytes, ...], body: bytes, stored: bytes
) -> None:
    object_id = random_id()
    head = [f"PUT /object/{object_id} HTTP/1.1".encode(), b"Host: gateway", *fields, b"", b""]
    with http.wire() as wire:
        wire.send(b"\r\n".join(head) + body + request_head("GET", f"/object/{object_id}"))
        assert wire.answer("PUT").status == 201
        answer = wire.answer()
        assert (answer.status, answer.body) == (200, stored)
        assert wire.rest() == b""


TARGETS = {
    # RFC 9112 section 3.2.3: the authority is for CONNECT alone.
    "authority": (b"gateway:80", *INVALID),
    "host": (b"gateway", *INVALID),
    "no slash": (b"livez", *INVALID),
    "empty": (b"", *INVALID),
    "blank": (b"/live z", *INVALID),
    "tab": (b"/live\tz", *INVALID),
    "NUL": (b"/livez\0", *INVALID),
    "bare CR": (b"/livez\r/", *INVALID),
    "DEL": (b"/livez\x7f", *INVALID),
    "other than ASCII": ("/lïvez".encode(), *INVALID),
    "asterisk": (b"*", *INVALID),
    "absolute, without a path": (b"http://gateway/nowhere", 404, "not_found"),
    # WSGI hands over the path decoded.
    "encoded slash": (b"/object%2fa-b", 400, "invalid_id"),
    "encoded slash behind": (b"/object/abc%2f", 400, "invalid_id"),
    "encoded slash in an id": (b"/object/a%2fb", 400, "invalid_id"),
    "encoded slash twice": (b"/object/a%252fb", 400, "invalid_id"),
    "backslash": (b"/object\\abc", 404, "not_found"),
    "dots": (b"/object/../livez", 400, "invalid_id"),
    "dots, encoded": (b"/object/%2e%2e/livez", 400, "invalid_id"),
    "dots and slash, encoded": (b"/object/..%2flivez", 400, "invalid_id"),
    "one dot": (b"/./livez", 404, "not_found"),
    "dots to the root": (b"/../livez", 404, "not_found"),
    "two slashes": (b"//livez", 404, "not_found"),
    "two slashes within": (b"/object//abc", 400, "invalid_id"),
    "slash behind": (b"/livez/", 404, "not_found"),
    "semicolon": (b"/livez;a=b", 404, "not_found"),
    "NUL, encoded": (b"/object/abc%00", 400, "invalid_id"),
    "line end, encoded": (b"/object/abc%0d%0aX:%20a", 400, "invalid_id"),
    "overlong slash": (b"/object%c0%afabc", 404, "not_found"),
    "out of the assets": (b"/static/../manage.py", 404, "not_found"),
    "out of the assets, encoded": (b"/static/..%2f..%2fmanage.py", 404, "not_found"),
    "out of the assets, twice encoded": (b"/static/%252e%252e/manage.py", 404, "not_found"),
    "assets, absolute": (b"/static//etc/passwd", 404, "not_found"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets(http: Client, name: str) -> None:
    target, status, code = TARGETS[name]
    head = b"GET %s HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n" % target
    answer = http.raw(head)
    assert_problem(answer, status, code)
    assert all("\r" not in value and "\n" not in value for _, value in answer.fields)


def test_targets_that_are_right(http: Client) -> None:
    """RFC 9112 section 3.2.2: a server must take the absolute form, too."""
    for target in ("http://gateway/livez", "HTTP://gateway/livez", "/%6cive%7a"):
        assert http.get(target).json == {"status": "alive"}

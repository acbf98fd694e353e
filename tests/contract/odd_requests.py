"""Random requests: near-valid ones, each a little wrong, and bytes that are no request at all.

Request ``number`` of a ``seed`` is always the same, so one that did harm can be sent again alone.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

#: All ids begin with it, so that nothing else is written over.
PREFIX = "odd"

_METHODS = ["GET"] * 8 + ["PUT"] * 8 + ["HEAD"] * 3 + ["DELETE"] * 2 + ["OPTIONS", "POST", "PATCH"]
_ODD_METHODS = [
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "G\xcbT",
    "A" * 30,
    "GET\t",
    "PUT;",
    "*",
    "-",
]
_PATHS = ["/objects"] * 6 + [
    "/",
    "/nodes",
    "/livez",
    "/readyz",
    "/metrics",
    "/schema",
    "/docs",
    "/static/x",
]
_ODD_PATHS = [
    "/object/",
    "/object",
    "/object/%",
    "/object/%00",
    "/object/%2e%2e/",
    "/object/../objects",
    "/object/%C3%28",
    "/object/%ED%A0%80",
    "/objects/",
    "/objects/abc",
    "/static/../manage.py",
    "/static/%2e%2e%2fmanage.py",
    "/static/%00",
    "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css",
    "//",
    "/\xff",
    "/%u0041",
    "*",
    "http://other.example/objects",
    "http://[/objects",
    "other.example:80",
    "",
]
_PARAMETERS = ["prefix", "after", "limit", "partial", "format", "Limit", "page", "", "X-Amz-Date"]
_VALUES = [
    "",
    "1",
    "0",
    "-1",
    "1e9",
    "1000",
    "99999999999999999999999",
    "true",
    "a",
    "a/b",
    "..",
    "../../",
    "a/./b",
    "%00",
    "%5Cud800",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "%F4%8F%BF%BF",
    "%EF%BF%BE",
    "%EF%BF%BF",
    "%FF%FE",
    "%",
    "%zz",
    "+",
    "%2B",
    "%0D%0A",
    "%C2%85",
    "%E2%80%A8",
    "%7F",
    "%1F",
    "\xe9",
    "a" * 1025,
    "%C3%A9" * 1024,
    "%F0%9F%98%80" * 1024,
    "<x>&amp;",
    '"',
    "*",
]
_TAGS = ['"a"', 'W/"a"', "*", '"', "a", "", '"a", *', '"\xe9"', "W/", '"a"b"', ",", '"a",' * 70]
_DATES = [
    "Thu, 01 Jan 2026 00:00:00 GMT",
    "Thu, 01 Jan 0000 00:00:00 GMT",
    "Thu, 99 Jan 2026 99:99:99 GMT",
    "Thursday, 01-Jan-26 00:00:00 GMT",
    "Thu Jan  1 00:00:00 2026",
    "Thu, 01 Jan 99999 00:00:00 GMT",
    "yesterday",
    "",
    "0",
]
_FIELDS: dict[str, list[str]] = {
    "Accept": ["*/*", "text/html", "a", "*/*; q*=x''1", "application/json; indent=9999999999", ";"],
    "Authorization": ["Basic eDp5", "AWS4-HMAC-SHA256 x", "AWS a:b", "", "Bearer \xff"],
    "Cache-Control": ["no-store", "\xff", "max-age=-1", "a\tb", ""],
    "Connection": ["close", "keep-alive", "upgrade", "Content-Length", "close, keep-alive", "\xff"],
    "Content-Disposition": ["attachment", 'attachment; filename="\xe9"', ";;;", ""],
    "Content-Encoding": ["gzip", "aws-chunked", "identity", "\xff", ", ,"],
    "Content-Language": ["de", "\xfc", ",", "a" * 2000],
    "Content-MD5": ["\xff", "====", "sZRqySSS0jR8YjW00mERhA==", "1B2M2Y8AsgTpgAmY7PhCfg==", "a"],
    "Content-Range": ["bytes 0-1/2", "x"],
    "Content-Type": [
        "text/plain",
        "x; charset=zip",
        "x; charset=unicode_escape",
        "x/y; charset*=x''y",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/x-www-form-urlencoded; charset=hex",
        "application/json",
        "\xff",
        ";",
        '"',
    ],
    "Cookie": ["a=b", "a", '"', "a=\xff; =; ;"],
    "Expect": ["100-continue", "100-Continue", "200-ok", "", "100-continue, x"],
    "Host": ["x", "", "a_b", "a b", "[::1", "[::1]:99999", "a:b", "x" * 300, "\xff", "a/b", "a,b"],
    "Origin": ["null", "http://x", "\xff"],
    "Forwarded": ["for=x;host=y", ";"],
    "Range": [
        "bytes=0-1",
        "bytes=-1",
        "bytes=-0",
        "bytes=1-0",
        "bytes=0-",
        "bytes=",
        "bytes=0-1,3-4",
        "bytes=99999999999999999999-",
        "bytes=0-99999999999999999999999999",
        "bytes=-" + "9" * 120,
        "bytes=\xb2-",
        "lines=1",
    ],
    "If-Range": [*_TAGS, *_DATES],
    "If-Match": _TAGS,
    "If-None-Match": _TAGS,
    "If-Modified-Since": _DATES,
    "If-Unmodified-Since": _DATES,
    "Sec-Fetch-Site": ["cross-site", "x"],
    "TE": ["trailers", "\xff"],
    "Trailer": ["X", "Content-Length"],
    "Upgrade": ["h2c", "websocket"],
    "Transfer-Encoding": [
        "chunked",
        "gzip, chunked",
        "identity",
        "xchunked",
        "chunked, chunked",
        "",
    ],
    "Content-Length": ["0", "1", "-1", "+1", "1, 1", "99999999999999999999", "0x1", "", "\xb2"],
    "X-Amz-Date": ["20260101T000000Z"],
    "X-Forwarded-Host": ["evil.example", "\xff"],
    "X-Forwarded-Proto": ["https", "\xff"],
    "X-HTTP-Method-Override": ["DELETE", "\xff"],
    "X-Object-Meta-Colour": ["blue", "\xff", "a  b", "", "a" * 3000, "a\tb", "=?utf-8?q?x?="],
    "X-Object-Meta-": ["x"],
    "X-Object-Meta-a_b": ["x"],
    "X-Object-Meta-\xe9": ["x"],
    "X-Request-ID": ["nightly-7", "", "a b", "\xff", "a" * 129, "[x] ERROR y"],
}
_ODD_LINES = [
    b"no colon",
    b": no name",
    b" folded: x",
    b"X : y",
    b"X: a\0b",
    b"X: a\rb",
    b"X\0: a",
    b"\xff\xfe: a",
    b"X: " + b"a" * 9000,
    b"X:" * 4000,
]
_VERSIONS = ["HTTP/1.1"] * 60 + [
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/2.0",
    "HTTP/0.9",
    "http/1.1",
    "HTP",
    "",
]


@dataclass(frozen=True, slots=True)
class OddRequest:
    """The bytes to be sent, and whether all was said with them."""

    number: int
    data: bytes


def odd_request(seed: int, number: int) -> OddRequest:
    """The request with this number."""
    rng = random.Random(f"{seed} {number}")
    kind = rng.choices([_near_valid, _noise, _mutated], [80, 5, 15])[0]
    return OddRequest(number, kind(rng))


def _noise(rng: random.Random) -> bytes:
    size = rng.choice([1, 4, 20, 200, 3000, 20_000])
    alphabet = rng.choice([bytes(range(256)), b"\r\n :", b"GET /HTP1.\r\n", b"\0\xff\r\n"])
    return bytes(rng.choices(alphabet, k=size))


def _mutated(rng: random.Random) -> bytes:
    """A near-valid request of which bytes are lost, doubled or others."""
    data = bytearray(_near_valid(rng))
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                del data[place : place + rng.choice([1, 2, 8])]
            case 1:
                data[place:place] = data[place : place + rng.choice([1, 8, 60])]
            case 2:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 3:
                del data[place:]
    return bytes(data)


def _near_valid(rng: random.Random) -> bytes:
    # Most of it is right, else nothing would get further than the first thing that is wrong.
    method = rng.choice(_METHODS if rng.random() < 0.95 else _ODD_METHODS)
    lines = [f"{method} {_target(rng)} {rng.choice(_VERSIONS)}".encode("latin-1")]
    names = rng.sample(sorted(_FIELDS), k=rng.choice([0, 1, 1, 1, 2, 2, 3, 5]))
    fields = [(name, _value(rng, name)) for name in names]
    if "Host" not in names and rng.random() < 0.97:
        fields.insert(0, ("Host", "gateway"))
    body, framing = _body(rng, method)
    lines += [_field(rng, name, value) for name, value in [*fields, *framing]]
    if rng.random() < 0.03:
        lines.insert(rng.randint(1, len(lines)), rng.choice(_ODD_LINES))
    if rng.random() < 0.01:
        lines += [b"A: b"] * rng.choice([90, 200])
    end = b"\r\n" if rng.random() < 0.98 else rng.choice([b"\n", b"\r", b"\r\r\n"])
    return end.join([*lines, b"", b""]) + body


def _target(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.5:
        path = f"/object/{PREFIX}{rng.randrange(40)}"
    elif chance < 0.85:
        path = rng.choice(_PATHS)
    else:
        path = rng.choice(_ODD_PATHS)
    if rng.random() < (0.8 if path == "/objects" else 0.15):
        names = rng.choices(
            _PARAMETERS, [20, 20, 20, 10, 2, 1, 1, 1, 1], k=rng.choice([1, 1, 2, 3])
        )
        path += "?" + "&".join(f"{name}={rng.choice(_VALUES)}" for name in names)
    if rng.random() < 0.03:
        path += rng.choice(["#fragment", " x", "\t", "\xff", "?", "??", "%", "\0"])
    return path


def _value(rng: random.Random, name: str) -> str:
    value = rng.choice(_FIELDS[name])
    if rng.random() < 0.1:
        more = rng.choice(_FIELDS[name])
        value = rng.choice([f"{value},{more}", f"{value};{more}", value * 2, value[::-1]])
    if rng.random() < 0.05:
        characters = [chr(rng.randrange(0x20, 0x100)) for _ in range(rng.randint(1, 40))]
        value += "".join(characters)
    return value


def _field(rng: random.Random, name: str, value: str) -> bytes:
    if rng.random() < 0.05:
        name = rng.choice([str.upper, str.lower, str.swapcase])(name)
    if rng.random() < 0.01:
        name = name.replace("-", "_")
    return f"{name}:{rng.choice([' ', '', '  ', chr(9)])}{value}".encode("latin-1")


def _body(rng: random.Random, method: str) -> tuple[bytes, list[tuple[str, str]]]:
    """What is sent behind the head, and the fields that tell of it."""
    if method != "PUT" and rng.random() < 0.85:
        return b"", []
    # No answer must look like one that is repeated from a body.
    content = rng.choice([b"", b"x", b"a=b&c=d", b"\0\xff" * 300, b"y" * 70_000])
    shape: Callable[[random.Random, bytes], tuple[bytes, list[tuple[str, str]]]]
    shape = rng.choice([_with_length, _with_length, _with_length, _chunked, _chunked])
    return shape(rng, content)


def _with_length(rng: random.Random, content: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    length = [("Content-Length", str(len(content)))]
    if rng.random() < 0.15:
        return content[: rng.randrange(len(content) + 1)], length  # cut short
    return content, length


def _chunked(rng: random.Random, content: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    size = rng.choice([1000, 4096, 70_000])
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    if rng.random() < 0.3:
        odd = rng.choice(
            [b"g\r\n", b"-1\r\n", b"1\r\nxx\r\n", b"0x1\r\nx\r\n", b"1;a=\xff\r\nx\r\n"]
        )
        data = odd + data
    if rng.random() < 0.1:
        trailer = rng.choice([b"X: y", b"Content-Length: 1", b"\xff", b"X", b"X-Object-Meta-A: b"])
        data = data[:-2] + trailer + b"\r\n\r\n"
    if rng.random() < 0.15:
        data = data[: rng.randrange(len(data) + 1)]
    return data, [("Transfer-Encoding", "chunked")]

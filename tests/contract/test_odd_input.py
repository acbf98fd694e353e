"""Odd input in valid HTTP: an answer that says what is wrong, never a 5xx."""

import pytest

from demo.harness.gateway import GatewayProcess
from tests.contract.conftest import Stored
from tests.contract.test_contract_listing import walked
from tests.support.client import Client, random_id

#: What Python has a codec for, what is none, and RFC 2231's way to say it.
CHARSETS = [
    "charset=zip",
    "charset=unicode_escape",
    "charset=idna",
    "charset=utf-16",
    "charset=nonsense",
    "charset*=nonsense''utf-8",
    "charset*=zip''utf-8",
    'charset="',
]


@pytest.mark.parametrize("parameter", CHARSETS)
def test_a_query_is_utf_8_whatever_the_body_is_said_to_be(http: Client, parameter: str) -> None:
    """The type is that of the body, and a GET has none."""
    prefix = random_id()
    assert http.put(prefix + "a", b"").status == 201
    odd = {"Content-Type": f"x/y; {parameter}"}
    for after in ("%5Cud800", "%C3%A9", "%FF"):
        answer = http.request("GET", f"/objects?prefix={prefix}&after={after}", odd)
        assert answer.status == 200, answer
    found = http.request("GET", f"/objects?prefix={prefix}&after=0", odd).json["objects"]
    assert [entry["id"] for entry in found] == [prefix + "a"]


@pytest.mark.parametrize("parameter", CHARSETS)
def test_any_charset_is_stored(http: Client, parameter: str) -> None:
    path = f"/object/{random_id()}"
    odd = {"Content-Type": f"text/plain; {parameter}"}
    assert http.request("PUT", f"{path}?a=b", odd, b"x").status == 201
    assert http.get(path)["Content-Type"] == odd["Content-Type"]


@pytest.mark.parametrize(
    "digest", ["\xff", "\xff" * 24, "sZRqySSS0jR8YjW00mERhA==\xe9", "=", "  ", ""]
)
def test_a_digest_that_is_none(http: Client, digest: str) -> None:
    """RFC 1864."""
    answer = http.put(random_id(), b"x", Content_MD5=digest)
    assert (answer.status, answer.code) == (400, "invalid_digest")


@pytest.mark.parametrize(
    "after",
    [
        "../../",
        "..",
        ".",
        "./",
        "a/..",
        "a/../b",
        "a/./b",
        "a/%20..%20/b",
        "..%5Cb",
        "a%5C..%5Cb",
        "%09..",
        "/..",
    ],
)
def test_after_is_nothing_that_no_key_can_be(http: Client, after: str) -> None:
    """A node refuses to list behind it."""
    answer = http.get(f"/objects?after={after}")
    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert "after" in answer.json["detail"]


@pytest.mark.parametrize(
    "after",
    [
        "...",
        "%C2%A0..",
        "a..b",
        "..a",
        ".a",
        "a/.b",
        "a.",
        "/",
        "//",
        "%5C",
        "a//b",
        "%F4%8F%BF%BF",
        "a%2F",
    ],
)
@pytest.mark.not_on_moto("it lists what it should not, behind a key of its own making")
def test_after_is_anything_else(http: Client, after: str) -> None:
    answer = http.get(f"/objects?after={after}&limit=1")
    assert answer.status == 200, answer


def test_a_walk_behind_anything(http: Client) -> None:
    prefix = random_id()
    for last in "0A":
        assert http.put(prefix + last, b"").status == 201
    for between in ("9/.x", "9..", ":", "9%20"):
        assert walked(http, f"?prefix={prefix}&after={prefix}{between}") == [prefix + "A"]


@pytest.mark.parametrize("name", ["If-None-Match", "If-Match"])
@pytest.mark.parametrize("field", ['"a",', 'W/"a", ', ",", "a,"])
def test_more_entity_tags_than_anybody_has(
    http: Client, ten: Stored, name: str, field: str
) -> None:
    """RFC 9110 section 5.4: what is larger than a server wishes to process is a 4xx."""
    for method in ("GET", "HEAD"):
        answer = http.request(method, ten.path, {name: field * 200})
        assert answer.status == 400
        if method == "GET":
            assert answer.code == "invalid_condition"
            assert "64" in answer.json["detail"]


def test_as_many_entity_tags_as_are_taken(http: Client, ten: Stored) -> None:
    others = ", ".join(f'"{number}"' for number in range(63))
    assert http.get(ten.path, If_None_Match=f"{others}, {ten.etag}").status == 304
    assert http.get(ten.path, If_Match=f"{others}, {ten.etag}").status == 200
    assert http.get(ten.path, If_None_Match=f'{others}, "x"').status == 200
    assert http.get(ten.path, If_Match=f'{others}, "x"').status == 412
    assert http.get(ten.path, If_Match=f'{others}, "x", {ten.etag}').status == 400


@pytest.mark.parametrize("method", ["PATCH", "POST", "GET"])
@pytest.mark.parametrize("path", ["/", "/objects", "/nodes", "/livez", "/nowhere", "/docs"])
def test_types_that_cannot_be_read_go_anywhere(http: Client, path: str, method: str) -> None:
    odd = {"Content-Type": "x/y; charset*=nonsense''utf-8", "Accept": "*/*; q*=nonsense''1, */*"}
    answer = http.request(method, path, odd, b"x=y")
    assert answer.status < 500, answer


def test_nothing_was_unexpected(gateway: GatewayProcess) -> None:
    log = gateway.log.read_text(errors="replace")
    assert "Traceback" not in log

"""What HTTP asks of any server, whatever it serves, and what a shell's prompt asks of an answer."""

import pytest

from tests.contract.conftest import Stored
from tests.contract.test_contract_errors import assert_problem
from tests.support.client import Client, random_id, request_head

ALL_METHODS = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


def test_options_of_the_whole_server(http: Client) -> None:
    """RFC 9110 section 9.3.7."""
    with http.wire() as wire:
        wire.send(request_head("OPTIONS", "*", close=False) + request_head("GET", "/livez"))
        answer = wire.answer()
        assert answer.status == 204
        assert set((answer["Allow"] or "").split(", ")) == ALL_METHODS
        assert answer["X-Request-ID"]
        assert wire.answer().status == 200


@pytest.mark.parametrize("target", ["/*", "/%2A", "*/", "/object/*"])
def test_an_asterisk_in_a_path_is_a_path(http: Client, target: str) -> None:
    assert http.request("OPTIONS", target).status != 204


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_options_is_for_the_whole_server(http: Client, method: str) -> None:
    """RFC 9112 section 3.2.4."""
    assert_problem(http.request(method, "*"), 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/nowhere", "/nodes/", "/object", "/static/nothing.css"])
def test_where_nothing_is_nothing_is_allowed(http: Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert (answer.status, answer["Allow"]) == (404, None)


@pytest.mark.parametrize("path", ["/", "/livez", "/object/abc", "/nowhere", "/static/x.css"])
def test_a_method_that_nobody_knows(http: Client, path: str) -> None:
    """RFC 9110 section 15.6.2."""
    assert_problem(http.request("BREW", path), 501, "method_not_implemented")


@pytest.mark.parametrize("version", ["0.9", "2.0", "3.0"])
def test_a_version_that_is_not_spoken(http: Client, version: str) -> None:
    """RFC 9110 section 15.6.6."""
    answer = http.raw(f"GET /livez HTTP/{version}\r\nHost: a\r\n\r\n".encode())
    assert_problem(answer, 505, "http_version_not_supported")


class TestJsonEndsItsLine:
    @pytest.mark.parametrize(
        ("method", "target", "status"),
        [
            ("GET", "/", 200),
            ("GET", "/livez", 200),
            ("GET", "/readyz", 200),
            ("GET", "/nodes", 200),
            ("GET", "/objects", 200),
            ("GET", "/schema", 200),
            ("OPTIONS", "/objects", 200),
            ("OPTIONS", "/object/abc", 200),
            ("OPTIONS", "/docs", 200),
            ("GET", "/nowhere", 404),
            ("GET", "/object/a-b", 400),
            ("GET", "/objects?limit=x", 400),
            ("POST", "/livez", 405),
            ("BREW", "/livez", 501),
            ("GET", "livez", 400),
        ],
    )
    def test_in_every_answer(self, http: Client, method: str, target: str, status: int) -> None:
        answer = http.request(method, target, {"Accept": "application/json, */*;q=0.1"})
        assert answer.status == status
        assert "json" in (answer["Content-Type"] or "")
        assert answer.body.endswith((b"}\n", b"]\n"))
        assert answer["Content-Length"] == str(len(answer.body))
        assert answer.json is not None

    def test_in_the_answer_to_a_put(self, http: Client) -> None:
        answer = http.put(random_id(), b"hello")
        assert (answer.status, answer.body[-2:]) == (201, b"}\n")

    def test_where_there_is_none_there_is_no_line(self, http: Client, ten: Stored) -> None:
        assert http.request("DELETE", f"/object/{random_id()}").body == b""
        assert http.get(ten.path).body == ten.body

"""Pages of other origins change nothing (the model is Go's net/http.CrossOriginProtection)."""

from dataclasses import dataclass

import pytest

from tests.contract.test_contract_errors import assert_problem
from tests.support.client import Client, random_id

HOST = "gateway:3000"


@dataclass(frozen=True)
class Row:
    """What a browser says, and whether the request is let through."""

    name: str
    allowed: bool
    site: str | None = None
    origin: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        given = {"Host": HOST, "Sec-Fetch-Site": self.site, "Origin": self.origin}
        return {name: value for name, value in given.items() if value is not None}


ROWS = [
    Row("no browser", True),
    Row("same origin", True, "same-origin", f"http://{HOST}"),
    Row("typed by a person", True, "none"),
    Row("same origin behind a proxy", True, "same-origin", "https://store.example"),
    Row("cross-site", False, "cross-site", "https://evil.example"),
    Row("cross-site that claims to be us", False, "cross-site", f"http://{HOST}"),
    Row("cross-site without an origin", False, "cross-site"),
    Row("same site, another port", False, "same-site", "http://gateway:8080"),
    Row("a value of the future", False, "cross-planet"),
    Row("two values", False, "same-origin, cross-site"),
    Row("old browser, same origin", True, None, f"http://{HOST}"),
    Row("old browser, same origin by TLS", True, None, f"https://{HOST}"),
    Row("old browser, in capitals", True, None, "http://GATEWAY:3000"),
    Row("old browser, another host", False, None, "http://evil.example"),
    Row("old browser, another port", False, None, "http://gateway:8080"),
    Row("old browser, no port", False, None, "http://gateway"),
    Row("old browser, a sandboxed page", False, None, "null"),
    Row("old browser, a file", False, None, "file://"),
    Row("old browser, what is no origin", False, None, HOST),
    Row("empty fields", True, "", ""),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_unsafe_methods(http: Client, method: str, row: Row) -> None:
    path = f"/object/{random_id()}"
    answer = http.request(method, path, row.headers, b"x" if method == "PUT" else None)
    if row.allowed:
        assert answer.status in (201, 204, 405), answer
        return
    assert_problem(answer, 403, "cross_origin")
    assert "OBJGW_CORS_ORIGINS" in answer.json["detail"]
    assert http.get(path).status == 404


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods(http: Client, method: str, row: Row) -> None:
    assert http.request(method, "/livez", row.headers).status == 200


def test_before_the_body_is_read(http: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Expect": "100-continue", "Content-Length": "5"}
    answer = http.request("PUT", f"/object/{random_id()}", headers)
    assert (answer.status, answer["Connection"]) == (403, "close")

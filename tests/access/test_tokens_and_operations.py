"""Each kind of token with each operation."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from access.keyset import ALGORITHMS, HS256, RS256, Key
from access.scopes import DELETE, LIST, METRICS, NODES, READ, SCOPES, WRITE
from access.tests.keys import LASTING, new_key, token_of
from tests.access.conftest import REVOKED
from tests.support.client import Client, random_id

STORED = "storedabc"


@dataclass(frozen=True)
class Operation:
    """A request.

    :ivar scope: that it needs; "" for any token.
    :ivar object_id: that it is about.
    :ivar succeeds: the status for whoever may.
    """

    method: str
    path: str
    scope: str
    succeeds: int = 200
    object_id: str = ""
    body: bytes | None = None


def operations() -> list[Operation]:
    gone = f"gone{random_id()}"
    return [
        Operation("GET", f"/object/{STORED}", READ, 200, STORED),
        Operation("HEAD", f"/object/{STORED}", READ, 200, STORED),
        Operation("GET", f"/object/{gone}", READ, 404, gone),
        Operation("PUT", f"/object/{STORED}", WRITE, 201, STORED, b"stored"),
        Operation("DELETE", f"/object/{gone}", DELETE, 204, gone),
        Operation("GET", "/object/not-an-id", READ, 400),
        Operation("GET", "/objects", LIST),
        Operation("GET", "/object/", LIST),
        Operation("GET", "/nodes", NODES),
        Operation("GET", "/metrics", METRICS),
        Operation("GET", "/", ""),
        Operation("GET", "/docs", ""),
        Operation("GET", "/schema", ""),
        Operation("POST", "/objects", "", 405),
    ]


def asked(api: Client, operation: Operation, token: str | None) -> tuple[int, str]:
    """Status and problem code."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = api.request(operation.method, operation.path, headers, operation.body)
    code = ""
    if answer.status >= 400 and operation.method != "HEAD":
        code = answer.code
    if answer.status == 401:
        assert (answer["WWW-Authenticate"] or "").startswith('Bearer realm="objgw"')
    return answer.status, code


@pytest.fixture(autouse=True)
def stored(api: Client, keys: dict[str, Key]) -> None:
    token = token_of(keys[HS256], scope=WRITE)
    headers = {"Authorization": f"Bearer {token}"}
    assert api.request("PUT", f"/object/{STORED}", headers, b"stored").status == 201


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_be_signed(header: dict[str, Any], scope: str) -> str:
    claims = {"aud": "objgw", "exp": time.time() + LASTING, "scope": scope}
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))


def signed_with(secret: bytes, key_id: str, scope: str) -> str:
    """What PyJWT refuses to sign."""
    text = to_be_signed({"alg": HS256, "kid": key_id}, scope)
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def refused_tokens(keys: dict[str, Key]) -> Iterator[tuple[str, str | None]]:
    key, everything, now = keys[HS256], " ".join(SCOPES), int(time.time())
    yield "none", None
    yield "garbage", "garbage"
    yield "empty", ""
    yield "three parts of garbage", "a.b.c"
    yield "unsigned", to_be_signed({"alg": "none", "typ": "JWT"}, everything) + "."
    yield "another key", token_of(new_key(), scope=everything)
    stranger = new_key()
    yield (
        "another key with the name of ours",
        jwt.encode(
            {"aud": "objgw", "exp": now + LASTING, "scope": everything},
            stranger.signing,
            algorithm=HS256,
            headers={"kid": key.key_id},
        ),
    )
    public: Any = keys[RS256].verifying.key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "a public key taken for a secret", signed_with(pem, keys[RS256].key_id, everything)
    yield "expired", token_of(key, scope=everything, exp=now - 60)
    yield "not yet valid", token_of(key, scope=everything, nbf=now + 3600)
    yield "another audience", token_of(key, scope=everything, aud="another")
    yield "no audience", token_of(key, scope=everything, aud=None)
    yield "for ever", token_of(key, scope=everything, exp=None)
    yield "revoked", token_of(key, scope=everything, jti=REVOKED)


REFUSED = [
    *("none", "garbage", "empty", "three parts of garbage", "unsigned", "another key"),
    *("another key with the name of ours", "a public key taken for a secret", "expired"),
    *("not yet valid", "another audience", "no audience", "for ever", "revoked"),
]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_token_of_ours_does_nothing(
    api: Client, keys: dict[str, Key], kind: str
) -> None:
    tokens = dict(refused_tokens(keys))
    assert list(tokens) == REFUSED
    code = "token_required" if kind == "none" else "invalid_token"
    for operation in operations():
        status, found = asked(api, operation, tokens[kind])
        assert status == 401, operation
        assert found in (code, ""), operation
    assert asked(api, Operation("GET", "/livez", ""), tokens[kind]) == (200, "")
    assert asked(api, Operation("GET", "/readyz", ""), tokens[kind]) == (200, "")
    assert asked(api, Operation("OPTIONS", f"/object/{STORED}", ""), None)[0] == 200


PREFIXES = {"any id": None, "its ids": ["sto", "gone"], "other ids": ["other"], "no id": []}


@pytest.mark.parametrize("scope", [*SCOPES, "another:scope"])
@pytest.mark.parametrize("prefixes", PREFIXES)
def test_a_token_allows_its_scope_for_its_ids(
    api: Client, keys: dict[str, Key], scope: str, prefixes: str
) -> None:
    token = token_of(keys[HS256], scope=f"openid {scope}", prefixes=PREFIXES[prefixes])
    about = prefixes in ("any id", "its ids")
    for operation in operations():
        status, code = asked(api, operation, token)
        if operation.scope not in ("", scope):
            expected = (403, "insufficient_scope")
        elif operation.object_id and not about:
            expected = (403, "id_not_allowed")
        else:
            expected = (operation.succeeds, code)
        if operation.method == "HEAD":
            expected = (expected[0], "")
        assert (status, code) == expected, operation


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_good(api: Client, keys: dict[str, Key], algorithm: str) -> None:
    token = token_of(keys[algorithm], scope=READ)
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        answer = api.request("GET", f"/object/{STORED}", headers)
        assert (answer.status, answer.body) == (200, b"stored")


def test_a_refusal_says_what_is_missing(api: Client, keys: dict[str, Key]) -> None:
    headers = {"Authorization": f"Bearer {token_of(keys[HS256], scope=READ)}"}
    answer = api.request("DELETE", f"/object/{STORED}", headers)
    assert answer.json["scope"] == DELETE
    assert answer.json["detail"].endswith("it lacks the scope objects:delete.")
    assert answer["WWW-Authenticate"] == (
        'Bearer realm="objgw", error="insufficient_scope", scope="objects:delete"'
    )


def test_a_refusal_tells_nothing_of_an_object(api: Client, keys: dict[str, Key]) -> None:
    token = token_of(keys[HS256], scope=READ, prefixes=["other"])
    headers = {"Authorization": f"Bearer {token}"}
    there, gone = (
        api.request("GET", f"/object/{object_id}", headers) for object_id in (STORED, "gone")
    )
    assert there.status == gone.status == 403
    for each in ("request_id", "X-Request-ID"):
        assert there.json.get(each) != gone.json or each == "X-Request-ID"
    assert {**there.json, "request_id": ""} == {**gone.json, "request_id": ""}
    assert there.names == gone.names


def test_a_token_is_good_as_the_password_of_a_browser(api: Client, keys: dict[str, Key]) -> None:
    token = token_of(keys[HS256], scope=READ)
    for user in ("", "anybody", "a:b"):
        pair = base64.b64encode(f"{user}:{token}".encode()).decode()
        answer = api.request("GET", f"/object/{STORED}", {"Authorization": f"Basic {pair}"})
        assert answer.status == (401 if user == "a:b" else 200)
    page = api.request("GET", "/", {"Accept": "text/html"})
    assert page.status == 401
    assert (page["WWW-Authenticate"] or "").startswith("Basic realm=")
    for credentials in ("Basic", "Basic !", "Basic gA==", "Bearer"):
        answer = api.request("GET", f"/object/{STORED}", {"Authorization": credentials})
        assert (answer.status, answer.code) == (401, "invalid_token")
    for credentials in ("Digest x", "Negotiate x", "x"):
        answer = api.request("GET", f"/object/{STORED}", {"Authorization": credentials})
        assert (answer.status, answer.code) == (401, "token_required")


def test_a_body_is_not_asked_for_from_somebody_who_may_not_send_it(api: Client) -> None:
    with api.wire() as connection:
        connection.send(
            f"PUT /object/{STORED} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert connection.answer().status == 401


def test_a_listing_shows_what_the_prefixes_allow(api: Client, keys: dict[str, Key]) -> None:
    start = random_id()[:8]
    writing = {"Authorization": f"Bearer {token_of(keys[HS256], scope=WRITE)}"}
    ids = sorted(f"{start}{more}" for more in ("a1", "a2", "b1", "b2", "b3", "c1", "c"))
    for object_id in ids:
        assert api.request("PUT", f"/object/{object_id}", writing, b"x").status == 201

    def listed(prefixes: list[str] | None, query: str) -> list[str]:
        token = token_of(keys[HS256], scope=LIST, prefixes=prefixes)
        found: list[str] = []
        target: str | None = f"objects?{query}"
        while target is not None:
            answer = api.request("GET", f"/{target}", {"Authorization": f"Bearer {token}"})
            assert answer.status == 200
            found += [each["id"] for each in answer.json["objects"]]
            target = answer.json["next"]
        return found

    whole = f"prefix={start}"
    for limit in (1, 2, 3, 1000):
        page = f"{whole}&limit={limit}"
        assert listed(None, page) == ids
        assert listed([start], page) == ids
        assert listed([f"{start}c", f"{start}a"], page) == [ids[0], ids[1], *ids[5:]]
        assert listed([f"{start}b2", f"{start}b", "zz"], page) == ids[2:5]
        assert listed([f"{start}a", f"{start}b"], f"prefix={start}b1&limit={limit}") == [ids[2]]
        assert listed([f"{start}a"], f"prefix={start}b&limit={limit}") == []
        assert listed([], page) == []
        assert listed([f"{start}a", f"{start}c"], f"{page}&after={start}a1") == [ids[1], *ids[5:]]
        assert listed([f"{start}a", f"{start}c"], f"{page}&after={start}b") == ids[5:]
    token = token_of(keys[HS256], scope=LIST, prefixes=[f"{start}b"])
    index = api.request("GET", "/object/", {"Authorization": f"Bearer {token}"}).body.decode()
    assert [object_id for object_id in ids if f">{object_id}<" in index] == ids[2:5]


def test_what_options_tells_is_open(api: Client) -> None:
    for path in (f"/object/{STORED}", "/objects", "/nodes", "/docs"):
        for headers in ({}, {"Authorization": "Bearer x"}):
            assert api.request("OPTIONS", path, headers).status == 200


def test_no_header_of_a_token_is_a_bug(api: Client) -> None:
    headers_of_tokens: list[dict[str, Any]] = [
        {"typ": []},
        {"typ": {}},
        {"kid": {}},
        {"alg": []},
        {"crit": {}},
    ]
    for header in headers_of_tokens:
        token = f"{to_be_signed({'alg': HS256, **header}, READ)}.AAAA"
        headers = {"Authorization": f"Bearer {token}"}
        assert api.request("GET", f"/object/{STORED}", headers).status == 401
        assert api.request("GET", "/readyz", headers).status == 200


def test_strangers_get_to_know_whether_it_is_ready_and_no_more(
    api: Client, keys: dict[str, Key]
) -> None:
    assert api.request("GET", "/readyz").json == {"status": "ready"}
    headers = {"Authorization": f"Bearer {token_of(keys[HS256], scope=READ)}"}
    assert api.request("GET", "/readyz", headers).json == {"status": "ready"}
    headers = {"Authorization": f"Bearer {token_of(keys[HS256], scope=NODES)}"}
    assert api.request("GET", "/readyz", headers).json["nodes"] == 3


def test_the_status_page_is_for_those_who_may_see_the_nodes(
    api: Client, keys: dict[str, Key]
) -> None:
    for scope, shown in ((NODES, True), (READ, False)):
        token = token_of(keys[HS256], scope=scope)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        page = api.request("GET", "/", headers)
        assert page.status == 200
        assert (b"Nodes in routing order" in page.body) == shown


def test_the_schema_names_the_scopes(api: Client, keys: dict[str, Key]) -> None:
    token = token_of(keys[HS256])
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    schema = api.request("GET", "/schema", headers).json
    schemes = schema["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    put = schema["paths"]["/object/{object_id}"]["put"]
    assert {"token": [WRITE]} in put["security"]
    assert {"link": []} in put["security"]
    assert {"401", "403"} <= set(put["responses"])
    assert schema["paths"]["/nodes"]["get"]["security"] == [{"token": [NODES]}]
    assert schema["paths"]["/livez"]["get"]["security"] == [{}]
    ready = schema["paths"]["/readyz"]["get"]
    assert {} in ready["security"]
    assert "401" not in ready["responses"]

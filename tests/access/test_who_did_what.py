"""Who did what, in the access log and in the audit log; and what is in neither."""

import json
import time
from typing import Any

from access.grant import LinkTerms
from access.keyset import HS256, Key
from access.links import link_to
from access.scopes import READ, WRITE
from access.tests.keys import token_of
from demo.harness.gateway import GatewayProcess
from tests.support.client import Answer, Client, random_id
from tests.support.waiting import eventually


def lines(gateway: GatewayProcess, logger: str, answer: Answer) -> list[dict[str, Any]]:
    request_id = answer["X-Request-ID"]
    log = [json.loads(line) for line in gateway.log.read_text().splitlines() if line[0] == "{"]
    return [
        line for line in log if line["logger"] == logger and line.get("request_id") == request_id
    ]


def told(gateway: GatewayProcess, answer: Answer) -> dict[str, Any]:
    """The line of the access log, behind which all others of a request come."""
    eventually(lambda: bool(lines(gateway, "objgw.access", answer)), "it is in the access log")
    [line] = lines(gateway, "objgw.access", answer)
    return line


def test_writes_deletes_and_refusals_are_told_with_who_it_was(
    closed: GatewayProcess, api: Client, keys: dict[str, Key]
) -> None:
    object_id, path = random_id(), ""
    path = f"/object/{object_id}"
    token = token_of(keys[HS256], sub="alice", jti="token-7", scope=f"{READ} {WRITE}")
    headers = {"Authorization": f"Bearer {token}"}
    stored = api.request("PUT", path, headers, b"x")
    assert stored.status == 201
    access = told(closed, stored)
    assert (access["subject"], access["token_id"]) == ("alice", "token-7")
    [audit] = lines(closed, "objgw.audit", stored)
    assert audit["event"] == f"PUT {path} 201, by alice with token-7 from 127.0.0.1"
    assert {name: audit[name] for name in ("subject", "token_id", "id", "method", "status")} == {
        "subject": "alice",
        "token_id": "token-7",
        "id": object_id,
        "method": "PUT",
        "status": 201,
    }
    refused = api.request("DELETE", path, headers)
    assert refused.status == 403
    told(closed, refused)
    [audit] = lines(closed, "objgw.audit", refused)
    assert audit["event"].startswith(f"DELETE {path} 403, by alice with token-7")
    unknown = api.request("GET", path)
    told(closed, unknown)
    [audit] = lines(closed, "objgw.audit", unknown)
    assert audit["event"] == f"GET {path} 401, by somebody without an accepted token from 127.0.0.1"
    read = api.request("GET", path, headers)
    assert (read.status, told(closed, read)["subject"]) == (200, "alice")
    assert lines(closed, "objgw.audit", read) == []


def test_no_token_and_no_signature_is_in_the_log(
    closed: GatewayProcess, api: Client, keys: dict[str, Key]
) -> None:
    object_id = random_id()
    token = token_of(keys[HS256], scope=READ)
    link = link_to(LinkTerms("GET", object_id, int(time.time()) + 60), keys[HS256])
    signature = link.partition("signature=")[2]
    headers = {"Authorization": f"Bearer {token}"}
    answers = [
        api.request("GET", f"/object/{object_id}", headers),
        api.request("GET", link),
        api.request("PUT", link, {}, b"x"),
        api.request("GET", link.replace("expires=1", "expires=2")),
        api.request("GET", f"/object/{object_id}", {"Authorization": f"Bearer {token}x"}),
    ]
    assert [answer.status for answer in answers] == [404, 404, 403, 403, 401]
    for answer in answers:
        told(closed, answer)
    log = closed.log.read_text()
    assert token not in log
    assert signature not in log
    assert f"/object/{object_id}?expires=" in log


def test_who_asks_cannot_forge_a_line(
    closed: GatewayProcess, api: Client, keys: dict[str, Key]
) -> None:
    evil = 'x"}\n{"logger":"objgw.audit","event":"forged"}\x1b[31m'
    token = token_of(keys[HS256], sub=evil, jti=evil, scope=WRITE)
    headers = {"Authorization": f"Bearer {token}"}
    answer = api.request("PUT", f"/object/{random_id()}", headers, b"x")
    assert answer.status == 201
    assert told(closed, answer)["subject"] == evil
    assert all(
        json.loads(line).get("event") != "forged"
        for line in closed.log.read_text().splitlines()
        if line[0] == "{"
    )
    assert "\x1b" not in closed.log.read_text()

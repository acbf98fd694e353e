"""Signed links through real HTTP."""

import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from access.grant import LinkTerms
from access.keyset import HS256, Key
from access.links import link_to
from tests.support.client import Client, random_id

SOON = int(time.time()) + 3600


@pytest.fixture
def object_id() -> str:
    return random_id()


@pytest.fixture
def key(keys: dict[str, Key]) -> Key:
    return keys[HS256]


def test_an_object_is_stored_and_read_by_links(api: Client, key: Key, object_id: str) -> None:
    upload = link_to(LinkTerms("PUT", object_id, SOON), key)
    download = link_to(LinkTerms("GET", object_id, SOON), key)
    assert api.request("GET", download).status == 404
    assert api.request("PUT", upload, {}, b"by a link").status == 201
    answer = api.request("GET", download)
    assert (answer.status, answer.body) == (200, b"by a link")
    assert api.request("HEAD", download).status == 200
    part = api.request("GET", download, {"Range": "bytes=0-1"})
    assert (part.status, part.body) == (206, b"by")


def test_it_is_not_good_for_anything_else(api: Client, key: Key, object_id: str) -> None:
    upload = link_to(LinkTerms("PUT", object_id, SOON), key)
    download = link_to(LinkTerms("GET", object_id, SOON), key)
    assert api.request("PUT", upload, {}, b"x").status == 201
    for method, target in (
        ("PUT", download),
        ("DELETE", download),
        ("GET", upload),
        ("DELETE", upload),
        ("GET", download.replace(object_id, random_id())),
        ("GET", download.replace("/object/", "/objects/")),
        ("GET", f"/objects?{urlsplit(download).query}"),
        ("GET", f"/nodes?{urlsplit(download).query}"),
    ):
        answer = api.request(method, target, {}, b"y" if method == "PUT" else None)
        assert answer.status in (401, 403, 404), (method, target)
        assert answer.body != b"x"
    assert api.request("GET", download).body == b"x"


def test_each_part_altered_by_a_character_makes_it_none(
    api: Client, key: Key, object_id: str
) -> None:
    upload = link_to(LinkTerms("PUT", object_id, SOON, 1000, "text/plain"), key)
    headers = {"Content-Type": "text/plain"}
    assert api.request("PUT", upload, headers, b"x").status == 201
    path, query = upload.split("?")
    for name, value in parse_qsl(query):
        for place in (0, len(value) // 2, len(value) - 1):
            other = "1" if value[place] != "1" else "2"
            changed = value[:place] + other + value[place + 1 :]
            altered = query.replace(f"{name}={value}".replace("/", "%2F"), f"{name}={changed}")
            assert altered != query
            answer = api.request("PUT", f"{path}?{altered}", headers, b"y")
            assert (answer.status, answer.code) == (403, "invalid_link"), altered


def test_it_expires(api: Client, key: Key, object_id: str) -> None:
    late = link_to(LinkTerms("GET", object_id, int(time.time()) - 1), key)
    answer = api.request("GET", late)
    assert (answer.status, answer.code) == (403, "link_expired")


def test_it_bounds_what_is_stored(api: Client, key: Key, object_id: str) -> None:
    link = link_to(LinkTerms("PUT", object_id, SOON, 10, "image/png"), key)
    png = {"Content-Type": "image/png"}
    assert api.request("PUT", link, png, b"x" * 11).status == 413
    with api.wire() as connection:
        connection.send(
            f"PUT {link} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n".encode()
        )
        assert connection.answer("PUT").status == 413
    wrong = api.request("PUT", link, {"Content-Type": "image/jpeg"}, b"x")
    assert (wrong.status, wrong.code) == (415, "unsupported_media_type")
    assert "image/png" in wrong.json["detail"]
    assert api.request("PUT", link, {}, b"x").status == 415
    read = link_to(LinkTerms("GET", object_id, SOON), key)
    assert api.request("GET", read).status == 404, "nothing was stored so far"
    assert api.request("PUT", link, png, b"x" * 10).status == 201


def test_a_browser_saves_it_under_the_name(api: Client, key: Key, object_id: str) -> None:
    api.request("PUT", link_to(LinkTerms("PUT", object_id, SOON), key), {}, b"x")
    plain = link_to(LinkTerms("GET", object_id, SOON, file_name="a photo.png"), key)
    assert api.request("GET", plain)["Content-Disposition"] == 'attachment; filename="a photo.png"'
    foreign = link_to(LinkTerms("GET", object_id, SOON, file_name='für "dich".png'), key)
    disposition = api.request("GET", foreign)["Content-Disposition"]
    assert disposition == "attachment; filename*=utf-8''f%C3%BCr%20%22dich%22.png"

"""Which ids are accepted, and that a refused one gets no further than the gateway."""

import pytest

from objects.layout import LAYOUT_KEY
from tests.docker.conftest import MakeFleet
from tests.docker.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

LONGEST = "abcdefghijklmnopqrstuvwxyzABCDEF"
INVALID = [LONGEST + "G", "a-b", "a%2Fb", "%C3%A4", "a%0A", "a%00", "%20", "a.b", "..%2Fa", "a_"]


@pytest.mark.parametrize("object_id", ["a", "0", LONGEST, "MixedCase1"])
def test_a_valid_id_works(stack: Stack, object_id: str) -> None:
    assert stack.client.put(object_id, object_id.encode()).status == 201
    assert stack.client.get_object(object_id).body == object_id.encode()


def test_case_makes_a_different_id(stack: Stack) -> None:
    for object_id in ("CaSe", "cAsE", "case"):
        assert stack.client.put(object_id, object_id.encode()).status == 201
    assert [stack.client.get_object(i).body for i in ("CaSe", "cAsE", "case")] == [
        b"CaSe",
        b"cAsE",
        b"case",
    ]


def test_an_invalid_id_never_reaches_a_node(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(0)
    recorder = fleet.start_recorder(1)
    client = fleet.start_gateway().client
    eventually(lambda: client.get_object("control").status == 404, "the recorder is asked", 60)

    for method in ("PUT", "GET", "HEAD"):
        for object_id in INVALID:
            answer = client.request(
                method, f"/object/{object_id}", {}, b"x" if method == "PUT" else b""
            )
            assert answer.status == 400, f"{method} {object_id}: {answer.text}"
            if method != "HEAD":
                assert answer.json["code"] == "invalid_id"
        assert client.request(method, "/object").status == 404, method
    assert client.request("PUT", "/object/").status == 405  # the index, which is read only
    assert client.get_object("control").status == 404

    asked = [
        line
        for line in recorder.logs().decode().splitlines()
        if "/objects" in line and LAYOUT_KEY not in line
    ]
    assert len(asked) >= 2
    assert all(line.startswith("asked: GET /objects/control") for line in asked), asked

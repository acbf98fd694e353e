"""GET /objects says how many keys it passed over, because GET would not find them."""

from demo.harness.s3nodes import NodeProcess
from tests.contract.conftest import client_of
from tests.contract.test_contract_listing import page, put_into
from tests.functional.conftest import RunGateway, RunNodes
from tests.support.client import Client, random_id


def test_all_in_its_place(http: Client) -> None:
    prefix = random_id(8)
    assert http.put(prefix, b"x").status == 201
    assert page(http, f"?prefix={prefix}").json["passed_over"] == 0


def test_what_lies_on_the_wrong_node_or_is_no_id(http: Client, s3_nodes: list[NodeProcess]) -> None:
    prefix = random_id(8)
    keys = {prefix + random_id(20) for _ in range(20)}
    # All on the first node, and two thirds of them are for others.
    put_into(s3_nodes[0], *keys, f"{prefix}-no-id")
    found = page(http, f"?prefix={prefix}").json
    assert {entry["id"] for entry in found["objects"]} < keys
    assert found["passed_over"] == 21 - len(found["objects"])


def test_the_lists_for_browsers_say_so_as_well(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(2)
    client = client_of(run_gateway(nodes))
    assert client.put("a", b"x").status == 201
    for path in ("/objects", "/object/"):
        assert b"not listed" not in client.get(path, Accept="text/html").body
    put_into(nodes[0], "no-id", "no-id-either")
    for path in ("/objects", "/object/"):
        body = client.get(path, Accept="text/html").body
        assert b"2 keys are not listed here" in body
        assert body.count(b"<a ") == 1


def test_a_node_that_was_added_hides_objects(
    s3_nodes: list[NodeProcess], run_gateway: RunGateway
) -> None:
    """As it is after a node was added where OBJGW_EXPECTED_NODES is not set."""
    prefix = random_id(8)
    before = client_of(run_gateway(s3_nodes[:2]))
    ids = {prefix + random_id(20) for _ in range(20)}
    for object_id in ids:
        assert before.put(object_id, b"x").status == 201
    after = client_of(run_gateway(s3_nodes))
    found = page(after, f"?prefix={prefix}").json
    assert 0 < found["passed_over"] == len(ids) - len(found["objects"])
    hidden = ids - {entry["id"] for entry in found["objects"]}
    assert {after.get(f"/object/{object_id}").status for object_id in hidden} == {404}

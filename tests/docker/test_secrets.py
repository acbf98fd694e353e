"""No key of any node shows anywhere: not in an answer, not in a command's output, not in a log."""

import pytest

from tests.docker.conftest import MakeFleet
from tests.docker.ids import ids_by_owner
from tests.support.bodies import Body

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

HEALTHY, STOPPED = range(2)
METHODS = ["GET", "HEAD", "DELETE", "POST"]
PATHS = ["/", "/livez", "/readyz", "/nodes", "/objects", "/metrics", "/schema", "/nowhere"]


def test_keys_show_nowhere(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(2)
    announced = "announced-but-wrong-password"
    fleet.start_node(3, announced=announced).wait()
    gateway = fleet.start_gateway(environment={"OBJGW_LOG_LEVEL": "debug"})
    gateway.wait_ready()
    client, ids = gateway.client, ids_by_owner(3)
    shown: list[str] = []

    fleet.container(fleet.nodes[STOPPED]).stop(timeout=5)
    shown.append(client.put(ids[HEALTHY], Body(9 * 2**20)).text)
    for object_id in [*ids, "not-an-id"]:
        shown.append(client.put(object_id, b"x").text)
        shown.append(client.put(object_id, iter([b"x"])).text)
        shown += [client.request(method, f"/object/{object_id}").text for method in METHODS]
    shown += [client.request("GET", path).text for path in PATHS]
    for command in (["shownodes"], ["shownodes", "--json"], ["check"], ["diffsettings"]):
        shown.append(gateway.execute("python", "manage.py", *command, "-v", "3").output)

    # What was to be shown has been: errors of every node, and the log's finest level.
    log = gateway.logs()
    assert '"level":"debug"' in log
    for node in fleet.nodes:
        assert node.name in log
    for code in ("node_unavailable", "node_error", "invalid_id"):
        assert any(code in text for text in shown), code

    secrets = {announced, *(n.user for n in fleet.nodes), *(n.password for n in fleet.nodes)}
    for text in [*shown, log]:
        assert [secret for secret in secrets if secret in text] == [], text[:2000]

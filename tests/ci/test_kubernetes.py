"""The manifests in deploy/kubernetes fit Kubernetes' schemas, and each other."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nodes.discovery.base import DiscoveryOptions
from nodes.discovery.static import StaticDiscovery
from nodes.node import Credentials

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/kubernetes"
KEYS = {"user": "a-user", "password": "a-long.secret_~"}


def manifests(name: str) -> dict[str, Any]:
    """The documents of a file, by their kinds."""
    found = list(yaml.safe_load_all((FOLDER / name).read_text()))
    by_kind = {document["kind"]: document for document in found}
    assert len(by_kind) == len(found)
    return by_kind


NODES, GATEWAYS = manifests("nodes.yaml"), manifests("gateways.yaml")


def container(workload: Mapping[str, Any]) -> Any:
    [found] = workload["spec"]["template"]["spec"]["containers"]
    return found


def environment(workload: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a container gets: those before one are put in for $(NAME)."""
    found: dict[str, str] = {}
    for variable in container(workload)["env"]:
        if "value" in variable:
            value = re.sub(r"\$\((\w+)\)", lambda m: found[m[1]], variable["value"])
        else:
            value = KEYS[variable["valueFrom"]["secretKeyRef"]["key"]]
        found[variable["name"]] = value
    return found


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_they_fit_the_schemas(name: str, version: str) -> None:
    for document in manifests(name).values():
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_are_looked_at() -> None:
    wrong = manifests("gateways.yaml")["Deployment"]
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_gateways_know_the_nodes_by_the_names_of_their_pods() -> None:
    settings = environment(GATEWAYS["Deployment"])
    name, replicas = NODES["StatefulSet"]["metadata"]["name"], NODES["StatefulSet"]["spec"]
    service = NODES["Service"]["metadata"]["name"]
    pods = [f"{name}-{number}" for number in range(replicas["replicas"])]
    found = StaticDiscovery(DiscoveryOptions("", 9000, settings["OBJGW_NODES"], 5.0)).discover()
    [port] = NODES["Service"]["spec"]["ports"]
    assert [(node.name, node.host, node.port) for node in found] == [
        (pod, f"{pod}.{service}", port["port"]) for pod in pods
    ]
    assert {node.credentials for node in found} == {Credentials(KEYS["user"], KEYS["password"])}
    assert settings["OBJGW_EXPECTED_NODES"] == str(replicas["replicas"])
    assert replicas["serviceName"] == service


def test_both_have_their_keys_from_the_same_secret() -> None:
    nodes = environment(NODES["StatefulSet"])
    assert (nodes["MINIO_ROOT_USER"], nodes["MINIO_ROOT_PASSWORD"]) == tuple(KEYS.values())
    text = (FOLDER / "nodes.yaml").read_text() + (FOLDER / "gateways.yaml").read_text()
    assert set(re.findall(r"secretKeyRef: \{name: ([\w-]+)", text)) == {"objgw-keys"}


@pytest.mark.parametrize(
    ("service", "workload"),
    [
        (NODES["Service"], NODES["StatefulSet"]),
        (GATEWAYS["Service"], GATEWAYS["Deployment"]),
        (NODES["PodDisruptionBudget"], NODES["StatefulSet"]),
        (GATEWAYS["PodDisruptionBudget"], GATEWAYS["Deployment"]),
    ],
)
def test_selectors_select(service: Any, workload: Any) -> None:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    selector = service["spec"]["selector"]
    assert (selector.get("matchLabels") or selector).items() <= labels.items()
    assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_image_of_the_nodes_is_that_of_the_compose_file() -> None:
    assert container(NODES["StatefulSet"])["image"] in (ROOT / "docker-compose.yml").read_text()

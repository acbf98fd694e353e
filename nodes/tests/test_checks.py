"""Settings about nodes that cannot work are refused by name."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from nodes.checks import discovery as discovery_check
from nodes.discovery import get_discovery
from nodes.discovery.docker import DockerDiscovery
from nodes.discovery.static import StaticDiscovery
from nodes.tests.scripted import ScriptedDiscovery


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("docker", DockerDiscovery),
        ("static", StaticDiscovery),
        ("nodes.tests.scripted.ScriptedDiscovery", ScriptedDiscovery),
    ],
)
def test_the_setting_picks_the_backend(name: str, kind: type, settings: Settings) -> None:
    settings.OBJGW_DISCOVERY = name
    settings.OBJGW_NODES = "http://key:hush@h:1"
    assert type(get_discovery()) is kind
    assert get_discovery() is get_discovery()
    assert discovery_check(None) == []


def test_the_backend_gets_its_options(settings: Settings) -> None:
    settings.OBJGW_NODE_NAME = "some-node"
    settings.OBJGW_NODE_PORT = 9900
    settings.OBJGW_NODES = "text"
    settings.OBJGW_DISCOVERY_TIMEOUT = 2.5
    options = get_discovery().options
    assert (options.name, options.port, options.nodes, options.timeout) == (
        "some-node",
        9900,
        "text",
        2.5,
    )


@pytest.mark.parametrize("name", ["kubernetes", "no.such.Backend", "nodes.node.Node", "nodes", ""])
def test_what_is_not_a_backend(name: str, settings: Settings) -> None:
    settings.OBJGW_DISCOVERY = name
    (error,) = discovery_check(None)
    assert error.id == "objgw.E002"
    assert "OBJGW_DISCOVERY must be one of docker, swarm, static" in error.msg
    assert f"'{name}'" in error.msg


def test_bad_nodes_stop_check_and_are_not_shown(settings: Settings) -> None:
    settings.OBJGW_DISCOVERY = "static"
    settings.OBJGW_NODES = "http://key:hush-hush@h:1,http://key:hush-hush@h:99999"
    (error,) = discovery_check(None)
    assert error.id == "objgw.E003"
    with pytest.raises(SystemCheckError, match="OBJGW_NODES, entry 2") as caught:
        call_command("check")
    assert "hush-hush" not in str(caught.value)

"""The socket filter lets through what discovery reads: the two must not drift apart."""

import re
from pathlib import Path

from nodes.discovery import docker
from nodes.discovery.daemon import ROLE_LABEL, SERVICE_LABEL
from nodes.discovery.environment import CREDENTIAL_VARIABLES, FILE_SUFFIX, REGION_VARIABLES
from nodes.discovery.labels import TLS, TLS_NAME

FILTER = Path(__file__).resolve().parents[2] / "deploy/socket-filter/filter.js"


def names_in(constant: str) -> list[str]:
    [listed] = re.findall(
        rf"^const {constant} = \[(.*?)\];", FILTER.read_text(), re.MULTILINE | re.DOTALL
    )
    return re.findall(r"'([\w.]+)'", listed)


def test_it_lets_the_variables_through_that_are_read() -> None:
    pairs = [name for pair in CREDENTIAL_VARIABLES for name in pair]
    files = [name + FILE_SUFFIX for name in pairs]
    assert names_in("VARIABLES") == [*pairs, *files, *REGION_VARIABLES]


def test_it_lets_the_labels_through_that_are_read() -> None:
    assert names_in("LABELS") == [ROLE_LABEL, TLS, TLS_NAME, SERVICE_LABEL]


def test_it_lets_the_events_through_that_are_asked_for() -> None:
    assert names_in("EVENTS") == docker._EVENTS

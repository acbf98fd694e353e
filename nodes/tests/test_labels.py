"""What labels say of TLS, and what both backends of a Docker daemon make of it."""

import pytest

from nodes.discovery.labels import Labelled, read_labels


@pytest.mark.parametrize(
    ("labels", "by_default", "name"),
    [
        ({}, False, None),
        ({}, True, "node-1"),
        ({"objgw.tls": "true"}, False, "node-1"),
        ({"objgw.tls": " True "}, False, "node-1"),
        ({"objgw.tls": ""}, False, None),
        ({"objgw.tls": "false"}, True, None),
        ({"objgw.tls.name": "s3.example"}, False, "s3.example"),
        ({"objgw.tls.name": "s3.example"}, True, "s3.example"),
        ({"objgw.tls": "true", "objgw.tls.name": "s3.example"}, False, "s3.example"),
        ({"objgw.tls": "false", "objgw.tls.name": "s3.example"}, True, None),
        ({"objgw.tls": "true", "objgw.tls.name": " "}, False, "node-1"),
    ],
)
def test_they_say_which_name_the_certificate_has(
    labels: dict[str, str], by_default: bool, name: str | None
) -> None:
    assert read_labels(labels, "node-1", tls=by_default) == Labelled(name)


def test_what_cannot_be_understood_is_no_plain_http() -> None:
    said = read_labels({"objgw.tls": "yes"}, "node-1", tls=False)
    assert said.obstacle == "its label objgw.tls must be true or false, not 'yes'"

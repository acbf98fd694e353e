"""Whose word on the client is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objgw_site.server.proxies import Networks

TRUSTED = Networks.parse(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # anybody may send the field
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # the first is the client's word
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("", "198.51.100.7", "198.51.100.7"),  # a Unix socket
        ("10.0.0.1", "198.51.100.7," + "10.0.0.2," * 1000 + "10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_client_behind_proxies(peer: str, forwarded: str | None, client: str) -> None:
    assert TRUSTED.client_behind(peer, forwarded) == client


@given(forwarded=st.text())
def test_whatever_is_sent_an_address_comes_out(forwarded: str) -> None:
    client = TRUSTED.client_behind("10.0.0.1", forwarded)
    assert all(character in "0123456789abcdef.:" for character in client)

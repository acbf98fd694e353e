"""Trusted proxies, each of whose addresses stands for many clients."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: In a row; what a client invents may be long.
_MOST_PROXIES = 16


@dataclass(frozen=True, slots=True)
class Networks:
    """Addresses and networks, as in ``10.0.0.7``, ``10.0.0.0/8`` or ``fd00::/8``."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def parse(cls, words: Iterable[str]) -> "Networks":
        """
        :raises ValueError: for what is neither an address nor a network.
        """
        return cls(tuple(ip_network(word) for word in words))

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks)

    def __str__(self) -> str:
        return ",".join(str(network) for network in self.networks)

    def client_behind(self, peer: str, forwarded: str | None) -> str:
        """The address of the client that a request comes from.

        :param peer: the address of the connection, "" for a Unix socket.
        :param forwarded: the value of ``X-Forwarded-For``, to which each proxy adds whom it heard.
        :returns: the last one in it that is not a trusted proxy, if such a proxy has said so.
        """
        client = peer
        if forwarded is None or (peer and not self._is_trusted(peer)):
            return client
        for word in reversed(forwarded.split(",")[-_MOST_PROXIES:]):
            try:
                address = ip_address(word.strip().partition("%")[0])
            except ValueError:
                break
            client = str(address)
            if address not in self:
                break
        return client

    def _is_trusted(self, peer: str) -> bool:
        address = ip_address(peer.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address) in self


def is_networks(text: str) -> bool:
    """Whether a text is a list of them, separated by commas."""
    try:
        Networks.parse(word.strip() for word in text.split(",") if word.strip())
    except ValueError:
        return False
    return True

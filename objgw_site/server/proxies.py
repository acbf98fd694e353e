"""The proxies that are trusted: many clients stand behind the address of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network


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


def is_networks(text: str) -> bool:
    """Whether a text is a list of them, separated by commas."""
    try:
        Networks.parse(word.strip() for word in text.split(",") if word.strip())
    except ValueError:
        return False
    return True

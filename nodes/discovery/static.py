"""Nodes from a list in the settings, for where there is no Docker."""

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from nodes.discovery.base import BaseDiscovery, DiscoveryError
from nodes.node import Credentials, Node, NodeState

FORM = "http://KEY:SECRET@HOST:PORT, or https, optionally followed by #NAME"
_NAME = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9_.:\[\]-]*")


class StaticDiscovery(BaseDiscovery):
    """Reads ``OBJGW_NODES``: entries ``http://key:secret@host:port#name`` separated by commas.

    With ``https``, the node's certificate must be the host's.

    Key and secret may be percent-encoded (RFC 3986 section 2.1). The name defaults to
    ``host:port``; nodes are ordered by it, so when a list replaces Docker discovery, the
    containers' names keep every object on the node it is on.
    """

    def discover(self) -> Sequence[Node]:
        nodes, problems = self._parse()
        if problems:
            raise DiscoveryError(" ".join(problems))
        return nodes

    def check(self) -> list[str]:
        _, problems = self._parse()
        return problems

    @property
    def no_nodes_hint(self) -> str:
        return "There is no node: OBJGW_NODES is empty."

    def _parse(self) -> tuple[list[Node], list[str]]:
        nodes: list[Node] = []
        problems: list[str] = []
        # The entries hold secrets, so a complaint names an entry by its position.
        entries = [entry.strip() for entry in self.options.nodes.split(",") if entry.strip()]
        if not entries:
            problems.append(f"OBJGW_NODES is empty: static discovery needs {FORM},….")
        for position, entry in enumerate(entries, start=1):
            try:
                nodes.append(self._node(entry))
            except ValueError as error:
                problems.append(f"OBJGW_NODES, entry {position}: {error}; it must be {FORM}.")
        names = [node.name for node in nodes]
        problems += [
            f"OBJGW_NODES names {name} more than once; a node must be listed once."
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
        return nodes, problems

    def _node(self, entry: str) -> Node:
        try:
            url = urlsplit(entry)
            port = self.options.port if url.port is None else url.port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("it is not a URL with a port from 1 to 65535")
        if url.scheme not in ("http", "https"):
            raise ValueError("the scheme is neither http nor https")
        if not url.hostname:
            raise ValueError("it has no host")
        if not url.username or not url.password:
            raise ValueError("the key or the secret is missing")
        if url.path not in ("", "/") or url.query:
            raise ValueError("there is something between the port and the name")
        node = Node(
            name=unquote(url.fragment),
            host=url.hostname,
            port=port,
            state=NodeState.ASSUMED,
            credentials=Credentials(unquote(url.username), unquote(url.password)),
            tls_name=url.hostname if url.scheme == "https" else None,
        )
        name = node.name or node.address or ""
        if not _NAME.fullmatch(name):
            raise ValueError("the name has characters other than letters, digits and _.:-")
        return replace(node, name=name)

"""Discovery from a JSON file, so that a test can move a node, lose one, or lose discovery itself.

Chosen as any backend is, by dotted path: OBJGW_DISCOVERY=tests.faults.filediscovery.FileDiscovery
with the file's path in OBJGW_NODES. It reports no changes, so whatever the gateway finds out before
its snapshot's time is up, it finds out by itself.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from nodes.discovery.base import BaseDiscovery, DiscoveryError
from nodes.node import Credentials, Node, NodeState


class FileDiscovery(BaseDiscovery):
    """The nodes that ``write_nodes`` wrote to the file."""

    def discover(self) -> Sequence[Node]:
        try:
            entries = json.loads(Path(self.options.nodes).read_text())
        except OSError as error:
            raise DiscoveryError(f"{self.options.nodes}: {error.strerror}") from error
        return [
            Node(
                name=entry["name"],
                host=entry["host"],
                port=entry["port"],
                state=NodeState.parse(entry["state"]),
                credentials=Credentials(entry["access_key"], entry["secret_key"]),
            )
            for entry in entries
        ]


def write_nodes(path: Path, nodes: Iterable[Node]) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    entries = []
    for node in nodes:
        assert node.credentials is not None
        entries.append(
            {
                "name": node.name,
                "host": node.host,
                "port": node.port,
                "state": str(node.state),
                "access_key": node.credentials.access_key,
                "secret_key": node.credentials.secret_key,
            }
        )
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(entries))
    draft.rename(path)

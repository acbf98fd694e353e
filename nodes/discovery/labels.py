"""What the labels of a node's container or service say: whether it is reached with TLS."""

from collections.abc import Mapping
from dataclasses import dataclass

#: ``true`` or ``false``.
TLS = "objgw.tls"
#: The name that the certificate has; that alone says that there is one, too.
TLS_NAME = "objgw.tls.name"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What they say.

    :ivar tls_name: see `Node`.
    :ivar obstacle: why they cannot be understood, "" when they can.
    """

    tls_name: str | None = None
    obstacle: str = ""


def read_labels(labels: Mapping[str, str], node: str, *, tls: bool) -> Labelled:
    """
    :param node: its name, which is its certificate's where no label has another.
    :param tls: what goes where the labels say nothing.
    """
    name = labels.get(TLS_NAME, "").strip()
    said = labels.get(TLS, "").strip().lower()
    if said not in ("", "true", "false"):
        return Labelled(obstacle=f"its label {TLS} must be true or false, not {labels[TLS]!r}")
    if said == "true" or (not said and (tls or name)):
        return Labelled(name or node)
    return Labelled()

"""Making the nodes that are there the first layout."""

import logging
from collections.abc import Sequence

from nodes.news import get_news
from nodes.node import Node
from objects.layout.copies import Copies, LayoutConflict, LayoutNotWritten
from objects.layout.document import Layout

logger = logging.getLogger("objgw.layout")


def adopt(
    copies: Copies, nodes: Sequence[Node], layout: Layout | None, *, router: str, lease: float
) -> bool:
    """Make the nodes the first layout, if none of them has any; or finish that.

    :param nodes: all that there are.
    :param layout: the first layout, where somebody has begun to write it; else None.
    :param router, lease: as in `Layout`.
    :returns: whether all of them were found to have it already.
    """
    survey = copies.survey(nodes)
    found = [copy.layout for copy in survey.copies.values()]
    if survey.failures or any(each not in (None, layout) for each in found):
        return False
    if layout is not None and None not in found:
        return True
    first = layout or Layout.adopted(router, [node.name for node in nodes], lease)
    try:
        copies.replace(nodes, None, first)
    except (LayoutConflict, LayoutNotWritten) as error:
        # Another gateway was faster, or a node went away; the next look says which.
        logger.debug("the nodes could not be adopted as the first layout: %s", error)
    else:
        names = ", ".join(member.name for member in first.members)
        get_news().happened(f"layout 1: {names} were adopted, with the router {first.router}")
    return False

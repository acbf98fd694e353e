"""What a request gets when the membership cannot be used."""

from problems.problem import Problem


class MembershipError(Problem):
    """No object id can be routed at the moment."""

    status = 503
    title = "Nodes unavailable"
    retry_after = 1


class MembershipUnknown(MembershipError):
    """Discovery has never answered, so nobody knows who the nodes are."""

    code = "membership_unknown"
    title = "Nodes not known yet"
    example = "The nodes are not known yet: Docker has not answered."


class MembershipIncomplete(MembershipError):
    """The number of nodes is not the expected one; routing now would pick wrong owners."""

    code = "membership_incomplete"
    title = "Nodes missing"
    example = "2 nodes were found and 3 are expected (OBJGW_EXPECTED_NODES)."


class NoNodes(MembershipError):
    """Discovery answered, and there are no nodes."""

    code = "no_nodes"
    title = "No nodes"
    example = "There is no node: no container has 'amazin-object-storage-node' in its name."

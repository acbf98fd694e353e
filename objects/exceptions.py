"""The errors of object requests, one row each of the table in docs/api.md."""

from collections.abc import Mapping

from problems.problem import Problem


class InvalidId(Problem):
    status = 400
    code = "invalid_id"
    title = "Invalid object id"
    example = "An object id is 1 to 32 ASCII letters and digits (A-Z, a-z, 0-9); 'a-b' is not."


class InvalidDigest(Problem):
    status = 400
    code = "invalid_digest"
    title = "Checksum does not match"
    example = "The body received does not have the MD5 that Content-MD5 announces; nothing stored."


class InvalidCondition(Problem):
    status = 400
    code = "invalid_condition"
    title = "Condition not supported"
    example = "If-Unmodified-Since is not supported with PUT, and ignoring it could do harm."


class InvalidMetadata(Problem):
    status = 400
    code = "invalid_metadata"
    title = "Metadata cannot be stored"
    example = (
        "The X-Object-Meta-* fields, or all header fields together, are longer than can be stored."
    )


class PartialPut(Problem):
    status = 400
    code = "partial_put"
    title = "Partial PUT not supported"
    example = "A PUT stores a whole object; with Content-Range the body would be a part of one."


class InvalidParameter(Problem):
    status = 400
    code = "invalid_parameter"
    title = "Invalid query parameter"
    example = "limit must be a whole number from 1 to 1000, not 'many'."


class IncompleteBody(Problem):
    status = 400
    code = "incomplete_body"
    title = "Body incomplete"
    example = "The body ended after 512 of 1024 bytes; nothing was stored."


class ObjectNotFound(Problem):
    status = 404
    code = "object_not_found"
    title = "Object not found"
    example = "There is no object 'abc'."


class LengthRequired(Problem):
    status = 411
    code = "length_required"
    title = "Length required"
    example = "The body must be sent with a Content-Length by this server."


class TooLarge(Problem):
    status = 413
    code = "object_too_large"
    title = "Object too large"
    example = "The object is larger than 1048576 bytes, the most that is stored here."


class PreconditionFailed(Problem):
    status = 412
    code = "precondition_failed"
    title = "Precondition failed"
    example = "The object is not in the state that If-Match or If-None-Match asks for."


class RangeNotSatisfiable(Problem):
    status = 416
    code = "range_not_satisfiable"
    title = "Range not satisfiable"
    example = "The object has 10 bytes; the range asked for begins behind its end."

    @classmethod
    def of(cls, size: int) -> "RangeNotSatisfiable":
        """For an object of ``size`` bytes."""
        return cls(
            f"The object has {size} bytes, none of which is in the range asked for.",
            headers={"Content-Range": f"bytes */{size}"},
        )


class OwnerProblem(Problem):
    """The owner did not do what it was asked to.

    :param predicate: what it did, to go on after "The node that owns this id".
    :param detail: a whole text, where it is not about one node that owns an id.
    :ivar repeatable: that nothing speaks against sending the same request again: it has not
        reached the node, or can do no harm twice, and no byte of its body is lost.
    """

    predicate: str = "failed"
    repeatable: bool = False
    example = "The node that owns this id failed."

    def __init__(
        self,
        predicate: str = "",
        *,
        detail: str = "",
        repeatable: bool | None = None,
        **extensions: object,
    ) -> None:
        if predicate:
            self.predicate = predicate
        if repeatable is not None:
            self.repeatable = repeatable
        text = detail or f"The node that owns this id {self.predicate}."
        super().__init__(text, headers=None, **extensions)

    def __init_subclass__(cls) -> None:
        cls.example = f"The node that owns this id {cls.predicate}."


class NodeError(OwnerProblem):
    """The node answered something that we cannot use; what it said is logged."""

    status = 502
    code = "node_error"
    title = "Node error"
    predicate = "answered with an error; the gateway's log names it"


class NodeRefusedCredentials(NodeError):
    """The node does not accept the key pair that its container's environment names."""

    # A refused request has done nothing.
    repeatable = True
    predicate = "refuses the credentials that its container's environment names"


class BucketMissing(NodeError):
    """The node has no bucket (any more); the next PUT makes one."""

    predicate = "has lost its bucket; the next PUT makes it again"


class NodeUnavailable(OwnerProblem):
    """The owner is down."""

    status = 503
    code = "node_unavailable"
    title = "Node unavailable"
    retry_after = 1
    predicate = "cannot be reached: Connection refused"


class LayoutUnknown(Problem):
    """No node says which layout is in force.

    :param failures: by the names of the nodes that were asked, what became of it.
    :param laid_out: whether there is a layout, as far as is known.
    """

    status = 503
    code = "layout_unknown"
    title = "Layout not known"
    retry_after = 1
    source = "the layout"
    example = (
        "Which node owns this id is not known at the moment: no node can be asked for the layout."
    )

    def __init__(
        self,
        detail: str = "",
        failures: Mapping[str, Problem] | None = None,
        *,
        laid_out: bool = True,
    ) -> None:
        super().__init__(detail)
        self.failures = dict(failures or {})
        self.laid_out = laid_out


class LayoutChanging(Problem):
    """The id gets another owner, and cannot be written just now, or the write came too late."""

    status = 503
    code = "layout_changing"
    title = "Layout is changing"
    retry_after = 1
    source = "the layout"
    example = (
        "This id is about to get another owner, and cannot be written for a moment. Reading works."
    )


class NodeBusy(OwnerProblem):
    status = 503
    code = "node_busy"
    title = "Node busy"
    retry_after = 1
    predicate = "has too many requests waiting for it"


class NodeTimeout(OwnerProblem):
    status = 504
    code = "node_timeout"
    title = "Node timeout"
    predicate = "did not answer within 30 s"


class NodeFull(OwnerProblem):
    status = 507
    code = "node_full"
    title = "Node full"
    predicate = "has no space left"


class SpoolFull(Problem):
    """The temporary files of uploads have all the room that they may have."""

    status = 503
    code = "spool_full"
    title = "Too many uploads without a length"
    retry_after = 5
    example = (
        "The room for uploads without a Content-Length is used up at the moment; nothing was "
        "stored. With a Content-Length an upload takes none of it."
    )


class GatewayFull(Problem):
    """The disk of the gateway's temporary files is full, whatever they may take of it."""

    status = 507
    code = "gateway_full"
    title = "Gateway full"
    example = (
        "The gateway's own disk, where uploads without a Content-Length wait, has no space left; "
        "nothing was stored. With a Content-Length an upload does not need it."
    )

"""S3 requests to one node: signed, bounded in number and time, and their failures named."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass

from nodes.node import Node
from objects.exceptions import NodeError, NodeTimeout, NodeUnavailable
from objects.store.errors import BadAnswer, ConnectFailed, ConnectionLost, TimedOut
from objects.store.gate import Gate
from objects.store.request import Request
from objects.store.response import Response
from objects.store.signing import Signer
from objects.store.transport import Pool, Wait


@dataclass(frozen=True, slots=True)
class Limits:
    """What a node is allowed to cost.

    :ivar connect_timeout: seconds for a connection attempt.
    :ivar read_timeout: seconds of silence within an exchange.
    :ivar concurrency: requests that may wait for an answer at once.
    """

    connect_timeout: float
    read_timeout: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class Call:
    """One S3 request.

    :ivar path: percent-encoded.
    :ivar query: as it stands in the request target, percent-encoded.
    :ivar headers: sent as they are.
    :ivar amz_headers: sent and signed.
    :ivar body: all of it, or chunks. Chunks are asked for only once the node is ready for them.
    :ivar length: bytes of the body, None when the method has none.
    :ivar await_continue: whether bytes, too, wait until the node is ready for them.
    :ivar repeatable: that doing it twice is as good as doing it once.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] | None = None
    amz_headers: Mapping[str, str] | None = None
    body: bytes | Iterable[bytes] = b""
    length: int | None = None
    await_continue: bool = False
    repeatable: bool = True


class NodeClient:
    """Talks to one node at one address with one key pair.

    :param wait: see `Pool`.
    :raises NodeUnavailable: from the constructor, for a node with an obstacle.
    """

    def __init__(self, node: Node, limits: Limits, *, wait: Wait | None = None) -> None:
        if node.obstacle or node.host is None or node.address is None or node.credentials is None:
            # Nothing was sent, and the node may have started since the snapshot was made.
            raise NodeUnavailable(
                f"The node that owns this id is down: {node.obstacle}.", repeatable=True
            )
        self.node = node
        self.limits = limits
        self._signer = Signer(node.address, node.credentials, node.region)
        self._gate = Gate(limits.concurrency)
        self._pool = Pool(
            node.host,
            node.port,
            connect_timeout=limits.connect_timeout,
            read_timeout=limits.read_timeout,
            wait=wait,
        )

    def call(self, call: Call) -> Response:
        """Do one request. The answer is to be closed, whatever its status.

        :raises NodeUnavailable: when the node cannot be reached, or hangs up.
        :raises NodeBusy: when too many requests wait for it.
        :raises NodeTimeout: when it says nothing in time.
        :raises NodeError: when it answers with something other than HTTP.
        """
        streamed = call.await_continue or not isinstance(call.body, bytes)
        request = Request(
            call.method,
            f"{call.path}?{call.query}" if call.query else call.path,
            {
                **self._signer.sign(call.method, call.path, call.query, call.amz_headers),
                **(call.headers or {}),
            },
            call.length,
            await_continue=streamed,
        )
        # A body that the node has not asked for cannot have done anything.
        repeatable = call.repeatable or streamed
        try:
            with self._gate.waiting():
                response = self._exchange(request, call.body, repeatable=repeatable)
        except ConnectFailed as error:
            raise NodeUnavailable(
                f"The node that owns this id cannot be reached: {error}.", repeatable=True
            ) from error
        except ConnectionLost as error:
            raise NodeUnavailable(
                "The node that owns this id hung up.",
                repeatable=repeatable and not error.answered,
            ).noted(str(error)) from error
        except TimedOut as error:
            self._gate.timed_out()
            raise NodeTimeout(
                f"The node that owns this id did not answer within {self.limits.read_timeout:g} s."
            ) from error
        except BadAnswer as error:
            raise NodeError().noted(str(error)) from error
        self._gate.answered()
        response.node = self.node.name
        return response

    def close(self) -> None:
        """End the connections that no request uses."""
        self._pool.clear()

    def _exchange(
        self, request: Request, body: bytes | Iterable[bytes], *, repeatable: bool
    ) -> Response:
        if not request.await_continue:
            return self._pool.exchange(request, body, repeatable=repeatable)
        # Closed here: an exception would keep it, and with it the gate's count, for who knows how
        # long.
        with closing(self._transfer(body)) as transfer:
            return self._pool.exchange(request, transfer, repeatable=repeatable)

    def _transfer(self, body: bytes | Iterable[bytes]) -> Generator[bytes]:
        with self._gate.transferring():
            yield from (body,) if isinstance(body, bytes) else body

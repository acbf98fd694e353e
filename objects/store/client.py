"""S3 requests to one node: signed, limited in number and time, failures turned into problems."""

import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass

from nodes.node import Node
from objects.exceptions import NodeBusy, NodeError, NodeTimeout, NodeUnavailable, OwnerProblem
from objects.store.bulkhead import Bulkhead
from objects.store.errors import BadAnswer, ConnectFailed, ConnectionLost, TimedOut, WantsTls
from objects.store.request import Request
from objects.store.response import NodeResponse
from objects.store.signing import Signer
from objects.store.transport import Pool, Tls, Wait
from objects.store.trust import SYSTEM, Trust
from problems.problem import Problem
from telemetry import tracing
from telemetry.metrics import NodeMetrics

#: What the metrics say of a request without an answer.
_REASONS = {NodeUnavailable: "unavailable", NodeTimeout: "timeout"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a node is allowed to cost.

    :ivar connect_timeout: seconds for a connection attempt, its TLS handshake included.
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
    :ivar body: in chunks.
    :ivar length: bytes of the body, None when the method has none.
    :ivar await_continue: whether the body is asked for its first chunk only once the node is ready
        for it.
    :ivar repeatable: that doing it twice is as good as doing it once.
    :ivar parsed: that the answer may be a large document.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] | None = None
    amz_headers: Mapping[str, str] | None = None
    body: Iterable[bytes] = ()
    length: int | None = None
    await_continue: bool = False
    repeatable: bool = True
    parsed: bool = False


class NodeClient:
    """Talks to one node at one address with one key pair.

    :param wait: see `Pool`.
    :param trust: of the certificate of a node with TLS.
    :param metrics: of the node; None where its requests are not to be counted.
    :raises NodeUnavailable: from the constructor, for a node that is down.
    """

    def __init__(
        self,
        node: Node,
        limits: Limits,
        *,
        wait: Wait | None = None,
        trust: Trust = SYSTEM,
        metrics: NodeMetrics | None = None,
    ) -> None:
        if node.down_reason or not (node.host and node.address and node.credentials):
            # Nothing was sent, and the node may have started since the snapshot was made.
            raise NodeUnavailable(f"is down: {node.down_reason}", repeatable=True)
        self.node = node
        self.limits = limits
        self._metrics = metrics
        self._signer = Signer(node.address, node.credentials, node.region)
        self._bulkhead = Bulkhead(limits.concurrency)
        self._pool = Pool(
            node.host,
            node.port,
            connect_timeout=limits.connect_timeout,
            read_timeout=limits.read_timeout,
            wait=wait,
            tls=None if node.tls_name is None else Tls(node.tls_name, trust),
        )

    @property
    def in_flight(self) -> int:
        """Requests whose answer is not complete."""
        return self._pool.busy

    @property
    def waiting(self) -> int:
        """Those that wait for the node to say something."""
        return self._bulkhead.waiting

    def call(self, call: Call) -> NodeResponse:
        """Do one request. The answer is to be closed, whatever its status.

        :raises NodeUnavailable: when the node cannot be reached, or hangs up.
        :raises NodeBusy: when too many requests wait for it.
        :raises NodeTimeout: when it says nothing in time.
        :raises NodeError: when it answers with something other than HTTP.
        """
        tracer = tracing.active()
        if tracer is None:
            return self._counted(call, {})
        url = f"{self.node.scheme}://{self.node.address}"
        span = tracer.ask_node(self.node.name, url, call.method, call.path)
        try:
            response = self._counted(call, span.headers())
        except Problem as problem:
            span.failed(problem.code, problem.detail)
            raise
        except BaseException as error:  # whatever ends the request ends the span, too
            span.failed(type(error).__name__, "")
            raise
        span.answered(response.status)
        return response

    def _counted(self, call: Call, trace: Mapping[str, str]) -> NodeResponse:
        metrics = self._metrics
        if metrics is None:
            return self._call(call, trace)
        began = time.monotonic()
        try:
            response = self._call(call, trace)
        except OwnerProblem as problem:
            if isinstance(problem, NodeBusy):
                metrics.refused()
            else:
                metrics.failed(_REASONS.get(type(problem), "bad_answer"))
            raise
        metrics.first_byte(time.monotonic() - began)
        if response.status >= 500:
            metrics.failed("status_5xx")
        return response

    def _call(self, call: Call, trace: Mapping[str, str]) -> NodeResponse:
        # A body that the node has not asked for cannot have done anything.
        repeatable = call.repeatable or call.await_continue
        request = Request(
            call.method,
            f"{call.path}?{call.query}" if call.query else call.path,
            {
                **self._signer.sign(call.method, call.path, call.query, call.amz_headers),
                **(call.headers or {}),
                **trace,
            },
            call.length,
            call.await_continue,
            repeatable,
            call.parsed,
        )
        try:
            with self._bulkhead:
                if call.await_continue:
                    # Closed here: an exception keeps the generator alive, and with it the
                    # bulkhead's count.
                    with closing(self._transfer(call.body)) as transfer:
                        response = self._pool.exchange(request, transfer)
                else:
                    response = self._pool.exchange(request, call.body)
        except ConnectFailed as error:
            raise NodeUnavailable(f"cannot be reached: {error}", repeatable=True) from error
        except ConnectionLost as error:
            raise NodeUnavailable(
                "hung up",
                repeatable=repeatable and not error.answered,
            ).noted(str(error)) from error
        except TimedOut as error:
            raise NodeTimeout(f"did not answer within {self.limits.read_timeout:g} s") from error
        except WantsTls as error:
            raise NodeUnavailable(
                "cannot be reached: it wants TLS, which it gets by https in OBJGW_NODES, the label "
                "objgw.tls=true or OBJGW_NODE_TLS",
                repeatable=True,
            ) from error
        except BadAnswer as error:
            raise NodeError().noted(str(error)) from error
        response.node = self.node.name
        return response

    def close(self) -> None:
        """End the connections that no request uses."""
        self._pool.clear()

    def _transfer(self, body: Iterable[bytes]) -> Generator[bytes]:
        with self._bulkhead.transferring():
            yield from body

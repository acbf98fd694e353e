"""The servers that are compared, each reached by the same requests."""

import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minio import Minio

from benchmarks.cases import Case
from benchmarks.failure import CannotMeasure
from benchmarks.processes import ProcessTree
from demo.harness.s3nodes import LocalNode

BUCKET = "objects"


@dataclass(frozen=True, slots=True)
class Server:
    """One of those that are measured.

    :ivar address: ``host:port``, likewise ``host_header``, which a presigned URL is bound to.
    :ivar token: a bearer token that each request has, "" for none.
    :ivar target: from a method and an id to the request target.
    :ivar processes: None where the cost is not ours to ask for.
    :ivar nodes: the processes of the nodes that it asks.
    """

    name: str
    address: str
    host_header: str
    target: Callable[[str, str], str]
    processes: ProcessTree | None = None
    nodes: Sequence[ProcessTree] = ()
    token: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Header fields of each request."""
        host = {"Host": self.host_header}
        return host | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    @property
    def field_lines(self) -> str:
        """The same, as they are sent."""
        return "".join(f"{name}: {value}\r\n" for name, value in self.fields.items())

    def check(self, case: Case, object_id: str, body: bytes) -> None:
        """Send one request of a case.

        :raises CannotMeasure: when the answer is not as it has to be.
        """
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(
                case.method,
                self.target(case.method, object_id),
                body=body if case.method == "PUT" else None,
                headers=self.fields,
            )
            answer = connection.getresponse()
            received = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CannotMeasure(f"{self.name} does not answer {case.key}: {error!r}") from error
        finally:
            connection.close()
        whole = case.method != "GET" or case.missing or received == body
        if answer.status not in case.expected or not whole:
            raise CannotMeasure(
                f"{self.name} answered {case.key} with {answer.status} and {len(received)} bytes: "
                f"{received[:200]!r}"
            )


def gateway_target(_method: str, object_id: str) -> str:
    """The request target of an object at the gateway."""
    return f"/object/{object_id}"


class Presigned:
    """Presigned request targets of one node, each signed once."""

    def __init__(self, node: LocalNode) -> None:
        self._client = Minio(
            node.endpoint, node.access_key, node.secret_key, secure=False, region="us-east-1"
        )
        self._targets: dict[tuple[str, str], str] = {}

    def create_bucket(self) -> None:
        if not self._client.bucket_exists(BUCKET):
            self._client.make_bucket(BUCKET)

    def target(self, method: str, object_id: str) -> str:
        """The request target that allows one method on one object for a week."""
        key = (method, object_id)
        if key not in self._targets:
            url = self._client.get_presigned_url(method, BUCKET, object_id)
            self._targets[key] = url[url.index("/", len("http://")) :]
        return self._targets[key]

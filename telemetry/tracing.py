"""Whether requests are traced, and the tracer.

OpenTelemetry is imported by `telemetry.spans` alone, and that only where traces have somewhere to
go: until then a request pays for one look at a variable.

Does not import Django: the server needs it before Django is there.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.spans import Tracer

#: Either of them turns traces on; OpenTelemetry's specification says what they mean.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_NOTHING: Mapping[str, str] = {}


class _Active:
    tracer: "Tracer | None" = None


def active() -> "Tracer | None":
    """What traces requests in this process, None where nothing does."""
    return _Active.tracer


def start(version: str, environ: Mapping[str, str] = os.environ) -> None:
    """Trace requests from now on, if the environment names an endpoint.

    To be called in the worker: what sends spans in the background does not survive a fork.

    :param version: of the gateway.
    """
    if any(environ.get(name) for name in ENDPOINTS):
        from telemetry.spans import Tracer

        _Active.tracer = Tracer.exporting(version)


def stop() -> None:
    """Send what has not been sent yet."""
    tracer, _Active.tracer = _Active.tracer, None
    if tracer is not None:
        tracer.shut_down()


def current_ids() -> Mapping[str, str]:
    """``trace_id`` and ``span_id`` of the present span, for a log line; nothing where none is."""
    tracer = _Active.tracer
    return _NOTHING if tracer is None else tracer.current_ids()

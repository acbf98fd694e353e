"""docs/configuration.md names every variable, and none that does not exist."""

import re
from pathlib import Path

from objgw_site import settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
#: Read by Docker's own client, and by OpenTelemetry's.
ELSEWHERE = {
    *("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    *("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"),
}


def test_the_page_has_the_variables_that_are_read() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named - ELSEWHERE == settings.env.names
    assert named >= ELSEWHERE

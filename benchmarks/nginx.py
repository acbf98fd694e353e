"""nginx as a plain reverse proxy to one node: the measure of what a proxy has to cost."""

import os
import pwd
import shutil
from pathlib import Path

from benchmarks.failure import CannotMeasure
from demo.harness.children import ChildProcess, http_status

# Bodies pass through memory only. The Host header is part of what a presigned URL signs.
_CONFIGURATION = """\
{user}
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    keepalive_requests 10000000;
    upstream node {{
        server {node};
        keepalive 256;
        keepalive_requests 10000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://node;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


def find_program(name: str) -> str:
    """The path of a program that comes as a Debian package of the same name."""
    # Debian keeps servers where the PATH of most users does not look.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        raise CannotMeasure(
            f"{name} is not installed. On Debian and Ubuntu: apt-get install wrk nginx"
        )
    return found


class NginxProcess(ChildProcess):
    """nginx on a loopback port, with as many workers as there are cores."""

    def __init__(self, folder: Path, port: int, node: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        configuration = folder / "nginx.conf"
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        configuration.write_text(
            _CONFIGURATION.format(
                user=user, workers=os.cpu_count() or 1, folder=folder, node=node, port=port
            )
        )
        super().__init__(
            "nginx",
            [find_program("nginx"), "-p", str(folder), "-c", str(configuration), "-e", "stderr"],
            environment=dict(os.environ),
            log=folder / "nginx.log",
        )

    def start(self) -> None:
        """Launch it and wait until it answers."""
        self.launch()
        self.wait_until(
            lambda: http_status("127.0.0.1", self.port, "/minio/health/live") == 200, timeout=10
        )

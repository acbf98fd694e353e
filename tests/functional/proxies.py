"""nginx and Caddy in front of a gateway, with the examples that the project ships."""

import contextlib
import datetime as dt
import os
import pwd
import re
import shutil
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.harness.children import PROJECT_ROOT, ChildProcess
from tests.support.servers import HOST

EXAMPLES = PROJECT_ROOT / "deploy" / "examples"
DOCUMENT = PROJECT_ROOT / "docs" / "proxies.md"
#: In the examples.
NAME = "store.example.com"
GATEWAY = "127.0.0.1:3000"

_NGINX_MAIN = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/objgw.conf;
}}
"""


def program(name: str) -> str:
    """The path of a proxy, from a Debian package of the same name."""
    # Debian keeps servers where the PATH of most users does not look.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def snippet(language: str) -> str:
    """The block of docs/proxies.md that says how to serve the gateway below a path."""
    found = re.findall(
        rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(found) == 1, found
    return str(found[0])


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """A text with each of these replaced where it stands, once."""
    for old, new in pairs:
        assert text.count(old) == 1, f"{old!r} in\n{text}"
        text = text.replace(old, new)
    return text


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


class Certificate:
    """Of `NAME`, signed by itself."""

    def __init__(self, folder: Path) -> None:
        self.path, self.key_path = folder / "certificate.pem", folder / "key.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.context = ssl.create_default_context(cafile=str(self.path))


class Proxy(ChildProcess):
    """A proxy with TLS on a loopback port.

    :param below: serve the gateway below this path, the way the documentation says.
    """

    #: Its own configuration, in the folder that it is given.
    file: str
    language: str

    def __init__(
        self, folder: Path, gateway: int, port: int, certificate: Certificate, *, below: bool
    ) -> None:
        self.port = port
        self.folder = folder
        self.certificate = certificate
        folder.mkdir(parents=True)
        example = (EXAMPLES / self.file).read_text()
        text = replaced(example, (GATEWAY, f"{HOST}:{gateway}"), *self.replacements())
        if below:
            text = self.below(text)
        super().__init__(
            self.language,
            self.command(text),
            environment={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            log=folder / "log",
        )

    def replacements(self) -> list[tuple[str, str]]:
        """What of the example is the user's own."""
        raise NotImplementedError

    def below(self, text: str) -> str:
        """The example, below a path."""
        raise NotImplementedError

    def command(self, text: str) -> list[str]:
        """Writes the configuration, and says how to start with it."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    def peak_memory(self) -> int:
        """Bytes that its processes had at most, since the last reset, from /proc (Linux only)."""
        return sum(
            int(found[1]) * 1024
            for pid in self._pids()
            if (
                found := re.search(
                    r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE
                )
            )
        )

    def reset_peak_memory(self) -> None:
        """See proc(5), /proc/pid/clear_refs."""
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


class Nginx(Proxy):
    file = "nginx.conf"
    language = "nginx"

    def replacements(self) -> list[tuple[str, str]]:
        return [
            ("listen 443 ssl http2;", f"listen {HOST}:{self.port} ssl http2;"),
            (f"/etc/ssl/{NAME}.crt", str(self.certificate.path)),
            (f"/etc/ssl/{NAME}.key", str(self.certificate.key_path)),
        ]

    def below(self, text: str) -> str:
        location, proxy_pass = snippet(self.language).strip().splitlines()
        return replaced(
            text,
            ("location / {", location.strip()),
            ("proxy_pass http://objgw;", proxy_pass.strip()),
        )

    def command(self, text: str) -> list[str]:
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        (self.folder / "objgw.conf").write_text(text)
        main = self.folder / "main.conf"
        main.write_text(_NGINX_MAIN.format(user=user, folder=self.folder))
        return [program("nginx"), "-p", str(self.folder), "-c", str(main), "-e", "stderr"]


class Caddy(Proxy):
    file = "Caddyfile"
    language = "caddyfile"

    def replacements(self) -> list[tuple[str, str]]:
        tls = f"\ttls {self.certificate.path} {self.certificate.key_path}\n"
        return [(f"\n{NAME} {{\n", f"\n{self.url} {{\n\tbind {HOST}\n{tls}")]

    def below(self, text: str) -> str:
        before, _, after = snippet(self.language).partition("\treverse_proxy …\n")
        start, end = text.index("\treverse_proxy"), text.rindex("}")
        return text[:start] + before + text[start:end] + after + text[end:]

    def command(self, text: str) -> list[str]:
        file = self.folder / "Caddyfile"
        # Neither its interface for administrators nor redirects on port 80.
        file.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
        return [program("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]

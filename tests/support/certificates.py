"""Certificates for tests: an authority, and what it signs."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.servers import HOST, Transport

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Certified:
    """A certificate and its key, in files.

    :ivar fingerprint: SHA-256, as the gateway logs it.
    """

    certificate: Path
    key: Path
    fingerprint: str

    @property
    def settings(self) -> dict[str, str]:
        """Those of a gateway that shows this certificate."""
        return {"OBJGW_TLS_CERT": str(self.certificate), "OBJGW_TLS_KEY": str(self.key)}

    def replaced_with(self, other: "Certified") -> "Certified":
        """These files, with another certificate and its key in them."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.key.write_bytes(other.key.read_bytes())
        return replace(self, fingerprint=other.fingerprint)


class Authority:
    """Signs certificates.

    :param folder: for its own certificate and for those that it signs.
    :ivar path: of its own certificate.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.pem"
        self._folder = folder
        self._name = _common_name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
        builder = _builder(self._name, self._name, self._key, _DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(_usage(signs=True), True).add_extension(own, False)
        self.path.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def certify(self, *names: str, valid: dt.timedelta = _DAY, file: str = "server") -> Certified:
        """A certificate for host names and IP addresses, the first of them in its subject, too.

        :param valid: from now on; what is negative has expired.
        :param file: what its files are called.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = _builder(_common_name(names[0]), self._name, key, valid)
        builder = builder.add_extension(alternatives, False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(self._identifier, False)
        made = builder.sign(self._key, hashes.SHA256())
        certificate, key_file = self._folder / f"{file}.pem", self._folder / f"{file}.key"
        certificate.write_bytes(_pem(made))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Certified(certificate, key_file, made.fingerprint(hashes.SHA256()).hex(":").upper())

    def trusting(self, shown: Certified | None = None) -> ssl.SSLContext:
        """For a client that trusts this authority only, and shows a certificate when asked."""
        context = ssl.create_default_context(cafile=str(self.path))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        return context


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: dt.timedelta
) -> x509.CertificateBuilder:
    end = dt.datetime.now(dt.UTC) + valid
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 3 * _DAY)
        .not_valid_after(end)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
def tls_transport(tmp_path_factory: pytest.TempPathFactory) -> Transport:
    """TLS with a certificate for the loopback address, and with clients that trust it."""
    authority = Authority(tmp_path_factory.mktemp("tls"))
    return Transport(authority.certify(HOST).settings, authority.trusting())

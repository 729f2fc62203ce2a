"""An authority of a test's own, and the certificates that it signs, as the files that settings name."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.chassis.tls import TlsFiles

_PEM = serialization.Encoding.PEM


class Authority:
    """Signs certificates for this machine's loopback."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = _built(self._name, self._name, self._key, self._key, is_authority=True)

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self._certificate.public_bytes(_PEM)

    def write(self, folder: Path, name: str) -> TlsFiles:
        """Write a new certificate, its key and the authority's certificate; the same name again renews all three."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _built(_named(name), self._name, key, self._key, is_authority=False)
        files = TlsFiles(*(str(folder / f"{name}.{kind}.pem") for kind in ("certificate", "key", "authorities")))
        put(files.key, key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        put(files.certificate, certificate.public_bytes(_PEM))
        put(files.authorities, self.pem)
        return files


def serial(files: TlsFiles) -> int:
    """Tell the number of the certificate in the files."""
    return x509.load_pem_x509_certificate(Path(files.certificate).read_bytes()).serial_number


def put(path: str, content: bytes) -> None:
    """Put a file in the place of the one before, as whoever renews files does."""
    new = Path(f"{path}.new")
    new.write_bytes(content)
    new.chmod(0o600)
    new.replace(path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _built(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signing: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(signing, hashes.SHA256())
    )

"""The certificates of a cluster for a day: authority, API server, administrator, and the key of service accounts."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.kubernetes.addresses import FIRST_SERVICE, SERVER

_PEM = serialization.Encoding.PEM
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


def write(folder: Path) -> None:
    """Write ca.crt, server.crt and .key, admin.crt and .key, accounts.key and .pub into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("groupbuy-k8s", "")
    (folder / "ca.crt").write_bytes(
        _signed(issuer, issuer, authority, authority.public_key(), (x509.BasicConstraints(ca=True, path_length=None),))
    )
    names = [x509.DNSName(name) for name in _NAMES]
    addresses = [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", SERVER, FIRST_SERVICE)]
    for file, name, extension in (
        ("server", _name("kube-apiserver", ""), x509.SubjectAlternativeName([*names, *addresses])),
        ("admin", _name("admin", "system:masters"), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
    ):
        key = _new_key(folder / f"{file}.key")
        (folder / f"{file}.crt").write_bytes(_signed(name, issuer, authority, key.public_key(), (extension,)))
    accounts = _new_key(folder / "accounts.key")
    public = accounts.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "accounts.pub").write_bytes(public)


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    kind = serialization.PrivateFormat.PKCS8
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(_PEM, kind, serialization.NoEncryption()))
    return key


def _name(common: str, group: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if group:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    extensions: tuple[x509.ExtensionType, ...],
) -> bytes:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(authority, hashes.SHA256()).public_bytes(_PEM)

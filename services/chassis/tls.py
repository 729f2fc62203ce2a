"""TLS from files that may be renewed while a process runs: whoever connects next meets the new ones."""

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import grpc

from services.chassis import logs

LOOK_SECONDS = 1.0
"""How often at most the files are looked at."""

Made = TypeVar("Made")
_Stamp = tuple[tuple[int, int, int] | None, ...]

log = logs.logger(__name__)


class TlsFiles(NamedTuple):
    """Paths of PEM files; empty for none."""

    certificate: str = ""
    """What this side shows: its certificate, then those that lead to its authority."""
    key: str = ""
    """The private key of that certificate, without a password."""
    authorities: str = ""
    """Certificates of the authorities that the other side's certificate may be by."""

    @property
    def named(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(path for path in self if path)


class Renewed(Generic[Made]):
    """What is made from files, and made again once one of them is another. The first time raises what `make` raises.

    Files that cannot be used, as one of a pair is not written yet, are told in the log; what was made before stays.
    """

    def __init__(
        self, paths: Sequence[str], make: Callable[[], Made], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._paths = paths
        self._make = make
        self._now = now
        self._stamp, self._made, self._look_at = _stamp(paths), make(), now() + LOOK_SECONDS

    def get(self) -> Made:
        """Give what the files make now."""
        if self._now() >= self._look_at:
            self._look_at = self._now() + LOOK_SECONDS
            self._look()
        return self._made

    def _look(self) -> None:
        stamp = _stamp(self._paths)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._made = self._make()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            log.warning("renewed files of TLS cannot be used", files=list(self._paths), why=str(error))
        else:
            log.info("files of TLS were renewed", files=list(self._paths))


def _stamp(paths: Sequence[str]) -> _Stamp:
    return tuple(map(_stamp_of, paths))


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class RenewedContext(ssl.SSLContext):
    """A context whose connections are each made by the files as they are then; what else it can do is not used."""

    _current: Renewed[ssl.SSLContext]

    @classmethod
    def client(cls, files: TlsFiles) -> "RenewedContext":
        """Make the calling side; without authorities those of the system are trusted. OSError for unusable files."""
        return cls.of(ssl.PROTOCOL_TLS_CLIENT, files, lambda: _client(files))

    @classmethod
    def of(cls, protocol: int, files: TlsFiles, make: Callable[[], ssl.SSLContext]) -> "RenewedContext":
        """Make a context from files by a function."""
        context = cls(protocol)
        context._current = Renewed(files.named, make)
        return context

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection of asyncio."""
        return self._current.get().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Begin a connection of a plain socket."""
        return self._current.get().wrap_socket(*arguments, **options)


@dataclass(frozen=True, slots=True)
class Listening:
    """TLS of a listener; with authorities it is mutual: callers show a certificate that is by one of them."""

    files: TlsFiles

    def context(self) -> RenewedContext:
        """Make it for a server of asyncio; OSError for unusable files."""
        return RenewedContext.of(ssl.PROTOCOL_TLS_SERVER, self.files, self._server)

    def credentials(self) -> grpc.ServerCredentials:
        """Make it for a gRPC server, which asks for each connection anew; OSError for unusable files."""
        renewed = Renewed(self.files.named, self._configuration)
        return grpc.dynamic_ssl_server_credentials(
            renewed.get(), renewed.get, require_client_authentication=bool(self.files.authorities)
        )

    def _server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _load(context, self.files)
        context.verify_mode = ssl.CERT_REQUIRED if self.files.authorities else ssl.CERT_NONE
        return context

    def _configuration(self) -> Any:
        self._server()  # gRPC would say of wrong files that a handshake failed, and no more
        root, key, chain = _read(self.files)
        return grpc.ssl_server_certificate_configuration([(key or b"", chain or b"")], root)


def channel_credentials(files: TlsFiles) -> grpc.ChannelCredentials:
    """Make the credentials of a gRPC channel from the files as they are now; OSError for unusable ones."""
    _client(files)
    return grpc.ssl_channel_credentials(*_read(files))


def _client(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if files.authorities:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, files)
    return context


def check(files: TlsFiles) -> None:
    """Raise ValueError, which names the files, where they cannot be used."""
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), files)
    except OSError as error:
        raise ValueError(f"a file of TLS cannot be used: {error}") from None


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    _read(files)  # whose errors name the file, as those of ssl do not
    try:
        if files.authorities:
            context.load_verify_locations(files.authorities)
        if files.certificate:
            context.load_cert_chain(files.certificate, files.key)
    except ssl.SSLError as error:
        raise OSError(f"{' and '.join(files.named)} are no PEM files that fit together ({error})") from None


def _read(files: TlsFiles) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Read authorities, key and certificate."""
    root, key, chain = files.authorities, files.key, files.certificate
    return _bytes(root), _bytes(key), _bytes(chain)


def _bytes(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None

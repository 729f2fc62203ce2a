"""Links by which a member, without a login, has no more sent of what it may do without (RFC 8058).

The link's token is sealed: it names platform, member and what is ended, shows none of it, and nobody else can make one.
It opens for as long as the key that sealed it is kept.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from uuid import UUID

from services.chassis.sealing import NotOpened, Sealer
from services.notification.domain import CONCERNS, Concern, Kind

_PLACE = "unsubscribe/token"
_LONGEST = 400
_PROMOTIONS, _ALL = b"p", b"a"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Whom a link is for, and whether it ends promotions alone or every kind that may be muted."""

    platform_id: UUID
    member_id: str
    promotions_only: bool


class Unsubscribing:
    """Makes and reads tokens; without an address that takes them there are no links."""

    def __init__(self, sealer: Sealer, url: str = "") -> None:
        self._sealer = sealer
        self._url = url

    def link(self, platform_id: UUID, member_id: str, kind: Kind) -> str:
        """Give the link for a message; empty where its kind cannot be muted, or no address takes links."""
        if not self._url or not CONCERNS[kind].may_be_muted:
            return ""
        return self._link(Unsubscription(platform_id, member_id, CONCERNS[kind] is Concern.PROMOTION))

    def group_link(self, platform_id: UUID, member_id: str) -> str:
        """Give the link by which anybody in a group chat stops what it is told; empty where no address takes links."""
        return self._link(Unsubscription(platform_id, member_id, promotions_only=False)) if self._url else ""

    def _link(self, what: Unsubscription) -> str:
        return f"{self._url}{'&' if '?' in self._url else '?'}token={self.token(what)}"

    def token(self, what: Unsubscription) -> str:
        """Seal what a link says."""
        scope = _PROMOTIONS if what.promotions_only else _ALL
        sealed = self._sealer.seal(scope + what.platform_id.bytes + what.member_id.encode(), _PLACE)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, token: str) -> Unsubscription | None:
        """Read a token; None for one that was not made here, or whose key is gone."""
        if not (token.isascii() and len(token) <= _LONGEST):
            return None
        try:
            opened = self._sealer.open(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _PLACE)
        except (Base64Error, ValueError, NotOpened):
            return None
        return Unsubscription(UUID(bytes=opened[1:17]), opened[17:].decode(), opened[:1] == _PROMOTIONS)

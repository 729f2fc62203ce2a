"""Page tokens: where a page ended, bound to the list that it belongs to."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from uuid import UUID

from services.chassis.errors import Rejected
from services.notification.store import Filter, Position


def page_token(wanted: Filter, position: Position) -> str:
    """Write the token of the next page."""
    content = [_digest(wanted), position.created_at.isoformat(), str(position.delivery_id)]
    return urlsafe_b64encode(json.dumps(content).encode()).decode()


def read_token(wanted: Filter, token: str) -> Position | None:
    """Read a token, None for an empty one; Rejected PAGE_TOKEN_INVALID where it belongs to another list."""
    if not token:
        return None
    try:
        digest, created_at, delivery_id = json.loads(urlsafe_b64decode(token.encode()))
        position = Position(datetime.fromisoformat(created_at), UUID(delivery_id))
    except (ValueError, TypeError, AttributeError):
        raise Rejected("PAGE_TOKEN_INVALID") from None
    if digest != _digest(wanted) or position.created_at.tzinfo is None:
        raise Rejected("PAGE_TOKEN_INVALID")
    return position


def _digest(wanted: Filter) -> str:
    content = [str(wanted.platform_id), str(wanted.team_id), wanted.member_id]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

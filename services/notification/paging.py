"""Page tokens of deliveries: where a page ended, bound to the filter that it belongs to."""

from datetime import datetime
from uuid import UUID

from services.chassis import pages
from services.chassis.errors import Rejected
from services.notification.store import Filter, Position


def page_token(wanted: Filter, position: Position) -> str:
    """Write the token of the next page."""
    return pages.token(f"{position.created_at.isoformat()} {position.delivery_id}", _list(wanted))


def read_token(wanted: Filter, token: str) -> Position | None:
    """Read a token, None for an empty one; Rejected PAGE_TOKEN_INVALID where it belongs to another list."""
    position = pages.read(token, _list(wanted))
    if position is None:
        return None
    created_at, _, delivery_id = position.partition(" ")
    try:
        return Position(datetime.fromisoformat(created_at), UUID(delivery_id))
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None


def _list(wanted: Filter) -> str:
    seat = f"/{wanted.seat_id}" if wanted.seat_id else ""
    return f"{wanted.platform_id}/{wanted.team_id}/{wanted.member_id}{seat}"

"""Keeps what test platforms would have sent: sealed as addresses are, since it has them and what members read.

Posts to endpoints are not: they say what `platform_events` says, and an erasure has to find whom they name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.sealing import NotOpened, Sealer
from services.notification import store
from services.notification.channels import Letter, Outcome, Sent
from services.notification.domain import group_of_member, outcome_name
from services.notification.privacy import without_addresses
from services.notification.sandbox.outlet import Exchange
from services.notification.sandbox.rehearsals import Rehearsed
from services.notification.store import CapturedKind, CapturedRow, Claimed, EndpointRow

MOST = 100_000
"""So many of a platform are kept; the oldest go first."""
PAGE = 500

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept of one, beside what it is found by."""

    address: str = ""
    language: str = ""
    subject: str = ""
    body: str = ""
    link: str = ""
    link_label: str = ""
    place: str = ""
    exchange: Exchange | None = field(default=None)

    @classmethod
    def of(cls, letter: Letter, exchange: Exchange | None) -> "Content":
        """Take what there is of a letter."""
        return cls(
            letter.address,
            letter.language,
            letter.subject,
            letter.body,
            letter.link,
            letter.link_label,
            letter.place,
            exchange,
        )


class Captures:
    """Makes rows of what was rehearsed, and reads them."""

    def __init__(self, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def message(self, item: Claimed, channel: str, at: datetime, letter: Letter, made: Rehearsed) -> CapturedRow:
        """Make the row of an attempt; its number is counted when it is recorded."""
        kind = CapturedKind.GROUP if group_of_member(item.member_id) else CapturedKind.MESSAGE
        row = self._row(item.platform_id, kind, channel, at, made, Content.of(letter, made.exchange))
        return replace(
            row,
            campaign_id=item.campaign_id,
            team_id=item.team_id,
            delivery_id=item.delivery_id,
            member_id=item.member_id,
        )

    def answer(self, platform_id: UUID, way: str, made: Rehearsed) -> CapturedRow:
        """Make the row of an answer in a chat."""
        at = self._clock.now(platform_id)
        return self._row(platform_id, CapturedKind.CHAT_ANSWER, way, at, made, Content(exchange=made.exchange))

    def post(self, endpoint: EndpointRow, event: tuple[UUID, str, int], at: datetime, made: Rehearsed) -> CapturedRow:
        """Make the row of a post to an endpoint; `event` is its id, its type and the attempt's number."""
        row = self._row(endpoint.platform_id, CapturedKind.WEBHOOK, "", at, made, Content(exchange=made.exchange))
        event_id, kind, number = event
        return replace(row, endpoint_id=endpoint.endpoint_id, event_id=event_id, type=kind, number=number)

    def _row(
        self, platform_id: UUID, kind: CapturedKind, channel: str, at: datetime, made: Rehearsed, content: Content
    ) -> CapturedRow:
        plain = json.dumps(_written(content)).encode()
        is_sealed = kind is not CapturedKind.WEBHOOK
        return CapturedRow(
            platform_id=platform_id,
            captured_id=made.captured_id,
            kind=kind,
            captured_at=at,
            kept_at=self._clock.now(),
            number=0,
            channel=channel,
            outcome=outcome_name(made.outcome),
            detail=_said(made.outcome, content.address),
            content=self._sealer.seal(plain, _place(platform_id, made.captured_id)) if is_sealed else None,
            posted=None if is_sealed else plain,
            key_id=self._sealer.key_id if is_sealed else "",
        )

    def content(self, row: CapturedRow) -> Content:
        """Read what was kept; empty where it does not open, loudly."""
        try:
            return _read(self._opened(row))
        except NotOpened as problem:
            log.error("captured message does not open", platform=str(row.platform_id), why=str(problem))  # noqa: TRY400 - the reason is enough
            return Content()

    def _opened(self, row: CapturedRow) -> bytes:
        if row.content is None:
            return row.posted or b""
        return self._sealer.open(row.content, _place(row.platform_id, row.captured_id))

    async def seal_anew(self, database: Database) -> int:
        """Seal a page anew that an older key has sealed; returns how many. Run by a timer."""
        async with database.work() as work:
            rows = await store.find_captured_sealed_otherwise(work.connection, self._sealer.key_id, PAGE)
            anew = [changed for row in rows if (changed := self._anew(row))]
            await store.seal_captured_anew(work.connection, anew)
        return len(anew)

    def _anew(self, row: CapturedRow) -> CapturedRow | None:
        try:
            plain = self._opened(row)
        except NotOpened as problem:
            log.error("captured message does not open", platform=str(row.platform_id), why=str(problem))  # noqa: TRY400 - the reason is enough
            return None
        sealed = self._sealer.seal(plain, _place(row.platform_id, row.captured_id))
        return replace(row, content=sealed, key_id=self._sealer.key_id)


async def keep(connection: Connection, rows: Sequence[CapturedRow]) -> None:
    """Keep what was captured, in the transaction of what it is a part of."""
    if rows:
        await store.insert_captured(connection, rows)


async def drop_most(database: Database) -> int:
    """Forget what is more than is kept of a platform; returns how many. Run by a timer."""
    async with database.work() as work:
        return await store.drop_most_captured(work.connection, MOST, PAGE)


def written_within(member_id: str) -> bytes:
    """Write an id as the content of a captured post has it: JSON, with a body that is JSON itself."""
    return json.dumps(json.dumps(member_id, ensure_ascii=False)[1:-1])[1:-1].encode()


def _said(outcome: Outcome, address: str) -> str:
    return "" if isinstance(outcome, Sent) else without_addresses(outcome.detail, address)


def _written(content: Content) -> Mapping[str, Any]:
    made = content.exchange
    if made is None:
        return asdict(content)
    exchange = asdict(made) | {"body": _text(made.body), "answer": _text(made.answer)}
    return asdict(replace(content, exchange=None)) | {"exchange": exchange}


def _read(plain: bytes) -> Content:
    said = json.loads(plain)
    made = said.pop("exchange")
    exchange = made and Exchange(**{**made, "body": made["body"].encode(), "answer": made["answer"].encode()})
    return Content(**said, exchange=exchange)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _place(platform_id: UUID, captured_id: UUID) -> str:
    return f"captured/content/{platform_id}/{captured_id}"

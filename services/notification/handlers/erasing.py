"""Forgets members that were erased: what is kept of them here, and what is to be told of them still."""

from datetime import timedelta

from services.chassis import renaming
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.erased_rows import Erased
from services.chassis.erasing import Eraser, Service, renamed_record
from services.notification.sandbox import written_within
from services.notification.store import erasing as shelf
from services.notification.translate import subject_of
from services.notification.translate.platform_events import OWN_ENVELOPES, topic_of

SERVICE = "groupbuy.notification.v1.Notification"


def member_eraser(database: Database, clock: Clock, settle: timedelta) -> Eraser:
    """Make the eraser; `settle` is how long a message may be on its way."""

    async def replace(connection: Connection, erased: Erased) -> None:
        def rename(kind: str, value: bytes) -> bytes:
            return _renamed(kind, value, erased)

        member, now = erased.member_id, clock.now(erased.platform_id)
        await shelf.replace_member(connection, erased, subject_of(member), written_within(member), now, rename)

    return Eraser(database, clock, Service(replace, (SERVICE,), settle=settle))


def _renamed(kind: str, value: bytes, erased: Erased) -> bytes:
    """Replace the id in an event, given its topic or its type."""
    word = kind.partition(".")[0]
    if word in OWN_ENVELOPES:
        envelope = OWN_ENVELOPES[word].FromString(value)
        renaming.rename(envelope, erased.member_id, erased.pseudonym)
        return bytes(envelope.SerializeToString())
    return renamed_record(topic_of(kind), "", value, erased)

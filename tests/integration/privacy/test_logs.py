"""No log line, metric's label or span names a member, an address, what somebody wrote, an invite's code or a key."""

import base64
from collections.abc import Callable
from datetime import timedelta

import structlog
from groupbuy.team_formation.v1 import events_pb2
from prometheus_client import generate_latest

from services.chassis.messages import Record
from services.chassis.sealing import Sealer
from services.notification.contacts import Contacts
from tests.support.database import Database
from tests.support.engine import KEY, SERVICE_KEY
from tests.support.erasing import BUYER, TRACES, Town, a_town, live, refusal
from tests.support.formation import PLATFORM
from tests.support.recording import recording


async def _trouble(town: Town, code: str) -> None:
    """Have each service say something about the buyer's rows: refusals, poison, keys that are gone."""
    assert await refusal(town.join(code, BUYER, "join-tom")) == "REQUEST_ID_REUSED"
    assert await refusal(town.join("AAAAAAAAAAAA", BUYER, "join-nowhere")) == "INVITE_UNKNOWN"
    assert await refusal(town.put_member(f"{BUYER}@example.com", "put-bad")) == "INVALID_ARGUMENT"
    named = next(one for one in town.told if BUYER.encode() in one.value and one.topic == "groupbuy.team.v1")
    event = events_pb2.TeamEvent.FromString(named.value)
    event.team_id, event.sequence = "team_nowhere", 9
    poison = Record(named.topic, "team_nowhere", event.SerializeToString(), named.headers, 0, 99)
    for inbox in (town.engine.pricing.inbox, town.engine.notification.inbox):
        await inbox.apply([poison])
    other = Contacts(Sealer.read(f"other:{base64.b64encode(bytes(32)).decode()}"))
    async with town.engine.notification.database.read() as connection:
        await other.find(connection, [(PLATFORM, BUYER)])


async def test_no_log_no_metric_and_no_span_names_anybody(database: Database, counts: Callable[..., None]) -> None:
    with structlog.testing.capture_logs() as said, recording() as recorded:
        async with a_town(database) as town:
            invite, _ = await live(town)
            await _trouble(town, invite.code)
            town.engine.formation.clock.move(timedelta(hours=2))
            await town.engine.formation.finder.run_once()
            await town.carry()
            await town.export(BUYER, 100, "")
            await town.erase()
            await town.carry()
            await town.erasers()
    lines = [str(line) for line in said]
    events = {line["event"] for line in said}
    assert {"parked", "address does not open", "a member's rows were replaced"} <= events
    secrets = (*TRACES, invite.code, KEY, SERVICE_KEY, "pay-1")
    assert [line for line in lines if any(text in line for text in secrets)] == []
    labels = generate_latest().decode()
    assert [line for line in labels.splitlines() if any(text in line for text in secrets)] == []
    spans = {f"{span.name} {span.attributes} {span.status.description} {span.events}" for span in recorded.spans}
    assert {"process groupbuy.team.v1", "send groupbuy.team.v1"} <= set(recorded.names)
    assert [span for span in spans if any(text in span for text in secrets)] == []
    counts(
        spans=len(recorded.spans),
        log_lines=len(lines),
        kinds=len(events),
        metrics=len(labels.splitlines()),
        texts_looked_for=len(secrets),
    )

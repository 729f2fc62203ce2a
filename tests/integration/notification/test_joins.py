"""Joins of a window are one message to those who were there before, with their number and no name."""

from datetime import timedelta

from services.notification.handlers import Fanout, JoinDigests
from tests.support.notifying import Notifying
from tests.support.team_turns import TeamTurns


async def tell(notification: Notifying) -> None:
    digests, fanout = (kind(notification.database, notification.clock) for kind in (JoinDigests, Fanout))
    while await digests.run_once():
        pass
    while await fanout.run_once():
        pass


async def joins(notification: Notifying) -> list[tuple[str, str]]:
    rows = await notification.rows(
        "SELECT member_id, body FROM deliveries WHERE kind = 'SOMEONE_JOINED' ORDER BY created_at, member_id"
    )
    return [(row[0], row[1].split(" joined")[0]) for row in rows]


async def a_team(notification: Notifying) -> TeamTurns:
    """Mei and Ann are in a team that waits to be told of Tom and Bob."""
    life = TeamTurns(maximum=50)
    for member in ("mei", "ann", "tom", "bob"):
        await notification.put(life.platform, member)
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records)
    assert await notification.rows("SELECT FROM join_digests") == []
    life.join("ann")
    await notification.apply(*life.records)
    notification.clock.move(timedelta(minutes=10))
    await tell(notification)
    assert await joins(notification) == [("mei", "1 more has")]
    for member in ("tom", "bob"):
        life.join(member)
        await notification.apply(*life.records)
    return life


async def test_a_burst_of_joins_is_one_message_that_names_nobody(notification: Notifying) -> None:
    life = await a_team(notification)
    await tell(notification)
    assert len(await joins(notification)) == 1
    notification.clock.move(timedelta(minutes=10))
    await tell(notification)
    assert (await joins(notification))[1:] == [("ann", "2 more have"), ("mei", "2 more have")]
    notification.clock.move(timedelta(minutes=30))
    await notification.apply(*life.records)
    await tell(notification)
    assert len(await joins(notification)) == 3
    bodies = await notification.rows("SELECT subject || body FROM deliveries WHERE kind = 'SOMEONE_JOINED'")
    assert not any(name in row[0] for row in bodies for name in ("tom", "bob"))


async def test_who_left_again_is_not_counted_and_an_ended_team_tells_nothing(notification: Notifying) -> None:
    life = await a_team(notification)
    life.leave("bob")
    await notification.apply(*life.records)
    notification.clock.move(timedelta(minutes=10))
    await tell(notification)
    assert (await joins(notification))[1:] == [("ann", "1 more has"), ("mei", "1 more has")]
    life.join("ida")
    life.cancel()
    await notification.apply(*life.records)
    notification.clock.move(timedelta(minutes=10))
    await tell(notification)
    assert len(await joins(notification)) == 3
    assert await notification.rows("SELECT FROM join_digests") == []


async def test_the_platforms_window_says_how_long_joins_are_gathered(notification: Notifying) -> None:
    life = await a_team(notification)
    notification.clock.move(timedelta(minutes=10))
    await tell(notification)
    await notification.do("INSERT INTO messaging_windows VALUES (%s, 'SOMEONE_JOINED', 3600)", life.platform)
    life.join("ida")
    await notification.apply(*life.records)
    notification.clock.move(timedelta(seconds=3599))
    await tell(notification)
    assert len(await joins(notification)) == 3
    notification.clock.move(timedelta(seconds=1))
    await tell(notification)
    assert len(await joins(notification)) == 7

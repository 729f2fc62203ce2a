"""Group chats: bound to a team, told how it stands, and stopped."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from groupbuy.notification.v1 import groups_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.contacts import Contacts
from services.notification.domain import (
    APART,
    MOST_GROUPS,
    MOST_KEPT,
    Group,
    Kind,
    Member,
    Message,
    Point,
    Team,
    TeamPrice,
    TeamState,
    card_of,
    group_news,
    shown,
)
from services.notification.handlers.writing import write_deliveries
from services.notification.translate import NOBODYS
from services.notification.unsubscribing import Unsubscribing

PAGE = 200


@dataclass(frozen=True, slots=True)
class BindGroup:
    """A checked command."""

    key: RequestKey
    campaign_id: UUID
    team_id: UUID
    point: Point
    language: str
    time_zone: str
    link: str


@dataclass(frozen=True, slots=True)
class StopGroup:
    """A checked command."""

    key: RequestKey
    group_id: UUID


class Groups:
    """Binds and stops groups, each in a transaction of its own, and tells them. `edits` names channels that edit."""

    def __init__(
        self, database: Database, clock: Clock, contacts: Contacts, unsubscribing: Unsubscribing, edits: Collection[str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts
        self._unsubscribing = unsubscribing
        self._edits = edits

    async def bind(self, command: BindGroup) -> Answer:
        """Bind a group to a team, or find the one that is, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            group = await self._bound(work, command)
            answer = groups_pb2.BindGroupResponse(
                group_id=ids.opaque("group", group.group_id), edited_in_place=group.channel in self._edits
            ).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _bound(self, work: Work, command: BindGroup) -> Group:
        platform_id = command.key.platform_id
        now = self._clock.now(platform_id)
        await store.lock_team(work.connection, command.campaign_id, command.team_id)
        team = await store.find_team(work.connection, platform_id, command.campaign_id, command.team_id)
        if team is None or team.opened is None:
            raise Rejected("TEAM_UNKNOWN")
        if team.state.has_ended or team.opened.ends_at <= now:
            raise Rejected("TEAM_ENDED", {"state": team.state if team.state.has_ended else "ENDING"})
        groups = await store.list_groups(work.connection, platform_id, command.campaign_id, command.team_id)
        if (found := await self._same(work, groups, command.point)) and await self._again(work, found, command):
            return found
        if len(groups) >= MOST_KEPT or sum(group.over_at is None for group in groups) >= MOST_GROUPS:
            raise Rejected("GROUP_LIMIT", {"limit": MOST_GROUPS})
        group = Group(
            platform_id, team.campaign_id, team.team_id, ids.new_id(), command.point.channel, command.link, now
        )
        await self._contacts.save(work.connection, [(platform_id, _member(group, command))], self._clock.now)
        await store.insert_group(work.connection, group)
        return group

    async def _again(self, work: Work, group: Group, command: BindGroup) -> bool:
        """Take over what is asked otherwise now; tells whether the group is told still, and not stopped meanwhile."""
        before = await self._contacts.find_member(work.connection, group.platform_id, group.member_id)
        member = _member(group, command)
        if (before, group.link) == (member, command.link):
            return True
        if await store.bind_again(work.connection, replace(group, link=command.link)):
            await self._contacts.save(work.connection, [(group.platform_id, member)], self._clock.now)
            return True
        return False

    async def _same(self, work: Work, groups: Collection[Group], point: Point) -> Group | None:
        """Find the group that the chat is bound as already, and takes what it is told."""
        for group in groups:
            if group.over_at is None:
                member = await self._contacts.find_member(work.connection, group.platform_id, group.member_id)
                if member and member.points == (point,):
                    return group
        return None

    async def stop(self, command: StopGroup) -> Answer:
        """Stop a group, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            await stop_group(work, command.key.platform_id, command.group_id, self._clock.now(command.key.platform_id))
            answer = groups_pb2.StopGroupResponse().SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def tell(self) -> int:
        """Tell a page of groups whose teams have moved; returns how many were looked at. Run by a timer."""
        async with self._database.work() as work:
            due = await store.take_due_groups(work.connection, self._clock.now(), self._clock.ahead(), PAGE)
            known = await store.lock_told(work.connection, [(group.platform_id, group.member_id) for group in due])
            teams = await self._teams(work, due)
            prices = await store.find_prices(work.connection, list(teams.values()))
            moved, told = [], []
            for group in due:
                so_far, now = known[group.platform_id, group.member_id], self._clock.now(group.platform_id)
                key = group.campaign_id, group.team_id
                if so_far.is_gone:
                    moved.append((replace(group, over_at=now), now + APART))
                    continue
                after, messages = self._news(group, teams[key], prices.get(key), so_far, now)
                moved.append((after, now + APART))
                told += messages
            await write_deliveries(work, told, self._clock)
            await store.move_groups(work.connection, moved)
        return len(due)

    async def _teams(self, work: Work, groups: Collection[Group]) -> dict[tuple[UUID, UUID], Team]:
        found: dict[tuple[UUID, UUID], Team] = {}
        for platform_id, campaign_id in sorted({(group.platform_id, group.campaign_id) for group in groups}):
            wanted = {group.team_id for group in groups if group.campaign_id == campaign_id}
            teams = await store.find_teams(work.connection, platform_id, campaign_id, wanted)
            found |= {(campaign_id, team_id): team for team_id, team in teams.items()}
        return found

    def _news(
        self, group: Group, team: Team, priced: tuple[int, TeamPrice] | None, so_far: store.ToldGroup, now: datetime
    ) -> tuple[Group, list[tuple[Team, Message]]]:
        if team.opened is None or so_far.on_its_way:
            return group, []
        stop = self._unsubscribing.group_link(group.platform_id, group.member_id)
        seen_price, price = priced or (group.seen_price, None)
        card = card_of(team, team.opened, price, group.link, stop)
        edits = group.channel in self._edits and not so_far.cannot_edit
        kinds = group_news(group, card, edits=edits, told_on=so_far.on)
        at = team.version + seen_price + group.bindings  # each only grows
        messages = [
            (team, Message(_cause(group, kind, at), at, kind, NOBODYS, group.member_id, card)) for kind in kinds
        ]
        return (
            replace(
                group,
                shown=shown(card) if Kind.GROUP_CARD in kinds else group.shown,
                knew=team.state is TeamState.TIPPED and (group.knew or not group.shown),
                over_at=now if team.state.has_ended else None,
                seen_version=team.version,
                seen_price=seen_price,
            ),
            messages,
        )


async def stop_group(work: Work, platform_id: UUID, group_id: UUID, now: datetime) -> None:
    """Have a group told nothing more; GROUP_UNKNOWN. Its address goes, and with it what is pending."""
    group = await store.stop_group(work.connection, platform_id, group_id, now)
    if group is None:
        raise Rejected("GROUP_UNKNOWN")
    await store.take_points(work.connection, [(platform_id, group)])


def _cause(group: Group, kind: Kind, at: int) -> UUID:
    """Name what is told when team and price stand so."""
    return ids.derived_id(group.group_id, kind, str(at))


def _member(group: Group, command: BindGroup) -> Member:
    return Member(group.member_id, command.language, command.time_zone, (command.point,))

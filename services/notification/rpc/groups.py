"""Group chats that are bound to teams."""

from collections.abc import Iterator
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import groups_pb2 as pb2

from services.chassis import ids, requests
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification import store
from services.notification.channels import Channels, Http
from services.notification.domain import Group, Point, language_problem
from services.notification.handlers.groups import BindGroup, Groups, StopGroup
from services.notification.handlers.messages import answer_of
from services.notification.rpc.channels import find_channel
from services.notification.rpc.reading import link_problem, team_of_request, time_zone_problem


class GroupCalls:
    """Answers what concerns group chats."""

    def __init__(self, database: Database, channels: Channels, http: Http, groups: Groups) -> None:
        self._database = database
        self._channels = channels
        self._http = http
        self._groups = groups

    async def bind(self, request: pb2.BindGroupRequest) -> pb2.BindGroupResponse:
        """Bind a group to a team."""
        requests.check_request_id(request.request_id)
        channel = find_channel(self._channels, request.channel)
        problems = dict(self._problems(request))
        problems["address"] = channel.check(request.address)
        if found := tuple(FieldViolation(field, problem) for field, problem in problems.items() if problem):
            raise Rejected("INVALID_ARGUMENT", fields=found)
        key = RequestKey(NO_CAMPAIGN, caller(), "BindGroup", request.request_id, requests.body_hash(request))
        point = Point(request.channel, request.address)
        command = BindGroup(
            key, *team_of_request(request.team_id), point, request.language, request.time_zone, request.link
        )
        return pb2.BindGroupResponse.FromString(answer_of(await self._groups.bind(command)))

    async def stop(self, request: pb2.StopGroupRequest) -> pb2.StopGroupResponse:
        """Have a group told nothing more."""
        requests.check_request_id(request.request_id)
        group = ids.parse("group", request.group_id, 1)
        if group is None:
            raise Rejected("GROUP_UNKNOWN")
        key = RequestKey(NO_CAMPAIGN, caller(), "StopGroup", request.request_id, requests.body_hash(request))
        return pb2.StopGroupResponse.FromString(answer_of(await self._groups.stop(StopGroup(key, group[0]))))

    async def list(self, request: pb2.ListGroupsRequest) -> pb2.ListGroupsResponse:
        """List a team's groups."""
        campaign_id, team_id = team_of_request(request.team_id)
        async with self._database.read() as connection:
            if await store.find_team(connection, caller(), campaign_id, team_id) is None:
                raise Rejected("TEAM_UNKNOWN")
            groups = await store.list_groups(connection, caller(), campaign_id, team_id)
        return pb2.ListGroupsResponse(groups=map(_group, groups))

    def _problems(self, request: pb2.BindGroupRequest) -> Iterator[tuple[str, str | None]]:
        yield "language", language_problem(request.language)
        yield "time_zone", time_zone_problem(request.time_zone)
        yield "link", link_problem(self._http, request.link)


def _group(group: Group) -> pb2.Group:
    return pb2.Group(
        group_id=ids.opaque("group", group.group_id),
        channel=group.channel,
        member_id=group.member_id,
        bound_at=_stamp(group.bound_at),
        over_at=_stamp(group.over_at) if group.over_at else None,
        stopped=group.stopped,
    )


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp

"""The gRPC service Notification."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from groupbuy.notification.v1 import (
    captured_pb2,
    channels_pb2,
    chats_pb2,
    groups_pb2,
    messages_pb2,
    messaging_rules_pb2,
    replies_pb2,
    streaming_pb2,
    templates_pb2,
    timeline_pb2,
)
from groupbuy.notification.v1 import notification_service_pb2 as pb2
from groupbuy.notification.v1 import notification_service_pb2_grpc as pb2_grpc
from groupbuy.notification.v1 import platform_webhooks_pb2 as webhooks_pb2

from services.chassis import ids, pages, requests
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import Servicer, caller
from services.notification import store
from services.notification.channels import Channels
from services.notification.contacts import Contacts
from services.notification.domain import language_problem, member_id_problem, tags_problem
from services.notification.handlers import PutMember
from services.notification.paging import page_token, read_token
from services.notification.rpc.calls import Calls
from services.notification.rpc.channels import find_channel
from services.notification.rpc.reading import time_zone_problem
from services.notification.rpc.wishes import wishes_problems
from services.notification.store import Filter, Position
from services.notification.translate import member_of, wire_delivery, wire_member

NAME = "groupbuy.notification.v1.Notification"
MOST_POINTS = 10


class NotificationServicer(pb2_grpc.NotificationServicer):
    """Answers platforms."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channels: Channels,
        members: Coalescer[PutMember, bytes],
        contacts: Contacts,
        calls: Calls,
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._members = members
        self._contacts = contacts
        self._calls = calls

    async def PutMember(self, request: pb2.PutMemberRequest, _context: Any) -> pb2.PutMemberResponse:  # noqa: N802
        """Register how a member can be reached; INVALID_ARGUMENT, CHANNEL_UNKNOWN, REQUEST_ID_REUSED."""
        requests.check_request_id(request.request_id)
        self._check(request.member)
        member = member_of(request.member)
        key = RequestKey(NO_CAMPAIGN, caller(), "PutMember", request.request_id, requests.body_hash(request))
        await self._members.submit(PutMember(key, member))
        return pb2.PutMemberResponse(member=wire_member(member))

    async def GetMember(self, request: pb2.GetMemberRequest, _context: Any) -> pb2.GetMemberResponse:  # noqa: N802
        """Read how a member can be reached; MEMBER_UNKNOWN."""
        if member_id_problem(request.member_id):
            raise Rejected("MEMBER_UNKNOWN")
        async with self._database.read() as connection:
            member = await self._contacts.find_member(connection, caller(), request.member_id)
        if member is None:
            raise Rejected("MEMBER_UNKNOWN")
        return pb2.GetMemberResponse(member=wire_member(member))

    async def Unsubscribe(  # noqa: N802
        self, request: pb2.UnsubscribeRequest, _context: Any
    ) -> pb2.UnsubscribeResponse:
        """End what a member no longer wants; UNSUBSCRIBE_TOKEN_INVALID, MEMBER_UNKNOWN, GROUP_UNKNOWN."""
        return await self._calls.unsubscribing.unsubscribe(request)

    async def ReadReply(  # noqa: N802
        self, request: replies_pb2.ReadReplyRequest, _context: Any
    ) -> replies_pb2.ReadReplyResponse:
        """Do what a member or group has written back; INVALID_ARGUMENT, MEMBER_UNKNOWN, GROUP_UNKNOWN."""
        return await self._calls.unsubscribing.read_reply(request)

    async def PutMessagingRules(  # noqa: N802
        self, request: messaging_rules_pb2.PutMessagingRulesRequest, _context: Any
    ) -> messaging_rules_pb2.PutMessagingRulesResponse:
        """Set how long messages of a kind wait for each other; INVALID_ARGUMENT, REQUEST_ID_REUSED."""
        return await self._calls.rules.put(request)

    async def GetMessagingRules(  # noqa: N802
        self, _request: messaging_rules_pb2.GetMessagingRulesRequest, _context: Any
    ) -> messaging_rules_pb2.GetMessagingRulesResponse:
        """Read the messaging rules."""
        return await self._calls.rules.get()

    async def ListDeliveries(  # noqa: N802
        self, request: pb2.ListDeliveriesRequest, _context: Any
    ) -> pb2.ListDeliveriesResponse:
        """List deliveries, the newest first; INVALID_ARGUMENT, PAGE_TOKEN_INVALID."""
        wanted = _filter(request)
        size = pages.size(request.page_size)
        before = read_token(wanted, request.page_token)
        async with self._database.read() as connection:
            rows = await store.list_deliveries(connection, wanted, before, size + 1)
            shown = rows[:size]
            attempts = await store.find_attempts(connection, [(row.campaign_id, row.delivery_id) for row in shown])
        more = len(rows) > size
        return pb2.ListDeliveriesResponse(
            deliveries=[wire_delivery(row, attempts.get((row.campaign_id, row.delivery_id), [])) for row in shown],
            next_page_token=page_token(wanted, Position(shown[-1].created_at, shown[-1].delivery_id)) if more else "",
        )

    async def ListCaptured(  # noqa: N802
        self, request: captured_pb2.ListCapturedRequest, _context: Any
    ) -> captured_pb2.ListCapturedResponse:
        """List what a test platform would have sent; INVALID_ARGUMENT, PAGE_TOKEN_INVALID, SANDBOX_ONLY."""
        return await self._calls.captured.list(request)

    async def SendMessage(  # noqa: N802
        self, request: messages_pb2.SendMessageRequest, _context: Any
    ) -> messages_pb2.SendMessageResponse:
        """Send members a message in the platform's own words; INVALID_ARGUMENT, REQUEST_ID_REUSED."""
        return await self._calls.messages.send(request)

    async def RedriveDeliveries(  # noqa: N802
        self, request: messages_pb2.RedriveDeliveriesRequest, _context: Any
    ) -> messages_pb2.RedriveDeliveriesResponse:
        """Have deliveries tried again; INVALID_ARGUMENT, REQUEST_ID_REUSED."""
        return await self._calls.messages.redrive(request)

    async def GetMemberTimeline(  # noqa: N802
        self, request: timeline_pb2.GetMemberTimelineRequest, _context: Any
    ) -> timeline_pb2.GetMemberTimelineResponse:
        """Read what happened with a member; INVALID_ARGUMENT, MEMBER_UNKNOWN, PAGE_TOKEN_INVALID."""
        return await self._calls.timeline.read(request)

    async def NudgeTeam(  # noqa: N802
        self, request: messages_pb2.NudgeTeamRequest, _context: Any
    ) -> messages_pb2.NudgeTeamResponse:
        """Ask a team's members to share its link; TEAM_UNKNOWN, TEAM_ENDED, REQUEST_ID_REUSED."""
        return await self._calls.messages.nudge(request)

    async def RemindMember(  # noqa: N802
        self, request: messages_pb2.RemindMemberRequest, _context: Any
    ) -> messages_pb2.RemindMemberResponse:
        """Remind a member of a start; CAMPAIGN_UNKNOWN, CAMPAIGN_CANCELLED, CAMPAIGN_STATE, MEMBER_UNKNOWN."""
        return await self._calls.messages.remind(request)

    async def BindGroup(  # noqa: N802
        self, request: groups_pb2.BindGroupRequest, _context: Any
    ) -> groups_pb2.BindGroupResponse:
        """Bind a group chat to a team; INVALID_ARGUMENT, CHANNEL_UNKNOWN, TEAM_UNKNOWN, TEAM_ENDED, GROUP_LIMIT."""
        return await self._calls.groups.bind(request)

    async def StopGroup(  # noqa: N802
        self, request: groups_pb2.StopGroupRequest, _context: Any
    ) -> groups_pb2.StopGroupResponse:
        """Have a group told nothing more; GROUP_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.groups.stop(request)

    async def ListGroups(  # noqa: N802
        self, request: groups_pb2.ListGroupsRequest, _context: Any
    ) -> groups_pb2.ListGroupsResponse:
        """List a team's groups; TEAM_UNKNOWN."""
        return await self._calls.groups.list(request)

    async def PutChannel(  # noqa: N802
        self, request: channels_pb2.PutChannelRequest, _context: Any
    ) -> channels_pb2.PutChannelResponse:
        """Set a channel up; INVALID_ARGUMENT, CHANNEL_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.channels.put(request)

    async def DeleteChannel(  # noqa: N802
        self, request: channels_pb2.DeleteChannelRequest, _context: Any
    ) -> channels_pb2.DeleteChannelResponse:
        """Forget what was set up for a channel; INVALID_ARGUMENT, CHANNEL_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.channels.delete(request)

    async def ListChannels(  # noqa: N802
        self, _request: channels_pb2.ListChannelsRequest, _context: Any
    ) -> channels_pb2.ListChannelsResponse:
        """List the channels there are."""
        return await self._calls.channels.list()

    async def PutTemplate(  # noqa: N802
        self, request: templates_pb2.PutTemplateRequest, _context: Any
    ) -> templates_pb2.PutTemplateResponse:
        """Put a template; INVALID_ARGUMENT, CHANNEL_UNKNOWN, TEMPLATE_INVALID, REQUEST_ID_REUSED."""
        return await self._calls.templates.put(request)

    async def DeleteTemplate(  # noqa: N802
        self, request: templates_pb2.DeleteTemplateRequest, _context: Any
    ) -> templates_pb2.DeleteTemplateResponse:
        """Take a template out of use; INVALID_ARGUMENT, CHANNEL_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.templates.delete(request)

    async def ListTemplates(  # noqa: N802
        self, request: templates_pb2.ListTemplatesRequest, _context: Any
    ) -> templates_pb2.ListTemplatesResponse:
        """List the platform's own templates; INVALID_ARGUMENT, PAGE_TOKEN_INVALID."""
        return await self._calls.templates.list(request)

    async def PreviewTemplate(  # noqa: N802
        self, request: templates_pb2.PreviewTemplateRequest, _context: Any
    ) -> templates_pb2.PreviewTemplateResponse:
        """Show how a message reads; INVALID_ARGUMENT, CHANNEL_UNKNOWN, TEMPLATE_INVALID."""
        return await self._calls.templates.preview(request)

    async def PutWebhookEndpoint(  # noqa: N802
        self, request: webhooks_pb2.PutWebhookEndpointRequest, _context: Any
    ) -> webhooks_pb2.PutWebhookEndpointResponse:
        """Register or change an endpoint; INVALID_ARGUMENT, WEBHOOK_ENDPOINT_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.webhooks.put(request)

    async def DeleteWebhookEndpoint(  # noqa: N802
        self, request: webhooks_pb2.DeleteWebhookEndpointRequest, _context: Any
    ) -> webhooks_pb2.DeleteWebhookEndpointResponse:
        """Forget an endpoint; INVALID_ARGUMENT, WEBHOOK_ENDPOINT_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.webhooks.delete(request)

    async def RotateWebhookSecret(  # noqa: N802
        self, request: webhooks_pb2.RotateWebhookSecretRequest, _context: Any
    ) -> webhooks_pb2.RotateWebhookSecretResponse:
        """Give an endpoint a new secret; INVALID_ARGUMENT, WEBHOOK_ENDPOINT_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.webhooks.rotate(request)

    async def SendTestEvent(  # noqa: N802
        self, request: webhooks_pb2.SendTestEventRequest, _context: Any
    ) -> webhooks_pb2.SendTestEventResponse:
        """Post a test event now; WEBHOOK_ENDPOINT_UNKNOWN."""
        return await self._calls.webhooks.test(request)

    async def ListWebhookAttempts(  # noqa: N802
        self, request: webhooks_pb2.ListWebhookAttemptsRequest, _context: Any
    ) -> webhooks_pb2.ListWebhookAttemptsResponse:
        """List posts; INVALID_ARGUMENT, WEBHOOK_ENDPOINT_UNKNOWN, PAGE_TOKEN_INVALID."""
        return await self._calls.webhooks.attempts(request)

    async def RedriveWebhooks(  # noqa: N802
        self, request: webhooks_pb2.RedriveWebhooksRequest, _context: Any
    ) -> webhooks_pb2.RedriveWebhooksResponse:
        """Tell again; INVALID_ARGUMENT, WEBHOOK_ENDPOINT_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.webhooks.redrive(request)

    async def ListWebhookEndpoints(  # noqa: N802
        self, _request: webhooks_pb2.ListWebhookEndpointsRequest, _context: Any
    ) -> webhooks_pb2.ListWebhookEndpointsResponse:
        """List the platform's endpoints."""
        return await self._calls.webhooks.list()

    async def MakeChatCode(  # noqa: N802
        self, request: chats_pb2.MakeChatCodeRequest, _context: Any
    ) -> chats_pb2.MakeChatCodeResponse:
        """Make a code by which a member binds a chat; MEMBER_UNKNOWN."""
        return await self._calls.chats.make_code(request)

    async def ListChats(self, request: chats_pb2.ListChatsRequest, _context: Any) -> chats_pb2.ListChatsResponse:  # noqa: N802
        """List a member's chats; MEMBER_UNKNOWN."""
        return await self._calls.chats.list(request)

    async def UnbindChat(self, request: chats_pb2.UnbindChatRequest, _context: Any) -> chats_pb2.UnbindChatResponse:  # noqa: N802
        """Forget a chat; CHAT_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.chats.unbind(request)

    async def ListMemberMessages(  # noqa: N802
        self, request: chats_pb2.ListMemberMessagesRequest, _context: Any
    ) -> chats_pb2.ListMemberMessagesResponse:
        """List what members wrote; INVALID_ARGUMENT, PAGE_TOKEN_INVALID."""
        return await self._calls.chats.list_messages(request)

    async def ReplyToMember(  # noqa: N802
        self, request: chats_pb2.ReplyToMemberRequest, _context: Any
    ) -> chats_pb2.ReplyToMemberResponse:
        """Answer a member; INVALID_ARGUMENT, MEMBER_MESSAGE_UNKNOWN, CHAT_GONE, CHAT_WINDOW_OVER, REQUEST_ID_REUSED."""
        return await self._calls.chats.reply(request)

    async def EraseMemberMessages(  # noqa: N802
        self, request: chats_pb2.EraseMemberMessagesRequest, _context: Any
    ) -> chats_pb2.EraseMemberMessagesResponse:
        """Forget what a member wrote; MEMBER_UNKNOWN, REQUEST_ID_REUSED."""
        return await self._calls.chats.erase(request)

    def StreamEvents(  # noqa: N802
        self, request: streaming_pb2.StreamEventsRequest, _context: Any
    ) -> AsyncIterator[streaming_pb2.StreamEventsResponse]:
        """Stream what happens on the platform; INVALID_ARGUMENT, CURSOR_EXPIRED."""
        return self._calls.streams.stream(request)

    def _check(self, member: pb2.Member) -> None:
        """Refuse a member with every field that is wrong, or the first channel that does not exist."""
        points = [(item.channel, item.address) for item in member.contact_points]
        found = {
            "member.member_id": member_id_problem(member.member_id),
            "member.language": language_problem(member.language),
            "member.time_zone": time_zone_problem(member.time_zone),
            "member.contact_points": _points_problem(points),
        }
        for at, (name, address) in enumerate(points[:MOST_POINTS]):
            channel = find_channel(self._channels, name)
            found[f"member.contact_points[{at}].address"] = channel.check(address)
        found["member.tags"] = tags_problem(member.tags)
        wishes = wishes_problems(member, self._clock.now(caller()))
        found |= {field: problem for field, problem in wishes.items() if problem}
        violations = tuple(FieldViolation(field, problem) for field, problem in found.items() if problem)
        if violations:
            raise Rejected("INVALID_ARGUMENT", fields=violations)


def _points_problem(points: Sequence[tuple[str, str]]) -> str | None:
    if len(points) > MOST_POINTS:
        return f"must be at most {MOST_POINTS}"
    if len(set(points)) < len(points):
        return "must not name the same address twice"
    return None


def _filter(request: pb2.ListDeliveriesRequest) -> Filter:
    campaign_id, team_id = None, None
    if request.team_id:
        found = ids.parse("team", request.team_id, 2)
        if found is None:
            raise invalid("team_id", "is not a team's id; it looks like team_... and comes from OpenTeam")
        campaign_id, team_id = found
    if request.member_id and (problem := member_id_problem(request.member_id)):
        raise invalid("member_id", problem)
    seat_id = None
    if request.seat_id:
        campaign_id, seat_id = _seat(request, campaign_id)
    return Filter(caller(), campaign_id, team_id, request.member_id or None, seat_id)


def _seat(request: pb2.ListDeliveriesRequest, campaign_id: UUID | None) -> tuple[UUID, UUID]:
    """Read campaign and seat; without a team or member, every message of the campaign would have to be looked at."""
    found = ids.parse("seat", request.seat_id, 2)
    if found is None:
        raise invalid("seat_id", "is not a seat's id; it looks like seat_... and comes from JoinTeam")
    if not (request.team_id or request.member_id):
        raise invalid("seat_id", "say the seat's team_id or member_id too")
    if campaign_id and found[0] != campaign_id:
        raise invalid("seat_id", "is a seat of another campaign than the team")
    return found[0], found[1]


def servicer(implementation: NotificationServicer) -> Servicer:
    """Name the service for the server."""
    return Servicer(NAME, implementation, pb2_grpc.add_NotificationServicer_to_server)

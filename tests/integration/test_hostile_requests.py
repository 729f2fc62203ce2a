"""Every RPC with hostile input: whatever is sent, the answer is the engine's own, and nothing breaks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.notification.v1 import (
    channels_pb2,
    chats_pb2,
    events_pb2,
    groups_pb2,
    messages_pb2,
    messaging_rules_pb2,
    notification_internal_pb2,
    notification_service_pb2,
    replies_pb2,
    streaming_pb2,
    templates_pb2,
    timeline_pb2,
)
from groupbuy.notification.v1 import platform_webhooks_pb2 as webhooks_pb2
from groupbuy.pricing.v1 import (
    deliveries_pb2,
    demand_pb2,
    explanations_pb2,
    ladder_pb2,
    pricing_internal_pb2,
    pricing_service_pb2,
    quotes_pb2,
    settlements_pb2,
    simulation_pb2,
)
from groupbuy.pricing.v1 import events_pb2 as pricing_events_pb2
from groupbuy.team_formation.v1 import (
    chat_apps_pb2,
    handover_pb2,
    history_pb2,
    member_links_pb2,
    promoter_links_pb2,
    reports_pb2,
    sharing_pb2,
    team_formation_internal_pb2,
    team_formation_service_pb2,
    types_pb2,
    wechat_files_pb2,
)
from grpc_status import rpc_status

from deploy.check.runner import check_databases
from services.chassis import ids
from services.chassis.reasons import reasons
from services.team_formation.handover import HandoverTokens
from services.team_formation.translate import time
from tests.support.database import Database
from tests.support.engine import FILES, KEY, SERVICE_KEY, Engine, an_engine, served
from tests.support.formation import PLATFORM, PUBLIC_URL, START
from tests.support.handing_over import a_handover
from tests.support.hostile import Damager
from tests.support.quoting import ring

CALLS = 4000
AT_ONCE = 25
SEED = 20261121
MOST_BYTES = 4 * 1024 * 1024
"""Of a request: what gRPC takes where nothing else is said."""
WATCH_SECONDS = 0.2
ANSWERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
}


@dataclass
class Server:
    """Calls any RPC by its descriptor."""

    engine: Engine
    channels: dict[str, grpc.aio.Channel]
    numbers: Counter[str] = field(default_factory=Counter)

    async def call(self, method: MethodDescriptor, body: bytes) -> Any:
        """Send bytes as a request; the answer."""
        service = method.containing_service.full_name
        key = SERVICE_KEY if service.endswith("Internal") else KEY
        metadata = (("authorization", f"Bearer {key}"),)
        path = f"/{service}/{method.name}"
        read = GetMessageClass(method.output_type).FromString
        channel: Any = self.channels[service]
        if method.server_streaming:
            stream = channel.unary_stream(path, response_deserializer=read)
            return await stream(body, metadata=metadata, timeout=WATCH_SECONDS).read()
        unary = channel.unary_unary(path, response_deserializer=read)
        return await unary(body, metadata=metadata, timeout=30)


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    async with an_engine(database) as engine, served(engine) as channels:
        yield Server(engine, channels)


def methods() -> list[MethodDescriptor]:
    """List every RPC of the three services."""
    return [
        method
        for module in FILES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def money(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency="EUR")


def a_ladder() -> ladder_pb2.Ladder:
    tiers = [
        ladder_pb2.Tier(threshold=2, discounts=[ladder_pb2.Discount(fixed_price=3490)]),
        ladder_pb2.Tier(threshold=3, discounts=[ladder_pb2.Discount(basis_points_off=2500, sku="mango")]),
    ]
    return ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=tiers)


def a_campaign() -> team_formation_service_pb2.CreateCampaignRequest:
    request = team_formation_service_pb2.CreateCampaignRequest(
        merchant_id="merchant-7",
        external_ref="c-1",
        starts_at=time(START),
        ends_at=time(START.replace(year=START.year + 1)),
        currency="EUR",
        items=[types_pb2.Item(sku="mango", list_price=money(3990))],
        ladder=a_ladder(),
        rules=types_pb2.Rules(payment_mode=types_pb2.PAYMENT_MODE_PREPAID, minimum=2, maximum=1_000_000),
        presentation=types_pb2.Presentation(
            texts=[types_pb2.LocalizedText(language="en", title="Mangoes", terms="As they come.")],
            image_url="https://shop.example/mango.jpg",
            seller="Fruit Shop",
            checkout_url="https://shop.example/pay",
            time_zone="Asia/Shanghai",
        ),
    )
    request.rules.hold_lifetime.FromSeconds(600)
    request.rules.team_lifetime.FromSeconds(3600)
    return request


async def good_requests(server: Server) -> tuple[dict[str, Message], list[str]]:
    """Give a good request for every RPC, and the ids that exist."""
    tf = team_formation_service_pb2
    rpcs = {method.full_name: method for method in methods()}

    async def ask(name: str, request: Any) -> Any:
        request.request_id = f"good-{name}-{request.ByteSize()}"
        method = rpcs[f"groupbuy.team_formation.v1.TeamFormation.{name}"]
        return await server.call(method, request.SerializeToString())

    create = a_campaign()
    campaign = (await ask("CreateCampaign", create)).campaign
    opening = tf.OpenTeamRequest(
        campaign_id=campaign.campaign_id,
        member_id="mei",
        sku="mango",
        quantity=1,
        max_unit_price=money(3990),
        external_ref="t-1",
    )
    opened = await ask("OpenTeam", opening)
    seat = opened.seat.seat_id
    inviting = tf.CreateInviteRequest(
        team_id=opened.team.team_id, member_id="mei", channel="wechat", label="family", note="Come!"
    )
    invite = (await ask("CreateInvite", inviting)).invite
    joining = tf.JoinTeamRequest(
        invite_code=invite.code, member_id="tom", sku="mango", quantity=1, max_unit_price=money(3990)
    )
    confirming = tf.ConfirmSeatRequest(seat_id=seat, amount=money(3990), payment_reference="pay-1")
    await ask("JoinTeam", joining)
    await ask("ConfirmSeat", confirming)
    await server.engine.carry()
    quoting = quotes_pb2.GetQuoteRequest(
        campaign_id=campaign.campaign_id,
        member_id="mei",
        sku="mango",
        quantity=1,
        coupon=quotes_pb2.Coupon(basis_points_off=500, code="SPRING"),
    )
    quoting.request_id = "good-GetQuote"
    quoting.lifetime.FromSeconds(600)
    quoted = await server.call(rpcs["groupbuy.pricing.v1.Pricing.GetQuote"], quoting.SerializeToString())
    opening.signed_quote = quoted.signed_quote
    quoting.team_id = opened.team.team_id
    platform = ids.opaque("plat", PLATFORM)
    clock = server.engine.formation.clock
    handed = HandoverTokens(ring(), PUBLIC_URL).mint(PLATFORM, a_handover(), clock.now())
    team = opened.team.team_id
    endpoint = ids.opaque("hook", PLATFORM)
    internal, nt, pr = team_formation_internal_pb2, notification_service_pb2, pricing_service_pb2
    good: list[Message] = [
        create,
        opening,
        inviting,
        joining,
        confirming,
        tf.GetCampaignRequest(campaign_id=campaign.campaign_id),
        tf.RevokeInviteRequest(invite_id=invite.invite_id),
        tf.ResolveInviteRequest(code=invite.code),
        tf.LeaveTeamRequest(seat_id=seat),
        tf.GetTeamRequest(team_id=team),
        tf.GetSeatRequest(seat_id=seat),
        tf.ListSeatsRequest(team_id=team, page_size=1),
        history_pb2.ListSeatEventsRequest(seat_id=seat, page_size=1),
        tf.WatchTeamRequest(team_id=team),
        handover_pb2.VerifyHandoverRequest(token=handed),
        chat_apps_pb2.PutChatAppRequest(
            service="slack", name="shop", secrets={"signing_secrets": chat_apps_pb2.ChatSecret(values=["f" * 32])}
        ),
        chat_apps_pb2.ListChatAppsRequest(),
        member_links_pb2.GetMemberLinkRequest(seat_id=seat),
        member_links_pb2.RevokeMemberLinkRequest(seat_id=seat),
        promoter_links_pb2.GetPromoterLinkRequest(promoter_id="nora"),
        promoter_links_pb2.RevokePromoterLinkRequest(promoter_id="nora"),
        chat_apps_pb2.DeleteChatAppRequest(service="slack", name="shop"),
        wechat_files_pb2.PutWeChatFileRequest(name="MP_verify_A1b2C3d4E5f6G7h8.txt", content="A1b2C3d4E5f6G7h8"),
        wechat_files_pb2.ListWeChatFilesRequest(),
        wechat_files_pb2.DeleteWeChatFileRequest(name="MP_verify_A1b2C3d4E5f6G7h8.txt"),
        *more_good_requests(campaign.campaign_id, team, seat, invite.invite_id, invite.code, joining),
        internal.CreatePlatformRequest(name="shop"),
        internal.CreateKeyRequest(platform_id=platform),
        internal.ListPlatformsRequest(),
        internal.ListTeamEventsRequest(platform_id=platform, team_id=team, before_version=9),
        internal.ListMemberLinksRequest(seats=[internal.SeatOfPlatform(platform_id=platform, seat_id=seat)]),
        pricing_internal_pb2.CompileLadderRequest(
            platform_id=platform,
            currency="EUR",
            list_prices=[ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
            ladder=a_ladder(),
            ladder_version=1,
        ),
        pr.GetPriceRequest(team_id=team),
        pr.ExplainPriceRequest(seat_id=seat),
        pr.GetSettlementRequest(team_id=team, page_size=1),
        explanations_pb2.ListPriceChangesRequest(team_id=team, page_size=1),
        pr.GetTallyRequest(campaign_id=campaign.campaign_id, seq=1),
        demand_pb2.GetDemandRequest(campaign_id=campaign.campaign_id, missing_units=3),
        demand_pb2.WatchDemandRequest(campaign_id=campaign.campaign_id, missing_units=3),
        quoting,
        quotes_pb2.ListQuoteKeysRequest(),
        pricing_internal_pb2.PricingInternalListQuoteKeysRequest(),
        pricing_internal_pb2.SumCommissionsRequest(
            platform_id=platform, promoter_id="nora", campaign_ids=[campaign.campaign_id]
        ),
        simulation_pb2.SimulateLadderRequest(
            currency="EUR",
            list_prices=[ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
            ladder=a_ladder(),
            unit_costs=[simulation_pb2.UnitCost(sku="mango", unit_cost=1000)],
            max_fill=20,
            units_per_seat=1,
            minimum=2,
        ),
        deliveries_pb2.ReportDeliveryRequest(
            seat_id=seat,
            outcome=deliveries_pb2.DELIVERY_OUTCOME_ACCEPTED_IN_PART,
            reason=deliveries_pb2.REFUSAL_REASON_DAMAGED,
            accepted_units=1,
        ),
        settlements_pb2.ReportSettlementRequest(
            reports=[
                settlements_pb2.LineReport(
                    line_id="6f9619ff-8b86-d011-b42d-00cf4fc964ff",
                    kind=pricing_events_pb2.REPORT_KIND_REFUNDED,
                    amount=money(500),
                    reference="re-1",
                )
            ]
        ),
        settlements_pb2.ListSettlementsRequest(
            campaign_id=campaign.campaign_id,
            merchant_id="merchant-7",
            state=pricing_events_pb2.LINE_STATE_OPEN,
            updated_since=time(START),
            page_size=1,
        ),
        settlements_pb2.StreamSettlementsRequest(cursor="abc"),
        settlements_pb2.ListBeneficiaryLinesRequest(
            merchant_id="merchant-7", beneficiary_id="nora", campaign_id=campaign.campaign_id, page_size=1
        ),
        settlements_pb2.GetMerchantRecordRequest(
            merchant_id="merchant-7", since=time(START), until=time(START.replace(year=START.year + 1))
        ),
        nt.PutMemberRequest(
            member=nt.Member(
                member_id="mei",
                language="en",
                time_zone="Asia/Shanghai",
                contact_points=[
                    nt.ContactPoint(
                        channel="email", address="mei@example.com", consent=nt.Consent(source="form", at=time(START))
                    )
                ],
                quiet_hours=nt.QuietHours(starts="22:00", ends="08:00"),
                muted=[events_pb2.MESSAGE_KIND_PRICE_FELL],
                promotions=True,
            )
        ),
        nt.GetMemberRequest(member_id="mei"),
        nt.UnsubscribeRequest(token="abc"),
        messaging_rules_pb2.PutMessagingRulesRequest(
            rules=messaging_rules_pb2.MessagingRules(
                windows=[messaging_rules_pb2.MessagingWindow(kind=events_pb2.MESSAGE_KIND_TIPPED, seconds=600)]
            )
        ),
        messaging_rules_pb2.GetMessagingRulesRequest(),
        channels_pb2.PutChannelRequest(channel="email"),
        channels_pb2.DeleteChannelRequest(channel="email"),
        channels_pb2.ListChannelsRequest(),
        templates_pb2.PutTemplateRequest(
            kind=events_pb2.MESSAGE_KIND_PRICE_FELL,
            language="en",
            subject="{{ title }}",
            body="Now {{ now|amount }}.",
        ),
        templates_pb2.DeleteTemplateRequest(kind=events_pb2.MESSAGE_KIND_PRICE_FELL, language="en"),
        templates_pb2.ListTemplatesRequest(page_size=1),
        templates_pb2.PreviewTemplateRequest(kind=events_pb2.MESSAGE_KIND_PRICE_FELL, language="en"),
        nt.ListDeliveriesRequest(team_id=team, member_id="mei", page_size=1),
        messages_pb2.SendMessageRequest(
            kind=events_pb2.MESSAGE_KIND_PERSONAL,
            member_ids=["mei"],
            texts=[
                messages_pb2.MessageText(
                    language="en", subject="Hi", body="There.", link="https://shop.example/x", link_label="Look"
                )
            ],
        ),
        messages_pb2.NudgeTeamRequest(team_id=team),
        replies_pb2.ReadReplyRequest(member_id="mei", text="hello"),
        groups_pb2.BindGroupRequest(
            team_id=team,
            channel="console",
            address="a chat",
            language="en",
            time_zone="Europe/Berlin",
            link="https://shop.example/i/x",
        ),
        groups_pb2.StopGroupRequest(group_id=ids.opaque("group", PLATFORM)),
        groups_pb2.ListGroupsRequest(team_id=team),
        messages_pb2.RemindMemberRequest(campaign_id=campaign.campaign_id, member_id="mei"),
        messages_pb2.RedriveDeliveriesRequest(
            states=[events_pb2.DELIVERY_STATE_DEAD],
            kinds=[events_pb2.MESSAGE_KIND_JOINED],
            since=time(START),
            until=time(START.replace(year=START.year + 1)),
            team_id=team,
            member_id="mei",
        ),
        timeline_pb2.GetMemberTimelineRequest(member_id="mei", page_size=1),
        webhooks_pb2.PutWebhookEndpointRequest(
            endpoint=webhooks_pb2.WebhookEndpoint(url="https://shop.example/in", types=["team.*"], in_order=True)
        ),
        webhooks_pb2.DeleteWebhookEndpointRequest(endpoint_id=endpoint),
        webhooks_pb2.ListWebhookEndpointsRequest(),
        webhooks_pb2.RotateWebhookSecretRequest(endpoint_id=endpoint, old_valid_seconds=60),
        webhooks_pb2.SendTestEventRequest(endpoint_id=endpoint),
        webhooks_pb2.ListWebhookAttemptsRequest(endpoint_id=endpoint, failed_only=True, page_size=1),
        webhooks_pb2.RedriveWebhooksRequest(
            endpoint_id=endpoint, types=["team.*"], since=time(START), until=time(START.replace(year=START.year + 1))
        ),
        streaming_pb2.StreamEventsRequest(cursor="abc", types=["team.*"]),
        notification_internal_pb2.GetWeChatTicketRequest(platform_id=platform),
        notification_internal_pb2.AnswerChatRequest(
            platform_id=platform,
            way="telegram",
            values={"chat_id": "123", "message_id": "4"},
            cards=[
                notification_internal_pb2.ChatCard(
                    url="https://shop.example/i/x",
                    title="Mangoes",
                    lines=["EUR 34.90", "3 of 5"],
                    button_label="Join",
                    button_url="https://shop.example/i/x",
                    picture_url="https://shop.example/mango.jpg",
                    footer="As they come.",
                )
            ],
            text="There is no such team.",
            language="en",
            is_private=True,
        ),
        notification_internal_pb2.GetMessageSwitchRequest(platform_id=platform, member_id="mei"),
        notification_internal_pb2.SetMessageSwitchRequest(platform_id=platform, member_id="mei", on=True),
        *good_requests_of_chats(platform, seat),
    ]
    words = [campaign.campaign_id, team, seat, invite.invite_id, invite.code, platform, "mei", "tom", "mango"]
    return {request.DESCRIPTOR.full_name: request for request in good}, words


def good_requests_of_chats(platform: str, seat: str) -> list[Message]:
    """Give a good request for every RPC about chats of members and what they write."""
    own, nobodys = notification_internal_pb2, PLATFORM
    return [
        chats_pb2.MakeChatCodeRequest(member_id="mei"),
        chats_pb2.ListChatsRequest(member_id="mei"),
        chats_pb2.UnbindChatRequest(chat_id=ids.opaque("chat", nobodys)),
        chats_pb2.ListMemberMessagesRequest(member_id="mei", page_size=1),
        chats_pb2.ReplyToMemberRequest(message_id=ids.opaque("message", nobodys), text="On Friday."),
        chats_pb2.EraseMemberMessagesRequest(member_id="mei"),
        own.HearChatRequest(
            platform_id=platform,
            event_key="e1",
            service="telegram",
            address="4711",
            act=own.CHAT_ACT_WROTE,
            code="2345678923",
            text="Is it ripe?",
            language="en",
            happened_at=time(START),
            is_signed=True,
        ),
        own.AskSellerRequest(platform_id=platform, event_key="e2", member_id="mei", seat_id=seat, text="Is it ripe?"),
        own.GetConversationRequest(platform_id=platform, member_id="mei", seat_id=seat),
        own.MakeMemberChatCodeRequest(platform_id=platform, member_id="mei", seat_id=seat),
        own.EndMemberChatsRequest(platform_id=platform, member_id="mei", seat_id=seat),
    ]


def more_good_requests(
    campaign: str, team: str, seat: str, invite: str, code: str, joining: team_formation_service_pb2.JoinTeamRequest
) -> list[Message]:
    """Give a good request for every RPC that changes or lists campaigns, ends things, shares or reports."""
    tf = team_formation_service_pb2
    update = tf.UpdateCampaignRequest(campaign_id=campaign, version=1, actor="ann")
    update.fields.CopyFrom(tf.CampaignFields(external_ref="c-2", rules=a_campaign().rules, ladder=a_ladder()))
    update.update_mask.FromJsonString("externalRef,rules,ladder")
    direct = tf.DirectCampaignRequest(campaign_id=campaign, actor="ann")
    direct.release_units.CopyFrom(tf.ReleaseUnits(sku="mango", units=3))
    named = (tf.PublishCampaignRequest, tf.PauseCampaignRequest, tf.ResumeCampaignRequest)
    return [
        update,
        direct,
        *(request(campaign_id=campaign, actor="ann") for request in named),
        tf.CancelCampaignRequest(campaign_id=campaign, actor="ann", reason="No more mangoes."),
        tf.ListCampaignsRequest(
            page_size=1, merchant_id="merchant-7", external_ref="c-1", states=[types_pb2.CAMPAIGN_STATE_RUNNING]
        ),
        tf.ListCampaignChangesRequest(campaign_id=campaign, page_size=1),
        tf.WatchCampaignRequest(campaign_id=campaign),
        tf.JoinTeamsRequest(joins=[joining, joining]),
        tf.FindTeamRequest(campaign_id=campaign, quantity=1, member_id="tom"),
        tf.ListTeamsRequest(
            campaign_id=campaign, page_size=1, states=[types_pb2.TEAM_STATE_FORMING], opener_member_id="mei"
        ),
        tf.CancelTeamRequest(team_id=team, reason="No more mangoes."),
        tf.SponsorTeamRequest(team_id=team, sku="mango", places=1),
        tf.ExtendHoldRequest(seat_id=seat),
        tf.DefaultSeatRequest(seat_id=seat, reason="The card was refused."),
        tf.GetInviteRequest(invite_id=invite),
        tf.ListInvitesRequest(campaign_id=campaign, page_size=1, team_id=team, channel="wechat"),
        tf.GetShareLinksRequest(invite_id=invite, channels=["wechat"], language="en"),
        tf.GetInviteQrRequest(invite_id=invite, scale=2),
        tf.ResolveShareTextRequest(text=f"Look: https://shop.example/i/{code}!"),
        tf.PutShareTemplateRequest(
            template=sharing_pb2.ShareTemplate(channel="sms", url="sms:?body={text}", text="{title} {link}")
        ),
        tf.ListShareTemplatesRequest(),
        tf.RecordInviteOpensRequest(opens=[sharing_pb2.InviteOpens(code=code, opened=3)]),
        tf.GetPromoterReportRequest(campaign_id=campaign, promoter_id="promoter-1"),
        tf.GetCampaignReportRequest(campaign_id=campaign, by=reports_pb2.REPORT_BY_CHANNEL),
        tf.GetMemberReportRequest(campaign_id=campaign, member_id="mei", page_size=1),
        tf.GetInviteReportRequest(invite_id=invite),
    ]


async def problem(server: Server, method: MethodDescriptor, body: bytes, shown: object) -> str | None:
    """Make a call; say what is wrong with its answer, if anything is."""
    try:
        await server.call(method, body)
    except grpc.aio.AioRpcError as error:
        if method.server_streaming and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None
        if len(body) > MOST_BYTES and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return None  # gRPC itself refuses it, before any of ours sees it
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
        info = error_details_pb2.ErrorInfo()
        for detail in status.details if status else ():
            detail.Unpack(info)
        if error.code() not in ANSWERS or info.reason not in reasons():
            return f"{method.full_name} answers {error.code().name} {error.details()!r:.300} to {shown!s:.600}"
    return None


async def test_every_rpc_has_an_answer_of_its_own_for_hostile_input(server: Server) -> None:
    good, words = await good_requests(server)
    rpcs = methods()
    assert set(good) == {method.input_type.full_name for method in rpcs}
    damager = Damager(SEED, words)
    room = asyncio.Semaphore(AT_ONCE)

    async def hostile(number: int) -> str | None:
        method = rpcs[number % len(rpcs)]
        request: Any = damager.damaged(good[method.input_type.full_name])
        if "request_id" in method.input_type.fields_by_name:
            request.request_id = f"hostile-{number if number % 7 else 0}"
        async with room:
            return await problem(server, method, request.SerializeToString(), request)

    found = await asyncio.gather(*(hostile(number) for number in range(CALLS)))
    assert not [item for item in found if item]
    await server.engine.carry()
    results = await check_databases(server.engine.urls, now=server.engine.formation.clock.now())
    assert not [result for result in results if result.violations]


async def test_bytes_that_are_no_request_are_answered_too(server: Server) -> None:
    good, words = await good_requests(server)
    damager = Damager(SEED + 1, words)
    room = asyncio.Semaphore(AT_ONCE)

    async def broken(method: MethodDescriptor) -> str | None:
        body = damager.cut(good[method.input_type.full_name])
        async with room:
            return await problem(server, method, body, body)

    found = await asyncio.gather(*(broken(method) for method in methods() * 20))
    assert not [item for item in found if item]

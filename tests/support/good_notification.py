"""A good request for every RPC of notification."""

from google.protobuf.message import Message
from groupbuy.notification.v1 import (
    captured_pb2,
    channels_pb2,
    chats_pb2,
    events_pb2,
    groups_pb2,
    messages_pb2,
    messaging_rules_pb2,
    notification_internal_pb2,
    notification_service_pb2,
    platform_webhooks_pb2,
    replies_pb2,
    streaming_pb2,
    templates_pb2,
    timeline_pb2,
)

from services.chassis import ids
from services.team_formation.translate import time
from tests.support.formation import START
from tests.support.shops import Standing

_END = START.replace(year=START.year + 1)
nt = notification_service_pb2


def requests_of_notification(there: Standing) -> list[Message]:
    """Give a good request for every RPC of notification, in no order."""
    parts = (_of_members, _of_platforms, _of_messages, _of_groups, _of_webhooks, _of_chats, _inner, _inner_of_chats)
    return [request for part in parts for request in part(there)]


def _of_members(there: Standing) -> list[Message]:
    mei = there.shop.own("mei")
    member = nt.Member(
        member_id=mei,
        language="en",
        time_zone="Asia/Shanghai",
        contact_points=[
            nt.ContactPoint(
                channel="email",
                address=f"mei{there.shop.mark}@example.com",
                consent=nt.Consent(source="form", at=time(START)),
            )
        ],
        quiet_hours=nt.QuietHours(starts="22:00", ends="08:00"),
        muted=[events_pb2.MESSAGE_KIND_PRICE_FELL],
        promotions=True,
    )
    return [
        nt.PutMemberRequest(member=member),
        nt.GetMemberRequest(member_id=mei),
        nt.UnsubscribeRequest(token="abc"),
        timeline_pb2.GetMemberTimelineRequest(member_id=mei, page_size=1),
    ]


def _of_platforms(there: Standing) -> list[Message]:
    rules, fell = messaging_rules_pb2, events_pb2.MESSAGE_KIND_PRICE_FELL
    window = rules.MessagingWindow(kind=events_pb2.MESSAGE_KIND_TIPPED, seconds=600)
    return [
        rules.PutMessagingRulesRequest(rules=rules.MessagingRules(windows=[window])),
        rules.GetMessagingRulesRequest(),
        channels_pb2.PutChannelRequest(channel="email"),
        channels_pb2.DeleteChannelRequest(channel="email"),
        channels_pb2.ListChannelsRequest(),
        templates_pb2.PutTemplateRequest(
            kind=fell, language="en", subject="{{ title }}", body=there.shop.own("Now {{ now|amount }}.")
        ),
        templates_pb2.DeleteTemplateRequest(kind=fell, language="en"),
        templates_pb2.ListTemplatesRequest(page_size=1),
        templates_pb2.PreviewTemplateRequest(kind=fell, language="en"),
    ]


def _of_messages(there: Standing) -> list[Message]:
    mei = there.shop.own("mei")
    text = messages_pb2.MessageText(
        language="en",
        subject="Hi",
        body=there.shop.own("There."),
        link="https://shop.example/x",
        link_label="Look",
    )
    return [
        captured_pb2.ListCapturedRequest(team_id=there.team, member_id=mei, page_size=1),
        nt.ListDeliveriesRequest(team_id=there.team, member_id=mei, page_size=1),
        messages_pb2.SendMessageRequest(kind=events_pb2.MESSAGE_KIND_PERSONAL, member_ids=[mei], texts=[text]),
        messages_pb2.NudgeTeamRequest(team_id=there.team),
        replies_pb2.ReadReplyRequest(member_id=mei, text=there.shop.own("hello")),
        messages_pb2.RemindMemberRequest(campaign_id=there.campaign, member_id=mei),
        messages_pb2.RedriveDeliveriesRequest(
            states=[events_pb2.DELIVERY_STATE_DEAD],
            kinds=[events_pb2.MESSAGE_KIND_JOINED],
            since=time(START),
            until=time(_END),
            team_id=there.team,
            member_id=mei,
        ),
    ]


def _of_groups(there: Standing) -> list[Message]:
    return [
        groups_pb2.BindGroupRequest(
            team_id=there.team,
            channel="console",
            address=there.shop.own("a chat"),
            language="en",
            time_zone="Europe/Berlin",
            link="https://shop.example/i/x",
        ),
        groups_pb2.StopGroupRequest(group_id=ids.opaque("group", there.shop.platform)),
        groups_pb2.ListGroupsRequest(team_id=there.team),
    ]


def _of_webhooks(there: Standing) -> list[Message]:
    endpoint, wh = ids.opaque("hook", there.shop.platform), platform_webhooks_pb2
    url = f"https://shop.example/in{there.shop.mark}"
    return [
        wh.PutWebhookEndpointRequest(endpoint=wh.WebhookEndpoint(url=url, types=["team.*"], in_order=True)),
        wh.DeleteWebhookEndpointRequest(endpoint_id=endpoint),
        wh.ListWebhookEndpointsRequest(),
        wh.RotateWebhookSecretRequest(endpoint_id=endpoint, old_valid_seconds=60),
        wh.SendTestEventRequest(endpoint_id=endpoint),
        wh.ListWebhookAttemptsRequest(endpoint_id=endpoint, failed_only=True, page_size=1),
        wh.RedriveWebhooksRequest(endpoint_id=endpoint, types=["team.*"], since=time(START), until=time(_END)),
        streaming_pb2.StreamEventsRequest(cursor="abc", types=["team.*"]),
    ]


def _of_chats(there: Standing) -> list[Message]:
    mei, nobodys = there.shop.own("mei"), there.shop.platform
    return [
        chats_pb2.MakeChatCodeRequest(member_id=mei),
        chats_pb2.ListChatsRequest(member_id=mei),
        chats_pb2.UnbindChatRequest(chat_id=ids.opaque("chat", nobodys)),
        chats_pb2.ListMemberMessagesRequest(member_id=mei, page_size=1),
        chats_pb2.ReplyToMemberRequest(message_id=ids.opaque("message", nobodys), text=there.shop.own("On Friday.")),
        chats_pb2.EraseMemberMessagesRequest(member_id=mei),
    ]


def _inner(there: Standing) -> list[Message]:
    own, mei = notification_internal_pb2, there.shop.own("mei")
    card = own.ChatCard(
        url="https://shop.example/i/x",
        title="Mangoes",
        lines=["EUR 34.90", "3 of 5"],
        button_label="Join",
        button_url="https://shop.example/i/x",
        picture_url="https://shop.example/mango.jpg",
        footer="As they come.",
    )
    return [
        own.GetWeChatTicketRequest(platform_id=there.platform),
        own.AnswerChatRequest(
            platform_id=there.platform,
            way="telegram",
            values={"chat_id": "123", "message_id": "4"},
            cards=[card],
            text="There is no such team.",
            language="en",
            is_private=True,
        ),
        own.GetMessageSwitchRequest(platform_id=there.platform, member_id=mei),
        own.SetMessageSwitchRequest(platform_id=there.platform, member_id=mei, on=True),
    ]


def _inner_of_chats(there: Standing) -> list[Message]:
    own, mei, seat, platform = notification_internal_pb2, there.shop.own("mei"), there.seat, there.platform
    asked = there.shop.own("Is it ripe?")
    return [
        own.HearChatRequest(
            platform_id=platform,
            event_key="e1",
            service="telegram",
            address=there.shop.own("4711"),
            act=own.CHAT_ACT_WROTE,
            code="2345678923",
            text=asked,
            language="en",
            happened_at=time(START),
            is_signed=True,
        ),
        own.AskSellerRequest(platform_id=platform, event_key="e2", member_id=mei, seat_id=seat, text=asked),
        own.GetConversationRequest(platform_id=platform, member_id=mei, seat_id=seat),
        own.MakeMemberChatCodeRequest(platform_id=platform, member_id=mei, seat_id=seat),
        own.EndMemberChatsRequest(platform_id=platform, member_id=mei, seat_id=seat),
    ]

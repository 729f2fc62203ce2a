"""Platforms' own templates: put, used for the next message, kept in all versions, and never in anybody else's way."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from groupbuy.notification.v1 import events_pb2, templates_pb2
from groupbuy.notification.v1 import notification_service_pb2 as pb

from services.notification.channels import Setup
from services.notification.own_templates import MOST_TEMPLATES
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import OTHER, SHOP, Api
from tests.support.notifying import Notifying
from tests.support.teams import TeamLife

JOINED = events_pb2.MESSAGE_KIND_JOINED
TIPPED = events_pb2.MESSAGE_KIND_TIPPED


def a_put(request_id: str, body: str = "Yours for {{ cap|amount }}.", **more: Any) -> templates_pb2.PutTemplateRequest:
    fields: dict[str, Any] = {"kind": JOINED, "language": "en", "subject": "Hello: {{ title }}"} | more
    return templates_pb2.PutTemplateRequest(request_id=request_id, body=body, **fields)


async def a_message(
    notification: Notifying, *points: tuple[str, str], platform: UUID = SHOP, language: str = "en"
) -> UUID:
    """Mei joins a team of a platform and is written to; gives the team."""
    notification.clock.move(timedelta(seconds=1))
    life = TeamLife(platform=platform)
    await notification.put(platform, "mei", *points, language=language)
    life.open("mei")
    await notification.apply(*life.records)
    return life.team


async def last(api: Api, platform: UUID = SHOP) -> Any:
    """The newest delivery to Mei, as its platform sees it."""
    answer = await api.call("ListDeliveries", pb.ListDeliveriesRequest(member_id="mei", page_size=1), platform)
    return answer.deliveries[0]


async def test_the_next_message_is_written_with_what_was_put_and_says_so(api: Api, notification: Notifying) -> None:
    await a_message(notification)
    before = await last(api)
    assert (before.template.version, before.template.language) == (0, "en")
    for version, body in enumerate(["Yours.", "Yours, {{ seller }}."], 1):
        assert (await api.call("PutTemplate", a_put(f"p{version}", body))).version == version
        await a_message(notification)
        written = await last(api)
        assert written.template == templates_pb2.TemplateUsed(language="en", version=version)
        assert written.subject.startswith("Hello: ")
        assert written.body.startswith("Yours")
    await api.call("DeleteTemplate", templates_pb2.DeleteTemplateRequest(request_id="d", kind=JOINED, language="EN"))
    await a_message(notification)
    assert (await last(api)).template.version == 0
    await api.call("PutTemplate", a_put("p3", "Again."))
    await a_message(notification)
    assert (await last(api)).template.version == 3


async def test_the_channels_own_and_the_members_language_are_chosen(api: Api, notification: Notifying) -> None:
    for at, more in enumerate(
        [
            {"body": "all, en"},
            {"body": "console, en", "channel": "console"},
            {"body": "all, zh", "language": "zh"},
            {"body": "console, zh-Hant", "channel": "console", "language": "zh-hant"},
        ]
    ):
        await api.call("PutTemplate", a_put(str(at), **more))
    for language, point, written in (
        ("en-GB", ("email", "mei@example.com"), "all, en"),
        ("en-GB", ("console", "desk"), "console, en"),
        ("zh-CN", ("console", "desk"), "all, zh"),
        ("zh-Hant-TW", ("console", "desk"), "console, zh-Hant"),
        ("zh-Hant-TW", ("email", "mei@example.com"), "all, zh"),
        ("ja", ("console", "desk"), "console, en"),
    ):
        await a_message(notification, point, language=language)
        assert (await last(api)).body.splitlines()[0] == written, language


async def test_templates_are_the_platforms_own(api: Api, notification: Notifying) -> None:
    await api.call("PutTemplate", a_put("p", "Only for the shop."))
    await a_message(notification, platform=OTHER)
    assert (await last(api, OTHER)).template.version == 0
    assert list((await api.call("ListTemplates", templates_pb2.ListTemplatesRequest(), OTHER)).templates) == []


async def test_a_request_counts_once(api: Api) -> None:
    assert (await api.call("PutTemplate", a_put("same"))).version == 1
    assert (await api.call("PutTemplate", a_put("same"))).version == 1
    assert (await api.refused("PutTemplate", a_put("same", "Else.")))[0] == "REQUEST_ID_REUSED"


async def test_templates_are_listed_in_all_their_versions_by_pages(api: Api) -> None:
    for at in range(3):
        await api.call("PutTemplate", a_put(f"a{at}", f"Number {at}."))
    await api.call("PutTemplate", a_put("b", kind=TIPPED, body="On.", channel="email"))
    current = (await api.call("ListTemplates", templates_pb2.ListTemplatesRequest())).templates
    assert [(item.kind, item.channel, item.version, item.current) for item in current] == [
        (JOINED, "", 3, True),
        (TIPPED, "email", 1, True),
    ]
    request = templates_pb2.ListTemplatesRequest(kind=JOINED, all_versions=True, page_size=2)
    page = await api.call("ListTemplates", request)
    request.page_token = page.next_page_token
    rest = await api.call("ListTemplates", request)
    assert [item.body for item in [*page.templates, *rest.templates]] == ["Number 0.", "Number 1.", "Number 2."]
    assert rest.next_page_token == ""
    request.kind = TIPPED
    assert (await api.refused("ListTemplates", request))[0] == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("more", "reason", "field"),
    [
        ({"kind": 0}, "INVALID_ARGUMENT", "kind"),
        ({"kind": 999}, "INVALID_ARGUMENT", "kind"),
        ({"language": ""}, "INVALID_ARGUMENT", "language"),
        ({"language": "no language"}, "INVALID_ARGUMENT", "language"),
        ({"channel": "pigeon"}, "CHANNEL_UNKNOWN", None),
        ({"subject": " "}, "INVALID_ARGUMENT", "subject"),
        ({"body": ""}, "INVALID_ARGUMENT", "body"),
        ({"body": "{{ nothing }}"}, "TEMPLATE_INVALID", None),
        ({"body": "{% for x in title %}{% endfor %}"}, "TEMPLATE_INVALID", None),
        ({"subject": "x" * 501}, "TEMPLATE_INVALID", None),
        ({"request_id": ""}, "INVALID_ARGUMENT", "request_id"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_stored(
    api: Api, notification: Notifying, more: dict[str, Any], reason: str, field: str | None
) -> None:
    request = a_put(**{"request_id": "r", **more})
    refused, fields = await api.refused("PutTemplate", request)
    assert refused == reason
    assert list(fields) == ([field] if field else [])
    assert await notification.rows("SELECT version FROM templates") == []


async def test_a_platform_has_so_many_at_most(api: Api, notification: Notifying) -> None:
    await api.call("PutTemplate", a_put("first"))
    await notification.do(
        "INSERT INTO templates (platform_id, kind, channel, language, version, subject, body, created_at, is_current)"
        " SELECT platform_id, kind, channel, language || '-x-' || n, 1, subject, body, created_at, true"
        " FROM templates CROSS JOIN generate_series(2, %s) AS n",
        MOST_TEMPLATES,
    )
    assert (await api.call("PutTemplate", a_put("in-its-place"))).version == 2
    assert (await api.refused("PutTemplate", a_put("one-more", kind=TIPPED, body="On.")))[1].keys() == {"kind"}


async def test_a_preview_shows_what_is_in_force_or_what_is_tried(api: Api) -> None:
    request = templates_pb2.PreviewTemplateRequest(kind=JOINED, language="ar", time_zone="Africa/Cairo")
    built_in = await api.call("PreviewTemplate", request)
    assert (built_in.template.language, built_in.template.version) == ("ar", 0)
    assert len(built_in.previews) > 1
    assert "مقعدك محجوز" in built_in.previews[0].subject
    await api.call("PutTemplate", a_put("p", "كلّه لك.", language="ar"))
    own = await api.call("PreviewTemplate", request)
    assert (own.template.version, own.previews[0].body.splitlines()[0]) == (1, "كلّه لك.")
    request.subject, request.body = "Try", "{{ quantity|plural(one='one', other='# of them') }}"
    tried = await api.call("PreviewTemplate", request)
    assert not tried.HasField("template")
    assert tried.previews[0].subject_length == len("Try")
    assert tried.previews[0].body_length == len(tried.previews[0].body)
    request.body = "{{ nothing }}"
    assert (await api.refused("PreviewTemplate", request))[0] == "TEMPLATE_INVALID"
    request.body, request.time_zone = "x", "Mars"
    assert (await api.refused("PreviewTemplate", request))[1].keys() == {"time_zone"}


async def test_templates_are_read_once_for_many_messages(api: Api, notification: Notifying) -> None:
    await api.call("PutTemplate", a_put("p", "Once."))
    await a_message(notification)
    await notification.do("UPDATE templates SET body = 'Read again.'")
    await a_message(notification)
    assert (await last(api)).body.startswith("Once.")


async def test_a_stored_template_that_fails_gives_way_to_built_in_words(api: Api, notification: Notifying) -> None:
    await api.call("PutTemplate", a_put("p"))
    await notification.do("UPDATE templates SET body = '{{ gone }}'")
    await a_message(notification)
    written = await last(api)
    assert (written.template.version, written.subject[:12]) == (0, "Your seat is")


async def test_a_channel_with_buttons_gets_the_link_beside_the_text(api: Api, notification: Notifying) -> None:
    buttons, plain = Scripted("buttons", setup=Setup(has_buttons=True)), Scripted("plain")
    for point in ("buttons", "plain"):
        await a_message(notification, (point, "mei"), language="es")
        async with a_sender(notification, buttons, plain) as sender:
            await turn(sender)
    [with_button], [without] = buttons.sent, plain.sent
    stored = await last(api)
    assert (stored.link, stored.link_label) == ("https://shop.example/checkout", "Confirmar mi plaza")
    for letter in (with_button, without):
        assert (letter.link, letter.link_label) == (stored.link, stored.link_label)
    assert stored.link not in with_button.body
    assert without.body.splitlines()[-1] == f"{stored.link_label}: {stored.link}"
    assert stored.body == without.body

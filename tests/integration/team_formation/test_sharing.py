"""Sharing on a real database: links, QR codes, codes in texts, own templates, and opens counted once."""

import asyncio
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from groupbuy.team_formation.v1 import sharing_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import gate, ids, scopes
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.chassis.platforms import Grant
from services.team_formation import domain
from services.team_formation.catalogue import Catalogue
from services.team_formation.doors import Doors
from services.team_formation.handlers import Ask, CampaignHandler, Revoke
from services.team_formation.rpc import Desk
from services.team_formation.rpc.base import Context
from services.team_formation.rpc.sharing import MOST_OPENS, MOST_OWN_CHANNELS, SharingRpcs
from services.team_formation.sharing.channels import CHANNELS
from tests.support.formation import OTHER_PLATFORM, PLATFORM, Formation, a_campaign

NOBODY = cast("Context", None)


@dataclass
class Sharing:
    """The RPCs under test, with a team to invite to."""

    rpcs: SharingRpcs
    formation: Formation
    team_id: str

    async def call(self, method: str, request: Any, platform_id: UUID = PLATFORM) -> Any:
        """Make a call as a platform."""
        gate._grant.set(Grant(platform_id, "tests", scopes.ALL, scopes.ALL))
        return await getattr(self.rpcs, method)(request, NOBODY)

    async def refusal(self, method: str, request: Any, platform_id: UUID = PLATFORM) -> Rejected:
        """Make a call that is refused."""
        with pytest.raises(Rejected) as refused:
            await self.call(method, request, platform_id)
        return refused.value

    async def invite(self, **changes: Any) -> pb.Invite:
        """Make an invite of the leader."""
        made = domain.NewInvite(ids.new_id(), "mei", "", "wechat", "Mei", "So sweet!", None)
        response: pb.CreateInviteResponse = await self._ask(
            "CreateInvite", replace(made, **changes), pb.CreateInviteResponse
        )
        return response.invite

    async def elsewhere(self, zone: str) -> "Sharing":
        """Open a team in another campaign, whose days are those of a time zone."""
        campaign = a_campaign()
        shown = replace(campaign.presentation, time_zone=zone)
        opened = await self.formation.open(await self.formation.create(replace(campaign, presentation=shown)))
        return replace(self, team_id=opened.team.team_id)

    async def revoke(self, invite: pb.Invite) -> None:
        """Take an invite back."""
        _, invite_id = ids.parse("inv", invite.invite_id, 2) or ()
        await self._ask("RevokeInvite", Revoke(invite_id), pb.RevokeInviteResponse)

    async def _ask(self, rpc: str, command: Any, response: Any) -> Any:
        campaign_id, team_id = ids.parse("team", self.team_id, 2) or ()
        ask = Ask(PLATFORM, campaign_id, command, self.formation.key(rpc, campaign_id), team_id=team_id)
        return response.FromString(await self.formation.commands.submit(ask))

    async def opened(self) -> dict[tuple[str, date], int]:
        """Read how often which label's invite was opened on which day."""
        rows = await self.formation.rows(
            "SELECT i.label, o.day, o.opened FROM invite_opens AS o JOIN invites AS i USING (campaign_id, invite_id)"
            " WHERE o.platform_id = i.platform_id"
        )
        return {(label, day): opened for label, day, opened in rows}


@pytest.fixture
async def sharing(formation: Formation, clock: ManualClock) -> Sharing:
    """The RPCs beside a running replica, with the parts of the service that they ask for."""
    parts: dict[str, Any] = dict.fromkeys(item.name for item in fields(Desk))
    catalogue = Catalogue()
    parts |= {"database": formation.database, "clock": clock, "codes": formation.codes, "catalogue": catalogue}
    parts |= {"doors": Doors(formation.database)}
    parts |= {"campaigns": CampaignHandler(formation.database, clock, catalogue, cast("Any", None), "")}
    texts = (domain.LocalizedText("en", "Mangoes"), domain.LocalizedText("zh-Hans", "芒果"))
    campaign = a_campaign()
    campaign = replace(campaign, presentation=replace(campaign.presentation, texts=texts))
    opened = await formation.open(await formation.create(campaign))
    return Sharing(SharingRpcs(Desk(**parts)), formation, opened.team.team_id)


def a_template(channel: str, url: str = "", text: str = "", **more: str) -> pb.PutShareTemplateRequest:
    return pb.PutShareTemplateRequest(
        template=sharing_pb2.ShareTemplate(channel=channel, url=url, text=text, mini_program_path=more.get("path", ""))
    )


async def test_every_channel_gets_a_link_with_the_price_now(sharing: Sharing) -> None:
    invite = await sharing.invite()
    got = await sharing.call("GetShareLinks", pb.GetShareLinksRequest(invite_id=invite.invite_id))
    assert [link.channel for link in got.links] == list(CHANNELS)
    by_channel = {link.channel: link for link in got.links}
    assert by_channel["web"].url == invite.url
    text = f"Mei invites you.\nSo sweet!\nBuy together: Mangoes, €39.90 now\n{invite.url}"
    assert by_channel["wechat"].text == text
    assert by_channel["wechat"].mini_program_scene == f"c={invite.code}"
    assert parse_qs(urlsplit(by_channel["whatsapp"].url).query) == {"text": [text]}
    assert {link.disclosure for link in got.links} == {""}


async def test_links_are_in_the_language_and_for_the_channels_asked_for(sharing: Sharing) -> None:
    invite = await sharing.invite(promoter_id="kol", member_id="", commission_basis_points=500)
    request = pb.GetShareLinksRequest(invite_id=invite.invite_id, channels=["line", "web", "line"], language="zh-CN")
    line, web = (await sharing.call("GetShareLinks", request)).links
    assert (line.channel, web.channel) == ("line", "web")
    assert line.text.startswith("广告")
    assert "芒果" in line.text
    assert line.disclosure == web.disclosure == line.text.split("\n")[0]


async def test_unknown_channels_invites_and_languages_are_refused(sharing: Sharing) -> None:
    invite = await sharing.invite()
    request = pb.GetShareLinksRequest(invite_id=invite.invite_id, channels=["fax"])
    refused = await sharing.refusal("GetShareLinks", request)
    assert (refused.reason, refused.metadata["channel"]) == ("CHANNEL_UNKNOWN", "fax")
    assert refused.metadata["channels"] == ", ".join(CHANNELS)
    request = pb.GetShareLinksRequest(invite_id=invite.invite_id, language="x" * 36)
    assert (await sharing.refusal("GetShareLinks", request)).fields[0].field == "language"
    for method, request_of in (("GetShareLinks", pb.GetShareLinksRequest), ("GetInviteQr", pb.GetInviteQrRequest)):
        assert (await sharing.refusal(method, request_of(invite_id="inv_x"))).reason == "INVITE_UNKNOWN"
        mine = request_of(invite_id=invite.invite_id)
        assert (await sharing.refusal(method, mine, OTHER_PLATFORM)).reason == "INVITE_UNKNOWN"


async def test_an_invite_is_drawn(sharing: Sharing) -> None:
    invite = await sharing.invite()
    svg = await sharing.call("GetInviteQr", pb.GetInviteQrRequest(invite_id=invite.invite_id))
    assert (svg.media_type, svg.url, svg.image[:5]) == ("image/svg+xml", invite.url, b"<?xml")
    small, large = [
        await sharing.call(
            "GetInviteQr", pb.GetInviteQrRequest(invite_id=invite.invite_id, format=sharing_pb2.QR_FORMAT_PNG, scale=it)
        )
        for it in (0, 32)
    ]
    assert small.media_type == large.media_type == "image/png"
    assert [int.from_bytes(png.image[16:20]) for png in (small, large)] == [37 * 8, 37 * 32]
    wrongs: list[dict[str, Any]] = [{"scale": 33}, {"scale": -1}, {"format": 9}]
    for wrong in wrongs:
        refused = await sharing.refusal("GetInviteQr", pb.GetInviteQrRequest(invite_id=invite.invite_id, **wrong))
        assert [item.field for item in refused.fields] == list(wrong)


async def test_a_copied_text_leads_to_the_invite(sharing: Sharing) -> None:
    invite, other = await sharing.invite(), await sharing.invite()
    text = f"Congratulations 123456789012 {other.code} 快来看看\u200b{invite.url}，一起拼"  # noqa: RUF001 - as people write
    found = await sharing.call("ResolveShareText", pb.ResolveShareTextRequest(text=text))
    assert found.code == invite.code
    assert found.invite.invite.invite_id == invite.invite_id
    assert found.invite.team.team_id == sharing.team_id
    assert found.invite.price_table.rows
    found = await sharing.call("ResolveShareText", pb.ResolveShareTextRequest(text=f"4kQz9TfWm2Lx {other.code}"))
    assert found.code == other.code


async def test_what_the_text_of_a_channel_says_is_found_again(sharing: Sharing) -> None:
    invite = await sharing.invite()
    links = (await sharing.call("GetShareLinks", pb.GetShareLinksRequest(invite_id=invite.invite_id))).links
    for link in links:
        for copied in {link.url, link.text, link.mini_program_path, link.mini_program_scene} - {""}:
            if invite.code in copied:
                found = await sharing.call("ResolveShareText", pb.ResolveShareTextRequest(text=copied))
                assert found.code == invite.code, copied


async def test_texts_without_an_invite_of_the_platform_are_refused(sharing: Sharing) -> None:
    invite = await sharing.invite()
    for text in ("", "hello", "4kQz9TfWm2Lx"):
        refused = await sharing.refusal("ResolveShareText", pb.ResolveShareTextRequest(text=text))
        assert refused.reason == "CODE_NOT_FOUND"
    mine = pb.ResolveShareTextRequest(text=invite.url)
    assert (await sharing.refusal("ResolveShareText", mine, OTHER_PLATFORM)).reason == "CODE_NOT_FOUND"
    long = pb.ResolveShareTextRequest(text="x" * 10_001)
    assert (await sharing.refusal("ResolveShareText", long)).fields[0].field == "text"
    await sharing.revoke(invite)
    assert (await sharing.refusal("ResolveShareText", mine)).reason == "INVITE_REVOKED"


async def test_a_template_of_the_platform_takes_the_place_of_ours(sharing: Sharing) -> None:
    invite = await sharing.invite()
    put = await sharing.call("PutShareTemplate", a_template("telegram", "https://t.me/shopbot?start={code}"))
    assert put.template.own
    await sharing.call("PutShareTemplate", a_template("viber", text="{link}"))
    await sharing.call("PutShareTemplate", a_template("poster", text="Scan me:\r\n{link}"))
    listed = (await sharing.call("ListShareTemplates", pb.ListShareTemplatesRequest())).templates
    assert [item.channel for item in listed] == [*CHANNELS, "poster", "viber"]
    assert {item.channel for item in listed if item.own} == {"telegram", "poster", "viber"}
    request = pb.GetShareLinksRequest(invite_id=invite.invite_id, channels=["telegram", "poster"])
    telegram, poster = (await sharing.call("GetShareLinks", request)).links
    assert (telegram.url, telegram.text) == (f"https://t.me/shopbot?start={invite.code}", "")
    assert poster.text == f"Scan me:\n{invite.url}"
    theirs = (await sharing.call("ListShareTemplates", pb.ListShareTemplatesRequest(), OTHER_PLATFORM)).templates
    assert [item.channel for item in theirs if item.own] == []


async def test_a_telegram_bot_is_there_once_the_platform_has_named_it(sharing: Sharing) -> None:
    invite = await sharing.invite(promoter_id="kol", member_id="", commission_basis_points=500)
    named = pb.GetShareLinksRequest(invite_id=invite.invite_id, channels=["telegram-bot"])
    refused = await sharing.refusal("GetShareLinks", named)
    assert refused.reason == "CHANNEL_NOT_SET_UP"
    assert refused.metadata == {"channel": "telegram-bot", "example": "https://t.me/your_bot?start={code}"}
    assert (await sharing.refusal("PutShareTemplate", a_template("telegram-bot"))).reason == "CHANNEL_NOT_SET_UP"
    wrong = a_template("telegram-bot", text="{link}")
    assert (await sharing.refusal("PutShareTemplate", wrong)).reason == "TEMPLATE_INVALID"
    await sharing.call("PutShareTemplate", a_template("telegram-bot", "https://t.me/fruit_bot?start={code}"))
    (link,) = (await sharing.call("GetShareLinks", named)).links
    assert (link.url, link.text) == (f"https://t.me/fruit_bot?start={invite.code}", "")
    assert link.disclosure
    everything = await sharing.call("GetShareLinks", pb.GetShareLinksRequest(invite_id=invite.invite_id))
    assert link in everything.links
    found = await sharing.call("ResolveShareText", pb.ResolveShareTextRequest(text=link.url))
    assert found.code == invite.code
    assert (await sharing.refusal("GetShareLinks", named, OTHER_PLATFORM)).reason == "INVITE_UNKNOWN"
    await sharing.call("PutShareTemplate", a_template("telegram-bot"))
    assert (await sharing.refusal("GetShareLinks", named)).reason == "CHANNEL_NOT_SET_UP"


async def test_an_empty_template_brings_ours_back(sharing: Sharing) -> None:
    ours = (await sharing.call("ListShareTemplates", pb.ListShareTemplatesRequest())).templates
    for channel in ("line", "poster"):
        await sharing.call("PutShareTemplate", a_template(channel, text="{link}"))
        await sharing.call("PutShareTemplate", a_template(channel, text="Look: {link}"))
    back = await sharing.call("PutShareTemplate", a_template("line"))
    assert back.template == next(item for item in ours if item.channel == "line")
    gone = await sharing.call("PutShareTemplate", a_template("poster"))
    assert gone.template == sharing_pb2.ShareTemplate(channel="poster")
    assert (await sharing.call("ListShareTemplates", pb.ListShareTemplatesRequest())).templates == ours
    assert (await sharing.refusal("PutShareTemplate", a_template("poster"))).reason == "CHANNEL_UNKNOWN"


async def test_templates_that_cannot_be_used_are_refused(sharing: Sharing) -> None:
    refused = await sharing.refusal("PutShareTemplate", a_template("line", "https://a.example/?u={lnk}"))
    assert refused.reason == "TEMPLATE_INVALID"
    assert refused.metadata["position"] == "22"
    assert refused.metadata["problem"].startswith("url: {lnk} is no placeholder")
    refused = await sharing.refusal("PutShareTemplate", a_template("We Chat", text="{link}"))
    assert [item.field for item in refused.fields] == ["template.channel"]
    for number in range(MOST_OWN_CHANNELS):
        await sharing.call("PutShareTemplate", a_template(f"own-{number}", text="{link}"))
    await sharing.call("PutShareTemplate", a_template("own-7", text="{link} !"))
    await sharing.call("PutShareTemplate", a_template("line", text="{link}"))
    refused = await sharing.refusal("PutShareTemplate", a_template("one-more", text="{link}"))
    assert "at most 50" in refused.fields[0].description


def opens(request_id: str = "r1", /, **times: int) -> pb.RecordInviteOpensRequest:
    return pb.RecordInviteOpensRequest(
        request_id=request_id,
        opens=[sharing_pb2.InviteOpens(code=code, opened=opened) for code, opened in times.items()],
    )


async def test_opens_are_counted_once_on_the_platform_s_day(sharing: Sharing, clock: ManualClock) -> None:
    mei, tom = await sharing.invite(label="Mei"), await sharing.invite(label="Tom")
    today = clock.now().date()
    first = opens("r1", **{mei.code: 3, "nonsense": 1, tom.code: 1_000_000, "4kQz9TfWm2Lx": 2})
    first.opens.append(sharing_pb2.InviteOpens(code=mei.code, opened=4))
    for _ in range(2):
        answer = await sharing.call("RecordInviteOpens", first)
        assert list(answer.unknown_codes) == ["nonsense", "4kQz9TfWm2Lx"]
    assert await sharing.opened() == {("Mei", today): 7, ("Tom", today): 1_000_000}
    clock.set_ahead(PLATFORM, timedelta(days=2))
    await sharing.call("RecordInviteOpens", opens("r2", **{mei.code: 1}))
    await sharing.call("RecordInviteOpens", opens("r3", **{mei.code: 1}))
    assert (await sharing.opened())["Mei", today + timedelta(days=2)] == 2
    assert (await sharing.refusal("RecordInviteOpens", opens("r3", **{mei.code: 2}))).reason == "REQUEST_ID_REUSED"


async def test_looks_are_counted_on_the_day_where_their_campaign_is(sharing: Sharing, clock: ManualClock) -> None:
    """It is late on the 21st in London when the 22nd has begun in Shanghai; seats are counted on the same days."""
    here = await sharing.invite(label="here")
    london = await sharing.elsewhere("Europe/London")
    there, nowhere = await london.invite(label="there"), await (await sharing.elsewhere("")).invite(label="nowhere")
    clock.move(timedelta(hours=5))
    await sharing.call("RecordInviteOpens", opens("r1", **{here.code: 1, there.code: 2, nowhere.code: 3}))
    assert await sharing.opened() == {
        ("here", date(2026, 11, 22)): 1,
        ("there", date(2026, 11, 21)): 2,
        ("nowhere", date(2026, 11, 21)): 3,
    }


async def test_another_platform_s_codes_are_unknown(sharing: Sharing) -> None:
    mei = await sharing.invite()
    await sharing.call("ResolveShareText", pb.ResolveShareTextRequest(text=mei.url))
    answer = await sharing.call("RecordInviteOpens", opens("r1", **{mei.code: 3}), OTHER_PLATFORM)
    assert list(answer.unknown_codes) == [mei.code]
    assert await sharing.opened() == {}


async def test_codes_that_a_process_forgets_meanwhile_are_counted(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = [await sharing.invite(label=label) for label in "abc"]
    await sharing.call("RecordInviteOpens", opens("r1", **{first.code: 1, second.code: 1}))
    monkeypatch.setattr("services.team_formation.doors._MOST", 2)
    answer = await sharing.call("RecordInviteOpens", opens("r2", **{first.code: 1, third.code: 1, second.code: 1}))
    assert list(answer.unknown_codes) == []
    assert sorted((await sharing.opened()).values()) == [1, 2, 2]


async def test_calls_at_once_count_each_request_once(sharing: Sharing) -> None:
    invites = [await sharing.invite(label=f"m{number}") for number in range(6)]
    forward = {invite.code: 1 for invite in invites}
    backward = dict(reversed(forward.items()))
    calls = [
        sharing.call("RecordInviteOpens", opens(f"r{number % 8}", **(forward if number % 8 % 2 else backward)))
        for number in range(24)
    ]
    await asyncio.gather(*calls)
    assert set((await sharing.opened()).values()) == {8}


async def test_opens_that_cannot_be_counted_are_all_named(sharing: Sharing) -> None:
    wrong = opens("r1", **{"a" * 65: 1, "b": 0, "c": 1_000_001, "": 1})
    refused = await sharing.refusal("RecordInviteOpens", wrong)
    assert [item.field for item in refused.fields] == [
        "opens[0].code",
        "opens[1].opened",
        "opens[2].opened",
        "opens[3].code",
    ]
    assert (await sharing.refusal("RecordInviteOpens", opens("r2"))).fields[0].field == "opens"
    many = opens("r3", **{f"c{number}": 1 for number in range(MOST_OPENS + 1)})
    assert (await sharing.refusal("RecordInviteOpens", many)).fields[0].field == "opens"
    assert (await sharing.refusal("RecordInviteOpens", opens("", c=1))).fields[0].field == "request_id"

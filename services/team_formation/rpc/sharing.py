"""Sharing: links per channel, QR codes, codes found in texts, own templates, how often links were opened."""

import asyncio
from collections.abc import Iterable

from groupbuy.team_formation.v1 import sharing_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import audit, requests
from services.chassis.audit import Change
from services.chassis.database import Connection
from services.chassis.errors import FieldViolation, Raced, Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, Decided, RequestKey
from services.chassis.server import caller
from services.team_formation import domain, store
from services.team_formation.opens import count_opens
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.sharing import qr
from services.team_formation.sharing.channels import CHANNELS, TO_SET_UP, ShareTemplate, ours
from services.team_formation.sharing.checking import read
from services.team_formation.sharing.finding import LONGEST_TEXT, candidates
from services.team_formation.sharing.links import Shared, make
from services.team_formation.sharing.template import TemplateError
from services.team_formation.sharing.values import disclosure, shared
from services.team_formation.store import sharing as shelf

MOST_OWN_CHANNELS = 50
MOST_OPENS = 1_000
MOST_TIMES = 1_000_000
_LONGEST_CODE = 64
_TRIES = 3

_FORMATS = {
    sharing_pb2.QR_FORMAT_UNSPECIFIED: qr.Format.SVG,
    sharing_pb2.QR_FORMAT_SVG: qr.Format.SVG,
    sharing_pb2.QR_FORMAT_PNG: qr.Format.PNG,
}


class SharingRpcs(Rpcs):
    """Answers how an invite is shared and found again."""

    async def GetShareLinks(self, request: pb.GetShareLinksRequest, _context: Context) -> pb.GetShareLinksResponse:  # noqa: N802
        """Make the share links of an invite."""
        fields.refuse(fields.check_language(request.language))
        invite = await self._invite_by_id(request.invite_id)
        own = await self._own_templates()
        _check_known(request.channels, own)
        team, terms = await self._team(invite.campaign_id, invite.team_id)
        campaign = await self._campaign(invite.campaign_id)
        code = self._desk.codes.code(invite.invite_id)
        link = self._desk.codes.url(code)
        values = shared(invite, campaign, team, terms, link=link, code=code, language=request.language)
        templates = [
            own.get(name) or ours(name, values.language) for name in dict.fromkeys(request.channels) or _names(own)
        ]
        return pb.GetShareLinksResponse(links=[_link(template, values) for template in templates])

    async def GetInviteQr(self, request: pb.GetInviteQrRequest, _context: Context) -> pb.GetInviteQrResponse:  # noqa: N802
        """Draw an invite's link."""
        form = _FORMATS.get(request.format)
        if form is None:
            raise invalid("format", "must be QR_FORMAT_SVG or QR_FORMAT_PNG")
        if not 0 <= request.scale <= qr.LARGEST_SCALE:
            raise invalid("scale", f"must be 1 to {qr.LARGEST_SCALE} pixels per module; 0 means {qr.USUAL_SCALE}")
        fields.refuse(fields.check_language(request.language))
        invite = await self._invite_by_id(request.invite_id)
        url = self._desk.codes.url(self._desk.codes.code(invite.invite_id))
        # on a thread: it takes some milliseconds, in which no join would be answered
        image = await asyncio.to_thread(qr.draw, url, form, request.scale or qr.USUAL_SCALE)
        said = disclosure(invite, request.language)
        return pb.GetInviteQrResponse(image=image, media_type=form, url=url, disclosure=said)

    async def ResolveShareText(  # noqa: N802
        self, request: pb.ResolveShareTextRequest, _context: Context
    ) -> pb.ResolveShareTextResponse:
        """Find an invite of the platform in a text: the one of the likeliest code."""
        if len(request.text) > LONGEST_TEXT:
            raise invalid("text", f"must be at most {LONGEST_TEXT} characters; send the part with the invite")
        fields.refuse(fields.check_language(request.language))
        codes = candidates(request.text, self._desk.codes.url(""))
        found = await self._desk.doors.find(caller(), codes)
        code = next((code for code in codes if code in found), None)
        if code is None:
            raise Rejected("CODE_NOT_FOUND")
        resolved = await self._resolved(await self._invite(code), request.language)
        return pb.ResolveShareTextResponse(code=code, invite=resolved)

    async def PutShareTemplate(  # noqa: N802
        self, request: pb.PutShareTemplateRequest, _context: Context
    ) -> pb.PutShareTemplateResponse:
        """Change the platform's template of a channel; an empty one brings ours back, or ends a channel of its own."""
        template = _read_template(request.template)
        own = await self._own_templates()
        if template.is_empty:
            _check_known([template.channel], own)
            async with self._desk.database.work() as work:
                await shelf.delete_share_template(work.connection, caller(), template.channel)
                await self._note(work.connection, template.channel, own.get(template.channel), None)
            return pb.PutShareTemplateResponse(template=_template(ours(template.channel), own=False))
        _check_usable(template)
        known = {*CHANNELS, *TO_SET_UP}
        if template.channel not in known | own.keys() and len(own.keys() - known) >= MOST_OWN_CHANNELS:
            raise invalid(
                "template.channel", f"a platform has at most {MOST_OWN_CHANNELS} channels of its own; empty one of them"
            )
        async with self._desk.database.work() as work:
            now = self._desk.clock.now(caller())
            await shelf.save_share_template(work.connection, caller(), template, now)
            await self._note(work.connection, template.channel, own.get(template.channel), template)
        return pb.PutShareTemplateResponse(template=_template(template, own=True))

    async def _note(
        self, connection: Connection, channel: str, before: ShareTemplate | None, after: ShareTemplate | None
    ) -> None:
        """Note what became of the platform's template of a channel, if anything did."""
        if before == after:
            return
        was, now = (_template(item, own=True) if item else None for item in (before, after))
        change = Change(caller(), "PutShareTemplate", f"share template {channel}", was, now)
        await audit.note(connection, self._desk.clock.now(), change)

    async def ListShareTemplates(  # noqa: N802
        self, _request: pb.ListShareTemplatesRequest, _context: Context
    ) -> pb.ListShareTemplatesResponse:
        """List the template of every channel; our texts are shown in English."""
        own = await self._own_templates()
        templates = [_template(own.get(name) or ours(name), own=name in own) for name in _names(own)]
        return pb.ListShareTemplatesResponse(templates=templates)

    async def RecordInviteOpens(  # noqa: N802
        self, request: pb.RecordInviteOpensRequest, _context: Context
    ) -> pb.RecordInviteOpensResponse:
        """Count opened links once per request id, on the day that it is for the platform where the campaign is."""
        key = fields.request_key("RecordInviteOpens", caller(), NO_CAMPAIGN, request)
        opens = _read_opens(request)
        for _ in range(_TRIES - 1):
            try:
                return await self._record(key, opens)
            except Raced:
                continue  # the other one's answer is there now
        return await self._record(key, opens)

    async def _record(self, key: RequestKey, opens: dict[str, int]) -> pb.RecordInviteOpensResponse:
        doors = await self._desk.doors.find(key.platform_id, list(opens))
        async with self._desk.database.work() as work:
            known = await requests.find(work.connection, key)
            if known is not None:
                answer = known
            else:
                response = pb.RecordInviteOpensResponse(unknown_codes=[code for code in opens if code not in doors])
                answer = response.SerializeToString()
                if doors:
                    counted = [(doors[code], opens[code]) for code in doors]
                    now = self._desk.clock.now(key.platform_id)
                    await count_opens(work.connection, key.platform_id, counted, now)
                await requests.store(work.connection, [[Decided(key, answer)]])
        if isinstance(answer, Rejected):
            raise answer
        return pb.RecordInviteOpensResponse.FromString(answer)

    async def _invite_by_id(self, invite_id: str) -> domain.Invite:
        campaign_id, invite = fields.invite_of(invite_id)
        async with self._desk.database.read() as connection:
            found = await store.find_invite(connection, caller(), campaign_id, invite)
        if found is None:
            raise Rejected("INVITE_UNKNOWN")
        return found

    async def _own_templates(self) -> dict[str, ShareTemplate]:
        async with self._desk.database.read() as connection:
            return {item.channel: item for item in await shelf.list_share_templates(connection, caller())}


def _names(own: dict[str, ShareTemplate]) -> list[str]:
    """Name all channels that can be used: ours in their order, then those that have a template of the platform."""
    return list(dict.fromkeys([*CHANNELS, *own]))


def _check_known(wanted: Iterable[str], own: dict[str, ShareTemplate]) -> None:
    names = _names(own)
    for name in wanted:
        if name not in names and name in TO_SET_UP:
            raise Rejected("CHANNEL_NOT_SET_UP", {"channel": name, "example": TO_SET_UP[name].example})
        if name not in names:
            raise Rejected("CHANNEL_UNKNOWN", {"channel": name, "channels": ", ".join(names)})


def _check_usable(template: ShareTemplate) -> None:
    try:
        read(template)
    except TemplateError as error:
        raise Rejected("TEMPLATE_INVALID", {"position": error.position, "problem": error.problem}) from None


def _read_template(message: sharing_pb2.ShareTemplate) -> ShareTemplate:
    fields.refuse(fields.check_channel("template.channel", message.channel))
    text = message.text.replace("\r\n", "\n")
    return ShareTemplate(message.channel, message.url, text, message.mini_program_path)


def _read_opens(request: pb.RecordInviteOpensRequest) -> dict[str, int]:
    """Read how often which code was opened, each code once; all problems are refused together."""
    if not 1 <= len(request.opens) <= MOST_OPENS:
        raise invalid("opens", f"must be 1 to {MOST_OPENS} codes; split a longer list over several calls")
    problems = []
    opens: dict[str, int] = {}
    for at, item in enumerate(request.opens):
        if not 1 <= len(item.code) <= _LONGEST_CODE:
            problems.append(FieldViolation(f"opens[{at}].code", "must be an invite's code"))
        if not 1 <= item.opened <= MOST_TIMES:
            problems.append(FieldViolation(f"opens[{at}].opened", f"must be 1 to {MOST_TIMES}"))
        opens[item.code] = opens.get(item.code, 0) + item.opened
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
    return opens


def _template(template: ShareTemplate, *, own: bool) -> sharing_pb2.ShareTemplate:
    return sharing_pb2.ShareTemplate(
        channel=template.channel,
        url=template.url,
        text=template.text,
        mini_program_path=template.mini_program_path,
        own=own,
    )


def _link(template: ShareTemplate, values: Shared) -> sharing_pb2.ShareLink:
    link = make(template, values)
    return sharing_pb2.ShareLink(
        channel=link.channel,
        url=link.url,
        text=link.text,
        mini_program_path=link.mini_program_path,
        mini_program_scene=link.mini_program_scene,
        disclosure=link.disclosure,
    )

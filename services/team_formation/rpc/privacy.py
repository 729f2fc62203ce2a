"""What platforms ask for their members' privacy."""

from dataclasses import asdict

from groupbuy.team_formation.v1 import privacy_pb2 as pb

from services.chassis import audit, erased, requests
from services.chassis.audit import Change
from services.chassis.errors import Rejected, Unavailable, invalid
from services.chassis.exporting import Wanted, size_of
from services.chassis.server import caller
from services.team_formation import domain, store
from services.team_formation.handlers import MemberEraser
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store.hidden import Hidden, find_hidden, save_hidden

RPC_HIDE = "HideContent"


class PrivacyRpcs(Rpcs):
    """Answers about members' privacy."""

    async def EraseMember(self, request: pb.EraseMemberRequest, _context: Context) -> pb.EraseMemberResponse:  # noqa: N802
        """Forget a member."""
        requests.check_request_id(request.request_id)
        fields.refuse(domain.check_member_id("member_id", request.member_id))
        answer = await MemberEraser(self._desk.database, self._desk.clock).erase(caller(), request)
        if isinstance(answer, Rejected):
            raise answer
        return pb.EraseMemberResponse.FromString(answer)

    async def HideContent(self, request: pb.HideContentRequest, _context: Context) -> pb.HideContentResponse:  # noqa: N802
        """Hide content on public pages, or show it again."""
        hidden = Hidden(request.hidden.labels, request.hidden.notes, request.hidden.images)
        subject = await self._subject(request)
        async with self._desk.database.work() as work:
            if subject[0] in {"PROMOTER", "MEMBER"}:
                await erased.refuse(work.connection, caller(), [subject[1]])
            before = await find_hidden(work.connection, caller(), [subject])
            await save_hidden(work.connection, caller(), subject, hidden, self._desk.clock.now())
            if before != hidden:
                await audit.note(work.connection, self._desk.clock.now(), _change(subject, before, hidden))
        return pb.HideContentResponse(hidden=request.hidden)

    async def _subject(self, request: pb.HideContentRequest) -> tuple[str, str]:
        """Tell whose content it is, as kind and id; Rejected INVALID_ARGUMENT, CAMPAIGN_UNKNOWN, INVITE_UNKNOWN."""
        match request.WhichOneof("of"):
            case "everything" if request.everything:
                return "PLATFORM", ""
            case "campaign_id":
                campaign = await self._campaign(fields.campaign_of(request.campaign_id))
                return "CAMPAIGN", str(campaign.campaign_id)
            case "invite_id":
                campaign_id, invite_id = fields.invite_of(request.invite_id)
                async with self._desk.database.read() as connection:
                    if await store.find_invite(connection, caller(), campaign_id, invite_id) is None:
                        raise Rejected("INVITE_UNKNOWN")
                return "INVITE", str(invite_id)
            case "promoter_id" | "member_id" as maker:
                fields.refuse(domain.check_member_id(maker, getattr(request, maker)))
                return maker.removesuffix("_id").upper(), getattr(request, maker)
        raise invalid("of", "say invite_id, campaign_id, promoter_id, member_id or everything")

    async def ExportMember(self, request: pb.ExportMemberRequest, _context: Context) -> pb.ExportMemberResponse:  # noqa: N802
        """List all that is held of a member."""
        fields.refuse(domain.check_member_id("member_id", request.member_id))
        wanted = Wanted(caller(), request.member_id, (), size_of(request.page_size))
        if self._desk.export is None:
            raise Unavailable("this process puts no exports together")
        return await self._desk.export.page(wanted, request.page_token)


def _change(subject: tuple[str, str], before: Hidden, after: Hidden) -> Change:
    """Say for the audit what was hidden; of whom is left out where it is a member or a promoter."""
    kind, name = subject
    named = "" if kind in {"PROMOTER", "MEMBER"} else name
    return Change(
        caller(), RPC_HIDE, f"public content of {kind.lower()} {named}".rstrip(), asdict(before), asdict(after)
    )

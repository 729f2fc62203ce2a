"""How links get about: members and promoters share, pages are opened, links are taken back."""

import aiohttp
from groupbuy.team_formation.v1.sharing_pb2 import InviteOpens, ShareLink
from groupbuy.team_formation.v1.team_formation_service_pb2 import (
    CreateInviteRequest,
    GetShareLinksRequest,
    Invite,
    RecordInviteOpensRequest,
    ResolveInviteRequest,
    RevokeInviteRequest,
)

from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.cards import Offer, draw, offer_of
from deploy.demo.show.text import WIDTH, counted, cut


async def share(turn: Turn, step: model.Share) -> None:
    """A member shares the team; each chat shows the card that it makes of what the link leads to."""
    await turn.announce(f"{step.member} shares the team in {', '.join(step.chats)}")
    for chat in step.chats:
        request = _invite_request(turn, chat, step.member, step.note)
        request.member_id = turn.world.member_id(step.member)
        await _invite(turn, chat, request)
    turn.stage.view.line()
    for line in draw([(chat, await _offer(turn, chat)) for chat in step.chats]):
        turn.stage.view.line(line)
    await _page(turn, step.chats[0])
    await turn.stage.beat(1.0 + len(step.chats))


async def _page(turn: Turn, chat: str) -> None:
    """Show what the page behind a link says; whoever opens it in a browser sees it fill while the demo goes on."""
    link = turn.world.links[chat]
    async with aiohttp.ClientSession() as session, session.get(f"{link}.json") as response:
        page = await response.json()
    turn.record.notes += [said for said in (page["line"], page["certainty"]) if said]
    turn.stage.view.line()
    turn.stage.view.line(f"    Open {link} while this runs. The page says:")
    turn.stage.quote([page["line"], page["certainty"]])


async def promote(turn: Turn, step: model.Promote) -> None:
    """A promoter shares the team; the engine will count what comes by each link, and the commission."""
    await turn.announce(
        f"{step.promoter} promotes the team in {', '.join(step.chats)}, for {step.commission / 100:g} %"
    )
    for chat in step.chats:
        request = _invite_request(turn, chat, step.promoter, step.note)
        request.promoter_id = turn.world.member_id(step.promoter)
        request.commission_basis_points = step.commission
        await _invite(turn, chat, request)
    await turn.stage.beat(1.0)


def _invite_request(turn: Turn, chat: str, label: str, note: str) -> CreateInviteRequest:
    return CreateInviteRequest(team_id=turn.world.the_team().team_id, channel=chat, label=label, note=note)


async def _invite(turn: Turn, chat: str, request: CreateInviteRequest) -> None:
    invite: Invite = (await turn.shop.ask(turn.shop.teams.CreateInvite, request)).invite
    turn.world.links[chat], turn.world.invites[chat] = invite.url, invite.invite_id
    turn.stage.view.line(f"    {chat:<10} {invite.url}")


async def _offer(turn: Turn, chat: str) -> Offer:
    request = ResolveInviteRequest(code=turn.world.link_of(chat))
    return offer_of(await turn.shop.ask(turn.shop.teams.ResolveInvite, request))


async def share_text(turn: Turn, step: model.ShareText) -> None:
    """Show what the engine has ready to be shared of an invite."""
    await turn.announce(f"What is shared in {step.channel}, as GetShareLinks gives it")
    request = GetShareLinksRequest(
        invite_id=turn.world.invites[step.chat], channels=[step.channel], language=step.language
    )
    link = (await turn.shop.ask(turn.shop.teams.GetShareLinks, request)).links[0]
    turn.record.notes += [part for part in (link.url, link.text, link.disclosure) if part]
    turn.stage.quote(_parts(link))
    await turn.stage.beat(1.5)


def _parts(link: ShareLink) -> list[str]:
    """Give the lines of what is shared: the text, then how the address begins that opens the chat with it."""
    pages = [cut(link.url, WIDTH - 6)] if link.url else []
    if link.mini_program_path:
        pages.append(f"Mini Program: {link.mini_program_path}")
    between = [""] if link.text and pages else []
    return [*link.text.splitlines(), *between, *pages]


async def looks(turn: Turn, step: model.Looks) -> None:
    """The shop's page has counted how often a link was opened, and reports it."""
    await turn.announce(f"the link in {step.by} is opened {counted(step.times, 'time')} (RecordInviteOpens)")
    opens = InviteOpens(code=turn.world.link_of(step.by), opened=step.times)
    request = RecordInviteOpensRequest(opens=[opens])
    unknown = (await turn.shop.ask(turn.shop.teams.RecordInviteOpens, request)).unknown_codes
    turn.record.broken += [f"{code} is not known as an invite" for code in unknown]


async def revoke(turn: Turn, step: model.Revoke) -> None:
    """The link in a chat is taken back."""
    await turn.announce(f"the link in {step.chat} is taken back")
    request = RevokeInviteRequest(invite_id=turn.world.invites[step.chat])
    await turn.shop.ask(turn.shop.teams.RevokeInvite, request)

"""Wires the web edge: the parts of a process that serve pages, and answer chat services."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.coalesce import Coalescer
from services.chassis.process import timer
from services.chassis.runner import Part
from services.chassis.sealing import Sealer
from services.team_formation.chats.apps import Apps
from services.team_formation.chats.calls import Calls
from services.team_formation.chats.finding import Finder
from services.team_formation.chats.hearing import Hearing
from services.team_formation.chats.keeper import Keeper
from services.team_formation.chats.leaving import Leaving
from services.team_formation.chats.living import FORGET_PAGE as PREVIEWS_PAGE
from services.team_formation.chats.living import Living
from services.team_formation.chats.looking import Load, Looker
from services.team_formation.chats.marking import Marker
from services.team_formation.chats.noting import Noter
from services.team_formation.chats.own_seats import OwnSeats
from services.team_formation.chats.previews import Previews as ChatPreviews
from services.team_formation.chats.talking import Talks
from services.team_formation.chats.worker import FORGET_PAGE, Give, Worker
from services.team_formation.settings import Settings
from services.team_formation.watch import Watch
from services.team_formation.web.campaign_pages import CampaignPages
from services.team_formation.web.campaign_shown import ShownCampaigns
from services.team_formation.web.campaign_visits import CampaignVisits
from services.team_formation.web.edge import WebEdge, application
from services.team_formation.web.ground import Ground
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.hooks import Hooks
from services.team_formation.web.invite_pages import InvitePages
from services.team_formation.web.joining import Checkouts, keys_route
from services.team_formation.web.live import Live
from services.team_formation.web.member_door import MemberDoor
from services.team_formation.web.member_pages import MemberPages
from services.team_formation.web.member_talk import MemberTalk
from services.team_formation.web.opens import Opens
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.photo_files import PhotoFiles
from services.team_formation.web.photos import Photos
from services.team_formation.web.previews import Previews
from services.team_formation.web.promoter_pages import PromoterPages
from services.team_formation.web.shown import Shown, ShownTeams
from services.team_formation.web.strangers import Strangers
from services.team_formation.web.tools import Tools
from services.team_formation.web.visits import Visits
from services.team_formation.web.wechat_cards import WeChatCards
from services.team_formation.wechat.files import ServedFiles
from services.team_formation.wechat.tickets import Tickets

FORGET_SECONDS = 60.0
CALLS_ABREAST = 6
"""Batches of hook calls at once, each on a connection that is used for nothing else.

Where the database takes two seconds for each, one begins every 0.35 s: what comes is kept within two and a half.
"""


@dataclass(frozen=True, slots=True)
class ToChats:
    """What it takes to serve chat services: keys that seal, and a way to answer."""

    sealer: Sealer
    give: Give
    hearing: Hearing


class Web:
    """The web edge of a process."""

    def __init__(self, ground: Ground, to_chats: ToChats | None = None, tickets: Tickets | None = None) -> None:
        database, clock, codes = ground.database, ground.clock, ground.codes
        self._ground = ground
        self._tickets = tickets
        self._hearing = to_chats.hearing if to_chats else None
        campaigns = ShownCampaigns(database, clock, ground.catalogue)
        teams = ShownTeams(database, ground.catalogue).load
        self.watch = Watch(database, clock, teams, campaigns.load)
        self.live = Live(self.watch.teams)
        self.campaigns = Live(self.watch.campaigns)
        self.opens = Opens(database, clock)
        self.photos = Photos(database)
        self._edge: WebEdge | None = None
        can_mint = ground.tokens.can_mint
        self._visits = Visits(database, clock, codes, ground.doors, self.live, self.photos, hands_over=can_mint)
        self._campaign_visits = CampaignVisits(database, clock, codes, self.campaigns, self.photos, hands_over=can_mint)
        self._checkouts = Checkouts(ground.tokens, clock)
        self.chats = Chats(ground, self._visits, self.live, teams, to_chats) if to_chats else None

    @property
    def port(self) -> int:
        """The port that the server listens on, once it has started."""
        return self._edge.port if self._edge else 0

    @property
    def apps(self) -> Apps | None:
        """The apps of chat services; None where they cannot be served."""
        return self.chats.apps if self.chats else None

    def edge(self, settings: Settings) -> WebEdge:
        """Make the server."""
        assets = Assets()
        pages = Pages(assets)
        origins = [origin.strip() for origin in settings.web_origins.split(",") if origin.strip()]
        guesses = Guesses()
        strangers, files = Strangers(pages, assets, guesses, frozenset(origins)), ServedFiles(self._ground.database)
        cards = WeChatCards(files, self._tickets, self._ground.clock, strangers, assets.style)
        tools = Tools(pages, assets, self._checkouts, Previews(self.photos), strangers, cards, origins)
        invites = InvitePages(self._visits, self.opens, tools)
        door = MemberDoor(self._ground, self.live, pages, assets, guesses)
        talk = MemberTalk(door, self._ground.switch, self._hearing, self.apps)
        members = MemberPages(self._ground, self.live, door, talk)
        campaigns = CampaignPages(self._campaign_visits, self.live, tools)
        promoters = PromoterPages(self._ground, pages, assets, guesses)
        photos = PhotoFiles(self.photos, strangers)
        routes = [
            *(self.chats.hooks.routes() if self.chats else ()),
            *invites.routes(),
            *members.routes(),
            *campaigns.routes(),
            *promoters.routes(),
            *photos.routes(),
            *cards.routes(),
            keys_route(self._ground.tokens),
        ]
        app = application(routes, pages, assets)
        return WebEdge(
            settings.web_listen,
            app,
            proxies=settings.web_proxies,
            drain_seconds=settings.drain_seconds,
            tls=settings.listening(settings.web_tls),
        )

    def parts(self, settings: Settings) -> list[Part]:
        """List the parts in the order they start: readers are sent elsewhere before the server drains."""
        self._edge = edge = self.edge(settings)
        return [
            Part("opens", run=self.opens.run, stop=self.opens.stop),
            *(self.chats.parts() if self.chats else ()),
            Part("web", start=edge.start, stop=edge.stop),
            Part("followers", run=self.live.run),
            Part("followers of campaigns", run=self.campaigns.run),
            Part("web watch", run=self.watch.run, stop=self.watch.stop),
        ]


class Chats:
    """What serves chat services."""

    def __init__(self, ground: Ground, visits: Visits, live: Live[str, Shown], teams: Load, to_chats: ToChats) -> None:
        database, clock, links, sealer = ground.database, ground.clock, ground.links, to_chats.sealer
        link = ground.codes.url("")
        self.finder, seats = Finder(visits, link), OwnSeats(database, clock, links, live)
        calls = Calls(database, sealer)
        talks = Talks(self.finder, to_chats.hearing, seats, Leaving(links, ground.submit, calls))
        self.lane = database.lane(CALLS_ABREAST)
        keeper = Keeper(self.lane, calls, talks.is_asked)
        self.noter = Noter(database, clock, sealer, visits, link)
        self.apps = Apps(database, clock, sealer)
        self.worker = Worker(database, clock, calls, talks.answer, to_chats.give, self.noter)
        self.living = Living(database, clock, Looker(visits, teams, self.noter, clock), to_chats.give)
        self.marker = Marker(database, clock)
        self._calls = Coalescer("hook calls", keeper.decide, abreast=CALLS_ABREAST)
        self.hooks = Hooks(self.apps, self._calls, clock, ChatPreviews(self.finder.cards, self.noter.note_aside).answer)

    def parts(self) -> Sequence[Part]:
        """List the parts."""
        return (
            Part("connections of hook calls", start=self.lane.start, stop=self.lane.stop),
            Part("hook calls", run=self._calls.run),
            Part("chat previews", run=self.noter.run),
            Part("notes of hook calls", run=self.worker.notes.run),
            Part("chats", run=self.worker.run),
            Part("live previews", run=self.living.run),
            Part("changes for live previews", run=self.marker.run),
            timer("forgotten live previews", self.living.forget, every=FORGET_SECONDS, page=PREVIEWS_PAGE),
            timer("forgotten hook calls", self.worker.forget, every=FORGET_SECONDS, page=FORGET_PAGE),
            timer("seals of chat apps", self.apps.seal_anew, every=FORGET_SECONDS),
        )

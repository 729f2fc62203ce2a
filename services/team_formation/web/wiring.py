"""Wires the web edge: the parts of a process that serve pages."""

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.runner import Part
from services.team_formation.catalogue import Catalogue
from services.team_formation.codes import InviteCodes
from services.team_formation.doors import Doors
from services.team_formation.handover import HandoverTokens
from services.team_formation.settings import Settings
from services.team_formation.watch import Watch
from services.team_formation.web.edge import WebEdge, application
from services.team_formation.web.invite_pages import InvitePages
from services.team_formation.web.joining import Checkouts, keys_route
from services.team_formation.web.live import Live
from services.team_formation.web.opens import Opens
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.shown import ShownTeams
from services.team_formation.web.visits import Visits


class Web:
    """The web edge of a process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogue: Catalogue,
        codes: InviteCodes,
        doors: Doors,
        tokens: HandoverTokens,
    ) -> None:
        self.watch = Watch(database, clock, catalogue, ShownTeams(database, catalogue).load)
        self.live = Live(self.watch.teams)
        self.opens = Opens(database, clock)
        self._edge: WebEdge | None = None
        self._visits = Visits(database, clock, codes, doors, self.live, hands_over=tokens.can_mint)
        self._checkouts = Checkouts(tokens, clock)
        self._tokens = tokens

    @property
    def port(self) -> int:
        """The port that the server listens on, once it has started."""
        return self._edge.port if self._edge else 0

    def edge(self, settings: Settings) -> WebEdge:
        """Make the server."""
        assets = Assets()
        pages = Pages(assets)
        origins = [origin.strip() for origin in settings.web_origins.split(",") if origin.strip()]
        invites = InvitePages(self._visits, self.live, pages, assets, self.opens, self._checkouts, origins)
        app = application([*invites.routes(), keys_route(self._tokens)], pages, assets)
        return WebEdge(settings.web_listen, app, proxies=settings.web_proxies, drain_seconds=settings.drain_seconds)

    def parts(self, settings: Settings) -> list[Part]:
        """List the parts in the order they start: readers are sent elsewhere before the server drains."""
        self._edge = edge = self.edge(settings)
        return [
            Part("opens", run=self.opens.run, stop=self.opens.stop),
            Part("web", start=edge.start, stop=edge.stop),
            Part("followers", run=self.live.run),
            Part("web watch", run=self.watch.run, stop=self.watch.stop),
        ]

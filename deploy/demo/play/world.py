"""What the story knows: the campaign, the team, who sits in it, and the links that were shared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from groupbuy.team_formation.v1.team_formation_service_pb2 import (
    CreateCampaignRequest,
    GetTeamRequest,
    ListSeatsRequest,
    ListTeamsRequest,
)
from groupbuy.team_formation.v1.types_pb2 import Campaign, Seat, SeatState, Team

from deploy.demo.actor import Shop
from deploy.demo.errors import DemoError
from deploy.demo.play.campaign import campaign_request
from deploy.demo.play.crowd import CrowdResult
from deploy.demo.scene.model import Scene
from deploy.demo.show.picture import SPONSORED, Picture, picture_of

_PAGE = 1000
_SEATED = (SeatState.SEAT_STATE_HELD, SeatState.SEAT_STATE_CONFIRMED)


@dataclass
class World:
    """One story, from the opening of its campaign on."""

    shop: Shop
    run_id: str
    campaign: Campaign
    team: Team | None = None
    seats: dict[str, Seat] = field(default_factory=dict)
    """The last seat of each member, by first name."""
    links: dict[str, str] = field(default_factory=dict)
    """The link shared in each chat."""
    invites: dict[str, str] = field(default_factory=dict)
    """The id of the invite shared in each chat."""
    crowd: CrowdResult | None = None
    paid_apart: set[str] = field(default_factory=set)
    """Seats that were paid in a step of their own, some time after the join."""

    @classmethod
    async def create(cls, shop: Shop, run_id: str, scene: Scene) -> "World":
        """Create the scene's campaign."""
        request: CreateCampaignRequest = campaign_request(scene.campaign)
        return cls(shop, run_id, (await shop.ask(shop.teams.CreateCampaign, request)).campaign)

    @property
    def currency(self) -> str:
        """The campaign's currency."""
        return self.campaign.currency

    def the_team(self) -> Team:
        """Give the team; DemoError before one was opened."""
        if self.team is None:
            raise DemoError("The scene does this before a team is open. Put a step with `open` first.")
        return self.team

    def goes_on_with(self, team: Team) -> None:
        """Tell the story of another team from now on."""
        self.team = team
        self.seats.clear()

    def seat_of(self, name: str) -> Seat:
        """Give a member's seat; DemoError where there is none."""
        if name not in self.seats:
            raise DemoError(f"{name} has no seat at this point of the scene. Let {name} join first.")
        return self.seats[name]

    def link_of(self, chat: str) -> str:
        """Give the code of the link shared in a chat, read from the link as a chat's user taps it."""
        return self.links[chat].rpartition("/")[2]

    def member_id(self, name: str) -> str:
        """Make the shop's id of a member."""
        return f"{name}-{self.run_id}"

    def name_of(self, member_id: str) -> str:
        """Tell the first name of a member."""
        return member_id.removesuffix(f"-{self.run_id}")

    def picture(self) -> Picture:
        """Draw the team."""
        live = [_letter(name, seat) for name, seat in self.seats.items() if seat.state in _SEATED]
        return picture_of(self.the_team(), self.campaign.price_table, live)

    async def refresh(self) -> Team:
        """Read the team again."""
        request = GetTeamRequest(team_id=self.the_team().team_id)
        self.team = (await self.shop.ask(self.shop.teams.GetTeam, request)).team
        return self.team

    async def refresh_seats(self) -> None:
        """Read the seats of the members that have a name in the story again."""
        listed = await self.all_seats()
        newest = {self.name_of(seat.member_id): seat for seat in listed if not seat.sponsored}
        sponsored = [seat for seat in listed if seat.sponsored]
        self.seats = {name: newest.get(name, seat) for name, seat in self.seats.items() if not seat.sponsored}
        self.seats |= {f"sponsored place {number}": seat for number, seat in enumerate(sponsored, 1)}

    async def all_teams(self) -> list[Team]:
        """List every team of the campaign, the oldest first."""
        teams: list[Team] = []
        request = ListTeamsRequest(campaign_id=self.campaign.campaign_id, page_size=_PAGE)
        while True:
            page = await self.shop.ask(self.shop.teams.ListTeams, request)
            teams += page.teams
            if not page.next_page_token:
                return teams[::-1]
            request.page_token = page.next_page_token

    async def all_seats(self) -> Sequence[Seat]:
        """List every seat of the team."""
        return await list_seats(self.shop, self.the_team().team_id)


def _letter(name: str, seat: Seat) -> str:
    if seat.sponsored:
        return SPONSORED
    return name[0].upper() if seat.state == SeatState.SEAT_STATE_CONFIRMED else name[0].lower()


async def list_seats(shop: Shop, team_id: str) -> list[Seat]:
    """List every seat of a team, page by page."""
    seats: list[Seat] = []
    request = ListSeatsRequest(team_id=team_id, page_size=_PAGE)
    while True:
        page = await shop.ask(shop.teams.ListSeats, request)
        seats += page.seats
        if not page.next_page_token:
            return seats
        request.page_token = page.next_page_token

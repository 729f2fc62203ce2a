"""What every step needs while it is played: announce it, show its effects, note what is not as expected."""

from dataclasses import dataclass
from time import perf_counter

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1.ladder_pb2 import Basis
from groupbuy.team_formation.v1.types_pb2 import Seat, Team, TeamState

from deploy.demo.actor import Refused, Shop
from deploy.demo.journal import Journal
from deploy.demo.messengers import Messengers
from deploy.demo.play.effects import Effects
from deploy.demo.play.record import StepRecord
from deploy.demo.play.world import World
from deploy.demo.scene.model import Scene
from deploy.demo.show.stage import WHERE, Stage
from deploy.local.stack import Stack

_WITHOUT_MEMBERS = (TeamState.TEAM_STATE_FAILED, TeamState.TEAM_STATE_CANCELLED)
_BELOW = " " * 12
_ENDED = (TeamState.TEAM_STATE_FORMED, *_WITHOUT_MEMBERS)


@dataclass(frozen=True, slots=True)
class Props:
    """What a player plays with: the shop's calls, what is received, the stack to kill parts of, where members live."""

    shop: Shop
    journal: Journal
    stack: Stack
    run_id: str
    web: str
    messengers: Messengers


@dataclass(frozen=True, slots=True)
class Turn:
    """One step's turn."""

    props: Props
    scene: Scene
    world: World
    stage: Stage
    record: StepRecord
    effects: Effects

    @property
    def shop(self) -> Shop:
        """The shop that calls."""
        return self.props.shop

    async def announce(self, text: str) -> None:
        """Say what is done next."""
        self.record.text = text
        await self.stage.step(text)

    def answered(self, began: float, what: str, call: str) -> None:
        """Note an answer as the first effect of a call sent at `began`."""
        where = f"answer of {call}"
        self.effects.add(perf_counter(), began, what, where if len(where) <= WHERE else call)

    async def refused(self, began: float, refused: Refused, expected: str, call: str) -> None:
        """Show a refusal that the scene expects; raise one that it does not."""
        if not expected:
            raise refused
        self.answered(began, refused.reason, call)
        self.effects.flush()
        self.record.notes.append(str(refused))
        self.stage.text(str(refused), _BELOW)
        if refused.reason != expected:
            self.record.broken.append(f"refused = {expected} expected, and it is {refused.reason}")
        await self.stage.beat(1.0)

    def not_refused(self, expected: str, what: str) -> None:
        """Note that a refusal was expected and did not come."""
        if expected:
            self.record.broken.append(f"refused = {expected} expected, and {what}")

    async def follow(self, before: Team, began: float) -> None:
        """Show what follows until all events are seen, the price's too where it moved."""
        team, journal = self.world.the_team(), self.props.journal
        silent = before.state in _ENDED or team.state in _WITHOUT_MEMBERS  # there is no price to tell any more
        silent |= self.world.campaign.price_table.basis == Basis.BASIS_CAMPAIGN_UNITS  # a tally tells it, when it comes
        moved = not silent and [item.unit_price for item in before.prices] != [item.unit_price for item in team.prices]

        def complete() -> bool:
            if not journal.has_team_version(team.team_id, team.version):
                return False
            return not moved or journal.has_price_after(team.team_id, before.version)

        await self.effects.follow(began, complete)
        await self.world.refresh_seats()
        self.show_team()
        picture = self.world.picture()
        for line in (picture.seats, picture.price):
            self.stage.view.line(f"    {line}")
        await self.stage.beat(1.0)

    async def changed(self, name: str, seat: Seat, team: Team, began: float, what: str, call: str) -> None:
        """Show an answer that changed a member's seat, and what follows from it."""
        before = self.world.the_team()
        self.world.seats[name], self.world.team = seat, team
        self.answered(began, what, call)
        self.show_team()
        await self.follow(before, began)

    def show_team(self) -> None:
        """Show how the team stands."""
        self.stage.view.team(self.world.picture())

    def money(self, minor_units: int) -> Money:
        """Write an amount in the campaign's currency."""
        return Money(minor_units=minor_units, currency=self.world.currency)

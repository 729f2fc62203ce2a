"""Random histories of a campaign: batches of commands by several members on two replicas, while the clock moves."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.errors import Raced, Rejected
from services.team_formation import domain
from services.team_formation.catalogue import Catalogue
from services.team_formation.handlers import Ask, Look, Revoke, TeamHandler
from tests.support.formation import PLATFORM, Formation, a_campaign

MEMBERS = tuple(f"member-{n}" for n in range(6))
STEPS = (timedelta(), timedelta(), timedelta(seconds=1), timedelta(minutes=4), timedelta(minutes=10))
ROUNDS = 14

_ANSWERS: dict[str, Any] = {
    "OpenTeam": pb.OpenTeamResponse,
    "JoinTeam": pb.JoinTeamResponse,
    "ConfirmSeat": pb.ConfirmSeatResponse,
    "LeaveTeam": pb.LeaveTeamResponse,
    "ExtendHold": pb.ExtendHoldResponse,
    "DefaultSeat": pb.DefaultSeatResponse,
    "SponsorTeam": pb.SponsorTeamResponse,
    "CancelTeam": pb.CancelTeamResponse,
    "CreateInvite": pb.CreateInviteResponse,
    "RevokeInvite": pb.RevokeInviteResponse,
}


@dataclass
class History:
    """One campaign and what its platform knows of it; the same seed plays alike."""

    formation: Formation
    seed: int
    teams: list[UUID] = field(default_factory=list)
    seats: list[Any] = field(default_factory=list)
    invites: list[UUID] = field(default_factory=list)
    defaults: float = 1.0
    """How often money does not come, beside what else is asked."""
    said: list[str] = field(default_factory=list)
    """What was asked and answered, for whoever looks into a failure."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret
        formation = self.formation
        other = TeamHandler(formation.database, formation.clock, Catalogue(), formation.codes)
        self._replicas = (formation.handler, other)
        self._asked: dict[Any, tuple[Ask, object]] = {}
        self._numbers = 0

    def offered(self) -> domain.Campaign:
        """Make the campaign that is played."""
        return _campaign(self._random)

    async def play(self) -> None:
        """Play some rounds, then let everything end."""
        self.campaign = await self.formation.create(self.offered())
        rules = self.campaign.terms.rules
        self.said.append(f"seed {self.seed}: {rules}")
        for _ in range(ROUNDS):
            asks = [self._ask() for _ in range(self._random.randint(1, 8))]
            await self._decide(asks)
            self.formation.clock.move(self._random.choice(STEPS))
            if self._random.random() < 0.3:
                await self.formation.finder.run_once()
        self.formation.clock.move(timedelta(hours=2))
        while await self.formation.finder.run_once():
            pass
        if self.seats:
            await self._decide([self._confirm() for _ in range(3)])

    async def _decide(self, asks: Sequence[Ask]) -> None:
        """Have a batch decided by one replica, or by both at once; whoever asked before gets the same answer."""
        one, other = self._random.sample(self._replicas, 2)
        if self._random.random() < 0.5:
            answered = [(asks, await _decided(one, asks))]
        else:
            cut = self._random.randint(1, len(asks))
            parts = [asks[:cut], [*asks[cut:], _called_anew(self._random.choice(asks))]]
            both = await asyncio.gather(_decided(one, parts[0]), _decided(other, parts[1]))
            answered = list(zip(parts, both, strict=True))
        for part, answers in answered:
            for ask, answer in zip(part, answers, strict=True):
                self._learn(ask, answer)

    def _learn(self, ask: Ask, answer: bytes | Rejected) -> None:
        told = (answer.reason, answer.metadata) if isinstance(answer, Rejected) else answer
        self.said.append(f"{ask.command} -> {told[0] if isinstance(told, tuple) else 'OK'}")
        if ask.request is None:
            return
        before = self._asked.setdefault(ask.request, (ask, told))[1]
        assert before == told, f"another answer to the same request: {self.said[-1]}"
        if isinstance(answer, bytes):
            self._note(ask.request.rpc, _ANSWERS[ask.request.rpc].FromString(answer))

    def _note(self, rpc: str, answer: Any) -> None:
        if rpc in {"OpenTeam", "JoinTeam"} and (team := _two("team", answer.team.team_id)) not in self.teams:
            self.teams.append(team)
        if rpc in {"OpenTeam", "JoinTeam"}:
            self.seats.append(answer.seat)
        if rpc == "CreateInvite":
            self.invites.append(_two("inv", answer.invite.invite_id))

    def _ask(self) -> Ask:
        kinds = {self._open: 2.0, self._again: 7.0}
        if self.teams:
            kinds |= {self._join: 34.0, self._invite: 4.0, self._expire: 3.0, self._sponsor: 4.0, self._cancel: 0.6}
        if self.seats:
            kinds |= {self._confirm: 43.0, self._leave: 12.0, self._extend: 2.0, self._default: self.defaults}
        if self.invites:
            kinds[self._revoke] = 2.0
        kind: Callable[[], Ask] = self._random.choices(list(kinds), list(kinds.values()))[0]
        return kind()

    def _open(self) -> Ask:
        return self._named("OpenTeam", domain.Open(ids.new_id(), self._wanted()))

    def _again(self) -> Ask:
        return _called_anew(self._random.choice(list(self._asked.values()))[0]) if self._asked else self._open()

    def _join(self) -> Ask:
        return self._named("JoinTeam", self._wanted(), team_id=self._team())

    def _invite(self) -> Ask:
        invite = domain.NewInvite(ids.new_id(), self._member(), "", "wechat", "", "", None)
        return self._named("CreateInvite", invite, team_id=self._team())

    def _revoke(self) -> Ask:
        return self._named("RevokeInvite", Revoke(self._random.choice(self.invites)))

    def _expire(self) -> Ask:
        return Ask(PLATFORM, self.campaign.campaign_id, Look(), team_id=self._team())

    def _leave(self) -> Ask:
        command = domain.Leave(self._random.choice((0, 0, 1)))
        return self._named("LeaveTeam", command, seat_id=_two("seat", self._seat().seat_id))

    def _extend(self) -> Ask:
        return self._named("ExtendHold", domain.Extend(), seat_id=_two("seat", self._seat().seat_id))

    def _default(self) -> Ask:
        return self._named("DefaultSeat", domain.Default("lapsed"), seat_id=_two("seat", self._seat().seat_id))

    def _sponsor(self) -> Ask:
        places = tuple(ids.new_id() for _ in range(self._random.randint(1, 2)))
        return self._named("SponsorTeam", domain.Sponsor(places, "mango"), team_id=self._team())

    def _cancel(self) -> Ask:
        return self._named("CancelTeam", domain.Cancel("recall"), team_id=self._team())

    def _confirm(self) -> Ask:
        seat = self._seat()
        amount = seat.cap.minor_units * seat.quantity + (self._random.random() < 0.05)
        # one payment is named for several seats too, and none by who forgot
        own = f"a-{seat.seat_id[-9:]}"
        command = domain.Confirm(amount, "EUR", self._random.choice(("", "shared", own, own, own, "b")))
        return self._named("ConfirmSeat", command, seat_id=_two("seat", seat.seat_id))

    def _team(self) -> UUID:
        return self._random.choice(self.teams[-2:])

    def _seat(self) -> Any:
        return self._random.choice(self.seats[-8:])

    def _wanted(self) -> domain.Join:
        most = self._random.choice((None, None, None, 2500, 5000))
        largest = self.campaign.terms.rules.max_units_per_seat
        quantity = self._random.randint(1, largest) if self._random.random() < 0.95 else largest + 1
        return domain.Join(ids.new_id(), self._member(), "mango", quantity, most)

    def _member(self) -> str:
        return self._random.choice(MEMBERS)

    def _named(self, rpc: str, command: Any, **about: UUID) -> Ask:
        self._numbers += 1
        # now and then an id that was used before, with another body
        number = self._numbers if self._random.random() < 0.97 else max(1, self._numbers - 5)
        body = f"{self._numbers}".encode()
        key = self.formation.key(rpc, self.campaign.campaign_id, f"{self.seed}-{number}", body)
        return Ask(PLATFORM, self.campaign.campaign_id, command, key, **about)


def _campaign(chance: random.Random) -> domain.Campaign:
    """Make a campaign of any kind, cheap enough in its last tier to be free."""
    minimum = chance.randint(1, 4)
    campaign = a_campaign(
        payment_mode=chance.choice(list(domain.PaymentMode)),
        counted_in=chance.choice(list(domain.CountedIn)),
        basis=chance.choice(list(domain.Basis)),
        leave_until=chance.choice(list(domain.LeaveUntil)),
        close_when_full=chance.random() < 0.6,
        minimum=minimum,
        maximum=minimum + chance.randint(0, 4),
        max_units_per_seat=chance.randint(1, 3),
        ends_at=a_campaign().ends_at + timedelta(days=400),
        stock=chance.choice((None, 12, 60)),
        rules=_rules(chance),
    )
    prices = sorted((chance.choice((0, 1, 999, 2490, 3333, 3990)) for _ in range(3)), reverse=True)
    steps = [domain.PriceStep(0, 3990), *(domain.PriceStep(at + 2, price, at + 1) for at, price in enumerate(prices))]
    rows = tuple(replace(row, steps=tuple(steps)) for row in campaign.terms.price_table.rows)
    table = replace(campaign.terms.price_table, rows=rows)
    rules = campaign.terms.rules
    if rules.counted_in is domain.CountedIn.UNITS:  # nobody may take more than there is
        rules = replace(rules, max_units_per_seat=min(rules.max_units_per_seat, rules.maximum))
    rules = replace(rules, payment_terms=_payment_terms(chance, rules, table.basis))
    return replace(campaign, terms=replace(campaign.terms, price_table=table, rules=rules))


class Unpaid(History):
    """A history of full teams whose places are not paid, and go to those who wait."""

    def offered(self) -> domain.Campaign:
        """Make a campaign of small teams that fills places from its waitlists."""
        campaign = _campaign(self._random)
        while not campaign.terms.rules.payment_terms:
            campaign = _campaign(self._random)
        small: dict[str, Any] = {"minimum": self._random.randint(1, 2), "maximum": 2, "max_units_per_seat": 2}
        waits: dict[str, Any] = {"max_waiting": 9, "max_units_per_member": 0, "close_when_full": True}
        rules = replace(campaign.terms.rules, **small, **waits)
        return replace(campaign, terms=replace(campaign.terms, rules=rules))


def _payment_terms(chance: random.Random, rules: domain.Rules, basis: domain.Basis) -> domain.PaymentTerms | None:
    """Give places that are not paid to who waits, where that may be."""
    if rules.payment_mode is not domain.PaymentMode.COMMIT or rules.on_full is not domain.OnFull.WAITLIST:
        return None
    if basis is domain.Basis.CAMPAIGN_UNITS or chance.random() < 0.3:
        return None
    below = chance.choice(list(domain.OnBelowMinimum))
    return domain.PaymentTerms(timedelta(minutes=1), domain.OnUnpaid.FILL_FROM_WAITLIST, below)


async def _decided(handler: TeamHandler, asks: Sequence[Ask]) -> Sequence[bytes | Rejected]:
    """Have a batch decided, again where the other replica decided one of its requests first, as a coalescer does."""
    while True:
        try:
            return await handler.decide(asks)
        except Raced:
            continue


def _called_anew(ask: Ask) -> Ask:
    """Ask the same by another call: what is new by it has ids of its own."""
    match ask.command:
        case domain.Open(join=join):
            command: Any = replace(ask.command, team_id=ids.new_id(), join=replace(join, seat_id=ids.new_id()))
        case domain.Join():
            command = replace(ask.command, seat_id=ids.new_id())
        case domain.NewInvite():
            command = replace(ask.command, invite_id=ids.new_id())
        case command:
            pass
    return ask._replace(command=command)


def _rules(chance: random.Random) -> dict[str, Any]:
    """Make rules about full teams, limits and what comes after, as many kinds as there are."""
    return {
        "on_full": chance.choice(list(domain.OnFull)),
        "max_waiting": chance.choice((1, 9)),
        "max_units_per_member": chance.choice((0, 0, 0, 5)),
        "max_teams_opened_per_member": chance.choice((0, 0, 0, 2)),
        "visibility": chance.choice(list(domain.Visibility)),
        "max_sponsored": chance.choice((0, 2, 2)),
        "hold_extension": timedelta(minutes=chance.choice((0, 3))),
        "leave_after_formed": timedelta(minutes=chance.choice((0, 15))),
        "leader_reward": chance.choice((0, 500)),
    }


def _two(prefix: str, text: str) -> UUID:
    return (ids.parse(prefix, text, 2) or ())[1]

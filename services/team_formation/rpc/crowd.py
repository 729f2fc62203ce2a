"""Crowds of made-up members: what SimulateJoins asks of the one path, call by call as a platform would."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from groupbuy.team_formation.v1 import crowd_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import limits, requests
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.chassis.twins import is_test
from services.team_formation import domain, translate
from services.team_formation.domain import Problem, Stranger, crowds
from services.team_formation.doors import Door
from services.team_formation.handlers import Answer, Ask
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context
from services.team_formation.rpc.teams import JOINS, TeamRpcs

MOST_TEAMS = 100
"""Teams that the answer names."""
MOST_PER_DEVICE = 1_000


class Seated(NamedTuple):
    """A member of a crowd with the seat that it got."""

    stranger: Stranger
    seat: types_pb2.Seat


class CrowdRpcs(TeamRpcs):
    """Answers test twins."""

    async def SimulateJoins(  # noqa: N802
        self, request: crowd_pb2.SimulateJoinsRequest, _context: Context
    ) -> Any:
        """Have a crowd join, confirm and leave."""
        if not is_test(caller()):
            raise Rejected("SANDBOX_ONLY")
        fields.refuse(_problems(request))
        key = fields.request_key("SimulateJoins", caller(), requests.NO_CAMPAIGN, request)
        answer = await self._desk.campaigns.decided(key)
        if answer is None:
            limits.spend(JOINS, request.members)
            played = await _Crowd(self, request).play()
            answer = await self._desk.campaigns.keep(key, played.SerializeToString())
        if isinstance(answer, Rejected):
            raise answer
        return answer

    async def submit(self, asks: Sequence[Ask]) -> Sequence[Answer | Rejected]:
        """Have calls of a crowd decided, in batches as those of JoinTeams."""
        return await self._desk.commands.submit_all(asks)

    async def joining(self, join: pb.JoinTeamRequest, door: Door | None) -> Ask:
        """Read a join as JoinTeam does."""
        return await self._join(join, door)

    async def opening(self, opening: pb.OpenTeamRequest) -> Ask:
        """Read the opening of a team as OpenTeam does."""
        return await self._opening(opening)

    async def door(self, code: str) -> Door:
        """Find where a code leads; Rejected INVITE_UNKNOWN."""
        return await self._door(code)

    async def check_team(self, team_id: str) -> None:
        """Raise Rejected TEAM_UNKNOWN where there is no such team."""
        await self._team(*fields.team_of(team_id))

    async def campaign(self, campaign_id: str) -> domain.Campaign:
        """Find a campaign; Rejected CAMPAIGN_UNKNOWN."""
        return await self._campaign(fields.campaign_of(campaign_id))


class _Crowd:
    """One crowd, while it is played: every call has a request id made from the crowd's own."""

    def __init__(self, rpcs: CrowdRpcs, request: crowd_pb2.SimulateJoinsRequest) -> None:
        self._rpcs = rpcs
        self._wanted = request
        self._prefix = f"test_crowd_{sha256(request.request_id.encode()).hexdigest()[:24]}"
        self._counts: Counter[tuple[str, str]] = Counter()
        self._teams: dict[str, None] = {}

    async def play(self) -> crowd_pb2.SimulateJoinsResponse:
        """Have all join, then some confirm, then some leave."""
        wanted = self._wanted
        people = list(crowds.crowd(wanted.seed, wanted.members, wanted.confirming_percent, wanted.leaving_percent))
        into = wanted.WhichOneof("into")
        if into == "campaign_id":
            seated = await self._open_and_join(people)
        elif into == "invite_code":
            seated = await self._join(people, "", await self._rpcs.door(wanted.invite_code))
        else:
            await self._rpcs.check_team(wanted.team_id)
            seated = await self._join(people, wanted.team_id)
        await self._confirm([one for one in seated if one.stranger.confirms])
        await self._leave([one for one in seated if one.stranger.leaves])
        return self._answer()

    async def _open_and_join(self, people: Sequence[Stranger]) -> list[Seated]:
        """Open as many teams as are needed, then fill them; where one cannot be opened, each of its members tries."""
        campaign = await self._rpcs.campaign(self._wanted.campaign_id)
        size = crowds.members_of_a_team(campaign.terms.rules, self._wanted.quantity or 1)
        groups = [people[at : at + size] for at in range(0, len(people), size)]
        opened = await self._open([group[0] for group in groups])
        teams = {one.stranger.number: one.seat.team_id for one in opened}
        left = [stranger for group in groups if group[0].number not in teams for stranger in group[1:]]
        joins = [
            await self._rpcs.joining(self._request(stranger, teams[group[0].number]), None)
            for group in groups
            if group[0].number in teams
            for stranger in group[1:]
        ]
        joining = [stranger for group in groups if group[0].number in teams for stranger in group[1:]]
        return [*opened, *await self._seated(joining, joins), *await self._open(left)]

    async def _open(self, people: Sequence[Stranger]) -> list[Seated]:
        campaign_id, asks = self._wanted.campaign_id, []
        for stranger in people:
            request = pb.OpenTeamRequest(campaign_id=campaign_id, **self._common(stranger))
            asks.append(await self._rpcs.opening(request))
        found = []
        for stranger, answer in zip(people, await self._rpcs.submit(asks), strict=True):
            if isinstance(answer, Rejected):
                self._count("OpenTeam", answer.reason)
            else:
                found.append(self._take(stranger, pb.OpenTeamResponse.FromString(answer).seat))
                self._count("OpenTeam", "SEAT")
        return found

    async def _join(self, people: Sequence[Stranger], team_id: str, door: Door | None = None) -> list[Seated]:
        return await self._seated(
            people, [await self._rpcs.joining(self._request(stranger, team_id), door) for stranger in people]
        )

    async def _seated(self, people: Sequence[Stranger], asks: Sequence[Ask]) -> list[Seated]:
        found = []
        for stranger, answer in zip(people, await self._rpcs.submit(asks), strict=True):
            if isinstance(answer, Rejected):
                self._count("JoinTeam", answer.reason)
                continue
            joined = pb.JoinTeamResponse.FromString(answer)
            self._count("JoinTeam", pb.JoinOutcome.Name(joined.outcome).removeprefix("JOIN_OUTCOME_"))
            found.append(self._take(stranger, joined.seat))
        return found

    async def _confirm(self, people: Iterable[Seated]) -> None:
        """Confirm the seats of those who do; who waits has none to confirm yet."""
        asks = []
        for stranger, seat in people:
            if seat.state != types_pb2.SEAT_STATE_HELD:
                continue
            amount = translate.money(seat.cap.minor_units * seat.quantity, seat.cap.currency)
            request = pb.ConfirmSeatRequest(
                request_id=self._request_id(stranger),
                seat_id=seat.seat_id,
                amount=amount,
                payment_reference=f"test_payment_{self._wanted.seed}_{stranger.number}",
            )
            asks.append(self._on_seat("ConfirmSeat", request, fields.confirm_of(request)))
        for answer in await self._rpcs.submit(asks):
            if isinstance(answer, Rejected):
                self._count("ConfirmSeat", answer.reason)
            else:
                outcome = pb.ConfirmOutcome.Name(pb.ConfirmSeatResponse.FromString(answer).outcome)
                self._count("ConfirmSeat", outcome.removeprefix("CONFIRM_OUTCOME_"))

    async def _leave(self, people: Iterable[Seated]) -> None:
        asks = []
        for stranger, seat in people:
            request = pb.LeaveTeamRequest(request_id=self._request_id(stranger), seat_id=seat.seat_id)
            asks.append(self._on_seat("LeaveTeam", request, domain.Leave()))
        for answer in await self._rpcs.submit(asks):
            self._count("LeaveTeam", answer.reason if isinstance(answer, Rejected) else "LEFT")

    def _on_seat(
        self, rpc: str, request: pb.ConfirmSeatRequest | pb.LeaveTeamRequest, command: domain.Confirm | domain.Leave
    ) -> Ask:
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        key = fields.request_key(rpc, caller(), campaign_id, request)
        return Ask(caller(), campaign_id, command, key, seat_id=seat_id)

    def _request(self, stranger: Stranger, team_id: str) -> pb.JoinTeamRequest:
        request = pb.JoinTeamRequest(**self._common(stranger))
        if team_id:
            request.team_id = team_id
        else:
            request.invite_code = self._wanted.invite_code
        return request

    def _common(self, stranger: Stranger) -> dict[str, Any]:
        shared, device = self._wanted.members_per_device, ""
        if shared:
            device = f"test_device_{self._wanted.seed}_{(stranger.number - 1) // shared + 1}"
        return {
            "request_id": self._request_id(stranger),
            "member_id": stranger.member_id,
            "sku": self._wanted.sku,
            "quantity": self._wanted.quantity,
            "device_tag": device,
        }

    def _request_id(self, stranger: Stranger) -> str:
        return f"{self._prefix}_{stranger.number}"

    def _take(self, stranger: Stranger, seat: types_pb2.Seat) -> Seated:
        self._teams[seat.team_id] = None
        return Seated(stranger, seat)

    def _count(self, call: str, outcome: str) -> None:
        self._counts[call, outcome] += 1

    def _answer(self) -> crowd_pb2.SimulateJoinsResponse:
        calls = list(dict.fromkeys(call for call, _ in self._counts))
        ordered = sorted(self._counts.items(), key=lambda item: (calls.index(item[0][0]), -item[1], item[0][1]))
        outcomes = [crowd_pb2.CrowdOutcome(call=call, outcome=out, count=many) for (call, out), many in ordered]
        return crowd_pb2.SimulateJoinsResponse(outcomes=outcomes, team_ids=list(self._teams)[:MOST_TEAMS])


def _problems(request: crowd_pb2.SimulateJoinsRequest) -> list[Problem]:
    """Check a crowd; what its members ask for is checked with their calls."""
    problems = []
    if request.WhichOneof("into") is None:
        problems.append(Problem("into", "say team_id, invite_code or campaign_id: what is joined"))
    bounds = (
        ("members", 1, crowds.MOST_MEMBERS),
        ("confirming_percent", 0, crowds.WHOLE),
        ("leaving_percent", 0, crowds.WHOLE),
        ("members_per_device", 0, MOST_PER_DEVICE),
    )
    for name, least, most in bounds:
        if not least <= getattr(request, name) <= most:
            problems.append(Problem(name, f"must be {least} to {most}"))
    if request.quantity < 0:
        problems.append(Problem("quantity", "must be at least 1; 0 means 1"))
    return problems + domain.check_reference("sku", request.sku)

"""ImportTeams: running teams of another system, each read, checked and brought over as a whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.team_formation.v1 import importing_pb2 as pb

from services.chassis import erased, ids, limits
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import RequestKey
from services.chassis.server import caller
from services.chassis.status import status_of
from services.team_formation import domain, store
from services.team_formation.domain import Problem
from services.team_formation.handlers import Ask, importing, weight
from services.team_formation.rpc import bulk, fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.rpc.teams import JOINS

MOST_TEAMS = 50
MOST_SEATS = 1_000
PART_SEATS = 100
"""So many seats, or one team, are decided at once."""
"""Of all teams of a call: they are decided at once, and other calls wait meanwhile."""
_RPC = "ImportTeam"
_NEVER = datetime.min.replace(tzinfo=UTC)


class ImportRpcs(Rpcs):
    """Answers about teams of other systems."""

    async def ImportTeams(self, request: pb.ImportTeamsRequest, _context: Context) -> Any:  # noqa: N802
        """Bring teams over, or say what would become of them."""
        if not 1 <= len(request.teams) <= MOST_TEAMS:
            raise invalid("teams", f"must be 1 to {MOST_TEAMS}")
        if sum(len(team.seats) for team in request.teams) > MOST_SEATS:
            raise invalid("teams", f"must have at most {MOST_SEATS} seats together; send fewer teams in a call")
        asks = [_asked(team) for team in request.teams]
        good = [ask for ask in asks if isinstance(ask, Ask)]
        if not request.check_only:
            limits.spend(JOINS, sum(map(weight, good)))
        answers = [await self._checked(ask) for ask in good] if request.check_only else await self._done(good)
        decided = iter(answers)
        return pb.ImportTeamsResponse(
            results=[_result(ask if isinstance(ask, Rejected) else next(decided)) for ask in asks]
        )

    async def _done(self, asks: Sequence[Ask]) -> Sequence[bytes | Rejected]:
        """Have teams decided one after the other, in parts: a batch has others' commands too, and they wait for it."""
        answers: list[bytes | Rejected] = []
        for part in _parts(asks):
            answers += await self._desk.commands.submit_all(part)
        return answers

    async def _checked(self, ask: Ask) -> bytes | Rejected:
        """Play an import without keeping it: all but what needs locks, stock and the limits of members."""
        command, now = ask.command, self._desk.clock.now(ask.platform_id)
        if not isinstance(command, domain.Import):
            raise TypeError(f"{command} is no import")
        async with self._desk.database.read() as connection:
            known = await store.find_team(connection, ask.platform_id, ask.campaign_id, command.team_id)
            named = {ask.platform_id: {seat.join.member_id for seat in command.seats}}
            gone = [] if known else list((await erased.find_erased(connection, named)).values())
        if known:
            return importing.there_before(ask.campaign_id, command)
        if gone:
            return erased.refusal(gone[0])
        try:
            campaign = await self._campaign(ask.campaign_id)
        except Rejected as unknown:
            return unknown
        around = domain.Around(campaign, campaign.terms, now)
        decision = domain.import_team(around, command, lambda _: domain.Usage())
        return (
            importing.refused(decision) if isinstance(decision, Problem) else importing.imported(decision, checked=True)
        )


def _parts(asks: Sequence[Ask]) -> Iterator[list[Ask]]:
    """Part imports by their seats; a team is not parted."""
    part: list[Ask] = []
    for ask in asks:
        if part and sum(map(weight, part)) + weight(ask) > PART_SEATS:
            yield part
            part = []
        part.append(ask)
    if part:
        yield part


def _result(answer: bytes | Rejected) -> pb.ImportResult:
    if isinstance(answer, bytes):
        return pb.ImportResult(imported=pb.ImportedTeam.FromString(answer))
    said = bulk.refused(status_of(answer))
    return pb.ImportResult(refused=pb.ImportRefused(reason=said.reason, message=said.message, fields=said.fields))


def _asked(team: pb.ImportTeam) -> Ask | Rejected:
    """Read a team; Rejected where a field cannot be accepted, with all that cannot."""
    try:
        campaign_id = fields.campaign_of(team.campaign_id)
        command = _command(team, campaign_id)
    except Rejected as refused:
        return refused
    # Its id says whether it is here already, for ever: an answer that refuses it need not be kept.
    key = RequestKey(campaign_id, caller(), _RPC, str(ids.new_id()), b"")
    return Ask(caller(), campaign_id, command, key, command.team_id)


def _command(team: pb.ImportTeam, campaign_id: UUID) -> domain.Import:
    problems = domain.check_reference("external_ref", team.external_ref, needed=True)
    opened_at = _time("opened_at", team, problems)
    ends_at = _time("ends_at", team, problems)
    if not 1 <= len(team.seats) <= MOST_SEATS:
        problems.append(Problem("seats", f"must be 1 to {MOST_SEATS}; the first is who leads"))
    problems += _repeated(team, "external_ref") + _repeated(team, "member_id")
    team_id = ids.derived_id(campaign_id, "import", team.external_ref)
    seats = tuple(_seat(seat, f"seats[{at}]", team_id, problems) for at, seat in enumerate(team.seats))
    fields.refuse(problems)
    return domain.Import(team_id, team.external_ref, opened_at, ends_at, seats)


def _seat(seat: pb.ImportSeat, at: str, team_id: UUID, problems: list[Problem]) -> domain.Brought:
    problems += domain.check_reference(f"{at}.external_ref", seat.external_ref, needed=True)
    problems += domain.check_member_id(f"{at}.member_id", seat.member_id)
    problems += domain.check_reference(f"{at}.sku", seat.sku)
    problems += fields.check_money(f"{at}.cap", seat.cap)
    problems += domain.check_reference(
        f"{at}.payment_reference", seat.payment_reference, longest=fields.LONGEST_PAYMENT_REFERENCE
    )
    if seat.quantity < 0:
        problems.append(Problem(f"{at}.quantity", "must be at least 1; 0 means 1"))
    confirmed = seat.HasField("confirmed_at")
    if confirmed is seat.HasField("hold_until"):
        problems.append(
            Problem(f"{at}.hold_until", "say confirmed_at of a confirmed seat, or hold_until of a held one")
        )
    join = domain.Join(
        ids.derived_id(team_id, seat.external_ref),
        seat.member_id,
        seat.sku,
        seat.quantity or 1,
        currency=seat.cap.currency,
        external_ref=seat.external_ref,
        asserted=fields.asserted_of(seat.asserted, f"{at}.asserted", problems),
        hold_until=None if confirmed else _time("hold_until", seat, problems, f"{at}."),
    )
    held_at = _time("held_at", seat, problems, f"{at}.")
    confirmed_at = _time("confirmed_at", seat, problems, f"{at}.") if confirmed else None
    return domain.Brought(join, held_at, seat.cap.minor_units, confirmed_at, seat.payment_reference)


def _time(name: str, message: pb.ImportTeam | pb.ImportSeat, problems: list[Problem], at: str = "") -> datetime:
    """Read a time that has to be said."""
    stamp: Timestamp = getattr(message, name)
    if not message.HasField(name):  # type: ignore[arg-type]  # one of its fields
        problems.append(Problem(f"{at}{name}", "must be said, as a time in UTC"))
    return fields.read_time(f"{at}{name}", stamp, problems) or _NEVER


def _repeated(team: pb.ImportTeam, name: str) -> list[Problem]:
    counts = Counter(getattr(seat, name) for seat in team.seats)
    return [
        Problem(f"seats[{at}].{name}", "must be another one than that of a seat before: once in a team")
        for at, seat in enumerate(team.seats)
        if counts[getattr(seat, name)] > 1 and getattr(seat, name) in {getattr(s, name) for s in team.seats[:at]}
    ]

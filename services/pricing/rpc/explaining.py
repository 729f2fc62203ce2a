"""Reads what an explanation rests on: the facts, the lines, the versions of a team."""

import re

from groupbuy.pricing.v1 import explanations_pb2, pricing_service_pb2

from services.chassis.database import Connection
from services.chassis.errors import Rejected, invalid
from services.pricing import domain, store, translate

# RFC 5646 section 2.1, loosely: subtags of up to 8 letters and digits.
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST_LANGUAGE = 64


def check(request: pricing_service_pb2.ExplainPriceRequest) -> None:
    """Refuse a question about nothing or about two things, and a language or version that cannot be."""
    if request.language and not (len(request.language) <= _LONGEST_LANGUAGE and _LANGUAGE.fullmatch(request.language)):
        raise invalid("language", 'must be a BCP 47 tag, for instance "en" or "zh-Hans", or empty for English')
    if request.seat_id and request.team_id:
        raise invalid("team_id", "say seat_id or team_id: a seat is explained in its own team")
    if request.seat_id and request.team_version:
        raise invalid("team_version", "goes with team_id; a seat is explained as it stands now")
    if request.team_version < 0:
        raise invalid("team_version", "must be a version of the team, from 1, or 0 for now")


async def of_seat(
    connection: Connection,
    seat: domain.Seat,
    team: domain.Team,
    table: domain.PriceTable,
    request: pricing_service_pb2.ExplainPriceRequest,
) -> pricing_service_pb2.ExplainPriceResponse:
    """Explain a seat's price by its own facts, the one that set the fill, and the team's end."""
    versions = [at for at in (team.fill_version, team.formed_version, team.ended_version) if at]
    facts = await store.list_facts(connection, team.campaign_id, team.team_id, seat.seat_id, versions)
    lines = await store.list_lines_of_seat(connection, seat.campaign_id, seat.seat_id)
    jobs = await store.find_teams_with_jobs(connection, [(team.campaign_id, team.team_id)])
    tally, refused = await last_tally(connection, team, table), await _refused(connection, team, seat)
    explained = domain.explain(team, seat, table, tally, refused=refused)
    tallies = await _tallies(connection, team, seat.cap_tally_seq, explained.tally_seq)
    return translate.explanation(
        explained,
        table,
        facts,
        lines,
        tallies,
        lines_complete=not jobs,
        language=request.language,
    )


async def _refused(connection: Connection, team: domain.Team, seat: domain.Seat) -> int:
    """Count the units of a seat that were refused at the door."""
    if team.payment_mode is not domain.PaymentMode.PAY_ON_DELIVERY or not team.formed_version:
        return 0
    left = await store.load_units_left(connection, [(seat.campaign_id, seat.seat_id)], team.version + 1)
    return seat.quantity - left.get(seat.seat_id, seat.quantity)


async def of_team(
    connection: Connection,
    team: domain.Team,
    table: domain.PriceTable,
    request: pricing_service_pb2.ExplainPriceRequest,
) -> pricing_service_pb2.ExplainPriceResponse:
    """Explain a team's prices at one of its versions by the fill stored then; Rejected TEAM_VERSION_UNKNOWN.

    Where the whole campaign fills the ladder, its tallies set the prices: they are explained as of now.
    """
    if table.basis.is_of_campaign and request.team_version:
        raise invalid(
            "team_version", "must be 0: the whole campaign fills this ladder, a team's versions do not move it"
        )
    version = request.team_version or team.version
    fact = await store.find_fact(connection, team.campaign_id, team.team_id, version)
    if fact is None:
        raise Rejected("TEAM_VERSION_UNKNOWN", {"given": version, "version": team.version})
    filled = await store.find_fill_fact(connection, fact)
    tally = await last_tally(connection, team, table)
    counted = domain.at_tally(team, table.basis, tally)
    fill = counted.fill if table.basis.is_of_campaign else fact.fill
    explained = domain.explain_team(counted, table, version, fill, filled.version)
    if explained.fill_version != filled.version:  # the team had ended: its prices stand still
        found = await store.find_fact(connection, team.campaign_id, team.team_id, explained.fill_version)
        filled = found or filled
    facts = [filled] if filled.version == fact.version else [filled, fact]
    tallies = await _tallies(connection, team, explained.tally_seq)
    return translate.team_explanation(explained, table, facts, request.language, tallies)


async def _tallies(connection: Connection, team: domain.Team, *seqs: int) -> list[domain.Tally]:
    """Load the tallies that an explanation names; 0 names none."""
    named = sorted({(team.campaign_id, seq) for seq in seqs if seq})
    return [tally for _, tally in sorted((await store.load_tallies(connection, named)).items())] if named else []


async def last_tally(connection: Connection, team: domain.Team, table: domain.PriceTable) -> domain.Tally | None:
    """Find the campaign's last tally where it fills the team's ladder."""
    if not table.basis.is_of_campaign:
        return None
    return await store.find_tally(connection, team.platform_id, team.campaign_id)


async def changes(
    connection: Connection, team: domain.Team, table: domain.PriceTable, after: int, limit: int
) -> list[explanations_pb2.TeamPriceChange]:
    """List how the price of a team moved while it was open, after a version; of a whole campaign, its tallies tell."""
    if table.basis.is_of_campaign:
        return []
    before = domain.prices_end(team)
    found = await store.list_tier_facts(
        connection, team.campaign_id, team.team_id, table.thresholds, after=after, before=before, limit=limit
    )
    return [translate.price_change(fact, old_fill, table) for fact, old_fill in found]

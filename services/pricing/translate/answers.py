"""Writes the answers about a team's price and a seat's."""

from collections.abc import Sequence

from groupbuy.pricing.v1 import pricing_service_pb2

from services.pricing import domain
from services.pricing.store import StoredFact
from services.pricing.translate.facts import full_name
from services.pricing.translate.lines import line
from services.pricing.translate.sentences import explain_seat
from services.pricing.translate.words import BASES, ROLES, event_time, money, price_step, seat_id, team_id


def price_now(team: domain.Team, table: domain.PriceTable) -> pricing_service_pb2.GetPriceResponse:
    """Write the price of every item and role at a team's fill."""
    following = table.next_threshold(team.fill)
    return pricing_service_pb2.GetPriceResponse(
        team_id=team_id(team.campaign_id, team.team_id),
        team_version=team.version,
        fill=team.fill,
        tier=table.tier(team.fill),
        missing_to_next=table.missing_to_next(team.fill),
        prices=[
            pricing_service_pb2.ItemPrice(
                sku=row.sku,
                role=ROLES[row.role],
                unit_price=money(row.at(team.fill).unit_price, table.currency),
                next_unit_price=money(row.at(following).unit_price, table.currency) if following else None,
            )
            for row in table.rows
        ],
        ladder_version=table.ladder_version,
        basis=BASES[table.basis],
        tally_seq=team.tally_seq,
    )


def explanation(
    explained: domain.Explanation,
    table: domain.PriceTable,
    facts: Sequence[StoredFact],
    lines: Sequence[domain.SettlementLine],
) -> pricing_service_pb2.ExplainPriceResponse:
    """Write why a seat is priced as it is."""
    seat, currency = explained.seat, table.currency
    return pricing_service_pb2.ExplainPriceResponse(
        seat_id=seat_id(seat.campaign_id, seat.seat_id),
        facts=map(_fact, facts),
        fill=explained.fill,
        basis=BASES[explained.basis],
        step=price_step(explained.step),
        list_price=money(explained.list_price, currency),
        cap=None if explained.cap is None else money(explained.cap, currency),
        unit_price=money(explained.unit_price, currency),
        quantity=seat.quantity,
        amount=money(explained.amount, currency),
        final=explained.final,
        sentence=explain_seat(explained, currency),
        lines=map(line, lines),
        tally_seq=explained.tally_seq,
    )


def _fact(fact: StoredFact) -> pricing_service_pb2.ExplainedFact:
    return pricing_service_pb2.ExplainedFact(
        event_id=str(fact.event_id),
        fact=full_name(fact.kind),
        team_version=fact.version,
        occurred_at=event_time(fact.at),
        fill=fact.fill,
    )

"""Writes the answer about a team's price."""

from groupbuy.pricing.v1 import pricing_service_pb2

from services.pricing import domain
from services.pricing.translate.words import BASES, ROLES, money, references, team_id


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
        references=references(table.references),
    )

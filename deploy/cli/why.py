"""groupbuy why: the story of a seat, an order or an invite across the services."""

from collections.abc import Iterator
from pathlib import Path

import click

from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from deploy.story.finding import find
from deploy.story.invite_story import invite_lines
from deploy.story.seat_story import gather, story_lines
from deploy.story.shop import Shop, a_shop


@click.command()
@click.argument("reference", metavar="SEAT|ORDER|INVITE")
@click.option("--buyer", is_flag=True, help="What a buyer may see: no payment references, no other members.")
@click.option("--language", default="", metavar="TAG", help="The language of the explanation, BCP 47.")
@click.option("--campaign", default="", metavar="ID", help="Where to look for an order; else in every campaign.")
@data_option
def why(reference: str, language: str, campaign: str, data: Path, *, buyer: bool) -> None:
    """Tell the whole story: joined, held, every move of the price, cap, settlement, messages.

    SEAT and INVITE are ids (seat_..., inv_...), an invite may be its code, ORDER is the platform's external_ref. Asks
    GROUPBUY_TEAM_FORMATION, GROUPBUY_PRICING and GROUPBUY_NOTIFICATION with GROUPBUY_PLATFORM_KEY, or the stack that
    runs on the data directory.
    """
    installation = find_installation(data)
    teams, prices, messages = map(installation.need, ("team_formation", "pricing", "notification"))
    with a_shop(teams, prices, messages, installation.need("platform_key")) as shop:
        for line in _lines(shop, reference, campaign, language, buyer=buyer):
            click.echo(line)


def _lines(shop: Shop, reference: str, campaign: str, language: str, *, buyer: bool) -> Iterator[str]:
    found = find(shop, reference, campaign)
    if found.invite:
        yield from invite_lines(shop, found.invite, buyer=buyer)
    for place, seat in enumerate(found.seats):
        yield from ["", ""] if place else []
        yield from story_lines(gather(shop, seat, language), buyer=buyer)

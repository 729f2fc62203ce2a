"""groupbuy explain: why a seat, or a team, is priced as it is."""

import json
import sys
from pathlib import Path

import click
from google.protobuf.json_format import MessageToDict
from groupbuy.pricing.v1.pricing_service_pb2 import ExplainPriceRequest, ExplainPriceResponse

from deploy.cli.installation import Installation, find_installation
from deploy.cli.stack import data_option
from deploy.story.explained import explanation_lines
from deploy.story.shop import a_shop
from deploy.verify.verifier import verify as verified


@click.command()
@click.argument("seat")
@click.option("--language", default="", metavar="TAG", help="The reader's language, BCP 47; English where not known.")
@click.option("--version", "version", type=click.IntRange(min=0), default=0, metavar="N",
              help="With a team's id instead of a seat's: its version; 0 is now.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The explanation as JSON, as verifiers read it.")
@click.option("--verify", is_flag=True, help="Compute the price again from the explanation; exit code 1 if it differs.")
@data_option
def explain(seat: str, language: str, version: int, data: Path, *, as_json: bool, verify: bool) -> None:
    """Explain the price of SEAT from stored facts, or of every item of a team by the team's id.

    Asks GROUPBUY_PRICING with GROUPBUY_PLATFORM_KEY, or the stack that runs on the data directory.
    """
    explained = _ask(find_installation(data), seat, language, version)
    as_data = MessageToDict(explained)
    if as_json:
        click.echo(json.dumps(as_data, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(explanation_lines(explained)))
    if verify:
        _, differences = verified(as_data)
        verdict = "differs: " + "\ndiffers: ".join(differences) if differences else "verified: the same to the cent"
        click.echo(verdict, err=as_json)
        sys.exit(1 if differences else 0)


def _ask(installation: Installation, seat: str, language: str, version: int) -> ExplainPriceResponse:
    address, key = installation.need("pricing"), installation.need("platform_key")
    of = {"team_id": seat} if seat.startswith("team_") else {"seat_id": seat}
    with a_shop(address, address, address, key) as shop:
        request = ExplainPriceRequest(language=language, team_version=version, **of)
        answer: ExplainPriceResponse = shop.ask(shop.prices.ExplainPrice, request)
    return answer

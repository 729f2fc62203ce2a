"""groupbuy simulate: what a ladder earns at every fill, before or after a campaign has it."""

from collections.abc import Sequence
from pathlib import Path

import click
import grpc
from groupbuy.pricing.v1 import simulation_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub
from rich.console import Console

from deploy.channels import open_channel
from deploy.cli.installation import find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import code_of, details_of
from deploy.local.errors import LocalError
from deploy.simulate.asking import from_file, of_campaign
from deploy.simulate.picture import svg
from deploy.simulate.series import Series, series
from deploy.simulate.terminal import plot
from services.chassis.errors import Rejected
from services.pricing.rpc.simulation import simulate_ladder

SECONDS = 10.0


@click.command()
@click.option("--ladder", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file: docs/simulation.md.")
@click.option("--campaign", help="A campaign's id; its platform's key stands in GROUPBUY_PLATFORM_KEY.")
@click.option("--item", default="", help="The item to show, by SKU; the first where none is named.")
@click.option("--cost", "costs", multiple=True, metavar="SKU=UNITS", help="What one unit costs you, in minor units.")
@click.option("--plot", "on_terminal", is_flag=True, help="Draw it here.")
@click.option("--svg", "picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this file.")
@data_option
def simulate(
    ladder: Path | None,
    campaign: str | None,
    item: str,
    costs: Sequence[str],
    picture: Path | None,
    data: Path,
    *,
    on_terminal: bool,
) -> None:
    """Say what a ladder earns, where one more member lowers the revenue, and the least it can earn."""
    if (ladder is None) == (campaign is None):
        raise click.UsageError("Name one of --ladder FILE and --campaign ID.")
    wanted = [_cost(text) for text in costs]
    if ladder:
        request = from_file(ladder)
        request.unit_costs.extend(wanted)
    else:
        request = of_campaign(_campaign(campaign or "", data), wanted)
    answer = _simulated(request)
    found = series(answer, item)
    if on_terminal:
        Console().print(plot(found))
    for line in _summary(answer, found):
        click.echo(line)
    if picture:
        picture.write_text(svg(found), encoding="utf-8")
        click.echo(f"The picture lies in {picture}.")


def _cost(text: str) -> simulation_pb2.UnitCost:
    sku, equals, units = text.rpartition("=")
    if not (equals and units.isascii() and units.isdigit()):
        raise click.UsageError(f"--cost {text}: write SKU=UNITS, in minor units, for instance mango=2100.")
    return simulation_pb2.UnitCost(sku=sku, unit_cost=int(units))


def _simulated(request: simulation_pb2.SimulateLadderRequest) -> simulation_pb2.SimulateLadderResponse:
    try:
        return simulate_ladder(request)
    except Rejected as refused:
        problems = "\n".join(f"  {problem.field}: {problem.description}" for problem in refused.fields)
        raise LocalError(f"This ladder cannot be simulated ({refused.reason}):\n{problems}", "Mend these.") from None


def _summary(answer: simulation_pb2.SimulateLadderResponse, found: Series) -> list[str]:
    worst = answer.worst_case
    lines = [
        f"{found.sku} at {dip.next_fill} {found.by} brings {found.money(dip.next_revenue)},"
        f" less than {found.money(dip.revenue)} at {dip.fill}."
        for dip in answer.dips
        if dip.sku == found.sku
    ]
    lowest = next(item for item in worst.items if item.sku == found.sku)
    lines.append(
        f"A unit of {found.sku} that stays brings at least {found.money(lowest.unit_price)}"
        f" (with a coupon {found.money(lowest.with_coupon)})."
    )
    margin = f", a margin of {found.money(worst.margin)}" if worst.HasField("margin") else ""
    lines.append(f"A team that forms brings at least {found.money(worst.revenue)}{margin} if nobody goes after that.")
    return lines


def _campaign(campaign_id: str, data: Path) -> types_pb2.Campaign:
    installation = find_installation(data)
    address, key = installation.need("team_formation"), installation.need("platform_key")
    metadata = (("authorization", f"Bearer {key}"),)
    with open_channel(address) as channel:
        try:
            request = pb.GetCampaignRequest(campaign_id=campaign_id)
            return TeamFormationStub(channel).GetCampaign(request, metadata=metadata, timeout=SECONDS).campaign
        except grpc.RpcError as error:
            raise LocalError(
                f"team_formation at {address} answered {code_of(error).name}: {details_of(error)}",
                "Is the id right, and is the key one of the campaign's platform?",
            ) from None

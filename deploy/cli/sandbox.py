"""groupbuy sandbox: move the clock of a test platform on, bring a crowd, and begin the test platform anew."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from groupbuy.team_formation.v1 import crowd_pb2
from groupbuy.team_formation.v1 import sandbox_pb2 as pb

from deploy.cli.calling import SECONDS, Metadata, calling
from deploy.cli.spans import Span
from deploy.cli.stack import data_option

MOST = 1_000
"""Members of a crowd."""
PERCENT = click.IntRange(0, 100)
CROWD_SECONDS = 120.0


@click.group()
def sandbox() -> None:
    """Try things on a test platform: its clock, a crowd, and beginning anew.

    Talks to GROUPBUY_TEAM_FORMATION with GROUPBUY_PLATFORM_KEY, which has to be a key of the test platform (gbt_...).
    """


@sandbox.command(short_help="Move the clock on.")
@click.option("--by", type=Span(), required=True, help="How far: 90s, 30m, 24h or 40d.")
@data_option
def advance(by: timedelta, data: Path) -> None:
    """Move the test platform's clock on, and wait until all that came due meanwhile is done, in every service."""
    with calling("team_formation", data) as (stub, metadata):
        click.echo(_line(_advance(stub, metadata, by)))


@sandbox.command("clock", short_help="Tell the time of the test platform.")
@data_option
def show_clock(data: Path) -> None:
    """Tell the time of the test platform, and which services have something of it to do still."""
    with calling("team_formation", data) as (stub, metadata):
        clock = stub.GetTestClock(pb.GetTestClockRequest(), metadata=metadata, timeout=SECONDS).clock
    click.echo(_line(clock))


@sandbox.command(short_help="Bring a crowd of made-up members.")
@click.argument("into", metavar="CAMPAIGN|TEAM|INVITE")
@click.option("--members", type=click.IntRange(1, MOST), default=100, show_default=True, help="How many, in all.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True,
              help="Names them and draws what they do; another crowd needs another.")  # fmt: skip
@click.option("--confirming", "confirming_percent", type=PERCENT, default=60, show_default=True,
              help="How many of a hundred pay.")  # fmt: skip
@click.option("--leaving", "leaving_percent", type=PERCENT, default=0, show_default=True,
              help="How many of a hundred leave.")  # fmt: skip
@click.option("--sku", default="", help="The item, where a campaign has several.")
@click.option("--waves", type=click.IntRange(1, MOST), default=1, show_default=True,
              help="In how many crowds, one after the other, each with a seed one higher.")  # fmt: skip
@click.option("--every", type=Span(), help="Move the clock on by so much between waves: 90s, 30m, 24h or 40d.")
@data_option
def crowd(into: str, *, members: int, seed: int, waves: int, every: timedelta | None, data: Path, **each: Any) -> None:
    """Bring a crowd into a team, by an invite, or into teams that are opened in a campaign; tell what became of it."""
    if waves > members:
        raise click.UsageError(f"--waves {waves} is more than --members {members}: each wave has one member at least.")
    if every and waves == 1:
        raise click.UsageError("--every moves the clock between waves: say how many by --waves.")
    outcomes, teams = Counter[tuple[str, str]](), dict[str, None]()
    with calling("team_formation", data) as (stub, metadata):
        for wave in range(waves):
            if wave and every:
                _advance(stub, metadata, every)
            request = crowd_pb2.SimulateJoinsRequest(
                request_id=str(uuid.uuid4()),
                members=members * (wave + 1) // waves - members * wave // waves,
                seed=(seed + wave) % 2**32,
                **_into(into),
                **each,
            )
            answer = stub.SimulateJoins(request, metadata=metadata, timeout=CROWD_SECONDS)
            outcomes.update({(one.call, one.outcome): one.count for one in answer.outcomes})
            teams.update(dict.fromkeys(answer.team_ids))
    for (call, outcome), count in sorted(outcomes.items(), key=lambda item: (item[0][0], -item[1])):
        click.echo(f"{call:<12}  {outcome:<24} {count:>5}")
    for team in teams:
        click.echo(team)


@sandbox.command(short_help="Begin the test platform anew.")
@click.confirmation_option(prompt="All of the test platform but its keys and limits goes. Begin anew?")
@data_option
def reset(data: Path) -> None:
    """Begin the test platform anew, with the same keys and limits and nothing else."""
    request = pb.ResetTestPlatformRequest(request_id=str(uuid.uuid4()))
    with calling("team_formation", data) as (stub, metadata):
        answer = stub.ResetTestPlatform(request, metadata=metadata, timeout=SECONDS)
    late = ", ".join(answer.unsettled_services)
    click.echo(f"it begins anew{f'; not heard of it yet: {late}' if late else ''}")


def _advance(stub: Any, metadata: Metadata, by: timedelta) -> pb.TestClock:
    request = pb.AdvanceClockRequest(request_id=str(uuid.uuid4()))
    request.by.FromTimedelta(by)
    while True:  # the same request again waits on
        clock: pb.TestClock = stub.AdvanceClock(request, metadata=metadata, timeout=SECONDS).clock
        if not clock.HasField("target"):
            return clock
        click.echo(_line(clock), err=True)


def _into(text: str) -> dict[str, Any]:
    field = {"camp": "campaign_id", "team": "team_id"}.get(text.partition("_")[0], "invite_code")
    return {field: text}


def _line(clock: pb.TestClock) -> str:
    now: datetime = clock.now.ToDatetime(tzinfo=UTC)
    ahead = clock.ahead.ToTimedelta() + timedelta(minutes=1)  # as it was asked for: the way there took its time
    moving = f"  on its way to {clock.target.ToDatetime():%Y-%m-%dT%H:%M:%SZ}" if clock.HasField("target") else ""
    busy = f"  not done: {', '.join(clock.unsettled_services)}" if clock.unsettled_services else ""
    return f"{now:%Y-%m-%dT%H:%M:%SZ}  {ahead.days}d {ahead.seconds // 3600}h ahead{moving}{busy}"

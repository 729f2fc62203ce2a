"""groupbuy sandbox: move the clock of a test platform on, tell it, and begin the test platform anew."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import grpc
from groupbuy.team_formation.v1 import sandbox_pb2 as pb
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.channels import open_channel
from deploy.cli.installation import KEY_REMEDY, find_installation
from deploy.cli.spans import Span
from deploy.cli.stack import data_option
from deploy.local.answers import in_words

SECONDS = 30.0


@click.group()
def sandbox() -> None:
    """Try things on a test platform: its clock, and beginning anew.

    Talks to GROUPBUY_TEAM_FORMATION with GROUPBUY_PLATFORM_KEY, which has to be a key of the test platform (gbt_...).
    """


@sandbox.command(short_help="Move the clock on.")
@click.option("--by", type=Span(), required=True, help="How far: 90s, 30m, 24h or 40d.")
@data_option
def advance(by: timedelta, data: Path) -> None:
    """Move the test platform's clock on, and wait until all that came due meanwhile is done, in every service."""
    request = pb.AdvanceClockRequest(request_id=str(uuid.uuid4()))
    request.by.FromTimedelta(by)
    with _formation(data) as (stub, metadata):
        clock = stub.AdvanceClock(request, metadata=metadata, timeout=SECONDS).clock
        while clock.HasField("target"):
            click.echo(_line(clock), err=True)
            clock = stub.AdvanceClock(request, metadata=metadata, timeout=SECONDS).clock  # waits on
    click.echo(_line(clock))


@sandbox.command("clock", short_help="Tell the time of the test platform.")
@data_option
def show_clock(data: Path) -> None:
    """Tell the time of the test platform, and which services have something of it to do still."""
    with _formation(data) as (stub, metadata):
        clock = stub.GetTestClock(pb.GetTestClockRequest(), metadata=metadata, timeout=SECONDS).clock
    click.echo(_line(clock))


@sandbox.command(short_help="Begin the test platform anew.")
@click.confirmation_option(prompt="All of the test platform but its keys and limits goes. Begin anew?")
@data_option
def reset(data: Path) -> None:
    """Begin the test platform anew, with the same keys and limits and nothing else."""
    request = pb.ResetTestPlatformRequest(request_id=str(uuid.uuid4()))
    with _formation(data) as (stub, metadata):
        answer = stub.ResetTestPlatform(request, metadata=metadata, timeout=SECONDS)
    late = ", ".join(answer.unsettled_services)
    click.echo(f"it begins anew{f'; not heard of it yet: {late}' if late else ''}")


@contextmanager
def _formation(data: Path) -> Iterator[tuple[Any, tuple[tuple[str, str], ...]]]:
    """Connect to team_formation with a platform's key; what is refused becomes a sentence with a remedy."""
    installation = find_installation(data)
    address = installation.need("team_formation")
    metadata = (("authorization", f"Bearer {installation.need('platform_key')}"),)
    own = {grpc.StatusCode.UNAUTHENTICATED: KEY_REMEDY}
    with open_channel(address) as channel, in_words("team_formation", address, own):
        yield TeamFormationStub(channel), metadata


def _line(clock: pb.TestClock) -> str:
    now: datetime = clock.now.ToDatetime(tzinfo=UTC)
    ahead = clock.ahead.ToTimedelta() + timedelta(minutes=1)  # as it was asked for: the way there took its time
    moving = f"  on its way to {clock.target.ToDatetime():%Y-%m-%dT%H:%M:%SZ}" if clock.HasField("target") else ""
    busy = f"  not done: {', '.join(clock.unsettled_services)}" if clock.unsettled_services else ""
    return f"{now:%Y-%m-%dT%H:%M:%SZ}  {ahead.days}d {ahead.seconds // 3600}h ahead{moving}{busy}"

"""groupbuy listen: show what happens on a platform, or forward it to a URL as its webhook endpoint would get it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import grpc
from groupbuy.notification.v1 import streaming_pb2
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub

from deploy.channels import open_async_channel
from deploy.cli.installation import KEY_REMEDY, find_installation
from deploy.cli.stack import data_option
from deploy.local.answers import in_words
from services.notification.channels.http import Http, NotReached
from services.notification.signatures import is_secret, new_secret, signed_headers
from services.notification.translate import body_of

_SECONDS = 10.0
_TRIES = 5
_AGAIN_SECONDS = 1.0
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL}


@dataclass
class Listener:
    """Reads events, and says or forwards each; `cursor` is where it goes on."""

    stub: Any
    key: str
    types: Sequence[str]
    forward: str
    secret: str
    cursor_file: Path | None
    as_json: bool
    from_start: bool
    most: int
    cursor: str = ""
    count: int = field(default=0, init=False)

    async def run(self) -> None:
        """Listen until stopped, or for as many events as are wanted; comes back when the server goes away."""
        http = Http(seconds=_SECONDS, connections=4, allow_private=True)
        try:
            while not self._is_enough():
                ended = "by the server"
                try:
                    await self._read(http)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in _PASSING:
                        raise
                    ended = error.code().name
                if not self._is_enough():
                    click.echo(f"The stream ended ({ended}); it goes on in a second.", err=True)
                    await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            await http.close()

    async def _read(self, http: Http) -> None:
        async for item in self._events():
            if item.type:
                await self._tell(item, http)
                self.count += 1
            self._reached(item.cursor)
            if self._is_enough():
                return

    def _events(self) -> AsyncIterator[streaming_pb2.StreamEventsResponse]:
        request = streaming_pb2.StreamEventsRequest(
            cursor=self.cursor, types=self.types, from_start=self.from_start and not self.cursor
        )
        metadata = (("authorization", f"Bearer {self.key}"),)
        return aiter(self.stub.StreamEvents(request, metadata=metadata, wait_for_ready=True))

    def _is_enough(self) -> bool:
        return bool(self.most) and self.count >= self.most

    def _reached(self, cursor: str) -> None:
        self.cursor = cursor
        if self.cursor_file:
            self.cursor_file.write_text(f"{cursor}\n")

    async def _tell(self, item: streaming_pb2.StreamEventsResponse, http: Http) -> None:
        envelope = getattr(item, str(item.WhichOneof("event")))
        body = body_of(item.type, item.occurred_at.ToDatetime(tzinfo=UTC), envelope)
        if self.as_json:
            click.echo(body.decode())
        said = await self._forwarded(envelope.event_id, body, http) if self.forward else ""
        if self.as_json and said:
            click.echo(said.strip(), err=True)
        if not self.as_json:
            data = json.loads(body)["data"]
            about = data.get("teamId") or data.get("campaignId") or data.get("deliveryId") or ""
            at = item.occurred_at.ToDatetime(tzinfo=UTC).strftime("%H:%M:%S")
            click.echo(f"{at}  {item.type:<36} {about}{said}")

    async def _forwarded(self, event_id: str, body: bytes, http: Http) -> str:
        """Post an event until it is taken, at most some times; an event that is not is said and passed by."""
        said = ""
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(_AGAIN_SECONDS)
            headers = signed_headers(event_id, datetime.now(UTC), body, [self.secret])
            try:
                reply = await http.post(self.forward, data=body, headers=headers | {"content-type": "application/json"})
            except NotReached as problem:
                said = str(problem)
            else:
                said = f"HTTP {reply.status}"
                if reply.is_good:
                    break
        return f"  -> {said}"


@click.command()
@click.option("--forward", metavar="URL", default="", help="Post each event there, signed as a webhook endpoint's.")
@click.option("--secret", default="", help="What posts are signed with, whsec_...; without it a new one is shown.")
@click.option("--type", "types", multiple=True, metavar="PATTERN", help='Only these, for instance "team.*"; repeat it.')
@click.option("--from-start", is_flag=True, help="Begin with what is kept, not with what happens from now on.")
@click.option("--cursor-file", type=click.Path(path_type=Path, dir_okay=False),
              help="Go on where this file says, and keep it there.")  # fmt: skip
@click.option("--count", "most", type=click.IntRange(min=0), default=0, help="End after so many events.")
@click.option("--json", "as_json", is_flag=True, help="Write each event as a line of JSON, as it would be posted.")
@data_option
def listen(
    *,
    forward: str,
    secret: str,
    types: tuple[str, ...],
    from_start: bool,
    cursor_file: Path | None,
    most: int,
    as_json: bool,
    data: Path,
) -> None:
    """Show what happens on a platform as it happens, or forward it to a program on this machine.

    For integrators without a public address. Talks to GROUPBUY_NOTIFICATION with GROUPBUY_PLATFORM_KEY, or to the stack
    that runs on the data directory. Events are kept for seven days from the first time a platform listens or has an
    endpoint.
    """
    installation = find_installation(data)
    address, key = installation.need("notification"), installation.need("platform_key")
    if forward and (problem := Http(seconds=1, connections=1, allow_private=True).url_problem(forward)):
        raise click.UsageError(f"--forward {problem}.")
    if forward and not secret:
        secret = new_secret()
        click.echo(f"Posts are signed with {secret}", err=True)
    if secret and not is_secret(secret):
        raise click.UsageError("--secret must be whsec_ and base64, as PutWebhookEndpoint gives it.")
    if cursor_file and not cursor_file.absolute().parent.is_dir():
        raise click.UsageError(f"--cursor-file: there is no folder {cursor_file.absolute().parent}.")
    cursor = cursor_file.read_text().strip() if cursor_file and cursor_file.exists() else ""

    async def run() -> None:
        async with open_async_channel(address) as channel:
            stub = NotificationStub(channel)
            await Listener(stub, key, types, forward, secret, cursor_file, as_json, from_start, most, cursor).run()

    own = {
        grpc.StatusCode.UNAUTHENTICATED: KEY_REMEDY,
        grpc.StatusCode.OUT_OF_RANGE: "Remove the cursor file, and begin with --from-start.",
    }
    with suppress(KeyboardInterrupt), in_words("notification", address, own):
        asyncio.run(run())

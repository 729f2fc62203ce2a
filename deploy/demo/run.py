"""The demo from start to end: sinks, stack, readers, scenes, proof, report."""

import asyncio
import json
import os
import random
import shutil
import string
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from groupbuy.notification.v1.events_pb2 import DeliveryState
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateInviteRequest, OpenTeamRequest

from deploy.demo.actor import Shop
from deploy.demo.endpoint import ShopEndpoint, bodies
from deploy.demo.errors import DemoError
from deploy.demo.guard import Guard, Interrupted
from deploy.demo.journal import TOPICS, Journal
from deploy.demo.messengers import NAMES, Messengers
from deploy.demo.observe import TopicReader
from deploy.demo.play.player import Player
from deploy.demo.play.turn import Props
from deploy.demo.play.world import World
from deploy.demo.proof.figures import QUIET, Delays, crowd_figures, delays, join_to_price_message
from deploy.demo.proof.verify import verify
from deploy.demo.report import Report, how_to_talk, try_next
from deploy.demo.scene import Scene, needed_for
from deploy.demo.show.stage import Stage
from deploy.demo.show.view import NoView, View
from deploy.demo.sinks import MailSink, WebSink
from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.options import KafkaKind
from deploy.local.stack.status import ask_status

_WITH_ID = {"email", "webhook", "wechat"}
"""Channels whose messages carry the delivery's id."""
_OVER = {"email": "e-mail", "webhook": "webhook", **NAMES}


@dataclass(frozen=True)
class Options:
    """What a user can choose. `shown` are the scenes to show, of all that there are by name."""

    scenes: dict[str, Scene]
    shown: Sequence[Scene]
    kafka: KafkaKind = "local"
    hurry: bool = False
    pause: bool = False
    keep: bool = False
    json: Path | None = None


class Demo:
    """One run of the demo."""

    def __init__(self, options: Options, view: View) -> None:
        self._options = options
        self._view = view
        self._stage = Stage(view, hurry=options.hurry)
        self._journal = Journal()
        self._endpoint = ShopEndpoint()
        self._messengers = Messengers(self._journal.on_arrival)
        self._run_id = "".join(random.choices(string.ascii_lowercase, k=6))  # noqa: S311 - only to tell runs apart
        self._data = Path(tempfile.mkdtemp(prefix="groupbuy-demo-"))
        self._reported = False
        self.report = Report(version("groupbuy"), _kafka(options))

    async def run(self) -> bool:
        """Play everything; gives whether all holds. DemoError or LocalError if it cannot go on."""
        began = perf_counter()
        keeps_data = True
        try:
            async with AsyncExitStack() as exits:
                finished = await self._with_sinks(exits, began)
            keeps_data = self._options.keep or not self.report.good
        except BrokenPipeError:  # nobody reads on: there is nobody to keep anything for
            keeps_data = self._options.keep
            raise
        except BaseException:
            keeps_data = any(self._data.glob("logs/*"))
            if keeps_data:
                self._view.line(f"The logs are in {self._data / 'logs'}.")
            raise
        finally:
            if not keeps_data:
                shutil.rmtree(self._data, ignore_errors=True)
        if not finished:
            self._say("stopped")
            finished = self._reported  # with --keep a signal is how it ends
        if keeps_data:
            self._view.line(f"The data and logs are kept in {self._data}.")
        return finished and self.report.good

    async def _with_sinks(self, exits: AsyncExitStack, began: float) -> bool:
        """Start what receives messages, then the stack; gives False if a signal ended it."""
        mail, web = MailSink(self._journal.on_arrival), WebSink(self._journal.on_arrival)
        environment = {
            **os.environ,
            "GROUPBUY_SMTP": await mail.start(),
            "GROUPBUY_WEBHOOK_PRIVATE_ADDRESSES": "allow",  # the demo's members live on this machine
        }
        exits.push_async_callback(mail.stop)
        members = await web.start()
        exits.push_async_callback(web.stop)
        for server in (self._endpoint, self._messengers):
            await server.start()
            exits.push_async_callback(server.stop)
        stack = Stack(StackOptions(data=self._data, kafka=self._options.kafka, environment=environment), say=self._say)
        guard = Guard(stack, self._say)
        exits.push_async_callback(guard.stop)
        try:
            await guard.run(self._play(stack, members, began))
        except Interrupted:
            return False
        return True

    def _say(self, line: str) -> None:
        self._stage.text(f"groupbuy: {line}")

    async def _play(self, stack: Stack, members: str, began: float) -> None:
        self._view.line(f"groupbuy {self.report.version}: starting PostgreSQL, Kafka and three services ...")
        await stack.start()
        self.report.ready_seconds, self.report.start_steps = stack.ready_seconds or 0.0, dict(stack.steps)
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stack.steps.items())
        await self._stage.say(f"ready after {stack.ready_seconds:.1f} s ({steps})")
        addresses = [stack.address(name) for name in ("team_formation", "pricing", "notification")]
        async with AsyncExitStack() as exits:
            reader = TopicReader(stack.bootstrap, TOPICS, self._journal.on_record)
            await reader.start()
            exits.push_async_callback(reader.stop)
            shop = Shop(addresses, stack.key, self._run_id, self._data / "logs")
            exits.push_async_callback(shop.close)
            await self._endpoint.register(shop)
            await self._messengers.register(shop)
            player = Player(Props(shop, self._journal, stack, self._run_id, members, self._messengers))
            self._view.start()
            exits.callback(self._view.stop)
            await self._scenes(player, shop)
            await self._prove(stack, shop, player)
            self._view.stop()
            self.report.seconds = perf_counter() - began
            await self._close(stack, player)

    async def _scenes(self, player: Player, shop: Shop) -> None:
        played: set[str] = set()
        for number, scene in enumerate(self._options.shown, 1):
            unseen = [one for one in needed_for(scene, self._options.scenes) if one.name not in played]
            for earlier in unseen:
                await player.play(earlier, Stage(NoView(), hurry=True), shown=False)
                played.add(earlier.name)
            await self._messengers.mend(shop)
            if number > 1 and self._options.pause:
                await self._stage.enter()
            self._stage.head(f"{list(self._options.scenes).index(scene.name) + 1}  {scene.title}")
            if unseen:
                self._stage.text(f"(Played before, not shown: {', '.join(one.name for one in unseen)}.)")
            await self._stage.say(scene.story)
            await player.play(scene, self._stage, shown=True)
            played.add(scene.name)

    async def _prove(self, stack: Stack, shop: Shop, player: Player) -> None:
        self._stage.head("Check it yourself")
        report, worlds = self.report, _different(player.worlds)
        report.scenes = player.records
        report.memory = await _memory(self._data)
        report.calls, report.calls_sent_again = len(shop.calls), shop.retries
        await self._journal.until(self._all_sent, 10)
        report.verdict = await verify(shop, self._journal, self._endpoint, list(worlds.values()), stack.database_url)
        report.posted = len(self._endpoint.taken)
        report.bodies = await bodies(shop, self._journal) if self._options.json else {}
        report.crowds = {name: crowd_figures(world.crowd) for name, world in worlds.items() if world.crowd}
        report.price_messages = self._price_messages(shop, worlds)
        report.messages = self._messages()

    def _price_messages(self, shop: Shop, worlds: dict[str, World]) -> dict[str, Delays]:
        """Sum up how long price messages took: of each scene with a crowd, and of all the others together."""
        apart = {seat_id for world in worlds.values() for seat_id in world.paid_apart}
        measured = join_to_price_message(self._journal, shop.calls, apart)
        seconds: dict[str, list[float]] = {}
        for name, world in worlds.items():
            if world.team:
                its_own = measured.get(world.team.team_id, [])
                seconds.setdefault(name if world.crowd else QUIET, []).extend(its_own)
        return {name: found for name, values in seconds.items() if (found := delays(values))}

    async def _close(self, stack: Stack, player: Player) -> None:
        for line in self.report.lines():
            self._view.line(line)
        self._reported = True
        if self._options.json:
            _write(self._options.json, self.report)
        self._view.line()
        if not self._options.keep:
            for line in try_next():
                self._view.line(line)
            return
        code = await _team_for_visitors(next(iter(player.worlds.values())))
        for line in how_to_talk(stack.address("team_formation"), stack.key, code, self._data):
            self._view.line(line)
        await self._show_messages()

    async def _show_messages(self) -> None:
        """Show what arrives, until a signal ends it."""
        seen = len(self._journal.arrivals)
        while True:
            await self._journal.next_note(len(self._journal.notes), 3600)
            for arrival in list(self._journal.arrivals.values())[seen:]:
                self._view.line(f"  {arrival.over}: {arrival.subject}")
            seen = len(self._journal.arrivals)

    def _all_sent(self) -> bool:
        """Whether each message at a sink has its end on the topic too."""
        ended = {event.delivery_id for event in self._journal.deliveries()}
        return ended >= {key for key, arrival in self._journal.arrivals.items() if arrival.over in _WITH_ID}

    def _messages(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for arrival in self._journal.arrivals.values():
            counts[_OVER[arrival.over]] = counts.get(_OVER[arrival.over], 0) + 1
        console = sum(
            event.delivery_ended.channel == "console"
            and event.delivery_ended.state == DeliveryState.DELIVERY_STATE_SENT
            for event in self._journal.deliveries()
        )
        return {**counts, "console": console}


def _kafka(options: Options) -> str:
    return os.environ.get("GROUPBUY_KAFKA") or options.kafka


def _different(worlds: dict[str, World]) -> dict[str, World]:
    """Give each world once, under the name of its last scene."""
    last = {id(world): name for name, world in worlds.items()}
    return {name: world for name, world in worlds.items() if last[id(world)] == name}


async def _memory(data: Path) -> dict[str, int]:
    """Ask for the resident bytes of each part."""
    parts = (await ask_status(data)).parts
    return {part.name: part.resident_bytes for part in parts if part.resident_bytes}


async def _team_for_visitors(world: World) -> str:
    """Open a team that the user can join, and give its invite code."""
    shop, member = world.shop, world.member_id("Host")
    item = world.campaign.items[0]
    request = OpenTeamRequest(campaign_id=world.campaign.campaign_id, member_id=member, sku=item.sku)
    team = (await shop.ask(shop.teams.OpenTeam, request)).team
    invite = CreateInviteRequest(team_id=team.team_id, member_id=member, channel="terminal", label="Host")
    return (await shop.ask(shop.teams.CreateInvite, invite)).invite.code


def _write(path: Path, report: Report) -> None:
    try:
        path.write_text(json.dumps(report.as_data(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DemoError(f"{path} cannot be written ({error.strerror}). Name another file with --json.") from None


def run_demo(options: Options, view: View) -> bool:
    """Run the demo to its end; gives whether everything holds."""
    return asyncio.run(Demo(options, view).run())

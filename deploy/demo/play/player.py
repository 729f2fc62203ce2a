"""Plays the steps of scenes, one after the other, on one world per campaign."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from deploy.demo.actor import Refused
from deploy.demo.errors import DemoError
from deploy.demo.play import audience, chats, members, payments, reports, sharing, shop, storm
from deploy.demo.play.campaign import member_request
from deploy.demo.play.effects import Effects
from deploy.demo.play.record import SceneRecord, StepRecord
from deploy.demo.play.turn import Props, Turn
from deploy.demo.play.world import World
from deploy.demo.scene import model
from deploy.demo.show.stage import Stage

_PLAYS: dict[type, Callable[[Turn, Any], Awaitable[None]]] = {
    model.Say: audience.say,
    model.Open: members.open_team,
    model.Share: sharing.share,
    model.Promote: sharing.promote,
    model.ShareText: sharing.share_text,
    model.Looks: sharing.looks,
    model.Join: members.join,
    model.Pay: members.pay,
    model.Leave: members.leave,
    model.Extend: members.extend,
    model.RunsOut: members.runs_out,
    model.Default: shop.default,
    model.Settles: payments.settles,
    model.Captures: payments.captures,
    model.Delivered: payments.delivered,
    model.Revoke: sharing.revoke,
    model.Sponsor: shop.sponsor,
    model.Cancel: shop.cancel,
    model.Pause: shop.pause,
    model.Resume: shop.resume,
    model.Direct: shop.direct,
    model.Report: reports.report,
    model.ReportBy: reports.report_by,
    model.Wait: audience.wait,
    model.WaitFor: audience.wait_for,
    model.Receipts: audience.receipts,
    model.Letter: audience.letter,
    model.Request: chats.request,
    model.BindGroup: chats.group,
    model.Card: chats.card,
    model.Posts: chats.posts,
    model.Says: chats.says,
    model.Replies: chats.replies,
    model.Blocks: chats.blocks,
    model.Breaks: chats.breaks,
    model.Kill: storm.kill,
    model.Crowd: storm.crowd,
    model.Expect: audience.expect,
}


class Player:
    """Plays scenes; `worlds` and `records` hold what became of them."""

    def __init__(self, props: Props) -> None:
        self._props = props
        self.worlds: dict[str, World] = {}
        """The world of each scene, by its name; a scene that continues another shares its world."""
        self.records: list[SceneRecord] = []
        self._registered: dict[str, model.Member] = {}

    async def play(self, scene: model.Scene, stage: Stage, *, shown: bool) -> None:
        """Play a scene; DemoError if a call fails."""
        record = SceneRecord(scene.name, scene.title, str(scene.path), shown)
        self.records.append(record)
        began = perf_counter()
        world = await self._world(scene)
        await self._register(scene)
        if world.team:
            stage.view.team(world.picture())
        for step in scene.steps:
            await self._step(scene, world, stage, record, step)
        stage.view.team(None)
        record.seconds = round(perf_counter() - began, 3)

    async def _world(self, scene: model.Scene) -> World:
        try:
            world = self.worlds.get(scene.continues) or await World.create(self._props.shop, self._props.run_id, scene)
        except Refused as refused:
            raise _told(scene, scene.campaign.line, refused) from None
        self.worlds[scene.name] = world
        return world

    async def _register(self, scene: model.Scene) -> None:
        shop, run_id = self._props.shop, self._props.run_id
        for member in scene.members.values():
            if self._registered.get(member.name) == member:
                continue
            self._registered[member.name] = member
            request = member_request(member, f"{member.name}-{run_id}", self._props.web, self._props.messengers)
            await shop.ask(shop.messages.PutMember, request)

    async def _step(
        self, scene: model.Scene, world: World, stage: Stage, record: SceneRecord, step: model.Step
    ) -> None:
        own = StepRecord(step.line, type(step).__name__.lower(), "")
        record.steps.append(own)
        turn = Turn(self._props, scene, world, stage, own, Effects(self._props.journal, stage, world, own))
        try:
            await _PLAYS[type(step)](turn, step)
        except Refused as refused:
            raise _told(scene, step.line, refused) from None


def _told(scene: model.Scene, line: int, refused: Refused) -> DemoError:
    return DemoError(f"{scene.path}:{line}: the engine refuses this: {refused.reason}. {refused}")

"""What puts the engine to the test: parts that are killed, and crowds."""

import asyncio
from collections.abc import Awaitable
from time import perf_counter

from groupbuy.team_formation.v1.types_pb2 import Seat, TeamState

from deploy.demo.errors import DemoError
from deploy.demo.play.audience import watch
from deploy.demo.play.campaign import member_request
from deploy.demo.play.crowd import CrowdResult, CrowdRun
from deploy.demo.play.members import confirm
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.text import counted

_AT_ONCE = 50


async def kill(turn: Turn, step: model.Kill) -> None:
    """End a part by kill -9, and wait until it is back."""
    await turn.announce(f"kill -9 {step.part}")
    began = perf_counter()
    await _kill(turn, step.part)
    turn.effects.add(perf_counter(), began, f"{step.part} is back", "supervisor")
    turn.effects.flush()


def _kill(turn: Turn, part: str) -> Awaitable[None]:
    """End a part at once; what is returned waits until it is back. DemoError if it is no process of the stack."""
    pid = next((known.pid for known in turn.props.stack.parts() if known.name == part), None)
    if pid is None:
        where = f"{turn.scene.path}: {part}"
        raise DemoError(f"{where} does not run in the demo's own stack, so the demo does not kill it.")
    turn.props.stack.kill(part)
    turn.stage.view.line(f"            kill -9 {part} (process {pid})")
    return turn.props.stack.wait_ready(part)


async def crowd(turn: Turn, step: model.Crowd) -> None:
    """Let a crowd arrive, each member by calls of its own."""
    await turn.announce(f"{counted(step.size, 'member')} by the link in {step.by}, within {step.within:g} s")
    names = [f"Guest{number:04}" for number in range(1, step.size + 1)]
    await _register(turn, [model.Member(name, step.reach) for name in names])
    run = CrowdRun(
        turn.shop,
        step,
        pay=lambda seat: _pay(turn, seat),
        kill=lambda part: _kill(turn, part),
        progress=lambda so_far: _show_progress(turn, so_far),
    )
    watching = asyncio.create_task(watch(turn, lambda team: team.state >= TeamState.TEAM_STATE_FORMED))
    try:
        result = await run.run([turn.world.member_id(name) for name in names], turn.world.link_of(step.by))
    finally:
        watching.cancel()
    turn.world.crowd = result
    await turn.world.refresh()
    turn.show_team()
    _show(turn, result)
    await turn.follow(turn.world.the_team(), result.began)
    await turn.stage.beat(2)


async def _register(turn: Turn, members: list[model.Member]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def put(member: model.Member) -> None:
        async with gate:
            request = member_request(member, turn.world.member_id(member.name), turn.props.web, turn.props.messengers)
            await turn.shop.ask(turn.shop.messages.PutMember, request)

    await asyncio.gather(*(put(member) for member in members))


async def _pay(turn: Turn, seat: Seat) -> None:
    await confirm(turn, seat)


def _show_progress(turn: Turn, crowd: CrowdResult) -> None:
    refused = sum(crowd.refused.values())
    waiting = crowd.size - len(crowd.seats) - refused
    words = f"{len(crowd.seats)} seated, {refused} refused, {waiting} to come"
    turn.stage.effect((perf_counter() - crowd.began) * 1000, words, "answers so far")


def _show(turn: Turn, crowd: CrowdResult) -> None:
    refused = ", ".join(f"{count} {reason}" for reason, count in crowd.refused.items()) or "nobody"
    again = f"{crowd.retries:,} tries were sent again with the same request id"
    words = [
        f"{len(crowd.seats)} have a seat; refused, with the reason: {refused}.",
        f"All {crowd.size} were answered within {crowd.join_seconds:.1f} s; {again}.",
    ]
    if crowd.back:
        words.append(f"Killed when {crowd.killed_at_seat} seats were answered; back after {crowd.away_seconds:.1f} s.")
    turn.record.notes += words
    for line in words:
        turn.stage.text(line, " " * 4)

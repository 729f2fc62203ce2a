"""What the audience is told and shown between the acts: words, waiting, receipts, letters, expectations."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

import grpc
from groupbuy.team_formation.v1.team_formation_service_pb2 import WatchTeamRequest
from groupbuy.team_formation.v1.types_pb2 import Team, TeamState

from deploy.demo.play.described import described
from deploy.demo.play.expectations import Expectations
from deploy.demo.play.receipts import common_sentences, receipt
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model

_INDENT = " " * 4
_RETRY_SECONDS = 0.2
_SKIMMED = 0.4


async def say(turn: Turn, step: model.Say) -> None:
    """Tell something."""
    turn.record.text = step.text
    turn.stage.view.line()
    await turn.stage.say(step.text)


async def wait(turn: Turn, step: model.Wait) -> None:
    """Let time pass."""
    await turn.announce(f"{step.seconds:g} s pass")
    await asyncio.sleep(step.seconds)


async def wait_for(turn: Turn, step: model.WaitFor) -> None:
    """Watch the team, as its page would, until it is in a state."""
    await turn.announce(f"waiting until the team is {step.state}")
    wanted = TeamState.Value(f"TEAM_STATE_{step.state.upper()}")
    before, began = turn.world.the_team(), perf_counter()
    try:
        async with asyncio.timeout(step.within):
            await watch(turn, lambda team: team.state == wanted)
    except TimeoutError:
        turn.record.broken.append(f"the team is not {step.state} after {step.within:g} s")
        return
    turn.effects.add(perf_counter(), began, f"the team is {step.state}", "WatchTeam")
    await turn.world.refresh_seats()
    turn.show_team()
    await turn.follow(before, began)


async def watch(turn: Turn, until: Callable[[Team], bool]) -> None:
    """Keep the picture up to date until a condition holds; a broken stream is taken up again."""
    while True:
        request = WatchTeamRequest(team_id=turn.world.the_team().team_id)
        with suppress(grpc.aio.AioRpcError):
            async for change in turn.shop.watch(request):
                turn.world.team = change.team
                turn.show_team()
                if until(change.team):
                    return
        await asyncio.sleep(_RETRY_SECONDS)


async def receipts(turn: Turn, step: model.Receipts) -> None:
    """Show what members pay and why; what the reasons have in common is said once."""
    await turn.announce("Receipts, as ExplainPrice and GetSettlement give them")
    await turn.world.refresh_seats()
    names = step.members or tuple(turn.world.seats)
    found = [await receipt(turn.shop, name, turn.world.seat_of(name)) for name in names]
    common = common_sentences([reason for _, reason in found]) if len(found) > 1 else ""
    if common:
        await turn.stage.say(common, _INDENT, pace=_SKIMMED)
    for amounts, reason in found:
        turn.record.notes += [amounts, reason]
        turn.stage.text(amounts, _INDENT)
        await turn.stage.say(reason.removeprefix(common), _INDENT * 2, pace=_SKIMMED)


async def letter(turn: Turn, step: model.Letter) -> None:
    """Show the last message that a member received, or the last one of a kind, word for word."""
    journal, member_id = turn.props.journal, turn.world.member_id(step.member)
    kind = f"{step.about} message" if step.about else "message"
    await turn.announce(f"The last {kind} that {step.member} has received, word for word")
    if step.about:
        await journal.until(lambda: journal.last_to(member_id, step.about) is not None, step.within)
    arrival = journal.last_to(member_id, step.about)
    if arrival is None:
        turn.record.broken.append(f"{step.member} has received no {kind} by e-mail or webhook")
        return
    turn.record.notes.append(f"{arrival.subject}\n{arrival.body}")
    turn.stage.quote([arrival.subject, "", *arrival.body.strip().splitlines()])
    await turn.stage.beat(1.5)


async def expect(turn: Turn, step: model.Expect) -> None:
    """Compare with what the scene expects."""
    broken = await Expectations(turn.world, turn.props.journal).broken(step)
    turn.record.broken += broken
    words = described(step, turn.world.currency)
    turn.record.text = f"expected: {words}"
    for sentence in broken:
        turn.stage.text(f"NOT AS EXPECTED ({turn.scene.path.name}:{step.line}): {sentence}", _INDENT)
    if not broken:
        await turn.stage.say(f"As expected in line {step.line}: {words}.", _INDENT, pace=_SKIMMED)

"""What happens in members' messengers: the request that came, a member that blocks the shop, an account that breaks."""

from deploy.demo.messengers import NAMES
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model


async def request(turn: Turn, step: model.Request) -> None:
    """Show the last request that a member's messenger got, as it came."""
    await turn.announce(f"The last request that {step.member}'s messenger has got")
    seen = turn.props.messengers.last.get(turn.world.member_id(step.member))
    if seen is None:
        turn.record.broken.append(f"{step.member}'s messenger has got no request")
        return
    turn.record.notes.append(f"{seen.line}\n{seen.body}")
    turn.stage.quote([seen.line, "", *seen.body.splitlines()])
    await turn.stage.beat(1.5)


async def blocks(turn: Turn, step: model.Blocks) -> None:
    """A member blocks the shop in its messengers."""
    await turn.announce(f"{step.member} blocks the shop's bot")
    turn.props.messengers.block(turn.world.member_id(step.member))


async def breaks(turn: Turn, step: model.Breaks) -> None:
    """A messenger refuses the shop's account from now on."""
    await turn.announce(f"{NAMES[step.channel]} refuses the shop's account from now on")
    turn.props.messengers.break_down(step.channel)

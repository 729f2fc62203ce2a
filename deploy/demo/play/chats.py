"""What happens in members' messengers: the request that came, a member that blocks the shop, an account that breaks."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

from groupbuy.notification.v1.chats_pb2 import ListMemberMessagesRequest, MakeChatCodeRequest, ReplyToMemberRequest
from groupbuy.notification.v1.groups_pb2 import BindGroupRequest

from deploy.demo.messengers import NAMES
from deploy.demo.play.turn import Turn
from deploy.demo.scene import model
from deploy.demo.show.text import counted
from deploy.demo.workspace import private_chat

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 0.005


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


async def group(turn: Turn, step: model.BindGroup) -> None:
    """A group chat is bound to the team."""
    await turn.announce(f"A group chat in {NAMES[step.channel]} is bound to the team")
    request = BindGroupRequest(
        team_id=turn.world.the_team().team_id,
        channel=step.channel,
        address=turn.props.messengers.group_chat(),
        language="en",
        link=turn.world.links[step.by],
    )
    began = perf_counter()
    await turn.shop.ask(turn.shop.messages.BindGroup, request)
    turn.answered(began, "the chat will have one card, kept up to date", "BindGroup")


async def card(turn: Turn, step: model.Card) -> None:
    """Show what stands in the group chat."""
    await turn.announce(f"What stands in the group chat in {NAMES[step.channel]}")
    posts = turn.props.messengers.group
    began = perf_counter()
    while len(posts) < step.posts:
        if perf_counter() - began > step.within:
            break
        await asyncio.sleep(_POLL_SECONDS)
    if len(posts) != step.posts:
        turn.record.broken.append(f"{step.posts} posts expected in the group chat, and there are {len(posts)}")
    for post in posts.values():
        lines = [*post.text.splitlines(), *([f"[ {post.button} ]"] if post.button else [])]
        if post.edits:
            lines.append(f"({counted(post.edits, 'edit')} of this post so far)")
        turn.record.notes.append("\n".join(lines))
        turn.stage.quote(lines)
    await turn.stage.beat(1.5)


async def posts(turn: Turn, step: model.Posts) -> None:
    """A link is posted in Slack: Slack asks what is behind it, and shows what it is answered."""
    await turn.announce(f"{step.member} posts the link in a channel of Slack")
    slack, began = turn.props.messengers.workspace, perf_counter()
    status, said = await slack.post(turn.world.links[step.by], turn.world.member_id(step.member))
    turn.effects.add(perf_counter(), began, f"link_shared, signed, answered {status}", "Slack calls us")
    turn.record.notes.append(said)
    with suppress(TimeoutError):
        async with asyncio.timeout(step.within):
            await slack.shown.wait()
        turn.effects.add(perf_counter(), began, "a card for the link", "chat.unfurl")
    turn.effects.flush()
    if slack.preview is None:
        turn.record.broken.append("Slack shows no preview of the link")
        return
    turn.record.notes.append("\n".join(slack.preview))
    turn.stage.quote(slack.preview)
    await turn.stage.beat(1.5)


async def says(turn: Turn, step: model.Says) -> None:
    """A member writes to the shop's app in Slack: Slack tells the engine, and the member reads the answer."""
    member_id, text = turn.world.member_id(step.member), step.text
    if "{code}" in text:
        made = await turn.shop.ask(turn.shop.messages.MakeChatCode, MakeChatCodeRequest(member_id=member_id))
        text = text.replace("{code}", made.code)
    await turn.announce(f"{step.member} writes to the shop in Slack: {text}")
    began, before = perf_counter(), len(turn.props.messengers.shown)
    status = await turn.props.messengers.workspace.write(member_id, text)
    turn.effects.add(perf_counter(), began, f"message, signed, answered {status}", "Slack calls us")
    chat = private_chat(member_id)
    seen = await _seen(turn, before, step.within, lambda where, _: where == chat)
    await _read(turn, began, seen, f"Slack shows {step.member} no answer")


async def replies(turn: Turn, step: model.Replies) -> None:
    """The shop answers what a member has written last."""
    member_id = turn.world.member_id(step.member)
    await turn.announce(f"The shop answers {step.member}")
    listed = await turn.shop.ask(
        turn.shop.messages.ListMemberMessages, ListMemberMessagesRequest(member_id=member_id, page_size=1)
    )
    if not listed.messages:
        turn.record.broken.append(f"nothing that {step.member} has written has reached the shop")
        return
    [asked] = listed.messages
    turn.record.notes.append(f"{step.member} asked: {asked.text}")
    began, before = perf_counter(), len(turn.props.messengers.shown)
    request = ReplyToMemberRequest(message_id=asked.message_id, text=step.text)
    await turn.shop.ask(turn.shop.messages.ReplyToMember, request)
    turn.effects.add(perf_counter(), began, "the answer is on its way", "ReplyToMember")
    seen = await _seen(turn, before, step.within, lambda _, lines: step.text in lines)
    await _read(turn, began, seen, f"the answer has not reached {step.member} in Slack")


async def _seen(
    turn: Turn, before: int, within: float, is_it: Callable[[str, Sequence[str]], bool]
) -> Sequence[str] | None:
    """Wait for something that Slack is given to show; None where it does not come."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                for where, lines in turn.props.messengers.shown[before:]:
                    if is_it(where, lines):
                        return lines
                await asyncio.sleep(_LOOK_SECONDS)
    return None


async def _read(turn: Turn, began: float, lines: Sequence[str] | None, otherwise: str) -> None:
    """Show what a member reads."""
    if lines is None:
        turn.record.broken.append(otherwise)
        return
    turn.effects.add(perf_counter(), began, "in the private chat", "chat.postMessage")
    turn.effects.flush()
    turn.record.notes.append("\n".join(lines))
    turn.stage.quote(lines)
    await turn.stage.beat(1.5)


async def blocks(turn: Turn, step: model.Blocks) -> None:
    """A member blocks the shop in its messengers."""
    await turn.announce(f"{step.member} blocks the shop's bot")
    turn.props.messengers.block(turn.world.member_id(step.member))


async def breaks(turn: Turn, step: model.Breaks) -> None:
    """A messenger refuses the shop's account from now on."""
    await turn.announce(f"{NAMES[step.channel]} refuses the shop's account from now on")
    turn.props.messengers.break_down(step.channel)

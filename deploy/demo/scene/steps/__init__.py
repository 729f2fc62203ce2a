"""Reads the steps of a scene: the table of their names, each with the function that reads it."""

from collections.abc import Callable

from deploy.demo.scene import model
from deploy.demo.scene.steps import audience, members, shop
from deploy.demo.scene.steps.expect import expect
from deploy.demo.scene.steps.known import CHANNELS, Known
from deploy.demo.scene.table import Table, nearest

__all__ = ["CHANNELS", "Known", "read_step", "steps"]

_READERS: dict[str, Callable[[Table, Known], model.Step]] = {
    "say": audience.say,
    "open": members.open_team,
    "share": members.share,
    "promote": members.promote,
    "share_text": members.share_text,
    "looks": members.looks,
    "join": members.join,
    "find": members.find,
    "pay": members.pay,
    "leave": members.leave,
    "extend": members.extend,
    "runs_out": members.runs_out,
    "default": shop.default,
    "settles": shop.settles,
    "captures": shop.captures,
    "delivered": shop.delivered,
    "revoke": members.revoke,
    "sponsor": shop.sponsor,
    "cancel": shop.cancel,
    "pause": shop.pause,
    "resume": shop.resume,
    "direct": shop.direct,
    "report": shop.report,
    "report_by": shop.report_by,
    "wait": audience.wait,
    "wait_for": audience.wait_for,
    "receipts": audience.receipts,
    "letter": audience.letter,
    "request": audience.request,
    "group": audience.group,
    "card": audience.card,
    "posts_in_slack": audience.posts,
    "says_in_slack": audience.says,
    "replies_to": audience.replies,
    "blocks": audience.blocks,
    "breaks": audience.breaks,
    "kill": audience.kill,
    "crowd": audience.crowd,
    "expect": expect,
}


def read_step(table: Table, known: Known) -> model.Step:
    """Read one [[step]]."""
    actions = [key for key in table.data if key in _READERS]
    if not actions:
        word = next(iter(table.data), "")
        raise table.wrong(word, f'No step is called "{word}"', nearest(word, _READERS), word)
    if len(actions) > 1:
        raise table.wrong(actions[1], f"One step does one thing, not {' and '.join(actions)}", "Make two steps of it.")
    step = _READERS[actions[0]](table, known)
    table.close()
    return step


def steps() -> list[str]:
    """Name every step that there is."""
    return list(_READERS)

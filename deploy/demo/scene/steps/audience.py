"""Reads what the audience is told and shown, and what puts the engine to the test."""

from deploy.demo.scene import model
from deploy.demo.scene.steps.known import ALL, CHANNELS, GROUPS, KINDS, MESSENGERS, PARTS, STATES, Known
from deploy.demo.scene.table import Table


def say(table: Table, _known: Known) -> model.Say:
    """Read `say`."""
    return model.Say(table.text("say"), table.line)


def wait(table: Table, _known: Known) -> model.Wait:
    """Read `wait`."""
    return model.Wait(table.seconds("wait"), table.line)


def wait_for(table: Table, _known: Known) -> model.WaitFor:
    """Read `wait_for`."""
    return model.WaitFor(table.word("wait_for", STATES), table.seconds("within", "60 s"), table.line)


def receipts(table: Table, known: Known) -> model.Receipts:
    """Read `receipts`."""
    names = table.words("receipts", {*known.members, ALL})
    return model.Receipts(() if ALL in names else names, table.line)


def letter(table: Table, known: Known) -> model.Letter:
    """Read `letter`."""
    about = table.word("about", KINDS) if table.has("about") else ""
    within = table.seconds("within", "20 s")
    return model.Letter(table.word("letter", known.members), about, within, table.line)


def request(table: Table, known: Known) -> model.Request:
    """Read `request`."""
    return model.Request(table.word("request", known.members), table.line)


def blocks(table: Table, known: Known) -> model.Blocks:
    """Read `blocks`."""
    return model.Blocks(table.word("blocks", known.members), table.line)


def breaks(table: Table, _known: Known) -> model.Breaks:
    """Read `breaks`."""
    return model.Breaks(table.word("breaks", MESSENGERS), table.line)


def group(table: Table, known: Known) -> model.BindGroup:
    """Read `group`."""
    return model.BindGroup(table.word("group", GROUPS), table.word("by", known.chats), table.line)


def card(table: Table, _known: Known) -> model.Card:
    """Read `card`."""
    return model.Card(
        table.word("card", GROUPS), table.number("posts", 1, least=1), table.seconds("within", "30 s"), table.line
    )


def posts(table: Table, known: Known) -> model.Posts:
    """Read `posts_in_slack`."""
    member, by = table.word("posts_in_slack", known.members), table.word("by", known.chats)
    return model.Posts(member, by, table.seconds("within", "20 s"), table.line)


def says(table: Table, known: Known) -> model.Says:
    """Read `says_in_slack`."""
    member, text = table.word("says_in_slack", known.members), table.text("text")
    return model.Says(member, text, table.seconds("within", "20 s"), table.line)


def replies(table: Table, known: Known) -> model.Replies:
    """Read `replies_to`."""
    member, text = table.word("replies_to", known.members), table.text("text")
    return model.Replies(member, text, table.seconds("within", "20 s"), table.line)


def kill(table: Table, _known: Known) -> model.Kill:
    """Read `kill`."""
    return model.Kill(table.word("kill", PARTS), table.line)


def crowd(table: Table, known: Known) -> model.Crowd:
    """Read `crowd`."""
    return model.Crowd(
        size=table.number("crowd", least=1),
        within=table.seconds("within", "2 s"),
        by=table.word("by", known.chats),
        reach=table.words("reach", CHANNELS, ()),
        kill=table.word("pull_plug", ("", *PARTS), ""),
        at_seat=table.number("at_seat", 1, least=1),
        line=table.line,
    )

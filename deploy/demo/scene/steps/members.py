"""Reads what members and promoters do."""

from deploy.demo.scene import model
from deploy.demo.scene.steps.known import Known, refused
from deploy.demo.scene.table import Table

GETS = ("seat", "waitlist", "another_team")


def open_team(table: Table, known: Known) -> model.Open:
    """Read `open`."""
    return model.Open(
        table.word("open", known.members),
        table.word("item", known.skus, known.skus[0]),
        table.number("quantity", 1, least=1),
        not table.flag("pays_later", default=False),
        refused(table),
        table.line,
    )


def share(table: Table, known: Known) -> model.Share:
    """Read `share`."""
    chats = table.words("in")
    known.chats += chats
    return model.Share(table.word("share", known.members), chats, table.text("note", ""), table.line)


def promote(table: Table, known: Known) -> model.Promote:
    """Read `promote`; the commission is a percentage with at most two decimals."""
    promoter, chats = table.text("promote"), table.words("in")
    known.chats += chats
    known.promoters.append(promoter)
    return model.Promote(promoter, chats, table.percent("commission"), table.text("note", ""), table.line)


def share_text(table: Table, known: Known) -> model.ShareText:
    """Read `share_text`."""
    chat = table.word("share_text", known.chats)
    return model.ShareText(chat, table.text("channel", chat), table.text("language", ""), table.line)


def looks(table: Table, known: Known) -> model.Looks:
    """Read `looks`."""
    return model.Looks(table.number("looks", least=1), table.word("by", known.chats), table.line)


def join(table: Table, known: Known) -> model.Join:
    """Read `join`."""
    return _join(table, known, table.word("join", known.members), table.word("by", known.chats))


def find(table: Table, known: Known) -> model.Join:
    """Read `find`."""
    return _join(table, known, table.word("find", known.members), "")


def _join(table: Table, known: Known, member: str, by: str) -> model.Join:
    return model.Join(
        member,
        by,
        table.word("item", known.skus, known.skus[0]),
        table.number("quantity", 1, least=1),
        not table.flag("pays_later", default=False),
        table.amount_or_none("at_most", known.currency),
        table.word("gets", GETS, GETS[0]),
        refused(table),
        table.line,
    )


def pay(table: Table, known: Known) -> model.Pay:
    """Read `pay`."""
    amount = table.amount_or_none("amount", known.currency)
    late = table.flag("too_late", default=False)
    return model.Pay(table.word("pay", known.members), amount, late, refused(table), table.line)


def leave(table: Table, known: Known) -> model.Leave:
    """Read `leave`."""
    quantity = table.number("quantity", 0)
    return model.Leave(table.word("leave", known.members), quantity, refused(table), table.line)


def extend(table: Table, known: Known) -> model.Extend:
    """Read `extend`."""
    return model.Extend(table.word("extend", known.members), refused(table), table.line)


def runs_out(table: Table, known: Known) -> model.RunsOut:
    """Read `runs_out`."""
    return model.RunsOut(table.word("runs_out", known.members), table.seconds("within", "30 s"), table.line)


def revoke(table: Table, known: Known) -> model.Revoke:
    """Read `revoke`."""
    return model.Revoke(table.word("revoke", known.chats), table.line)

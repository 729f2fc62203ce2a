"""Reads the steps of a scene: one function for each, and the table of their names."""

from collections.abc import Callable
from dataclasses import dataclass, field

from groupbuy.notification.v1.events_pb2 import MessageKind

from deploy.demo.scene import model
from deploy.demo.scene.table import Table, nearest
from services.chassis.reasons import reasons

PARTS = ("team_formation", "pricing", "notification", "kafka", "postgres")
CHANNELS = ("console", "email", "webhook")
STATES = ("forming", "tipped", "formed", "failed")
KINDS = tuple(name.removeprefix("MESSAGE_KIND_") for name in MessageKind.keys()[1:])
ALL = "all"


@dataclass
class Known:
    """What steps may name: the members, the items, and the chats shared in so far."""

    currency: str
    skus: tuple[str, ...]
    members: frozenset[str]
    chats: list[str] = field(default_factory=list)


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


def _say(table: Table, _known: Known) -> model.Say:
    return model.Say(table.text("say"), table.line)


def _open(table: Table, known: Known) -> model.Open:
    return model.Open(
        table.word("open", known.members),
        table.word("item", known.skus, known.skus[0]),
        table.number("quantity", 1, least=1),
        not table.flag("pays_later", default=False),
        _refused(table),
        table.line,
    )


def _share(table: Table, known: Known) -> model.Share:
    chats = table.words("in")
    known.chats += chats
    return model.Share(table.word("share", known.members), chats, table.text("note", ""), table.line)


def _join(table: Table, known: Known) -> model.Join:
    return model.Join(
        table.word("join", known.members),
        table.word("by", known.chats),
        table.word("item", known.skus, known.skus[0]),
        table.number("quantity", 1, least=1),
        not table.flag("pays_later", default=False),
        table.amount_or_none("at_most", known.currency),
        _refused(table),
        table.line,
    )


def _pay(table: Table, known: Known) -> model.Pay:
    amount = table.amount_or_none("amount", known.currency)
    return model.Pay(table.word("pay", known.members), amount, _refused(table), table.line)


def _leave(table: Table, known: Known) -> model.Leave:
    return model.Leave(table.word("leave", known.members), _refused(table), table.line)


def _revoke(table: Table, known: Known) -> model.Revoke:
    return model.Revoke(table.word("revoke", known.chats), table.line)


def _wait(table: Table, _known: Known) -> model.Wait:
    return model.Wait(table.seconds("wait"), table.line)


def _wait_for(table: Table, _known: Known) -> model.WaitFor:
    return model.WaitFor(table.word("wait_for", STATES), table.seconds("within", "60 s"), table.line)


def _receipts(table: Table, known: Known) -> model.Receipts:
    names = table.words("receipts", {*known.members, ALL})
    return model.Receipts(() if ALL in names else names, table.line)


def _letter(table: Table, known: Known) -> model.Letter:
    return model.Letter(table.word("letter", known.members), table.line)


def _kill(table: Table, _known: Known) -> model.Kill:
    return model.Kill(table.word("kill", PARTS), table.line)


def _crowd(table: Table, known: Known) -> model.Crowd:
    return model.Crowd(
        size=table.number("crowd", least=1),
        within=table.seconds("within", "2 s"),
        by=table.word("by", known.chats),
        reach=table.words("reach", CHANNELS, ()),
        kill=table.word("pull_plug", ("", *PARTS), ""),
        at_seat=table.number("at_seat", 1, least=1),
        line=table.line,
    )


def _expect(table: Table, known: Known) -> model.Expect:
    inner = table.table("expect")
    expect = model.Expect(
        line=table.line,
        within=table.seconds("within", "20 s"),
        state=inner.word("state", STATES) if inner.has("state") else None,
        confirmed=inner.number_or_none("confirmed"),
        held=inner.number_or_none("held"),
        price=inner.amount_or_none("price", known.currency),
        missing=inner.number_or_none("missing"),
        charged=inner.amount_or_none("charged", known.currency),
        within_caps=inner.flag("within_caps", default=True) if inner.has("within_caps") else None,
        told=inner.counts("told", KINDS),
        seated=inner.number_or_none("seated"),
        refused=inner.counts("refused", reasons()),
        lost=inner.number_or_none("lost"),
        twice=inner.number_or_none("twice"),
    )
    inner.close()
    return expect


def _refused(table: Table) -> str:
    return table.word("refused", reasons()) if table.has("refused") else ""


_READERS: dict[str, Callable[[Table, Known], model.Step]] = {
    "say": _say,
    "open": _open,
    "share": _share,
    "join": _join,
    "pay": _pay,
    "leave": _leave,
    "revoke": _revoke,
    "wait": _wait,
    "wait_for": _wait_for,
    "receipts": _receipts,
    "letter": _letter,
    "kill": _kill,
    "crowd": _crowd,
    "expect": _expect,
}


def steps() -> list[str]:
    """Name every step that there is."""
    return list(_READERS)

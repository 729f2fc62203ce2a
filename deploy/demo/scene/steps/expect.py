"""Reads what must be true at a point of a scene."""

from groupbuy.team_formation.v1.reports_pb2 import Funnel

from deploy.demo.scene import model
from deploy.demo.scene.steps.known import CAMPAIGN_STATES, CAUSES, CHANNELS, KINDS, NOBODY, SEATS, STATES, Known
from deploy.demo.scene.table import Table
from services.chassis.reasons import reasons

AMOUNTS = ("amount", "commission")
NUMBERS = tuple(name for name in Funnel.DESCRIPTOR.fields_by_name if name not in AMOUNTS)


def expect(table: Table, known: Known) -> model.Expect:
    """Read `expect`."""
    inner = table.table("expect")
    read = model.Expect(
        line=table.line,
        within=table.seconds("within", "20 s"),
        state=inner.word_or_none("state", STATES),
        confirmed=inner.number_or_none("confirmed"),
        held=inner.number_or_none("held"),
        waiting=inner.number_or_none("waiting"),
        sponsored=inner.number_or_none("sponsored"),
        price=inner.amount_or_none("price", known.currency),
        missing=inner.number_or_none("missing"),
        charged=inner.amount_or_none("charged", known.currency),
        within_caps=inner.flag("within_caps", default=True) if inner.has("within_caps") else None,
        leads=inner.word_or_none("leads", {*known.members, NOBODY}) or "",
        seats=inner.words_by("seats", known.members, SEATS),
        caps=inner.amounts("caps", known.members, known.currency),
        pays=inner.amounts("pays", known.members, known.currency),
        back=inner.amounts("back", known.members, known.currency),
        settled=inner.counts("settled", CAUSES),
        told=inner.counts("told", KINDS),
        over=inner.words_by("over", known.members, CHANNELS),
        promoted=_promoted(inner, known),
        campaign=inner.word_or_none("campaign", CAMPAIGN_STATES),
        seated=inner.number_or_none("seated"),
        refused=inner.counts("refused", reasons()),
        lost=inner.number_or_none("lost"),
        twice=inner.number_or_none("twice"),
    )
    inner.close()
    return read


def _promoted(table: Table, known: Known) -> model.Promoted | None:
    if not table.has("promoted"):
        return None
    inner = table.table("promoted")
    read = model.Promoted(
        inner.word("promoter", known.promoters),
        {name: inner.number(name) for name in NUMBERS if inner.has(name)},
        {name: inner.amount(name, known.currency) for name in AMOUNTS if inner.has(name)},
    )
    inner.close()
    return read

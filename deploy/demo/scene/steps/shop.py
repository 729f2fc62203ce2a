"""Reads what the shop, its staff and a live host do."""

from deploy.demo.scene import model
from deploy.demo.scene.steps.known import PARTS_OF_REPORTS, REFUSALS, Known, refused
from deploy.demo.scene.table import Table

ACTIONS = ("start", "show", "release", "longer", "close_in")


def default(table: Table, known: Known) -> model.Default:
    """Read `default`."""
    return model.Default(table.word("default", known.members), table.text("reason", ""), refused(table), table.line)


def settles(table: Table, known: Known) -> model.Settles:
    """Read `settles`."""
    return model.Settles(table.word("settles", known.members), table.line)


def captures(table: Table, known: Known) -> model.Captures:
    """Read `captures`."""
    return model.Captures(table.word("captures", known.members), table.flag("fails", default=False), table.line)


def delivered(table: Table, known: Known) -> model.Delivered:
    """Read `delivered`; why units were not taken stands exactly where fewer than all were."""
    member, accepted = table.word("delivered", known.members), table.number_or_none("accepted")
    if accepted is None and table.has("because"):
        raise table.wrong("because", "Where everything was taken there is no `because`", "Write `accepted` too.")
    because = "" if accepted is None else table.word("because", REFUSALS)
    return model.Delivered(member, accepted, because, refused(table), table.line)


def sponsor(table: Table, known: Known) -> model.Sponsor:
    """Read `sponsor`."""
    places = table.number("sponsor", least=1)
    return model.Sponsor(places, table.word("item", known.skus, known.skus[0]), refused(table), table.line)


def cancel(table: Table, _known: Known) -> model.Cancel:
    """Read `cancel`."""
    return model.Cancel(
        table.word("cancel", ("team", "campaign")),
        table.text("reason", ""),
        table.flag("formed_too", default=False),
        refused(table),
        table.line,
    )


def pause(table: Table, _known: Known) -> model.Pause:
    """Read `pause`."""
    return model.Pause(table.text("pause"), refused(table), table.line)


def resume(table: Table, _known: Known) -> model.Resume:
    """Read `resume`."""
    return model.Resume(table.text("resume"), refused(table), table.line)


def direct(table: Table, known: Known) -> model.Direct:
    """Read `direct`: one action, with what it needs."""
    actor = table.text("direct")
    actions = [action for action in ACTIONS if table.has(action)]
    if len(actions) != 1:
        raise table.wrong("direct", "A host does one thing at a time", f"Write one of {', '.join(ACTIONS)}.")
    action, sku, units, seconds = actions[0], "", 0, 0.0
    match action:
        case "start":
            if not table.flag("start", default=True):
                raise table.wrong("start", "start = false does nothing", "Write true, or leave the step out.")
        case "show":
            sku = table.word("show", known.skus)
        case "release":
            units = table.number("release", least=1)
            sku = table.word("item", known.skus, known.skus[0])
        case _:
            seconds = table.seconds(action)
    return model.Direct(actor, action, sku, units, seconds, refused(table), table.line)


def report(table: Table, known: Known) -> model.Report:
    """Read `report`."""
    return model.Report(table.word("report", known.promoters), table.line)


def report_by(table: Table, _known: Known) -> model.ReportBy:
    """Read `report_by`."""
    return model.ReportBy(table.word("report_by", PARTS_OF_REPORTS), table.line)

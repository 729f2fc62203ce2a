"""Says in one line what a platform reported about a seat's money, and what was told while it was waited for."""

from typing import Any

from deploy.story.words import amount, at, word


def reported(report: Any, *, buyer: bool) -> str:
    """Say a report; nothing to a buyer of one that failed, nor how the platform or its provider calls it."""
    kind = word(report, "kind")
    if buyer:
        return "" if kind == "failed" else f"{kind} {amount(report.amount)}"
    note = f' ("{report.reason}")' if report.reason else ""
    return f"the platform reports {kind} {amount(report.amount)}, reference {report.reference}{note}"


def awaited(event: Any, *, buyer: bool) -> str:
    """Say what was told about a payment; nothing to a buyer of an authorisation that the platform has to capture."""
    name = event.WhichOneof("fact")
    fact = getattr(event, name)
    match name:
        case "payment_due":
            return f"{amount(fact.amount)} has to be paid in another way by {at(fact.pay_by)}"
        case "payment_lapsed":
            return f"{amount(fact.amount)} did not come in time" + ("" if buyer else f" ({word(fact, 'reason')})")
        case "authorisation_lapsing" if not buyer:
            return f"the authorisation of {amount(fact.amount)} lapses {at(fact.lapses_at)}"
        case _:
            return ""

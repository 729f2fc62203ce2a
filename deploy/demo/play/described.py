"""Puts into words what a scene expects."""

from collections.abc import Mapping

from deploy.demo.money import plain
from deploy.demo.scene.model import Expect, Promoted


def described(expect: Expect, currency: str) -> str:
    """Put into words what is expected, in the order in which a scene would tell it."""
    amounts = {"price": expect.price, "charged": expect.charged}
    counts = ("confirmed", "held", "waiting", "sponsored", "missing", "seated")
    words = [f"state {expect.state}"] if expect.state else []
    words += [f"campaign {expect.campaign}"] if expect.campaign else []
    words += [f"{name} {value}" for name in counts if (value := getattr(expect, name)) is not None]
    words += [f"{name} {plain(value, currency)}" for name, value in amounts.items() if value is not None]
    words += ["nobody above the cap"] if expect.within_caps else []
    words += [f"{expect.leads} leads"] if expect.leads else []
    words += [f"{name} {state}" for name, state in expect.seats.items()]
    words += _of_members("{} pays at most {}", expect.caps, currency)
    words += _of_members("{} pays {}", expect.pays, currency)
    words += _of_members("{} gets {} back", expect.back, currency)
    words += [f"settled {cause} {count}" for cause, count in expect.settled.items()]
    words += [f"told {kind} {count}" for kind, count in expect.told.items()]
    words += [f"{name} told by {channel}" for name, channel in expect.over.items()]
    words += _of_promoter(expect.promoted, currency) if expect.promoted else []
    words += [f"refused {reason} {count}" for reason, count in expect.refused.items()]
    words += [
        f"{name} {value}" for name, value in (("lost", expect.lost), ("twice", expect.twice)) if value is not None
    ]
    return ", ".join(words)


def _of_members(words: str, amounts: Mapping[str, int], currency: str) -> list[str]:
    return [words.format(name, plain(amount, currency)) for name, amount in amounts.items()]


def _of_promoter(promoted: Promoted, currency: str) -> list[str]:
    numbers = [f"{name} {count}" for name, count in promoted.numbers.items()]
    amounts = [f"{name} {plain(amount, currency)}" for name, amount in promoted.amounts.items()]
    return [f"by {promoted.promoter}: {numbers[0]}" if numbers else f"by {promoted.promoter}", *numbers[1:], *amounts]

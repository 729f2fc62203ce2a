"""The screen of a live stream in words: what a room or an audience reads from afar, from a campaign's view."""

from dataclasses import dataclass
from unicodedata import category

from services.chassis import formats
from services.team_formation.domain import CampaignState
from services.team_formation.web.campaign_view import CampaignView, LadderStep
from services.team_formation.web.wording import saving_text
from services.team_formation.web.words import Words

MOST_STEPS = 5
"""Of a ladder: more are not read from afar. Those around the current one are shown."""

_LONG, _LONGER = 7, 11
"""Characters of a price or number up to which it is written large, and a little smaller."""

_COUNTED = {"TEAM_MEMBERS": "c_fullest", "TEAM_UNITS": "c_fullest_units"}


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the ladder, and how far it is from there to the next one."""

    step: LadderStep
    length: int
    """Fill from this step to the next one; 0 for the last."""
    done: int
    """Of that, what is there."""


@dataclass(frozen=True, slots=True)
class ScreenView:
    """All that a screen says."""

    page: CampaignView
    stage: str
    """The item that the host shows, where there are several."""
    price: str
    """The lowest at which anybody can join now."""
    saving: str
    joined: str
    size: str
    """How large both can be written: long, longer, or empty for largest."""
    burst: str
    """What is said of those who have just joined, with # for their number."""
    rungs: tuple[Rung, ...]
    fill: str
    stock: str
    scan: str
    """What the QR code is for; empty where it is for nothing."""
    is_live: bool


def screen_view(view: CampaignView, words: Words) -> ScreenView:
    """Say what a screen says."""
    state = CampaignState(view.state)
    several = len(view.items) > 1
    stock = next((line.text for line in view.stock if line.sku == view.price.sku), "")
    early = state is CampaignState.SCHEDULED
    is_live = state is CampaignState.RUNNING
    price = formats.money(view.price.now, view.currency, words.locale)
    joined = formats.number(view.joined, words.locale)
    return ScreenView(
        page=view,
        stage=view.price.sku if several else "",
        price=price,
        saving=saving_text(view.price.now, view.price.alone, words),
        joined=joined,
        size=_size(price, joined),
        burst=words.say("live_burst"),
        rungs=_rungs(view),
        fill=words.count(_COUNTED.get(view.basis, "c_everybody"), view.fill) if is_live and view.fill else "",
        stock=stock if is_live or early else "",
        scan=words.say("live_scan_early" if early else "live_scan") if is_live or early else "",
        is_live=is_live,
    )


def _size(*texts: str) -> str:
    length = max(sum(category(letter) != "Cf" for letter in text) for text in texts)
    return "longer" if length > _LONGER else "long" if length > _LONG else ""


def _rungs(view: CampaignView) -> tuple[Rung, ...]:
    steps = view.ladder
    at = max((place for place, step in enumerate(steps) if step.threshold <= view.fill), default=0)
    first = max(min(at - 1, len(steps) - MOST_STEPS), 0)
    seen = steps[first : first + MOST_STEPS]
    return tuple(_rung(step, after, view.fill) for step, after in zip(seen, [*seen[1:], None], strict=True))


def _rung(step: LadderStep, after: LadderStep | None, fill: int) -> Rung:
    length = after.threshold - step.threshold if after else 0
    return Rung(step, length, min(max(fill - step.threshold, 0), length))

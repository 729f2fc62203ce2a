"""What platforms and live hosts do to a campaign, and what would break a promise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from services.team_formation.domain.campaign import Campaign, CampaignState, Item, Phase, Terms
from services.team_formation.domain.change import written
from services.team_formation.domain.team import Refusal
from services.team_formation.domain.values import Word

USUAL_CLOSING = timedelta(seconds=60)


class Action(Word):
    """What was done to a campaign."""

    UPDATE = "UPDATE"
    PUBLISH = "PUBLISH"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    START = "START"
    SHOW_ITEM = "SHOW_ITEM"
    RELEASE_UNITS = "RELEASE_UNITS"
    EXTEND = "EXTEND"
    CLOSE = "CLOSE"
    SUSPEND_MERCHANT = "SUSPEND_MERCHANT"
    RESUME_MERCHANT = "RESUME_MERCHANT"


@dataclass(frozen=True, slots=True)
class Level:
    """Stock of an item: units offered so far, and units of held and confirmed seats."""

    offered: int
    taken: int


@dataclass(frozen=True, slots=True)
class Update:
    """Change fields, named as in UpdateCampaign's mask; `wanted` is the campaign with them."""

    wanted: Campaign
    fields: frozenset[str]
    version: int = 0
    unlimited: frozenset[str] = frozenset()
    """Items that teams were opened with, and that they sell without a limit, read under the campaign's lock."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a draft."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop for a while."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Cancel the campaign."""

    formed_too: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TellOfMerchant:
    """Its merchant is suspended for a reason, or, where that is empty, no longer."""

    suspension_reason: str


@dataclass(frozen=True, slots=True)
class StartNow:
    """Start a scheduled campaign."""


@dataclass(frozen=True, slots=True)
class ShowItem:
    """Show an item; an empty SKU shows none."""

    sku: str


@dataclass(frozen=True, slots=True)
class ReleaseUnits:
    """Offer more units."""

    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class ExtendBy:
    """End later."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class CloseIn:
    """End soon."""

    after: timedelta = USUAL_CLOSING


CampaignCommand: TypeAlias = (
    Update
    | Publish
    | Pause
    | Resume
    | GiveUp
    | TellOfMerchant
    | StartNow
    | ShowItem
    | ReleaseUnits
    | ExtendBy
    | CloseIn
)
Stock: TypeAlias = Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class CampaignDecision:
    """A campaign after a change, and what goes with it."""

    campaign: Campaign
    action: Action
    fields: tuple[str, ...] = ()
    detail: str = ""
    offered: Mapping[str, int] = field(default_factory=dict)
    """Units offered from now on, of items whose stock changed or is new."""
    sweeps: bool = False
    """Its teams have to be looked at."""


def newly_stocked(terms: Terms, stock: Stock) -> list[str]:
    """Tell which items would have stock that had none before."""
    return [item.sku for item in terms.items if item.stock is not None and item.sku not in stock]


def change_campaign(
    campaign: Campaign, stock: Stock, command: CampaignCommand, now: datetime
) -> CampaignDecision | Refusal:
    """Decide a change."""
    decide: Callable[..., CampaignDecision | Refusal] = _DECIDE[type(command)]
    decision = decide(campaign, stock, command, now)
    if isinstance(decision, Refusal):
        return decision
    return replace(decision, campaign=replace(decision.campaign, version=campaign.version + 1))


def _publish(campaign: Campaign, _stock: Stock, _command: Publish, now: datetime) -> CampaignDecision | Refusal:
    if campaign.phase is not Phase.DRAFT or now >= campaign.ends_at:
        return _not_now(campaign, Action.PUBLISH, now)
    return CampaignDecision(replace(campaign, phase=Phase.PUBLISHED), Action.PUBLISH)


def _pause(campaign: Campaign, _stock: Stock, _command: Pause, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) not in {CampaignState.SCHEDULED, CampaignState.RUNNING}:
        return _not_now(campaign, Action.PAUSE, now)
    return CampaignDecision(replace(campaign, phase=Phase.PAUSED), Action.PAUSE)


def _tell(campaign: Campaign, _stock: Stock, command: TellOfMerchant, now: datetime) -> CampaignDecision | Refusal:
    reason = command.suspension_reason
    action = Action.SUSPEND_MERCHANT if reason else Action.RESUME_MERCHANT
    is_over = campaign.state(now) in {CampaignState.DRAFT, CampaignState.ENDED, CampaignState.CANCELLED}
    if is_over or reason == campaign.suspension_reason:
        return _not_now(campaign, action, now)
    after = replace(campaign, suspension_reason=reason)
    return CampaignDecision(after, action, ("suspension_reason",), detail=reason, sweeps=not reason)


def _resume(campaign: Campaign, _stock: Stock, _command: Resume, now: datetime) -> CampaignDecision | Refusal:
    if campaign.suspension_reason and campaign.state(now) is CampaignState.PAUSED:
        return Refusal("MERCHANT_SUSPENDED", {"suspension_reason": campaign.suspension_reason})
    if campaign.state(now) is not CampaignState.PAUSED:
        return _not_now(campaign, Action.RESUME, now)
    return CampaignDecision(replace(campaign, phase=Phase.PUBLISHED), Action.RESUME, sweeps=True)


def _cancel(campaign: Campaign, _stock: Stock, command: GiveUp, now: datetime) -> CampaignDecision | Refusal:
    if campaign.phase is Phase.CANCELLED and (campaign.cancels_formed or not command.formed_too):
        return _not_now(campaign, Action.CANCEL, now)
    after = replace(campaign, phase=Phase.CANCELLED, cancels_formed=command.formed_too, cancel_reason=command.reason)
    detail = f"formed_too={str(command.formed_too).lower()}"
    return CampaignDecision(after, Action.CANCEL, detail=detail, sweeps=True)


def _start(campaign: Campaign, _stock: Stock, _command: StartNow, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) is not CampaignState.SCHEDULED:
        return _not_now(campaign, Action.START, now)
    return CampaignDecision(replace(campaign, starts_at=now), Action.START, ("starts_at",))


def _show(campaign: Campaign, _stock: Stock, command: ShowItem, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) in {CampaignState.ENDED, CampaignState.CANCELLED}:
        return _not_now(campaign, Action.SHOW_ITEM, now)
    if command.sku and campaign.terms.item(command.sku) is None:
        return _item_unknown(campaign, command.sku)
    after = replace(campaign, shown_sku=command.sku)
    return CampaignDecision(after, Action.SHOW_ITEM, ("shown_sku",), f"sku={command.sku}")


def _release(campaign: Campaign, stock: Stock, command: ReleaseUnits, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) in {CampaignState.ENDED, CampaignState.CANCELLED}:
        return _not_now(campaign, Action.RELEASE_UNITS, now)
    level = stock.get(command.sku)
    if level is None:
        return _item_unknown(campaign, command.sku)
    offered = {command.sku: level.offered + command.units}
    detail = f"sku={command.sku} units={command.units}"
    return CampaignDecision(campaign, Action.RELEASE_UNITS, ("stock",), detail, offered, sweeps=True)


def _extend(campaign: Campaign, _stock: Stock, command: ExtendBy, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) in {CampaignState.ENDED, CampaignState.CANCELLED, CampaignState.DRAFT}:
        return _not_now(campaign, Action.EXTEND, now)
    latest = campaign.latest_end or campaign.ends_at
    if campaign.ends_at + command.by > latest:
        return Refusal("EXTENSION_LIMIT", {"latest_end": written(latest)})
    after = replace(campaign, ends_at=campaign.ends_at + command.by)
    detail = f"by={command.by.total_seconds():g}s"
    return CampaignDecision(after, Action.EXTEND, ("ends_at",), detail, sweeps=True)


def _close(campaign: Campaign, _stock: Stock, command: CloseIn, now: datetime) -> CampaignDecision | Refusal:
    if campaign.state(now) not in {CampaignState.RUNNING, CampaignState.PAUSED} or now < campaign.starts_at:
        return _not_now(campaign, Action.CLOSE, now)  # what was paused before its start would end before it
    after = replace(campaign, ends_at=min(campaign.ends_at, now + command.after))
    detail = f"in={command.after.total_seconds():g}s"
    return CampaignDecision(after, Action.CLOSE, ("ends_at",), detail, sweeps=True)


_DRAFT_ONLY = {"merchant_id": "who sells", "currency": "the currency"}
_BEFORE_START = {
    "starts_at": "the start has been, or is now",
    "ends_at": "members were told this end; a host extends within latest_end, or closes",
    "latest_end": "members were told how far the end can move",
}
_TERMS = frozenset({"items", "ladder", "rules", "currency"})


def _update(campaign: Campaign, stock: Stock, command: Update, now: datetime) -> CampaignDecision | Refusal:
    state = campaign.state(now)
    if state in {CampaignState.ENDED, CampaignState.CANCELLED}:
        return _not_now(campaign, Action.UPDATE, now)
    if command.version and command.version != campaign.version:
        return Refusal("VERSION_MISMATCH", {"version": str(campaign.version)})
    if refusal := _broken_promise(state, command.fields):
        return refusal
    wanted = command.wanted
    offered = _offered(wanted.terms, stock) if "items" in command.fields else {}
    for sku, units in offered.items():
        if sku in stock and units < stock[sku].taken:
            return Refusal("STOCK_BELOW_TAKEN", {"sku": sku, "taken": str(stock[sku].taken)})
        if sku not in stock and sku in command.unlimited:
            return Refusal("PROMISE_BROKEN", {"field": "items", "why": f"{sku} has been sold without a limit"})
    version = campaign.terms.version + bool(command.fields & _TERMS)
    terms = replace(wanted.terms, version=version, items=_items(wanted.terms, stock))
    shown = campaign.shown_sku if terms.item(campaign.shown_sku) else ""
    after = replace(wanted, terms=terms, shown_sku=shown, suspension_reason=campaign.suspension_reason)
    moves = after.ends_at != campaign.ends_at
    fields = command.fields | ({"shown_sku"} if shown != campaign.shown_sku else set())
    return CampaignDecision(after, Action.UPDATE, tuple(sorted(fields)), offered=offered, sweeps=bool(offered) or moves)


def _broken_promise(state: CampaignState, fields: frozenset[str]) -> Refusal | None:
    if state is CampaignState.DRAFT:
        return None
    kept = dict(_DRAFT_ONLY) if state is CampaignState.SCHEDULED else _DRAFT_ONLY | _BEFORE_START
    broken = next((name for name in sorted(fields) if name in kept), None)
    return Refusal("PROMISE_BROKEN", {"field": broken, "why": kept[broken]}) if broken else None


def _offered(terms: Terms, stock: Stock) -> dict[str, int]:
    """Tell what is offered from now on, where that changes."""
    wanted = {item.sku: item.stock for item in terms.items if item.stock is not None}
    return {sku: units for sku, units in wanted.items() if sku not in stock or stock[sku].offered != units}


def _items(terms: Terms, stock: Stock) -> tuple[Item, ...]:
    """Give the items; one that has stock keeps it, and says so: by that a process knows that its units are counted."""
    return tuple(
        replace(item, stock=stock[item.sku].offered) if item.stock is None and item.sku in stock else item
        for item in terms.items
    )


def _not_now(campaign: Campaign, action: Action, now: datetime) -> Refusal:
    return Refusal("CAMPAIGN_STATE", {"state": campaign.state(now), "action": action})


def _item_unknown(campaign: Campaign, sku: str) -> Refusal:
    return Refusal("ITEM_UNKNOWN", {"sku": sku, "skus": ", ".join(item.sku for item in campaign.terms.items)})


_DECIDE: dict[type, Callable[..., CampaignDecision | Refusal]] = {
    Update: _update,
    Publish: _publish,
    Pause: _pause,
    Resume: _resume,
    GiveUp: _cancel,
    TellOfMerchant: _tell,
    StartNow: _start,
    ShowItem: _show,
    ReleaseUnits: _release,
    ExtendBy: _extend,
    CloseIn: _close,
}

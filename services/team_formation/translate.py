"""Between protobuf and the values of the domain; the only module that knows both."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1 import money_pb2
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.team_formation import domain

PLATFORM, CAMPAIGN, TEAM, SEAT, INVITE = "plat", "camp", "team", "seat", "inv"
TEAM_TOPIC = "groupbuy.team.v1"
CAMPAIGN_TOPIC = "groupbuy.campaign.v1"

_ROLES = {domain.Role.LEADER: ladder_pb2.ROLE_LEADER, domain.Role.MEMBER: ladder_pb2.ROLE_MEMBER}
_BASES = {
    domain.Basis.TEAM_MEMBERS: ladder_pb2.BASIS_TEAM_MEMBERS,
    domain.Basis.TEAM_UNITS: ladder_pb2.BASIS_TEAM_UNITS,
}
_MODES = {types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{mode}"): mode for mode in domain.PaymentMode}
_COUNTED_IN = {
    types_pb2.COUNTED_IN_UNSPECIFIED: domain.CountedIn.MEMBERS,
    types_pb2.COUNTED_IN_MEMBERS: domain.CountedIn.MEMBERS,
    types_pb2.COUNTED_IN_UNITS: domain.CountedIn.UNITS,
}
_LEAVE = {
    types_pb2.LEAVE_UNTIL_UNSPECIFIED: domain.LeaveUntil.TIPPED,
    types_pb2.LEAVE_UNTIL_TIPPED: domain.LeaveUntil.TIPPED,
    types_pb2.LEAVE_UNTIL_ENDED: domain.LeaveUntil.ENDED,
    types_pb2.LEAVE_UNTIL_NEVER: domain.LeaveUntil.NEVER,
}


def money(minor_units: int, currency: str) -> money_pb2.Money:
    """Make an amount."""
    return money_pb2.Money(minor_units=minor_units, currency=currency)


def time(at: datetime | None) -> Timestamp | None:
    """Make a timestamp; None stays unset."""
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def from_time(stamp: Timestamp) -> datetime:
    """Read a timestamp; ValueError or OverflowError where it is out of range."""
    return stamp.ToDatetime(tzinfo=UTC)


def _duration(span: timedelta) -> Duration:
    message = Duration()
    message.FromTimedelta(span)
    return message


def rules(values: domain.Rules) -> types_pb2.Rules:
    """Write rules."""
    return types_pb2.Rules(
        payment_mode=types_pb2.PaymentMode.Value(f"PAYMENT_MODE_{values.payment_mode}"),
        counted_in=types_pb2.CountedIn.Value(f"COUNTED_IN_{values.counted_in}"),
        minimum=values.minimum,
        maximum=values.maximum,
        hold_lifetime=_duration(values.hold_lifetime),
        team_lifetime=_duration(values.team_lifetime),
        close_when_full=values.close_when_full,
        max_units_per_seat=values.max_units_per_seat,
        leave_until=types_pb2.LeaveUntil.Value(f"LEAVE_UNTIL_{values.leave_until}"),
    )


def read_rules(message: types_pb2.Rules) -> domain.Rules:
    """Read rules; what is not said gets its default.

    ValueError where the payment mode is not said, KeyError naming the field that has a value not known here.
    """
    if not message.payment_mode:
        raise ValueError("rules.payment_mode")
    for field, known in (("payment_mode", _MODES), ("counted_in", _COUNTED_IN), ("leave_until", _LEAVE)):
        if getattr(message, field) not in known:
            raise KeyError(field)
    return domain.Rules(
        _MODES[message.payment_mode],
        _COUNTED_IN[message.counted_in],
        message.minimum,
        message.maximum,
        message.hold_lifetime.ToTimedelta(),
        message.team_lifetime.ToTimedelta(),
        close_when_full=message.close_when_full if message.HasField("close_when_full") else True,
        max_units_per_seat=message.max_units_per_seat or 1,
        leave_until=_LEAVE[message.leave_until],
    )


def presentation(shown: domain.Presentation) -> types_pb2.Presentation:
    """Write what pages show."""
    texts = [types_pb2.LocalizedText(language=t.language, title=t.title, terms=t.terms) for t in shown.texts]
    return types_pb2.Presentation(
        texts=texts,
        image_url=shown.image_url,
        seller=shown.seller,
        checkout_url=shown.checkout_url,
        time_zone=shown.time_zone,
    )


def read_presentation(message: types_pb2.Presentation) -> domain.Presentation:
    """Read what pages show."""
    texts = tuple(domain.LocalizedText(text.language, text.title, text.terms) for text in message.texts)
    return domain.Presentation(texts, message.image_url, message.seller, message.checkout_url, message.time_zone)


def _discount(item: domain.Discount) -> ladder_pb2.Discount:
    message = ladder_pb2.Discount(sku=item.sku, role=_ROLES[item.role] if item.role else ladder_pb2.ROLE_UNSPECIFIED)
    setattr(message, item.kind, item.value)
    return message


def _read_discount(message: ladder_pb2.Discount) -> domain.Discount:
    kind = message.WhichOneof("kind") or ""
    role = {code: role for role, code in _ROLES.items()}.get(message.role)
    return domain.Discount(kind, getattr(message, kind) if kind else 0, message.sku, role)


def ladder(basis: domain.Basis, tiers: Iterable[domain.Tier]) -> ladder_pb2.Ladder:
    """Write a ladder."""
    written = [ladder_pb2.Tier(threshold=t.threshold, discounts=map(_discount, t.discounts)) for t in tiers]
    return ladder_pb2.Ladder(basis=_BASES[basis], tiers=written)


def read_tiers(message: ladder_pb2.Ladder) -> tuple[domain.Tier, ...]:
    """Read the tiers of a ladder that pricing has accepted."""
    return tuple(domain.Tier(tier.threshold, tuple(map(_read_discount, tier.discounts))) for tier in message.tiers)


def price_table(table: domain.PriceTable) -> ladder_pb2.PriceTable:
    """Write a price table."""
    return ladder_pb2.PriceTable(
        currency=table.currency,
        basis=_BASES[table.basis],
        ladder_version=table.ladder_version,
        rows=[
            ladder_pb2.PriceRow(sku=row.sku, role=_ROLES[row.role], steps=map(_step, row.steps)) for row in table.rows
        ],
    )


def _step(step: domain.PriceStep) -> ladder_pb2.PriceStep:
    discount = _discount(step.discount) if step.discount else None
    return ladder_pb2.PriceStep(threshold=step.threshold, unit_price=step.unit_price, tier=step.tier, discount=discount)


def read_price_table(message: ladder_pb2.PriceTable) -> domain.PriceTable:
    """Read a price table that pricing has made."""
    basis = {code: basis for basis, code in _BASES.items()}[message.basis]
    role = {code: role for role, code in _ROLES.items()}
    rows = tuple(domain.PriceRow(row.sku, role[row.role], tuple(map(_read_step, row.steps))) for row in message.rows)
    return domain.PriceTable(message.currency, basis, message.ladder_version, rows)


def _read_step(message: ladder_pb2.PriceStep) -> domain.PriceStep:
    discount = _read_discount(message.discount) if message.HasField("discount") else None
    return domain.PriceStep(message.threshold, message.unit_price, message.tier, discount)


def campaign(values: domain.Campaign) -> types_pb2.Campaign:
    """Write a campaign."""
    terms = values.terms
    items = [types_pb2.Item(sku=i.sku, list_price=money(i.list_price, values.currency)) for i in terms.items]
    return types_pb2.Campaign(
        campaign_id=ids.opaque(CAMPAIGN, values.campaign_id),
        merchant_id=values.merchant_id,
        external_ref=values.external_ref,
        starts_at=time(values.starts_at),
        ends_at=time(values.ends_at),
        currency=values.currency,
        items=items,
        ladder=ladder(terms.price_table.basis, terms.tiers),
        rules=rules(terms.rules),
        presentation=presentation(values.presentation),
        price_table=price_table(terms.price_table),
    )


def campaign_event(values: domain.Campaign, at: datetime) -> events_pb2.CampaignEvent:
    """Write the first event of a campaign."""
    return events_pb2.CampaignEvent(
        event_id=str(ids.derived_id(values.campaign_id, 1)),
        platform_id=ids.opaque(PLATFORM, values.platform_id),
        sequence=1,
        occurred_at=time(at),
        campaign_id=ids.opaque(CAMPAIGN, values.campaign_id),
        campaign_created=events_pb2.CampaignCreated(campaign=campaign(values)),
    )


def totals(values: domain.Totals) -> types_pb2.Totals:
    """Write totals."""
    return types_pb2.Totals(
        confirmed_members=values.confirmed_members,
        confirmed_units=values.confirmed_units,
        held_members=values.held_members,
        held_units=values.held_units,
    )


def seat(values: domain.Seat, currency: str) -> types_pb2.Seat:
    """Write a seat."""
    reason = f"RELEASE_REASON_{values.release_reason}" if values.release_reason else "RELEASE_REASON_UNSPECIFIED"
    return types_pb2.Seat(
        seat_id=seat_id(values.campaign_id, values.seat_id),
        team_id=team_id(values.campaign_id, values.team_id),
        member_id=values.member_id,
        sku=values.sku,
        quantity=values.quantity,
        role=_ROLES[values.role],
        state=types_pb2.SeatState.Value(f"SEAT_STATE_{values.state}"),
        cap=money(values.cap, currency),
        hold_until=time(values.hold_until),
        invite_id=ids.opaque(INVITE, values.campaign_id, values.invite_id) if values.invite_id else "",
        external_ref=values.external_ref,
        release_reason=types_pb2.ReleaseReason.Value(reason),
        cap_fill=values.cap_fill,
    )


def team(values: domain.Team, terms: domain.Terms) -> types_pb2.Team:
    """Write a team with its prices now, read from its own price table at the confirmed fill."""
    return types_pb2.Team(
        team_id=team_id(values.campaign_id, values.team_id),
        campaign_id=ids.opaque(CAMPAIGN, values.campaign_id),
        state=team_state(values.state),
        version=values.version,
        totals=totals(values.totals),
        minimum=terms.rules.minimum,
        maximum=terms.rules.maximum,
        counted_in=types_pb2.CountedIn.Value(f"COUNTED_IN_{terms.rules.counted_in}"),
        opened_at=time(values.opened_at),
        ends_at=time(values.ends_at),
        ended_at=time(values.ended_at),
        prices=prices(values, terms),
        external_ref=values.external_ref,
    )


def prices(values: domain.Team, terms: domain.Terms) -> list[types_pb2.PriceNow]:
    """Write the price of every item and role at a team's confirmed fill."""
    table = terms.price_table
    fill = values.totals.ladder_fill(table.basis)
    written = []
    for row in table.rows:
        following = row.after(fill)
        written.append(
            types_pb2.PriceNow(
                sku=row.sku,
                role=_ROLES[row.role],
                unit_price=money(row.at(fill).unit_price, table.currency),
                next_unit_price=money(following.unit_price, table.currency) if following else None,
                missing_to_next=following.threshold - fill if following else 0,
            )
        )
    return written


def team_state(state: domain.TeamState) -> types_pb2.TeamState.ValueType:
    """Write a team's state."""
    return types_pb2.TeamState.Value(f"TEAM_STATE_{state}")


def team_id(campaign: UUID, team: UUID) -> str:
    """Write a team's id."""
    return ids.opaque(TEAM, campaign, team)


def seat_id(campaign: UUID, seat: UUID) -> str:
    """Write a seat's id."""
    return ids.opaque(SEAT, campaign, seat)


def team_event(fact: domain.Fact, terms: domain.Terms, campaign: domain.Campaign | None) -> events_pb2.TeamEvent:
    """Write a fact as the event of its team's version; TeamOpened needs the campaign."""
    values = fact.team
    event = events_pb2.TeamEvent(
        event_id=str(ids.derived_id(values.team_id, values.version)),
        platform_id=ids.opaque(PLATFORM, values.platform_id),
        sequence=values.version,
        occurred_at=time(fact.at),
        campaign_id=ids.opaque(CAMPAIGN, values.campaign_id),
        team_id=team_id(values.campaign_id, values.team_id),
        totals=totals(values.totals),
        state=team_state(values.state),
    )
    _write_fact(event, fact, terms, campaign)
    return event


def _write_fact(
    event: events_pb2.TeamEvent, fact: domain.Fact, terms: domain.Terms, campaign: domain.Campaign | None
) -> None:
    currency = terms.price_table.currency
    kind = fact.kind
    if kind is domain.FactKind.TEAM_OPENED and campaign:
        event.team_opened.CopyFrom(_opened(fact.team, terms, campaign))
    elif kind is domain.FactKind.SEAT_HELD and fact.seat:
        event.seat_held.seat.CopyFrom(seat(fact.seat, currency))
    elif kind is domain.FactKind.SEAT_CONFIRMED and fact.seat:
        event.seat_confirmed.seat.CopyFrom(seat(fact.seat, currency))
        event.seat_confirmed.amount.CopyFrom(money(fact.amount, currency))
        event.seat_confirmed.payment_reference = fact.payment_reference
        event.seat_confirmed.after_expiry = fact.after_expiry
    elif kind is domain.FactKind.SEAT_RELEASED and fact.seat:
        event.seat_released.seat.CopyFrom(seat(fact.seat, currency))
        event.seat_released.previous_state = types_pb2.SeatState.Value(f"SEAT_STATE_{fact.previous_state}")
    elif kind is domain.FactKind.LATE_PAYMENT_REPORTED and fact.seat:
        event.late_payment_reported.seat.CopyFrom(seat(fact.seat, currency))
        event.late_payment_reported.amount.CopyFrom(money(fact.amount, currency))
        event.late_payment_reported.payment_reference = fact.payment_reference
    elif kind is domain.FactKind.TEAM_FAILED and fact.totals_before:
        event.team_failed.totals_at_end.CopyFrom(totals(fact.totals_before))
    else:
        getattr(event, _BARE[kind]).SetInParent()


_BARE = {
    domain.FactKind.TEAM_TIPPED: "team_tipped",
    domain.FactKind.TEAM_UNTIPPED: "team_untipped",
    domain.FactKind.TEAM_FORMED: "team_formed",
}


def _opened(values: domain.Team, terms: domain.Terms, campaign: domain.Campaign) -> events_pb2.TeamOpened:
    return events_pb2.TeamOpened(
        opener_member_id=values.opener_member_id,
        merchant_id=campaign.merchant_id,
        rules=rules(terms.rules),
        price_table=price_table(terms.price_table),
        presentation=presentation(campaign.presentation),
        ends_at=time(values.ends_at),
        external_ref=values.external_ref,
    )

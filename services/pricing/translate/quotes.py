"""Writes quotes, signs them, and lists the keys that check them."""

from groupbuy.pricing.v1 import quotes_pb2

from services.chassis import ids
from services.chassis.signing import KeyRing
from services.pricing import domain
from services.pricing.translate.words import (
    CAMPAIGN,
    COUPON_ORDERS,
    PLATFORM,
    ROLES,
    event_time,
    own_steps,
    team_id,
)

PURPOSE = "groupbuy.quote.v1"


def quote(given: domain.Quote) -> quotes_pb2.Quote:
    """Write a promise to one member."""
    promise, campaign_id = given.promise, given.campaign_id
    return quotes_pb2.Quote(
        quote_id=str(given.quote_id),
        platform_id=ids.opaque(PLATFORM, given.platform_id),
        campaign_id=ids.opaque(CAMPAIGN, campaign_id),
        team_id=team_id(campaign_id, given.team_id) if given.team_id else "",
        member_id=given.member_id,
        sku=given.sku,
        quantity=given.quantity,
        role=ROLES[promise.role],
        currency=given.currency,
        ladder_version=given.ladder_version,
        cap=promise.cap,
        cap_fill=promise.cap_fill,
        cap_tally_seq=given.tally_seq,
        steps=own_steps(promise.steps),
        coupon=_coupon(given.coupon, given.code) if given.coupon else None,
        order=COUPON_ORDERS[given.order],
        issued_at=event_time(given.issued_at),
        expires_at=event_time(given.expires_at),
    )


def signed_quote(quote: quotes_pb2.Quote, keys: KeyRing) -> quotes_pb2.GetQuoteResponse:
    """Sign a quote, and write the answer with both."""
    payload = quote.SerializeToString(deterministic=True)
    made = keys.sign(PURPOSE, payload)
    signed = quotes_pb2.SignedQuote(payload=payload, signature=made.signature, key_id=made.key_id)
    return quotes_pb2.GetQuoteResponse(quote=quote, signed_quote=signed.SerializeToString())


def quote_keys(keys: KeyRing | None) -> quotes_pb2.ListQuoteKeysResponse:
    """Write the public keys, the one that signs first."""
    public = keys.public_keys() if keys else ()
    return quotes_pb2.ListQuoteKeysResponse(
        keys=[quotes_pb2.QuoteKey(key_id=key_id, public_key=raw) for key_id, raw in public]
    )


def _coupon(coupon: domain.Coupon, code: str) -> quotes_pb2.Coupon:
    message = quotes_pb2.Coupon(code=code)
    setattr(message, coupon.kind, coupon.value)
    return message

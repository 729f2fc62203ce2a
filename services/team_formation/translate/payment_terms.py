"""Payment terms between protobuf and the values of the domain."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation import domain
from services.team_formation.translate.basics import duration

_ON_UNPAID = {
    types_pb2.ON_UNPAID_UNSPECIFIED: domain.OnUnpaid.KEEP_PRICE,
    **{types_pb2.OnUnpaid.Value(f"ON_UNPAID_{item}"): item for item in domain.OnUnpaid},
}
_BELOW_MINIMUM = {
    types_pb2.ON_BELOW_MINIMUM_UNSPECIFIED: domain.OnBelowMinimum.SHIP,
    **{types_pb2.OnBelowMinimum.Value(f"ON_BELOW_MINIMUM_{item}"): item for item in domain.OnBelowMinimum},
}
_USUAL = domain.PaymentTerms()


def payment_terms(terms: domain.PaymentTerms) -> types_pb2.PaymentTerms:
    """Write payment terms."""
    return types_pb2.PaymentTerms(
        pay_within=duration(terms.pay_within),
        on_unpaid=types_pb2.OnUnpaid.Value(f"ON_UNPAID_{terms.on_unpaid}"),
        on_below_minimum=types_pb2.OnBelowMinimum.Value(f"ON_BELOW_MINIMUM_{terms.on_below_minimum}"),
        authorisation_lifetime=duration(terms.authorisation_lifetime),
        lapse_warning=duration(terms.lapse_warning),
    )


def read_payment_terms(message: types_pb2.PaymentTerms) -> domain.PaymentTerms:
    """Read payment terms; what is not said gets its default. KeyError names the field whose value is not known here."""
    for field, known in (("on_unpaid", _ON_UNPAID), ("on_below_minimum", _BELOW_MINIMUM)):
        if getattr(message, field) not in known:
            raise KeyError(f"payment_terms.{field}")
    return domain.PaymentTerms(
        _span(message.pay_within, _USUAL.pay_within),
        _ON_UNPAID[message.on_unpaid],
        _BELOW_MINIMUM[message.on_below_minimum],
        _span(message.authorisation_lifetime, _USUAL.authorisation_lifetime),
        _span(message.lapse_warning, _USUAL.lapse_warning),
    )


def _span(message: Duration, usual: timedelta) -> timedelta:
    return message.ToTimedelta() or usual

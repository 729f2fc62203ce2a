"""Payment terms, as a team has them from its opening on."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """By when money has to come, and how long an authorisation lives; fixed when the team opens."""

    pay_within: timedelta
    """From the team's forming, or from a failed capture."""
    authorisation_lifetime: timedelta
    """From the confirmation of a seat."""
    lapse_warning: timedelta
    """So long before an authorisation lapses it is warned of."""

"""Payment terms: by when money has to come, and what happens where it does not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.team_formation.domain.checks import Problem
from services.team_formation.domain.values import Word

SHORTEST_PAYMENT = timedelta(minutes=1)
SHORTEST_AUTHORISATION = timedelta(hours=1)
LONGEST_WAIT = timedelta(days=90)
LAPSE_TOLD_WITHIN = timedelta(hours=1)
"""A payment lapses elsewhere and is told by an event: so much later than its window it may still come here."""
_FIELD = "rules.payment_terms"


class OnUnpaid(Word):
    """What becomes of the place of a seat whose money did not come."""

    KEEP_PRICE = "KEEP_PRICE"
    FILL_FROM_WAITLIST = "FILL_FROM_WAITLIST"


class OnBelowMinimum(Word):
    """What happens when defaults take a formed team below its minimum."""

    SHIP = "SHIP"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """By when money has to come in modes COMMIT and HOLD, and what happens where it does not."""

    pay_within: timedelta = timedelta(hours=24)
    """From the team's forming, or from a failed capture."""
    on_unpaid: OnUnpaid = OnUnpaid.KEEP_PRICE
    on_below_minimum: OnBelowMinimum = OnBelowMinimum.SHIP
    authorisation_lifetime: timedelta = timedelta(days=7)
    """How long an authorisation lives, from the confirmation on."""
    lapse_warning: timedelta = timedelta(hours=24)

    @property
    def fills_from_waitlist(self) -> bool:
        """Whether who waits when the team forms goes on waiting."""
        return self.on_unpaid is OnUnpaid.FILL_FROM_WAITLIST

    def waits_until(self, opened_window: datetime) -> datetime:
        """Tell until when a window to pay that opens now may turn out to have lapsed."""
        return opened_window + self.pay_within + LAPSE_TOLD_WITHIN


def check_payment_terms(terms: PaymentTerms) -> list[Problem]:
    """Check that the times of payment terms are possible."""
    problems = []
    if not SHORTEST_PAYMENT <= terms.pay_within <= LONGEST_WAIT:
        problems.append(Problem(f"{_FIELD}.pay_within", "must be 1 minute to 90 days; leave it out for 24 hours"))
    if not SHORTEST_AUTHORISATION <= terms.authorisation_lifetime <= LONGEST_WAIT:
        what = "must be 1 hour to 90 days; leave it out for 7 days"
        problems.append(Problem(f"{_FIELD}.authorisation_lifetime", what))
    if not timedelta() < terms.lapse_warning < terms.authorisation_lifetime:
        what = "must be above zero and less than authorisation_lifetime; leave it out for 24 hours"
        problems.append(Problem(f"{_FIELD}.lapse_warning", what))
    return problems


def check_filling(terms: PaymentTerms, *, commits: bool, waits: bool) -> list[Problem]:
    """Check that a place that is not paid can be given to who waits: nothing is paid before, and somebody may wait."""
    if not terms.fills_from_waitlist or (commits and waits):
        return []
    what = "FILL_FROM_WAITLIST needs payment_mode COMMIT and on_full WAITLIST: set both, or choose KEEP_PRICE"
    return [Problem(f"{_FIELD}.on_unpaid", what)]


def check_authorisations_last(
    terms: PaymentTerms, team_lifetime: timedelta, starts_at: datetime, last_end: datetime
) -> list[Problem]:
    """Check that an authorisation made when a team opens still has its warning time when the team ends.

    A team is open for its lifetime, at most to the end of the campaign.
    """
    open_for = min(team_lifetime, last_end - starts_at)
    longest = terms.authorisation_lifetime - terms.lapse_warning
    if open_for <= longest:
        return []
    what = (
        f"teams may stay open for {open_for}, but an authorisation that lives {terms.authorisation_lifetime} is warned"
        f" of {terms.lapse_warning} before it lapses: shorten rules.team_lifetime to at most {longest}, or say a longer"
        " authorisation_lifetime if your payment provider gives one"
    )
    return [Problem(f"{_FIELD}.authorisation_lifetime", what)]

"""What members wish: when they are not disturbed, and what they do not want to be told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.notification.domain.kinds import CONCERNS, Concern
from services.notification.domain.messages import Kind

LONGEST_QUIET = timedelta(hours=16)
"""What waits is still sent the same day, before a delivery is too old."""
_TIME_TO_ACT = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day until another, as a clock in a time zone shows them; past midnight where they turn."""

    starts: time
    ends: time
    time_zone: str

    @property
    def length(self) -> timedelta:
        """How long they are on an ordinary day."""
        return timedelta(minutes=(_minutes(self.ends) - _minutes(self.starts)) % (24 * 60))

    def until(self, now: datetime) -> datetime | None:
        """Give the end of the quiet hours that `now` is in; None where it is in none.

        The wall clock decides, so that of a night whose clocks change only the length differs: an hour shown twice is
        quiet both times, and where the end is skipped it is quiet until the clocks go on.
        """
        zone = ZoneInfo(self.time_zone)
        if not self._covers(now.astimezone(zone)):
            return None
        end = min(at for at in self._ends(now, zone) if at > now and not self._covers(at.astimezone(zone)))
        while not self._covers((end - _MINUTE).astimezone(zone)):  # only where the end itself was skipped
            end -= _MINUTE
        return end

    def _covers(self, local: datetime) -> bool:
        at = local.time()
        if self.starts < self.ends:
            return self.starts <= at < self.ends
        return at >= self.starts or at < self.ends

    def _ends(self, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Give the ends of today and the days after, each in both readings of a time that clocks show twice."""
        today = now.astimezone(zone).date()
        for days in range(3):
            for fold in (0, 1):
                local = datetime.combine(today + timedelta(days=days), self.ends, zone).replace(fold=fold)
                yield local.astimezone(now.tzinfo)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a member wishes; by default to be told all but promotions, at any time."""

    quiet: QuietHours | None = None
    muted: frozenset[Kind] = frozenset()
    muted_all: bool = False
    """Every kind that may be muted."""
    promotions: bool = False
    unsubscribed_at: datetime | None = None
    """When the member last followed a link to be told less: consents from before are void."""

    def unwanted(self, kind: Kind) -> str | None:
        """Say why a member does not want a kind of message; None where it does, or has no choice."""
        concern = CONCERNS[kind]
        if concern.may_be_muted and (self.muted_all or kind in self.muted):
            return "the member muted it"
        if concern is Concern.PROMOTION and not self.promotions:
            return "the member has not opted in to promotions"
        return None

    def allows(self, agreed_at: datetime | None) -> bool:
        """Tell whether a member's consent at a contact point still holds."""
        return agreed_at is not None and (self.unsubscribed_at is None or agreed_at > self.unsubscribed_at)

    def quiet_until(self, kind: Kind, deadline: datetime | None, now: datetime) -> datetime | None:
        """Tell until when quiet hours hold a message; None where they do not.

        What the member has to act on by a deadline inside them, or within an hour of their end, is never held.
        """
        end = self.quiet.until(now) if self.quiet and CONCERNS[kind].can_wait else None
        return None if end is None or (deadline and deadline < end + _TIME_TO_ACT) else end


NO_WISHES = Wishes()


def quiet_problem(quiet: QuietHours) -> str | None:
    """Say what is wrong with quiet hours."""
    if not timedelta() < quiet.length <= LONGEST_QUIET:
        return f"must be longer than none and at most {LONGEST_QUIET // timedelta(hours=1)} hours"
    return None

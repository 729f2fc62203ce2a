"""What the joins of a book show of abuse, its neighbours in the batch counted, and what is kept of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.team_formation import domain
from services.team_formation.domain import AbuseAction, AbuseRule, Invite, Join, Seat, Signal, TagKind
from services.team_formation.metrics import SIGNS
from services.team_formation.store.abuse import SeatTag, Tagged, Wanted

BEYOND = 100
"""So many beyond a limit are counted."""
MOST_LOOKED_AT = 1_000
"""Seats of one tag that are looked at where no join is refused by it: then only the newest count."""

_Mark = tuple[TagKind, bytes]


class Signs:
    """Counts signs of abuse in one campaign while a part of a batch is decided, join by join."""

    def __init__(self, rules: Sequence[AbuseRule], joins: Sequence[Join], now: datetime) -> None:
        self.rules = rules
        self._by_signal = {rule.signal: rule for rule in rules if rule.signal}
        self._now = now
        self._members: dict[_Mark, set[str]] = {}
        self._last: dict[_Mark, int] = {}
        self._devices: dict[UUID, set[bytes]] = {}
        self._joins: Counter[UUID] = Counter()
        self.tags: list[SeatTag] = []
        """Of seats that were taken in this batch."""
        self.joins: Counter[UUID] = Counter()
        """Seats taken in this batch by each invite."""
        self.shown: list[AbuseRule] = []
        """Rules that joins of this batch were beyond the limits of."""
        asked = joins if rules else ()
        self._marks = sorted({mark for join in asked for mark in _marks(join) if SIGNALS[mark[0]] in self._by_signal})
        self._invites = sorted({join.invite_id for join in asked if join.invite_id})

    # What is loaded.

    def marks_wanted(self) -> list[Wanted]:
        """Tell which marks to look for, in a fixed order."""
        return [self._wanted(kind, mark) for kind, mark in self._marks]

    def _wanted(self, kind: TagKind, mark: bytes) -> Wanted:
        rule = self._by_signal[SIGNALS[kind]]
        refuses = rule.action is AbuseAction.REFUSE
        return Wanted(kind, mark, self._now - rule.within, None if refuses else MOST_LOOKED_AT)

    def makers_wanted(self) -> list[UUID]:
        """Tell of which invites the makers' devices are needed."""
        return self._invites if Signal.OWN_INVITE in self._by_signal else []

    def joins_wanted(self) -> tuple[list[UUID], datetime, int]:
        """Tell which invites to count joins of, since when, and how many are enough."""
        rule = self._by_signal.get(Signal.JOINS_PER_INVITE)
        if rule is None:
            return [], self._now, 0
        return self._invites, self._now - rule.within, rule.limit + BEYOND

    def take_tagged(self, found: Iterable[Tagged]) -> None:
        """Take who has live seats by the marks."""
        for one in found:
            self._members[one.kind, one.mark] = set(one.member_ids)
            self._last[one.kind, one.mark] = one.last

    def take_devices(self, found: Iterable[tuple[UUID, bytes]]) -> None:
        """Take by which devices the makers of invites took seats."""
        for invite_id, mark in found:
            self._devices.setdefault(invite_id, set()).add(mark)

    def take_joins(self, found: Iterable[tuple[UUID, int]]) -> None:
        """Take how many seats were taken by invites."""
        self._joins.update(dict(found))

    # What is asked and entered.

    def of(self, join: Join, invite: Invite | None) -> Mapping[Signal, int]:
        """Count what there is of each sign before a join that can show it."""
        seen: dict[Signal, int] = {}
        for mark in _marks(join):
            signal = SIGNALS[mark[0]]
            if rule := self._by_signal.get(signal):
                others = len(self._members.get(mark, set()) - {join.member_id})
                seen[signal] = min(others, rule.limit + BEYOND - 1)
        if invite and (rule := self._by_signal.get(Signal.JOINS_PER_INVITE)):
            seen[Signal.JOINS_PER_INVITE] = min(self._joins[invite.invite_id], rule.limit + BEYOND - 1)
        if invite and Signal.OWN_INVITE in self._by_signal and self._is_own(join, invite):
            seen[Signal.OWN_INVITE] = 0
        return seen

    def _is_own(self, join: Join, invite: Invite) -> bool:
        if not invite.member_id:
            return False
        device = join.marks.device
        sits = self._members.get((TagKind.DEVICE, device), set()) if device else set()
        return (
            invite.member_id == join.member_id
            or device in self._devices.get(invite.invite_id, ())
            or invite.member_id in sits
        )

    def note(self, join: Join) -> None:
        """Note the rules that a join is beyond the limits of, whatever they say."""
        self.shown += domain.shown(self.rules, join.seen or {})

    def enter(self, join: Join, seat: Seat) -> None:
        """Count a seat that was taken, for the joins that follow."""
        for kind, mark in _marks(join):
            if not self._keeps(kind):
                continue
            self._members.setdefault((kind, mark), set()).add(join.member_id)
            number = 0
            if (rule := self._by_signal.get(SIGNALS[kind])) and rule.action is AbuseAction.REFUSE:
                number = self._last[kind, mark] = self._last.get((kind, mark), 0) + 1
            self.tags.append(SeatTag(seat.seat_id, kind, mark, number))
        if join.invite_id and Signal.JOINS_PER_INVITE in self._by_signal:
            self._joins[join.invite_id] += 1
            self.joins[join.invite_id] += 1

    def count(self) -> None:
        """Count the rules that joins were beyond the limits of, once their answers are committed."""
        for rule in self.shown:
            SIGNS.labels(str(rule.signal), str(rule.action)).inc()

    @property
    def keeps_tags(self) -> bool:
        """Whether a rule needs tags of any kind."""
        return any(map(self._keeps, TagKind))

    def _keeps(self, kind: TagKind) -> bool:
        """Tell whether a rule needs tags of a kind; no other is kept."""
        return SIGNALS[kind] in self._by_signal or (kind is TagKind.DEVICE and Signal.OWN_INVITE in self._by_signal)


SIGNALS = domain.SIGNAL_OF


def _marks(join: Join) -> list[_Mark]:
    marks = ((TagKind.DEVICE, join.marks.device), (TagKind.ADDRESS, join.marks.address))
    return [(kind, mark) for kind, mark in marks if mark]

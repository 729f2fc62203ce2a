"""Messaging rules: how long after a message of a kind the next one waits, as a platform sets it."""

from collections.abc import Mapping

from groupbuy.notification.v1 import messaging_rules_pb2 as pb2

from services.chassis import audit, requests
from services.chassis.audit import Change
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import NO_CAMPAIGN, Decided, RequestKey
from services.chassis.server import caller
from services.notification import store
from services.notification.domain import CONCERNS, Kind
from services.notification.translate import kind_number, kind_of

_LONGEST = 12 * 3600


class RuleCalls:
    """Answers what concerns messaging rules."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, request: pb2.PutMessagingRulesRequest) -> pb2.PutMessagingRulesResponse:
        """Set the caller's rules."""
        requests.check_request_id(request.request_id)
        windows = _read(request.rules)
        key = RequestKey(NO_CAMPAIGN, caller(), "PutMessagingRules", request.request_id, requests.body_hash(request))
        answer = pb2.PutMessagingRulesResponse(rules=_wire(windows))
        async with self._database.work() as work:
            known = await requests.find(work.connection, key)
            if isinstance(known, Rejected):
                raise known
            if known is None:
                before = await store.find_windows(work.connection, key.platform_id)
                await store.save_windows(work.connection, key.platform_id, windows)
                if before != windows:
                    states = (_wire(before), _wire(windows))
                    change = Change(key.platform_id, key.rpc, "messaging rules", *states, key.request_id)
                    await audit.note(work.connection, self._clock.now(), change)
                await requests.store(work.connection, [[Decided(key, answer.SerializeToString())]])
        return answer

    async def get(self) -> pb2.GetMessagingRulesResponse:
        """Read the caller's rules."""
        async with self._database.read() as connection:
            windows = await store.find_windows(connection, caller())
        return pb2.GetMessagingRulesResponse(rules=_wire(windows))


def _read(rules: pb2.MessagingRules) -> dict[Kind, int]:
    windows: dict[Kind, int] = {}
    problems: list[FieldViolation] = []
    for at, item in enumerate(rules.windows):
        kind = kind_of(item.kind)
        if kind is None or not CONCERNS[kind].may_be_muted:
            problems.append(FieldViolation(f"rules.windows[{at}].kind", "must be a kind that members may mute"))
        elif kind in windows:
            problems.append(FieldViolation(f"rules.windows[{at}].kind", f"must be there once: {kind} is there before"))
        elif not 1 <= item.seconds <= _LONGEST:
            problems.append(FieldViolation(f"rules.windows[{at}].seconds", f"must be 1 to {_LONGEST}"))
        else:
            windows[kind] = item.seconds
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
    return windows


def _wire(windows: Mapping[Kind, int]) -> pb2.MessagingRules:
    ordered = sorted((kind_number(kind), seconds) for kind, seconds in windows.items())
    return pb2.MessagingRules(windows=[pb2.MessagingWindow(kind=kind, seconds=seconds) for kind, seconds in ordered])

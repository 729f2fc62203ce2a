"""Loads all lines of seats with their reports, and notes how far lines are that others took back."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from services.chassis.database import Connection
from services.pricing import domain, store
from services.pricing.domain import SeatAccount


async def load_accounts(connection: Connection, seats: Collection[tuple[UUID, UUID]]) -> dict[UUID, SeatAccount]:
    """Load the accounts of seats of locked teams, named by campaign and seat; none for a seat without lines."""
    if not seats:
        return {}
    lines: dict[UUID, list[domain.SettlementLine]] = defaultdict(list)
    for line in await store.load_lines_of_seats(connection, sorted(seats)):
        lines[line.seat_id].append(line)
    keys = sorted({(line.campaign_id, line.line_id) for own in lines.values() for line in own})
    reports = await store.load_reports(connection, keys) if keys else {}
    return {seat_id: _account(own, reports) for seat_id, own in lines.items()}


def _account(
    lines: Sequence[domain.SettlementLine], reports: Mapping[tuple[UUID, UUID], Sequence[domain.Report]]
) -> SeatAccount:
    about = {line.line_id: tuple(reports.get((line.campaign_id, line.line_id), ())) for line in lines}
    return SeatAccount(tuple(lines), about)


async def note_taken_back(connection: Connection, lines: Sequence[domain.SettlementLine]) -> None:
    """Store how far the lines of seats are of which stored lines take something back: it is asked for no more."""
    seats = {(line.campaign_id, line.seat_id) for line in lines if line.quantity < 0}
    if not seats:
        return
    accounts = await load_accounts(connection, seats)
    new = {line.line_id for line in lines}
    moved = [found for account in accounts.values() for found in _moved(account, new)]
    if moved:
        at = datetime.now(UTC)
        await store.save_line_states(connection, [(line, state, at) for line, state in moved])


def _moved(account: SeatAccount, new: Collection[UUID]) -> Iterator[tuple[domain.SettlementLine, domain.LineState]]:
    """Give the lines of a seat that its new ones move, and those new ones that others concern."""
    before = replace(account, lines=tuple(line for line in account.lines if line.line_id not in new))
    for line in account.lines:
        state = domain.line_state(line, account)
        alone = SeatAccount((line,), {}) if line.line_id in new else before
        if state is not domain.line_state(line, alone):
            yield line, state

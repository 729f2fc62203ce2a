"""Every SQL statement of pricing, one module per subject."""

from services.pricing.store.beneficiaries import Earned, insert_beneficiaries, list_beneficiaries
from services.pricing.store.facts import StoredFact, insert_facts, list_facts
from services.pricing.store.feed import (
    Listed,
    Span,
    Wanted,
    insert_feed,
    list_settlements,
    load_lines_of,
    read_feed,
)
from services.pricing.store.jobs import find_jobs, find_teams_with_jobs, insert_jobs, keep_job, load_first_job, save_job
from services.pricing.store.lines import find_lines, insert_lines, list_lines, list_lines_of_seat
from services.pricing.store.merchants import MerchantRecord, read_merchant_record
from services.pricing.store.reports import (
    insert_reports,
    load_reports,
    load_reports_of,
    load_waiting_reports,
    mark_told,
    save_line_states,
)
from services.pricing.store.seats import find_seat, load_paying, load_seats, save_seats
from services.pricing.store.tables import insert_tables, load_tables
from services.pricing.store.teams import find_team, lock_teams, save_teams

__all__ = [
    "Earned",
    "Listed",
    "MerchantRecord",
    "Span",
    "StoredFact",
    "Wanted",
    "find_jobs",
    "find_lines",
    "find_seat",
    "find_team",
    "find_teams_with_jobs",
    "insert_beneficiaries",
    "insert_facts",
    "insert_feed",
    "insert_jobs",
    "insert_lines",
    "insert_reports",
    "insert_tables",
    "keep_job",
    "list_beneficiaries",
    "list_facts",
    "list_lines",
    "list_lines_of_seat",
    "list_settlements",
    "load_first_job",
    "load_lines_of",
    "load_paying",
    "load_reports",
    "load_reports_of",
    "load_seats",
    "load_tables",
    "load_waiting_reports",
    "lock_teams",
    "mark_told",
    "read_feed",
    "read_merchant_record",
    "save_job",
    "save_line_states",
    "save_seats",
    "save_teams",
]

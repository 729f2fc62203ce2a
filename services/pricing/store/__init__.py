"""Every SQL statement of pricing, one module per subject."""

from services.pricing.store.campaigns import save_campaigns
from services.pricing.store.facts import StoredFact, insert_facts, list_facts
from services.pricing.store.jobs import find_jobs, find_teams_with_jobs, insert_jobs, load_first_job, save_job
from services.pricing.store.lines import insert_lines, list_lines, list_lines_of_seat
from services.pricing.store.seats import find_seat, load_paying, load_seats, save_seats
from services.pricing.store.tables import insert_tables, load_tables
from services.pricing.store.teams import find_team, lock_teams, save_teams

__all__ = [
    "StoredFact",
    "find_jobs",
    "find_seat",
    "find_team",
    "find_teams_with_jobs",
    "insert_facts",
    "insert_jobs",
    "insert_lines",
    "insert_tables",
    "list_facts",
    "list_lines",
    "list_lines_of_seat",
    "load_first_job",
    "load_paying",
    "load_seats",
    "load_tables",
    "lock_teams",
    "save_campaigns",
    "save_job",
    "save_seats",
    "save_teams",
]

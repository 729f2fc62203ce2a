"""Every SQL statement of pricing, one module per subject."""

from services.pricing.store.facts import (
    StoredFact,
    find_fact,
    find_fill_fact,
    insert_facts,
    list_facts,
    list_tier_facts,
)
from services.pricing.store.jobs import find_jobs, find_teams_with_jobs, insert_jobs, load_first_job, save_job
from services.pricing.store.lines import insert_lines, list_lines, list_lines_of_seat
from services.pricing.store.seats import find_seat, load_paying, load_seats, save_seats
from services.pricing.store.tables import insert_tables, list_campaign_tables, load_tables
from services.pricing.store.tallies import (
    end_waiting,
    find_tally,
    find_untallied,
    find_waiting,
    insert_differences,
    insert_fixes,
    insert_tally,
    insert_waiting,
    load_tallies,
    lock_campaign,
    save_head,
    take_differences,
)
from services.pricing.store.teams import find_team, lock_teams, save_teams

__all__ = [
    "StoredFact",
    "end_waiting",
    "find_fact",
    "find_fill_fact",
    "find_jobs",
    "find_seat",
    "find_tally",
    "find_team",
    "find_teams_with_jobs",
    "find_untallied",
    "find_waiting",
    "insert_differences",
    "insert_facts",
    "insert_fixes",
    "insert_jobs",
    "insert_lines",
    "insert_tables",
    "insert_tally",
    "insert_waiting",
    "list_campaign_tables",
    "list_facts",
    "list_lines",
    "list_lines_of_seat",
    "list_tier_facts",
    "load_first_job",
    "load_paying",
    "load_seats",
    "load_tables",
    "load_tallies",
    "lock_campaign",
    "lock_teams",
    "save_head",
    "save_job",
    "save_seats",
    "save_teams",
    "take_differences",
]

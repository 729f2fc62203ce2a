"""Every SQL statement of team_formation, by what it is about."""

from services.team_formation.store.campaigns import find_campaign, insert_campaign
from services.team_formation.store.events import list_team_events
from services.team_formation.store.invites import (
    find_code,
    find_invite,
    insert_invites,
    load_invites,
    revoke_invites,
)
from services.team_formation.store.platforms import list_platforms
from services.team_formation.store.seats import (
    find_seat,
    find_seat_teams,
    insert_late_payments,
    list_seats,
    load_held,
    load_late_payments,
    load_live_of_members,
    load_seats,
    release_confirmed,
    save_seats,
)
from services.team_formation.store.teams import find_due, find_team, find_teams, insert_teams, lock_teams, save_teams

__all__ = [
    "find_campaign",
    "find_code",
    "find_due",
    "find_invite",
    "find_seat",
    "find_seat_teams",
    "find_team",
    "find_teams",
    "insert_campaign",
    "insert_invites",
    "insert_late_payments",
    "insert_teams",
    "list_platforms",
    "list_seats",
    "list_team_events",
    "load_held",
    "load_invites",
    "load_late_payments",
    "load_live_of_members",
    "load_seats",
    "lock_teams",
    "release_confirmed",
    "revoke_invites",
    "save_seats",
    "save_teams",
]
